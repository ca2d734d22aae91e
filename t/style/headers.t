#!/usr/bin/perl
# Each header compiles alone, and the public door with -Isrc/include alone.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Tree;

my $cc = $ENV{HERD_CC} // 'cc';
my $libraries = $ENV{HERD_CPPFLAGS} // '';
my $flags = '-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -x c';

my @headers = files(qr/\.h$/, 'src', 'modules');
cmp_ok(scalar(@headers), '>', 10, 'the headers are there');
for my $header (@headers) {
    my $top = top();
    my $paths = "-I'$top/src/include'";
    $paths .= " -I'$top/src'" unless $header =~ m{^(modules|src/include)/};
    $paths .= " -I'$top/modules/places'" if $header =~ m{^src/places/};
    my ($folder, $name) = $header =~ m{^((?:modules|src/include|src).*/|)([^/]+)$};
    # By way of a source, for a header that is the main file is compiled a little differently.
    my $said = `echo '#include "$top/$header"' | $cc $flags $paths $libraries - 2>&1`;
    is($? >> 8, 0, "$header compiles alone") or diag($said);
    like(content($header), qr/^#ifndef (\w+)\n#define \1\n/m, "$header can be included twice");
}
done_testing();
