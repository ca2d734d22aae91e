# Every one and every two of the five servers are killed and come back empty: two seconds later all
# have everything, though no client has said anything twice.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Time::HiRes qw(time);

my $h = Test::Herd->five;
my @all = $h->servers;
my @clients = map {"client$_"} 1 .. 300;
$h->allow(qr/No link with/);    # of one that was killed between its dialling and its HELLO
$h->start_all;

# What each client was answered last by a server that has stayed up since.
my %said;

# Each of these clients reports to one of these servers.
sub report {
    my ($servers, @who) = @_;
    my %lines;
    for my $i (0 .. $#who) {
        my $server = $servers->[$i % @$servers];
        my $where = sprintf '+%d.%02d-%d.5', $i % 90, rand 100, $i % 180;
        push @{ $lines{$server} }, [$who[$i], sprintf '%s %.9f', $where, time];
    }
    for my $server (keys %lines) {
        my @lines = @{ $lines{$server} };
        my @answers = bulk($h, $server, map {"IAMAT $_->[0] $_->[1]"} @lines);
        $said{ $lines[$_][0] } = $answers[$_] for 0 .. $#lines;
    }
    return;
}

# All five agree within two seconds, and on what was answered last.
sub all_well {
    my ($name) = @_;
    my $held = agreed($h, \@all, \@clients, 2);
    ok $held, "$name: all five agree" or return;
    my @lost = grep { $held->{$_} ne $said{$_} } @clients;
    is "@lost", '', "$name: what was acknowledged is there";
}

report(\@all, @clients);
all_well('before');

my @faults = map { [$_] } @all;
for my $i (0 .. $#all) {
    push @faults, map { [$all[$i], $all[$_]] } $i + 1 .. $#all;
}

my $turn = 0;
for my $fault (@faults) {
    my %down = map { $_ => 1 } @$fault;
    my @up = grep { !$down{$_} } @all;
    my $some = $turn++ * 17 % 250;
    $h->kill9(@$fault);
    report(\@up, @clients[$some .. $some + 49]);
    $h->start(@$fault);
    all_well("killed @$fault");
}

# Killed while clients report to the others: a session ends in the middle of what it says.
for my $round (1 .. 3) {
    my $busy = bulk_open($h, 'Goloman');
    my @lines = map { sprintf 'IAMAT client%d +%d.5-%d.25 %.9f', $_ % 300 + 1, $_ % 90, $_ % 180,
        time + $_ / 1e6 } 1 .. 3000;
    bulk_begin($busy, @lines);
    $h->kill9('Holiday');
    my @answers = bulk_finish($busy);
    $said{"client" . ($_ % 300 + 1)} = $answers[$_ - 1] for 1 .. 3000;
    $h->start('Holiday');
    all_well("Holiday killed under reports, round $round");
}

# All but one, which has everything.
$h->kill9(grep { $_ ne 'Welsh' } @all);
report(['Welsh'], @clients[0 .. 49]);
$h->start(grep { $_ ne 'Welsh' } @all);
all_well('killed all but Welsh');

done_testing;
