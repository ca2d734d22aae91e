# Two servers cut off from three, both ways and one way, under load: when the network heals nothing
# is lost and all are equal within two seconds. In namespaces of this test's own.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Faults::Net;

my $why = Test::Herd::Faults::Net::cannot();
plan skip_all => $why if $why;

my @two = qw(Holiday Welsh);
my @three = qw(Goloman Hands Wilkes);
my $f = Test::Herd::Faults::Net::five()->begin;
my $books = $f->books;
my $cut = sub { Test::Herd::Faults::Net::cut($f, @_) };
$cut->('two parted from three', 4, 2, sub { Test::Herd::Faults::Net::part($f, \@two, \@three) });
$cut->('two do not hear three', 2.3, 2, sub { Test::Herd::Faults::Net::deafen($f, \@two, \@three) });
$cut->('three do not hear two', 3.2, 2, sub { Test::Herd::Faults::Net::deafen($f, \@three, \@two) });
$f->load(0.3)->quiet->over->verdict('and after it');
$f->same_books($books, 'the network was cut');
$f->finish('three cuts');
done_testing;
