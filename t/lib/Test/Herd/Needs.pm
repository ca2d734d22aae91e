# Skips a test whose herd was built without modules that it needs (configure --without-NAME):
#
#     use Test::Herd::Needs qw(iamat whatsat);    # before use Test::Herd
package Test::Herd::Needs;

use strict;
use warnings;
use Test::More ();

# The names of the modules that are built in.
sub built_in {
    my $said = $ENV{HERD} ? `'$ENV{HERD}' -V` : '';
    my ($first, @lines) = split /\n/, $said;
    return map { /^(\S+)/ ? $1 : () } @lines;
}

sub import {
    my ($class, @names) = @_;
    my %there = map { $_ => 1 } built_in();
    my @missing = grep { !$there{$_} } @names;
    Test::More::plan(skip_all => "herd is built without @missing") if @missing;
}

1;
