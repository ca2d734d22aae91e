# Answers of providers over generated documents, in the order and with the white space that nobody
# would write: each entry has the bytes that came, and JSON::PP reads what is left as it reads the
# document with its entries cut. HERD_SEED repeats a run.
use Test::Herd::Needs qw(iamat whatsat invalid google google_new overpass);
use Test::Herd;
use JSON::PP;
use List::Util qw(min shuffle);
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }

use constant { DOCUMENTS => 160, CLIENTS => 4, EARTH_KM => 6371.0088 };
my $seed = $ENV{HERD_SEED} // time ^ $$;
srand $seed;
my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# ---- JSON, made ----

sub one { return $_[rand @_] }
sub some { my ($most, $make) = @_; return map { $make->() } 1 .. rand($most + 1) }
sub space { return one('', '', '', ' ', "\n", "\r\n", "\t", "\n\n  ", " \n\r\n") }

my @pieces = ('a', 'Z9', ' ', '{', '}', '[', ']', ',', ':', '}],"', "'", '\"', '\\\\', '\/', '\b', '\f', '\n', '\r', '\t', '\u00e9', '\u00E9',
    '\u2028', '\ud83d\ude00', '\uD834\uDD1E', "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", '\u005d', '\u0022', 'results', '\\\\\"');
