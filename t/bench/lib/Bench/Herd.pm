# A server of the herd, or several of one configuration, for the benchmark.
package Bench::Herd;

use strict;
use warnings;
use parent -norequire, 'Bench::Server';
use Bench::Server;
use JSON::PP ();
use Test::Herd::Ports;
use Test::Herd::Time qw(wait_until);

use constant LIMITS => 'limits: { connections = 19000; address_connections = 0; clients = 20000000; };';

# names, adjacency: {name => [names]}, workers (1), messages (0), cpus. Nothing is started.
sub configure {
    my ($class, %args) = @_;
    my $dir = Bench::Server::folder();
    my @names = @{ $args{names} || ['Goloman'] };
    my %herd = (cpus => $args{cpus}, dir => $dir, names => \@names, config => "$dir/herd.conf");
    my @servers = map {
        $herd{port}{$_} = Test::Herd::Ports::take();
        qq({ name = "$_"; host = "127.0.0.1"; port = $herd{port}{$_}; peer_port = @{[Test::Herd::Ports::take()]}; })
    } @names;
    my $links = $args{adjacency} || {};
    my @links = map {
        qq({ server = "$_"; talks_to = [ @{[join ', ', map {qq("$_")} @{ $links->{$_} }]} ]; })
    } sort keys %$links;
    my $messages = $args{messages} ? 'true' : 'false';
    open my $out, '>', $herd{config} or die "$herd{config}: $!\n";
    print {$out} 'servers = (', join(', ', @servers), ");\nadjacency = (", join(', ', @links), ");\nworkers = ",
        $args{workers} // 1, ";\n", LIMITS, qq(\nlog: { file = "%n.log"; messages = $messages; };\n);
    close $out or die "$herd{config}: $!\n";
    return \%herd;
}

# Starts one of them.
sub start {
    my ($class, $herd, $name) = @_;
    my $self = $class->launch('herd', $herd->{cpus}, $herd->{dir}, $herd->{port}{$name}, $ENV{HERD}, '-c',
        $herd->{config}, '-n', $name);
    $self->{name} = $name;
    return $self;
}

# A herd of one server.
sub single {
    my ($class, %args) = @_;
    return $class->start($class->configure(%args), 'Goloman');
}

# The five of etc/herd.conf, linked.
sub five {
    my ($class, %args) = @_;
    my $herd = $class->configure(
        names => [qw(Goloman Hands Holiday Welsh Wilkes)],
        adjacency => {
            Goloman => [qw(Hands Holiday Wilkes)], Hands => ['Wilkes'], Holiday => [qw(Welsh Wilkes)],
        },
        %args,
    );
    my @servers = map { $class->start($herd, $_) } @{ $herd->{names} };
    my %links = (Goloman => 3, Hands => 2, Holiday => 3, Welsh => 1, Wilkes => 3);
    for my $server (@servers) {
        my $linked = sub { (() = $server->log =~ /Connected to server/g) >= $links{ $server->{name} } };
        wait_until($linked, "$server->{name} has its links", 20) or die "$server->{name} has not all its links\n";
    }
    return @servers;
}

sub log_file { "$_[0]{dir}/$_[0]{name}.log" }
sub log { my ($self) = @_; Bench::Machine::read_file($self->log_file) }

# The log grows by a hundred megabytes a second when messages are written. Returns the events that
# the log says it had to drop.
sub forget_log {
    my ($self) = @_;
    my $dropped = 0;
    open my $in, '<', $self->log_file or return 0;
    while (my $line = <$in>) {
        $dropped += $1 if $line =~ / warn - .*?([0-9]+) events? .*(?:missing|lost|dropped)/;
    }
    truncate $self->log_file, 0;
    return $dropped;
}

# Every counter, by USR2.
sub status {
    my ($self) = @_;
    my $find = sub { [$self->log =~ /(\{"server":.*\})$/mg] };
    my $before = @{ $find->() };
    $self->{process}->signal_to('USR2');
    my $lines = wait_until(sub { my $now = $find->(); @$now > $before && $now }, "status of $self->{name}")
        or die "$self->{name} tells no status\n";
    return JSON::PP->new->decode($lines->[-1]);
}

1;
