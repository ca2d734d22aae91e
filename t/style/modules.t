#!/usr/bin/perl
# The module table, the files, Makefile.am and the manual list the same names; and nothing in the tree is left out of the build.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Tree;

my $makefile = content('Makefile.am');

# The words of a variable in Makefile.am, and of the variables that are part of it, in all its conditions.
sub variable
{
    my ($name) = @_;
    my @words = map { split ' ' } $makefile =~ /^\Q$name\E\s*\+?=((?:.*\\\n)*.*)/mg;
    return map { /^\$\((places_unit_tests)\)$/ ? variable($1) : $_ } grep { $_ ne '\\' } @words;
}

# What makes a file a module is that it defines one.
sub module_of
{
    my ($path) = @_;
    return unless content($path) =~ /^HERD_MODULE_EXPORT\((\w+)\) = \{$/m;
    return $1;
}

my @table = sort(content('modules/modules.def') =~ /^HERD_MODULE\((\w+)\)/mg);
my @sources = files(qr/\.c$/, 'modules');
cmp_ok(scalar(@table), '>=', 5, 'the table is there');
is_deeply([sort map { module_of($_) } @sources], \@table, 'modules.def lists the modules that there are');
is_deeply([sort map { m{^modules/([^/]+)\.c$} } @sources], [sort map { module_of($_) } grep { m{^modules/[^/]+$} } @sources],
    'each file of modules/ is a module');
for my $path (@sources) {
    my ($name) = module_of($path) or next;
    like(content($path), qr/^\s*\.name = "\Q$name\E",$/m, "$path calls itself $name");
    like(content($path), qr/^HERD_MODULE_EXPORT\(.*?^\};\s*\z/ms, "$path ends with its module");
    like($path, qr{(^|/)\Q$name\E\.c$}, "... which has the file's name");
}

my %listed = (
    libmodules_a_SOURCES => ['modules'],
    libground_a_SOURCES  => ['src/base', 'src/wire'],
    brain_sources        => ['src/herd'],
    libbody_a_SOURCES    => ['src/net'],
    libcore_a_SOURCES    => ['src/core'],
    libbench_a_SOURCES   => ['src/bench'],
    libplaces_a_SOURCES  => ['src/places'],
);
for my $name (sort keys %listed) {
    my @there = grep { !m{^src/(core|bench|places)/main\.c$} } files(qr/\.(c|h|def)$/, @{$listed{$name}});
    is_deeply([sort(variable($name))], \@there, "$name lists what is in @{$listed{$name}}");
}
is_deeply([sort(variable('shared_modules'))], [map { "modules/$_.la" } @table], 'shared_modules lists them too');
for my $name (@table) {
    my ($path) = grep { (module_of($_) // '') eq $name } @sources;
    ok((grep { $_ eq $path } variable("modules_${name}_la_SOURCES")), "$name.la is made of $path");
    is(join(' ', variable("modules_${name}_la_LDFLAGS")), '$(module_ldflags)', '... with one symbol');
}
is_deeply([sort(variable('unit_tests'))], [map { s/\.c$/.t/r } files(qr/\.c$/, 't/unit')], 'unit_tests lists the units');
is_deeply([grep { !-f top() . "/$_" && !-f top() . '/' . s/\.t$/.c/r } variable('THREAD_TESTS')], [],
    'THREAD_TESTS names tests that there are');

my $manual = content('man/herd-modules.7');
my $protocol = content('man/herd-protocol.7');
for my $path (grep { module_of($_) } @sources) {
    my ($name) = module_of($path);
    like($manual, qr/\b\Q$name\E\b/, "herd-modules(7) has $name");
    like($protocol, qr/\b\Q$_\E\b/, "herd-protocol(7) has $_") for content($path) =~ /\.verb = "(\w+)"/g;
}

done_testing();
