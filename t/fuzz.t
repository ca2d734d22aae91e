#!/usr/bin/perl
# What the fuzzers have found worth keeping: every file of t/fuzz/corpus is given to its target again, with whatever
# compiler and sanitizer this build has. A bug that a fuzzer found has its file there.

use strict;
use warnings;
use Test::More;

use constant FILES_MAX => 500;
use constant BYTES_MAX => 256 * 1024;

my $top = $ENV{HERD_SRCDIR} // '.';
my $build = $ENV{HERD_BUILDDIR} // '.';

sub slurp
{
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$in>;
}

my @targets = map { m{([^/]+)\.c$} } grep { slurp($_) =~ /^int LLVMFuzzerTestOneInput\(.*\)\n\{/m } glob "$top/t/fuzz/*.c";
my ($listed) = slurp("$top/Makefile.am") =~ /^fuzz_targets = ((?:.*\\\n)*.*)/m;
is_deeply([grep { $_ ne '\\' } split ' ', $listed], [map { "t/fuzz/$_" } @targets], 'Makefile.am lists the targets');

my ($files, $bytes) = (0, 0);
for my $target (@targets) {
    my @corpus = sort glob "$top/t/fuzz/corpus/$target/*";
    ok(-s "$top/t/fuzz/$target.dict", "$target has a dictionary");
    cmp_ok(scalar(@corpus), '>', 5, '... and a corpus');
    my $said = `'$build/t/fuzz/$target' @{[map { "'$_'" } @corpus]} 2>&1`;
    is($?, 0, '... which it bears') or diag(substr $said, -6000);
    is(scalar(() = $said =~ /^Running: /mg), scalar(@corpus), '... all of it');
    $files += @corpus;
    $bytes += -s for @corpus;
}
cmp_ok($files, '<=', FILES_MAX, 'the corpora are few files');
cmp_ok($bytes, '<=', BYTES_MAX, '... and small');
done_testing();
