# bootstrap builds in the folder that BUILD names, seen from where it is called. Its tools are replaced by ones that tell
# where they were called, and there is nothing to install with.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Test::More;

my $dir = abs_path(tempdir(CLEANUP => 1));

sub script {
    my ($path, $text) = @_;
    open my $out, '>', "$dir/$path" or die "$path: $!\n";
    print $out $text;
    close $out;
    chmod 0755, "$dir/$path";
}

mkdir "$dir/$_" or die "$_: $!\n" for qw(top tools here);
copy("$ENV{HERD_SRCDIR}/bootstrap", "$dir/top/bootstrap") or die "bootstrap: $!\n";
script('top/Makefile.in', '');
script('top/configure', "#!/bin/sh\n: >Makefile\npwd >>$dir/configured\n");
script('tools/make', "#!/bin/sh\necho \"made: \$(pwd) \$*\"\n");
for my $tool (qw(cat dirname mkdir nproc realpath)) {
    my ($path) = grep { -x } map {"$_/$tool"} qw(/usr/bin /bin);
    symlink $path, "$dir/tools/$tool" or die "$tool: $!\n";
}

# What make was told, of a run from the folder here.
sub made {
    my ($build, $verb) = @_;
    local %ENV = (PATH => "$dir/tools", (defined $build ? (BUILD => $build) : ()));
    my $out = `cd $dir/here && /bin/bash ../top/bootstrap $verb 2>&1`;
    is $?, 0, "$verb: status 0" or diag $out;
    return map { s/-j\d+/-j/r } $out =~ /^made: (.*)$/mg;
}

is_deeply [made('out', 'check')],
    ["$dir/here/out -s -j all", "$dir/here/out -C $dir/here/out --no-print-directory -s -j check"],
    'a relative BUILD is one of where it is called';
is_deeply [made("$dir/else", 'build')], ["$dir/else -s -j all"], 'an absolute one is what it is';
is_deeply [made(undef, 'build')], ["$dir/top/build -s -j all"], 'without it: build, beside bootstrap';

done_testing;
