# Places from a file of SQLite, as a client sees them: the nearest as by looking at all, of a hundred
# thousand and of real ones; files that are not well; clients that leave, and servers that stop.
use Test::Herd::Needs qw(iamat whatsat invalid geojson sqlite);
use Test::Herd;
use JSON::PP;
use Math::Trig qw(deg2rad pi);

my $program = "$ENV{HERD_BUILDDIR}/herd-places";
my ($h, $stamp);

sub import_lines {
    my ($herd, $lines, $name) = @_;
    my $source = $herd->write('import.jsonl', $lines);
    my $said = `'$program' import '$source' '@{[$herd->file($name)]}' 2>&1`;
    is $?, 0, "herd-places makes $name: $said";
}

sub herd_with {
    my ($settings, %more) = @_;
    return Test::Herd->new(
        places => qq(provider = "sqlite"; max_radius_km = 20100.0; max_items = 60; max_inclusive = true; sqlite: { file = "my.sqlite"; $settings };), %more);
}

# Many questions in one go: [lat, lon, radius, bound] each; returns the objects.
sub near_all {
    my ($herd, @questions) = @_;
    my $client = $herd->connect('Goloman');
    my @found;
    while (my @some = splice @questions, 0, 100) {
        $client->send(join '', map { sprintf "IAMAT here %+.7f%+.7f %d\nWHATSAT here %s %d\n", @$_[0, 1], ++$stamp, @$_[2, 3] } @some);
        for (@some) {
            $client->line for 1 .. 2;
            my ($line, $json) = ('', '');
            $json .= "$line\n" while defined($line = $client->line) && $line ne '';
            push @found, decode_json($json);
        }
    }
    $client->close;
    return @found;
}

sub lines_of { join '', map { sprintf qq({"lat":%s,"lon":%s,"name":"%s"}\n), @$_ } @_ }

# ---- by looking at all ----

sub vector {
    my ($lat, $lon) = map { deg2rad($_) } @_;
    return (cos($lat) * cos($lon), cos($lat) * sin($lon), sin($lat));
}

# The squares of the chords to the nearest.
sub nearest {
    my ($vectors, $lat, $lon, $km, $bound) = @_;
    my @v = vector($lat, $lon);
    my $half = $km / 6371.0088 / 2;
    my $limit = $half >= pi / 2 ? 9 : (2 * sin($half) + 1e-15)**2;
    my @near;
    for my $p (@$vectors) {
        my $chord2 = ($p->[0] - $v[0])**2 + ($p->[1] - $v[1])**2 + ($p->[2] - $v[2])**2;
        push @near, $chord2 if $chord2 <= $limit;
    }
    @near = sort { $a <=> $b } @near;
    return @near[0 .. ($bound < @near ? $bound : @near) - 1];
}

# Compares distances, in order: positions come back as they were imported, so nothing else decides.
sub compare {
    my ($vectors, $questions, @found) = @_;
    my @wrong;
    for my $i (0 .. $#$questions) {
        my @v = vector(@{ $questions->[$i] }[0, 1]);
        my @got = map {
            my @p = vector(@{ $_->{geometry}{location} }{qw(lat lng)});
            ($p[0] - $v[0])**2 + ($p[1] - $v[1])**2 + ($p[2] - $v[2])**2;
        } @{ $found[$i]{results} };
        my @want = nearest($vectors, @{ $questions->[$i] });
        my $same = @got == @want && !grep { abs(sqrt($got[$_]) - sqrt($want[$_])) > 1e-14 } 0 .. $#want;
        push @wrong, "[@{$questions->[$i]}]: " . @got . ' for ' . @want if !$same;
    }
    return @wrong;
}

srand 7;

# A hundred thousand places, in cities, some at the corners of the earth.
my @cities = ([0, 180], [90, 0], [-90, 5], map { [rand(160) - 80, rand(360) - 180] } 1 .. 60);

sub around {
    my ($city, $wide) = @_;
    my $lat = $city->[0] + (rand(2) - 1) * $wide;
    my $lon = $city->[1] + (rand(2) - 1) * (abs($city->[0]) > 85 ? 180 : $wide);
    $lat = $lat > 90 ? 180 - $lat : $lat < -90 ? -180 - $lat : $lat;
    $lon -= 360 if $lon > 180;
    $lon += 360 if $lon < -180;
    return map { sprintf '%.6f', $_ } $lat, $lon;
}

my @places = map { [around($cities[rand @cities], 0.2), "p$_"] } 1 .. 100_000;
$h = herd_with('threads = 3;');
import_lines($h, lines_of(@places), 'my.sqlite');
$h->start_all;
my @vectors = map { [vector(@$_[0, 1])] } @places;
my @questions = map { [around($cities[$_ % @cities], 0.3), (0.3, 2, 10, 49)[$_ % 4], (1, 5, 20)[$_ % 3]] } 1 .. 24;
my @found = near_all($h, @questions);
is join("\n", compare(\@vectors, \@questions, @found)), '', 'of a hundred thousand the nearest, as by looking at all';
my @corners = map { [@$_, 20, 20] } [0, 180], [0, -180], [90, 17], [-90, -180];
is join("\n", compare(\@vectors, \@corners, near_all($h, @corners))), '', 'at the antimeridian and the poles too';
is scalar(grep { @{ $_->{results} } == 20 } near_all($h, @corners)), 4, '... where there are some';
my ($one) = near_all($h, [@{ $places[41] }[0, 1], 0.001, 1]);
is $one->{results}[0]{name}, 'p42', 'a place where it is';
like $h->log('Goloman'), qr/ 100000 places from .*my\.sqlite/, 'the log says how many there are';

