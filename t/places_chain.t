# Several providers: the next is asked when one fails, may not be asked so often, or has failed so
# often that it is left alone for a while.
use Test::Herd::Needs qw(iamat at whatsat invalid google geojson);
use Test::Herd;
use Test::Herd::Installed;
use Test::Herd::Time qw(now slowly);
use File::Copy qw(copy);
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }

# What the other server does, by the latitude.
my $one = '{"results":[{"from":"google"}],"status":"OK"}';
my %said = (
    1 => $one,
    2 => '{"results":[],"status":"ZERO_RESULTS"}',
    3 => '{"results":[{}],"status":"OVER_QUERY_LIMIT","error_message":"too often"}',
    4 => '{"results":[],"status":"REQUEST_DENIED"}',
    5 => '{"status":"INVALID_REQUEST"}',
    (map { $_ => 'nonsense' } 6, 7),
);

my $tree = Test::Herd::Installed->new;
my $shops = $tree->build('shops', "$ENV{HERD_SRCDIR}/t/modules/shops.c");
my @servers = qw(Chain Dead Lost Breaker Rate Day Busy);
my $h = Test::Herd->new(servers => \@servers, workers => 3, extra => qq(load_modules = [ "$shops" ];\n));
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => \&answer);
chmod 0600, $h->write('key', "AIza\n") or die;
$h->write('places.geojson', '{"type":"FeatureCollection","features":[' . join(',', map {
    my $lat = $_; map {qq({"type":"Feature","geometry":{"type":"Point","coordinates":[-1,$lat.00$_]},"properties":{}})} 1 .. 9
} 1 .. 20) . ']}');
$h->allow(qr/ google: /, qr/ places\.google: /, qr/warn - shops: OVER_QUERY_LIMIT: /);

