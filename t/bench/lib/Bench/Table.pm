# How the figures are printed: a work's title, then a line for each server, with its ratio to
# another one's and, where herd has a limit to keep, whether it does.
package Bench::Table;

use strict;
use warnings;
use Exporter 'import';
use Bench::Rounds qw(quartiles);

our @EXPORT_OK = qw(heading title line note summary commas);

my @verdicts;

sub commas {
    my ($number) = @_;
    my $text = sprintf '%.0f', $number;
    1 while $text =~ s/^(-?[0-9]+)([0-9]{3})/$1,$2/;
    return $text;
}

# columns: what the values of its lines are.
sub heading {
    my ($text, @columns) = @_;
    printf "\n%s\n%s\n", $text, '-' x length $text;
    printf "%-28s %11s %10s %10s  %-34s %s\n", '', @columns[0 .. 2], 'ratio [quartiles]', 'wanted';
    return;
}

sub title { printf "%s\n", $_[0] }
sub note { printf "    (%s)\n", $_[0] }

# label; values: up to three texts; ratios: [numbers], of: to what; most: what is wanted of the median
# ratio, or of value if there are no ratios; unit: of most.
sub line {
    my (%args) = @_;
    my @values = map { $_ // '' } @{ $args{values} || [] }[0 .. 2];
    my $ratio = '';
    my $judged = $args{value};
    if ($args{ratios}) {
        my ($first, $median, $third) = quartiles(@{ $args{ratios} });
        $ratio = sprintf '%.3f [%.3f %.3f] %s', $median, $first, $third, $args{of} ? "/ $args{of}" : '';
        $judged = $median;
    }
    my $verdict = verdict($judged, @args{qw(most unit)});
    my $text = sprintf '    %-24s %11s %10s %10s  %-34s %s', $args{label}, @values, $ratio, $verdict;
    $text =~ s/\s+$//;
    print "$text\n";
    return;
}

sub verdict {
    my ($value, $most, $unit) = @_;
    return '' if !defined $most;
    push @verdicts, $value <= $most;
    return "<= $most" . ($unit ? " $unit" : '') . ($verdicts[-1] ? '  ok' : '  OVER');
}

sub summary {
    my $good = grep {$_} @verdicts;
    printf "\n%d of %d limits kept\n", $good, scalar @verdicts;
    return;
}

1;
