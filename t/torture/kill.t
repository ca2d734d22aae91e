# A random server is killed, 100 times, under half of the load that the herd takes.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Faults::Kill;

my $kills = Test::Herd::Faults::amount(100);
my $f = Test::Herd::Faults->five(long => 1, ids => 50_000)->begin;
Test::Herd::Faults::Kill::run($f, $kills);
$f->finish("$kills kills");
done_testing;
