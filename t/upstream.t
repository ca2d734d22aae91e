# Other servers that cannot be trusted or are none, clients that vanish and servers that stop while an
# answer is awaited, and the key, which is nowhere to be read.
use Test::Herd::Needs qw(iamat whatsat invalid google);
use Test::Herd;
use POSIX ();
use Test::Herd::Time qw(now slowly);
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }

# None of these counts.
@ENV{qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY)} = ('http://127.0.0.1:1') x 5;

my $key = 'AIza-Test_Key.0123456789~abc';
my $one = '{"results":[{}],"status":"OK"}';
my $h = Test::Herd->new(servers => [qw(Good Many Unknown Expired Stranger NoCa Mute Nobody Plain)]);
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => \&answer);
$h->allow(qr/ google: /);
chmod 0600, $h->write('key', "$key\n") or die;
sub slurp { open my $in, '<:raw', $_[0] or return ''; local $/; <$in> // '' }

# What the upstream server does, by the latitude: 1: nothing, 2: it answers and closes.
sub answer {
    my ($client, $lat) = @_;
    return $client->idle(20) if $lat == 1;
    $client->reply($one);
    $client->finish if $lat == 2;
    return;
}

# Starts a server with a client k at latitude 0, and one at 1, whose places are awaited in vain.
sub begin {
    my ($server, @how) = @_;
    $h->start($server, $up->settings(@how));
    $h->ask($server, 'IAMAT late +1-1 1');
    return $h->ask($server, 'IAMAT k +0-1 1');
}

my $at = begin('Good', 'good');
is $h->answer('Good', 'WHATSAT k 10 20'), "$at\n$one\n\n", 'a good one';
# Connections are used again, one request after the other or many at once; one that the other side
# has closed meanwhile costs nothing.
sub connections { my %seen = map { $_->[0] => 1 } $up->requests; return scalar keys %seen }
my $before = connections();
$h->answer('Good', "WHATSAT k 10 20") for 1 .. 5;
cmp_ok connections() - $before, '<=', 1, 'one connection serves many requests';
my $plain_at = begin('Many', 'plain'); # 32 handshakes of TLS at once outlast 2 s on a busy machine
$before = connections();
my @clients = map { $h->connect('Many') } 1 .. 100;
$clients[$_]->send("WHATSAT k 10.$_ 20\n") for 0 .. 99;    # no two ask the same
is scalar(grep { ($_->answer // '') eq "$plain_at\n$one\n\n" } @clients), 100, '100 searches at once';
cmp_ok connections() - $before, '<=', 32, '... on 32 connections at most';
$h->ask('Good', 'IAMAT closed +2-1 1');
is scalar(grep { ($h->answer('Good', 'WHATSAT closed 10 20') // '') =~ /\n\Q$one\E\n/ } 1 .. 40), 40,
    'connections that the other side closes';

# Between requests the thread sleeps, while the others look around once a second.
my ($thread) = grep { slurp($_) eq "upstream\n" } glob '/proc/' . $h->pid('Good') . '/task/*/comm';
sub wakeups { my ($of) = @_; my ($n) = slurp($of) =~ /^voluntary_ctxt_switches:\s+(\d+)/m; $n }
$thread =~ s/comm$/status/;
my @others = grep { $_ ne $thread } glob '/proc/' . $h->pid('Good') . '/task/*/status';
my $sleeps = sub {
    my ($slept, $looked) = (wakeups($thread), wakeups($others[-1]));
    $h->wait_for(sub { wakeups($others[-1]) >= $looked + 3 }, 'a worker looks around') or return;
    return wakeups($thread) == $slept;
};
ok $h->wait_for($sleeps, 'sleep'), 'an idle upstream thread is not woken';

# Certificates, and servers that are none. Nothing is sent before they are proved. NoCa: the file of
# authorities is not named; that of the environment does not count.
my %kind = (Unknown => 'unknown', Expired => 'expired', Stranger => 'stranger', NoCa => 'good',
    Mute => 'mute', Nobody => 'good');
my %more = (NoCa => [ca => ''], Nobody => [url => 'https://127.0.0.1:' . Test::Herd::Ports::take()]);
my %why = (Unknown => qr/certificate/, Expired => qr/expired/, Stranger => qr/does not match|no alternative/,
    NoCa => qr/certificate/, Mute => qr/^no connection in time$/, Nobody => qr/connect/);
my $sent = () = $up->requests;
$ENV{SSL_CERT_FILE} = $up->ca_file;
for my $server (sort keys %kind) {
    my $at = begin($server, $kind{$server}, @{ $more{$server} || [] });
    my $began = now();
    my ($line, $json) = split /\n/, $h->answer($server, 'WHATSAT k 10 20') // '', 2;
    cmp_ok now() - $began, '<', slowly(3), "no upstream: $server: an answer in time";
    is $line, $at, '... the AT line';
    my ($said) = $json =~ /\A\{"html_attributions":\[\],"results":\[\],"status":"UNKNOWN_ERROR", "error_message":"(.+)"\}\n\n\z/;
    like $said, $why{$server}, '... and why there are no places';
}
is scalar(my @requests = $up->requests), $sent, 'no request was sent to any of these';

# http, to this machine.
$at = begin('Plain', 'plain');
is $h->answer('Plain', 'WHATSAT k 10 20'), "$at\n$one\n\n", 'http to a loopback address';

# A log that nobody takes, and that is full, is not waited for by the thread that asks.
my $stuck = Test::Herd->new(log => 'file = "pipe";');
chmod 0600, $stuck->write('key', "$key\n") or die;
POSIX::mkfifo($stuck->file('pipe'), 0600) or die "mkfifo: $!\n";
sysopen my $reader, $stuck->file('pipe'), POSIX::O_RDONLY() | POSIX::O_NONBLOCK() or die "pipe: $!\n";
$stuck->start('Goloman', $up->settings('plain', ca => ''));
my $talker = $stuck->connect('Goloman');
$talker->ask('x' x 1000) for 1 .. 200;
$talker->ask('IAMAT k +0-1 1');
my $began = now();
$talker->send("WHATSAT k 10 20\n");
like $talker->answer, qr/\n\Q$one\E\n\n\z/, 'with a log that nobody reads there are places';
cmp_ok now() - $began, '<', slowly(1), '... at once';

# A client that vanishes while it waits; and the server stopped while others wait.
sub wait_in_vain {
    my ($server) = @_;
    my $before = () = $up->requests;
    my $client = $h->connect($server);
    $client->send("WHATSAT late 10 20\n");
    $h->wait_for(sub { (() = $up->requests) > $before }, 'the request is there');
    return $client;
}

sub stop_takes {
    my ($server, $signal) = @_;
    my $client = wait_in_vain($server);
    my $began = now();
    $h->process($server)->ask($signal);
    my $text = $client->all(10);
    $h->ended($server);
    diag sprintf '%s took %.0f ms', $signal, 1000 * (now() - $began) if $ENV{HERD_TIMES};
    return (now() - $began, $text);
}
wait_in_vain('Good')->reset;
like $h->ask('Good', 'WHATSAT k 0 0'), qr/^AT /, 'a client that vanishes while WHATSAT waits harms nobody';
my ($took) = stop_takes('Good', 'TERM');
cmp_ok $took, '<', slowly(1), 'TERM does not wait for an answer from afar';
($took, my $text) = stop_takes('Plain', 'QUIT');
like $text, qr/^AT Plain .*\n.*UNKNOWN_ERROR.*no answer in time.*\n\n\z/, 'QUIT does';
cmp_ok $took, '<', slowly(9), '... which has its time, and the client two seconds to close';

# The key.
unlike slurp($_), qr/\Q$key\E/, 'the key is not in ' . s{.*/}{}r
    for grep { !/requests$|key$/ } glob $h->file('*.{log,out,err,conf}');
unlike slurp("/proc/" . $h->pid('Expired') . '/cmdline'), qr/\Q$key\E/, '... nor in the arguments';

# A core file would hold it: where another server leaves one, this one leaves none.
sub leaves_core {
    my ($server) = @_;
    my $process = $h->process($server);
    my $number = { x86_64 => 302, aarch64 => 261 }->{ (POSIX::uname())[4] } // return;
    my $unlimited = pack 'QQ', ~0, ~0;
    syscall($number, $process->{pid} + 0, 4, $unlimited, 0) == 0 or return;    # prlimit
    $process->signal_to('ABRT');
    $process->wait_end;
    $process->{asked} = 0;
    return $process->{ended} & 128;
}
$h->start('Good', ['-g', 'places: { max_items = 19; };']);
SKIP: {
    leaves_core('Good') or skip 'no program leaves a core file here', 1;
    ok !leaves_core('Expired'), '... nor in a core file';
}

done_testing;
