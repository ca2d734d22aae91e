#!/usr/bin/perl
# The manuals render without a warning, and Makefile.am installs each.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Tree;

plan skip_all => 'mandoc is not installed' unless grep { -x "$_/mandoc" } split /:/, $ENV{PATH};

my @manuals = files(qr/\.[1578]$/, 'man');
is_deeply([map { s{^man/}{}r } @manuals],
    [qw(herd-bench.1 herd-modules.7 herd-places.1 herd-protocol.7 herd-security.7 herd.8 herd.conf.5)], 'the manuals are there');
my $installed = join ' ', content('Makefile.am') =~ /^dist_man_MANS\s*\+?=((?:.*\\\n)*.*)/mg;
is_deeply([sort grep { $_ ne '\\' } split ' ', $installed], \@manuals, 'Makefile.am installs them');
for my $manual (@manuals) {
    my $said = `cd '@{[top()]}' && mandoc -Tlint -Wwarning '$manual' 2>&1`;
    is($said, '', $manual);
}
done_testing();
