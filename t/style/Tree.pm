package Tree;

# What the tests of the house's rules share: where the tree is, and what is in it.

use strict;
use warnings;
use Exporter 'import';
use File::Find;
use FindBin;

our @EXPORT = qw(top files content code);

# The source tree.
sub top
{
    return $ENV{HERD_SRCDIR} // "$FindBin::Bin/../..";
}

# The files below these folders whose names match, as paths from the top, in order.
sub files
{
    my ($match, @folders) = @_;
    my $top = top();
    my @found;
    find({no_chdir => 1, wanted => sub { push @found, $_ if -f && $_ =~ $match }},
        grep { -d } map { "$top/$_" } @folders);
    return sort map { substr $_, length($top) + 1 } @found;
}

sub content
{
    my ($path) = @_;
    open my $in, '<', top() . "/$path" or die "$path: $!";
    local $/;
    return scalar <$in>;
}

# C without its comments and the insides of its strings; each line keeps its number.
sub code
{
    my ($text) = @_;
    my $lines = sub { "\n" x ($_[0] =~ tr/\n//) };
    $text =~ s{(/\*.*?\*/)|(//[^\n]*)|("(?:\\.|[^"\\\n])*")|('(?:\\.|[^'\\\n])*')}
              {defined $1 ? $lines->($1) : defined $2 ? '' : defined $3 ? '""' : "'0'"}gse;
    return $text;
}

1;
