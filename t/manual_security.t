#!/usr/bin/perl
# herd-security(7): each threat names a test that is there, each test of an attack or of a fault stands
# beside one, each limit is named that the configuration has, and the keys that the page makes are keys.

use strict;
use warnings;
use Test::Herd::Needs qw(iamat);
use Test::Herd;
use Test::Herd::Manual;

my $top = $ENV{HERD_SRCDIR} // '.';
my $page = Test::Herd::Manual->new('herd-security.7');
my %tested;

my @threats = $page->items('THREATS');
ok @threats > 20, scalar(@threats) . ' threats';
for my $threat (@threats) {
    my @tests = map { /^\.Pa (\S+)/ ? $1 : () } @{ $threat->{body} };
    $tested{$_} = 1 for @tests;
    is_deeply [grep { !-e "$top/$_" } @tests], [], "$threat->{head}: " . @tests . ' tests, which are there';
    ok @tests > 0, '... and at least one';
}

# What was written to break herd stands for something that somebody may try.
my @attacks = map { s{^\Q$top\E/}{}r } glob "$top/t/tls_*.t $top/t/faults_*.t $top/t/limits*.t $top/t/descriptors*.t";
push @attacks, map {"t/$_.t"} qw(hostile memory failing allocations disk_full strangers peer fuzz);
is_deeply [grep { !$tested{$_} && !/tls_herd/ } @attacks], [], 'no such test is without its threat';

# Every limit has its threat, but for those that are a client's and not an attack's.
my ($limits) = `'$ENV{HERD}' -T -c '@{[Test::Herd->new->config]}'` =~ /^limits:?\s*=?\s*\{(.*?)\}/ms;
my %limit = map { $_ => 1 } ($limits // '') =~ /^\s*(\w+)\s*=/mg;
ok keys %limit > 10, 'the limits of herd -T';
my $said = $page->text;
my @quiet = grep { $said !~ /\.Ic limits\.$_\b/ } sort keys %limit;
is_deeply \@quiet, [qw(burst commands id)], 'all are named but those of no threat';
is_deeply [grep { !$limit{$_} } $said =~ /\.Ic limits\.(\w+)/g], [], 'and there is none that the page has invented';

# The keys.
my ($keys) = map { $_->{text} } $page->displays(qr/openssl rand/);
my @pairs = map { [split] } $keys =~ /'([A-Z]\w+ [A-Z]\w+)'/g;
my $h = Test::Herd->new(
    servers => [qw(Goloman Hands Holiday Wilkes)],
    adjacency => { map { my $from = $_; $from => [map { $_->[1] } grep { $_->[0] eq $from } @pairs] } qw(Goloman Hands) },
    extra => 'link: { psk_file = "links.psk"; };',
);
SKIP: {
    skip 'openssl is not installed', 2 if !grep { -x "$_/openssl" } split /:/, $ENV{PATH};
    is system('cd "' . $h->dir . "\" && $keys"), 0, 'what the page says makes keys';
    my $run = $h->run('-t', '-c', $h->config);
    is $run->{status}, 0, '... that herd takes' or diag $run->{err};
}
done_testing;
