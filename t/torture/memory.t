# As t/memory.t, for minutes (HERD_TORTURE_SECONDS, 180), with floods on both servers and
# forget_after, so that all of the memory is taken, given back and taken again.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Squeeze;
use Test::Herd::Time qw(sanitized);

plan skip_all => 'sanitizers have memory of their own' if sanitized();
squeeze(seconds => $ENV{HERD_TORTURE_SECONDS} // 180, forget => '20s');
done_testing;
