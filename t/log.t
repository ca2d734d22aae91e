# The log: the words that people grep for, levels, messages on and off, bytes escaped, when it is
# flushed, one file a server.
use Test::Herd::Needs qw(iamat whatsat at invalid geojson);
use Test::Herd;
use Test::Herd::Time qw(now slowly);

my $h = Test::Herd->new(servers => ['Goloman', 'Hands'], adjacency => { Goloman => ['Hands'] });
$h->allow(qr/No link with/, qr/HUP/, qr/Server Hands sent a malformed line|Server Goloman sent/);
$h->start_all;
my $port = $h->port('Goloman');

# Every notice, with its level and connection.
ok $h->wait_log('Goloman', qr/Connected to server Hands/), 'the two are linked';
my $c = $h->connect('Goloman');
my $mine = $c->port;
my $at = $c->ask('IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997');
is $c->ask('YOLO'), '? YOLO', 'an invalid command';
$c->close;
my $head = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z info/;
my $from = "127.0.0.1:$mine";
my ($new) = $h->wait_log('Goloman', qr/New connection from \Q$from\E$/) =~ /(#\d+) New/;
ok $new, 'a connection has a number';
my $line = 'IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997';
my @words = (
    [Goloman => '-', "Serving on 127.0.0.1:$port"],
    [Goloman => $new, "New connection from $from"],
    [Goloman => $new, "Message received: '$line'"],
    [Goloman => $new, 'Location updated for kiwi.cs.ucla.edu'],
    [Goloman => $new, "Response sent: '$at'"],
    [Goloman => $new, "Message received: 'YOLO'"],
    [Goloman => $new, "Response sent: '? YOLO'"],
    [Goloman => $new, "Dropped connection from $from"],
    [Goloman => '-', 'Connected to server Hands'],
    [Goloman => '-', 'Propagated location to Hands'],
    [Hands => '-', 'Connected to server Goloman'],
    [Hands => '-', 'Location updated for kiwi.cs.ucla.edu'],
);
ok $h->wait_log($_->[0], qr/$head \Q$_->[1] $_->[2]\E$/), "$_->[0] logs: $_->[2]" for @words;
$h->stop('Hands');
ok $h->wait_log('Goloman', qr/$head - Dropped connection to server Hands\b/),
    'Goloman logs: Dropped connection to server Hands';
unlike $h->log('Hands'), qr/YOLO|Propagated/, 'what happens to one stands in its file alone';

# Each line has the same head, and each worker's events are in the order of their time.
my @lines = split /\n/, $h->log('Goloman');
is scalar(grep { !/^\d{4}(?:-\d\d){2}T\d\d(?::\d\d){2}\.\d{6}Z (?:debug|info|warn|error) (?:-|#\d+) \S/ } @lines),
    0, 'time, level, connection, words';
my @of = map { substr $_, 0, 27 } grep {/ $new /} @lines;
is_deeply \@of, [sort @of], "a connection's events are in the order of their time";

# One event is one line, whatever a client sends.
my $nasty = join '', map { chr } grep { $_ != 10 } 0 .. 255;
$c = $h->connect('Goloman');
$c->ask($nasty);
my $logged = $h->wait_log('Goloman', qr/Message received: '\\x00\\x01/);
(my $want = $nasty) =~ s/\\/\\\\/;
$want =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
like $logged, qr/ Message received: '\Q$want\E'$/, 'bytes that are not printable are escaped';
$c->ask("IAMAT x\e[31m\x80 +1-1 1");
ok $h->wait_log('Goloman', qr/ Location updated for x\\x1b\[31m\\x80$/), '... in names of clients, too';
$c->send("WHATSAT kiwi.cs.ucla.edu 0 0\n");
$c->answer;
ok $h->wait_log('Goloman', qr/ Response sent: '\Q$at\E\\x0a\{"html_attributions":.*\}'$/),
    'an answer of several lines is one line';
$c->ask('v' x 4096);
ok $h->wait_log('Goloman', qr/ Message received: 'v{4096}'$/), 'the longest line is whole';

# Flushed within a second or so when all is quiet, and at once for a warning.
sub took {
    my ($do, $what) = @_;
    my $begin = now();
    $do->();
    $h->wait_log('Goloman', $what);
    return now() - $begin;
}
my $info = took(sub { $c->ask('quiet') }, qr/Response sent: '\? quiet'/);
cmp_ok $info, '<', slowly(2), 'an event is in the file within a second';
my @took = sort { $a <=> $b } map {
    my $n = () = $h->log('Goloman') =~ / warn - No link with/g;
    my $begin = now();
    my $peer = $h->connect_peer('Goloman');
    $peer->send("JUNK\n");
    $h->wait_for(sub { my $m = () = $h->log('Goloman') =~ / warn - No link with/g; $m > $n }, 'a warning');
    now() - $begin;
} 1 .. 7;
cmp_ok $took[3], '<', slowly(0.3), 'a warning is at once: half of seven within 0.3 s' or diag "@took";

# Levels, and messages on and off.
sub quiet_log {
    my (%args) = @_;
    my $quiet = Test::Herd->new(%args);
    $quiet->allow(qr/HUP/);
    $quiet->start_all;
    $quiet->ask('Goloman', 'IAMAT k +1-1 1');
    $quiet->signal('Goloman', 'HUP');
    $quiet->wait_log('Goloman', qr/HUP/) if ($args{log} // '') !~ /error/;
    $quiet->stop('Goloman');
    return $quiet->log('Goloman');
}
my $none = quiet_log(log => 'messages = false;');
like $none, qr/New connection from .*Dropped connection from /s, 'messages = false: connections';
unlike $none, qr/Message|Response|Location/, '... and no messages';
my $warn = quiet_log(log => 'level = "warn";');
unlike $warn, qr/ (?:info|debug) /, 'level = warn: no info';
like $warn, qr/ warn - .*places\.geojson/, '... but warnings';
is quiet_log(log => 'level = "error";'), '', 'level = error: nothing, where there is no error';
like quiet_log(log => 'level = "debug";'), qr/Message received/, 'level = debug: all';

# Where it goes.
my $other = Test::Herd->new(log => 'file = "logs.log.%n.%n";');
$other->start_all;
$other->stop('Goloman');
like $other->read('logs.log.Goloman.Goloman'), qr/Serving/, '%n is the name';
my $err = Test::Herd->new(log => 'file = "-";');
$err->start_all;
$err->ask('Goloman', 'x');
$err->stop('Goloman');
like $err->stderr_of('Goloman'), qr/Response sent: '\? x'/, '"-" is standard error';
my $no = Test::Herd->new(log => 'file = "nowhere/%n.log";');
my $run = $no->run('-c', $no->config, '-n', 'Goloman');
is $run->{err}, "herd: Goloman: nowhere/Goloman.log: the log cannot be opened: No such file or directory\n",
    'a log that cannot be opened';
is $run->{status}, 1, '... status 1';
$err->write('Goloman.log', "kept\n");
$err->configure($err->config_text =~ s/file = "-";//r);
$err->{log} = '';
$err->start_all;
$err->stop('Goloman');
like $err->log('Goloman'), qr/\Akept\n.*Serving/s, 'a log that is there is written on';
done_testing;
