# herd-bench: what it asks of servers, what it tells of their answers, and its options.
use Test::Herd::Needs qw(iamat whatsat at invalid geojson);
use Test::Herd;
use Test::Herd::Bench;
use Test::Herd::Manual;

my $h = Test::Herd->new(servers => ['Goloman', 'Hands'])->start_all;
my @goloman = ('127.0.0.1:' . $h->port('Goloman'));
my @short = ('--warm-up', 0, '-k', 100, '-c', 4);

# How many counters of a server have grown by what is done.
sub counted {
    my ($name, $do) = @_;
    my $before = $h->status($name);
    my $result = $do->();
    my $after = $h->status($name);
    return ($result, { map { $_ => $after->{$_} - $before->{$_} } grep { $_ ne 'server' } keys %$after });
}

# The ids that Goloman was told or asked of by what is done.
sub ids {
    my ($do) = @_;
    $h->status('Goloman');    # whose line stands behind what was before
    my $seen = length $h->log('Goloman');
    $do->();
    $h->status('Goloman');
    return substr($h->log('Goloman'), $seen) =~ /Message received: '\w+ (\S+)/g;
}

# Each work.
my ($run, $grown) = counted('Goloman', sub { bench_json($h, @short, '-N', 1000, @goloman) });
is "$run->{status}$run->{err}", '0', 'iamat: status 0, and silence';
is $run->{answers}, 1000, '... as many answers as asked for';
is $grown->{commands}, 1000, '... of as many commands';
is $grown->{reports_older} + $grown->{reports_repeats} + $grown->{invalid}, 0, '... each newer than the last';
is join(' ', map { $run->{errors}{$_} } qw(invalid dropped unanswered unsent)), '0 0 0 0', '... no errors';
is $grown->{connections_accepted}, 4, '... by four connections';
my @order = map { $run->{latency_us}{$_} } qw(min p50 p90 p95 p99 p99.9 p99.99 max);
ok $order[0] > 0, '... that took some time';
is_deeply \@order, [sort { $a <=> $b } @order], '... and percentiles rise';
ok $run->{answers_per_s} > 0 && $run->{seconds} > 0 && $run->{own_cpu_s} >= 0, '... throughput';

($run, $grown) = counted('Goloman', sub { bench_json($h, @short, '-w', 'whatsat', '-N', 500, '--prefix', 'w', @goloman) });
is "$run->{status} $run->{answers}", '0 500', 'whatsat';
is "$grown->{reports_new} $grown->{searches}", '100 500', '... after each id was reported once';
($run, $grown) = counted('Goloman', sub { bench_json($h, @short, '-w', 'mix', '--reads', 20, '-P', 8, '-N', 5000, @goloman) });
is "$run->{status} $run->{answers} $run->{work}", '0 5000 mix', 'mix';
ok abs($grown->{searches} - 1000) < 200, "... a fifth of them asks: $grown->{searches}";
($run) = bench_json($h, @short, qw(-w whatsat --radius 10 --bound 3 -P 4 -N 50), @goloman);
is "$run->{status} $run->{answers}", '0 50', 'whatsat with places';

# Bad answers.
$run = bench_json($h, @short, qw(-w whatsat --no-fill --prefix no -N 20), @goloman);
is "$run->{status} $run->{answers} $run->{errors}{invalid}", '1 20 20', 'whatsat of nobody: status 1, all invalid';

# Ids.
my @ids = ids(sub { bench($h, @short, qw(-N 50 -c 1 -k 1000 --prefix ab --id-length 31), @goloman) });
is scalar(grep {/^ab0{26}\d{3}$/} @ids), 50, '--prefix and --id-length';
my @again = ids(sub { bench($h, @short, qw(-N 50 -c 1 -k 1000 --prefix ab --id-length 31), @goloman) });
is_deeply \@again, \@ids, 'the same ids once more';
@again = ids(sub { bench($h, @short, qw(-N 50 -c 1 -k 1000 --prefix ab --id-length 31 --seed 2), @goloman) });
isnt "@again", "@ids", '... but with another --seed';
@ids = ids(sub { bench($h, @short, qw(-N 1 --fill --prefix f), @goloman) });
is_deeply [sort @ids[0 .. 99]], [map { sprintf 'f%019d', $_ } 0 .. 99], '--fill: each id once';

# Several servers, threads, a depth that is no divisor; connections that are idle.
my @each = map { my $name = $_; (counted($name, sub {
    bench_json($h, '-f', $h->config, qw(--warm-up 0 -k 99 -c 7 -t 3 -P 5 -N 4444)) }))[1] } qw(Goloman Hands);
ok $_->{commands} > 500, "-f: each server has some: $_->{commands}" for @each;
($run, $grown) = counted('Hands', sub { bench_json($h, '-f', $h->config, '-n', 'Hands', @short, qw(-N 777 -t 4 --idle 20)) });
is "$run->{answers} $grown->{commands} $run->{servers}[0]", '777 797 Hands', '-n: that one has all, and 20 of --idle';
is "$grown->{connections_accepted} $run->{idle}", '24 20', '... by 20 more connections';
($run) = bench_json($h, @short, '-N', 40, @goloman, '127.0.0.1:' . $h->port('Hands'));
is scalar(@{ $run->{servers} }), 2, 'HOST:PORT twice';

