# Connections: many at once, slow ones, ones that vanish, few descriptors; and who serves them.
use Test::Herd::Needs qw(iamat whatsat invalid);
use Test::Herd;
use Time::HiRes qw(usleep);

# 100 clients at once, 1,000 commands each, all sent before an answer is read.
my $h = Test::Herd->new(log => 'messages = false;');
$h->start_all;
my @clients = map { $h->connect('Goloman') } 1 .. 100;
my %left = map { $_ => commands($_) } 0 .. 99;

sub commands {
    my ($i) = @_;
    return join '', map { $_ % 2 ? "IAMAT c$i +1-1 $_\n" : "c$i $_\n" } 1 .. 1000;
}

while (%left) {    # a little of each, so that all are under way together
    for my $i (sort { $a <=> $b } keys %left) {
        $clients[$i]->send(substr $left{$i}, 0, 4000, '');
        delete $left{$i} if $left{$i} eq '';
    }
}
my $good = 0;
for my $i (0 .. 99) {
    $clients[$i]->shut;
    my @answers = split /\n/, $clients[$i]->all // '';
    my @wrong = grep {
        my $n = $_ + 1;
        $answers[$_] !~ ($n % 2 ? qr/^AT Goloman \S+ c$i \+1-1 $n$/ : qr/^\? c$i $n$/)
    } 0 .. $#answers;
    $good++ if @answers == 1000 && !@wrong;
}
is $good, 100, '100 clients at once pipeline 1,000 commands each: all answered, in order';
is $h->status('Goloman')->{reports_new}, 100, '... each known once';

# A client that asks and does not read: costs a bounded buffer, and delays nobody.
sub memory_kb { my ($rss) = slurp("/proc/$_[0]/status") =~ /VmRSS:\s+(\d+)/; $rss }
sub slurp { open my $in, '<', $_[0] or return ''; local $/; <$in> }
my $deaf = Test::Herd::Client->new($h->port('Goloman'), receive_bytes => 4096);
$deaf->{socket}->blocking(0);
my $before = memory_kb($h->pid('Goloman'));
my ($sent, $still) = (0, 0);
my $chunk = ('d' x 99 . "\n") x 1000;
while ($still < 20 && $sent < 64e6) {
    my $n = $deaf->send_some($chunk);
    $sent += $n;
    $still = $n ? 0 : $still + 1;
    usleep 5000 if !$n;
}
cmp_ok $sent, '<', 32e6, "a client that does not read is not read for ever ($sent bytes)";
cmp_ok memory_kb($h->pid('Goloman')) - $before, '<', 16384, '... and costs a bounded buffer';
is $h->ask('Goloman', 'x'), '? x', '... and delays nobody';
$deaf->reset;

# Clients that vanish at every moment.
my @moments = ('', "\n", 'IAMA', "IAMAT c1 +1-1 1\n", "WHATSAT c1 1 1\n", "WHATSAT c1 1 1\nx",
    "x\n" x 20_000, "WHATSAT c1 40 19\n" x 2000, 'z' x 100_000);
for my $round (1 .. 10) {
    for my $moment (@moments) {
        my $client = $h->connect('Goloman');
        $client->send_some($moment);
        $client->line(0.01) if $round % 3 == 0;
        $client->shut if $round % 4 == 0;
        usleep 100 * ($round - 1) if $round % 2;
        $client->reset;
    }
}
my $gone = sub {
    my $now = $h->status('Goloman');
    $now->{connections_accepted} == $now->{connections_closed};
};
ok $h->wait_for($gone, 'all are gone'), 'clients that vanish at every moment leave nothing behind';
is $h->ask('Goloman', 'x'), '? x', '... and the server goes on';

# Each worker has its share.
my $even = Test::Herd->new(workers => 4);
$even->start_all;
@clients = map { $even->connect('Goloman') } 1 .. 40;
$_->ask('x') for @clients;
my %of = connections_of_threads($even->pid('Goloman'));
is_deeply [sort { $a <=> $b } values %of], [10, 10, 10, 10], '40 connections, 4 workers: 10 each'
    or diag explain \%of;
splice(@clients, $_, 1)->close for reverse 0 .. 9;
$even->wait_for(sub { $even->status('Goloman')->{connections_closed} == 10 }, 'ten have left');
push @clients, map { $even->connect('Goloman') } 1 .. 20;
$_->ask('x') for @clients;
my @counts = sort { $a <=> $b } values %{ { connections_of_threads($even->pid('Goloman')) } };
ok @counts == 4 && $counts[-1] - $counts[0] <= 1, 'also after some have left' or diag "@counts";

# How many clients' sockets each epoll set of a process watches, of those that watch nothing else.
sub connections_of_threads {
    my ($pid) = @_;
    my (%socket, %count);
    for my $fd (glob "/proc/$pid/fd/*") {
        my $what = readlink $fd or next;
        $socket{$1} = 1 if $what =~ /^socket/ && $fd =~ m{(\d+)$};
    }
    for my $info (glob "/proc/$pid/fdinfo/*") {
        my @watched = slurp($info) =~ /^tfd:\s+(\d+)/mg or next;
        $count{$info} = @watched if !grep { !$socket{$_} } @watched;
    }
    return %count;
}
done_testing;
