# Five servers that share one processor, and more updates than their sockets take at once: the links
# have to write, wait and read by turns, and none may wait for ever.
use Test::Herd::Needs qw(iamat at);
use Test::Herd;
use Test::Herd::Time qw(sanitized);

my $bench = "$ENV{HERD_BUILDDIR}/herd-bench";
plan skip_all => "no $bench" if !-x $bench;
my $ids = sanitized() ? 20000 : 100000;
my @elsewhere = do { open my $in, '<', '/proc/cpuinfo' or die; grep {/^processor/} <$in> } > 1 ? qw(taskset -c 1) : ();
system("taskset -pc 0 $$ >/dev/null");    # which the servers inherit

my $h = Test::Herd->five(workers => 1, log => 'messages = false;');
$h->start_all;
my %links = (Goloman => 3, Hands => 2, Holiday => 3, Welsh => 1, Wilkes => 3);
for my $server ($h->servers) {
    my $linked = sub { (() = $h->log($server) =~ /Connected to server/g) == $links{$server} };
    ok($h->wait_for($linked, "$server has its links"), "$server has its links");
}
my @load = (@elsewhere, $bench, qw(-q -o json -c 50 -P 64 --fill --warm-up 0 -N 1 -k), $ids);
my $said = `@load @{[map { '127.0.0.1:' . $h->port($_) } $h->servers]} 2>&1`;
is($?, 0, 'a load on all five') or diag($said);
for my $server ($h->servers) {
    my $all = sub { $h->status($server)->{clients} == $ids };
    ok($h->wait_for($all, "$server knows all", 20), "$server knows all");
}
for my $server ($h->servers) {
    is(() = $h->log($server) =~ /Dropped connection to server/g, 0, "$server kept its links");
}
done_testing();
