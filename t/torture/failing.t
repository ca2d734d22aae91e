# All of t/failing.t: each call, each error, each place.
use strict;
use warnings;

$ENV{HERD_FAILING_LONG} = 1;
defined(do "$ENV{HERD_SRCDIR}/t/failing.t") or die $@ || $!;
