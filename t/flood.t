# What any server is told, all five of the herd answer, byte for byte; and which report wins.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Time::HiRes qw(time);

my $h = Test::Herd->five;
my @all = $h->servers;
$h->start_all;
my %links = (Goloman => 3, Hands => 2, Holiday => 3, Welsh => 1, Wilkes => 3);
$h->wait_for(sub { !grep { $h->status($_)->{links_opened} < $links{$_} } @all }, 'the links');

# All five have the one AT line of the client, and this server heard it.
sub all_have {
    my ($client, $expected, $name) = @_;
    my $same = $h->wait_for(
        sub {
            !grep { ($h->at_line($_, $client) // '') ne $expected } @all;
        },
        $name, 2
    );
    ok $same, $name or diag map {"$_: " . ($h->at_line($_, $client) // 'unknown') . "\n"} @all;
}

sub stamp { sprintf '%.9f', time - ($_[0] // 0) }

for my $server (@all) {
    my $line = "client.of.$server +34.068930-118.445127 " . stamp();
    my $told = $h->ask($server, "IAMAT $line");
    like $told, qr/^AT $server [+-]\d+\.\d{9} \Q$line\E$/, "$server takes a report";
    all_have("client.of.$server", $told, "all five have what $server was told");
}

for my $server (@all) {
    my $told = $h->ask($server, "IAMAT walker +1.5-2.5 " . stamp());
    all_have('walker', $told, "one client, now at $server");
}

# Two servers in turn at one stamp: the later heard wins, wherever the first is already known.
my $stamp = stamp(10);
my $first = $h->ask('Hands', "IAMAT twin +1-1 $stamp");
my $second = $h->ask('Welsh', "IAMAT twin +2-2 $stamp");
all_have('twin', $second, 'the same stamp told to two servers: the later heard');
isnt $first, $second, 'whose answers differed';
my $third = $h->ask('Goloman', "IAMAT twin +1-1 $stamp");
all_have('twin', $third, 'and the first position again, heard later still');

# At the same time, a hundred of them.
my @twins = map {"twin$_"} 1 .. 100;
my @conns = map { bulk_open($h, $_) } qw(Welsh Hands);
for my $i (0, 1) {
    bulk_begin($conns[$i], map {"IAMAT $_ +3-$i $stamp"} @twins);
}
bulk_finish($_) for @conns;
my $agreed = agreed($h, \@all, \@twins, 2);
ok $agreed, 'a hundred clients told to two servers at once: all five agree';

# Older and equal reports are answered with their own data, and change nothing.
my $held = $h->ask('Wilkes', "IAMAT still +5+5 1000000.5");
all_have('still', $held, 'the newest');
for my $server (@all) {
    like $h->ask($server, 'IAMAT still +6+6 1000000.499999999'),
        qr/^AT $server \+\d+\.\d{9} still \+6\+6 1000000\.499999999$/, "$server answers an older one";
    like $h->ask($server, 'IAMAT still +5+5 1000000.5'),
        qr/^AT $server \+\d+\.\d{9} still \+5\+5 1000000\.5$/, "$server answers a repeat";
}
my %before = map { $_ => $h->status($_)->{updates_sent} } @all;
$h->ask($_, 'IAMAT still +6+6 1000000') for @all;
$h->ask($_, 'IAMAT still +5+5 1000000.5') for @all;
my $after = $h->ask('Wilkes', "IAMAT after +0+0 " . stamp());
all_have('after', $after, 'what was told behind them has arrived');
all_have('still', $held, 'and they have changed nothing');
my $sent = 0;
$sent += $h->status($_)->{updates_sent} - $before{$_} for @all;
cmp_ok $sent, '<=', 12, 'nor been flooded: six links carried one update, each way at the most';

# A time that is equal in value and written another way is a tie, which the later heard wins.
my $zeros = $h->ask('Holiday', 'IAMAT still +5+5 01000000.5000');
all_have('still', $zeros, 'the same time written another way is another report');

my %odd = (
    '1024 bytes' => 'x' x 1024,
    'NUL' => "nul\0within\0",
    'high bytes' => join('', map {chr} 0x80 .. 0xff),
    'control bytes' => join('', map {chr} 1 .. 8, 14 .. 31, 127),
    'quotes and backslashes' => q('"\\%s%n{}),
    '1024 bytes of NUL' => "\0" x 1024,
);
for my $kind (sort keys %odd) {
    my $told = $h->ask('Welsh', "IAMAT $odd{$kind} -89.999+179.999 " . stamp());
    like $told, qr/^AT Welsh \S+ \Q$odd{$kind}\E /, "an id of $kind is taken";
    all_have($odd{$kind}, $told, "and flooded");
}
is $h->ask('Welsh', 'IAMAT ' . 'x' x 1025 . ' +1+1 1'), '? IAMAT ' . 'x' x 1025 . ' +1+1 1',
    'an id of 1025 bytes is not';

done_testing;
