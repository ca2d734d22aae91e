# Runs real servers for a test: makes their configuration in a folder of its own, starts and ends
# them, talks to them and reads their logs. Nothing here waits for a time: everything waits for a
# condition and gives up after one. At its end (done_testing) it adds to every plan that the servers
# ended well and said nothing alarming. The one hard thing is to leave no process behind, however
# the test ends: see END, and Test::Herd::Process.
#
#     use Test::Herd;          # strict, warnings, Test::More
#     my $h = Test::Herd->new(servers => ['Goloman', 'Hands'], adjacency => {Goloman => ['Hands']});
#     $h->start_all;
#     is $h->ask('Goloman', 'YOLO'), '? YOLO', 'an unknown verb';
#     done_testing;
package Test::Herd;

use strict;
use warnings;
use Test::More ();
use File::Spec ();
use File::Temp ();
use JSON::PP ();
use Test::Herd::Client;
use Test::Herd::Ports;
use Test::Herd::Process;
use Test::Herd::Time qw(wait_until slowly);

my @herds;    # every one of this test

sub import {
    my $caller = caller;
    strict->import;
    warnings->import;
    no strict 'refs';
    for my $name (@Test::More::EXPORT) {
        next if $name !~ /^\w+$/ || $name eq 'done_testing';
        *{"${caller}::$name"} = \&{"Test::More::$name"};
    }
    *{"${caller}::TODO"} = *Test::More::TODO;
    *{"${caller}::done_testing"} = \&done_testing;
}

# servers: names (default Goloman). adjacency: {name => [names]}. limits, link, tls, log, places: what
# to add in that group of the configuration; with tls, each server has a port for it. extra: what to add at its top. workers: default 2. name:
# part of the folder's name.
sub new {
    my ($class, %args) = @_;
    $ENV{HERD} or Test::More::BAIL_OUT('HERD does not name the program to test');
    $ENV{HERD} = File::Spec->rel2abs($ENV{HERD});    # servers run in their own folder
    my $self = bless {
        servers => ['Goloman'], adjacency => {}, workers => 2, extra => '',
        limits => '', link => '', tls => '', log => '', places => '', %args,
        dir => File::Temp->newdir('herd-test-XXXXXX', TMPDIR => 1),
        process => {}, allowed => [qr/places\.geojson/], runs => 0,
    }, $class;
    for my $name (@{ $self->{servers} }) {
        $self->{port}{$name} = Test::Herd::Ports::take();
        $self->{peer_port}{$name} = Test::Herd::Ports::take();
        $self->{tls_port}{$name} = Test::Herd::Ports::take() if $self->{tls};
    }
    $self->configure($self->config_text);
    push @herds, $self;
    return $self;
}

# The herd of etc/herd.conf: five servers, six links.
sub five {
    my ($class, %args) = @_;
    return $class->new(
        servers => [qw(Goloman Hands Holiday Welsh Wilkes)],
        adjacency => {
            Goloman => [qw(Hands Holiday Wilkes)], Hands => ['Wilkes'], Holiday => [qw(Welsh Wilkes)],
        },
        %args,
    );
}

