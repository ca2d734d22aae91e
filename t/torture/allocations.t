# All of t/allocations.t: each call, each error, each place.
use strict;
use warnings;

$ENV{HERD_FAILING_LONG} = 1;
defined(do "$ENV{HERD_SRCDIR}/t/allocations.t") or die $@ || $!;
