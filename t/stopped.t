# A neighbour that is stopped for a while: nobody waits for it, it costs no memory, and when it goes
# on it has everything within two seconds, whether its links have lived on or not.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Test::Herd::Time qw(now sanitized slowly);
use Time::HiRes qw(time);

my $h = Test::Herd->five(log => 'messages = false; file = "%n.log"');
my @all = $h->servers;
my @others = grep { $_ ne 'Hands' } @all;
my @clients = map { "client$_" . 'x' x 900 } 1 .. 200;    # a queue of all updates would be 10 MB
my $sanitized = sanitized();
$h->allow(qr/No link with/);    # of one that dialled the stopped server and gave up
$h->start(@all);

my $step = 0;

# Updates of all clients by turns, told to these servers at once; returns the clients' last answers.
sub update {
    my ($count, @servers) = @_;
    my %conn = map { $_ => bulk_open($h, $_) } @servers;
    my (%asked, %said);
    for my $i (1 .. $count) {
        my $k = $i % @clients;
        my $server = $servers[$k % @servers];
        push @{ $asked{$server} }, [$clients[$k], sprintf 'IAMAT %s +%d.5-%d.25 %.9f', $clients[$k],
            $i % 90, $i % 180, time + ++$step / 1e6];
    }
    bulk_begin($conn{$_}, map { $_->[1] } @{ $asked{$_} }) for @servers;
    for my $server (@servers) {
        my @answers = bulk_finish($conn{$server});
        $said{ $asked{$server}[$_][0] } = $answers[$_] for 0 .. $#answers;
    }
    return \%said;
}

sub resident_bytes {
    my ($server) = @_;
    open my $in, '<', '/proc/' . $h->pid($server) . '/status' or return 0;
    my ($kb) = map {/^VmRSS:\s+(\d+)/} <$in>;
    return $kb * 1024;
}

# All have what was answered last, in time.
sub all_have {
    my ($servers, $said, $seconds, $name) = @_;
    my $held = agreed($h, $servers, \@clients, $seconds);
    is_deeply $held, $said, $name;
}

my $said = update(10_000, @others);    # so that memory that stays in use is in use
all_have(\@all, $said, 2, 'all five have 10,000 updates');

# ---- stopped for less than the three seconds that a link may be silent ----

my %before = map { $_ => resident_bytes($_) } @others;
$h->pause('Hands');
my $began = now();
$said = update(10_000, @others);
my $took = now() - $began;
cmp_ok $took, '<', slowly(5), sprintf '10,000 updates told to the others (%.2f s)', $took;
all_have(\@others, $said, 2, 'and known to all of these');
my $slowest = 0;
for (1 .. 100) {
    my $asked = now();
    $h->ask($others[$_ % 4], "WHATSAT $clients[0] 0 0");
    $slowest = now() - $asked if now() - $asked > $slowest;
}
cmp_ok $slowest, '<', slowly(0.5), sprintf 'no answer is late (%.1f ms at worst)', 1000 * $slowest;
SKIP: {
    skip 'a sanitizer keeps memory of its own', 4 if $sanitized;
    for my $server (@others) {
        my $grown = resident_bytes($server) - $before{$server};
        cmp_ok $grown, '<', 4e6, "$server has grown by $grown bytes";
    }
}
my $pause = now() - $began;
$h->cont('Hands');
all_have(\@all, $said, 2, 'two seconds after it goes on it has everything');
SKIP: {
    skip 'it was stopped for too long for that', 4 if $pause > 2.9;
    unlike $h->log($_), qr/Dropped connection to server Hands/, "$_ has kept its link" for @others;
}
my $merged = $h->status('Hands');
cmp_ok $merged->{merges_newer} + $merged->{merges_older} + $merged->{merges_repeats}, '<', 30_000,
    "it has been told where clients are, not of each step of each on each link";

# ---- stopped for longer ----

$h->pause('Hands');
ok $h->wait_log($_, 'Dropped connection to server Hands: it is silent'), "$_ drops its link"
    for 'Goloman', 'Wilkes';
$said = update(2_000, @others);
all_have(\@others, $said, 2, 'the others agree');
$h->cont('Hands');
all_have(\@all, $said, 2, 'two seconds after it goes on it has everything again');

# A stopped server that dials: of the two at a link either may be the one that stands still.
$h->pause('Goloman', 'Wilkes');
ok $h->wait_log('Holiday', "Dropped connection to server $_: it is silent"), "Holiday drops $_"
    for 'Goloman', 'Wilkes';
$said = update(2_000, 'Hands', 'Welsh');
$h->cont('Goloman', 'Wilkes');
all_have(\@all, $said, 2, 'two stopped at once, two sides that were told apart: all agree');

done_testing;
