# Out of descriptors: those who connect wait, nobody spins, and all goes on when some close.
use Test::Herd::Needs qw(invalid);
use Test::Herd;
use Test::Herd::Time qw(now slowly);

sub slurp { open my $in, '<', $_[0] or return ''; local $/; <$in> }

# Processor time of a process, in ticks of 10 ms.
sub ticks {
    my ($pid) = @_;
    my @stat = split ' ', slurp("/proc/$pid/stat") =~ s/.*\) //sr;
    return $stat[11] + $stat[12];
}
sub descriptors { scalar(() = glob "/proc/$_[0]/fd/*") }

# 200: as many as there may be are served, and some are kept for other things. 70: no room to keep any.
for my $limit (200, 70) {
    my $h = Test::Herd->new;
    $h->limit_descriptors($limit);
    $h->start_all;
    my $pid = $h->pid('Goloman');
    my $before = $h->status('Goloman')->{connections_accepted};
    my @in = map { $h->connect('Goloman') } 1 .. ($limit == 70 ? 60 : $limit + 20);
    $_->send("x\n") for @in;
    my $served = sub { scalar grep { $_->fill(now()); $_->{got} eq "? x\n" } @in };
    $h->wait_for(sub { ($h->status('Goloman')->{accept_pauses} // 0) > 3 }, 'accepting pauses');
    my $most = $h->status('Goloman')->{connections_accepted} - $before;
    ok $h->wait_for(sub { $served->() == $most }, 'they are served'), 'who is in is served';
    cmp_ok $most, '>', $limit / 3, "$limit descriptors: $most clients are served";
    cmp_ok $most, '<', $limit, '... and the rest waits';
    is scalar(grep { $_->ended } @in), 0, '... nobody is turned away';
    cmp_ok descriptors($pid), '<', $limit - 40, '... some descriptors are kept' if $limit == 200;

    my ($ticks, $turns, $begin) = (ticks($pid), $h->status('Goloman')->{wakeups}, now());
    $h->wait_for(sub { now() > $begin + 2 }, 'two seconds');
    cmp_ok ticks($pid) - $ticks, '<', slowly(40), '... nobody spins: processor time';
    cmp_ok $h->status('Goloman')->{wakeups} - $turns, '<', 150, '... and turns of the loops';

    my $leave = sub {    # whoever is served leaves, until all have been
        $_->fill(now()) for @in;
        $_->close for grep { $_->{got} eq "? x\n" } @in;
        @in = grep { $_->{got} ne "? x\n" } @in;
        return !@in;
    };
    ok $h->wait_for($leave, 'the others'), '... when some close, the others are served';
    is $h->ask('Goloman', 'y'), '? y', '... and new ones';
    $h->stop('Goloman');
}
done_testing;
