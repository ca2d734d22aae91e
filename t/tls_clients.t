# Clients over TLS: the same answers as over a plain connection, however their bytes are cut and
# whatever they do to TLS itself; and who never finishes a handshake is cut and counted.
use Test::Herd::Needs qw(iamat whatsat invalid geojson);
use Test::Herd;
use Test::Herd::Client;
use Test::Herd::Time qw(now slowly sanitized);
use Test::Herd::Tls;
use Test::Herd::Upstream;

my $h = Test::Herd->new(
    workers => 2, log => 'messages = false;', limits => 'connections = 2000; line = "64k";',
    tls => 'cert_file = "%n.pem"; key_file = "%n.key";',
    places => 'max_inclusive = true; max_radius_km = 500.0; max_items = 60;',
);
my $authority = Test::Herd::Tls::authority('The herd');
Test::Herd::Tls::ca_file($h, 'ca.pem', $authority);
Test::Herd::Tls::certify($h, $authority, 'Goloman', 'goloman.example');
my $many = join ",\n", map { sprintf '{ "type": "Feature", "geometry": { "type": "Point", "coordinates": [%.4f, 1.0] },
    "properties": { "name": "place %d", "vicinity": "%s" } }', 1 + $_ / 1e4, $_, 'v' x 8000 } 1 .. 60;
$h->write('places.geojson', qq({ "type": "FeatureCollection", "features": [ $many ] }));
$h->start_all;
my $begun = $h->connect('Goloman');
my %stalled;    # who never finishes a handshake, by how far he goes

sub raw { Test::Herd::Client->new($h->tls_port('Goloman')) }
sub client { Test::Herd::Tls::Client->new($h->tls_port('Goloman'), ca => $h->file('ca.pem'), @_) }

# A ClientHello as OpenSSL makes it.
sub client_hello {
    my $ctx = Net::SSLeay::CTX_new();
    my $ssl = Net::SSLeay::new($ctx);
    my ($in, $out) = map { Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem()) } 1, 2;
    Net::SSLeay::set_bio($ssl, $in, $out);
    Net::SSLeay::connect($ssl);
    my $bytes = Net::SSLeay::BIO_read($out);
    Net::SSLeay::free($ssl);
    Net::SSLeay::CTX_free($ctx);
    return $bytes;
}

my $hello = client_hello();
cmp_ok length $hello, '>', 150, 'a ClientHello';
$stalled{'says nothing'} = raw();
($stalled{'half a record'} = raw())->send(substr $hello, 0, 100);
($stalled{'a handshake, and no more'} = raw())->send($hello);
my $trickle = raw();
my $since = now();

# ---- the same answers ----

my $stamp = '1520023934.918963997';
for my $version ('TLSv1_3', 'TLSv1_2') {
    my $client = client(SSL_version => $version);
    is $client->{socket}->get_sslversion, $version, "a client of $version";
    like $client->ask("IAMAT kiwi +34.068930-118.445127 $stamp"), qr/^AT Goloman \S+ kiwi \+34\.068930-118\.445127 $stamp$/, 'IAMAT';
    is $client->ask('WHATSAT kiwi 0 0'), $h->at_line('Goloman', 'kiwi'), 'WHATSAT';
    $client->answer;
    is $client->ask('nonsense'), '? nonsense', 'neither';
    $client->shut;
    ok $client->eof, 'it ends its side, and is ended';
    ok $client->closed_well, '... with a word of TLS';
}

# ---- however it is cut ----

my $client = client();
$client->send(join '', map {"IAMAT c$_ +1-1 $stamp\nx$_\n"} 1 .. 500);
my @answers = $client->lines(1000);
is scalar(grep {/^AT Goloman \S+ c\d+ |^\? x\d+$/} @answers), 1000, 'a thousand lines in one breath';
is_deeply [map { /^\? x(\d+)/ ? $1 : () } @answers], [1 .. 500], '... are answered in order';
$client->send($_) for split //, "IAMAT split +1+1 $stamp\n";
like $client->line, qr/ split \+1\+1 /, 'a record for each byte';
$client->send("IAMAT half +1+1");
$client->send(" $stamp\r\nwhole\n");
is join(' ', map { (split)[-1] } $client->lines(2)), "$stamp whole", 'a line in two records, and more behind it';
my $long = 'l' x (64 * 1024 - 10);
is $client->ask($long), "? $long", 'a line of nearly 64 KiB, which is four records';
$client->send('o' x 70000);
like $client->all, qr/^\? o{64}\n\z/, 'a longer one is answered in part, and ends the connection';
ok $client->closed_well, '... well';

$client = client();
$client->send(join('', map {"y$_\n"} 1 .. 2000) . "IAMAT last +1-1 $stamp");
$client->shut;
my $all = $client->all;
is scalar(() = $all =~ /^\? y/mg), 2000, 'many lines, and the end of its side: all are answered';
like $all, qr/^AT Goloman \S+ last .*\n\z/m, '... the last, which has no end, too';
ok $client->closed_well, '... and the server ends well';

$client = client();
$client->send("IAMAT cut +1-1 99$stamp"); 
shutdown $client->{socket}, 1;    # no word of TLS before it: somebody else may have cut it
ok defined $client->all, 'a line that was cut off without a word of TLS';
is $h->at_line('Goloman', 'cut'), undef, '... is no line';

# ---- large answers to who reads slowly ----

