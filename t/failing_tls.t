# As t/failing.t and t/allocations.t, with TLS to the clients and between the servers: the calls under
# TLS fail, and the memory for it, also that for a handshake. Nobody else notices, nothing that was
# acknowledged is lost, the link comes up again.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Exchange;
use Test::Herd::Failing;
use Test::Herd::Time qw(sanitized);
use Test::Herd::Tls;

my $excuse = Test::Herd::Failing::excuse();
plan skip_all => $excuse if $excuse;
my $long = $ENV{HERD_FAILING_LONG};

my $h = Test::Herd->new(servers => [qw(Goloman Hands)], adjacency => { Goloman => ['Hands'] },
    link => 'psk_file = "herd.psk";', tls => 'cert_file = "%n.pem"; key_file = "%n.key";');
$h->allow(qr/No link with|Out of memory|out of memory|cannot be written|differs by|malformed|TLS/);
my $authority = Test::Herd::Tls::authority('The herd');
Test::Herd::Tls::ca_file($h, 'ca.pem', $authority);
Test::Herd::Tls::certify($h, $authority, $_, $_) for $h->servers;
Test::Herd::Tls::psk_file($h, 'herd.psk', [qw(Goloman Hands)]);
my $f = Test::Herd::Failing->new($h);
$h->start('Hands');
$f->start('Goloman');

my @key = Test::Herd::Tls::psk('Goloman>Hands', Test::Herd::Tls::key(qw(Goloman Hands)));
my $x = Test::Herd::Exchange->new($h, 'Goloman', 'Hands',
    connect => sub { Test::Herd::Tls::Client->new($h->tls_port('Goloman'), ca => $h->file('ca.pem')) },
    replace => sub { Test::Herd::Tls->dial($h->peer_port('Hands'), with => \@key, @_) });
my $links = sub { scalar(() = $h->log('Goloman') =~ /Connected to server Hands/g) };
my $again = sub { my $before = $links->(); (link => 1, until => sub { $links->() > $before }) };
$h->wait_for(sub { $links->() > 0 }, 'there is a link') or die "there is no link\n";
$x->run($again->());
ok $x->settled, 'nothing fails: all is well' or diag $x->why;
cmp_ok $links->(), '>=', 2, '... and the link has been dialled anew';
my $pid = $h->pid('Goloman');
my $descriptors = sub { scalar(() = glob "/proc/$pid/fd/*") };
my ($open, $held) = ($descriptors->(), $f->held);

# One exchange in which a call of that kind fails. Returns whether it did; what is wrong goes to @wrong.
my @wrong;

sub try_failing {
    my ($kind, $error, $pass, %what) = @_;
    $f->arm($kind, $error, pass => $pass);
    my $broken = $x->run(%what);
    my $failed = $f->disarm;
    my $whose = "$kind $error after $pass, of " . ($failed ? $f->whose : 'none');
    push @wrong, "$whose: $broken were hit\n" if $broken > 1;
    push @wrong, "$whose: " . $x->why . "\n" if !$x->settled;
    return $failed;
}

my $tried = 0;
for my $call ([recv => qw(ECONNRESET ENOMEM EINTR EAGAIN ETIMEDOUT)], [send => qw(ECONNRESET EPIPE ENOBUFS EINTR EAGAIN)]) {
    my ($kind, @errors) = @$call;
    my $failed = 0;
    @wrong = ();
    for my $error (@errors) {
        $failed += try_failing($kind, $error, $_) for $long ? 0 .. 23 : ($tried++ % 5, 7 + $tried % 11);
    }
    is "@wrong", '', "$kind fails under TLS: @errors";
    cmp_ok $failed, '>=', @errors, '... it did';
}

SKIP: {
    skip 'a sanitizer has its own memory', 4 if sanitized();
    skip 'what counts lines ends where there is no memory', 4 if Test::Herd::Time::built_with(qr/__gcov_/);
    for my $link (0, 1) {
        my $pass = 0;
        @wrong = ();
        # A dial waits up to half a second, so of its places only every seventeenth is looked at.
        $pass += !$long ? 541 * (1 + $link) : $link ? 17 : 1 while try_failing('memory', 'ENOMEM', $pass, $link ? $again->() : ());
        is "@wrong", '', 'memory is out under TLS' . ($link ? ', and while a link comes up' : '');
        cmp_ok $pass, '>', 100, "... at about $pass places";
    }
}
undef $x;
ok $h->wait_for(sub { $descriptors->() <= $open }, 'descriptors are given back'), 'no descriptor is lost';
ok sanitized() || $h->wait_for(sub { $f->held <= $held + 16 }, 'memory is given back'), 'nothing leaks'
    or diag $f->held, " pieces of $held";
is $h->ask('Goloman', 'x'), '? x', 'it serves';
done_testing;
