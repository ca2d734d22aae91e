# A resolver that hangs for 10 s: searches fail in time, no other command waits for it, and neither
# does the server's end. The resolver is the system's, behind a getaddrinfo that sleeps for one name.
use Test::Herd::Needs qw(iamat whatsat invalid google geojson);
use Test::Herd;
use Test::Herd::Time qw(now slowly);
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }

my $h = Test::Herd->new(servers => [qw(Sleepy Many Vain Late Awake)]);
$h->allow(qr/ google: /);
chmod 0600, $h->write('key', "AIza\n") or die;
$h->write('slow.c', <<'END');
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef int resolve(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int note(void)
{
    int fd = open("slept", O_WRONLY | O_CREAT | O_APPEND, 0600);
    return write(fd, "+", 1) == 1 && close(fd) == 0;
}

static void sleep_well(void)
{
    if (note())
        for (unsigned left = 10; left > 0;)
            left = sleep(left);
}

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    resolve *real = (resolve *)dlsym(RTLD_NEXT, "getaddrinfo");
    if (name != NULL && strcmp(name, "slow.invalid") == 0) {
        sleep_well();
        return EAI_FAIL;
    }
    if (name != NULL && strcmp(name, "late.invalid") == 0) {
        note();
        usleep(500000);
        name = "127.0.0.1";
    }
    return real(name, port, hints, found);
}
END
my $cc = $ENV{HERD_CC} // 'cc';
my ($source, $shim) = map { $h->file($_) } qw(slow.c slow.so);
system("$cc -D_GNU_SOURCE -shared -fPIC -o '$shim' '$source' -ldl") == 0
    or plan(skip_all => "$cc cannot build a shared object");

# A program built with a sanitizer may not like the company.
{
    local $ENV{LD_PRELOAD} = $shim;
    local $ENV{ASAN_OPTIONS} = join ':', grep { defined } $ENV{ASAN_OPTIONS}, 'verify_asan_link_order=0';
    my $run = $h->run('-V');
    plan(skip_all => 'the program does not start with a library before its own: '
        . ($run->{err} =~ /(.*)/)[0]) if $run->{signal} || $run->{status};
    my $up = Test::Herd::Upstream->new(dir => $h->dir,
        answer => sub { $_[0]->reply('{"results":[],"status":"ZERO_RESULTS"}') });
    for my $server ($h->servers) {
        my $url = $up->url('good', { Awake => 'localhost', Late => 'late.invalid' }->{$server} // 'slow.invalid');
        $h->start($server, ['-g', 'places: { provider = "google"; google: { key_file = "key"; failures = 0;'
            . qq( ca_file = "authority.pem"; url = "$url"; }; };)]);
        $h->ask($server, 'IAMAT c +1-1 1');
    }
    run_tests($up);
}

sub slept { length $h->read('slept') }

# No two ask the same, and so each has a request of its own.
my $lines = 0;
sub line { return sprintf "WHATSAT c 10.%05d 5\n", ++$lines }

# So many searches at once; how long they took, and the longest that another command did.
sub searches {
    my ($server, $count) = @_;
    my $before = slept();
    my @clients = map { $h->connect($server) } 1 .. $count;
    my $began = now();
    $_->send(line()) for @clients;
    $h->wait_for(sub { slept() > $before }, 'the resolver sleeps');
    my $other = $h->connect($server);
    my ($worst, $good, $asked, @took) = (0, 0, 0);
    while (@clients && now() - $began < slowly(20)) {
        my $sent = now();
        $good++ if $other->ask("IAMAT d +1-1 $asked") =~ /^AT /;
        $other->send("WHATSAT c 0 5\n");
        $good++ if ($other->answer // '') =~ /^AT .*"status":"OK"/s;
        $asked += 2;
        $worst = now() - $sent if now() - $sent > $worst;
        my $text = $clients[0]->answer(0.002) // next;
        push @took, now() - $began if $text =~ /^AT .*\n.*UNKNOWN_ERROR.*\n\n\z/;
        shift @clients;
    }
    diag sprintf '%d searches: last after %.2f s; worst of %d others: %.1f ms', $count, $took[-1] // -1,
        $asked, 1000 * $worst if $ENV{HERD_TIMES};
    is $good, $asked, "$count searches wait: all other commands are answered";
    cmp_ok $asked, '>', 20, '... and there are many';
    cmp_ok $worst, '<', slowly(0.5), '... as fast as ever';
    is scalar(@took), $count, '... and each search is answered';
    cmp_ok $took[-1] // 99, '<', slowly(6), '... within 6 s';
    return;
}

# Clients that ask and go, round after round. A thread that asks the resolver cannot be called back,
# so each has to keep its place for the two seconds that a connection may take.
sub vanish {
    my ($server) = @_;
    my ($before, $began, $gone) = (slept(), now(), 0);
    for (1 .. 6) {
        my @clients = map { $h->connect($server) } 1 .. 32;
        $_->send(line()) for @clients;
        $h->wait_for(sub { slept() >= $before + 32 }, 'the resolver sleeps');
        $_->reset for @clients;
        $gone += 32;
        ok $h->wait_for(sub { $h->status($server)->{searches_cancelled} == $gone }, 'cancelled'), "$gone clients go";
    }
    $h->answer($server, 'WHATSAT c 10 5');
    my $most = 32 * (1 + int((now() - $began) / 2));
    cmp_ok slept() - $before, '<=', $most, '... and leave no more threads behind than those who stay';
    return;
}

sub stop_takes {
    my ($server) = @_;
    my $began = now();
    $h->stop($server);
    diag sprintf 'the stop took %.0f ms', 1000 * (now() - $began) if $ENV{HERD_TIMES};
    return now() - $began;
}

sub run_tests {
    my ($up) = @_;
    like $h->answer('Awake', 'WHATSAT c 10 5'), qr/ZERO_RESULTS/, 'a name that is found';
    searches('Sleepy', 1);
    cmp_ok stop_takes('Sleepy'), '<', slowly(1), 'the stop does not wait for the resolver, when a search has been';
    searches('Many', 100);
    vanish('Vain');

    # A name that is found when nobody needs it any more.
    my ($slept, $heard) = (slept(), scalar(() = $up->requests));
    my $goes = $h->connect('Late');
    $goes->send("WHATSAT c 10 5\n");
    $h->wait_for(sub { slept() > $slept }, 'the resolver sleeps');
    $goes->reset;
    ok $h->wait_for(sub { $h->status('Late')->{searches_cancelled} == 1 }, 'cancelled'), 'a client goes';
    like $h->answer('Late', 'WHATSAT c 10 5'), qr/ZERO_RESULTS/, '... and when the name is found, another is answered';
    is scalar(() = $up->requests), $heard + 1, '... alone';
    my $before = slept();
    my $client = $h->connect('Many');
    $client->send("WHATSAT c 10 5\n");
    $h->wait_for(sub { slept() > $before }, 'the resolver sleeps');
    cmp_ok stop_takes('Many'), '<', slowly(1), '... nor when one is under way';
}
done_testing;
