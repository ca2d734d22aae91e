# Limits must not part the herd: limits.clients and limits.memory refuse clients, never neighbours;
# a server that is full stops reading its links, which stay, and reads on when there is room.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Test::Herd::Peer;
use Test::Herd::Time qw(slowly);
use Time::HiRes qw(time);

sub stamp { sprintf '%.9f', time }

# ---- limits.clients ----

my $h = Test::Herd->new(servers => [qw(Goloman Fake)], adjacency => { Fake => ['Goloman'] },
    limits => 'clients = 10');
$h->start('Goloman');
my @ten = bulk($h, 'Goloman', map {"IAMAT client$_ +1+1 1"} 1 .. 11);
like $ten[9], qr/^AT Goloman /, 'ten clients are taken';
is $ten[10], '? IAMAT client11 +1+1 1', 'an eleventh is not';
my $peer = Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
$peer->hello;
$peer->send("AT Fake +0.000000000 theirs$_ +1+1 1 Fake\n") for 1 .. 50;
$peer->settle;
is $h->status('Goloman')->{clients}, 60, 'fifty of a neighbour are';
like $h->at_line('Goloman', 'theirs50'), qr/^AT Fake /, 'and answered';
is $h->ask('Goloman', 'IAMAT client11 +1+1 1'), '? IAMAT client11 +1+1 1', 'a client still is not';
like $h->ask('Goloman', "IAMAT $_ +2+2 2"), qr/^AT Goloman \S+ $_ \+2\+2 2$/, "known $_ may move on"
    for qw(client1 theirs1);
$peer->settle;
is scalar($peer->heard('^AT Goloman \S+ \w+ \+2\+2 2 ')), 2, 'which the neighbour hears';
$peer->close;

# ---- limits.memory, at one server of two ----

my $pair = Test::Herd->new(servers => [qw(Goloman Hands)], adjacency => { Goloman => ['Hands'] },
    limits => 'forget_after = "' . slowly(6) . 's"', log => 'messages = false; file = "%n.log"');
my $most = 1024 * 1024;
$pair->start('Goloman', ['-g', 'limits: { memory = "1m"; };']);
$pair->start('Hands');
like $pair->ask('Goloman', 'IAMAT mine +1+1 1'), qr/^AT /, 'there is room';
ok $pair->wait_for(sub { $pair->at_line('Hands', 'mine') }, 'the link is open'), 'and a link';

my @many = map { "client$_" . 'x' x 1000 } 1 .. 6000;    # over 6 MB
my @told = bulk($pair, 'Hands', map {"IAMAT $_ +1+1 1"} @many);
is scalar(grep {/^AT Hands /} @told), 6000, 'the other takes 6,000 clients';
my $full = $pair->wait_for(
    sub { my $status = $pair->status('Goloman'); $status->{memory_bytes} >= $most && $status },
    'it is full'
);
ok $full, 'it is full';
is $pair->ask('Goloman', 'IAMAT nobody +1+1 1'), '? IAMAT nobody +1+1 1', 'a new client is refused';
my $mine = $pair->ask('Goloman', 'IAMAT mine +2+2 2');
like $mine, qr/^AT Goloman \S+ mine \+2\+2 2$/, 'a known one is not';
ok $pair->wait_for(sub { $pair->at_line('Hands', 'mine') eq $mine }, 'it is told'),
    'and the neighbour is told of it';

my $before = $pair->status('Goloman');
my $opened = $before->{links_opened};
my $began = time;
$pair->wait_for(sub { time - $began > 3.5 }, 'longer than a link may be silent');
my $after = $pair->status('Goloman');
cmp_ok $after->{memory_bytes}, '<', $most + 150 * 1024, 'what is over the limit is a read, no more';
is $after->{clients}, $before->{clients}, 'its links are not read';
cmp_ok $after->{links_held}, '>=', 1, 'which is counted';
cmp_ok $after->{refused_memory}, '>=', 1, 'as is the client that was refused';
is $after->{links_opened}, $opened, 'and stay, though that takes longer than a link may be silent';

# What the other is told meanwhile waits there. Room comes when those it holds have died.
my @kept = map {"kept$_"} 1 .. 300;
bulk($pair, 'Hands', map {"IAMAT $_ +4+4 " . stamp()} @kept);
is $pair->at_line('Goloman', 'kept300'), undef, 'nor is what the neighbour has to say now';
my $late;
ok $pair->wait_for(
    sub {
        bulk($pair, 'Hands', map {"IAMAT $_ +4+4 " . stamp()} @kept);    # they go on living
        $late = $pair->ask('Hands', 'IAMAT late +3+3 ' . stamp());
        return $pair->at_line('Goloman', 'late');
    },
    'there is room again', 60
), 'when there is room it reads on';
my $takes = sub { $pair->ask('Goloman', 'IAMAT somebody +1+1 ' . stamp()) =~ /^AT / };
ok $pair->wait_for($takes, 'it takes a client'), 'and takes a client';
bulk($pair, 'Hands', map {"IAMAT $_ +5+5 " . stamp()} @kept);
ok agreed($pair, [qw(Goloman Hands)], [qw(late somebody), @kept], 2), 'both agree, and nothing is lost';
is $pair->status('Goloman')->{links_opened}, $opened, 'on the link that they had';

$pair->kill9('Hands');
$pair->start('Hands');
ok agreed($pair, [qw(Goloman Hands)], [qw(late somebody)], 3), 'a neighbour that comes back has them';

done_testing;
