# Places in the feed: MARK moves them, HAVE names them, and a session begins where the last one got
# to. What a neighbour has said itself is not said back to it, in that session.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Test::Herd::Peer;
use Time::HiRes qw(time);

my $h = Test::Herd->new(servers => [qw(Goloman Fake)], adjacency => { Fake => ['Goloman'] });
$h->allow(qr/sent a malformed line/);
$h->start('Goloman');

my $sentinels = 0;

sub peer {
    my (%args) = @_;
    return Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman', %args);
}

sub report { bulk($h, 'Goloman', map { sprintf 'IAMAT %s +1.25-2.5 %.9f', $_, time } @_) }

# The clients that a session has told of since it began; a sentinel says when that is all.
sub told {
    my ($session) = @_;
    my $sentinel = 'sentinel' . ++$sentinels;
    report($sentinel);
    $session->hear("^AT Goloman \\S+ $sentinel ") and $session->settle or return 'not in time';
    return join ' ', sort grep { !/^sentinel/ } map { (split ' ')[3] } $session->heard('^AT ');
}

# Waits for the marks of all that was said, and ends the session. Returns the place.
sub leave {
    my ($session, $epoch) = @_;
    my $before = '';
    $h->wait_for(
        sub {
            select undef, undef, undef, 0.12;
            $session->settle;
            my $place = $session->place($epoch);
            my $same = $place eq $before;
            $before = $place;
            return $same;
        },
        'no more MARK'
    );
    $session->close;
    return $before;
}

my @clients = map { sprintf 'client%03d', $_ } 1 .. 100;
my @answers = report(@clients);

# ---- what is sent, and when it is marked ----

my $session = peer();
my $epoch = $session->hello->{epoch};
is told($session), "@clients", 'a neighbour that has nothing is told of every client';
is_deeply [sort map {s/ Goloman$//r} $session->heard('^AT .* client')], [sort @answers],
    'each the AT line, with the name of the server that says it';
my @heard = @{ $session->{heard} };
my ($last_at) = grep { $heard[$_] =~ /^AT .* client/ } reverse 0 .. $#heard;
my ($last_mark) = grep { $heard[$_] =~ /^MARK / } reverse 0 .. $#heard;
cmp_ok $last_mark, '>', $last_at, 'marks follow what they cover';
my $place = leave($session, $epoch);
like $place, qr/^$epoch(?: \d+){64}$/, 'and give a place in each stripe';

# ---- a session begins where the last one ended ----

$session = peer();
is $session->hello(have => $place)->{epoch}, $epoch, 'the same neighbour again, at its place';
is told($session), '', 'nothing is said twice';
$place = leave($session, $epoch);

report(@clients[10 .. 14], 'newcomer');
report(@clients[12 .. 13]);
$session = peer();
$session->hello(have => $place);
is told($session), "@clients[10 .. 14] newcomer", 'what changed meanwhile is said, once';
is leave($session, $epoch) eq $place, '', 'the place moves on';

# What was said and not marked is said again.
$session = peer();
$session->hello(have => $place);
is told($session), "@clients[10 .. 14] newcomer", 'from an older place the same is said again';
leave($session, $epoch);

my @pos = split ' ', $place;
my ($stripe) = grep { $pos[$_] > 0 } 1 .. 64;
my $past = join ' ', map { $_ == $stripe ? $pos[$_] + 1000 : $pos[$_] } 0 .. 64;
my %from_start = (
    'another epoch' => $place =~ s/^\S+/Test::Herd::Peer::epoch('of another start')/er,
    'too few places' => join(' ', @pos[0 .. 63]), 'nothing' => '-',
    'places of 0' => $epoch . ' 0' x 64,
);
for my $have (sort keys %from_start) {
    $session = peer();
    $session->hello(have => $from_start{$have});
    is told($session), "@clients newcomer", "HAVE of $have: everything again";
    $session->close;
}
$session = peer();
$session->hello(have => $past);
like told($session), qr/client.*client/, 'a place that is past the end: that stripe again';
cmp_ok scalar($session->heard('^AT .* client')), '<', 50, 'and no other';
$session->close;

# ---- echo ----

$session = peer();
$session->hello(have => $place);
$session->send("AT Fake +0.250000000 echo$_ +3+3 77 Fake\n") for 1 .. 20;
$session->settle;
ok $h->at_line('Goloman', 'echo20'), 'a neighbour tells of clients';
unlike told($session), qr/echo/, 'and is not told of them in that session';
report('echo7');
is join(' ', grep {/echo/} split ' ', told($session)), 'echo7',
    'but of what has come from elsewhere since';
my $later = leave($session, $epoch);
$session = peer();
$session->hello(have => $later);
is told($session), '', 'nor in the next, at the place behind them';
$session->close;
$session = peer(epoch => Test::Herd::Peer::epoch('came back empty'));
$session->hello;
is scalar(() = told($session) =~ /echo/g), 20, 'but all of them when it has come back with nothing';
$session->close;

# ---- the place that the server keeps in our feed ----

my $ours = Test::Herd::Peer::epoch('ours');

sub have_of {
    my $peer = peer(epoch => $_[0]);
    return ($peer, $peer->hello(have => $place));
}

($session, my $hello) = have_of($ours);
unlike "@{$hello->{pos}}", qr/[1-9]/, 'of a feed that it never read it has nothing';
my $largest = '18446744073709551615';
$session->send("MARK 3 17\nMARK 5 $largest\nMARK 5 4\nMARK 63 1\nMARK 64 9\nMARK 3 12\n");
$session->settle;
$session->close;
($session, $hello) = have_of($ours);
my %pos = map { $_ => $hello->{pos}[$_] } grep { $hello->{pos}[$_] } 0 .. 63;
is $hello->{have}, $ours, 'it names the feed that it has read';
is_deeply \%pos, { 3 => 17, 5 => $largest, 63 => 1 }, 'MARK moved its place, forward only';
my ($newer) = have_of($ours);
$session->send("MARK 3 99\n");
ok $session->gone(2), 'a session that a newer one has replaced';
$newer->settle;
($session, $hello) = have_of($ours);
isnt $hello->{pos}[3], 99, 'moves no place';
$session->send("MARK 4 99\n");
$session->settle;
($session, $hello) = have_of(Test::Herd::Peer::epoch('restarted'));
unlike "@{$hello->{pos}}", qr/[1-9]/, 'a neighbour that has started anew: the place is forgotten';
$_->close for $session, $newer;

done_testing;
