# What clients may take of memory by TLS: handshakes that are begun and not ended and records that are
# not whole count for limits.buffers, and where there is no memory for them they end, and not the
# server.
use Test::Herd::Needs qw(invalid);
use Test::Herd;
use Test::Herd::Client;
use Test::Herd::Time qw(sanitized);
use Test::Herd::Tls;

my $h = Test::Herd->new(workers => 1, log => 'messages = false;', tls => 'cert_file = "%n.pem"; key_file = "%n.key";',
    limits => 'buffers = "512k"; connections = 4000; address_connections = 0;');
my $authority = Test::Herd::Tls::authority('The herd');
Test::Herd::Tls::ca_file($h, 'ca.pem', $authority);
Test::Herd::Tls::certify($h, $authority, 'Goloman', 'goloman.example');

sub counter { $h->status('Goloman')->{ $_[0] } }
sub client { Test::Herd::Tls::Client->new($h->tls_port('Goloman'), ca => $h->file('ca.pem'), @_) }
sub raw { Test::Herd::Client->new($h->tls_port('Goloman')) }

# The first bytes of a ClientHello of so many.
sub begun {
    my ($bytes) = @_;
    my $client = raw();
    $client->send("\x16\x03\x01\x00\x09\x01" . substr(pack('N', $bytes), 1) . "\x03\x03abc");
    return $client;
}

# Bytes between those of TLS.
sub under {
    my ($client, $bytes) = @_;
    open my $under, '>&', fileno $client->{socket} or die "dup: $!\n";
    syswrite $under, $bytes;
}

# ---- limits.buffers ----

$h->start_all;
for my $version ('TLSv1_3', 'TLSv1_2') {
    my @idle = map { client(SSL_version => $version) } 1 .. 100;
    is scalar(grep { $_->ask('x') eq '? x' } @idle), 100, "a hundred that are idle, of $version, are not counted";
    is counter('buffers_full'), 0, '... nor closed';
    $_->close for @idle;
}
my $idle = client();
my @begun = map { begun(200) } 1 .. 60;
ok $h->wait_for(sub { counter('connections_accepted') >= 261 }, 'all are taken'), 'sixty begin a handshake';
my $full = counter('buffers_full');
cmp_ok $full, '>=', 20, 'some of them are closed: limits.buffers';
cmp_ok $full, '<=', 50, '... but not all';
is scalar(grep { $_->eof(1) } @begun[60 - $full .. 59]), $full, '... those that came last';
is $idle->ask('x'), '? x', 'who was there is served';
is $h->ask('Goloman', 'y'), '? y', '... and who comes without TLS';
$_->reset for @begun;
ok $h->wait_for(sub { eval { client()->ask('z') } }, 'there is room'), 'when they go there is room again';

$full = counter('buffers_full');
my @parts = map { client() } 1 .. 60;
under($_, "\x17\x03\x03\x40\x00abc") for @parts;
ok $h->wait_for(sub { counter('buffers_full') > $full }, 'some are closed'), 'records that are not whole are counted';
$_->close for @parts;
$h->stop('Goloman');

# ---- no memory ----

SKIP: {
    skip 'a sanitizer has its own memory', 4 if sanitized();
    my $starved = Test::Herd->new(workers => 1, log => 'messages = false;', tls => 'cert_file = "../' . ($h->dir =~ s{.*/}{}r) . '/%n.pem"; key_file = "../' . ($h->dir =~ s{.*/}{}r) . '/%n.key";',
        limits => 'buffers = "0"; connections = 4000; address_connections = 0;');
    $starved->allow(qr/Out of memory/);
    $h = $starved;
    $h->limit_addresses(160 * 1024);
    $h->start('Goloman');
    my $there = $h->connect('Goloman');
    is $there->ask('x'), '? x', 'one who is there';
    my @all;
    while (@all < 3000 && $h->log('Goloman') !~ /Out of memory/) {
        push @all, eval { begun(131_000) } // last;
        counter('clients') if @all % 200 == 0;
    }
    ok $h->wait_for(sub { $h->log('Goloman') =~ /Out of memory/ }, 'it is out of memory'), scalar(@all) . ' handshakes, and memory is out';
    is $there->ask('x'), '? x', 'who is there is served';
    $_->reset for @all;
    ok $h->wait_for(sub { my $c = eval { $h->connect('Goloman') }; $c && ($c->ask('z') // '') eq '? z' }, 'memory'), 'when they go there is memory again';
    $h->stop('Goloman');
}
done_testing;
