# Servers started in any order, long after one another, and told clients before the others are
# there, agree.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Time::HiRes qw(time);

my %dials = (
    Goloman => [qw(Hands Holiday Wilkes)], Hands => ['Wilkes'], Holiday => [qw(Welsh Wilkes)],
);
my @orders = (
    [qw(Goloman Hands Holiday Wilkes Welsh)], [qw(Wilkes Welsh Holiday Hands Goloman)],
    [qw(Welsh Goloman Wilkes Hands Holiday)],
);

# Every dial to a server that is not there yet has failed so often. After the fifth time the pauses
# are the longest there are; eight take two seconds.
sub wait_dials {
    my ($h, $failures, %up) = @_;
    for my $server (keys %up) {
        for my $other (grep { !$up{$_} } @{ $dials{$server} || [] }) {
            $h->wait_for(
                sub {
                    $failures <= (() = $h->log($server) =~ /Cannot connect to server $other/g);
                },
                "$server dials $other again and again"
            );
        }
    }
}

for my $order (@orders) {
    my $h = Test::Herd->five(log => 'level = "debug"; file = "%n.log"');
    my (%up, @clients, %said);
    for my $server (@$order) {
        wait_dials($h, $order == $orders[0] ? 8 : 4, %up);
        $h->start($server);
        $up{$server} = 1;
        my @new = map {"$server.$_"} 1 .. 50;
        my @answers = bulk($h, $server, map { sprintf 'IAMAT %s +1.5-2.5 %.9f', $_, time } @new);
        @said{@new} = @answers;
        push @clients, @new;
    }
    my $held = agreed($h, $order, \@clients, 2);
    ok $held, "started as @$order: all five agree";
    is_deeply $held, \%said, 'on what each of them was told when it was alone';
    $h->check_end;
}

# A server that comes last of all has everything from whichever neighbour it finds.
my $h = Test::Herd->five;
my @four = qw(Goloman Hands Welsh Wilkes);
$h->start(@four);
my $told = $h->ask('Welsh', sprintf 'IAMAT lonely +3+3 %.9f', time);
ok !defined $h->at_line($_, 'lonely'), "$_ does not know what Welsh was told alone"
    for qw(Goloman Hands Wilkes);
$h->start('Holiday');
ok $h->wait_for(sub { ($h->at_line('Wilkes', 'lonely') // '') eq $told }, 'it passes on', 2),
    'the one between them passes it on';
is_deeply agreed($h, [$h->servers], ['lonely'], 2), { lonely => $told }, 'to all';

done_testing;