# Clients that leave: nothing is left of them, and others are answered.
for (1 .. 20) {
    my $client = $h->connect('Goloman');
    $client->send("IAMAT gone$_ +0+0 $stamp\n" . join '', map {"WHATSAT gone$_ 20000.$_$_ 60\n"} 1 .. 3);
    $client->reset if $client->can('reset');
    $client->close;
}
is scalar(near_all($h, @corners)), 4, 'clients that leave do no harm';

# A server that is asked to stop in the midst of it.
my $busy = $h->connect('Goloman');
$busy->send("IAMAT busy +0+0 1\n" . join '', map { "WHATSAT busy " . (20000 + $_ / 1000) . " 60\n" } 1 .. 200);
$busy->line;
$h->stop('Goloman');
is $h->process('Goloman')->status, 0, 'a server stops while searches are under way';

# ---- a queue that is full ----

$h = herd_with('threads = 1; queue = 1; failures = 1;', workers => 1);
import_lines($h, lines_of(map { [1, 1, "p$_"] } 1 .. 30_000), 'my.sqlite');
$h->start_all;
my @clients = map { $h->connect('Goloman') } 1 .. 12;
$clients[$_]->send("IAMAT c$_ +1.0$_+1 1\nWHATSAT c$_ 500 60\n") for 0 .. $#clients;
$h->allow(qr/sqlite: UNKNOWN_ERROR: too many searches wait/);
my %got;
for (@clients) {
    $_->shut;
    my $all = $_->all;
    $got{ $all =~ /"status":"OK"/ ? 'OK' : $all =~ /"too many searches wait for the file of places"/ ? 'full' : $all }++;
}
ok $got{OK}, 'where places lie on each other searches take their time';
cmp_ok $got{full} // 0, '>', 0, '... and what is too much fails at once';
is join(' ', grep { !/^(OK|full)$/ } keys %got), '', '... and nothing else: that is no failure of the file';
$h->stop('Goloman');

# ---- files that are not well ----

for (
    ['none', undef, qr/my\.sqlite: No such file/], ['text', 'hello', qr/my\.sqlite: not a SQLite file/],
    ['empty', '', qr/not a SQLite file/], ['cut', 'cut', qr/my\.sqlite: cut short/]
) {
    my ($what, $bytes, $why) = @$_;
    my $bad = herd_with('');
    $bytes = substr $h->read('my.sqlite'), 0, 500_000 if $what eq 'cut';
    $bad->write('my.sqlite', $bytes) if defined $bytes;
    for my $option ([], ['-t']) {
        my $run = $bad->run('-c', $bad->config, '-n', 'Goloman', @$option);
        is $run->{status}, 1, "$what: the server does not start @$option";
        like $run->{err}, $why, '... and says why';
    }
}

# Spoilt while it is read: an error to the client, one warning, and the server goes on.
$h = herd_with('keep = "0"; failures = 0; cache = "0";');
import_lines($h, lines_of(@places[0 .. 9999]), 'my.sqlite');
$h->start_all;
open my $file, '+<:raw', $h->file('my.sqlite') or die "my.sqlite: $!\n";
my $size = -s $file;
seek $file, 4096, 0;
print {$file} "\0" x ($size - 4096);
close $file;
$h->allow(qr/warn - sqlite: UNKNOWN_ERROR: database disk image is malformed/);
@found = near_all($h, map { [@{ $places[$_] }[0, 1], 10, 5] } 1 .. 5);
is join(' ', map { $_->{status} } @found), join(' ', ('UNKNOWN_ERROR') x 5), 'a file that is spoilt: errors';
ok $h->wait_log('Goloman', qr/ warn - sqlite: UNKNOWN_ERROR: .*malformed/), 'a warning';
is scalar(() = $h->log('Goloman') =~ / warn - sqlite: /g), 1, '... and but one';
like $h->ask('Goloman', 'IAMAT here +0+0 ' . ++$stamp), qr/^AT /, 'and the server goes on';

# ---- real places ----

SKIP: {
    skip 'HERD_OSM names no file of amenities (JSON lines, gzip)', 3 if !$ENV{HERD_OSM};
    my $lines = `gzip -dc '$ENV{HERD_OSM}'`;
    my @real = map { my $p = decode_json($_); [@$p{qw(lat lon)}, $p->{name}] } split /\n/, $lines;
    my @at = map { [vector(@$_[0, 1])] } @real;
    $h = herd_with('');
    import_lines($h, $lines, 'my.sqlite');
    $h->start_all;
    my @corner = ([49.2827, -123.1207, 1, 10]);
    my @ten = near_all($h, @corner);
    is scalar(@{ $ten[0]{results} }), 10, 'ten real places near a corner';
    is join("\n", compare(\@at, \@corner, @ten)), '', '... are the ten nearest';
    my @many = map { [49.0 + rand 0.5, -123.5 + rand 1.5, (0.1, 1, 5, 50)[rand 4], 1 + int rand 20] } 1 .. 1000;
    @$_[0, 1] = map { sprintf '%.7f', $_ } @$_[0, 1] for @many;
    is join("\n", compare(\@at, \@many, near_all($h, @many))), '', 'a thousand questions, as by looking at all';
}

done_testing;
