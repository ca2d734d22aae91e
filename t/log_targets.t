# Where the log goes and in what form: JSON of which every byte comes back; opening the file again
# under load; a full disk and a pipe that nobody reads, which nobody waits for; syslog.
use Test::Herd::Needs qw(iamat whatsat invalid geojson);
use Test::Herd;
use Encode ();
use JSON::PP ();
use POSIX ();
use Test::Herd::Time qw(now sanitized slowly);

# Each line of a text as an object: strictly UTF-8, strictly JSON.
sub objects {
    my ($text) = @_;
    my $json = JSON::PP->new;
    return map { $json->decode(Encode::decode('UTF-8', $_, Encode::FB_CROAK)) } split /\n/, $text;
}

# ---- JSON ----

my $h = Test::Herd->new(log => 'format = "json";');
$h->start_all;
srand 42;
my @sent = map { chr } grep { $_ != 10 } 0 .. 255;
push @sent, "caf\xc3\xa9 \xe2\x82\xac", "\xc0\x80", "\xed\xa0\x80", '"\\u0041"';
push @sent, map { join '', map { chr((11 .. 255)[rand 245]) } 1 .. 1 + rand 400 } 1 .. 300;
@sent = grep {/[^ \t\r\f\x0b]/} @sent;
my $c = $h->connect('Goloman');
$c->send("$_\n") for @sent;
$c->shut;
$c->all;
$h->signal('Goloman', 'USR2');
$h->stop('Goloman');
my @all = eval { objects($h->log('Goloman')) };
is $@, '', 'every line is an object of JSON, in UTF-8';
is scalar(grep { $_->{time} !~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/ } @all), 0, '... with its time';
is scalar(grep { $_->{level} !~ /^(?:debug|info|warn|error)$/ } @all), 0, '... its level';
is scalar(grep { $_->{connection} !~ /^\d+$/ } @all), 0, '... and its connection';
my @got = map { Encode::encode('iso-8859-1', $_->{text}, Encode::FB_CROAK) }
    grep { $_->{event} eq 'Message received' } @all;
