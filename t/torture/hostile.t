# Hostile bytes in numbers: 64 MiB without LF, a million bad lines; and 9,000 connections of one byte
# each ten seconds, with the limits as they are by default: the others' p99 stays what it was, as
# herd-bench tells it in nine interleaved pairs with and without them. HERD_TORTURE_SECONDS bounds
# it (180).
use Test::Herd::Needs qw(iamat whatsat invalid);
use Test::Herd;
use Test::Herd::Bench;
use Test::Herd::Hostile;
use Test::Herd::Time qw(now sanitized slowly);

use constant { STALLED => 9000, PAIRS => 9, RATIO_MAX => 1.15, TRIES => 3 };

my $h = Test::Herd->new(workers => 1);
$h->start_all;
attacks($h, mib => 64, lines => 1_000_000);
$h->stop('Goloman');

plan skip_all => 'not enough descriptors' if !descriptors_for(STALLED + 500);
plan skip_all => 'sanitizers say nothing of p99' if sanitized();
my $ends = now() + ($ENV{HERD_TORTURE_SECONDS} // 180);
my $cpus = do { open my $in, '<', '/proc/cpuinfo' or die; grep {/^processor/} <$in> };
system("taskset -pc 0 $$ >/dev/null") if $cpus > 1;    # which the server inherits
$h = Test::Herd->new(workers => 1, limits => 'address_connections = 0;', log => 'level = "warn";');
$h->start_all;
system("taskset -pc 1 $$ >/dev/null") if $cpus > 1;    # and the load this
my $pid = $h->pid('Goloman');
my $server = '127.0.0.1:' . $h->port('Goloman');

# The others: twenty, each of which asks as soon as it is answered, so that the server has no time to
# spare. Not at a fixed rate: there each pause of the machine makes all the requests late that were due
# in it, and on one whose kernel pauses for 5 ms now and then, the more so the more sockets there are,
# 9,000 connections to a process of their own spoilt the p99 of a herd beside it as much.
sub p99_us {
    my $run = bench_json($h, qw(-q -c 20 -d 2 --warm-up 0.2 -k 10000), $server);
    return $run->{latency_us}{p99} if $run->{status} == 0;
    die 'herd-bench: ', explain($run), $run->{err};
}

sub in_and_out { my $s = $h->status('Goloman'); ($s->{connections_accepted}, $s->{connections_closed}) }

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[$#sorted / 2] }

p99_us();
my ($each, $median, $tries) = (0, 1e9, 0);
while ($median > RATIO_MAX && $tries++ < TRIES && ($tries == 1 || now() < $ends)) {
    my (@ratios, @with, @without);
    for my $pair (1 .. PAIRS) {
        my ($with, $without);
        $without = p99_us() if $pair % 2;
        my $kb = proportional_kb($pid);
        my @stalled = stall($h, STALLED);
        my $in = sub { my ($in, $out) = in_and_out(); $in - $out == STALLED };
        $h->wait_for($in, 'they are in') or die "not all are in\n";
        $each ||= (proportional_kb($pid) - $kb) * 1024 / STALLED;
        $with = p99_us();
        $_->reset for @stalled;
        my $gone = sub { my ($in, $out) = in_and_out(); $in == $out };
        $h->wait_for($gone, 'they are gone') or die "not all are gone\n";
        $without //= p99_us();
        push @ratios, $with / $without;
        push @with, $with;
        push @without, $without;
    }
    $median = median(@ratios);
    diag sprintf 'p99 without them %.0f us, with them %.0f us; the median of %d pairs: %.3f (%s)', median(@without),
        median(@with), PAIRS, $median, join ' ', map { sprintf '%.2f', $_ } sort { $a <=> $b } @ratios;
}
cmp_ok $median, '<=', RATIO_MAX, sprintf "9,000 that stall: the others' p99 is %.3f of what it was", $median;
cmp_ok $each, '<=', 2700, sprintf 'each of them takes %.0f bytes', $each;

# All of them are cut at their deadline, whatever more they send.
my $before = $h->status('Goloman')->{timeouts_line};
my $began = now();
my @stalled = stall($h, STALLED);
my $begun = now();
my ($early, $again) = (0, 0);
my %left = map { $_ => 1 } 0 .. $#stalled;
while (%left && now() < $begun + 20) {
    if (!$again && now() > $begun + 9) {
        $stalled[$_]->send_some('A') for keys %left;
        $again = 1;
    }
    for my $i (keys %left) {
        $stalled[$i]->fill(0);
        next if !$stalled[$i]->ended;
        $early++ if now() < $began + 10;
        delete $left{$i};
    }
    select undef, undef, undef, 0.05;
}
is scalar(keys %left), 0, 'a byte more does not keep them: all are cut';
is $early, 0, '... none before its ten seconds';
cmp_ok now() - $begun, '<', 13, sprintf '... nor long behind them (%.1f s)', now() - $begun;
is $h->status('Goloman')->{timeouts_line} - $before, STALLED, '... and all are counted';
done_testing;
