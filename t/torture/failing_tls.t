# All of t/failing_tls.t: each call, each error, many places.
use strict;
use warnings;

$ENV{HERD_FAILING_LONG} = 1;
defined(do "$ENV{HERD_SRCDIR}/t/failing_tls.t") or die $@ || $!;
