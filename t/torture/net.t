# Two servers cut off from three for a minute, both ways and each way; for all times from 0.25 s to
# 4 s, for then links are found dead in different ways; and for a minute with a million clients, in
# which case all may take 5 s to be equal.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Faults::Net;

my $why = Test::Herd::Faults::Net::cannot();
plan skip_all => $why if $why;

my $amount = \&Test::Herd::Faults::amount;
my @two = qw(Holiday Welsh);
my @three = qw(Goloman Hands Wilkes);
my %cuts = (
    'two parted from three' => sub { Test::Herd::Faults::Net::part($_[0], \@two, \@three) },
    'two do not hear three' => sub { Test::Herd::Faults::Net::deafen($_[0], \@two, \@three) },
    'three do not hear two' => sub { Test::Herd::Faults::Net::deafen($_[0], \@three, \@two) },
);

sub cut {
    my ($f, $what, $seconds, $limit) = @_;
    Test::Herd::Faults::Net::cut($f, $what, $seconds, $limit, sub { $cuts{$what}->($f) });
    return;
}

my $f = Test::Herd::Faults::Net::five(long => 1, ids => 20_000)->begin;
$f->load(1)->quiet;
my $books = $f->books;
cut($f, $_, $amount->(60), 2) for sort keys %cuts;
my $steps = $amount->(16);
for my $step (1 .. $steps) {
    cut($f, $_, 4 * $step / $steps, 2) for sort keys %cuts;
}
$f->load(1)->quiet->over->verdict('and after it');
$f->same_books($books, 'the network was cut');
$f->finish(3 + 3 * $steps . ' cuts');

my $million = Test::Herd::Faults::Net::five(long => 1, ids => 1_000_000)->begin;
cut($million, 'two parted from three', $amount->(60), 5);
$million->finish('a partition with a million clients');
done_testing;
