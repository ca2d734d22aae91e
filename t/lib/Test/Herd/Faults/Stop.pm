# A server that stands still under load (SIGSTOP) and goes on: nobody waits for it, nobody grows.
package Test::Herd::Faults::Stop;

use Test::Herd;
use Test::Herd::Faults;

sub run {
    my ($f, $name, $seconds) = @_;
    $f->load(0.5)->quiet;
    my $books = $f->books;
    $f->load(0.2);
    $f->pause($name);
    $f->load($seconds);
    $f->ask_witness("away $name");    # what it was asked waits for it
    $f->quiet->over;
    my @others = grep { $_ ne $name } $f->servers;
    $f->verdict("$name stands still, the others");
    my $kb = 0;
    $kb += $f->pss_kb($_) - $books->{$_}[1] for @others;
    $f->tell(sprintf '%s stood still for %.0f s, and the others grew by %.1f MB', $name, $seconds, $kb / 1024);
    cmp_ok $kb, '<', 16_384, '... they have not grown' if !Test::Herd::Time::sanitized();
    $f->cont($name);
    $f->over->ask_witness("up $name");
    $f->quiet->verdict("$name goes on");
    $f->load(0.5)->quiet->over->verdict('and after it');
    $f->same_books($books, "$name stood still");
    return;
}

1;
