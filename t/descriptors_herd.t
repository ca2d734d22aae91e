# Out of descriptors, a server keeps some for its neighbours and its provider: links stay, a link that
# is cut is opened again, a search is answered, strangers fill their places on the peer port, and
# nobody spins.
use Test::Herd::Needs qw(iamat whatsat at invalid google);
use Test::Herd;
use Test::Herd::Bulk;
use Test::Herd::Peer;
use Test::Herd::Time qw(now slowly);
use POSIX ();
BEGIN {
    eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed');
}

use constant { LIMIT => 900, CLIENTS => 620 };

plan skip_all => 'not enough descriptors'
    if system('prlimit', "--pid=$$", '--nofile=' . (CLIENTS + 200) . ':');

sub processor_s {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or return 0;
    my @field = split ' ', <$in> =~ s/^.*\) //sr;
    return ($field[11] + $field[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub descriptors { scalar(() = glob '/proc/' . $_[0] . '/fd/*') }

# Goloman dials Hands, and Fake dials Goloman.
my $h = Test::Herd->new(
    servers => [qw(Goloman Hands Fake)],
    adjacency => { Goloman => ['Hands'], Fake => ['Goloman'] },
);
$h->allow(qr/No link with/);
my $json = '{"html_attributions":[],"results":[{"a":1}],"status":"OK"}';
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => sub { $_[0]->reply($json) });
chmod 0600, $h->write('key', "AIza-key\n") or die "key: $!\n";
$h->start('Hands');
$h->limit_descriptors(LIMIT);
$h->start('Goloman', $up->settings('good'));
my $pid = $h->pid('Goloman');
like $h->ask('Goloman', 'IAMAT first +1+1 1'), qr/^AT /, 'a client';
ok agreed($h, [qw(Goloman Hands)], ['first'], 5), 'and a link';

my $accepted = sub { $h->status('Goloman')->{connections_accepted} };
my $before = $accepted->();
my @in = map { $h->connect('Goloman') } 1 .. CLIENTS;
$_->send("x\n") for @in;
my $served = sub { scalar grep { $_->fill(now()); $_->{got} eq "? x\n" } @in };
ok $h->wait_for(sub { $h->status('Goloman')->{accept_pauses} > 0 }, 'accepting pauses'),
    'clients until there are no descriptors for more';
my $most = $accepted->() - $before;
ok $h->wait_for(sub { $served->() == $most }, 'they are served'), '... each of them is served';
cmp_ok $most, '<', CLIENTS, "... $most of them are served, the others wait";
is scalar(grep { $_->ended } @in), 0, '... and nobody is turned away';
my @strangers = map { $h->connect_peer('Goloman') } 1 .. 64;
ok $h->wait_for(sub { descriptors($pid) > $most + 64 }, 'they are in'), '64 strangers, as many as may be';

my ($cpu, $turns, $began) = (processor_s($pid), $h->status('Goloman')->{wakeups}, now());
select undef, undef, undef, 1;
cmp_ok processor_s($pid) - $cpu, '<', slowly(0.2), 'nobody spins: processor time in a second';
cmp_ok $h->status('Goloman')->{wakeups} - $turns, '<', 60 * (now() - $began), '... and turns of the loops';

@strangers = map { $h->connect_peer('Goloman') } 1 .. 64;    # there again, whatever their time
my ($one, $two) = grep { $_->{got} eq "? x\n" } @in;
$one->{got} = '';
like $one->ask('IAMAT second +2+2 2'), qr/^AT /, 'those who are served go on';
ok agreed_by($one, 'second'), '... the link has stayed';
is $h->status('Goloman')->{links_closed}, 0, '... as it was';

$one->send("WHATSAT first 1 5\n");
like $one->answer, qr/^AT Goloman \S+ first [^\n]+\n\Q$json\E\n\n\z/, '... and a search is answered';

$h->kill9('Hands');
ok $h->wait_log('Goloman', 'Dropped connection to server Hands'), 'the link is cut';
my $opened = $h->status('Goloman')->{links_opened};
@strangers = map { $h->connect_peer('Goloman') } 1 .. 64;
$h->start('Hands');
ok $h->wait_for(sub { $h->status('Goloman')->{links_opened} > $opened }, 'it is open'),
    '... and opened again, with strangers at the peer port';
ok agreed_by($one, 'first'), '... which works';
my $fake = Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
ok $fake->hello, 'a neighbour that dials comes in too';
cmp_ok descriptors($pid), '<=', LIMIT, 'all within the limit: ' . descriptors($pid);
cmp_ok $served->(), '<=', $most + 1, 'and no more clients than before';
$_->close for $fake, @strangers, @in;

# Many workers take descriptors of their own, and the neighbours keep theirs nevertheless.
my $many = Test::Herd->new(servers => [qw(Goloman Fake)], adjacency => { Fake => ['Goloman'] }, workers => 32);
$many->allow(qr/No link with/);
$many->limit_descriptors(400);
$many->start('Goloman');
my $began_with = descriptors($many->pid('Goloman'));
my @crowd = map { $many->connect('Goloman') } 1 .. 300;
$_->send("x\n") for @crowd;
ok $many->wait_for(sub { $many->status('Goloman')->{accept_pauses} > 0 }, 'accepting pauses'),
    '32 workers: clients until there are no descriptors for more';
@strangers = map { $many->connect_peer('Goloman') } 1 .. 64;
$fake = Test::Herd::Peer->new($many->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
ok $fake->hello, '... a neighbour comes in';
cmp_ok descriptors($many->pid('Goloman')), '<', 400, "... $began_with descriptors were open at first";
$_->close for $fake, @strangers, @crowd;
done_testing;

# Goloman is full, so what it knows is asked on a connection that there is.
sub agreed_by {
    my ($conn, $client) = @_;
    return $h->wait_for(
        sub {
            my $theirs = $h->at_line('Hands', $client) // return;
            my $mine = $conn->ask("WHATSAT $client 0 0");
            $conn->answer;
            return $mine eq $theirs;
        },
        'they agree', 5
    );
}
