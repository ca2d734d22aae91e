# Places from a GeoJSON file, as a client sees them: one's own file, none, a broken one, and the
# antimeridian and the poles.
use Test::Herd::Needs qw(iamat whatsat invalid geojson);
use Test::Herd;
use JSON::PP;

my $h;

sub start {
    my ($file, $bytes, @more) = @_;
    $h = Test::Herd->new(@more);
    $h->write($file, $bytes) if defined $bytes;
    $h->start_all;
}

sub near {
    my ($location, $radius, $bound) = @_;
    $h->ask('Goloman', 'IAMAT here ' . $location . ' ' . ++$h->{stamp});
    my ($at, $json) = split /\n/, $h->answer('Goloman', "WHATSAT here $radius $bound"), 2;
    like $json, qr/\}\n\n\z/, "near $location: ends with one empty line";
    unlike substr($json, 0, -1), qr/\n\n/, '... and has none before';
    return decode_json($json);
}

sub names { join ' ', map { $_->{name} } @{ $_[0]{results} } }

sub point {
    my ($lon, $lat, $properties) = @_;
    return qq({"type":"Feature","geometry":{"type":"Point","coordinates":[$lon,$lat]},)
        . qq("properties":$properties});
}
sub collection { qq({"type":"FeatureCollection","features":[\n) . join(",\n", @_) . "\n]}\n" }

# A file of one's own, named in the configuration, relative to that.
start('mine.geojson',
    collection(
        point(-118.0, 34.02, '{"name":"far"}'),
        point(-118.0, 34.01, '{ "name":"caf\u00e9 \"", "id":12345678901234567890, "x":1.50 }'),
        point(-118.0, 34.00, '{"amenity":"fuel","vicinity":"Main St"}'),
        point(-118.0, 34.015, '{"name":"typed","types":["a","b"]}'),
    ),
    places => 'geojson: { file = "mine.geojson"; };');
my $found = near('+34.00-118.0', 10, 19);
is $found->{status}, 'OK', 'places are found';
is join(' ', map { $_->{geometry}{location}{lat} } @{ $found->{results} }), '34 34.01 34.015 34.02',
    'nearest first';
is $found->{results}[1]{name}, "caf\x{e9} \"", 'names are kept';
is_deeply $found->{results}[0]{types}, ['fuel'], 'an amenity is a type';
is_deeply $found->{results}[2]{types}, ['a', 'b'], '... beside types of its own';
is $found->{results}[0]{vicinity}, 'Main St', 'a vicinity is kept';
like $h->answer('Goloman', 'WHATSAT here 10 9'),
    qr/"properties":\{ "name":"caf\\u00e9 \\"", "id":12345678901234567890, "x":1\.50 \}/,
    'properties are kept to the byte';
is names(near('+34.02-118.0', 10, 1)), 'far', 'bound counts the nearest';
is near('+34.02-118.0', 0.3, 9)->{results}[0]{name}, 'far', 'radius too';
is near('-34.0+62.0', 49, 19)->{status}, 'ZERO_RESULTS', 'nothing near';

# Across the antimeridian and the poles.
start('places.geojson',
    collection(
        point(179.99, 0, '{"name":"west"}'), point(-179.98, 0, '{"name":"east"}'),
        point(179.0, 0, '{"name":"too far"}'), point(-180, 0.001, '{"name":"line"}'),
        map({ point($_, 89.99, qq({"name":"n$_"})) } 0, 90, 180, -90),
        point(45, -90, '{"name":"pole"}'),
    ));
is names(near('+0+180', 10, 19)), 'line west east', 'from the antimeridian itself';
is names(near('+0-179.999', 10, 19)), 'line west east', 'from east of it';
is names(near('+0+179.995', 10, 19)), 'west line east', 'from west of it';
is names(near('+0-180.0', 10, 19)), 'line west east', '-180 is 180';
is join(' ', sort split / /, names(near('+90-17', 10, 19))), 'n-90 n0 n180 n90',
    'from the north pole in all directions';
is names(near('-89.99-135', 10, 19)), 'pole', 'the south pole is a point';

# No default file: a warning, and nothing is found.
start('other.txt', '');
my $default = $h->file('places.geojson');
ok $h->wait_log('Goloman', qr/ warn - \Q$default\E: /), 'no default file: a warning';
is near('+34-118', 10, 19)->{status}, 'ZERO_RESULTS', '... and nothing is found';

# Files that end the server at its start.
my @broken = (
    ['none.geojson', undef, 'a named file that is missing'],
    ['junk.geojson', 'junk', 'one that is no JSON'],
    ['array.geojson', '[]', 'one that is no FeatureCollection'],
    ['half.geojson', substr(collection(point(1, 1, '{}')), 0, -20), 'one that is cut off'],
    ['utf8.geojson', collection(point(1, 1, qq({"name":"\xff"}))), 'bytes that are no UTF-8'],
    ['.', undef, 'a folder'],
);
for (@broken) {
    my ($name, $bytes, $what) = @$_;
    my $bad = Test::Herd->new(places => qq(geojson: { file = "$name"; };));
    $bad->write($name, $bytes) if defined $bytes;
    my $run = $bad->run('-c', $bad->config, '-n', 'Goloman');
    is $run->{status}, 1, "$what: status 1";
    like $run->{err}, qr/^herd: Goloman: \S*\Q$name\E: \S/m, '... and says which file and why';
    unlike $bad->log('Goloman'), qr/Serving/, '... nothing served';
}

# The places that come with herd.
SKIP: {
    my $file = ($ENV{HERD_SRCDIR} // '') . '/etc/places.geojson';
    skip 'no sources (HERD_SRCDIR)', 6 if !-r $file;
    start('other.txt', '', places => qq(geojson: { file = "$file"; };));
    ok $h->wait_log('Goloman', qr/ (?:4\d|[5-9]\d|\d{3,}) places from /), 'at least 40 places';
    my $near = near('+34.068930-118.445127', 10, 19);
    is scalar @{ $near->{results} }, 19, 'around Westwood, Los Angeles';
    is scalar(grep { $_->{name} } @{ $near->{results} }), 19, '... with names';
    is $near->{status}, 'OK', '... OK';
}
done_testing;
