# The simulation at length: 100,000 schedules of the five servers and 200 of 500 of them, split over
# the processors, all of which end in agreement; and each rule that is broken is noticed within
# 10,000. TORTURE_PERCENT: how many of the schedules.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);

my $folder = ($ENV{HERD_BUILDDIR} // '.') . '/t/sim';
my $percent = $ENV{TORTURE_PERCENT} || 100;
my ($five, $large) = map { int($_ * $percent / 100) || 1 } 100_000, 200;
chomp(my $processors = `nproc`);
my $began = time;

# Runs commands, as many at a time as there are processors. Returns [status, output] of each.
sub run_all {
    my (@commands) = @_;
    my (@running, @results);
    while (@commands || @running) {
        while (@commands && @running < $processors) {
            my $command = shift @commands;
            open my $out, '-|', "$command 2>&1" or die "$command: $!\n";
            push @running, $out;
        }
        my $out = shift @running;
        my $said = do { local $/; readline $out };
        close $out;
        push @results, [$?, $said // ''];
    }
    return @results;
}

# Seeds 1 to $count of a graph, in parts. Returns how many failed; dies where that was not said.
sub run_seeds {
    my ($count, $graph) = @_;
    my $part = int($count / $processors / 8) || 1;
    my @commands;
    for (my $first = 1; $first <= $count; $first += $part) {
        my $seeds = $first + $part > $count ? $count - $first + 1 : $part;
        push @commands, "$folder/sim -g $graph -s $first -c $seeds";
    }
    my ($ran, $failed) = (0, 0);
    for my $result (run_all(@commands)) {
        $result->[1] =~ /: (\d+) of (\d+) seeds failed/ or die "$graph: $result->[1]\n";
        $failed += $1;
        $ran += $2;
        diag $result->[1] if $1 || $result->[0];
    }
    is $ran, $count, "$graph: $count schedules";
    return $failed;
}

is run_seeds($five, 'five'), 0, '... all end in agreement';
diag sprintf '%d schedules of five servers: %.0f s', $five, time - $began;
$began = time;
is run_seeds($large, 'random -n 500'), 0, '... all end in agreement';
diag sprintf '%d schedules of 500 servers: %.0f s', $large, time - $began;

# ---- rules that are broken ----

open my $in, '<', "$ENV{HERD_SRCDIR}/src/herd/broken.h" or die "broken.h: $!\n";
my @rules = map {/^ {4}BROKEN_(\w+)/} grep { !/BROKEN_none/ } readline $in;
cmp_ok scalar(@rules), '>=', 12, 'there are twelve rules to break';
# What only some schedules need.
my %graph = (late_mark_any_epoch => 'two', never_sweep => 'slow');
my @results = run_all(map { "$folder/sim-broken -b $_ -f -c 10000 -g " . ($graph{$_} // 'five') } @rules);
for my $rule (@rules) {
    my ($status, $said) = @{ shift @results };
    my ($seed) = $said =~ /^seed (\d+): /m;
    my $seen = defined $seed ? "by seed $seed" : $said =~ /^over: /m ? 'by its bound' : 'never';
    ok $status >> 8 == 1 && !($status & 127) && $seen ne 'never', "$rule is noticed $seen" or diag $said;
    diag "$rule: $seen";
}
done_testing;
