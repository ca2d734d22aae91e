# Signals: what each does, that an asked-for stop leaves nothing unanswered and ends with status 0.
use Test::Herd::Needs qw(iamat invalid);
use Test::Herd;

my $h = Test::Herd->new;
$h->allow(qr/HUP: .*nothing changes/);

sub gone { my $h = shift; !eval { $h->connect('Goloman')->close; 1 } }

# A client that has sent much and read nothing; the server holds answers that it cannot write.
sub deaf {
    my $c = Test::Herd::Client->new($h->port('Goloman'), receive_bytes => 4096);
    my ($sent, $still) = (0, 0);
    my $chunk = ('d' x 99 . "\n") x 1000;
    while ($still < 20) {
        my $n = $c->send_some($chunk);
        $sent += $n;
        $still = $n ? 0 : $still + 1;
        $h->ask('Goloman', 'x') if !$n;    # the server has had a turn
    }
    return ($c, $sent);
}

# TERM and INT: now.
for my $signal (qw(TERM INT)) {
    $h->start_all;
    my ($idle, $half, $asking) = map { $h->connect('Goloman') } 1 .. 3;
    is $_->ask('x'), '? x', 'served' for $idle, $half, $asking;
    $half->send('IAMAT half +1-1');
    $asking->send(join '', ('y' x 50 . "\n") x 1000);
    my $first = $asking->line;
    $h->signal('Goloman', $signal);
    ok $idle->eof, "$signal closes idle ones";
    is $half->all, '', '... does not answer half a line';
    my $rest = "$first\n" . ($asking->all // '');
    like $rest, qr/\A(?:\? y{50}\n)+\z/, '... whose answers are whole';
    $_->close for $idle, $half, $asking;
    is $h->ended('Goloman'), 0, '... ends with status 0';
    ok gone($h), '... and nobody listens';
}

# ... though one does not take its answers, with little patience.
$h->start_all;
my ($deaf) = deaf();
$h->signal('Goloman', 'TERM');
is $h->ended('Goloman'), 0, 'TERM does not wait for one that does not read';
$h->start_all;
($deaf, my $sent) = deaf();
$h->signal('Goloman', 'TERM');
my $got = $deaf->all // '';
$deaf->close;
is $h->ended('Goloman'), 0, 'TERM, and the client begins to read';
like substr($got, -103), qr/\n\? d{99}\n\z/, '... it gets whole answers';

# QUIT: no new connections; what is under way is finished.
$h->start_all;
my ($idle, $half) = map { $h->connect('Goloman') } 1 .. 2;
is $_->ask('x'), '? x', 'served' for $idle, $half;
$half->send("y\nIAMAT half +1-1");
is $half->line, '? y', '... half a line is under way';
($deaf, $sent) = deaf();
$h->signal('Goloman', 'QUIT');
ok $h->wait_for(sub { gone($h) }, 'nobody listens'), 'QUIT: no new connections';
ok $idle->eof, '... idle ones are closed';
ok $half->silent, '... one amid a line is not';
ok $h->running('Goloman'), '... and is waited for';
$half->send(" 5\n");
like $half->all, qr/^AT Goloman \S+ half \+1-1 5\n\z/, '... answered, and closed';
$half->close;
ok $h->running('Goloman'), '... one that has not read its answers is waited for';
my $answers = $deaf->all // '';
cmp_ok $answers =~ tr/\n//, '>=', 1000, '... until it has them';
like substr($answers, -103), qr/\n\? d{99}\n\z/, '... and they are whole';
$deaf->close;
is $h->ended('Goloman'), 0, 'QUIT ends it with status 0';

# QUIT and then TERM hurries.
$h->start_all;
$half = $h->connect('Goloman');
$half->ask('x');
$half->send('half');
$half->send(" a line\nhalf");
$half->line;
$h->signal('Goloman', 'QUIT');
ok $h->wait_for(sub { gone($h) }, 'nobody listens'), 'QUIT waits for half a line';
$h->signal('Goloman', 'TERM');
is $h->ended('Goloman'), 0, '... until TERM';
is $half->all, '', '... which gives it up';

# HUP changes nothing and says so, once each time.
$h->start_all;
my $c = $h->connect('Goloman');
$h->signal('Goloman', 'HUP');
ok $h->wait_log('Goloman', qr/ warn - HUP: .*nothing changes/), 'HUP refuses in the log';
is $c->ask('x'), '? x', '... and connections live on';

# USR1: the log under its name again; what was said before stays in the old file.
ok $h->wait_log('Goloman', qr/Response sent: '\? x'/), 'an answer is in the log';
rename $h->file('Goloman.log'), $h->file('Goloman.log.1') or die;
is $c->ask('before'), '? before', 'the renamed file is written on';
$h->wait_for(sub { $h->read('Goloman.log.1') =~ /before/ }, 'before in the old file');
$h->signal('Goloman', 'USR1');
ok $h->wait_for(sub { -e $h->file('Goloman.log') }, 'a new log'), 'USR1 opens the log again';
is $c->ask('after'), '? after', 'and goes on';
ok $h->wait_log('Goloman', qr/Response sent: '\? after'/), '... into the new file';
unlike $h->read('Goloman.log.1'), qr/after/, '... alone';

# USR2: one line of JSON with every counter.
my $status = $h->status('Goloman');
is $status->{server}, 'Goloman', 'USR2: the name';
cmp_ok $status->{commands}, '>=', 3, '... the commands';
SKIP: {
    my $file = ($ENV{HERD_SRCDIR} // '') . '/src/base/metrics.def';
    open my $in, '<', $file or skip 'no sources (HERD_SRCDIR)', 1;
    my @names = map { /^METRIC\((\w+)/ ? $1 : () } <$in>;
    is_deeply [grep { !defined $status->{$_} } @names], [], '... every counter there is';
}
$h->signal('Goloman', $_) for qw(USR2 HUP USR1 USR2 CONT);
is $c->ask('still'), '? still', 'many signals, and it serves';
is $h->stop('Goloman'), 0, 'the end';
done_testing;