sub answer {
    my ($client, $lat) = @_;
    return $client->reply('', status => '500 Oh') if $lat == 8 && !-e $h->file('well');
    if ($lat == 7) { $client->idle(0.01) until -e $h->file('go') }
    return $client->reply($said{$lat} // $one);
}
sub requests { my ($lat) = @_; return scalar grep { $_->[1] =~ /location=$lat\./ } $up->requests }

my ($server, %at);
sub start {
    my ($name, $chain, $google, $more) = @_;
    $server = $name;
    my $url = $google =~ /url =/ ? '' : 'url = "' . $up->url('plain') . '";';
    $h->start($server, ['-g', qq(places: { providers = [ $chain ]; max_inclusive = true; $more
        google: { key_file = "key"; $url $google }; };)]);
    $at{$_} = $h->ask($server, "IAMAT k$_ +$_-1 1") for 1 .. 20;
    return;
}
sub count { my ($name) = @_; return $h->status($server)->{$name} }
sub ask_near { my ($lat, $radius, $bound) = @_; return $h->answer($server, "WHATSAT k$lat " . ($radius // 10) . ' ' . ($bound // 20)) }
sub failure { my ($lat, $status, $why) = @_; return qr/\A\Q$at{$lat}\E\n\{"html_attributions":\[\],"results":\[\],"status":"$status", "error_message":"$why"\}\n\n\z/ }
my $local = qr/"results":\[\n(?:.*"lat".*\n){9}\],\n"status":"OK"\}\n\n\z/;

# The next one.
start('Chain', '"google", "geojson"', 'failures = 0;', '');
is ask_near(1), "$at{1}\n$one\n\n", 'the first has an answer';
is ask_near(2), "$at{2}\n$said{2}\n\n", '... also that nothing is near';
like ask_near($_), $local, "... fails: the second is asked ($_)" for 3 .. 6, 8;
like ask_near(6, 10, 1), qr/"results":\[\n.*"lat".*\n\],\n"status":"OK"\}\n\n\z/, '... for as many as are wanted';
is count('searches_failed'), 0, '... and no search has failed';
my @clients = map { $h->connect($server) } 1 .. 9;
$clients[$_]->send("WHATSAT k7 10 " . ($_ + 1) . "\n") for 0 .. 8;
$h->wait_for(sub { count('searches') == 17 }, 'they are heard');
ok $h->wait_for(sub { requests(7) == 1 }, 'a request'), 'nine ask the same of the first';
$_->reset for @clients[0, 4];
$h->wait_for(sub { count('searches_cancelled') == 2 }, 'they go');
$h->write('go', '');
my @names = map { my $a = $_->answer // ''; scalar(() = $a =~ /"lat"/g) } @clients[1 .. 3, 5 .. 8];
is_deeply \@names, [2 .. 4, 6 .. 9], '... and the second answers all of them';

# The first is dead.
my $nobody = Test::Herd::Ports::take();
start('Dead', '"google", "geojson"', qq(url = "http://127.0.0.1:$nobody/"), '');
like ask_near($_), $local, "the first is dead: $_" for 1 .. 8;
my $status = $h->status($server);
is_deeply [@$status{qw(searches_failed breakers_opened searches_paused)}], [0, 1, 3], '... and left alone after five failures';

# What it needs to be asked is gone.
copy($up->ca_file, $h->file('ca.pem')) or die "ca.pem: $!\n";
start('Lost', '"google"', 'ca_file = "ca.pem"; failures = 2;', '');
unlink $h->file('ca.pem');
like ask_near(1), failure(1, 'UNKNOWN_ERROR', 'the certificates trusted besides the system\'s cannot be read'), 'no certificates' for 1 .. 2;
like ask_near(1), qr/is not asked for a while/, '... that is a failure';

# The breaker of the only one.
start('Breaker', '"google"', 'failures = 2; pause = "400ms"', '');
like ask_near(8), failure(8, 'UNKNOWN_ERROR', 'the answer is HTTP status 500'), 'a failure' for 1 .. 2;
my ($began, $asked) = (now(), requests(8));
like ask_near(1), failure(1, 'UNKNOWN_ERROR', 'google fails, and is not asked for a while'), 'two: the breaker is open';
cmp_ok now() - $began, '<', slowly(0.2), '... at once';
ok $h->wait_for(sub { ask_near(8) =~ /status 500/ }, 'a try'), 'after a while one is let through';
is requests(8), $asked + 1, '... one';
like ask_near(8), qr/is not asked for a while/, '... and the breaker is open again';
is requests(8), $asked + 1, '... for as long';
$h->write('well', '');
ok $h->wait_for(sub { ask_near(8) =~ /"from":"google"/ }, 'an answer'), 'answered: it is closed';
is ask_near(1), "$at{1}\n$one\n\n", '... for all';
is count('breakers_opened'), 1, '... it has opened once';
my $log = $h->log($server);
is scalar(() = $log =~ / warn - places\.google: not asked for a while, after 2 failures in a row$/mg), 1, '... as the log says';
is scalar(() = $log =~ / info - places\.google: asked again$/mg), 1, '... and that it is over';
like ask_near(5), qr/INVALID_REQUEST/, 'a question that is to blame' for 1 .. 3;
is ask_near(1), "$at{1}\n$one\n\n", '... leaves it closed';

# Its budget.
start('Rate', '"google"', 'rate = 2; keep = "1d"', '');
like ask_near($_), qr/"from":"google"/, 'two a second' for 1, 9;
my @over = map { ask_near($_) } 10 .. 12;
like $_, qr/"status":"OVER_QUERY_LIMIT", "error_message":"the budget of google is used up"/, '... and no third' for @over;
is ask_near(1), "$at{1}\n$one\n\n", '... what is kept costs nothing';
ok $h->wait_for(sub { ask_near(13) =~ /"from":"google"/ }, 'an answer'), '... until there is some again';
cmp_ok count('searches_spent'), '>=', 3, '... counted';
is scalar(() = $h->log($server) =~ / warn - places\.google: its budget is used up: rate$/mg), 1, '... and told once';
start('Day', '"google", "geojson"', 'per_day = 3', '');
like ask_near($_), qr/"from":"google"/, 'three a day' for 1, 9, 10;
like ask_near($_), $local, '... then the next one is asked' for 1, 9, 10;
$status = $h->status($server);
is_deeply [@$status{qw(searches_asked searches_spent searches_failed)}], [6, 3, 0], '... counted';
is scalar(() = $h->log($server) =~ / warn - places\.google: its budget is used up: per_day$/mg), 1, '... and told once';

# Failing, and answering, before search returns.
start('Busy', '"shops", "geojson"', '', 'shops: { busy = true; failures = 0; }; geojson: { keep = "1d"; };');
my $line = "WHATSAT k1 10 9\n";
@clients = map { $h->connect($server) } 1 .. 12;
$_->send($line x 100) for @clients;
for my $client (@clients) {
    my $good = grep { ($client->answer // '') =~ $local } 1 .. 100;
    is $good, 100, 'a hundred, of one that is busy and one that is not';
}
$status = $h->status($server);
is $status->{searches_kept} + $status->{searches_joined} + $status->{searches_asked} - $status->{searches}, $status->{searches},
    '... each has asked two';
cmp_ok $status->{searches_kept}, '>=', 1200 - 12, '... of whom the second was asked once or so';

# What -t has to say.
for (['providers = [ "google", "geojson", "google" ]', 'providers: google stands there twice'],
    ['providers = [ "geojson", "nobody" ]', 'providers: no provider "nobody"; there are: geojson google'],
    ['provider = "geojson"; providers = [ "geojson" ]', 'providers: there is a provider too; name one, or several'],
    ['providers = [ "geojson", "google" ]; google: { key_file = "none"; }', 'google.key_file: '],
    ['geojson: { keep = "36501d"; }', 'geojson.keep: must be at most "36500d"'],
    ['google: { decimals = 10; }', 'google.decimals: 10 is not within 0 to 9']) {
    my ($text, $why) = @$_;
    my $run = $h->run('-t', '-c', $h->config, '-g', "places: { $text; };");
    is $run->{status}, 1, "refused: $text";
    like $run->{err}, qr/^herd: -g:1: places\.\Q$why\E/, '... and why';
}
my $shown = $h->run('-T', '-c', $h->config, '-g', 'places: { providers = [ "geojson" ]; google: { keep = "90s"; }; };')->{out};
like $shown, qr/^    providers = \[ "geojson" \];$/m, '-T shows the chain';
unlike $shown, qr/^    provider =/m, '... and not what it stands for';
like $shown, qr/^    google:\n    \{\n        keep = "90s";\n        decimals = 4;$/m, '... and how each is asked';
$h->write('shown.conf', $shown);
is $h->run('-t', '-c', $h->file('shown.conf'))->{status}, 0, '... and can be read again';
done_testing;
