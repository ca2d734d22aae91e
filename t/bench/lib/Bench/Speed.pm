# The first table: what a request costs one server, beside what it costs the floor server,
# memcached and Redis; and what more workers, more clients, messages in the log and idle connections
# change in that.
package Bench::Speed;

use strict;
use warnings;
use Exporter 'import';
use Bench::Herd;
use Bench::Load qw(load fill ids hold back seconds);
use Bench::Machine qw(processors);
use Bench::Rounds qw(rounds column median ratios);
use Bench::Server;
use Bench::Table qw(title line note commas);

use constant { WARM_UP_S => 0.2, LOG_MIB => 600 };    # of a second's log, at the most

our @EXPORT_OK = qw(speed_rows figures_of);

my %label = (floor => 'floor', herd => 'herd', memcached => 'memcached', redis => 'Redis');

# How a row is called in BENCH_ONLY, and what measures it.
sub speed_rows {
    return (
        [iamat1    => sub { beside('IAMAT, depth 1', 1.15, work => 'store', depth => 1, ids => 1e5) }],
        [iamat16   => sub { beside('IAMAT, depth 16', 1.75, work => 'store', depth => 16, ids => 1e5) }],
        [iamat16m  => sub { beside('IAMAT, depth 16', 1.85, work => 'store', depth => 16, ids => 1e6) }],
        [whatsat16 => sub { beside('WHATSAT id 0 0, depth 16', '1.60', work => 'ask', depth => 16, ids => 1e5) }],
        [workers   => \&two_workers],
        [held      => \&held],
        [messages  => \&messages],
        [idle      => \&idle],
    );
}

# One side of a round: the load, and what it cost this server.
sub measure {
    my ($server, %load) = @_;
    my $said = load($server, %load, warm_up => WARM_UP_S);
    return { rate => $said->{rate}, p99 => $said->{p99_us}, cpu => $said->{cpu_ns} / $said->{requests} };
}

# The three figures of a side, as the table has them.
sub figures_of {
    my ($found, $name) = @_;
    my ($rate, $p99, $cpu) = map { median(column($found, $name, $_)) } qw(rate p99 cpu);
    return [commas($rate), commas($p99), sprintf '%.3f', $cpu / 1000];
}

# What to say of rounds that were not quiet.
sub tell_noise {
    my ($found) = @_;
    note("others were busy: $found->{repeated} rounds repeated, $found->{noisy} kept all the same")
        if $found->{repeated} || $found->{noisy};
    return;
}

# herd with all ids, the floor server with herd's answer, and those of the others that are there.
sub servers_for {
    my (%load) = @_;
    my %server = (herd => Bench::Herd->single(cpus => 0));
    fill($server{herd}, $load{ids});
    my $answer = Bench::Load::sample($server{herd}, $load{work});
    $server{floor} = Bench::Server->floor(cpus => 0, answer => $answer);
    for my $kind (grep { Bench::Server::has($_) } qw(memcached redis)) {
        $server{$kind} = Bench::Server->$kind(cpus => 0);
        fill($server{$kind}, $load{ids});
    }
    return %server;
}

sub beside {
    my ($title, $most, %load) = @_;
    $load{ids} = ids($load{ids});
    title("$title, " . commas($load{ids}) . ' ids');
    my %server = servers_for(%load);
    my @names = grep { $server{$_} } qw(floor herd memcached redis);
    my $found = rounds(
        pids => [map { $_->pid } values %server],
        sides => [map { my $s = $server{$_}; ($_ => sub { measure($s, %load) }) } @names],
    );
    for my $name (@names) {
        my @ratio = $name eq 'floor' ? () : (ratios => [ratios($found, 'cpu', $name, 'floor')], of => "floor's");
        push @ratio, most => $most if $name eq 'herd';
        line(label => $label{$name}, values => figures_of($found, $name), @ratio);
    }
    tell_noise($found);
    Bench::Server::stop(values %server);
    return;
}

