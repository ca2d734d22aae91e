# Servers killed at random under load, and started again; now and then another one while the first
# is still being told what it missed.
package Test::Herd::Faults::Kill;

use Test::Herd;
use Test::Herd::Faults;

sub some { my (@names) = @_; return $names[rand @names] }

sub kill_one {
    my ($f, $name) = @_;
    $f->kill($name)->load(rand 0.5);
    return $f->revive($name);
}

# kills: how many. A round is a kill, or two of them.
sub run {
    my ($f, $kills) = @_;
    my ($killed, $round, $books) = (0, 0);
    $f->load(0.1);
    while ($killed < $kills) {
        $f->load(rand 0.4);
        my $name = some($f->servers);
        my $what = 'kill ' . ++$killed . " ($name)";
        kill_one($f, $name);
        if (++$round % 3 == 0 && $killed < $kills) {
            my $other = some(grep { $_ ne $name } $f->servers);
            $what .= ' and ' . ++$killed . " ($other)";
            kill_one($f, $other);
        }
        $f->load(rand 0.3) if $round % 2;
        $f->quiet->over->verdict($what);
        $books = $f->books if $round == int($kills / 6) || $round == 1;
    }
    $f->same_books($books, "$killed kills");
    return;
}

1;
