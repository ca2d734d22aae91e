# WHATSAT: the answer to the byte, bounds of radius and bound with and without max_inclusive.
use Test::Herd::Needs qw(iamat whatsat invalid geojson);
use Test::Herd;
use JSON::PP;

my $places = join ',', map {
    my $lat = 34 + $_ / 1000;
    qq({"type":"Feature","geometry":{"type":"Point","coordinates":[-118,$lat]},)
        . qq("properties":{"name":"p$_"}})
} 1 .. 30;

sub start {
    my $h = Test::Herd->new(@_);
    $h->write('places.geojson', qq({"type":"FeatureCollection","features":[$places]}));
    $h->start_all;
    return $h;
}

my $h = start();
my $at = $h->ask('Goloman', 'IAMAT k +34-118 1520023934.918963997');
my $c = $h->connect('Goloman');

sub answer { my ($line) = @_; $c->send("$line\n"); $c->answer }
sub json { my ($answer) = @_; decode_json((split /\n/, $answer, 2)[1]) }

# The bytes.
is answer('WHATSAT k 10 2'),
    "$at\n" . <<'END', 'AT line, JSON, an empty line';
{"html_attributions":[],
"results":[
{"geometry":{"location":{"lat":34.001,"lng":-118}},"name":"p1","properties":{"name":"p1"}},
{"geometry":{"location":{"lat":34.002,"lng":-118}},"name":"p2","properties":{"name":"p2"}}
],
"status":"OK"}

END
my $nothing = qq({"html_attributions":[],"results":[],"status":"OK"}\n\n);
is answer("WHATSAT k $_"), "$at\n$nothing", "WHATSAT k $_ asks nobody"
    for '0 5', '10 0', '0 0', '0.000 19', '00 00', '49.9 0';
is json(answer('WHATSAT k 0.05 5'))->{status}, 'ZERO_RESULTS', 'nothing within 50 m';
is @{ json(answer('WHATSAT k 49.999999 19'))->{results} }, 19, 'at most bound results';
is @{ json(answer('WHATSAT k 0.57 019'))->{results} }, 5, 'at most radius km away';

# The client that was moved, the whole answer in one write, and the end of the connection.
my $moved = $c->ask('IAMAT k +34.0301-118 1520023935');
is json(answer('WHATSAT k 1 1'))->{results}[0]{name}, 'p30', 'the newest place counts';
is $h->answer('Goloman', 'WHATSAT k 0 0'), "$moved\n$nothing", 'the AT line is the newest report';

# What is refused.
my @bad = (
    'k 50 5', 'k 50.0 5', 'k 49.99999999999999999999999 5', 'k 51 5', 'k 10 20', 'k 10 21',
    'k 10 4294967296', 'k 10 18446744073709551616', 'k 10 5.0', 'k 10 5.', 'k 10. 5', 'k .5 5',
    'k -1 5', 'k 10 -1', 'k +1 5', 'k 10 +5', 'k 1e1 5', 'k 10 1e0', 'k 0x1 5', 'k nan 5',
    'k inf 5', "k 1\0 5", 'k 10 5 5', 'k 10', 'k', '', 'unknown 10 5', 'K 10 5', 'kk 10 5',
    "k\0 10 5", 'k ' . '9' x 400 . ' 5', 'x' x 1025 . ' 1 1',
);
is $c->ask("WHATSAT $_"), "? WHATSAT $_", 'refused: ' . substr("WHATSAT $_", 0, 60) =~ tr/\0/0/r
    for @bad;
is $c->ask('whatsat k 1 1'), '? whatsat k 1 1', 'verbs are case-sensitive';

# Answers leave in the order of the commands.
$c->send("WHATSAT k 10 1\nYOLO\nWHATSAT k 0 0\nIAMAT j +1-1 1\n");
my $all = join '', map { $c->answer // 'nothing' } 1 .. 2;
like $all, qr/\A\Q$moved\E\n\{.*"OK"\}\n\n\? YOLO\n\Q$moved\E\n\Q$nothing\E\z/s, 'pipelined';
like $c->line, qr/^AT Goloman \S+ j \+1-1 1$/, '... with a command behind';
is $h->status('Goloman')->{searches_failed}, 0, 'no search failed';

# Places at the limits.
my $inclusive = start(places => 'max_inclusive = true; max_radius_km = 3; max_items = 7;');
$at = $inclusive->ask('Goloman', 'IAMAT k +34-118 1');
$c = $inclusive->connect('Goloman');
is @{ json(answer('WHATSAT k 3 7'))->{results} }, 7, 'max_inclusive takes the limits themselves';
is $c->ask("WHATSAT k $_"), "? WHATSAT k $_", "... and not $_"
    for '3.000000001 7', '3 8';
my $small = start(places => 'max_radius_km = 0.5; max_items = 1;');
$small->ask('Goloman', 'IAMAT k +34-118 1');
is $small->ask('Goloman', 'WHATSAT k 0.4 1'), '? WHATSAT k 0.4 1', 'smaller limits count';
like $small->ask('Goloman', 'WHATSAT k 0.4 0'), qr/^AT /, '... and what is below them is taken';
done_testing;
