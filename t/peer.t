# The peer port before anybody has proved to be a neighbour: one line, two seconds, 64 at once, and
# nothing of the server changes.
use Test::Herd;
use Test::Herd::Peer;
use Test::Herd::Time qw(now slowly);
use Time::HiRes qw(time);

# Fake dials Goloman, which dials Acceptor.
my $h = Test::Herd->new(
    servers => [qw(Goloman Fake Acceptor)],
    adjacency => { Fake => ['Goloman'], Goloman => ['Acceptor'] },
);
$h->allow(qr/No link with/);
$h->start('Goloman');

sub peer { Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman') }

# Says this and is sent away, for this reason; what a neighbour says behind it is not taken.
sub refused {
    my ($bytes, $why, $name) = @_;
    my $peer = peer();
    my $seen = length $h->log('Goloman');
    $peer->send($bytes . "AT Fake +0.000000000 smuggled +1+1 1 Fake\n");
    is $peer->all(1.5), '', "$name: closed without a word";
    ok $h->wait_for(sub { substr($h->log('Goloman'), $seen) =~ $why }, "log: $why", 3), "$name: why";
}

my $good = peer();
my $epoch = $good->{epoch};
refused("GET / HTTP/1.1\r\nHost: x\r\n\r\n", qr/the first line is no HELLO/, 'junk');
refused(join('', map {chr} 0 .. 9, 11 .. 255) . "\n", qr/no HELLO/, 'bytes of all kinds');
refused("AT Fake +0.000000000 early +1+1 1 Fake\n", qr/no HELLO/, 'AT');
refused("IAMAT early +1+1 1\n", qr/no HELLO/, 'IAMAT');
refused("PING 1\n", qr/no HELLO/, 'PING');
refused("\n", qr/no HELLO/, 'an empty line');
refused("HELLO\n", qr/no version/, 'HELLO alone');
refused("HELLO 1 Fake Goloman $epoch 1 64\n", qr/no HAVE/, 'half a HELLO');
refused($good->hello_line(version => 2), qr/version 2, not 1/, 'another version');
refused($good->hello_line(version => '1x'), qr/no version/, 'no version');
refused($good->hello_line(name => 'Nobody'), qr/it is no neighbour/, 'a name that nobody has');
refused($good->hello_line(name => 'Goloman'), qr/it is no neighbour/, 'our own name');
refused($good->hello_line(name => 'fake'), qr/it is no neighbour/, 'a name in other letters');
refused($good->hello_line(to => 'Hands'), qr/takes this server for another/, 'another server meant');
refused($good->hello_line(name => 'Acceptor'), qr/this server dials it/, 'one that we dial');
refused($good->hello_line(epoch => 'xyz'), qr/no epoch/, 'a bad epoch');
refused($good->hello_line(epoch => 'A' x 32), qr/no epoch/, 'an epoch in capitals');
refused($good->hello_line(stripes => $_), qr/stripes must be/, "$_ stripes") for 0, 65;
refused($good->hello_line(have => 'nonsense'), qr/HAVE names no epoch/, 'a bad HAVE');
refused($good->hello_line(have => "$epoch 1 x"), qr/bad place/, 'a bad place');
refused($good->hello_line(have => "$epoch" . ' 1' x 65), qr/bad place/, '65 places');
refused('x' x 5000, qr/too long/, '5,000 bytes without a line end');
refused('HELLO ' . 'x' x 4200 . "\n", qr/too long/, 'a HELLO of over 4 KiB');

my $flood = peer();
$flood->send('x' x (1 << 20));
ok $flood->gone(2), 'a megabyte without LF: closed';

# Two seconds for a HELLO, whether nothing, half a line or byte after byte is said.
my ($nothing, $half, $slow) = map { peer() } 1 .. 3;
my $began = now();
$half->send('HELLO 1 Fake Golo');
$slow->send($_) && $slow->eof(0.4 / slowly(1)) for 'H', 'E', 'L', 'L';
ok $nothing->eof(4), 'nothing said: closed';
cmp_ok now() - $began, '>', 1.5, 'not before its time';
ok $_->eof(2), 'and so are half a line and a slow one' for $half, $slow;
cmp_ok now() - $began, '<', slowly(3.5), 'after two seconds';
like $h->log('Goloman'), qr/No link with 127\.0\.0\.1:\d+: no HELLO in time/, 'the log says it';

my $short = peer();
$short->send('HELLO 1 Fake');
$short->shut;
ok $short->eof(1), 'half a line and the end of input: closed';

# 64 that say nothing: the oldest makes room for one more, and a neighbour still comes in.
my @idle = map { peer() } 1 .. 80;
ok $idle[0]->eof(1.5), 'of 80 that say nothing the oldest goes';
ok $good->gone(1), 'so does the one before them';
my $neighbour = peer();
ok $neighbour->hello, 'a neighbour comes in between them';
ok $idle[79]->silent(0.1), 'the latest of them is still there';
my $closed = grep { !$_->silent(0) } @idle;
cmp_ok $closed, '>=', 17, "$closed of 80 are closed";
cmp_ok $closed, '<', 40, 'and no more than need be';

# Nothing of all this has changed anything.
is $h->ask('Goloman', "WHATSAT $_ 0 0"), "? WHATSAT $_ 0 0", "nobody smuggled '$_' in"
    for qw(smuggled early);
is $h->status('Goloman')->{links_opened}, 1, 'one session has begun, the good one';
$neighbour->send("AT Fake +0.000000000 proved +1+1 1 Fake\n");
ok $neighbour->settle, 'whose lines are worked on';
like $h->at_line('Goloman', 'proved'), qr/^AT Fake \+0\.000000000 proved /, 'and taken';

# On a client's port a neighbour's lines are invalid commands.
for my $said ("AT Fake +0.000000000 x +1+1 1 Fake", $good->hello_line, 'MARK 0 1', 'PING 1', 'PONG 1') {
    chomp(my $line = $said);
    is $h->ask('Goloman', $line), "? $line", 'invalid from a client: ' . substr $line, 0, 30;
}

done_testing;
