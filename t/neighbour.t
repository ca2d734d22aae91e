# What a neighbour that has proved itself may say, what is skipped, and what ends the link.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Peer;
use Test::Herd::Time qw(now slowly);
use Time::HiRes qw(time);

# Fake and Other dial Goloman, which dials Acceptor.
my $h = Test::Herd->new(
    servers => [qw(Goloman Fake Other Acceptor)],
    adjacency => { Fake => ['Goloman'], Other => ['Goloman'], Goloman => ['Acceptor'] },
);
my $listener = Test::Herd::Peer->listen($h->peer_port('Acceptor'));
$h->allow(qr/No link with/, qr/sent a malformed line/, qr/The clock of server/);
$h->start('Goloman');

sub peer {
    my ($name) = @_;
    my $port = $h->peer_port('Goloman');
    return Test::Herd::Peer->new($port, name => $name // 'Fake', to => 'Goloman');
}

sub bad_lines { $h->status('Goloman')->{link_lines_bad} }

# ---- HELLO, from both sides ----

my $peer = peer();
my $hello = $peer->hello;
is "@{$hello}{qw(version name to stripes)}", '1 Goloman Fake 64', 'the acceptor answers HELLO';
like "@{$hello->{pos}}", qr/^[0 ]*$/, 'it has nothing of ours yet';
like $hello->{epoch}, qr/^[0-9a-f]{32}$/, 'with an epoch';
cmp_ok abs($hello->{clock} - time), '<', slowly(2), 'and its clock';
ok $h->wait_log('Goloman', 'Connected to server Fake'), 'which the log says';

sub dialled { Test::Herd::Peer->accept($listener, name => $_[0] // 'Acceptor', to => 'Goloman') }
for my $wrong ([name => 'Fake'], [to => 'Fake'], [version => 3]) {
    my $session = dialled();
    my $first = $session->hear_hello;
    is "@{$first}{qw(name to have)}", 'Goloman Acceptor -', 'a dialler speaks first';
    $session->send($session->hello_line(@$wrong));
    ok $session->eof, "an answer with another @$wrong: closed";
}
my $acceptor = dialled();
$acceptor->hear_hello;
$acceptor->send($acceptor->hello_line);
ok $acceptor->settle, 'it dials again, and the right answer makes a link';

# ---- AT ----

my $bytes = join '', map {chr} 1 .. 8, 14 .. 31, 128 .. 255;
my %good = (
    plain => 'AT Fake +0.500000000 plain +1+1 5 Fake',
    stranger => 'AT Un-known_9.x -0.500000000 stranger +1+1 5.5 Fake',
    names => 'AT Fake +0.500000000 names +1+1 5 Welsh Hands nobody Fake',
    $bytes => "AT Fake +0.500000000 $bytes +1+1 5 Fake",
    future => 'AT Fake -7000000000.000000000 future +90-180 9223372035 Fake',
    spaces => "  AT\tFake  +0.500000000 spaces +1+1 5 Fake \r",
);
my $filler = 8192 - 1 - length 'AT Fake +0.500000000 long +1+1 5  Fake';
$good{long} = 'AT Fake +0.500000000 long +1+1 5 ' . 'n' x $filler . ' Fake';
$peer->send("$good{$_}\n") for sort keys %good;
ok $peer->settle, 'a neighbour says AT';
for my $client (sort keys %good) {
    my $expected = join ' ', (split ' ', $good{$client})[0 .. 5];
    is $h->at_line('Goloman', $client), $expected, 'taken as it stands: ' . substr $expected, 0, 40;
}
is bad_lines(), 0, 'all were good';
$acceptor->settle;
is scalar(grep {/ Goloman$/} $acceptor->heard('^AT ')), scalar keys %good,
    'they are passed on, with the name of the server that passes them on';

my @bad = (
    "AT Fake +0.5 x\0y +1+1 5 Fake", 'AT Fake 0.500000000 x +1+1 5 Fake',
    'AT Fa/ke +0.500000000 x +1+1 5 Fake',
    'AT Fake +0.500000000 x +91+1 5 Fake', 'AT Fake +0.500000000 x 1+1 5 Fake',
    'AT Fake +0.500000000 x +1+1 -5 Fake', 'AT Fake +0.500000000 x +1+1 9223372036 Fake',
    'AT Fake +0.500000000 x +1+1 Fake', 'AT', 'AT Fake', 'at Fake +0.500000000 x +1+1 5 Fake',
    'AT ' . 'F' x 65 . ' +0.500000000 x +1+1 5 Fake',
    'AT Fake +0.500000000 ' . 'x' x 1025 . ' +1+1 5 Fake',
    'MARK', 'MARK 1', 'MARK 64 1', 'MARK -1 1', 'MARK 1 x', 'MARK 1 1 1',
    'MARK 1 18446744073709551616',
    'PING', 'PING x', 'PONG 1 1', 'IAMAT x +1+1 5', 'WHATSAT plain 0 0', 'YOLO', '? YOLO', "\0",
    $peer->hello_line =~ s/\n//r,
);
$peer->send(join '', map {"$_\n"} @bad, '', " \t\r");
ok $peer->settle, 'malformed lines and a second HELLO leave the link as it is';
is bad_lines(), scalar @bad, 'each is counted';
like $h->log('Goloman'), qr/Server Fake sent a malformed line, skipped: 'AT Fake \+0\.5 x\\x00y \+1\+1 5 Fake'$/m,
    'and logged, NUL and what is behind it too';
is scalar($peer->heard('^\?')), 0, 'none is answered';
is $h->ask('Goloman', 'WHATSAT x 0 0'), '? WHATSAT x 0 0', 'nor taken';

# ---- what ends a link ----

my %fatal = (
    'AT Fake +0.500000000 y +1+1 5 Goloman' => 'it broke the protocol',
    'AT Fake +0.500000000 y +1+1 5 Fake Other' => 'it broke the protocol',
    'AT Fake +0.500000000 y +1+1 5 ' . 'n' x ($filler + 4) . ' Fake' => 'its line is too long',
    'x' x 9000 => 'its line is too long',
);
for my $line (sort keys %fatal) {
    my $session = peer();
    $session->hello;
    $session->send("$line\nAT Fake +0.500000000 y +1+1 5 Fake\n");
    ok $session->gone(2), 'the link ends at: ' . substr $line, 0, 40;
}
for my $why (values %fatal) {
    my $ends = grep { $_ eq $why } values %fatal;
    my $said = qr/Dropped connection to server Fake: \Q$why\E/;
    my $logged = sub { $ends == (() = $h->log('Goloman') =~ /$said/g) };
    ok $h->wait_for($logged, $said), "$ends times $why";
}
is $h->ask('Goloman', 'WHATSAT y 0 0'), '? WHATSAT y 0 0', 'and what came with it is not taken';

# More PINGs than it has room to answer are not all answered; no more than that.
$peer = peer();
$peer->hello;
my $now = sprintf '%.9f', time;
$peer->send("PING $now\n" x 20_000 . "AT Fake +0.500000000 behind +1+1 5 Fake\n");
ok $h->wait_for(sub { $h->at_line('Goloman', 'behind') }, 'all are read'), '20,000 PINGs at once';
$h->ask('Goloman', 'IAMAT pinged +1+1 1');
$peer->hear(' pinged ');    # comes behind the PONGs
my $pongs = $peer->heard('^PONG ');
ok $pongs >= 1 && $pongs < 20_000, "are not all answered ($pongs are)";
ok $peer->settle, 'and leave the link as it is';

# ---- PING, clocks, a newer session, silence ----

my $other = peer('Other');
$other->hello(clock => time - 59);
$other->send(sprintf "PING %.9f\n", time + 55);
like $other->hear('^PONG '), qr/^PONG \d+\.\d{9}$/, 'PING is answered by PONG with a clock';
unlike $h->log('Goloman'), qr/The clock of server Other/, 'clocks may differ by a minute';
$other->send(sprintf "PING %.9f\n", time + 70) for 1 .. 2;
ok $h->wait_log('Goloman', 'The clock of server Other differs by (?:69|70) s'), 'more is warned of';
$other->settle;
is scalar(() = $h->log('Goloman') =~ /The clock of server Other/g), 1, 'once';

my ($older, $newer) = (peer(), peer());
$older->hello;
ok $newer->hello, 'a second session of the same neighbour';
ok $older->gone(1), 'ends the first';
$newer->send("AT Fake +0.500000000 newer +1+1 5 Fake\n");
ok $newer->settle, 'and is the link now';
ok $h->at_line('Goloman', 'newer'), 'which is listened to';
ok $h->wait_log('Goloman', 'server Fake: a newer session replaces it'), 'the log says so';

my $began = now();
while (now() - $began < 3.5) {
    $other->line(0.2);
    $other->send("PONG 1\n");
}
ok $newer->gone(2), 'three seconds of silence end a link';
ok $h->wait_log('Goloman', 'Dropped connection to server Fake: it is silent'), 'that is why';
ok $other->settle, 'the neighbour that has spoken meanwhile has kept its own';
cmp_ok scalar($other->heard('^PING ')), '>=', 2, 'and has heard a PING each second';
$_->close for $other, $acceptor;

done_testing;
