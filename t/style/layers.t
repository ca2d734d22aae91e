#!/usr/bin/perl
# Includes point down or sideways, never up; modules see the public door and their own folder; the brain and the wire
# name no socket, clock, thread or event loop. The bench stands beside the top: nothing includes it, and it knows no more of
# herd than its configuration, its lines and its addresses. So does src/places, which makes the files that a module reads: it
# knows the ground, and the headers in that module's folder.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Tree;

my %floor = (base => 0, wire => 0, herd => 1, net => 2, core => 3, bench => 4, places => 4);
my $for_bench = qr{^(bench|core|wire|base)/|^net/address\.h$};
my $for_places = qr{^(places|base)/};

# Whose headers may be named where.
my %library = (
    qr{^event2?[/.]}   => qr{^src/(net|core)/},
    qr{^libconfig\.h}  => qr{^src/core/},
    qr{^(cjson/)?cJSON}  => qr{^modules/places/},
    qr{^curl/}         => qr{^src/net/},
    qr{^openssl/}      => qr{^src/net/},
    qr{^sqlite3}       => qr{^modules/places/db\w*\.c$},
    qr{^cmocka}        => qr{^t/},
);

my $impure_header = qr{^(sys/(socket|un|epoll|eventfd|timerfd|time|select|uio)\.h|netinet/|arpa/|net/|netdb\.h
    |poll\.h|time\.h|threads\.h|unistd\.h|fcntl\.h|signal\.h|event)}x;
my $impure_name = qr{\b(clock_gettime|gettimeofday|time\s*\(\s*NULL|nanosleep|usleep|pthread_create|pthread_cond_\w+
    |thrd_\w+|sockaddr\w*|accept4|recvmsg|sendmsg|event_base\w*|evutil\w*|bufferevent\w*)\b}x;

sub pure
{
    return $_[0] =~ m{^src/(herd|wire)/};
}

# What is wrong with one include of a file; undef: nothing.
sub include_fault
{
    my ($path, $quoted, $name) = @_;
    return if $name eq 'herd/module.h';
    return if $path eq 'src/core/registry.c' && $name =~ m{(^|/)modules\.def$};
    return "'..' in an include" if $name =~ /\.\./;
    if ($path =~ m{^modules/}) {
        my ($folder) = $path =~ m{^(.*)/};
        return "a module includes its own folder only" if $quoted && !-f top() . "/$folder/$name";
        return "a module includes no floor of herd's" if !$quoted && -f top() . "/src/$name";
    } elsif (my ($own) = $path =~ m{^src/(\w+)/}) {
        my $other = $name =~ m{^(\w+)/} ? $1 : '';
        return "$own is below $other" if exists $floor{$other} && $floor{$other} > $floor{$own};
        return "the bench needs no $other" if $own eq 'bench' && exists $floor{$other} && $name !~ $for_bench;
        return "a tool for places needs no $other" if $own eq 'places' && exists $floor{$other} && $name !~ $for_places;
        return if $own eq 'places' && $quoted && $name !~ m{/} && -f top() . "/modules/places/$name";
        return "names a module" if $other eq 'modules';
        return "no such file in src" if $quoted && !-f top() . "/src/$name";
    }
    for my $header (keys %library) {
        return "$name does not belong here" if $name =~ $header && $path !~ $library{$header};
    }
    return "neither socket, clock, thread nor loop here" if pure($path) && $name =~ $impure_header;
    return "no locks in the wire" if $path =~ m{^src/wire/} && $name eq 'pthread.h';
    return;
}

# All that is wrong with a file.
sub faults
{
    my ($path, $text) = @_;
    my @faults;
    my $line = 0;
    for (split /\n/, $text) {
        $line++;
        next unless /^\s*#\s*include\s*([<"])([^>"]+)[>"]/;
        my $fault = include_fault($path, $1 eq '"', $2);
        push @faults, "$path:$line: $2: $fault" if defined $fault;
    }
    if (pure($path)) {
        $line = 0;
        for (split /\n/, code($text)) {
            $line++;
            push @faults, "$path:$line: $1: neither socket, clock, thread nor loop here" if /$impure_name/;
        }
    }
    return @faults;
}

my @bad = (
    ['src/wire/at.c',        '#include "herd/store.h"'],
    ['src/wire/at.c',        '#include <herd/store.h>'],
    ['src/base/log.c',       '#  include "net/worker.h"'],
    ['src/herd/store.c',     '#include <core/config.h>'],
    ['src/herd/store.c',     '#include <time.h>'],
    ['src/herd/store.c',     '#include <event2/event.h>'],
    ['src/herd/store.c',     "int x;\nclock_gettime(CLOCK_REALTIME, &now);"],
    ['src/herd/store.c',     '#include "../net/worker.h"'],
    ['src/net/worker.c',     '#include "core/config.h"'],
    ['src/net/worker.c',     '#include <libconfig.h>'],
    ['src/core/config.c',    '#include "modules/places/json.h"'],
    ['src/core/config.c',    '#include "bench/work.h"'],
    ['src/bench/load.c',     '#include "herd/store.h"'],
    ['src/bench/load.c',     '#include "net/worker.h"'],
    ['src/bench/load.c',     '#include <event2/event.h>'],
    ['src/bench/load.c',     '#include "json.h"'],
    ['src/core/places.c',    '#include "places/reader.h"'],
    ['src/places/import.c',  '#include "core/config.h"'],
    ['src/places/import.c',  '#include "bench/work.h"'],
    ['src/places/import.c',  '#include <sqlite3.h>'],
    ['modules/places/sqlite.c', '#include <sqlite3.h>'],
    ['modules/places/sqlite.c', '#include "places/reader.h"'],
    ['modules/iamat.c',      '#include "wire/at.h"'],
    ['modules/iamat.c',      '#include <wire/at.h>'],
    ['modules/iamat.c',      '#include "../src/wire/at.h"'],
);
my @good = (
    ['src/herd/store.c',     "#include <pthread.h>\n#include \"wire/at.h\"\n/* clock_gettime is not called */"],
    ['src/core/registry.c',  '#include "../modules/modules.def"'],
    ['src/bench/target.c',   "#include \"net/address.h\"\n#include \"core/settings.h\"\n#include \"bench/work.h\""],
    ['src/places/import.c',  "#include \"places/reader.h\"\n#include \"base/clock.h\"\n#include \"db_make.h\""],
    ['modules/places/db.c',  "#include <sqlite3.h>\n#include \"points.h\""],
    ['modules/iamat.c',      "#include <herd/module.h>\n#include <string.h>"],
);
subtest 'this test sees faults' => sub {
    plan tests => @bad + @good;
    is(scalar(faults(@$_)), 1, "$_->[0] with $_->[1]") for @bad;
    is_deeply([faults(@$_)], [], "$_->[0] is clean") for @good;
};

my @files = files(qr/\.[ch]$/, 'src', 'modules');
cmp_ok(scalar(@files), '>', 20, 'the tree is there');
for my $path (@files) {
    my @faults = faults($path, content($path));
    is(join("\n", @faults), '', $path);
}
done_testing();
