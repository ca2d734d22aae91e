# IAMAT does not feel it when 10,000 WHATSATs a second are answered from the cache beside it, nor when
# the provider is silent: the p99 of IAMAT in a closed loop, in pairs that take turns, HERD_TORTURE_PAIRS
# (7) of them, each half two seconds. What is compared is the same number of WHATSATs that need no
# provider (bound 0): the processor's time for 10,000 more lines a second is no fault of the places.
# A closed loop, for at a fixed rate p99 is the kernel's own pauses of some milliseconds.
use Test::Herd::Needs qw(iamat whatsat invalid google);
use Test::Herd;
use Test::Herd::Bench;
use Test::Herd::Time qw(sanitized);
use List::Util qw(max);
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }
plan skip_all => 'a sanitizer takes more time than is to be measured' if sanitized();

use constant { RATE => 10_000, IDS => 200, MOST => 1.25 };
my $pairs = $ENV{HERD_TORTURE_PAIRS} // 7;
my $place = '{"name":"' . 'x' x 300 . '","geometry":{"location":{"lat":34.01,"lng":-118.1}}}';
my $answer = '{"html_attributions":[],"results":[' . join(',', ($place) x 20) . '],"status":"OK"}';

my $h = Test::Herd->new(servers => [qw(Cache Open Shut)], log => 'messages = false;');
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => sub { $_[0]->reply($answer) });
chmod 0600, $h->write('key', "AIza\n") or die;
$h->allow(qr/ google: /, qr/ places\.google: /);

# The side load, which runs until it is ended: WHATSATs for that many places.
sub side {
    my ($server, $bound, @more) = @_;
    my $side = bench_start($h, qw(-w whatsat -o json -d 600 --warm-up 0 --progress --radius 10 --prefix w), '-k', IDS,
        '--bound', $bound, @more, '127.0.0.1:' . $h->port($server));
    $h->wait_for(sub { $side->err =~ /: 1 s/ }, 'the load beside runs') or die $side->err;
    return $side;
}

# IAMAT's p99 beside it, in microseconds, and how many WHATSATs a second there were.
sub measure {
    my ($server, $side) = @_;
    my $run = bench_json($h, qw(-w iamat -c 20 -d 2 --warm-up 0.3 -k 20000), '127.0.0.1:' . $h->port($server));
    return ($run->{latency_us}{p99}, 0) if !$side;
    $side->signal_to('INT');
    $side->wait_end(60);
    my $beside = JSON::PP->new->decode($side->out);
    return ($run->{latency_us}{p99}, $beside->{answers_per_s});
}

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[$#sorted / 2] }

# Pairs of two loads beside: what the second does to IAMAT, by the first.
sub compare {
    my ($what, $server, $first, $second) = @_;
    my (@ratios, @first, @second, @rates);
    for (1 .. $pairs) {
        my ($before) = measure($server, $first->());
        my ($after, $rate) = measure($server, $second->());
        push @first, $before;
        push @second, $after;
        push @ratios, $after / $before;
        push @rates, $rate;
    }
    my $ratio = median(@ratios);
    diag sprintf '%s: IAMAT p99 %.0f us, and before %.0f us; median of %d ratios %.2f; %.0f WHATSATs a second beside',
        $what, median(@second), median(@first), $pairs, $ratio, median(@rates);
    cmp_ok $ratio, '<', MOST, "$what: IAMAT's p99 is what it was";
    return median(@rates);
}
sub cheap { my ($server) = @_; return sub { side($server, 0, '-r', RATE, '-c', 50) } }

# From the cache.
$h->start('Cache', $up->settings('plain', more => 'keep = "1d";'));
my $fill = bench_json($h, qw(-w whatsat --radius 10 --bound 5 --prefix w --warm-up 0), '-k', IDS, '-N', IDS * 20,
    '127.0.0.1:' . $h->port('Cache'));
my $asked = $h->status('Cache')->{searches_asked};
my $rate = compare('from the cache', 'Cache', cheap('Cache'), sub { side('Cache', 5, qw(--no-fill -c 50 -r), RATE) });
my $status = $h->status('Cache');
cmp_ok $rate, '>', 0.95 * RATE, '10,000 a second are answered';
cmp_ok $asked, '<=', IDS, 'each place is asked for once';
cmp_ok $status->{searches_kept}, '>', $pairs * RATE, '... and then kept';
is $status->{searches_failed}, 0, '... none has failed';

# The provider is silent: its breaker opens, and all are told at once.
$h->start('Open', $up->settings('mute', more => ''));
$rate = compare('silent, the breaker open', 'Open', cheap('Open'), sub { side('Open', 5, qw(-c 50 -r), RATE) });
cmp_ok $h->status('Open')->{searches_paused}, '>', RATE, 'most are told that it is not asked';

# The same without a breaker: all wait, a thousand at once, and are told when the time is up.
$h->start('Shut', $up->settings('mute', more => 'failures = 0;'));
compare('silent, without a breaker', 'Shut', sub { undef }, sub { side('Shut', 5, qw(-c 900)) });
my $shut = $h->status('Shut');
cmp_ok $shut->{searches_joined}, '>', $shut->{searches_asked}, 'most join others';
done_testing;
