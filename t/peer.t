# The peer port before anybody has proved to be a neighbour: one line, two seconds, 64 at once, and
# nothing of the server changes.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Peer;
use Test::Herd::Time qw(now slowly);
use Time::HiRes qw(time);

# Fake dials Goloman, which dials Acceptor. One worker, so that 64 are 64.
my $h = Test::Herd->new(
    servers => [qw(Goloman Fake Acceptor)],
    adjacency => { Fake => ['Goloman'], Goloman => ['Acceptor'] },
    workers => 1,
);
$h->allow(qr/No link with/);
$h->start('Goloman');

sub peer { Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman') }

my $refused = 0;

# Says this and is sent away without a word; what a neighbour says behind it is not taken.
sub refused {
    my ($bytes, $name) = @_;
    my $peer = peer();
    $peer->send($bytes . "AT Fake +0.000000000 smuggled +1+1 1 Fake\n");
    is $peer->all(1.5), '', "refused: $name";
    $refused++;
}

# HELLO, but for one thing that makes it another.
sub hello_but {
    my ($name, @but) = @_;
    my $any = bless { name => 'Fake', to => 'Goloman', epoch => 'a' x 32 }, 'Test::Herd::Peer';
    refused($any->hello_line(@but), $name);
}

refused("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 'junk');
ok $h->wait_log('Goloman', 'No link with 127\.0\.0\.1:\d+: the first line is no HELLO$'),
    'the log says why';
refused(join('', map {chr} 0 .. 9, 11 .. 255) . "\n", 'bytes of all kinds');
refused("AT Fake +0.000000000 early +1+1 1 Fake\n", 'AT before HELLO');
refused("IAMAT early +1+1 1\n", 'IAMAT');
refused("PING 1\n", 'PING');
refused("\n", 'an empty line');
refused("HELLO\n", 'HELLO alone');
refused('HELLO 1 Fake Goloman ' . 'a' x 32 . " 1 64\n", 'HELLO without HAVE');
hello_but('another version', version => 2);
hello_but('no version', version => '1x');
hello_but('a name that nobody has', name => 'Nobody');
hello_but('our own name', name => 'Goloman');
hello_but('a name in other letters', name => 'fake');
hello_but('a server that we dial', name => 'Acceptor');
hello_but('another server is meant', to => 'Acceptor');
hello_but('a short epoch', epoch => 'a' x 31);
hello_but('an epoch in capitals', epoch => 'A' x 32);
hello_but("$_ stripes", stripes => $_) for 0, 65, 'x';
hello_but('a HAVE that names no epoch', have => 'nonsense');
hello_but('something behind HAVE -', have => '- 1');
hello_but('a place that is no number', have => 'a' x 32 . ' 1 x');
hello_but('65 places', have => 'a' x 32 . ' 1' x 65);
refused('x' x 5000, '5,000 bytes without a line end');
refused('HELLO ' . 'x' x 4200 . "\n", 'a HELLO of over 4 KiB');

my $flood = peer();
$flood->send('x' x (1 << 20));
ok $flood->gone(2), 'a megabyte without LF: closed';
$refused++;

# Two seconds for a HELLO, whether nothing, half a line or byte after byte is said.
my ($nothing, $half, $slow) = map { peer() } 1 .. 3;
my $began = now();
$half->send('HELLO 1 Fake Golo');
$slow->send($_) && $slow->eof(0.4 / slowly(1)) for 'H', 'E', 'L', 'L';
ok $nothing->eof(4), 'nothing said: closed';
cmp_ok now() - $began, '>', 1.5, 'not before its time';
ok $_->eof(2), 'and so are half a line and a slow one' for $half, $slow;
cmp_ok now() - $began, '<', slowly(3.5), 'after two seconds';
$refused += 3;
ok $h->wait_log('Goloman', 'No link with 127\.0\.0\.1:\d+: no HELLO in time'), 'the log says it';

my $short = peer();
$short->send('HELLO 1 Fake');
$short->shut;
ok $short->eof(1), 'half a line and the end of input: closed';
$refused++;
is $h->status('Goloman')->{links_refused}, $refused, 'each of these is counted';

sub lines { scalar(() = $h->log('Goloman') =~ /No link with/g) }
my $lines = lines();
peer()->close for 1 .. 300;
ok $h->wait_for(sub { $h->status('Goloman')->{links_refused} >= $refused + 300 }, 'they are gone'),
    'three hundred strangers come and go';
$lines = lines() - $lines;
cmp_ok $lines, '<', 150, "and do not fill the log ($lines lines)";

# Sixteen lines in each second, not for each worker: of seconds that begin and end within the time
# that it takes there are two more than it has whole ones.
{
    my $many = Test::Herd->new(servers => [qw(Goloman Fake)], adjacency => { Fake => ['Goloman'] }, workers => 4);
    $many->allow(qr/No link with/);
    $many->start('Goloman');
    my $from = now();
    Test::Herd::Peer->new($many->peer_port('Goloman'), name => 'Fake', to => 'Goloman')->close for 1 .. 300;
    ok $many->wait_for(sub { $many->status('Goloman')->{links_refused} >= 300 }, 'they are gone'), 'four workers have as many strangers';
    my $took = now() - $from;
    my $said = () = $many->log('Goloman') =~ /No link with/g;
    cmp_ok $said, '>=', 16, 'some are in the log';
    cmp_ok $said, '<=', 16 * (2 + int $took), '... and no more than one worker alone would say';
    $many->stop('Goloman');
}

# 64 that say nothing: the oldest makes room for one more, and a neighbour still comes in.
my @idle = map { peer() } 1 .. 80;
ok $_->eof(1.5), 'of 80 that say nothing the oldest go' for @idle[0, 15];
my $neighbour = peer();
ok $neighbour->hello, 'a neighbour comes in between them';
is scalar(grep { !$_->silent(0) } @idle), 17, 'for whom one more went, and that is all';

# Nothing of all this has changed anything.
is $h->ask('Goloman', "WHATSAT $_ 0 0"), "? WHATSAT $_ 0 0", "nobody smuggled '$_' in"
    for qw(smuggled early);
is $h->status('Goloman')->{links_opened}, 1, 'one session has begun, the good one';
$neighbour->send("AT Fake +0.000000000 proved +1+1 1 Fake\n");
ok $neighbour->settle, 'whose lines are worked on';
like $h->at_line('Goloman', 'proved'), qr/^AT Fake \+0\.000000000 proved /, 'and taken';

# On a client's port a neighbour's lines are invalid commands.
my $hello = $neighbour->hello_line =~ s/\n//r;
for my $line ("AT Fake +0.000000000 x +1+1 1 Fake", $hello, 'MARK 0 1', 'PING 1', 'PONG 1') {
    is $h->ask('Goloman', $line), "? $line", 'invalid from a client: ' . substr $line, 0, 30;
}

done_testing;
