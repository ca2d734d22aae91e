# Strangers on the peer port in numbers: with many workers and dials under way, and while the server
# stands still. Who proves itself and breaks the protocol in one breath has been a neighbour.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Peer;
use Test::Herd::Time qw(slowly);

# Fake dials Goloman, which dials Acceptor.
sub herd {
    my ($workers) = @_;
    my $h = Test::Herd->new(
        servers => [qw(Goloman Fake Acceptor)],
        adjacency => { Fake => ['Goloman'], Goloman => ['Acceptor'] },
        workers => $workers,
    );
    $h->allow(qr/No link with/);
    return $h;
}

sub peer {
    my ($h, @how) = @_;
    return Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman', @how);
}

sub dialled { Test::Herd::Peer->accept($_[0], name => 'Acceptor', to => 'Goloman') }
sub descriptors { my @open = glob '/proc/' . $_[0]->pid('Goloman') . '/fd/*'; scalar @open }

# ---- as many workers as strangers may be: one on each, also on the one that dials ----

my $h = herd(64);
my $listener = Test::Herd::Peer->listen($h->peer_port('Acceptor'));
$h->start('Goloman');
my $acceptor = dialled($listener);
ok $acceptor->hear_hello, 'a server that dials, and has no answer yet';
my $before = descriptors($h);
my @first = map { peer($h) } 1 .. 64;
ok $h->wait_for(sub { descriptors($h) == $before + 64 }, 'all are taken'), '64 workers, 64 strangers: all may stay';
is $h->status('Goloman')->{links_refused}, 0, '... none makes room for another';
my @second = map { peer($h) } 1 .. 64;
is scalar(grep { !$_->gone(1.5) } @first), 0, '64 more: the older ones go';
is $h->status('Goloman')->{links_refused}, 64, '... and nobody else';
$acceptor->send($acceptor->hello_line);
ok $acceptor->settle, '... not the one that was dialled: its late answer makes a link';
my $neighbour = peer($h);
ok $neighbour->hello, '... and a neighbour still comes in';
$_->close for $acceptor, $neighbour;
$h->stop('Goloman');

# ---- many whose time has come, and who have said something that was not read yet ----

$h = herd(1);
$h->start('Goloman');
my @many = map { peer($h) } 1 .. 60;    # more than the loop is told of at once
my $last = peer($h);
$last->send("x\n");
ok $last->gone(1), 'sixty that say nothing, and one behind them that is sent away: all are taken';
$h->pause('Goloman');
$_->send('H') for @many;
$many[0]->silent(2.1);
$h->cont('Goloman');
is scalar(grep { !$_->gone(1.5) } @many), 0, 'two seconds are over while the server stands still: all go';
is $h->status('Goloman')->{links_refused}, 61, '... and are counted';

# ---- proved, and ended with the same bytes ----

my $older = peer($h);
ok $older->hello, 'a neighbour';
my $newer = peer($h, epoch => 'b' x 32);
$newer->send($newer->hello_line . "AT Fake +0.500000000 y +1+1 5 Goloman\n");
ok $newer->gone(2), 'one that says HELLO and breaks the protocol with the same bytes: the link ends';
ok $h->wait_log('Goloman', 'Dropped connection to server Fake: it broke the protocol'), '... as a link';
ok $older->gone(2), '... which has replaced the older one';
my $status = $h->status('Goloman');
is "@{$status}{qw(links_opened links_closed links_refused)}", '2 2 61', '... all of it is counted';
my $next = peer($h);
ok $next->hello, '... and the next one comes in';
$next->close;
done_testing;
