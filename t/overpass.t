# The provider overpass against a server of the test's own: the request to the byte, elements of
# OpenStreetMap as places, the nearest first, its errors, and what is no answer.
use Test::Herd::Needs qw(iamat whatsat invalid overpass);
use Test::Herd;
use JSON::PP;
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }

my $attributions = '["&copy; <a href=\"https://www.openstreetmap.org/copyright\">OpenStreetMap contributors</a>, '
    . '<a href=\"https://opendatacommons.org/licenses/odbl/\">ODbL</a>"]';

sub elements {
    my ($elements, $remark) = @_;
    return qq({\n  "version": 0.6,\n  "generator": "Overpass API 0.7.62.1 084b4234",\n  "osm3s": {\n)
        . qq(    "timestamp_osm_base": "2026-11-23T07:29:06Z",\n    "copyright": "The data included in this document is from )
        . qq(www.openstreetmap.org. The data is made available under ODbL."\n  },\n  "elements": [\n\n$elements\n\n  ])
        . (defined $remark ? qq(,\n"remark": "$remark") : '') . "\n}\n";
}

sub results {
    return qq({"html_attributions":$attributions,\n"results":[) . (@_ ? "\n" . join(",\n", @_) . "\n" : '')
        . qq(],\n"status":") . (@_ ? 'OK' : 'ZERO_RESULTS') . '"}';
}
my $three = <<'END';
{
  "type": "node",
  "id": 9007199254740993,
  "lat": 0.0300000,
  "lon": -118.5000000,
  "tags": {
    "addr:city": "Los Angeles",
    "addr:housenumber": "425",
    "addr:street": "Westwood Plaza",
    "amenity": "cafe",
    "name": "Caf\u00e9 \ud83d\ude00 }{\"]é"
  }
},
{
  "type": "relation",
  "id": 2,
  "center": {
    "lat": 0.0200000,
    "lon": -118.5000000
  },
  "tags": {
    "amenity": "university",
    "name": "U"
  }
},
{
  "type": "way",
  "id": 1,
  "tags": {
    "amenity": "bar",
    "name": "nowhere"
  }
},
{
  "type": "way",
  "id": 7,
  "center": {
    "lat": 0.0100000,
    "lon": -118.5000000
  },
  "tags": {
    "amenity": "school",
    "name": "S"
  }
}
END
my @three = (
    '{"geometry":{"location":{"lat":0.0100000,"lng":-118.5000000}},"name":"S","place_id":"way/7","types":["school"],'
        . '"properties":{"amenity": "school","name": "S"}}',
    '{"geometry":{"location":{"lat":0.0200000,"lng":-118.5000000}},"name":"U","place_id":"relation/2","types":["university"],'
        . '"properties":{"amenity": "university","name": "U"}}',
    '{"geometry":{"location":{"lat":0.0300000,"lng":-118.5000000}},"name":"Caf\u00e9 \ud83d\ude00 }{\"]é",'
        . '"place_id":"node/9007199254740993","types":["cafe"],"vicinity":"425 Westwood Plaza, Los Angeles",'
        . '"properties":{"addr:city": "Los Angeles","addr:housenumber": "425","addr:street": "Westwood Plaza",'
        . '"amenity": "cafe","name": "Caf\u00e9 \ud83d\ude00 }{\"]é"}}',
);
my $html = "<html><p><strong>Error</strong>: runtime error: open64: 0 Success</p></html>";

# What the upstream server does, and what the client gets: bytes of JSON, or a status and why.
my @cases = (
    ['three', sub { $_[0]->reply(elements($three)) }, results(@three)],
    ['nothing', sub { $_[0]->reply(elements('')) }, results()],
    ['too far', sub { $_[0]->reply(elements($three)) }, results()],
    ['a harmless remark', sub { $_[0]->reply(elements('', 'runtime remark: x')) }, results()],
    ['out of time', sub { $_[0]->reply(elements($three, 'runtime error: Query timed out in \"query\" at line 1 after 5 seconds.')) },
        UNKNOWN_ERROR => qr/^runtime error: Query timed out in "query" at line 1 after 5 seconds\.$/],
    ['asked too often, in a remark', sub { $_[0]->reply(elements('', 'runtime error: Dispatcher_Client::request_read_and_idx::rate_limited. Please check')) },
        OVER_QUERY_LIMIT => qr/rate_limited/],
    ['asked too often', sub { $_[0]->reply($html, status => '429 Too Many Requests') }, OVER_QUERY_LIMIT => qr/^the server has been asked too much$/],
    ['busy', sub { $_[0]->reply($html, status => '504 Gateway Timeout') }, UNKNOWN_ERROR => qr/^the server is busy$/],
    ['not understood', sub { $_[0]->reply($html, status => '400 Bad Request') }, INVALID_REQUEST => qr/does not understand/],
    ['out of order', sub { $_[0]->reply(elements($three), status => '500 Oh') }, UNKNOWN_ERROR => qr/HTTP status 500/],
    ['HTML', sub { $_[0]->reply($html) }, UNKNOWN_ERROR => qr/not JSON/],
    ['bad UTF-8', sub { $_[0]->reply(elements($three =~ s/Caf/Ca\xC3/r)) }, UNKNOWN_ERROR => qr/UTF-8/],
    ['no object', sub { $_[0]->reply('[]') }, UNKNOWN_ERROR => qr/no JSON object/],
    ['no elements', sub { $_[0]->reply('{}') }, UNKNOWN_ERROR => qr/not one array of elements/],
    ['twice', sub { $_[0]->reply('{"elements":[],"elements":[]}') }, UNKNOWN_ERROR => qr/not one array of elements/],
    ['of another type', sub { $_[0]->reply('{"elements":{}}') }, UNKNOWN_ERROR => qr/not one array of elements/],
    ['that are none', sub { $_[0]->reply('{"elements":[{},7]}') }, UNKNOWN_ERROR => qr/elements are none/],
    ['too large', sub { $_[0]->reply(elements('') . ' ' x 4_200_000) }, UNKNOWN_ERROR => qr/too large/],
);

my $h = Test::Herd->new(servers => [qw(Goloman Hands)]);
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => sub { $cases[abs $_[1]][1]->($_[0]) });
$h->allow(qr/ overpass: /);
$h->start('Goloman', $up->settings('plain', provider => 'overpass', key => ''));
my @at = map { $h->ask('Goloman', "IAMAT c$_ +$_.00000004-118.5 1") } 0 .. $#cases;
my $client = $h->connect('Goloman');
for my $n (0 .. $#cases) {
    my ($name, undef, $json, $why) = @{ $cases[$n] };
    $client->send("WHATSAT c$n 10.5 20\n");
    my $text = $client->answer;
    if ($json =~ /^\{/) {
        is $text, "$at[$n]\n$json\n\n", $name;
        ok eval { decode_json($json) }, '... which is JSON';
        next;
    }
    my ($line, $rest) = split /\n/, $text, 2;
    is $line, $at[$n], "$name: the AT line";
    my $said = decode_json($rest);
    is "$said->{status} @{ $said->{results} }", "$json ", '... no results, and the status';
    like $said->{error_message}, $why, '... and why';
}
for my $bound (1, 2) {
    $client->send("WHATSAT c0 10.5 $bound\n");
    is $client->answer, "$at[0]\n" . results(@three[0 .. $bound - 1]) . "\n\n", "$bound of three";
}
$client->send("WHATSAT c0 2.5 20\n");
is $client->answer, "$at[0]\n" . results(@three[0, 1]) . "\n\n", 'what is beyond the radius is not shown';

# What is asked, by TLS as well.
my ($version) = $h->run('-v')->{out} =~ /([0-9][0-9.]*[0-9])/;
sub request {
    my ($kind, $agent, $query) = @_;
    my ($host) = $up->url($kind) =~ m{//(.*)/};
    my $body = 'data=' . $query =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
    return "POST /nearby HTTP/1.1\r\nHost: $host\r\nAccept: */*\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        . "User-Agent: $agent\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
}
is +($up->whole_requests)[0], request('plain', "herd/$version", '[out:json][timeout:4];nwr(around:10500,0.0000000,-118.5000000)'
    . '[amenity][name];out center tags 2000;'), 'the request';
$h->start('Hands', $up->settings('good', provider => 'overpass', key => '',
    more => q(filter = "[\"shop\"~\"^b.*\\\\.\",i][!\"fee\"][name!=\"é\"]"; contact = "https://a.example; me@a.example"; max_elements = 5;)));
my $at = $h->ask('Hands', 'IAMAT c0 -0.0001+0.25 1');
is $h->answer('Hands', 'WHATSAT c0 0.0004 20'), "$at\n" . results() . "\n\n", 'by HTTPS';
is +($up->whole_requests)[-1], request('good', "herd/$version (https://a.example; me\@a.example)",
    '[out:json][timeout:4];nwr(around:1,-0.0001000,0.2500000)["shop"~"^b.*\\.",i][!"fee"][name!="é"];out center tags 5;'),
    '... with all settings, and a radius below a metre';

# Filters, and what is refused at the start, with file, line and setting.
my $port = $h->port('Goloman');
my $file = $h->write('some.conf', '');
sub check {
    my ($setting) = @_;
    $h->write('some.conf', qq(servers = ( { name = "Goloman"; host = "127.0.0.1"; port = $port; } );\n)
        . qq(places: { provider = "overpass";\n  overpass: {\n    $setting\n  };\n};\n));
    return $h->run('-c', $file, '-t');
}
sub quoted { my ($filter) = @_; return 'filter = "' . $filter =~ s/(["\\])/\\$1/gr . '";' }
for my $good ('["amenity"]', '[amenity=cafe]', '["amenity"!="cafe"]["name"]', '["a"~"b|c"]', '["a"!~"b",i]', '[~"^addr:"~"."]', '[~"a"~"b",i]',
    '[!"a"]', '["a"="b\"];c"]', '["a]b"="c"]') {
    my $run = check(quoted($good));
    is $run->{status}, 0, "a filter: $good" or diag $run->{err};
}
for my $bad ('', 'amenity', '["a"', '["a"]x', '["a"];out;', '[]', '["a"="b]', '["a"="b\\', '["a"=]', '["a"><"b"]', '["a"="b",i]', '["a"~"b",j]',
    '[!"a"="b"]', '[~"a"]', '["a:b"="c"](1,2,3,4)', '[a:b]', '["a"] ["b"]', '["' . 'a' x 600 . '"]', "[\"a\"=\"\t\"]") {
    my $run = check(quoted($bad));
    is $run->{status}, 1, 'no filter: ' . substr $bad, 0, 30;
    like $run->{err}, qr/^herd: \Q$file\E:4: places\.overpass\.filter: must be filters of tags/, '... and why';
}
for (['url = "http://overpass.example/";', qr/url: must begin with https/], ['contact = "a(b";', qr/contact: must be/],
    ['contact = "a\r\nX: y";', qr/contact: must be/], ['contact = "' . 'a' x 201 . '";', qr/contact: must be/],
    ['max_elements = 0;', qr/max_elements: 0 is not within 1 to 10000/], ['ca_file = "noca";', qr/ca_file: .*noca/],
    ['key_file = "k";', qr/key_file: unknown setting/]) {
    my ($setting, $why) = @$_;
    my $run = check($setting);
    is $run->{status}, 1, 'refused: ' . substr $setting, 0, 30;
    like $run->{err}, qr/^herd: \Q$file\E:4: places\.overpass\.$why/, '... and why';
}
done_testing;