@pieces = map { $_ eq '}],"' ? '}],' : $_ } @pieces;
sub string { return '"' . join('', some($_[0] // 6, sub { one(@pieces) })) . '"' }

sub number {
    return one(0, '-0', 7, '-1', '1.50', '0.10', '1E+5', '-2.5e-3', '9007199254740993', '18446744073709551615', '-9223372036854775808',
        '12345678901234567890123', '3.14159265358979323846', int rand 1e9);
}

# Braces around items, white space between all.
sub around {
    my ($open, $close, @items) = @_;
    return $open . space() . join(space() . ',' . space(), @items) . space() . $close;
}

# Any key but those that mean something, which stand only deeper.
sub member { my ($depth) = @_; return '"k' . substr(string(3), 1) . space() . ':' . space() . value($depth) }

sub object {
    my ($depth) = @_;
    my @members = some(3, sub { member($depth) });
    push @members, one('"results":[{}]', '"status" : "NO"', '"places":{}', '"elements":[ ]') if rand() < 0.2;
    return around('{', '}', @members);
}

sub value {
    my ($depth) = @_;
    my $which = rand($depth > 0 ? 7 : 5);
    return $which < 2 ? string() : $which < 4 ? number() : $which < 5 ? one(qw(true false null))
        : $which < 6 ? object($depth - 1) : around('[', ']', some(3, sub { value($depth - 1) }));
}

# A member whose value is an array of these entries, by a name that may be escaped: the text, and what
# stands before the first entry and behind the last.
sub entries {
    my ($name, @entries) = @_;
    $name =~ s/e/\\u0065/ if rand() < 0.1;
    my ($before, $behind) = ("\"$name\"" . space() . ':' . space() . '[' . space(), space() . ']');
    return { before => $before, behind => $behind, entries => \@entries, commas => [map { space() . ',' . space() } 1 .. $#entries] };
}

# The array with its first k entries, all white space where it was.
sub show {
    my ($array, $k) = @_;
    my @entries = @{ $array->{entries} };
    $k = min($k, scalar @entries);
    return $array->{before} . join('', map { ($_ > 0 ? $array->{commas}[$_ - 1] : ''), $entries[$_] } 0 .. $k - 1) . $array->{behind};
}

# A document: the array among other members.
sub document {
    my ($array, @more) = @_;
    my @members = shuffle($array, @more, some(3, sub { member(2) }));
    my @spaces = map { [space(), space()] } @members;
    my ($head, $tail) = (space() . '{', space() . '}' . space());
    return sub {
        my ($k) = @_;
        my @all = map { ref $_ ? show($_, $k) : $_ } @members;
        return $head . join(',', map { $spaces[$_][0] . $all[$_] . $spaces[$_][1] } 0 .. $#all) . $tail;
    };
}

# ---- the three kinds ----

sub squeezed { my ($text) = @_; $text =~ s/\r//g; $text =~ s/\n+/\n/g; return $text =~ s/^\n+|\n+$//gr }
sub trimmed { my ($text) = @_; $text =~ s/^[ \t\r\n]+|[ \t\r\n]+$//g; return $text }
sub on_a_line { return $_[0] =~ s/[\r\n][\r\n \t]*//gr }

sub made {
    my ($attributions, @entries) = @_;
    return qq({"html_attributions":[$attributions],\n"results":[) . (@entries ? "\n" . join(",\n", @entries) . "\n" : '')
        . '],' . "\n" . '"status":"' . (@entries ? 'OK' : 'ZERO_RESULTS') . '"}';
}

sub objects { return map { object(2) } 1 .. one(0, 1, 3, 20, 23) }

# The document, and what the answer for k entries is to be.
sub google {
    my $array = entries('results', objects());
    my $document = document($array, '"status"' . space() . ':"OK"');
    return { text => $document->(99), entries => $array->{entries}, wanted => sub { squeezed(trimmed($document->($_[0]))) } };
}

sub place {
    my ($lat, $lng) = (number_within(90), number_within(180));
    my %value = (businessStatus => string(), id => string(), rating => number(), userRatingCount => number(),
        types => around('[', ']', some(3, \&string)), shortFormattedAddress => string(), formattedAddress => string());
    my $name = string();
    my %deep = (displayName => around('{', '}', shuffle("\"text\":$name", '"languageCode": "en"')),
        location => around('{', '}', shuffle("\"latitude\":$lat", "\"longitude\" :$lng")));
    delete @value{grep { rand() < 0.2 } keys %value};
    delete @deep{grep { rand() < 0.2 } keys %deep};
    my %all = (%value, %deep);
    my $text = around('{', '}', shuffle((map { "\"$_\"" . space() . ':' . space() . $all{$_} } keys %all), some(2, sub { member(2) })));
    my $vicinity = $value{shortFormattedAddress} // $value{formattedAddress};
    my @members = ([business_status => $value{businessStatus}],
        [geometry => $deep{location} ? qq({"location":{"lat":$lat,"lng":$lng}}) : undef], [name => $deep{displayName} ? $name : undef],
        [place_id => $value{id}], [rating => $value{rating}], [types => $value{types}], [user_ratings_total => $value{userRatingCount}],
        [vicinity => $vicinity]);
    return [$text, '{' . join(',', map { defined $_->[1] ? qq("$_->[0]":) . on_a_line($_->[1]) : () } @members) . '}'];
}

sub google_new {
    my @places = map { place() } 1 .. one(0, 1, 3, 20);
    my $document = document(entries('places', map { $_->[0] } @places));
    my @entries = map { $_->[1] } @places;
    return { text => $document->(99), entries => \@entries, wanted => sub { made('', @entries[0 .. min($_[0], scalar @entries) - 1]) } };
}

sub number_within { my ($most) = @_; return sprintf one('%.7f', '%.3f', '%.9f'), rand(2 * $most) - $most }

sub km {
    my ($lat, $lon, $to_lat, $to_lon) = map { $_ * atan2(1, 1) / 45 } @_;
    my $h = sin(($to_lat - $lat) / 2)**2 + cos($lat) * cos($to_lat) * sin(($to_lon - $lon) / 2)**2;
    return 2 * EARTH_KM * atan2(sqrt $h, sqrt(1 - $h));
}

# Some as far as 16 km, where 10 are asked for.
sub element {
    my ($lat0) = @_;
    my ($lat, $lon) = (sprintf('%.7f', $lat0 + rand(0.2) - 0.1), sprintf '%.7f', rand(0.2) - 0.1);
    my ($type, $id, $name, $kind) = (one(qw(node way relation)), one(1, 9007199254740993, int rand 1e9), string(), string());
    my $position = "\"lat\":$lat,\"lon\": $lon";
    my $tags = around('{', '}', shuffle("\"name\" :$name", "\"amenity\": $kind", some(3, sub { '"x' . substr(string(), 1) . ':' . string() })));
    my $text = around('{', '}', shuffle("\"type\":\"$type\"", "\"id\": $id", $type eq 'node' ? $position : "\"center\":{ $position }",
        "\"tags\" :$tags", some(2, sub { member(1) })));
    my $entry = qq({"geometry":{"location":{"lat":$lat,"lng":$lon}},"name":$name,"place_id":"$type/$id","types":[$kind],"properties":)
        . on_a_line($tags) . '}';
    return { text => $text, entry => $entry, km => km($lat0, 0, $lat, $lon) };
}

sub overpass {
    my ($lat) = @_;
    my @elements = map { element($lat) } 1 .. one(0, 1, 5, 40);
    my @entries = map { $_->{entry} } grep { $_->{km} <= 10 } sort { $a->{km} <=> $b->{km} } @elements;
    my $odbl = '"&copy; <a href=\"https://www.openstreetmap.org/copyright\">OpenStreetMap contributors</a>, '
        . '<a href=\"https://opendatacommons.org/licenses/odbl/\">ODbL</a>"';
    my $document = document(entries('elements', map { $_->{text} } @elements));
    return { text => $document->(99), entries => \@entries, wanted => sub { made($odbl, @entries[0 .. min($_[0], scalar @entries) - 1]) } };
}

# ---- read again, by nobody's JSON but these rules ----

my $value = qr/(?<value>(?:"(?:[^"\\]|\\.)*+"|[-+0-9.eE]+|true|false|null|\{\s*+(?:(?&value)\s*+:\s*+(?&value)\s*+,?\s*+)*+\}|\[\s*+(?:(?&value)\s*+,?\s*+)*+\]))/x;

# The slices that are entries of the results of an object.
sub slices {
    my ($text) = @_;
    $text =~ /\G\s*\{/gc or return;
    while ($text =~ /\G\s*$value\s*:\s*/gc) {
        my $key = $+{value};
        if ($key =~ /^"r(?:e|\\u0065)sults"$/) {
            my @found;
            $text =~ /\G\[/gc or return;
            push @found, $+{value} while $text =~ /\G\s*$value\s*,?/gc;
            return @found;
        }
        $text =~ /\G$value\s*,?/gc or return;
    }
    return;
}

# ---- asking ----

my %make = (Google => \&google, New => \&google_new, Overpass => \&overpass);
my @servers = sort keys %make;
my %documents = map { my $make = $make{$_}; ($_ => [map { $make->($_ / 100) } 0 .. DOCUMENTS - 1]) } @servers;
my @bad = ("\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\0", "\x1F");
for my $server (@servers) {
    for my $document (@{ $documents{$server} }[map { 8 * $_ } 1 .. (DOCUMENTS - 1) / 8]) {
        substr $document->{text}, 1 + rand(length($document->{text}) - 1), 0, one(@bad);
        $document->{bad} = 1;
    }
}
my $h = Test::Herd->new(servers => [@servers]);
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => sub {
    my ($client) = @_;
    my ($kind, $lat) = $client->{request} =~ m{^\w+ /(\w+).*(?:location=|"latitude":|around%3A10000%2C)([0-9.]+)}s;
    $client->reply($documents{$kind}[sprintf '%.0f', 100 * $lat]{text});
});
$h->allow(qr/ (?:google|google_new|overpass): /);
chmod 0600, $h->write('key', "key\n") or die;
my %provider = (Google => 'google', New => 'google_new', Overpass => 'overpass');
for my $server (@servers) {
    $h->start($server, $up->settings('plain', provider => $provider{$server}, ($server eq 'Overpass' ? (key => '') : ()),
        url => $up->url('plain') =~ s/nearby$/$server/r));
    my $client = $h->connect($server);
    $client->send(join '', map { sprintf "IAMAT c%d +%.2f+0 1\n", $_, $_ / 100 } 0 .. DOCUMENTS - 1);
    $client->line for 1 .. DOCUMENTS;
}

# What is wrong with an answer; '': nothing.
sub fault {
    my ($document, $k, $text) = @_;
    my (undef, $said) = split /\n/, $text // '', 2;
    return 'no answer' if !defined $said || $said !~ s/\n\n\z//;
    return 'bad UTF-8' if !utf8::decode(my $copy = $said);
    my $read = eval { $json->decode($said) } // return "no JSON: $@";
    return $read->{status} eq 'UNKNOWN_ERROR' && !@{ $read->{results} } ? '' : 'taken, but bad' if $document->{bad};
    my $wanted = $document->{wanted}->($k);
    return 'other bytes' if $said ne $wanted;
    my @entries = slices($said);
    my @own = @{ $document->{entries} };
    return 'other entries' if "@entries" ne join ' ', map { squeezed($_) } @own[0 .. min($k, scalar @own) - 1];
    return '';
}

# As JSON::PP reads it, without its entries beyond k.
sub same_to_another {
    my ($document, $k, $text) = @_;
    my $all = $json->decode($document->{text});
    splice @{ $all->{results} }, $k if @{ $all->{results} } > $k;
    my ($said) = $text =~ /\A[^\n]*\n(.*)\n\n\z/s;
    return $json->encode($json->decode($said)) eq $json->encode($all);
}

for my $server (@servers) {
    my @clients = map { $h->connect($server) } 1 .. CLIENTS;
    my @bounds = map { 1 + int rand 20 } 0 .. DOCUMENTS - 1;
    $clients[$_ % CLIENTS]->send("WHATSAT c$_ 10 $bounds[$_]\n") for 0 .. DOCUMENTS - 1;
    my (@faults, @others, %seen);
    for my $n (0 .. DOCUMENTS - 1) {
        my $document = $documents{$server}[$n];
        my $text = $clients[$n % CLIENTS]->answer;
        my $fault = fault($document, $bounds[$n], $text);
        push @faults, "$fault: document $n, bound $bounds[$n]:\n$document->{text}\nanswer:\n" . ($text // '') if $fault ne '';
        push @others, $n if $server eq 'Google' && !$document->{bad} && !same_to_another($document, $bounds[$n], $text);
        $seen{ $document->{bad} ? 'bad' : @{ $document->{entries} } > $bounds[$n] ? 'cut' : 'whole' }++;
    }
    is scalar(@faults), 0, "$server: the bytes of " . DOCUMENTS . ' answers' or diag "HERD_SEED=$seed\n$faults[0]";
    is "@others", '', '... and JSON::PP reads the same' or diag "HERD_SEED=$seed";
    ok !(grep { ($seen{$_} // 0) < 5 } qw(bad cut whole)), '... some cut, some whole, some bad' or diag "HERD_SEED=$seed";
}
done_testing;
