# Servers are killed under load and come back empty: nothing is lost, all are equal within two
# seconds. And herds that break a rule of theirs, which the same test has to notice.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Faults::Kill;

my $f = Test::Herd::Faults->five->begin;
Test::Herd::Faults::Kill::run($f, 5);
$f->finish('5 kills');

# Each rule by the least that shows it. One shows before any fault.
my %shown = (
    ignore_epoch => sub {    # it comes back, and has been told something when its neighbour hears of it
        my ($f) = @_;
        $f->pause('Holiday');
        $f->kill('Welsh')->revive('Welsh')->load(0.3);
        $f->cont('Holiday');
    },
    no_tiebreak => sub { $_[0]->load(1) },
    skip_by_peer => sub { $_[0]->kill('Welsh')->revive('Welsh') },
);

sub found {
    my ($f, $show) = @_;
    return $@ if !eval { $f->begin };
    $show->($f);
    return $f->quiet->over->check(0.5);
}

for my $rule (sort keys %shown) {
    my $broken = Test::Herd::Faults->five(
        settles => 1, program => Test::Herd::Faults::built('t/torture/herd-broken'));
    $broken->{how}{$_}{env} = { HERD_BREAK => $rule } for $broken->servers;
    my $said = found($broken, $shown{$rule});
    like $said, qr/lost [1-9]|differing [1-9]/, "a herd with its rule broken is found out: $rule";
    note $said;
}
done_testing;
