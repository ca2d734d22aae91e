# The clock of one server is moved while it runs: forth and back, by half a day. libfaketime is its
# clock, and a file says how wrong it is.
package Test::Herd::Faults::Clock;

use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Time qw(now sanitized);

sub library {
    return (glob '/usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1')[0];
}

# Why not; undef: it can be done.
sub cannot {
    return 'libfaketime is not installed' if !library();
    return 'a sanitizer and libfaketime do not go together' if sanitized();
    return undef;
}

# Gives that server such a clock. Before begin.
sub prepare {
    my ($f, $name) = @_;
    $f->allow(qr/The clock of server/, qr/The clock stepped/);
    $f->write("$name.clock", "+0\n");
    $f->{how}{$name}{env} = {
        LD_PRELOAD => library(), FAKETIME_TIMESTAMP_FILE => $f->file("$name.clock"), FAKETIME_NO_CACHE => 1,
        FAKETIME_DONT_FAKE_MONOTONIC => 1, DONT_FAKE_MONOTONIC => 1,
    };
    return $f;
}

# Moves the clock, and returns when the server has looked at it. In one step, lest it reads half.
sub move {
    my ($f, $name, $offset_s) = @_;
    $f->write("$name.clock.new", sprintf "%+d\n", $offset_s);
    rename $f->file("$name.clock.new"), $f->file("$name.clock") or die "clock: $!\n";
    my $moved = sub {
        my ($diff) = split ' ', ($f->ask($name, 'IAMAT clock +1+1 0') =~ s/^AT \S+ //r);
        return abs($diff - time - $offset_s) < 60;
    };
    $f->wait_for($moved, "the clock of $name is moved") or die "the clock does not move\n";
    return $f;
}

# Moves the clock to each of these offsets in turn; load all the time. Where the herd forgets sooner
# than the clock is wrong (dies) it agrees when the clock is right again, and what a server heard while
# its clock was behind was dead then: it was not promised to anybody.
sub run {
    my ($f, $name, $seconds, @offsets) = @_;
    my $books = $f->books;
    for my $offset (@offsets) {
        $f->load($seconds / 2);
        $f->quiet->ask_witness("forgive $name") if $f->{dies} && $offset < 0;
        move($f, $name, $offset);
        $f->load($seconds / 2)->quiet;
        $f->over->verdict("clock of $name $offset s off") if !$offset || !$f->{dies};
        $f->ask_witness("trust $name") if !$offset;
    }
    $f->load(0.5)->quiet->over->verdict('and after it');
    $f->same_books($books, 'the clock was moved');
    return;
}

1;
