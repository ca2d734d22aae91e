# The provider google_new against a server of the test's own: the request to the byte, answers made
# into those of the Nearby Search of old in Google's own bytes, its errors, and what is no answer.
use Test::Herd::Needs qw(iamat whatsat invalid google_new geojson);
use Test::Herd;
use JSON::PP;
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }

my $key = 'AIza-Test_Key.0123456789~abc';
my $place = <<'END';
    {
      "id": "ChIJx-1",
      "types": [
        "cafe",
        "food"
      ],
      "formattedAddress": "425 Westwood Plaza, Los Angeles, CA 90095, USA",
      "location": {
        "latitude": 34.0706070,
        "longitude": -118.4440190
      },
      "rating": 4.50,
      "businessStatus": "OPERATIONAL",
      "userRatingCount": 9007199254740993,
      "displayName": {
        "text": "Caf\u00e9 \ud83d\ude00 }{\"]é",
        "languageCode": "en"
      },
      "shortFormattedAddress": "425 Westwood Plaza, Los Angeles"
    }
END
my $entry = '{"business_status":"OPERATIONAL","geometry":{"location":{"lat":34.0706070,"lng":-118.4440190}},'
    . '"name":"Caf\u00e9 \ud83d\ude00 }{\"]é","place_id":"ChIJx-1","rating":4.50,"types":["cafe","food"],'
    . '"user_ratings_total":9007199254740993,"vicinity":"425 Westwood Plaza, Los Angeles"}';
my $twenty = join ",\n", map {qq(    {"id":"p$_","displayName":{"text":"n$_ }]"}})} 1 .. 20;
my @twenty = map {qq({"name":"n$_ }]","place_id":"p$_"})} 1 .. 20;
my $none = qq({"html_attributions":[],\n"results":[],\n"status":"ZERO_RESULTS"});

sub places { qq({\n  "places": [\n$_[0]\n  ]\n}\n) }
sub results { qq({"html_attributions":[],\n"results":[\n) . join(",\n", @_) . qq(\n],\n"status":"OK"}) }

