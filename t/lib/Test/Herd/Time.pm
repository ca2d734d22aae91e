# Waiting for conditions. Programs built with sanitizers are given five times as long.
package Test::Herd::Time;

use strict;
use warnings;
use Exporter 'import';
use Test::More ();
use Time::HiRes ();

our @EXPORT_OK = qw(wait_until slowly now);
my $factor;

sub now { Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }

# How many seconds that is for this build of the program.
sub slowly {
    my ($seconds) = @_;
    $factor //= is_sanitized($ENV{HERD}) ? 5 : 1;
    return $seconds * $factor;
}

sub is_sanitized {
    my ($program) = @_;
    open my $in, '<:raw', $program or return 0;
    local $/;
    return <$in> =~ /__(?:asan|tsan|msan)_init|__ubsan_handle/;
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
