# Clients that go while WHATSAT waits for places: what was asked of others for them is given up, and
# holds up nobody who stays.
use Test::Herd::Needs qw(iamat whatsat invalid google);
use Test::Herd;
use Test::Herd::Time qw(now slowly);
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }

my $one = '{"results":[{}],"status":"OK"}';
my $h = Test::Herd->new(servers => [qw(Goloman Stuck)]);
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => \&answer);
chmod 0600, $h->write('key', "AIza\n") or die;

# What the upstream server does, by the latitude: 1: nothing, and notes that the other side goes;
# 2: it answers once it is let.
sub answer {
    my ($client, $lat) = @_;
    return $client->idle(20) && $h->write("left.$$", '') if $lat == 1;
    if ($lat == 2) { $client->idle(0.05) until -e $h->file('go') }
    return $client->reply($one);
}

sub requests { my ($lat) = @_; return scalar grep { $_->[1] =~ /location=$lat\./ } $up->requests }
sub left { my @left = glob $h->file('left.*'); return scalar @left }

# So many clients that ask for places, when all are heard. No two ask the same, and so each has a request of its own.
my ($searches, $cancelled, $asked) = (0, 0, 0);
sub ask_for_places {
    my ($count, $line) = @_;
    my @clients = map { $h->connect('Goloman') } 1 .. $count;
    $_->send($line =~ s/ 10 /sprintf ' 10.%05d ', ++$asked/er . "\n") for @clients;
    $searches += $count;
    $h->wait_for(sub { $h->status('Goloman')->{searches} == $searches }, 'the searches are begun');
    return @clients;
}

sub wait_cancelled {
    my ($count, $what) = @_;
    $cancelled += $count;
    return ok $h->wait_for(sub { $h->status('Goloman')->{searches_cancelled} == $cancelled }, 'cancelled'), $what;
}

$h->start('Goloman', $up->settings('plain'));
my %at = map { ("k$_" => $h->ask('Goloman', "IAMAT k$_ +$_-1 1")) } 0 .. 2;

# One: its connection is ended, long before its time would be up.
my ($client) = ask_for_places(1, 'WHATSAT k1 10 20');
ok $h->wait_for(sub { requests(1) == 1 }, 'the request'), 'a client asks';
my $began = now();
$client->reset;
ok $h->wait_for(sub { left() == 1 }, 'the end'), '... and goes: the request is given up';
cmp_ok now() - $began, '<', 4, '... at once';
wait_cancelled(1, '... and counted');

# A client that only ends its side stays; unless it is reset then.
my ($stays, $goes) = ask_for_places(2, 'WHATSAT k2 10 20');
$_->shut for $stays, $goes;
ok $h->wait_for(sub { requests(2) == 2 }, 'the requests'), 'two clients end their sides';
$goes->reset;
wait_cancelled(1, '... one is reset: cancelled');
$h->write('go', '');
is $stays->all, "$at{k2}\n$one\n\n", '... the other has its answer';

# More than are under way, wait, and may wait in vain, vanish: who comes then is answered, and what
# was under way for them has ended.
for my $round (1 .. 4) {
    my @clients = ask_for_places(340, 'WHATSAT k1 10 20');
    $h->wait_for(sub { requests(1) >= 1 + 32 }, 'as many requests as there are places') if $round == 1;
    $_->reset for @clients;
    wait_cancelled(340, "340 clients vanish, round $round");
}
is $h->answer('Goloman', 'WHATSAT k0 10 20'), "$at{k0}\n$one\n\n", '... and another is answered';
$searches++;
ok $h->wait_for(sub { left() == requests(1) }, 'the end of all'), '... their requests are given up';
diag requests(1) . ' requests reached the other server' if $ENV{HERD_TIMES};

# The others' lines, and the sums.
my ($waits) = ask_for_places(1, "WHATSAT k1 10 20\nWHATSAT k0 10 20\nWHATSAT k0 10 20");
$waits->reset;
wait_cancelled(1, 'the first of three commands');
my $status = $h->status('Goloman');
is $status->{searches}, $searches, '... and those behind it are not executed';
is $status->{searches_failed}, 0, 'no search failed';
ok $h->wait_for(sub { my $s = $h->status('Goloman'); $s->{connections_accepted} == $s->{connections_closed} }, 'the end'),
    'each connection is closed';

# Stopped while some vanish and others wait.
my @clients = ask_for_places(100, 'WHATSAT k1 10 20');
$_->reset for @clients[0 .. 59];
$began = now();
is $h->stop('Goloman'), 0, 'stopped meanwhile';
cmp_ok now() - $began, '<', slowly(1), '... at once';
is_deeply [grep {/ google: /} split /\n/, $h->log('Goloman')], [], 'no word of a provider that failed';
$h->wait_for(sub { left() == requests(1) }, 'the end of all');
my $port = Test::Herd::Ports::take();
my $settings = $up->settings('plain', url => "http://127.0.0.1:$port/");
undef $up;    # which writes into the folder

# Given up while they connect, which a server does not let them whose queue is full: no descriptor is
# touched that has been closed, and may be somebody's else by then.
my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1) // die "port $port: $!\n";
my @queue = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Blocking => 0) } 1 .. 4;
$h->start('Stuck', $settings);
$h->ask('Stuck', 'IAMAT k +1-1 1');
for my $round (1 .. 30) {
    my @asking = map { my $c = $h->connect('Stuck'); $c->send("WHATSAT k 10.$round$_ 20\n"); $c } 1 .. 8;
    $h->wait_for(sub { $h->status('Stuck')->{searches} == 8 * $round }, 'the searches are begun');
    my @others;
    for (@asking) { $_->reset; push @others, $h->connect('Stuck') }
}
ok $h->wait_for(sub { $h->status('Stuck')->{searches_cancelled} == 240 }, 'cancelled'), 'all that connect are given up';
done_testing;
