# Rounds: in each, every side does the same work once, one after the other, beginning with another
# one each time, so that what changes on the machine meanwhile meets all of them. A round in which
# others took too much of the processors is repeated, but not for ever.
package Bench::Rounds;

use strict;
use warnings;
use Exporter 'import';
use Bench::Machine qw(busy_begin busy_others);
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(rounds column ratios median quartiles);

use constant { LOOK_S => 0.25, LOOKS => 12 };

sub count { $ENV{BENCH_ROUNDS} // 9 }
sub others_max { $ENV{BENCH_OTHERS} // 0.06 }

# sides: [name => sub { ...; return {figure => number} }, ...]. pids: whose time is ours. Returns
# {rounds: [{name => figures}], repeated: how many were, noisy: how many were kept though others
# were busy}.
sub rounds {
    my (%args) = @_;
    my @sides = @{ $args{sides} };
    my $names = @sides / 2;
    my $spare = count();
    my %found = (rounds => [], repeated => 0, noisy => 0);
    while (@{ $found{rounds} } < count()) {
        my $turn = 2 * (@{ $found{rounds} } % $names);
        my @order = (@sides[$turn .. $#sides], @sides[0 .. $turn - 1]);
        my ($round, $others) = one_round($args{pids}, @order);
        if ($others > others_max() && $spare-- > 0) {
            $found{repeated}++;
            await_quiet(@{ $args{pids} });
            next;
        }
        $found{noisy}++ if $others > others_max();
        push @{ $found{rounds} }, $round;
    }
    return \%found;
}

# Waits, for some seconds at the most, until others leave the processors alone.
sub await_quiet {
    my (@pids) = @_;
    for (1 .. LOOKS) {
        my $since = busy_begin(@pids);
        sleep LOOK_S;
        return if busy_others($since) <= others_max();
    }
    return;
}

# One side's measuring is the least that is judged: a compiler that ran for half a second would be
# thin in the whole round.
sub one_round {
    my ($pids, @order) = @_;
    my (%round, $most);
    $most = 0;
    while (my ($name, $run) = splice @order, 0, 2) {
        my $since = busy_begin(@$pids);
        $round{$name} = $run->();
        my $others = busy_others($since);
        $most = $others if $others > $most;
    }
    return (\%round, $most);
}

# One figure of one side, of each round.
sub column {
    my ($found, $name, $figure) = @_;
    return map { $_->{$name}{$figure} } @{ $found->{rounds} };
}

# Pair by pair: this side's figure in a round over the other's in the same.
sub ratios {
    my ($found, $figure, $name, $base) = @_;
    return map { $_->{$name}{$figure} / $_->{$base}{$figure} } @{ $found->{rounds} };
}

# The first quartile, the median, the third.
sub quartiles {
    my @sorted = sort { $a <=> $b } @_;
    return map {
        my $place = $_ * $#sorted;
        my $below = int $place;
        my $above = $below < $#sorted ? $below + 1 : $below;
        $sorted[$below] + ($place - $below) * ($sorted[$above] - $sorted[$below]);
    } 0.25, 0.5, 0.75;
}

sub median { (quartiles(@_))[1] }

1;