sub error {
    my ($http, $status, $message, $details) = @_;
    my $body = qq({\n  "error": {\n    "code": $http,\n    "message": "$message",\n    "status": "$status"\n@{[$details // '']}  }\n}\n);
    return sub { $_[0]->reply($body, status => "$http Oh") };
}
my $bad_key = qq(,"details":[{"\@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]);

# What the upstream server does, and what the client gets: bytes of JSON, or a status and why.
my @cases = (
    ['a place', sub { $_[0]->reply(places($place)) }, results($entry)],
    ['twenty', sub { $_[0]->reply(places($twenty)) }, results(@twenty)],
    ['nothing', sub { $_[0]->reply("{}\n") }, $none],
    ['no places', sub { $_[0]->reply('{"places":[]}') }, $none],
    ['the quota', error(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for quota metric \"x\".'),
        OVER_QUERY_LIMIT => qr/^Quota exceeded for quota metric "x"\.$/],
    ['not enabled', error(403, 'PERMISSION_DENIED', 'Places API (New) is disabled.'), REQUEST_DENIED => qr/^Places API .New. is disabled\.$/],
    ['a bad key', error(400, 'INVALID_ARGUMENT', 'API key not valid.', $bad_key), REQUEST_DENIED => qr/^API key not valid\.$/],
    ['a bad mask', error(400, 'INVALID_ARGUMENT', 'Error expanding fields.'), INVALID_REQUEST => qr/^Error expanding fields\.$/],
    ['a fault of theirs', error(500, 'INTERNAL', 'Internal error.'), UNKNOWN_ERROR => qr/^Internal error\.$/],
    ['not theirs', sub { $_[0]->reply('<html>', status => '502 Bad Gateway') }, UNKNOWN_ERROR => qr/^the answer is HTTP status 502$/],
    ['a redirect', sub { $_[0]->reply('', status => '302 Found', headers => ['Location: http://example.com/']) }, UNKNOWN_ERROR => qr/302/],
    ['bad UTF-8', sub { $_[0]->reply(places($place =~ s/Caf/Ca\xC3/r)) }, UNKNOWN_ERROR => qr/UTF-8/],
    ['bad UTF-8 in an error', error(403, 'PERMISSION_DENIED', "\xED\xA0\x80"), UNKNOWN_ERROR => qr/^the answer is HTTP status 403$/],
    ['no object', sub { $_[0]->reply('[]') }, UNKNOWN_ERROR => qr/no JSON object/],
    ['two places', sub { $_[0]->reply('{"places":[],"pl\u0061ces":[]}') }, UNKNOWN_ERROR => qr/not one array of places/],
    ['places of another type', sub { $_[0]->reply('{"places":{"id":"x"}}') }, UNKNOWN_ERROR => qr/not one array of places/],
    ['places that are none', sub { $_[0]->reply('{"places":[{},[]]}') }, UNKNOWN_ERROR => qr/places are none/],
    ['the key said back', sub { $_[0]->reply(places(qq({"id":"$key"}))) }, UNKNOWN_ERROR => qr/repeats the key/],
    ['... hidden', sub { $_[0]->reply(places('{"id":"' . $key =~ s/_/\\u005F/r . '"}')) }, UNKNOWN_ERROR => qr/repeats the key/],
    ['... in an error', error(400, 'INVALID_ARGUMENT', "$key is bad"), UNKNOWN_ERROR => qr/repeats the key/],
    ['nested deep', sub { $_[0]->reply('{"places":' . '[' x 9999 . ']' x 9999 . '}') }, UNKNOWN_ERROR => qr/nested/],
    ['too large', sub { $_[0]->reply(places($place) . ' ' x 600_000) }, UNKNOWN_ERROR => qr/too large/],
);

my $h = Test::Herd->new(servers => [qw(Goloman Hands)]);
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => sub { $cases[$_[1]][1]->($_[0]) });
$h->allow(qr/ google_new: /);
chmod 0600, $h->write('key', "$key\n") or die;
$h->start('Goloman', $up->settings('plain', provider => 'google_new'));
my @at = map { $h->ask('Goloman', "IAMAT c$_ +$_.00000004-118.5 1") } 0 .. $#cases;
my $client = $h->connect('Goloman');
for my $n (0 .. $#cases) {
    my ($name, undef, $json, $why) = @{ $cases[$n] };
    $client->send("WHATSAT c$n 10 20\n");
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
for my $bound (1, 7, 19) {
    $client->send("WHATSAT c1 10 $bound\n");
    is $client->answer, "$at[1]\n" . results(@twenty[0 .. $bound - 1]) . "\n\n", "$bound of twenty";
}
unlike $h->log('Goloman'), qr/\Q$key\E/, 'the key is not in the log';

# What is asked, by TLS as well.
sub request {
    my ($kind, $mask, $body) = @_;
    my ($host) = $up->url($kind) =~ m{//(.*)/};
    return "POST /nearby HTTP/1.1\r\nHost: $host\r\nUser-Agent: herd\r\nAccept: */*\r\nContent-Type: application/json\r\n"
        . "X-Goog-Api-Key: $key\r\nX-Goog-FieldMask: $mask\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
}
my $mask = join ',', map {"places.$_"} qw(attributions businessStatus displayName formattedAddress id location rating
    shortFormattedAddress types userRatingCount);
my $circle = '"locationRestriction":{"circle":{"center":{"latitude":0.0000000,"longitude":-118.5000000},"radius":10000}}';
is +($up->whole_requests)[0], request('plain', $mask, qq({"maxResultCount":20,"rankPreference":"DISTANCE",$circle})), 'the request';

my $more = 'field_mask = "places.id,*"; included_types = "cafe,ice_cream_shop"; language = "zh-Hant"; rank = "popularity";';
my ($option, $set) = @{ $up->settings('good', provider => 'google_new', more => $more) };
$h->start('Hands', [$option, $set =~ s/max_inclusive/max_radius_km = 100.0; max_items = 60; max_inclusive/r]);
my $at = $h->ask('Hands', 'IAMAT c0 -0.5+0.25 1');
is $h->answer('Hands', 'WHATSAT c0 100 60'), "$at\n" . results($entry) . "\n\n", 'by HTTPS';
is +($up->whole_requests)[-1], request('good', 'places.id,*', '{"includedTypes":["cafe","ice_cream_shop"],"languageCode":"zh-Hant",'
    . '"maxResultCount":20,"rankPreference":"POPULARITY","locationRestriction":{"circle":{"center":{"latitude":-0.5000000,'
    . '"longitude":0.2500000},"radius":50000}}}'), '... with all settings, and Google\'s own limits';

# What is refused at the start, with file, line and setting.
my $port = $h->port('Goloman');
my $file = $h->write('bad.conf', '');
for (['url = "http://places.example/";', qr/url: must begin with https/],     ['field_mask = "a b";', qr/field_mask: must/], ['field_mask = "a,,b";', qr/field_mask: must/], ['field_mask = "a,";', qr/field_mask: must/],
    ['field_mask = "a\r\nX: y";', qr/field_mask: must/], ['field_mask = "' . 'a' x 1025 . '";', qr/field_mask: must/],
    ['included_types = "a\"";', qr/included_types: must/], ['included_types = ",a";', qr/included_types: must/],
    ['language = "e\"n";', qr/language: must/], ['rank = "DISTANCE";', qr/rank: must be "distance" or "popularity"/],
    ['key_file = "";', qr/key_file: must name the file/], ['key_file = "nokey";', qr/key_file: .*nokey: No such file/],
    ['key_file = "open";', qr/key_file: .*open: group or others may use it/], ['key_file = "words";', qr/key_file: .*words: holds no key/],
    ['ca_file = "noca"; key_file = "key";', qr/ca_file: .*noca/], ['filter = "";', qr/filter: unknown setting/]) {
    my ($setting, $why) = @$_;
    chmod 0644, $h->write('open', "$key\n");
    chmod 0600, $h->write('words', "$key x\n");
    $h->write('bad.conf', qq(servers = ( { name = "Goloman"; host = "127.0.0.1"; port = $port; } );\n)
        . qq(places: { provider = "google_new";\n  google_new: {\n    $setting\n  };\n};\n));
    my $run = $h->run('-c', $file, '-t');
    is $run->{status}, 1, "refused: " . substr $setting, 0, 40;
    like $run->{err}, qr/^herd: \Q$file\E:4: places\.google_new\.$why/, '... and why';
    unlike $run->{err}, qr/\Q$key\E/, '... without the key';
}
done_testing;
