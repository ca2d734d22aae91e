# Several faults at once, drawn at random, of random lengths: servers killed or stopped, pairs of them
# that do not hear each other, one way or both. Then all is mended, and judged.
package Test::Herd::Faults::Chaos;

use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Faults::Net;
use List::Util qw(shuffle);

sub some { my (@all) = @_; return $all[rand @all] }

# Each begins a fault, and returns what ends it and what it is called. Of a server that is not well
# already nothing is wanted.
my @faults = (
    sub {
        my ($f, $name) = @_;
        $f->kill($name);
        return sub { $f->revive($name) }, "$name is killed";
    },
    sub {
        my ($f, $name) = @_;
        $f->pause($name);
        return sub { $f->cont($name) }, "$name stands still";
    },
    sub {
        my ($f, $name) = @_;
        my @others = grep { $_ ne $name && rand() < 0.6 } $f->servers;
        Test::Herd::Faults::Net::deafen($f, [$name], \@others) if @others;
        return sub { }, "$name does not hear @others";
    },
    sub {
        my ($f, $name) = @_;
        my @others = grep { $_ ne $name && rand() < 0.6 } $f->servers;
        Test::Herd::Faults::Net::part($f, [$name], \@others) if @others;
        return sub { }, "$name is cut off from @others";
    },
);

sub round {
    my ($f, $number) = @_;
    my (@ends, @what);
    my @names = shuffle $f->servers;
    for my $name (@names[0 .. rand 4]) {
        my ($end, $what) = some(@faults)->($f, $name);
        push @ends, $end;
        push @what, $what;
        $f->load(rand() < 0.5 ? rand 0.3 : rand 2);
    }
    $f->load(rand 1.5);
    for my $end (shuffle @ends) {
        $end->();
        $f->load(rand 0.5) if rand() < 0.3;
    }
    $f->quiet;
    Test::Herd::Faults::Net::heal($f);
    $f->over;
    return $f->verdict("round $number: " . join ', ', @what);
}

sub run {
    my ($f, $rounds) = @_;
    my $books;
    for my $number (1 .. $rounds) {
        round($f, $number);
        $books = $f->books if $number == int(($rounds + 3) / 4);
    }
    $f->same_books($books, "$rounds rounds");
    return;
}

1;
