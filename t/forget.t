# With forget_after a client that was not heard of for so long is dead: not answered, not sent,
# freed.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Test::Herd::Peer;
use Test::Herd::Time qw(slowly);
use Time::HiRes qw(time);

# Fake dials Goloman, which dials Hands, which comes late.
my $h = Test::Herd->new(
    servers => [qw(Goloman Hands Fake)],
    adjacency => { Fake => ['Goloman'], Goloman => ['Hands'] },
    limits => 'forget_after = "2s"',
);
$h->start('Goloman');
my $peer = Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
$peer->hello;

# What counts is when a server heard it, not the client's own clock.
my @clients = map {"client$_"} 1 .. 1000;
my $born = time;
my @told = bulk($h, 'Goloman', map {"IAMAT $_ +1.25-2.5 1000000"} @clients);
my $held = held($h, 'Goloman', @clients);
is scalar(keys %$held), 1000, 'a thousand clients whose clocks are years behind are alive';
my $full = $h->status('Goloman');
is $full->{clients}, 1000, 'and held';
$peer->hear('^AT .* client1000 ');
$peer->settle;
is scalar($peer->heard('^AT ')), 1000, 'and sent to a neighbour';

# What a neighbour says of the dead is not taken; of the living it is.
sub stamp { sprintf '%.9f', time + $_[0] }
my $dead = stamp(-5);
$peer->send("AT Fake +0.000000000 dead +1+1 $dead Fake\n"
        . "AT Fake +4.900000000 heard +1+1 $dead Fake\n");
$peer->settle;
is $h->at_line('Goloman', 'dead'), undef, 'a dead report from a neighbour is not taken';
is $h->status('Goloman')->{merges_dead}, 1, 'but counted';
SKIP: {
    my $answer = $h->at_line('Goloman', 'heard');
    skip 'this machine is too slow for that', 1 if time > $dead + 6.5;
    is $answer, "AT Fake +4.900000000 heard +1+1 $dead", 'one that was heard a moment ago is';
}

# Kept alive: one client goes on reporting.
my $kept = 0;
my $gone = $h->wait_for(
    sub {
        $h->ask('Goloman', 'IAMAT alive +1+1 ' . stamp(0));
        $kept++;
        return $h->ask('Goloman', 'WHATSAT client1 0 0') =~ /^\? /;
    },
    'client1 dies'
);
my $age = time - $born;
ok $gone, 'a client that says nothing is not answered any more';
cmp_ok $age, '>', 2, sprintf 'after its time (%.2f s)', $age;
cmp_ok $age, '<', slowly(3), 'and not long after it';
ok $h->at_line('Goloman', 'alive'), 'one that reports is';

# The dead are not sent to a neighbour that comes now, freed or not.
$h->start('Hands');
my $again = Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
$again->hello;
$h->ask('Goloman', 'IAMAT last +1+1 ' . stamp(0));
$again->hear('^AT \S+ \S+ last ');
$again->settle;
my @heard = sort map { (split ' ')[3] } $again->heard('^AT ');
is scalar(grep {/^client|dead/} @heard), 0, 'the dead are not sent to a neighbour that comes later';
ok $h->wait_for(sub { $h->at_line('Hands', 'last') }, 'Hands knows the last'), 'nor to a server';
is $h->ask('Hands', 'WHATSAT client1 0 0'), '? WHATSAT client1 0 0', 'which knows none of them';

# They are freed.
my $freed = $h->wait_for(
    sub {
        $h->ask('Goloman', 'IAMAT alive +1+1 ' . stamp(0));
        my $status = $h->status('Goloman');
        return $status->{clients} <= 3 && $status;
    },
    'the dead are freed', 40
);
ok $freed, 'the dead are freed';
bulk($h, 'Goloman', map {"IAMAT others$_ +1.25-2.5 1000000"} 1 .. 990);
cmp_ok $h->status('Goloman')->{memory_bytes}, '<', 1.4 * $full->{memory_bytes}, 'and others have their memory';

# One that comes back, with an older stamp than it had, is new.
my $back = $h->ask('Goloman', 'IAMAT client1 +2+2 999999');
like $back, qr/^AT Goloman /, 'a dead client that comes back';
is $h->at_line('Goloman', 'client1'), $back, 'is there again, though its stamp is older';
ok $h->wait_for(sub { ($h->at_line('Hands', 'client1') // '') eq $back }, 'Hands hears of it'),
    'on every server';
$_->close for $peer, $again;

done_testing;
