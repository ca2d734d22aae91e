#!/usr/bin/perl
# The layout is what clang-format makes of .clang-format.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Tree;

plan skip_all => 'clang-format is not installed' unless grep { -x "$_/clang-format" } split /:/, $ENV{PATH};

my @files = files(qr/\.[ch]$/, 'src', 'modules', 't');
plan tests => scalar(@files) + 1;
cmp_ok(scalar(@files), '>', 20, 'the tree is there');
for my $path (@files) {
    my @said = `cd '@{[top()]}' && clang-format --style=file --dry-run -Werror '$path' 2>&1`;
    my @where = map { m{^\Q$path\E:(\d+):} ? $1 : () } @said;
    ok($? == 0, $path) or diag("clang-format -i $path would change lines @where");
}
