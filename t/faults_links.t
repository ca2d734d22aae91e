# Links that come and go, that freeze, that are slow, that lose; a server that stands still: nothing is lost, all
# are equal within two seconds.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Faults::Link;
use Test::Herd::Faults::Stop;

# Welsh has no other link; Wilkes has.
my $f = Test::Herd::Faults->five(ids => 1000, most => 4000);
Test::Herd::Faults::Link::proxies($f, ['Holiday', 'Welsh'], ['Hands', 'Wilkes'])->begin;
Test::Herd::Faults::Link::flap($f, 5, 0.5);
Test::Herd::Faults::Link::freeze($f, 3.2);
Test::Herd::Faults::Link::bad($f, '40 ms and 1 % loss', '40 1 0', 2, 2);
Test::Herd::Faults::Link::bad($f, '1 Mbit/s', '0 0 1000', 2, 4);
Test::Herd::Faults::Stop::run($f, 'Hands', 3.3);
$f->finish('5 flaps, a frozen link, two bad links, one stop');
done_testing;
