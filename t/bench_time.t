# herd-bench with servers that stand still, close connections or die; and a measurement that is ended early.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bench;
use Test::Herd::Time qw(now);
use JSON::PP ();

my $h = Test::Herd->new(log => 'messages = false;')->start_all;
my @goloman = ('127.0.0.1:' . $h->port('Goloman'));
my @short = ('--warm-up', 0, '-k', 100, '-o', 'json');

# The figures of a run during which something is done, once the load runs.
sub during {
    my ($do, @args) = @_;
    my $process = bench_start($h, @short, '--progress', @args);
    $h->wait_for(sub { $process->err =~ /^iamat: 1 s/m }, 'the load runs');
    $do->($process);
    $process->wait_end(30);
    return { %{ JSON::PP->new->decode($process->out) }, status => $process->status };
}

# A rate is kept.
my $run = bench_json($h, @short, qw(-r 400 -d 1 -c 3 -t 2), @goloman);
is $run->{answers} + $run->{errors}{unsent}, 400, '-r: as many as are due';
ok $run->{seconds} > 0.9, "... not before: $run->{seconds} s";
$run = bench_json($h, @short, qw(-r 400 -N 100 -P 4), @goloman);
is "$run->{status} $run->{answers}", '0 100', '-r with -N';
ok $run->{seconds} > 0.2, '... not before they are due';

# A server that stands still for half a second: a fifth of what was due then waited longer than 0.4 s.
sub stand_still {
    $h->pause('Goloman');
    my $from = now();
    $h->wait_for(sub { now() - $from > 0.5 }, 'half a second');
    $h->cont('Goloman');
}
$run = during(\&stand_still, qw(-r 200 -d 3 -c 2), @goloman);
is "$run->{status} $run->{answers}", '0 600', 'a server stands still, and answers all';
ok $run->{latency_us}{p99} >= 400_000, "... p99 tells of it: $run->{latency_us}{p99} us";
ok $run->{latency_us}{max} >= 490_000, "... as max does: $run->{latency_us}{max} us";
$run = during(\&stand_still, qw(-d 3 -c 2), @goloman);
ok $run->{latency_us}{max} >= 490_000, 'without a rate max tells of it';
ok $run->{latency_us}{p90} < 400_000, '... and no percentile';

# A rate that nobody can keep: what was not sent counts.
$run = during(sub { $h->pause('Goloman'); $_[0]->signal_to('INT'); }, qw(-r 100 -d 60 -c 1 --patience 0.2), @goloman);
$h->cont('Goloman');
is $run->{status}, 1, 'a server that does not wake up: status 1';
ok $run->{errors}{unanswered} <= 1 && $run->{errors}{dropped} == 0, '... one is unanswered, none was dropped';

# The end, early.
$run = during(sub { $_[0]->signal_to('INT') }, qw(-d 60 -c 2), @goloman);
is $run->{status}, 0, 'INT: status 0';
ok $run->{seconds} < 50 && $run->{answers} > 0, '... with the figures so far';

# Connections that the server closes.
my $few = Test::Herd->new(limits => 'commands = 3;')->start_all;
$run = bench_json($few, @short, qw(-c 2 -N 10), '127.0.0.1:' . $few->port('Goloman'));
is "$run->{status} $run->{answers} $run->{errors}{dropped}", '1 6 2', 'three commands a connection: all are dropped';
my $idle = Test::Herd->new(limits => 'idle = "1s";')->start_all;
$run = bench_json($idle, @short, qw(-c 2 -d 4 --idle 5), '127.0.0.1:' . $idle->port('Goloman'));
is "$run->{status} $run->{errors}{dropped}", '1 5', 'idle connections that are closed are told';
$run = during(sub { $h->kill9('Goloman') }, qw(-c 5 -d 30 -t 2), @goloman);
is "$run->{status} $run->{errors}{dropped}", '1 5', 'a server dies: status 1, all are dropped';
ok $run->{seconds} < 20, '... and nothing more is waited for';

done_testing;
