# Each system call that a server makes while it serves fails, once and for a while, with each of the
# errors it may have: nobody else notices, nothing that was acknowledged is lost, the link comes up
# again, nobody spins.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Exchange;
use Test::Herd::Failing;
use Test::Herd::Time qw(now slowly);

my $excuse = Test::Herd::Failing::excuse();
plan skip_all => $excuse if $excuse;

# Calls, their errors, and what the exchange must do for the call to be made.
my @calls = (
    [recv => [qw(ECONNRESET ENOMEM EINTR EAGAIN ETIMEDOUT)], { }],
    [send => [qw(ECONNRESET EPIPE ENOMEM ENOBUFS EINTR EAGAIN)], { }],
    [read => [qw(EINTR EAGAIN)], { log => 1 }],
    [write => [qw(EINTR ENOSPC EIO EDQUOT EAGAIN)], { log => 1 }],
    [accept => [qw(EMFILE ENFILE ENOMEM ENOBUFS ECONNABORTED EINTR EPROTO ENETDOWN EPERM)], { }],
    [epoll_wait => [qw(EINTR)], { }],
    [epoll_ctl => [qw(ENOMEM ENOSPC)], { link => 1 }],
    [open => [qw(EMFILE ENFILE ENOENT EACCES ENOSPC EINTR ENOMEM)], { log => 1 }],
    [socket => [qw(EMFILE ENFILE ENOBUFS ENOMEM)], { link => 1 }],
    [connect => [qw(ENETUNREACH ECONNREFUSED ETIMEDOUT EADDRNOTAVAIL EAGAIN)], { link => 1 }],
    [getsockopt => [qw(ENOBUFS ENOMEM)], { link => 1 }],
    [setsockopt => [qw(ENOBUFS ENOMEM)], { link => 1 }],
    [shutdown => [qw(ENOTCONN)], { }],
    [close => [qw(EINTR EIO)], { link => 1 }],
    [getrandom => [qw(EINTR EAGAIN)], { link => 1 }],
    [poll => [qw(EINTR ENOMEM)], { log => 1 }],
);
# Those that can go on failing for a while.
my %persists = (accept => 'ENFILE', epoll_ctl => 'ENOMEM', connect => 'ENETUNREACH', send => 'ENOBUFS');

my $h = Test::Herd->new(servers => [qw(Goloman Hands)], adjacency => { Goloman => ['Hands'] });
$h->allow(qr/No link with|cannot be opened again|cannot be written|could not be written|differs by|malformed/);
my $f = Test::Herd::Failing->new($h);
$h->start('Hands');
$f->start('Goloman');
my $x = Test::Herd::Exchange->new($h, 'Goloman', 'Hands');
$x->run(link => 1, log => 1);
ok $x->settled, 'nothing fails: all is well' or diag $x->why;
my $pid = $h->pid('Goloman');
my $descriptors = sub { scalar(() = glob "/proc/$pid/fd/*") };
my $ticks = sub { my @stat = split ' ', Test::Herd::Process::slurp("/proc/$pid/stat") =~ s/.*\) //sr; $stat[11] + $stat[12] };
my $open = $descriptors->();

my ($first, $long, $tried) = (now(), $ENV{HERD_FAILING_LONG}, 0);
for my $call (@calls) {
    my ($kind, $errors, $what) = @$call;
    my (@wrong, $failed);
    my ($began, $spent) = (now(), $ticks->());
    note sprintf '%s at %.1f s', $kind, $began - $first;
    $errors = [$errors->[0]] if $what->{link} && !$long;    # a dial waits up to half a second
    for my $error (@$errors) {
        for my $pass ($long ? 0 .. 11 : $tried++ % 3) {
            $f->arm($kind, $error, pass => $kind =~ /^(?:recv|send|read|write|accept)\z/ ? $pass : 0);
            my $broken = $x->run(%$what, $what->{link} ? (until => sub { $f->failed }) : ());
            $failed += $f->disarm;
            push @wrong, "$error after $pass: $broken were hit" if $broken > 1;
            push @wrong, "$error after $pass: " . $x->why if !$x->settled;
        }
    }
    is "@wrong", '', "$kind fails: @$errors";
    cmp_ok $failed, '>', 0, '... it did' or diag "seen: ", $f->seen($kind);
    cmp_ok $ticks->() - $spent, '<', slowly(20) + 50 * (now() - $began), '... and nobody spins';
}
for my $kind (sort keys %persists) {
    my $error = $persists{$kind};
    my ($began, $spent) = (now(), $ticks->());
    $f->arm($kind, $error, fail => 1_000_000);
    $x->break_link;
    my @come = grep {$_} map { $x->open } 1 .. 3;
    $_->send("x\n") for @come;
    $h->wait_for(sub { $f->failed }, 'it fails');
    $began = now();
    $h->wait_for(sub { now() > $began + ($long ? 3 : 0.4) }, 'a while');
    my $used = $ticks->() - $spent;
    my $failed = $f->disarm;
    cmp_ok $failed, '>', 0, "$kind fails for a while: $error";
    cmp_ok $used, '<', slowly(20) * ($long ? 3 : 1), '... nobody spins';
    cmp_ok $failed, '<', 2000, '... nor tries again at once';
    ok $x->settled(10), '... then all is well' or diag $x->why;
}
undef $x;
ok $h->wait_for(sub { $descriptors->() <= $open }, 'descriptors are given back'), 'no descriptor is lost'
    or diag $descriptors->(), " of $open: ", join ' ', map { readlink } glob "/proc/$pid/fd/*";
is $h->ask('Goloman', 'x'), '? x', 'it serves';
done_testing;