# CPU time.
$run = bench_json($h, @short, qw(-N 20000 -P 16 --cpu), $h->pid('Goloman'), '--cpu', 999999999, @goloman);
is "$run->{cpu}[0]{pid}", $h->pid('Goloman'), '--cpu';
ok $run->{cpu}[0]{seconds} > 0.001, "... of the server: $run->{cpu}[0]{seconds} s";
is $run->{cpu}[1]{seconds}, undef, '... and of no process';

# Forms.
my $csv = bench($h, @short, qw(-N 10 -o csv --cpu), $h->pid('Hands'), @goloman);
my @rows = map { [split /,/] } split /\n/, $csv->{out};
my %cell;
@cell{ @{ $rows[0] } } = @{ $rows[1] };
is scalar(@rows), 2, 'csv: two lines';
is "$cell{work} $cell{answers} $cell{'errors.invalid'}", 'iamat 10 0', '... names and values';
ok exists $cell{'latency_us.p99.99'} && length $cell{ 'cpu_s.' . $h->pid('Hands') }, '... all of them';
my $text = bench($h, @short, qw(-N 10 -w mix), @goloman);
like $text->{out}, qr/\Amix: 4 connections to 1 server, depth 1, 1 thread, 100 ids\n/, 'text: what was asked';
like $text->{out}, qr/^$_ /m, "... $_" for qw(answers throughput errors latency \s+p50 \s+p99\.99 \s+max own);

# Progress.
$run = bench($h, @short, qw(-d 1.2 --progress --warm-up 0.01), @goloman);
like $run->{err}, qr{^iamat: 1 s, \d+/s, \d+ answers, 0 errors$}m, '--progress';
is bench($h, @short, qw(-d 1.2 --progress -q), @goloman)->{err}, '', '... and -q';

# Bad usage and what cannot be done: one sentence, status 1.
my $free = do { my $other = Test::Herd->new; $other->port('Goloman') };
my @bad = (
    [], ['nowhere'], ['127.0.0.1:0'], ['127.0.0.1:70000'], ['-x', @goloman], ['--nonsense', @goloman], ['-c'],
    ['-xq', @goloman],
    ['-c', 0, @goloman], ['-P', 'x', @goloman], ['-k', 0, @goloman], ['-d', '-1', @goloman], ['-w', 'sleep', @goloman],
    ['-o', 'xml', @goloman], ['-c', 2, '-t', 3, @goloman], ['--prefix', 'a b', @goloman], ['--cpu', 'x', @goloman],
    ['--id-length', 9, @goloman], ['-n', 'Hands', @goloman], ['-f', $h->config, @goloman], ['--converge', @goloman],
    ['-f', $h->config, '-n', 'Nobody'], ['-f', $h->config, '-n', 'Hands', '-n', 'Hands'], ['-f', 'missing.conf'],
    ['-f', $h->config, '-c', 1], ['-f', $h->config, '--from', 'Hands'], ['--fill', '--no-fill', @goloman],
    ['-f', $h->config, '--converge', '--from', 'Nobody'], ['--radius', 'far', @goloman], ['--bound', '1.5', @goloman],
    ['-f', $h->config, '--converge', '--to', 'Goloman'], ['-f', $h->config, '--converge', '-k', 3],
    ["127.0.0.1:$free"],
);
for (@bad) {
    my $run = bench($h, @$_);
    like $run->{err}, qr/\Aherd-bench: [^\n]+\n\z/, 'refused: ' . join ' ', map {s/.*\///r} @$_;
    is "$run->{status}$run->{out}", '1', '... status 1, nothing else';
}
like bench($h, '-qxq', @goloman)->{err}, qr/ unknown option -x$/, 'of letters together the one that is not known';
like bench($h, '-v')->{out}, qr/\Aherd-bench \S+\n\z/, '-v: the version';

# The options: the program's, its help's and the manual's.
open my $in, '<', "$ENV{HERD_SRCDIR}/src/bench/command.c" or die;
my $source = join '', <$in>;
my %value = (COUNT => ' Ar', DECIMAL => ' Ar', TEXT => ' Ar', OTHER => ' Ar', FLAG => '');
my @taken = map { /\{(?:'(\w)'|LONG.*?), (?:NULL|"([\w-]+)"), (\w+), / ? (defined $1 ? $1 : "-$2") . $value{$3} : () } split /\n/, $source;
my $page = Test::Herd::Manual->new('herd-bench.1');
my @told = map { $_->{head} =~ /^Fl (\S+)( Ar)?/ ? $1 . ($2 // '') : () } $page->items('DESCRIPTION');
cmp_ok scalar(@taken), '>', 30, 'there are options';
is_deeply [sort @told], [sort @taken], 'herd-bench(1) has them, with and without a value';
my $help = bench($h, '-h');
my @shown = map { /^  (-\S.*?)  / ? $1 =~ /-(-?[\w-]+)(?: [A-Z]+)?/g : () } split /\n/, $help->{out};
is_deeply [sort @shown], [sort map {s/ Ar//r} @taken], '-h has them too';
is_deeply [map { $_->{head} =~ /^Cm (\w+)$/ } $page->items('DESCRIPTION')],
    [$help->{out} =~ /^works:\n(.*)/ms ? $1 =~ /^  (\w+) /mg : ()], '... and the works';

done_testing;
