# make bench: each table comes out in its form, with tiny rounds and without the other servers; and
# the arithmetic of the rounds.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use FindBin;
use lib "$FindBin::Bin/bench/lib";
use Bench::Machine;
use Bench::Rounds;
use Bench::Server;
use Test::Herd::Time;

my $script = "$FindBin::Bin/bench/bench";

sub bench {
    local %ENV = (%ENV, BENCH_ROUNDS => 1, BENCH_SECONDS => 0.1, BENCH_IDS => 50_000, BENCH_IDLE => 20,
        BENCH_SIDES => '', BENCH_OTHERS => 1, @_);
    my $said = `$^X '$script' 2>&1`;
    return ($? >> 8, $said);
}

subtest 'medians, quartiles, pairs' => sub {
    is_deeply([Bench::Rounds::quartiles(5, 1, 2, 4, 3)], [2, 3, 4], 'of five');
    is(Bench::Rounds::median(10, 1, 2, 4), 3, 'between two');
    my $found = { rounds => [{ a => { cpu => 3 }, b => { cpu => 2 } }, { a => { cpu => 8 }, b => { cpu => 4 } }] };
    is_deeply([Bench::Rounds::ratios($found, 'cpu', 'a', 'b')], [1.5, 2], 'pair by pair');
};

subtest 'each round begins with another side' => sub {
    local %ENV = (%ENV, BENCH_ROUNDS => 3, BENCH_OTHERS => 1);
    my @order;
    my @sides = map { my $n = $_; ($n => sub { push @order, $n; return { n => scalar @order } }) } qw(a b);
    my $found = Bench::Rounds::rounds(pids => [], sides => \@sides);
    is("@order", 'a b b a a b', 'the order');
    is_deeply([Bench::Rounds::column($found, 'b', 'n')], [2, 3, 6], 'each has its own figures');
};

subtest 'a round in which others are busy is repeated, but not for ever' => sub {
    local %ENV = (%ENV, BENCH_ROUNDS => 1, BENCH_OTHERS => -1);
    my $runs = 0;
    my $found = Bench::Rounds::rounds(pids => [], sides => [a => sub { return { n => ++$runs } }]);
    is($runs, 2, 'as often again as there are rounds');
    is_deeply([@$found{qw(repeated noisy)}], [1, 1], 'and that is told');
};

my ($status, $said) = bench(BENCH_ONLY => 'iamat,hops');
isnt($status, 0, 'an unknown row is refused');
if (Test::Herd::Time::sanitized()) {
    ($status, $said) = bench();
    isnt($status, 0, 'a build with sanitizers is refused');
    like($said, qr/says nothing about speed/, 'and why is told');
    done_testing();
    exit;
}
like($said, qr/^bench: BENCH_ONLY has no iamat; there are .*\bhops\b/, 'and what there is is told');

my $ratio = qr/[0-9]+\.[0-9]{3} \[[0-9.]+ [0-9.]+\]/;
my $figures = qr/[0-9,]+ +[0-9,]+ +[0-9]+\.[0-9]{3}/;
SKIP: {
    skip 'one processor', 9 if Bench::Machine::processors() < 2;
    ($status, $said) = bench(BENCH_ONLY => 'iamat16,whatsat16,workers,idle,five16,bytes,hops');
    is($status, 0, 'it ends well') or diag($said);
    like($said, qr/^herd \S+ beside a floor server, without memcached, without redis$/m, 'who is compared');
    for my $title ('IAMAT, depth 16', 'WHATSAT id 0 0, depth 16') {
        my $verdict = qr/<= 1\.[0-9]+  (?:ok|OVER)$/m;
        like($said, qr{^\Q$title\E.*\n +floor +$figures\n +herd +$figures +$ratio / floor's +$verdict}m, $title);
    }
    like($said, qr{^ +herd's ratio +$ratio / floor's ratio <= 1\.10}m, 'two workers');
    like($said, qr{^ +20 +$figures +$ratio / none}m, 'idle connections');
    like($said, qr/^ +herd of five +$figures$/m, 'five servers');
    like($said, qr/^bytes a stored client.*\n +herd +[0-9.]+ +<= 105 bytes/m, 'bytes a client');
    like($said, qr{^ +Welsh knows, p50 +[0-9]+ +$ratio / one answer +<= 3\.5}m, 'two hops');
}

for (['memcached', 'memcached'], ['redis', 'Redis']) {
    my ($kind, $label) = @$_;
    SKIP: {
        skip 'one processor', 2 if Bench::Machine::processors() < 2;
        skip "$kind is not installed", 2 if !Bench::Server::has($kind);
        ($status, $said) = bench(BENCH_SIDES => $kind, BENCH_ONLY => 'iamat16,whatsat16');
        is($status, 0, "beside $label") or diag($said);
        is(scalar(() = $said =~ m{^ +$label +$figures +$ratio / floor's$}mg), 2, '... to store and to ask');
    }
}
done_testing();
