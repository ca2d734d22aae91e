# Links that are bad or come and go: a proxy stands between two servers. The one that dials has the
# proxy's port for the other's peer_port in its configuration.
package Test::Herd::Faults::Link;

use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Ports;
use Test::Herd::Told;

# Puts a proxy on each of these links, each a pair: the server that dials, the other. Before begin.
sub proxies {
    my ($f, @links) = @_;
    my %ports;
    for my $link (@links) {
        my ($from, $to) = @$link;
        my $port = $ports{$from}{$to} = Test::Herd::Ports::take();
        push @{ $f->{proxies} }, Test::Herd::Told->new(Test::Herd::Faults::built('t/torture/proxy'), $port,
            '127.0.0.1:' . $f->peer_port($to));
    }
    for my $from (keys %ports) {
        local $f->{peer_port} = { %{ $f->{peer_port} }, %{ $ports{$from} } };
        my ($servers) = $f->config_text =~ /(servers = \(.*?\n\);)/s;
        $f->{how}{$from}{options} = ['-g', $servers];
    }
    return $f;
}

sub ask_all { my ($f, $line) = @_; map { $_->figures($line) } @{ $f->{proxies} } }

# The links come and go: each second, so many times; one way of going after the other.
sub flap {
    my ($f, $times, $period) = @_;
    my $books = $f->books;
    for my $time (1 .. $times) {
        ask_all($f, $time % 3 == 0 ? 'freeze' : 'cut');
        $f->load($period * (0.3 + rand 0.4));
        ask_all($f, 'join');
        $f->load($period * (0.3 + rand 0.4)) if $time < $times;
    }
    $f->quiet->over->verdict("links have come and gone $times times");
    $f->load(0.5)->quiet->over->verdict('and after it');
    my ($connections) = (0);
    $connections += $_->{connections} for ask_all($f, 'figures');
    $f->tell("$times times cut off, $connections connections since the beginning");
    cmp_ok $connections, '>=', $times / 2, 'they were dialled again';
    $f->same_books($books, 'flapping');
    return;
}

# Nothing goes through for so many seconds each time, and nobody is told: neither that the other is
# there nor that it is gone. Those who dial meanwhile are kept waiting, and all arrive at once, those
# who have given up with them.
sub freeze {
    my ($f, @seconds) = @_;
    for my $seconds (@seconds) {
        $f->load(0.3);
        ask_all($f, 'freeze');
        $f->load($seconds)->quiet;
        ask_all($f, 'join');
        $f->over->verdict("links frozen for $seconds s");
    }
    return;
}

# A bad link for some seconds, under load. The herd agrees while it is still bad, as soon as the link
# has carried what waits in sockets, some 400 kB of old news, and what is new: that is judged by
# limit. And in two seconds when it is mended.
sub bad {
    my ($f, $what, $link, $seconds, $limit) = @_;
    ask_all($f, 'figures');
    ask_all($f, "link $link");
    my $books = $f->books;
    $f->load($seconds)->quiet->over->verdict("$what, still", $limit);
    $f->load($f->long ? 4 : 1)->quiet;
    ask_all($f, 'link 0 0 0');
    $f->over->verdict("$what, mended");
    for my $figures (ask_all($f, 'figures')) {
        $f->tell(sprintf '%s: a link carried %.1f MB and lost %d segments', $what, $figures->{bytes} / 1e6,
            $figures->{lost});
        cmp_ok $figures->{bytes}, '>', 1000, "$what: it was used";
    }
    $f->same_books($books, $what);
    return;
}

1;
