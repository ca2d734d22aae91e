# Faults drawn at random, up to four at once, 100 times: servers killed, stopped, cut off, deaf.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Faults::Chaos;

my $why = Test::Herd::Faults::Net::cannot();
plan skip_all => $why if $why;

my $rounds = Test::Herd::Faults::amount(100);
my $f = Test::Herd::Faults::Net::five(long => 1, ids => 20_000)->begin;
Test::Herd::Faults::Chaos::run($f, $rounds);
$f->finish("$rounds rounds of several faults");
done_testing;
