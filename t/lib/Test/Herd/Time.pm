# Waiting for conditions. Programs built with sanitizers, or to count what is run, or that run under
# valgrind are given five times as long.
package Test::Herd::Time;

use strict;
use warnings;
use Exporter 'import';
use Test::More ();
use Time::HiRes ();

our @EXPORT_OK = qw(wait_until slowly now sanitized);
my %built;

sub now { Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }

# How many seconds that is for this build of the program.
sub slowly {
    my ($seconds) = @_;
    my $slow = $ENV{HERD_VALGRIND} || sanitized() || built_with(qr/__gcov_/);
    return $seconds * ($slow ? 5 : 1);
}

# Whether the program is built with a sanitizer.
sub sanitized { built_with(qr/__(?:asan|tsan|msan)_init|__ubsan_handle/) }

sub built_with {
    my ($symbols) = @_;
    return $built{$symbols} if defined $built{$symbols};
    open my $in, '<:raw', $ENV{HERD} or return 0;
    local $/;
    return $built{$symbols} = <$in> =~ $symbols ? 1 : 0;
}

# Asks again and again until the answer is true, and returns it; undef, with a diagnostic, if it is
# not within some seconds (10).
sub wait_until {
    my ($sub, $what, $seconds) = @_;
    my $end = now() + slowly($seconds // 10);
    my $pause = 0.002;
    while (1) {
        my $late = now() > $end;
        my $value = $sub->();
        return $value if $value;
        if ($late) {
            Test::More::diag("waited in vain: $what");
            return undef;
        }
        Time::HiRes::sleep($pause);
        $pause *= 1.5 if $pause < 0.05;
    }
}

1;
