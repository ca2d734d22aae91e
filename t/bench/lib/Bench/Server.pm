# The servers that are measured: each on the processors it is given, a free port, in a folder of its
# own, and ended by its number.
package Bench::Server;

use strict;
use warnings;
use File::Temp ();
use IO::Socket::INET ();
use Test::Herd::Ports;
use Test::Herd::Process;
use Test::Herd::Time qw(wait_until);
use Bench::Machine ();

use constant DESCRIPTORS => 20000;

my %program = (memcached => 'memcached', redis => 'redis-server');
my @all;

# The path of a program that is to be measured too; undef: it is not installed, or not asked for.
sub has {
    my ($kind) = @_;
    return if defined $ENV{BENCH_SIDES} && !grep { $_ eq $kind } split /,/, $ENV{BENCH_SIDES};
    my ($path) = grep { -x } map {"$_/$program{$kind}"} split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
    return $path;
}

# cpus: where it may run, as taskset -c takes it.
sub launch {
    my ($class, $kind, $cpus, $dir, $port, @command) = @_;
    local $Test::Herd::Process::descriptors = DESCRIPTORS;
    my $self = bless {
        kind => $kind, port => $port, dir => $dir,
        process => Test::Herd::Process->new("$dir", $kind, 'taskset', '-c', $cpus, @command),
    }, $class;
    push @all, $self;
    wait_until(
        sub {
            die "$kind ended at its start: ", $self->{process}->err, "\n" if !$self->{process}->running;
            return $self->connect;
        },
        "$kind takes connections", 30
    ) or die "$kind does not start\n";
    return $self;
}

sub connect { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0]{port}) }
sub pid { $_[0]{process}{pid} }
sub cpu_ns { Bench::Machine::cpu_ns($_[0]->pid) }
sub pss_bytes { Bench::Machine::pss_bytes($_[0]->pid) }
sub threads_ns { Bench::Machine::threads_ns($_[0]->pid) }
sub folder { File::Temp->newdir('herd-bench-XXXXXX', TMPDIR => 1) }

# answer: what it says to each line.
sub floor {
    my ($class, %args) = @_;
    my $port = Test::Herd::Ports::take();
    return $class->launch('floor', $args{cpus}, folder(), $port, "$ENV{HERD_BUILDDIR}/t/bench/floor", $port,
        $args{threads} // 1, $args{answer});
}

sub memcached {
    my ($class, %args) = @_;
    my $port = Test::Herd::Ports::take();
    return $class->launch('memcached', $args{cpus}, folder(), $port, has('memcached'), '-t', 1, '-U', 0, '-m', 4096,
        '-c', DESCRIPTORS - 1000, '-l', '127.0.0.1', '-p', $port, $> == 0 ? ('-u', 'root') : ());
}

# of: the server that it is a replica of.
sub redis {
    my ($class, %args) = @_;
    my $port = Test::Herd::Ports::take();
    my @of = $args{of} ? ('--replicaof', "127.0.0.1 $args{of}{port}") : ();
    return $class->launch('redis', $args{cpus}, folder(), $port, has('redis'), '--port', $port, '--bind', '127.0.0.1',
        '--save', '', '--appendonly', 'no', '--protected-mode', 'no', '--io-threads', 1,
        '--repl-diskless-sync-delay', 0, '--client-output-buffer-limit', 'replica 0 0 0', @of);
}

# How it ended, if it did.
sub obituary {
    my ($self) = @_;
    my $process = $self->{process};
    return if $process->running;
    my $how = $process->signal ? 'signal ' . $process->signal : 'status ' . $process->status;
    return "$self->{kind} has ended, $how: " . $process->err . "\n";
}

# Ends servers, and waits for it.
sub stop {
    my (@servers) = @_;
    $_->{process}->ask('TERM') for @servers;
    for my $server (@servers) {
        $server->{process}->wait_end(10) or $server->{process}->end_by_force;
    }
    my %gone = map { $_ => 1 } @servers;
    @all = grep { !$gone{$_} } @all;
    return;
}

# One line to a server of text protocols, and the answer up to what ends it.
sub ask {
    my ($self, $line, $end) = @_;
    my $socket = $self->connect or die "$self->{kind}: $!\n";
    print {$socket} "$line\r\n";
    my $answer = '';
    while ($answer !~ $end) {
        sysread($socket, $answer, 65536, length $answer) or die "$self->{kind} does not answer $line\n";
    }
    return $answer;
}

END {
    my $status = $?;
    $_->{process}->end_by_force for @all;
    $? = $status;
}

1;
