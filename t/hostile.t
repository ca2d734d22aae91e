# Hostile bytes: clients that mean harm get what the manual says and cost others nothing. More of them,
# and what they do to others' p99: t/torture/hostile.t.
use Test::Herd::Needs qw(iamat whatsat invalid);
use Test::Herd;
use Test::Herd::Hostile;
use Test::Herd::Time qw(now sanitized slowly);

my $h = Test::Herd->new(workers => 1);
$h->start_all;
attacks($h, mib => 64, lines => sanitized() ? 20_000 : 50_000);
$h->stop('Goloman');

# ---- many that stall in the middle of a line, a byte now and then ----

my $count = 1000;
plan skip_all => "not $count descriptors" if !descriptors_for($count);
my $seconds = slowly(3);
$h = Test::Herd->new(limits => qq(address_connections = 0; line_time = "${seconds}s";), log => 'level = "warn";');
$h->start_all;
my $pid = $h->pid('Goloman');
my @warm = stall($h, 100);
my $kb = proportional_kb($pid);
my $began = now();
my @stalled = stall($h, $count);
my $begun = now();
my $in = sub { my $s = $h->status('Goloman'); $s->{connections_accepted} >= $count + 100 };
ok $h->wait_for($in, 'they are in'), "$count connections with a byte each";
my $each = (proportional_kb($pid) - $kb) * 1024 / $count;
cmp_ok $each, '<=', 2700, sprintf '... of %.0f bytes each', $each if !sanitized();
my ($slowest, $early, $next) = (0, 0, now() + 1);
my %left = map { $_ => 1 } 0 .. $#stalled;
while (%left && now() < $begun + 2 * $seconds + slowly(4)) {
    if (now() > $next) {
        $stalled[$_]->send_some('A') for keys %left;
        $next = now() + 1;
    }
    my $asked = now();
    $h->ask('Goloman', 'x');
    $slowest = now() - $asked if now() - $asked > $slowest;
    for my $i (keys %left) {
        $stalled[$i]->fill(0);
        next if !$stalled[$i]->ended;
        $early++ if now() < $began + $seconds;
        delete $left{$i};
    }
}
is scalar(keys %left), 0, "... a byte of each a second does not keep them: all are cut";
is $early, 0, '... none before its time';
cmp_ok now() - $begun, '<', $seconds + slowly(2.5), '... nor long behind it';
is $h->status('Goloman')->{timeouts_line}, $count + 100, '... and all are counted';
cmp_ok $slowest, '<', slowly(0.3), sprintf '... others wait %.1f ms at the most', 1000 * $slowest;
done_testing;