# Two servers of the same kind that differ in one thing: what that costs.
sub two_of {
    my ($most, $one, $other, %args) = @_;
    my %server = ($one->[0] => $one->[1], $other->[0] => $other->[1]);
    my $ids = $args{ids} || {};
    my $after = $args{after} || sub { };
    my $side = sub {
        my ($name) = @_;
        my $figures = measure($server{$name}, work => 'store', depth => 16, ids => $ids->{$name} // ids(1e5));
        $after->($server{$name});
        return $figures;
    };
    my $found = rounds(
        pids => [map { $_->pid } values %server],
        sides => [map { my $name = $_; ($name => sub { $side->($name) }) } $one->[0], $other->[0]],
    );
    line(label => $one->[0], values => figures_of($found, $one->[0]));
    line(label => $other->[0], values => figures_of($found, $other->[0]),
        ratios => [ratios($found, 'cpu', $other->[0], $one->[0])], of => $one->[0], most => $most);
    tell_noise($found);
    return;
}

# Both processors are the servers' here, and the load's too: two threads that never run at the same
# time would never wait for each other.
sub two_workers {
    my $all = '0-' . (processors() - 1);
    title('two workers, IAMAT, depth 16, on all processors');
    my %server;
    $server{herd1} = Bench::Herd->single(cpus => $all, workers => 1);
    $server{herd2} = Bench::Herd->single(cpus => $all, workers => 2);
    fill($server{$_}, ids(1e5)) for qw(herd1 herd2);
    my $answer = Bench::Load::sample($server{herd1}, 'store');
    $server{"floor$_"} = Bench::Server->floor(cpus => $all, threads => $_, answer => $answer) for 1, 2;
    my %load = (work => 'store', depth => 16, ids => ids(1e5), cpus => $all);
    my $found = rounds(
        pids => [map { $_->pid } values %server],
        sides => [map { my $s = $server{$_}; ($_ => sub { shares($s, %load) }) } qw(floor1 floor2 herd1 herd2)],
    );
    my %more;
    $more{$_} = [ratios($found, 'cpu', "${_}2", "${_}1")] for qw(floor herd);
    for (['floor', 'thread'], ['herd', 'worker']) {
        my ($name, $thread) = @$_;
        line(label => "$name, one $thread", values => figures_of($found, "${name}1"));
        line(label => "$name, two ${thread}s", values => figures_of($found, "${name}2"),
            ratios => $more{$name}, of => 'one');
    }
    my @both = map { $more{herd}[$_] / $more{floor}[$_] } 0 .. $#{ $more{herd} };
    line(label => "herd's ratio", ratios => \@both, of => "floor's ratio", most => '1.10');
    my $share = median(column($found, 'herd2', 'share'));
    line(label => 'busier worker', values => [sprintf '%.0f %%', 100 * $share], value => 100 * $share, most => 60,
        unit => '%');
    tell_noise($found);
    Bench::Server::stop(values %server);
    return;
}

# As measure, and the busier worker's share of what the two busiest threads took.
sub shares {
    my ($server, %load) = @_;
    my %before = %{ $server->threads_ns };
    my $figures = measure($server, %load);
    my %now = %{ $server->threads_ns };
    my ($most, $next) = sort { $b <=> $a } map { $now{$_} - ($before{$_} // 0) } keys %now;
    $figures->{share} = $most / ($most + ($next // 0));
    return $figures;
}

sub held {
    my ($few, $many) = (ids(1e5), ids(1e7));
    title('clients held, one server, IAMAT to all of them, depth 16');
    my ($first, $second) = ('few: ' . commas($few), 'many: ' . commas($many));
    my %ids = ($first => $few, $second => $many);
    my %server = map { $_ => Bench::Herd->single(cpus => 0) } keys %ids;
    fill($server{$_}, $ids{$_}) for keys %ids;
    two_of('1.30', [$first => $server{$first}], [$second => $server{$second}], ids => \%ids);
    Bench::Server::stop(values %server);
    return;
}

sub messages {
    title('messages in the log, IAMAT, depth 16');
    my @server = map { Bench::Herd->single(cpus => 0, messages => $_) } 0, 1;
    fill($_, ids(1e5)) for @server;
    $_->forget_log for @server;
    my $backed = back(1 + int 5 * LOG_MIB * (WARM_UP_S + seconds()));    # blocks of every size are among them
    my $dropped = 0;
    two_of(1.35, ['off' => $server[0]], ['on' => $server[1]], after => sub { $dropped += $_[0]->forget_log });
    $backed->();
    note(commas($dropped) . ' events dropped, as they came too fast for the log') if $dropped;
    Bench::Server::stop(@server);
    return;
}

sub idle {
    my $count = $ENV{BENCH_IDLE} // 10000;
    title(commas($count) . ' idle connections beside the load, IAMAT, depth 16');
    my @server = map { Bench::Herd->single(cpus => 0) } 0, 1;
    fill($_, ids(1e5)) for @server;
    my $held = hold($server[1], $count);
    two_of(1.05, ['none' => $server[0]], [commas($count) => $server[1]]);
    $held->();
    Bench::Server::stop(@server);
    return;
}

1;
