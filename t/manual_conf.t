#!/usr/bin/perl
# herd.conf(5) has each setting with its type, default, range and example, and no other: -T shows
# the settings and their defaults, -t takes what is in range and the examples, and nothing beyond.

use strict;
use warnings;
use Test::Herd::Needs qw(iamat whatsat at invalid geojson google google_new overpass sqlite);
use Test::Herd;
use Test::Herd::Manual;
use Test::Herd::Tls;

# Ranges that are said in words.
my %in_words = map { $_ => 1 } qw(servers servers.name servers.host adjacency adjacency.server
    adjacency.talks_to pid_file load_modules places.providers link.psk_file link.cert_file link.key_file link.ca_file
    tls.cert_file tls.key_file log.file places.geojson.file places.google.key_file
    places.google.ca_file places.google.url places.google_new.key_file places.google_new.ca_file places.google_new.url
    places.google_new.field_mask places.google_new.included_types places.google_new.language places.overpass.url
    places.overpass.ca_file places.overpass.filter places.overpass.contact places.sqlite.file);
my %needed = map { $_ => 1 } qw(servers servers.name servers.host servers.port adjacency.server);
my $page = Test::Herd::Manual->new('herd.conf.5');
my $herd = Test::Herd->new;

# What examples name must be there: a module, the example of herd-modules(7), a key for google, a
# file for sqlite, and keys and certificates of the servers.
my ($wave) = Test::Herd::Manual->new('herd-modules.7')->displays(qr/WAVE client/);
my $source = $herd->write('wave.c', $wave->{text});
my $cc = ($ENV{HERD_CC} // 'cc') . ' -shared -fPIC ' . ($ENV{HERD_CFLAGS} // '');
my $said = `$cc -I'$ENV{HERD_SRCDIR}/src/include' -o '@{[$herd->file('wave.so')]}' '$source' 2>&1`;
is($said, '', 'wave.so is built');
chmod 0600, $herd->write('google.key', "key\n") or die "google.key: $!\n";
my $place = $herd->write('place.jsonl', qq({"lat":1,"lon":1}\n));
my $made = `'$ENV{HERD_BUILDDIR}/herd-places' import '$place' '@{[$herd->file('places.sqlite')]}' 2>&1`;
is($?, 0, 'places.sqlite is made') or diag($made);
Test::Herd::Tls::psk_file($herd, 'herd.psk', ['Hands', 'Goloman']);
my $authority = Test::Herd::Tls::authority('herd');
mkdir $herd->file('certs') or die "certs: $!\n";
Test::Herd::Tls::ca_file($herd, 'certs/ca.pem', $authority);
Test::Herd::Tls::certify($herd, $authority, "certs/$_", $_) for qw(Goloman Hands Welsh);
my %pair = (cert_file => 'certs/%n.pem', key_file => 'certs/%n.key');
my %beside = ((map { $_ => 'google: { key_file = "google.key"; }; google_new: { key_file = "google.key"; };' }
    qw(places.provider places.providers)),
    'servers.tls_port' => 'tls: { ' . join(' ', map {qq($_ = "$pair{$_}";)} sort keys %pair) . ' };');
for my $group (\%pair, { %pair, ca_file => 'certs/ca.pem' }) {
    my $name = $group == \%pair ? 'tls' : 'link';
    for my $file (keys %$group) {
        $beside{"$name.$file"} = join ' ', map {qq($_ = "$group->{$_}";)} grep { $_ ne $file } sort keys %$group;
    }
}

# What -t says of a file; '' if it is well.
sub checked {
    my ($text) = @_;
    $herd->configure($text);
    my $run = $herd->run('-c', $herd->config, '-t', '-q');
    return $run->{status} == 0 ? '' : $run->{err} || 'no reason given';
}

my $neighbours = 'servers = ( '
    . join(', ', map {qq({ name = "$_->[0]"; host = "127.0.0.1"; port = $_->[1]; peer_port = 1$_->[1]; })}
        ['Goloman', 11], ['Hands', 12], ['Welsh', 13]) . " );\n";

# Whether -t refuses a file because of this setting.
sub refused {
    my ($name, $text, $what) = @_;
    my $path = $name =~ s/^(servers|adjacency)\./$1.[0]./r;
    my $why = $text =~ /\d{10};/ ? qr/integer of more than 9 digits/ : qr/\Q$path\E[.:\[]/;
    return like(checked($text), qr/^herd: \S+: $why/, $what);
}

# A whole file in which a setting has a value.
sub file_with {
    my ($name, $value) = @_;
    return "$name = $value;\n" if $name eq 'servers';
    if (my ($key) = $name =~ /^servers\.(\w+)$/) {
        my %server = (name => '"Goloman"', host => '"127.0.0.1"', port => 1, peer_port => 2, $key => $value);
        return 'servers = ( { ' . join(' ', map {"$_ = $server{$_};"} sort keys %server) . " } );\n"
            . ($beside{$name} // '');
    }
    if (my ($key) = $name =~ /^adjacency\.(\w+)$/) {
        my %entry = (server => '"Goloman"', talks_to => '[ ]', $key => $value);
        return $neighbours . "adjacency = ( { server = $entry{server}; talks_to = $entry{talks_to}; } );\n";
    }
    my @path = split /\./, $name;
    my $text = pop(@path) . " = $value;" . ($beside{$name} // '');
    $text = "$_: { $text };" for reverse @path;
    return "$neighbours$text\n";
}

# The settings that -T shows, as path => value; a list as its own path, with no value.
sub shown {
    $herd->configure($_[0]);
    my $out = $herd->run('-c', $herd->config, '-T')->{out};
    my (%shown, @path);
    for (split /\n/, $out) {
        if (/^\s*(\w+) = \($/ || /^\s*(\w+):$/) {
            push @path, $1;
            $shown{ join '.', @path } = 'list' if /\($/;
        } elsif (/^\s*(\w+) = (.*);$/) {
            $shown{ join '.', @path, $1 } //= $2;
        } elsif (/^\s*[\)\}];$/) {
            pop @path;
        }
    }
    return %shown;
}

# ---- values beyond a range ----

my %unit = ('' => 1, k => 1 << 10, m => 1 << 20, g => 1 << 30);
my %seconds = ('' => 1, s => 1, m => 60, h => 3600, d => 86400);

# The values next to the ends of a range, outside of it; $low and $high as the page has them.
sub outside {
    my ($type, $low, $high) = @_;
    return ($low - 1, $high + 1) if $type eq 'integer';
    return ($low > 0 ? $low * 0.99 : -0.01, $high * 1.01) if $type eq 'float';
    my ($from, $low_unit) = $low =~ /^"(\d+)([a-z]*)"$/;
    my ($to, $high_unit) = $high =~ /^"(\d+)([a-z]*)"$/;
    my $above = $type eq 'size' ? $to * $unit{$high_unit} + 1 : $to * $seconds{$high_unit} * 1000 + 1 . 'ms';
    return (qq("$above"), $from > 0 ? '"' . ($from * $unit{$low_unit} - 1) . '"' : '"-1"');
}

# What a range admits, and what it does not.
sub bounds {
    my ($type, $range) = @_;
    my (@inside, @beyond);
    $range =~ s/ \([^()]*\)//g;
    for my $part (split /, or |, | or /, $range) {
        my ($low, $high) = $part =~ /^(\S+) to (\S+)$/;
        push @inside, $low // $part, $high // ();
        push @beyond, outside($type, $low, $high) if defined $high;
    }
    @beyond = grep { $_ ne '"0"' } @beyond;
    push @beyond, { boolean => '1', integer => '"1"', float => '"1"', size => '4096', time => '900',
        string => '"unheard"', path => '"unheard"', array => '[ "unheard" ]' }->{$type};
    return (\@inside, \@beyond);
}

# The types a default may be of, by its looks.
sub types_of {
    my ($value) = @_;
    return $value eq 'list' ? qr/^list$/ : $value =~ /^\[/ ? qr/^array$/ : $value =~ /^(?:true|false)$/ ? qr/^boolean$/
        : $value =~ /^-?\d+$/ ? qr/^integer$/ : $value =~ /^-?\d/ ? qr/^float$/ : qr/^(?:string|path|size|time)$/;
}

# What the page says of every provider's settings, NAME being that: as if it stood there of each, with the defaults that
# its table has.
sub spread {
    my ($told, @providers) = @_;
    my ($table) = $page->text =~ /^\.It Em provider Ta Em keep Ta Em decimals\n((?:^\.It .*\n)+)/m;
    my %own = map { /^\.It (\w+) Ta \\\(dq(\w+)\\\(dq Ta (\d)$/ ? ($1 => { keep => qq("$2"), decimals => $3 }) : () }
        split /\n/, $table // '';
    cmp_ok(scalar(keys %own), '>=', 1, 'there are defaults of providers');
    for my $name (grep {/^places\.NAME\./} keys %$told) {
        my $item = delete $told->{$name};
        my ($setting) = $name =~ /([^.]+)$/;
        $told->{"places.$_.$setting"} = { %$item, default => $own{$_}{$setting} // $item->{default} } for @providers;
    }
    return;
}

my %default = shown('servers = ( { name = "Goloman"; host = "127.0.0.1"; port = 11; } );
adjacency = ( { server = "Goloman"; } );');
my %told;
for my $item ($page->items('DESCRIPTION')) {
    my ($name, $type) = $item->{head} =~ /^Ic (\S+) No = Em (\w+)$/ or next;
    ok(!$told{$name}, "$name stands there once");
    my $text = join ' ', map { Test::Herd::Manual::plain($_) } grep { !/^\.Pp/ } @{ $item->{body} };
    my ($default, $range, $example) = $text =~ /\ADefault: (.*?); range: (.*?); example: (.*?)\.(?: |\z)/;
    $told{$name} = { type => $type, default => $default, range => $range, example => $example };
}

spread(\%told, map { /^places\.(\w+)\.keep$/ ? $1 : () } keys %default);
is_deeply([sort keys %told], [sort keys %default], 'herd.conf(5) has the settings that -T shows');
for my $name (sort keys %told) {
    my ($type, $default, $range, $example) = @{ $told{$name} }{qw(type default range example)};
    ok(defined $example, "$name: default, range, example") or next;
    like($type, types_of($default{$name}), "$name: $type");
    if ($needed{$name}) {
        is($default, 'needed', "$name has no default");
        refused($name, file_with($name, '') =~ s/\b\w+ = ;//r, "$name is needed");
    } else {
        is($default, $name eq 'adjacency' ? '( )' : $default{$name}, "$name: default $default");
    }
    is(checked(file_with($name, $example)), '', "$name = $example");
    next if $in_words{$name};
    my ($inside, $beyond) = bounds($type, $range);
    is(checked(file_with($name, $_)), '', "$name = $_ is in range") for @$inside;
    refused($name, file_with($name, $_), "$name = $_ is not") for @$beyond;
}

my @files = grep { $_->{section} eq 'EXAMPLES' } $page->displays(qr/^servers = /m);
cmp_ok(scalar(@files), '>=', 3, 'there are examples');
is(checked($_->{text}), '', 'an example of ' . (split /\n/, $_->{text})[0]) for @files;
done_testing();
