# Links that come and go each second, 100 times; that are frozen for up to 10 s; one of 40 ms and 1 %
# loss, and one of 1 Mbit/s; a server that stands still for a minute. Under half of the load that the
# herd takes.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Faults::Link;
use Test::Herd::Faults::Stop;

my $amount = \&Test::Herd::Faults::amount;

# A thousand clients are 80 kB, which 1 Mbit/s carries in two thirds of a second.
my $f = Test::Herd::Faults->five(long => 1, ids => 1000);
Test::Herd::Faults::Link::proxies($f, ['Holiday', 'Welsh'], ['Hands', 'Wilkes'])->begin;
Test::Herd::Faults::Link::flap($f, $amount->(100), 1);
Test::Herd::Faults::Link::freeze($f, map { $_ / 2 } 1 .. $amount->(20));
Test::Herd::Faults::Link::bad($f, '40 ms and 1 % loss', '40 1 0', $amount->(60), 4);
Test::Herd::Faults::Link::bad($f, '1 Mbit/s', '0 0 1000', $amount->(60), 6);
$f->finish('links');

my $stopped = Test::Herd::Faults->five(long => 1, ids => 50_000)->begin;
Test::Herd::Faults::Stop::run($stopped, $_, $amount->(60)) for 'Hands', 'Wilkes';    # without which the others are one herd
$stopped->finish('two servers that stood still');
done_testing;
