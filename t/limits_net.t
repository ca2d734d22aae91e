# The limits of what a client takes of the network: connections and commands an address, answers and
# lines that wait, the time for them, ids' length; and strangers on the peer port.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Peer;
use Test::Herd::Time qw(now sanitized slowly);
use POSIX ();

sub counter { my ($h, $name) = @_; $h->status('Goloman')->{$name} }

sub processor_s {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or return 0;
    my @field = split ' ', <$in> =~ s/^.*\) //sr;
    return ($field[11] + $field[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub memory_kb {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/status" or return 0;
    return (map {/^VmRSS:\s+(\d+)/} <$in>)[0];
}

# ---- limits.address_connections: IPv4 one by one, IPv6 by its network ----

my $h = Test::Herd->new(limits => 'address_connections = 3; connections = 5;');
$h->configure($h->config_text =~ s/host = "127.0.0.1"; (port = \d+)/host = "*"; $1/r);
$h->start_all;

sub from {
    my ($address) = @_;
    my $socket = IO::Socket::INET->new(LocalAddr => $address, PeerAddr => '127.0.0.1',
        PeerPort => $h->port('Goloman')) // die "$address: $!\n";
    $socket->blocking(0);
    return bless { socket => $socket, got => '', ended => 0, error => '' }, 'Test::Herd::Client';
}
my @in = map { from('127.0.0.1') } 1 .. 3;
is $in[$_]->ask("x$_"), "? x$_", "connection $_ of 3 from an address" for 0 .. 2;
ok from('127.0.0.1')->eof, 'one more is closed without a word';
is counter($h, 'refused_address'), 1, '... and counted';
push @in, from('127.0.0.2');
is $in[3]->ask('y'), '? y', 'another address has connections of its own';
$in[0]->reset;
my $again = $h->wait_for(sub { my $c = from('127.0.0.1'); ($c->ask('z') // '') eq '? z' && $c }, 'room');
ok $again, 'one that leaves makes room';
push @in, from('127.0.0.2');
is $in[4]->ask('y'), '? y', 'five in all';
my $refused = counter($h, 'refused_address');
ok from('127.0.0.3')->eof, 'limits.connections still counts them all';
is counter($h, 'refused_address'), $refused, '... and not for this one';
$h->stop('Goloman');

my $free = Test::Herd->new(limits => 'address_connections = 0;', log => 'level = "warn";');
$free->start_all;
my @many = map { $free->connect('Goloman') } 1 .. 1100;
is $many[-1]->ask('x'), '? x', 'address_connections = 0: no limit';
$_->close for @many;
$free->stop('Goloman');

# ---- limits.rate: nothing is refused, nothing lost, nobody spins ----

$h = Test::Herd->new(servers => [qw(Goloman Fake)], adjacency => { Fake => ['Goloman'] },
    limits => 'rate = 100; burst = 20;', workers => 2);
$h->start('Goloman');
my $peer = Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
$peer->hello;
my @two = map { $h->connect('Goloman') } 1 .. 2;
my ($began, $cpu) = (now(), processor_s($h->pid('Goloman')));
$two[$_]->send(join '', map {"c$_\n"} 1 .. 60) for 0, 1;
my @first = $two[0]->lines(60);
$peer->settle;
my @second = $two[1]->lines(60);
my $took = now() - $began;
is "@first|@second", join(' ', map {"? c$_"} 1 .. 60) . '|' . join(' ', map {"? c$_"} 1 .. 60),
    '120 commands at once: all answered, in order';
cmp_ok $took, '>', 0.95, sprintf '... but 20, in %.2f s, at 100 a second over both connections', $took;
cmp_ok $took, '<', slowly(2), '... and not slower';
cmp_ok processor_s($h->pid('Goloman')) - $cpu, '<', slowly(0.3), '... and nobody spins meanwhile';
cmp_ok counter($h, 'clients_slowed'), '>', 1, '... which is counted';

my $bytes = join '', map { sprintf "%-999d\n", $_ } 1 .. 40_000;    # 40 MB
my $sent = 0;
my $last = now();
while (now() < $last + 0.5 && $sent < length $bytes) {
    my $n = $two[0]->send_some(substr $bytes, $sent, 65536);
    ($sent, $last) = ($sent + $n, now()) if $n;
    $peer->settle;
}
cmp_ok $sent, '<', length($bytes) / 2, 'what is over the rate stays with the client';
my $neighbour = join '', map {"AT Fake +0.500000000 n$_ +1+1 5 Fake\n"} 1 .. 500;
$began = now();
$peer->send($neighbour);
ok $peer->settle, '500 reports of a neighbour';
cmp_ok now() - $began, '<', slowly(1), '... have no rate';
$two[0]->reset;
my $gone = sub { my $s = $h->status('Goloman'); $s->{connections_closed} == $s->{connections_accepted} - 1 };
ok $h->wait_for($gone, 'it is gone'), 'one that leaves while it waits is gone';

$two[1]->send(join('', map {"l$_\n"} 1 .. 40) . 'l41');
$two[1]->shut;
is scalar(() = ($two[1]->all // '') =~ /^\? l\d+$/mg), 41, 'one that ends its side is answered to the end';
my $quit = $h->connect('Goloman');
$quit->send(join '', map {"q$_\n"} 1 .. 200);
ok defined $quit->line, 'two hundred more';
$began = now();
$h->process('Goloman')->ask('QUIT');
is scalar(() = ($quit->all // '') =~ /^\? q\d+$/mg), 199, 'QUIT answers all that was read';
cmp_ok now() - $began, '<', slowly(1), '... and does not wait for the rate';
$_->close for $quit, $peer;
$h->ended('Goloman');

# ---- limits.line_time, limits.answer_time; limits.unread, limits.id, limits.unproved ----

$h = Test::Herd->new(servers => [qw(Goloman Fake)], adjacency => { Fake => ['Goloman'] }, workers => 1,
    limits => 'line_time = "1s"; answer_time = "2s"; unread = "2k"; id = 8; unproved = 5;');
$h->allow(qr/No link with/);
$h->start('Goloman');
my $slow = $h->connect('Goloman');
$began = now();
my $ended = $h->wait_for(sub { $slow->send('x'); $slow->fill(now() + 0.1); $slow->ended }, 'it is closed');
ok $ended, 'a byte each tenth of a second';
cmp_ok now() - $began, '>', 1, '... is closed, not before line_time';
cmp_ok now() - $began, '<', slowly(3), '... nor long behind it';
is counter($h, 'timeouts_line'), 1, '... and counted';

# Answers are longer than commands, so little is read for each buffer of them.
sub deaf {
    my ($server) = @_;
    my $deaf = Test::Herd::Client->new($server->port('Goloman'), receive_bytes => 4096);
    my $lines = "WHATSAT id 0 0\n" x 4000;
    my ($sent, $last) = (0, now());
    while (now() < $last + 0.3 && $sent < 16e6) {
        my $n = $deaf->send_some($lines);
        ($sent, $last) = ($sent + $n, now()) if $n;
        select undef, undef, undef, 0.005 if !$n;
    }
    return $deaf;
}
$h->ask('Goloman', 'IAMAT id +1+1 1');
my $executed = counter($h, 'commands');
my $deaf = deaf($h);
$executed = counter($h, 'commands') - $executed;
my $each = length "AT Goloman +1795388555.386696000 id +1+1 1\n"
    . qq({"html_attributions":[],"results":[],"status":"OK"}\n\n);
cmp_ok $executed * $each, '<', 400 * 1024, "one that does not read: $executed commands executed";
cmp_ok counter($h, 'clients_held'), '>=', 1, '... then it is held';
ok $h->wait_for(sub { counter($h, 'timeouts_answer') == 1 }, 'it is closed'), '... and closed, for answer_time';
ok defined $deaf->all, '... as it sees';

is $h->ask('Goloman', 'IAMAT 12345678x +1+1 1'), '? IAMAT 12345678x +1+1 1', 'a new id over limits.id';
like $h->ask('Goloman', 'IAMAT 12345678 +1+1 1'), qr/^AT /, 'one as long as it may be';
is counter($h, 'refused_id'), 1, '... the refused one is counted';
$peer = Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
$peer->hello;
$peer->send("AT Fake +0.500000000 of-a-neighbour +1+1 5 Fake\n");
$peer->settle;
ok $h->at_line('Goloman', 'of-a-neighbour'), "a neighbour's is taken";
like $h->ask('Goloman', 'IAMAT of-a-neighbour +2+2 6'), qr/^AT /, '... and may move on';
my @strangers = map { $h->connect_peer('Goloman') } 1 .. 7;
ok $strangers[$_]->eof(1.5), "seven strangers: number $_ makes room" for 0, 1;
is counter($h, 'links_unproved'), 2, '... both are counted';
ok $peer->settle, '... and the neighbour stays';
$_->close for $peer, @strangers;
$h->stop('Goloman');

# ---- limits.buffers: all clients together ----

$h = Test::Herd->new(limits => 'buffers = "256k"; unread = "64k";', log => 'messages = false;');
$h->start_all;
$h->ask('Goloman', 'IAMAT id +1+1 1');
my $half = $h->connect('Goloman');
$half->send('IAMAT half');
my $before = memory_kb($h->pid('Goloman'));
my @deaf = map { deaf($h) } 1 .. 6;
cmp_ok counter($h, 'buffers_full'), '>=', 2, 'of six that do not read some are closed: limits.buffers';
cmp_ok counter($h, 'buffers_full'), '<=', 5, '... but not all';
cmp_ok memory_kb($h->pid('Goloman')) - $before, '<', 2048, '... what they take is bounded' if !sanitized();
my @halves = map { $h->connect('Goloman') } 1 .. 50;
$_->send('x' x 100) for @halves;
$_->send("\n") for @halves;
is scalar(grep { ($_->line // '') eq '? ' . 'x' x 100 } @halves), 50, 'those with half a line are served';
$half->send(" +1+1 1\n");
like $half->line, qr/^AT /, '... whose line was begun before, too';
$_->reset for @deaf;
my $served = $h->wait_for(sub { my $c = deaf($h); my $kept = !$c->ended; $c->reset; $kept }, 'room');
ok $served, 'when they go there is room again';
done_testing;
