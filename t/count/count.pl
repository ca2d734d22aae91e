#!/usr/bin/perl
# make count: what one request costs in instructions of herd's own object, beside what counts.txt
# says. make count-functions: which functions spend them. make count-accept: counts.txt written anew.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Count qw(accept_counts committed excuse measure total WORK);

use constant TOP => 15;

sub top {
    my ($of) = @_;
    my @functions = sort { $of->{$b} <=> $of->{$a} || $a cmp $b } keys %$of;
    printf "    %9.1f  %s\n", $of->{$_}, $_ for grep {defined} @functions[0 .. TOP - 1];
    return;
}

my $want = $ARGV[0] // 'count';
my $excuse = excuse($want eq 'count-accept');
die "Nothing is counted: $excuse\n" if $excuse;
my $other = excuse(1);
my ($cost, $before) = (measure(), committed());

printf "%-15s %12s %12s\n", 'one', 'instructions', 'counts.txt';
for my $what (WORK) {
    my $now = total($cost->{$what});
    printf "%-15s %12.1f %12d %+7.1f %%\n", $what, $now, $before->{$what},
        100 * ($now / $before->{$what} - 1);
    top($cost->{$what}) if $want eq 'count-functions';
}
print "Not to be compared: $other\n" if $other;
accept_counts($cost) if $want eq 'count-accept';
