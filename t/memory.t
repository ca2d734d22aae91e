# A server in a control group of 256 MiB, of which limits.memory is 160, under an id flood, neighbours
# that do not read and clients that never read, all at once. Minutes of it: t/torture/memory.t.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Squeeze;
use Test::Herd::Time qw(sanitized);

plan skip_all => 'sanitizers have memory of their own' if sanitized();
squeeze(seconds => 14);
done_testing;
