#!/usr/bin/perl
# The simulation: herd's own store and links in a made-up world. The whole protocol always ends in agreement; each rule that
# is broken is noticed; behind a slow link no client is staler than the bound; a seed is a schedule.

use strict;
use warnings;
use Test::More;

my $folder = ($ENV{HERD_BUILDDIR} // '.') . '/t/sim';
my $seeds = $ENV{HERD_SIM_SEEDS} // 2000;
my $large = $seeds < 2000 ? int($seeds / 40) || 1 : 50;

# Rules, and the schedules that show them broken within so many seeds.
my %rules = (
    skip_by_peer         => [five => 100],
    bits_outlive_sessions => [five => 100],
    ignore_epoch         => [five => 100],
    no_tiebreak          => [five => 20],
    late_mark_any_epoch  => [two => 3000],
    clock_check_on_merge => [five => 20],
    sweep_marks_early    => [five => 50],
    sweep_jumps_to_tail  => [five => 500],
    pos_outlives_store   => [five => 100],
    same_epoch           => [five => 1000],
    mark_runs_ahead      => [five => 500],
    index_outlives_packing => [five => 100],
);

# What is to run, and what is then expected of its exit status and output.
my @jobs;

sub job
{
    my ($what, $command, $check) = @_;
    push @jobs, {what => $what, command => $command, check => $check};
}

# Runs the jobs, two at a time, and checks them in order.
sub run_jobs
{
    my @waiting = @jobs;
    my @running;
    while (@waiting || @running) {
        while (@waiting && @running < 2) {
            my $job = shift @waiting;
            open $job->{out}, '-|', "$job->{command} 2>&1" or die "$job->{command}: $!";
            push @running, $job;
        }
        my $job = shift @running;
        local $/;
        $job->{said} = readline $job->{out};
        close $job->{out};
        $job->{status} = $?;
    }
    $_->{check}->($_) for @jobs;
}

sub agrees
{
    my ($job) = @_;
    ok($job->{status} == 0 && $job->{said} =~ / 0 of \d+ seeds failed/, $job->{what}) or diag($job->{said});
    note($job->{said});
}

sub differs
{
    my ($job) = @_;
    ok($job->{status} >> 8 == 1 && ($job->{status} & 127) == 0 && $job->{said} =~ /^seed \d+: /, $job->{what})
        or diag($job->{said});
    note($job->{said});
}

my $half = int(($seeds + 1) / 2);
my ($second, $rest) = ($half + 1, $seeds - $half);
job("five servers, seeds 1 to $half", "$folder/sim -g five -s 1 -c $half", \&agrees);
job("five servers, seeds $second to $seeds", "$folder/sim -g five -s $second -c $rest", \&agrees);
my $large_half = int(($large + 1) / 2);
my ($large_second, $large_rest) = ($large_half + 1, $large - $large_half);
job("100 servers, seeds 1 to $large_half", "$folder/sim -g random -n 100 -s 1 -c $large_half", \&agrees);
job("100 servers, seeds $large_second to $large", "$folder/sim -g random -n 100 -s $large_second -c $large_rest",
    \&agrees);
job('two servers that restart again and again', "$folder/sim -g two -c $seeds", \&agrees);
job('servers that forget', "$folder/sim -g forget -c $seeds", \&agrees);
job('records that are moved together', "$folder/sim -g move -c $seeds", \&agrees);

# The same binary, with nothing broken, agrees; so it is the rule that makes the difference.
for my $graph (qw(five two)) {
    job("sim-broken with no rule broken, $graph", "$folder/sim-broken -g $graph -c 100", \&agrees);
}
for my $rule (sort keys %rules) {
    my ($graph, $most) = @{$rules{$rule}};
    job("$rule is noticed", "$folder/sim-broken -b $rule -g $graph -c $most -f", \&differs);
}

my %trace;
for my $name (qw(first again)) {
    job("a trace, $name", "$folder/sim -g five -s 7 -v", sub { $trace{$name} = $_[0]{said} });
}
job('a trace by SEED', "SEED=7 $folder/sim -g five", sub { $trace{SEED} = $_[0]{said} });

job('behind a slow link', "$folder/sim -g slow", sub {
    my ($job) = @_;
    is($job->{status}, 0, 'no client is staler than 0.5 s + 2 K/B') or diag($job->{said});
    my @cases = $job->{said} =~ /^within: .* ([\d.]+) s stale at most/mg;
    is(scalar(@cases), scalar(split /\n/, $job->{said}), 'each case is within its bound');
    cmp_ok(scalar(@cases), '>=', 4, 'there are cases');
    ok(!(grep { $_ <= 0.01 } @cases), 'the link was slow in each');
    note($job->{said});
});

job('never_sweep is noticed', "$folder/sim-broken -b never_sweep -g slow", sub {
    my ($job) = @_;
    ok($job->{status} >> 8 == 1 && $job->{said} =~ /^over: /m, $job->{what}) or diag($job->{said});
    note($job->{said});
});

# Twelve at least, and none without its test; never_sweep has its own.
open my $in, '<', "$ENV{HERD_SRCDIR}/src/herd/broken.h" or die "broken.h: $!\n";
my @all = map {/^ {4}BROKEN_(\w+)/} grep { !/BROKEN_none/ } readline $in;
cmp_ok(scalar(@all), '>=', 12, 'there are twelve rules to break');
is_deeply([sort @all], [sort keys(%rules), 'never_sweep'], 'each is broken here');

delete $ENV{SEED};
run_jobs();
cmp_ok(length($trace{first}), '>', 10_000, 'a schedule leaves a trace');
ok($trace{first} eq $trace{again}, 'the same seed, the same trace');
ok($trace{first} eq $trace{SEED}, 'SEED replays it');
done_testing();
