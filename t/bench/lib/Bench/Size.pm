# The third table: bytes a client and a connection, how soon an empty server has everything, and how
# soon another server answers for what one has heard.
package Bench::Size;

use strict;
use warnings;
use Exporter 'import';
use Bench::Five qw(redis_synced);
use Bench::Herd;
use Bench::Load qw(fill ids hold converge ask_once);
use Bench::Machine qw(busy_begin busy_others processors);
use Bench::Rounds qw(median ratios rounds column);
use Bench::Server;
use Bench::Table qw(title line commas);
use Test::Herd::Time qw(wait_until);
use Time::HiRes qw(time sleep);

our @EXPORT_OK = qw(size_rows);

my %label = (herd => 'herd', memcached => 'memcached', redis => 'Redis');

sub size_rows {
    return ([bytes => \&bytes], [idlebytes => \&idle_bytes], [rejoin => \&rejoin], [hops => \&hops]);
}

sub start {
    my ($kind) = @_;
    return Bench::Herd->single(cpus => 0) if $kind eq 'herd';
    return Bench::Server::has($kind) ? Bench::Server->$kind(cpus => 0) : undef;
}

# What a server counts itself.
sub counted {
    my ($server) = @_;
    return $server->status->{clients} if $server->{kind} eq 'herd';
    return ($server->ask('ZCARD places', qr/\n/) =~ /([0-9]+)/)[0] if $server->{kind} eq 'redis';
    return ($server->ask('stats', qr/END/) =~ /STAT curr_items ([0-9]+)/)[0];
}

sub bytes {
    my $ids = ids(1e6);
    title('bytes a stored client, 20-byte ids, ' . commas($ids) . ' of them');
    for my $kind (qw(herd memcached redis)) {
        my $server = start($kind) or next;
        my $before = $server->pss_bytes;
        fill($server, $ids);
        my $each = ($server->pss_bytes - $before) / counted($server);
        line(label => $label{$kind}, values => [sprintf '%.1f', $each], value => $each,
            $kind eq 'herd' ? (most => 105, unit => 'bytes') : ());
        Bench::Server::stop($server);
    }
    return;
}

sub idle_bytes {
    my $count = $ENV{BENCH_IDLE} // 10000;
    title('bytes an idle connection that has asked once, ' . commas($count) . ' of them');
    for my $kind (qw(herd memcached redis)) {
        my $server = start($kind) or next;
        ask_once($server);
        my $before = $server->pss_bytes;
        my $held = hold($server, $count);
        my $each = ($server->pss_bytes - $before) / $count;
        $held->();
        line(label => $label{$kind}, values => [sprintf '%.0f', $each], value => $each,
            $kind eq 'herd' ? (most => 260, unit => 'bytes') : ());
        Bench::Server::stop($server);
    }
    return;
}

# ---- an empty neighbour ----

# Asks again and again, cheaply, and returns the seconds since then.
sub until_all {
    my ($since, $ready) = @_;
    until ($ready->()) {
        die "an empty server does not get everything within 120 s\n" if time - $since > 120;
        sleep 0.005;
    }
    return time - $since;
}

# Starts Hands, which dials Goloman. It has all when it counts as many; each count is a line in its log.
sub rejoin_herd {
    my ($herd, $ids) = @_;
    my $since = time;
    my $hands = Bench::Herd->start($herd, 'Hands');
    my $took = until_all($since, sub { $hands->status->{clients} >= $ids });
    Bench::Server::stop($hands);
    return { seconds => $took };
}

sub rejoin_redis {
    my ($master, $cpus) = @_;
    my $since = time;
    my $replica = Bench::Server->redis(cpus => $cpus, of => $master);
    my $took = until_all($since, sub { redis_synced($replica, $master) });
    Bench::Server::stop($replica);
    return { seconds => $took };
}

# The two servers have all processors: each has work to do at the same time.
sub rejoin {
    my $ids = ids(1e6);
    my $cpus = '0-' . (processors() - 1);
    title('seconds until an empty neighbour has ' . commas($ids) . ' clients, from its start');
    my $herd = Bench::Herd->configure(cpus => $cpus, names => [qw(Goloman Hands)],
        adjacency => { Hands => ['Goloman'] });
    my $goloman = Bench::Herd->start($herd, 'Goloman');
    fill($goloman, $ids);
    my @sides = (herd => sub { rejoin_herd($herd, $ids) });
    my $master;
    if (Bench::Server::has('redis')) {
        $master = Bench::Server->redis(cpus => $cpus);
        fill($master, $ids);
        unshift @sides, redis => sub { rejoin_redis($master, $cpus) };
    }
    my $found = rounds(pids => [map { $_->pid } grep {$_} $goloman, $master], sides => \@sides);
    my $median = sub { sprintf '%.3f', median(column($found, $_[0], 'seconds')) };
    line(label => 'Redis replica', values => [$median->('redis')]) if $master;
    line(label => 'herd', values => [$median->('herd')],
        $master ? (ratios => [ratios($found, 'seconds', 'herd', 'redis')], of => "Redis'", most => 0.75) : ());
    Bench::Speed::tell_noise($found);
    Bench::Server::stop(grep {$_} $goloman, $master);
    return;
}

# ---- two hops ----

sub hops {
    title('microseconds from an IAMAT at Goloman until Welsh answers (two hops), 3 ms between reports');
    my @five = Bench::Herd->five(cpus => 0);
    my $found = rounds(pids => [map { $_->pid } @five], sides => [hops => sub { converge(@five[0, 3]) }]);
    my ($one, $p50, $p99) = map { median(column($found, 'hops', $_)) } qw(answer_us p50_us p99_us);
    line(label => 'one answer, p50', values => [sprintf '%.0f', $one]);
    line(label => 'Welsh knows, p50', values => [sprintf '%.0f', $p50],
        ratios => [map { $_->{hops}{p50_us} / $_->{hops}{answer_us} } @{ $found->{rounds} }],
        of => 'one answer', most => 3.5);
    line(label => 'Welsh knows, p99', values => [sprintf '%.0f', $p99], value => $p99 / 1000,
        most => '2.0', unit => 'ms');
    Bench::Speed::tell_noise($found);
    Bench::Server::stop(@five);
    return;
}

1;
