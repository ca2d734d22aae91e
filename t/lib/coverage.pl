#!/usr/bin/perl
# Prints which lines and branches the tests have run, a line a file, a sum for each folder and one
# of all, from what gcovr --json-summary says on standard input. Exit status 1 where fewer lines
# were run than are demanded. For make coverage.

use strict;
use warnings;
use JSON::PP;

my @kinds = qw(line branch);

sub share {
    my ($covered, $total) = @_;
    return sprintf '%6d of %5d %7s', $covered, $total, $total ? sprintf '%.1f %%', 100 * $covered / $total : '';
}

sub row {
    my ($name, $sums) = @_;
    printf "%-34s %s   %s\n", $name, map { share(@{ $sums->{$_} }) } @kinds;
    return;
}

local $/ = undef;
my $files = decode_json(<STDIN>)->{files};
@$files or die "coverage: nothing was run\n";
my (%folder, %all);
for my $file (@$files) {
    my ($folder, $name) = $file->{filename} =~ m{^(.*)/(.*)$};
    for my $kind (@kinds) {
        my @counts = @{$file}{ "${kind}_covered", "${kind}_total" };
        push @{ $folder{$folder}{files}{$name}{$kind} }, @counts;
        for my $sums ($folder{$folder}{sums} //= {}, \%all) {
            $sums->{$kind}[$_] += $counts[$_] for 0, 1;
        }
    }
}
printf "%-34s %23s   %23s\n", '', 'lines', 'branches';
for my $folder (sort keys %folder) {
    my $files = $folder{$folder}{files};
    row("$folder/", $folder{$folder}{sums});
    row("    $_", $files->{$_}) for sort keys %$files;
}
row('all', \%all);

# Per cent of the lines.
my %demanded = ('src/wire' => 95, 'src/herd' => 95, all => 85);
my $few = 0;
for my $name (sort keys %demanded) {
    my $sums = $name eq 'all' ? \%all : ($folder{"tree/$name"} // $folder{$name} // { sums => {} })->{sums};
    my ($covered, $total) = @{ $sums->{line} // [0, 1] };
    next if 100 * $covered >= $demanded{$name} * $total;
    printf "%s: fewer than %d %% of the lines\n", $name, $demanded{$name};
    $few = 1;
}
exit $few;
