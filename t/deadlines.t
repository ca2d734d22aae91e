# Deadlines: 10 s for a line to be whole, 10 s for an answer to be taken, limits.idle between commands;
# and so QUIT, which waits for all of these, ends. All are waited for together,
# so this file takes as long as the longest.
use Test::Herd::Needs qw(iamat invalid);
use Test::Herd;
use Test::Herd::Time qw(now);
use POSIX ();

my $h = Test::Herd->new;
my $hasty = Test::Herd->new(limits => 'idle = "4s";');
my $leaving = Test::Herd->new;
$_->start_all for $h, $hasty, $leaving;
my %ended;    # by what we call them: when the server closed them
my %all;

sub add {
    my ($name, $herd, $bytes, %more) = @_;
    my $client = Test::Herd::Client->new($herd->port('Goloman'), %more);
    $client->send_some($bytes);
    return $all{$name} = $client;
}

# One who asks until the server reads no more, and reads nothing.
sub add_deaf {
    my ($name, $herd) = @_;
    my $deaf = add($name, $herd, '', receive_bytes => 4096);
    my $chunk = ('d' x 99 . "\n") x 1000;
    for (my $still = 0; $still < 20;) {    # until the server reads no more
        $still = $deaf->send_some($chunk) ? 0 : $still + 1;
        $herd->ask('Goloman', 'x') if !$still;
        select undef, undef, undef, 0.002 if $still;
    }
    return $deaf;
}

# One whose bytes never end and never are a command, so that there is always something to read: the
# worker must not go on with him alone. Returns the process that he is.
sub add_flood {
    my ($herd) = @_;
    my $client = Test::Herd::Client->new($herd->port('Goloman'));
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    alarm 30;
    $client->{socket}->blocking(1);
    $SIG{PIPE} = 'IGNORE';
    my $blank = "\n" x 65536;
    while (defined syswrite $client->{socket}, $blank) { }
    POSIX::_exit(0);
}

my $start = now();
my $flooded = Test::Herd->new(workers => 1, limits => 'idle = "2s";');
$flooded->start_all;
my $flood = add_flood($flooded);
add('half a line', $h, 'IAMAT half');
add('a trickle', $h, 'IAMAT tri');
add('lines and a half', $h, "x\ny\nz");
add('a late half', $h, 'IAMAT late');
add('a line in time', $h, 'IAMAT intime +1-1');
add('nothing', $h, '');
add('blank lines', $h, "\n\n");
add('idle', $hasty, "x\n");
add('silent', $hasty, '');
add('half a line, hasty', $hasty, 'IAMAT half');
add('busy', $hasty, "x\n");
add('blank lines, hasty', $hasty, "x\n");
add('halves of blank lines, hasty', $hasty, "x\n");
add('ends of blank lines, hasty', $hasty, "x\n");
add('two halves and silence, hasty', $hasty, "x\n");
add('halves, then busy', $hasty, "x\n ");
my $deaf = add_deaf('deaf', $h);
add('half a line, leaving', $leaving, 'IAMAT half');
add_deaf('deaf, leaving', $leaving);
my $left;
my $leaving_since = now() - $start;
$leaving->process('Goloman')->ask('QUIT');

# What happens when, in seconds; each is sent once.
my @script = (
    (map { [$_, 'a trickle', 'x'] } 1 .. 9), (map { [$_, 'busy', "b\n"] } 2, 4, 6, 8),
    (map { [$_, 'blank lines, hasty', "\r\n \n"] } 1 .. 7),
    (map { [$_ / 2, 'halves of blank lines, hasty', $_ % 2 ? ' ' : "\n"] } 1 .. 14),
    (map { [$_ / 2, 'ends of blank lines, hasty', "\n "] } 1 .. 14),
    (map { [$_, 'two halves and silence, hasty', $_ == 2 ? ' ' : "\n"] } 2, 3),
    (map { [$_, 'halves, then busy', $_ % 2 ? "\n" : ' '] } 1, 2), [3, 'halves, then busy', "b\n "],
    [6, 'halves, then busy', "\n"],
    [5, 'a late half', " +1-1 1\nIAMAT again"], [7, 'a line in time', " 5\n"],
);
@script = sort { $a->[0] <=> $b->[0] } @script;
while (now() < $start + 18) {
    while (@script && now() >= $start + $script[0][0]) {
        my (undef, $name, $bytes) = @{ shift @script };
        $all{$name}->send($bytes);
    }
    for my $name (grep { !defined $ended{$_} && !/^deaf/ } keys %all) {
        $all{$name}->fill(now());
        $ended{$name} = now() - $start if $all{$name}->ended;
    }
    $left //= now() - $start if !$leaving->running('Goloman');
    last if !@script && $left && !grep { !defined $ended{$_} } 'a late half', 'busy', 'a trickle', 'silent';
    select undef, undef, undef, 0.02;
}

# Closed between the deadline and two seconds behind it: they are looked at once a second.
sub closed {
    my ($name, $at) = @_;
    my $when = $ended{$name};
    ok defined $when && $when > $at - 0.1 && $when < $at + 3, "$name: closed after $at s"
        or diag defined $when ? "after $when" : 'not at all';
}
closed('half a line', 10);
closed('a trickle', 10);
closed('lines and a half', 10);
is $all{'lines and a half'}{got}, "? x\n? y\n", '... with the lines before answered';
closed('a late half', 15);
like $all{'a late half'}{got}, qr/\AAT Goloman \S+ late \+1-1 1\n\z/, '... the line before it answered';
closed('idle', 4);
closed('silent', 4);
closed('blank lines, hasty', 4);
closed('halves of blank lines, hasty', 4);
closed('ends of blank lines, hasty', 4);
closed('two halves and silence, hasty', 4);
closed('halves, then busy', 7);
is $all{'halves, then busy'}{got}, "? x\n?  b\n", '... with both answers';
closed('half a line, hasty', 10);
closed('busy', 12);
is $all{busy}{got}, "? x\n" . "? b\n" x 4, '... with all answers';
ok !defined $ended{$_}, "$_: not closed" for 'a line in time', 'nothing', 'blank lines';
like $all{'a line in time'}{got}, qr/\AAT Goloman \S+ intime \+1-1 5\n\z/, 'a line in 7 s is in time';
is $all{$_}->ask('still'), '? still', "$_: still served" for 'nothing', 'blank lines';

# The one that did not read has been cut off: what it now gets ends before the last line.
sub timeouts { my $status = $_[0]->status('Goloman'); join ' ', map { $status->{"timeouts$_"} } '', qw(_line _answer _idle) }
ok $h->wait_for(sub { $h->status('Goloman')->{timeouts} == 5 }, 'five'), 'five were timed out';
is timeouts($h), '5 4 1 0', '... four of them in a line, one behind an answer';
ok defined $deaf->all, '... that he did not take for 10 s';
is timeouts($hasty), '9 1 0 8', '... and nine of the hasty server, eight of them idle';

ok $flooded->wait_for(sub { waitpid($flood, POSIX::WNOHANG) == $flood }, 'the end of the flood'),
    'one who floods with blank lines is closed too' or kill KILL => $flood;
is $?, 0, '... before it gives up';
is $flooded->ask('Goloman', 'x'), '? x', '... and others are served';

# QUIT has waited for two that had their time, and for no more.
ok defined $left, 'QUIT ends, though one never reads and one never ends its line' or $left = 0;
cmp_ok $left, '>', 9.9, '... whose time it grants';
cmp_ok $left, '<', $leaving_since + 13, '... and two seconds to end their side';
is $leaving->ended('Goloman'), 0, '... with status 0';
done_testing;
