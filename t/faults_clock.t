# The clock of a server is moved by half a day, both ways, while it runs: nothing is lost, all are
# equal within two seconds.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Faults::Clock;

my $why = Test::Herd::Faults::Clock::cannot();
plan skip_all => $why if $why;

my $f = Test::Herd::Faults->five(limits => 'forget_after = "1d"');
Test::Herd::Faults::Clock::prepare($f, 'Hands')->begin;
Test::Herd::Faults::Clock::run($f, 'Hands', 1, 43200, 0, -43200, 0);
$f->finish('the clock moved four times');
done_testing;
