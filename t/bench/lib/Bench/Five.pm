# The second table: what an update costs until five servers know it, all five together. The herd of
# etc/herd.conf takes updates at each of its servers; Redis takes them at one, and four replicas
# follow it.
package Bench::Five;

use strict;
use warnings;
use Exporter 'import';
use Bench::Herd;
use Bench::Load qw(load fill ids);
use Bench::Machine qw(cpu_ns);
use Bench::Rounds qw(rounds ratios);
use Bench::Server;
use Bench::Speed qw(figures_of);
use Bench::Table qw(title line);
use Test::Herd::Time qw(wait_until);
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(five_rows redis_synced);

use constant { QUIET_S => 0.05, QUIET_SHARE => 0.03, LOOKS => 1200 };

sub five_rows {
    return (
        [five16 => sub { five('IAMAT, five servers, depth 16', 16, 0.25) }],
        [five1  => sub { five('IAMAT, five servers, depth 1', 1, '0.40') }],
    );
}

# Waits until servers do no more than they do when nobody asks, and returns their time on a
# processor.
sub settled {
    my (@pids) = @_;
    my $before = cpu_ns(@pids);
    for (1 .. LOOKS) {
        sleep QUIET_S;
        my $now = cpu_ns(@pids);
        return $now if $now - $before < QUIET_S * 1e9 * QUIET_SHARE;
        $before = $now;
    }
    die "servers do not come to rest\n";
}

# One side of a round: what an update costs all of them, until all know it.
sub measure {
    my ($servers, $entries, %load) = @_;
    my @pids = map { $_->pid } @$servers;
    my $before = settled(@pids);
    my $said = load($entries, %load);
    return { rate => $said->{rate}, p99 => $said->{p99_us}, cpu => (settled(@pids) - $before) / $said->{requests} };
}

# Whether a replica has all of its master.
sub redis_synced {
    my ($replica, $master) = @_;
    return $replica->ask('INFO replication', qr/\n\r\n\z/) =~ /master_link_status:up/
        && $replica->ask('ZCARD places', qr/\n/) eq $master->ask('ZCARD places', qr/\n/);
}

sub five {
    my ($title, $depth, $most) = @_;
    title("$title, updates on all five");
    my %all = (herd => [Bench::Herd->five(cpus => 0)]);
    my %entry = (herd => $all{herd});
    if (Bench::Server::has('redis')) {
        my $master = Bench::Server->redis(cpus => 0);
        $all{redis} = [$master, map { Bench::Server->redis(cpus => 0, of => $master) } 1 .. 4];
        $entry{redis} = [$master];
        fill($master, ids(1e5));
        for my $replica (@{ $all{redis} }[1 .. 4]) {
            wait_until(sub { redis_synced($replica, $master) }, 'replicas', 60) or die "no replica\n";
        }
    }
    fill($all{herd}, ids(1e5));
    my @names = grep { $all{$_} } qw(redis herd);
    my %load = (work => 'store', depth => $depth, ids => ids(1e5));
    my $found = rounds(
        pids => [map { $_->pid } map {@$_} values %all],
        sides => [map { my $name = $_; ($name => sub { measure($all{$name}, $entry{$name}, %load) }) } @names],
    );
    my %label = (redis => 'Redis, four replicas', herd => 'herd of five');
    for my $name (@names) {
        my @ratio = $name eq 'herd' && $all{redis}
            ? (ratios => [ratios($found, 'cpu', 'herd', 'redis')], of => "Redis'", most => $most) : ();
        line(label => $label{$name}, values => figures_of($found, $name), @ratio);
    }
    Bench::Speed::tell_noise($found);
    Bench::Server::stop(map {@$_} values %all);
    return;
}

1;
