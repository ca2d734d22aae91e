# herd-bench --converge: how fast a herd agrees, and how fast a report reaches another server.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bench;

my $h = Test::Herd->five(workers => 1, log => 'messages = false;')->start_all;
my @load = ('-f', $h->config, qw(--warm-up 0 -k 3000 -N 9000 -P 8 -c 10 --reports 50 --gap 1 --converge));

my $run = bench_json($h, @load, '-n', 'Goloman');
is "$run->{status}$run->{err}", '0', 'one server is told: the herd agrees';
ok $run->{converge}{checked_ms} > 0, "... all is checked: $run->{converge}{checked_ms} ms";
ok $run->{converge}{converged_ms} <= $run->{converge}{checked_ms}, '... after the last was found';
is !!$run->{converge}{missing}, $run->{converge}{converged_ms} > 0, '... some time after, if any was missing';
is $h->status('Welsh')->{clients}, $h->status('Goloman')->{clients}, '... Welsh has what Goloman has';
my @ratio = map { $run->{$_}{p50} } qw(answer_us hop_us);
ok $ratio[0] > 0 && $ratio[1] > $ratio[0], "a report is elsewhere later than answered: @ratio us";
$run = bench_json($h, @load, '-t', 2, qw(-w mix --from Wilkes --to Welsh));
is "$run->{status}$run->{err}", '0', 'all servers are told, by two threads';
my $text = bench($h, @load, qw(--from Hands --to Holiday));
like $text->{out}, qr/^$_/m, "text: $_" for 'converged ', 'missing ', 'a report at Hands until Holiday answers', 'there ';

# A herd that is none: nobody tells Hands.
my $parted = Test::Herd->new(servers => ['Goloman', 'Hands'], log => 'messages = false;')->start_all;
my @parted = ('-f', $parted->config, '-n', 'Goloman', qw(--warm-up 0 -k 70 -c 5 --converge --patience 0.3));
$run = bench($parted, @parted, qw(-N 500 -w whatsat));
like $run->{err}, qr/\Aherd-bench: --converge: Hands does not learn of client-\d{13}\n\z/, 'a server that learns nothing';
is "$run->{status}$run->{out}", '1', '... status 1';

done_testing;
