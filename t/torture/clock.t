# The clock of one server is moved by half a day, forth and back, back and forth, while it runs under
# half of the load that the herd takes: with reports kept for ever, forgotten after a day, and after
# ten minutes; and where a server refuses what is an hour ahead of its clock.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Faults::Clock;

my $why = Test::Herd::Faults::Clock::cannot();
plan skip_all => $why if $why;

my $seconds = Test::Herd::Faults::amount(20);
my @both = (43200, 0, -43200, 0);

# Which herd, which server's clock, and where it is moved.
my @runs = (
    ['forgets nothing', {}, 'Hands', @both],
    ['forgets after a day', { limits => 'forget_after = "1d"' }, 'Goloman', @both],
    ['forgets after ten minutes', { limits => 'forget_after = "10m"', dies => 1 }, 'Wilkes', @both],
    ['takes nothing an hour ahead', { limits => 'max_ahead = "1h"', may_refuse => 1 }, 'Holiday', @both],
);
for my $run (@runs) {
    my ($what, $args, $server, @offsets) = @$run;
    my $f = Test::Herd::Faults->five(long => 1, ids => 20_000, %$args);
    Test::Herd::Faults::Clock::prepare($f, $server)->begin;
    Test::Herd::Faults::Clock::run($f, $server, $seconds, @offsets);
    $f->finish("a herd that $what, the clock of $server");
}
done_testing;
