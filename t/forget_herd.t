# With forget_after all servers of a herd forget alike: each client on all of them at the same time,
# whichever of them it was that it told, and then it is gone from the memory of all.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Test::Herd::Time qw(now slowly);
use Time::HiRes qw(time);

my $after = slowly(2);
my $h = Test::Herd->five(limits => qq(forget_after = "${after}s"), log => 'messages = false; file = "%n.log"');
my @all = $h->servers;
$h->start(@all);

# Groups of clients that report one after the other, each to another server, their clocks years apart.
my @groups = map { my $g = $_; [map {"client$g-$_"} 1 .. 40] } 0 .. 9;
my (@from, @to);
for my $g (0 .. $#groups) {
    $from[$g] = time;
    my $years = $g % 2 ? '1000000' : sprintf '%.9f', $from[$g] + 1000;
    bulk($h, $all[$g % 5], map {"IAMAT $_ +1.25-2.5 $years"} @{ $groups[$g] });
    $to[$g] = time;
    select undef, undef, undef, $after / 20;
}
my %first = map { $_ => undef } @all;    # when each was first seen not to know the group
my %last;                                # and last to know one of it
my $ends = now() + slowly(6) + $after;
while (now() < $ends && grep { !$_ || grep { !defined } @{$_}[0 .. $#groups] } values %first) {
    for my $server (@all) {
        for my $g (0 .. $#groups) {
            next if defined $first{$server}[$g];
            my $asked = time;
            my $held = held($h, $server, @{ $groups[$g] });
            if (%$held) {
                $last{$server}[$g] = $asked;
            } else {
                $first{$server}[$g] = time;
            }
        }
    }
    select undef, undef, undef, 0.02;
}
for my $g (0 .. $#groups) {
    my @early = grep { ($first{$_}[$g] // 0) < $from[$g] + $after } @all;
    is "@early", '', "group $g: no server forgets it before its time";
    my @late = grep { ($last{$_}[$g] // 0) > $to[$g] + $after } @all;
    is "@late", '', '... and none knows any of it behind its time';
    is scalar(grep { !defined $last{$_}[$g] } @all), 0, '... and all have known it';
}

my $gone = $h->wait_for(sub { !grep { $h->status($_)->{clients} } @all }, 'all are freed', 45);
ok $gone, 'all of them are freed on all servers';
is $h->status($_)->{forgotten}, 400, "$_ counts them" for @all;

$h->kill9('Welsh');
bulk($h, 'Hands', map {"IAMAT new$_ +1+1 1"} 1 .. 50);
$h->start('Welsh');
my @new = map {"new$_"} 1 .. 50;
$h->wait_for(sub { !%{ held($h, 'Hands', @new) } }, 'Hands forgets them');
is scalar(keys %{ held($h, 'Welsh', @new) }), 0, 'nor does a server that comes late know any longer than others';
done_testing;