$h->ask('Goloman', "IAMAT wide +1+1 $stamp");
my $plain = $h->connect('Goloman');
$plain->send("WHATSAT wide 500 60\n");
my $expected = $plain->answer(30);
cmp_ok length $expected, '>', 400_000, 'an answer of over 400 kB';
my $slow = client(receive_bytes => 4096);
$slow->send("WHATSAT wide 500 60\nWHATSAT wide 500 60\nafter\n");
for my $i (1 .. 3) {
    sysread $slow->{socket}, $slow->{got}, 1000, length $slow->{got};
    $slow->silent(0.05);
}
is $slow->answer(30), $expected, 'comes whole to who reads slowly';
is $slow->answer(30), $expected, '... twice';
is $slow->line, '? after', '... and what he said behind it is answered';

# ---- who does as he likes ----

sub broken { my ($name, $bytes) = @_; my $c = raw(); $c->send($bytes); ok defined $c->all(3), "$name: is sent away"; $c->close }

my $failed = $h->status('Goloman')->{tls_failed};
broken('a plain line', "IAMAT kiwi +1+1 1\n");
broken('HTTP', "GET / HTTP/1.1\r\n\r\n");
broken('bytes of all kinds', join '', map {chr} 0 .. 255);
broken('a record that is too long', "\x16\x03\x01\xff\xff" . 'x' x 70000);
broken('a ClientHello that is none', substr($hello, 0, 20) . 'x' x (length($hello) - 20));
broken('twice the same', $hello . $hello);
ok $h->wait_for(sub { $h->status('Goloman')->{tls_failed} - $failed == 6 }, 'counted'), 'each was counted';
is scalar(() = $h->log('Goloman') =~ /Broken connection from 127\.0\.0\.1:\d+: TLS: what it says is not TLS$/mg), 3, 'the log says why';
my $gone = raw();
$gone->send(substr $hello, 0, 50);
$gone->reset;

# Bytes between records that are nobody's, in a connection that was good: what stood before them is taken.
sub under {
    my ($client) = @_;
    open my $under, '>&', fileno $client->{socket} or die "dup: $!\n";
    syswrite $under, "\x17\x03\x03\x00\x20" . 'x' x 32;
}

my $good = client();
is $good->ask('good'), '? good', 'a good connection';
under($good);
ok defined $good->all(3), 'a record that somebody else has put in: it is ended';
ok $h->wait_for(sub { $h->status('Goloman')->{tls_failed} - $failed == 8 }, 'counted'), '... and counted';


# ---- while a command waits ----

SKIP: {
    skip 'herd is built without google', 4 if !grep {/^google$/} Test::Herd::Needs::built_in();
    my $waiting = Test::Herd->new(tls => 'cert_file = "../' . ($h->dir =~ s{.*/}{}r) . '/%n.pem"; key_file = "../' . ($h->dir =~ s{.*/}{}r) . '/%n.key";');
    my $upstream = Test::Herd::Upstream->new(dir => $waiting->dir, answer => sub { });
    chmod 0600, $waiting->write('key', "key\n");
    $waiting->allow(qr/google: /);
    $waiting->start('Goloman', $upstream->settings('mute'));
    my %args = (ca => $h->file('ca.pem'));
    my @waits = map { Test::Herd::Tls::Client->new($waiting->tls_port('Goloman'), %args) } 1, 2;
    for my $c (@waits) {
        $c->ask("IAMAT kiwi +1+1 $stamp");
        $c->send("WHATSAT kiwi 1 1\nbehind\n");
    }
    ok $waiting->wait_for(sub { $waiting->status('Goloman')->{searches} == 2 }, 'both are asked for'), 'two wait for an answer';
    under($waits[0]);
    ok defined $waits[0]->all(3), '... one is ended by a foreign record';
    ok $waiting->wait_for(sub { $waiting->status('Goloman')->{searches_cancelled} == 1 }, 'cancelled'), '... and its search with it';
    $waits[1]->shut;
    like $waits[1]->all(20), qr/^AT .*"UNKNOWN_ERROR".*^\? behind\n\z/ms, 'one that has ended its side has its answers';
}

# ---- many, in turn and at once ----

my $count = sanitized() ? 60 : 200;
my @at_once = map { client() } 1 .. $count;
$at_once[$_]->send("IAMAT many$_ +1+1 $stamp\n") for 0 .. $#at_once;
is scalar(grep { $_->line =~ /^AT / } @at_once), $count, "$count at once";
is scalar(grep { $at_once[$_]->ask("again$_") eq "? again$_" } 0 .. $#at_once), $count, '... and again';
$_->close for @at_once[0 .. $count / 2];
undef @at_once;
ok $h->wait_for(sub { my $s = $h->status('Goloman'); $s->{connections_accepted} - $s->{connections_closed} <= 12 }, 'they go'), '... go';
is $begun->ask('still'), '? still', 'a plain connection was there all the time';

# ---- who never finishes ----

my $end = now() + slowly(14);
while (now() < $end && grep { !$_->{ended} } values %stalled, $trickle) {
    $trickle->send_some(substr $hello, 0, 1, '') if length $hello > 1 && !$trickle->{ended};
    $_->fill(now()) for values %stalled, $trickle;
    $begun->silent(0.1);
}
ok $stalled{$_}{ended}, "who $_: is cut" for sort keys %stalled;
cmp_ok now() - $since, '>', 9.9, '... not before ten seconds';
ok $trickle->{ended}, 'who gives a byte at a time, too';
is $h->status('Goloman')->{timeouts}, 4, '... each was counted as late';
done_testing;