sub servers { @{ $_[0]{servers} } }
sub port { $_[0]{port}{ $_[1] } // die "no server $_[1]\n" }
sub tls_port { $_[0]{tls_port}{ $_[1] } // die "no server $_[1]\n" }
sub peer_port { $_[0]{peer_port}{ $_[1] } // die "no server $_[1]\n" }
sub dir { "$_[0]{dir}" }
sub file { "$_[0]{dir}/$_[1]" }
sub config { $_[0]->file('herd.conf') }
sub wait_for { my ($self, $sub, $what, $seconds) = @_; wait_until($sub, $what, $seconds) }

# ---- files ----

sub config_text {
    my ($self) = @_;
    my @servers = map {
        qq({ name = "$_"; host = "127.0.0.1"; port = $self->{port}{$_}; )
            . qq(peer_port = $self->{peer_port}{$_}; )
            . ($self->{tls} ? qq(tls_port = $self->{tls_port}{$_}; }) : '}')
    } $self->servers;
    my %links = %{ $self->{adjacency} };
    my @links = map {
        my $to = join ', ', map {qq("$_")} @{ $links{$_} };
        qq({ server = "$_"; talks_to = [ $to ]; })
    } sort keys %links;
    my $text = "servers = (\n  " . join(",\n  ", @servers) . "\n);\n";
    $text .= "adjacency = (\n  " . join(",\n  ", @links) . "\n);\n" if @links;
    $text .= "workers = $self->{workers};\n";
    $text .= "$_: { $self->{$_} };\n" for grep { $self->{$_} } qw(limits link tls log places);
    return $text . $self->{extra};
}

# Writes the configuration file anew.
sub configure { my ($self, $text) = @_; $self->write('herd.conf', $text) }

sub write {
    my ($self, $name, $bytes) = @_;
    open my $out, '>:raw', $self->file($name) or die $self->file($name), ": $!\n";
    print {$out} $bytes;
    close $out or die $self->file($name), ": $!\n";
    return $self->file($name);
}

sub read {
    my ($self, $name) = @_;
    open my $in, '<:raw', $self->file($name) or return '';
    local $/;
    return <$in> // '';
}

# ---- processes ----

# Runs the program to its end. Returns {status, signal, out, err}.
sub run {
    my ($self, @args) = @_;
    my $process = $self->launch('run' . ++$self->{runs}, @args);
    $process->wait_end or die "herd @args does not end\n";
    $process->{asked} = 0;    # its status is the caller's to judge
    return { status => $process->status, signal => $process->signal, out => $process->out,
        err => $process->err };
}

# How many descriptors, or KiB of addresses, a process may have that is started from now on.
sub limit_descriptors { my ($self, $count) = @_; $self->{limit} = "-n $count" }
sub limit_addresses { my ($self, $kb) = @_; $self->{limit} = "-v $kb" }

# Has processes join a Test::Herd::Cgroup that are started from now on.
sub confine { my ($self, $group) = @_; $self->{group} = $group }

# Starts the program and does not wait for anything. label: how the test calls the process.
sub launch {
    my ($self, $label, @args) = @_;
    local $Test::Herd::Process::limit = $self->{limit};
    local $Test::Herd::Process::group = $self->{group} && $self->{group}->folder;
    my $process = Test::Herd::Process->new($self->dir, $label, $ENV{HERD}, @args);
    push @{ $self->{all} }, $process;
    return $self->{process}{$label} = $process;
}

# Takes over a process that another one started; it is ended with the test.
sub adopt {
    my ($self, $label, $pid) = @_;
    my $process = Test::Herd::Process->adopt($label, $pid);
    push @{ $self->{all} }, $process;
    return $self->{process}{$label} = $process;
}

# Starts servers, more options after a reference: start('Goloman', ['-p', 'pid']). Returns when all
# of them serve.
sub start {
    my ($self, @names) = @_;
    my @options = map { ref $_ ? @$_ : () } @names;
    @names = grep { !ref $_ } @names;
    my %seen = map { $_ => length $self->log($_) } @names;
    $self->launch($_, '-c', $self->config, '-n', $_, @options) for @names;
    $self->wait_serving($_, $seen{$_}) for @names;
    return $self;
}

sub start_all { my ($self) = @_; $self->start($self->servers) }

sub wait_serving {
    my ($self, $name, $seen) = @_;
    my $process = $self->{process}{$name};
    my $silent = "$self->{log}$self->{extra}" =~ /level\s*=\s*"(?:warn|error)"|file\s*=/;
    wait_until(
        sub {
            die "$name ended at its start: ", $process->err, "\n" if !$process->running;
            return eval { $self->connect($name)->close; 1 } if $silent;
            return substr($self->log($name), $seen) =~ /Serving on /;
        },
        "$name serves", 20
    ) or die "$name does not serve: ", $process->err, $self->log($name), "\n";
}

sub process { $_[0]{process}{ $_[1] } // die "$_[1] was never started\n" }
sub pid { $_[0]->process($_[1])->{pid} }
sub running { my ($self, $name) = @_; exists $self->{process}{$name} && $self->process($name)->running }

# Asks servers to stop (TERM) and waits for it; its exit status is judged at the end.
sub stop {
    my ($self, @names) = @_;
    $self->process($_)->ask('TERM') for @names;
    return $self->ended(@names);
}

# Waits until servers that somebody has asked to stop have ended. Returns the last one's status.
sub ended {
    my ($self, @names) = @_;
    for my $name (@names) {
        $self->process($name)->{asked} = 1;
        $self->process($name)->wait_end or die "$name does not stop\n";
    }
    return $self->process($names[-1])->status;
}

sub signal { my ($self, $name, $signal) = @_; $self->process($name)->signal_to($signal) }
sub kill9 { my ($self, @names) = @_; $self->process($_)->kill9 for @names }
sub pause { my ($self, @names) = @_; $self->process($_)->pause for @names }
sub cont { my ($self, @names) = @_; $self->signal($_, 'CONT') for @names }

# ---- talking ----

sub connect { my ($self, $name) = @_; Test::Herd::Client->new($self->port($name)) }
sub connect_peer { my ($self, $name) = @_; Test::Herd::Client->new($self->peer_port($name)) }

# One line on a connection of its own; returns the first line of the answer.
sub ask {
    my ($self, $name, $line) = @_;
    my $client = $self->connect($name);
    my $answer = $client->ask($line);
    $client->close;
    return $answer;
}

# The whole answer to one line: all there is until the server closes.
sub answer {
    my ($self, $name, $line) = @_;
    my $client = $self->connect($name);
    $client->send("$line\n");
    $client->shut;
    return $client->all;
}

# The AT line that a server has for a client; undef: it does not know it.
sub at_line {
    my ($self, $name, $client) = @_;
    my $line = $self->ask($name, "WHATSAT $client 0 0");
    return defined $line && $line =~ /^AT / ? $line : undef;
}

# ---- what it says of itself ----

sub log { my ($self, $name) = @_; $self->read("$name.log") }
sub stderr_of { my ($self, $name) = @_; $self->process($name)->err }

# Waits for a line of the log. Returns the first that matches.
sub wait_log {
    my ($self, $name, $what, $seconds) = @_;
    my $find = sub { (grep { /$what/ } split /\n/, $self->log($name))[0] };
    return wait_until($find, "$name logs $what", $seconds);
}

# Every counter, by USR2. Returns a hash.
sub status {
    my ($self, $name) = @_;
    my $find = sub { my @lines = $self->log($name) =~ /(\{"server":.*\})$/mg; \@lines };
    my $before = @{ $find->() };
    $self->signal($name, 'USR2');
    my $lines = wait_until(sub { my $now = $find->(); @$now > $before && $now }, "status of $name")
        or return {};
    return JSON::PP->new->decode($lines->[-1]);
}

# Warnings and errors of this kind are what the test wants.
sub allow { my ($self, @kinds) = @_; push @{ $self->{allowed} }, @kinds }

# ---- the end ----

sub alarming {
    my ($self) = @_;
    my @found;
    for my $file (glob($self->file('*.log*'))) {
        open my $in, '<:raw', $file or next;
        while (my $line = <$in>) {
            next if $line !~ /^\S+Z (?:warn|error) /;
            push @found, $line if !grep { $line =~ $_ } @{ $self->{allowed} };
        }
    }
    return @found;
}

# Ends all servers; adds three tests.
sub check_end {
    my ($self) = @_;
    return if $self->{checked}++;
    my @all = @{ $self->{all} || [] };
    $_->ask('TERM') for grep { $_->running } @all;
    $_->wait_end for @all;
    my $is_none = sub {
        my ($name, @found) = @_;
        Test::More::ok(!@found, $name) or Test::More::diag(@found[0 .. ($#found < 9 ? $#found : 9)]);
    };
    $is_none->('servers that were asked to stop ended with 0', grep {$_} map { $_->complaint } @all);
    $is_none->('no alarming line in a log', $self->alarming);
    $is_none->('no sanitizer report', map { $_->reports } @all);
    $self->keep if $ENV{HERD_KEEP};
}

# HERD_KEEP=1 leaves the folder of logs behind, to be looked at.
sub keep {
    my ($self) = @_;
    $self->{dir}->unlink_on_destroy(0);
    Test::More::diag("kept: $self->{dir}");
}

sub done_testing {
    $_->check_end for @herds;
    Test::More::done_testing(@_);
}

$SIG{PIPE} = 'IGNORE';
$SIG{$_} = sub { exit 1 }
    for qw(INT TERM HUP);

# A test that dies leaves its servers to this.
END {
    my $status = $?;
    $_->end_by_force for map { @{ $_->{all} || [] } } @herds;
    $? = $status;
}

1;