my @want = map {s/\r\z//r} @sent;
is scalar(@got), scalar(@want), 'all messages are there';
is scalar(grep { ($got[$_] // '') ne $want[$_] } 0 .. $#want), 0, '... and every byte of them';
my ($serving) = grep { $_->{event} =~ /^Serving on / } @all;
is $serving->{connection}, 0, 'no connection is 0';
my ($status) = grep { $_->{status} } @all;
is $status->{status}{server}, 'Goloman', 'USR2: the status is an object in the object';
is $status->{event}, 'Status', '... which says so';

# ---- opened again under load ----

my $busy = Test::Herd->new;
$busy->start_all;
$c = $busy->connect('Goloman');
my $told = 0;
for my $i (1 .. 20) {
    $c->send(join '', map {"command$_\n"} $told .. $told + 499);
    $told += 500;
    rename $busy->file('Goloman.log'), $busy->file("Goloman.log.$i") or die "rename: $!\n";
    $busy->signal('Goloman', 'USR1');
    $c->lines(500);
    $busy->wait_for(sub { -e $busy->file('Goloman.log') }, 'the new file');
}
$busy->stop('Goloman');
my @files = map { $busy->read($_) } map({"Goloman.log.$_"} 1 .. 20), 'Goloman.log';
is scalar(grep { length && !/\n\z/ } @files), 0, 'USR1, twenty times under load: each file ends with a line';
my @numbers = map {/Message received: 'command(\d+)'$/mg} @files;
is_deeply \@numbers, [0 .. $told - 1], '... none is lost, and none out of order';

# ---- nothing can be written ----

# A server whose log takes nothing answers as ever, and ends when it is asked to.
sub answers {
    my ($herd, $what) = @_;
    my $client = $herd->connect('Goloman');
    my $hundred = ('y' x 1000 . "\n") x 100;
    my $begin = now();
    for (1 .. 20) {
        $client->send($hundred);
        $client->lines(100);
    }
    is $client->ask('IAMAT k +1-1 1') =~ /^AT Goloman \S+ k / ? 1 : 0, 1, "$what: it answers";
    cmp_ok now() - $begin, '<', slowly(5), '... without waiting';
    $client->close;
    $herd->signal('Goloman', $_) for qw(USR1 USR2);
    is $herd->ask('Goloman', 'x'), '? x', '... also when the log is opened again';
    $begin = now();
    is $herd->stop('Goloman'), 0, '... it stops, with status 0';
    cmp_ok now() - $begin, '<', slowly(10), '... and soon';
    return $herd->stderr_of('Goloman');
}

my $full = Test::Herd->new(log => 'file = "/dev/full";');
$full->start_all;
my $err = answers($full, 'a full disk');
is scalar(() = $err =~ m{^herd: warn: /dev/full: the log cannot be written: No space left on device$}mg), 1,
    '... standard error hears of it, once';
like $err, qr{^herd: warn: /dev/full: \d{4,} events dropped: the log could not be written$}m, '... and at the end how many';

my $stuck = Test::Herd->new(log => 'file = "pipe";');
POSIX::mkfifo($stuck->file('pipe'), 0600) or die "mkfifo: $!\n";
my $run = $stuck->run('-c', $stuck->config, '-n', 'Goloman');
like $run->{err}, qr/^herd: Goloman: pipe: the log cannot be opened: No such device/, 'a FIFO that nobody has open';
is $run->{status}, 1, '... status 1';
sysopen my $reader, $stuck->file('pipe'), POSIX::O_RDONLY() | POSIX::O_NONBLOCK() or die "pipe: $!\n";
$stuck->start_all;
like answers($stuck, 'a pipe that nobody reads'), qr/^herd: warn: pipe: \d+ events dropped/m, '... and says what was lost';

# ---- syslog, played by a library that is loaded before ----

SKIP: {
    skip 'a sanitizer wants to be loaded first', 8 if sanitized();
    my $log = Test::Herd->new(log => 'file = "syslog";', extra => qq(pid_file = "%n.pid";\n));
    my $library = $log->file('played.so');
    $log->write('played.c', <<'C');
#include <stdarg.h>
#include <stdio.h>
static FILE *out;
void openlog(const char *ident, int option, int facility)
{
    out = fopen("syslogged", "w");
    fprintf(out, "%s %d %d\n", ident, option, facility);
}
void closelog(void) { fclose(out); }
static void put(int priority, const char *format, va_list args)
{
    fprintf(out, "<%d>", priority);
    vfprintf(out, format, args);
    fprintf(out, "\n");
    fflush(out);
}
void syslog(int priority, const char *format, ...) { va_list a; va_start(a, format); put(priority, format, a); va_end(a); }
void __syslog_chk(int priority, int flag, const char *format, ...)
{ va_list a; va_start(a, format); put(priority, format, a); va_end(a); }
C
    my @cc = (split(' ', $ENV{HERD_CC} // 'cc'), '-shared', '-fPIC', '-o', $library, $log->file('played.c'));
    is system(@cc), 0, 'the library is built' or skip 'no library', 7;
    local $ENV{LD_PRELOAD} = $library;
    my $begun = $log->run('-c', $log->config, '-n', 'Goloman', '-d');
    is $begun->{status}, 0, 'syslog, in the background' or diag $begun->{err};
    my ($pid) = $log->read('Goloman.pid') =~ /(\d+)/;
    my $daemon = $log->adopt('daemon', $pid);
    is $log->ask('Goloman', "a%sb\\"), "? a%sb\\", '... it serves';
    $daemon->signal_to('TERM');
    ok $daemon->wait_end, '... and ends';
    my @lines = split /\n/, $log->read('syslogged');
    is $lines[0], 'herd 1 24', '... as herd, with its pid, facility daemon';
    my $port = $log->port('Goloman');
    is scalar(grep { $_ eq "<6>- Serving on 127.0.0.1:$port" } @lines), 1, '... an event a call, and its level';
    like "@lines", qr/<6>#\d+ Message received: 'a%sb\\\\' /, '... and nothing of a client is a format';
    like "@lines", qr/<4>- \S+: there is no such file/, '... a warning is a warning';
}

done_testing;
