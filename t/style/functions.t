#!/usr/bin/perl
# No function is longer than 60 lines, and the smallest module is shorter than 40.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use List::Util qw(min);
use Test::More;
use Tree;

use constant MOST => 60;

# The functions of a text: name, line and length, from the line of the name to the closing brace. As clang-format lays
# them out, a function's opening brace, and no other, stands alone at the beginning of a line.
sub functions
{
    my @lines = split /\n/, code($_[0]);
    my (@found, $head, $depth);
    for my $i (0 .. $#lines) {
        if (!defined $depth) {
            if ($lines[$i] =~ /^\w.*\(/) {
                $head = $i;
            } elsif ($lines[$i] =~ /^\{/) {
                $head //= $i;
                $depth = 0;
            }
        }
        next unless defined $depth;
        $depth += ($lines[$i] =~ tr/{//) - ($lines[$i] =~ tr/}//);
        next if $depth;
        my ($name) = $lines[$head] =~ /(\w+)\s*\(/;
        push @found, {name => $name // '?', line => $head + 1, length => $i - $head + 1};
        undef $depth;
        undef $head;
    }
    return @found;
}

my $long = "static int\nlong_one(int a,\n         int b)\n{\n" . "    a = '{';\n" x 80 . "}\n";
my $short = "void f(void)\n{\n    if (\"}\") { /* } */\n    }\n}\n\nint g(int a)\n{\n    return a;\n}\n";
is_deeply([map { [$_->{name}, $_->{length}] } functions($short . $long)],
    [['f', 5], ['g', 4], ['long_one', 84]], 'this test counts');

my $functions = 0;
for my $path (files(qr/\.[ch]$/, 'src', 'modules')) {
    my @all = functions(content($path));
    my @over = map { "$path:$_->{line}: $_->{name} has $_->{length} lines" } grep { $_->{length} > MOST } @all;
    is(join("\n", @over), '', $path);
    $functions += @all;
}
cmp_ok($functions, '>', 50, 'there are functions');

my %lines = map { $_ => scalar(split /\n/, content($_)) } grep { m{^modules/[^/]+\.c$} } files(qr/\.c$/, 'modules');
cmp_ok(min(values %lines) // 1000, '<', 40, 'the smallest module has under 40 lines');
done_testing();
