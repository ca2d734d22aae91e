# herd-bench tells the truth: of connections lost before it measures, of what it never sent, of servers that are slower
# than a rate, of an end that somebody asked for, and of figures that could not be written.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bench;
use JSON::PP ();

my $h = Test::Herd->five(workers => 1, log => 'messages = false;')->start_all;
my @goloman = ('127.0.0.1:' . $h->port('Goloman'));
my @short = ('--warm-up', 0, '-k', 100);
my $few = Test::Herd->new(limits => 'commands = 3;')->start_all;
my @few = ('127.0.0.1:' . $few->port('Goloman'));
my $run;

# What is lost before it is measured.
my $narrow = Test::Herd->new(limits => 'address_connections = 10;')->start_all;
$run = bench_json($narrow, qw(-c 20 -d 0.2 --warm-up 0.2), '127.0.0.1:' . $narrow->port('Goloman'));
is "$run->{status} $run->{errors}{dropped}", '1 10', 'connections that end in the warm-up are told';
$run = bench($few, @short, qw(-w whatsat -c 2 -N 10), @few);
is $run->{err}, "herd-bench: of 100 ids 94 could not be stored; connections closed: 2\n",
    'a fill that connections do not live through: how many are not there';

# A rate: what is due once there is no connection left, what nobody can send, and one slower than the patience.
$run = bench_json($few, @short, qw(-c 2 -r 1000 -d 1), @few);
is $run->{answers} + $run->{errors}{unanswered} + $run->{errors}{unsent}, 1000, 'all dead: what is due is unsent';
my $us = $run->{latency_us};
ok $us->{$_->[0]} > $_->[1] * 1e4 && $us->{$_->[0]} < $_->[1] * 1.02e4, "... and its age counts: $_->[0]"
    for ['p50', 49], ['p90', 89], ['mean', 49], ['max', 99];
$run = bench_json($few, @short, qw(-c 1 -r 100000 -N 1000), @few);
ok $run->{errors}{unsent} > 0, "... also where nothing says how long: $run->{errors}{unsent}";
$run = bench_json($h, @short, qw(-c 1 -r 1000000000 -d 1), @goloman);
is $run->{answers} + $run->{errors}{unsent}, 1e9, 'a billion in a second';
ok $run->{own_cpu_s} < 3, "... are counted at once: $run->{own_cpu_s} s";
$run = bench_json($h, @short, qw(-c 1 -r 1 -N 2 --patience 0.6), @goloman);
is "$run->{status} $run->{answers}", '0 2', 'a rate slower than the patience';

# Sockets of --converge are asked for beforehand.
{
    local $Test::Herd::Process::limit = '-n 120';
    $run = bench($h, '-f', $h->config, qw(-c 50 -N 1 --converge));
    like $run->{err}, qr/^herd-bench: 123 descriptors are needed, and only 120 allowed/, 'descriptors for --converge';
}

# The end of --converge, early: a server that learns nothing, then reports without an end.
sub ended {
    my ($herd, $server, $counter, @args) = @_;
    my $before = $herd->status($server)->{$counter};
    my $process = bench_start($herd, '-f', $herd->config, qw(-n Goloman -o json --converge), @short, @args);
    $herd->wait_for(sub { $herd->status($server)->{$counter} > $before + 200 }, "$server is asked");
    $process->signal_to('INT');
    ok $process->wait_end(20), 'INT ends --converge';
    is $process->status . $process->err, '0', '... status 0';
    return eval { JSON::PP->new->decode($process->out) } // {};
}
my $parted = Test::Herd->new(servers => ['Goloman', 'Hands'], log => 'messages = false;')->start_all;
$run = ended($parted, 'Hands', 'commands', qw(--fill -N 500 -c 5 --patience 60));
ok exists $run->{converge}{checked_ms} && !defined $run->{converge}{checked_ms}, '... it was not checked';
ok $run->{converge}{missing} > 0 && $run->{answers} == 500, '... with the figures so far';
$run = ended($h, 'Welsh', 'commands', qw(-N 10 -c 1 -k 1 --from Hands --to Welsh --reports 1000000));
ok $run->{hop_us}{p50} > 0 && defined $run->{converge}{checked_ms}, '... and with those of reports';

# Nobody is accused of what was not reported.
$run = bench($parted, '-f', $parted->config, qw(-n Goloman -w whatsat --no-fill -N 9 -c 2 --converge --patience 0.3), @short);
is $run->{err}, "herd-bench: --converge: nothing was reported\n", '--converge after questions only';

# A full disk.
sub full {
    my ($program, @args) = @_;
    my $process = Test::Herd::Process->new($h->dir, 'full', '/bin/sh', '-c', 'exec "$@" >/dev/full', 'sh',
        ($ENV{HERD_BUILDDIR} // '.') . "/$program", @args);
    $process->wait_end(60);
    my $said = $process->err;
    is $process->status . " $said", "1 $program: standard output: No space left on device\n",
        join ' ', $program, (map {s/.*\///r} @args), 'on a full disk';
}
full('herd-bench', @short, '-N', 10, @goloman);
full('herd-bench', $_) for qw(-h -v);
full('herd', '-c', $h->config, '-T');
full('herd', $_) for qw(-h -v -V);

done_testing;
