# limits.clients, commands, connections, max_ahead: what a client at a limit sees; ulimit -v.
use Test::Herd::Needs qw(iamat whatsat invalid);
use Test::Herd;
use Test::Herd::Time qw(sanitized);

# limits.clients refuses new ids from clients, and nothing else.
my $h = Test::Herd->new(limits => 'clients = 3;');
$h->start_all;
my $c = $h->connect('Goloman');
like $c->ask("IAMAT c$_ +1-1 1"), qr/^AT /, "client $_ of 3" for 1 .. 3;
is $c->ask('IAMAT c4 +1-1 1'), '? IAMAT c4 +1-1 1', 'a new id over limits.clients';
like $c->ask('IAMAT c2 +2-2 2'), qr/^AT Goloman \S+ c2 \+2-2 2$/, 'those known still report';
is $c->ask('WHATSAT c4 0 0'), '? WHATSAT c4 0 0', 'the refused one is not known';
is_deeply [@{ $h->status('Goloman') }{qw(clients reports_refused)}], [3, 1], 'and is counted';

# limits.commands: closed after so many, whatever follows.
for my $n (1, 3) {
    my $few = Test::Herd->new(limits => "commands = $n;");
    $few->start_all;
    my $client = $few->connect('Goloman');
    $client->send("\n \nx\nIAMAT k +1-1 1\nWHATSAT k 0 0\ny\nz\n");
    my @all = split /^/, $client->all;
    my $json = qq({"html_attributions":[],"results":[],"status":"OK"}\n);
    my ($at) = grep {/^AT/} @all;
    is_deeply \@all, $n == 1 ? ["? x\n"] : ["? x\n", $at, $at, $json, "\n"],
        "commands = $n: $n answers, then the end; blank lines are no commands";
    $client = $few->connect('Goloman');
    is $client->ask('x'), '? x', 'the next connection counts anew';
    ok $n > 1 || $client->eof, 'and is ended at once if that was the last';
}

# limits.connections: accepted and closed at once; those that leave make room.
$h = Test::Herd->new(limits => 'connections = 4;');
$h->start_all;
my @in = map { $h->connect('Goloman') } 1 .. 4;
is $in[$_]->ask("x$_"), "? x$_", "connection $_ of 4" for 0 .. 3;
for (1 .. 3) {
    my $over = $h->connect('Goloman');
    ok $over->eof, 'one over limits.connections is closed without a word';
}
is $in[0]->ask('y'), '? y', 'the others go on';
$in[3]->close;
my $in = $h->wait_for(
    sub { my $next = $h->connect('Goloman'); ($next->ask('z') // '') eq '? z' && $next },
    'room for one');
ok $in, 'one that leaves makes room';
$in[1]->reset;
my $next = $h->wait_for(
    sub { my $next = $h->connect('Goloman'); ($next->ask('z') // '') eq '? z' && $next },
    'room after a reset');
ok $next, '... also one that vanishes';
cmp_ok $h->status('Goloman')->{connections_refused}, '>=', 3, 'refused ones are counted';

# limits.max_ahead: against the server's own clock.
$h = Test::Herd->new(limits => 'max_ahead = "1h";');
$h->start_all;
$c = $h->connect('Goloman');
my ($near, $far) = (time + 3500, time + 3700);
like $c->ask("IAMAT k +1-1 $near"), qr/^AT Goloman -3[45]\d\d\.\d{9} k \+1-1 $near$/,
    'a stamp less than an hour ahead';
is $c->ask("IAMAT k +1-1 $far"), "? IAMAT k +1-1 $far", 'one more than an hour ahead';
is $c->ask("IAMAT new +1-1 $far"), "? IAMAT new +1-1 $far", '... of a new client, too';
like $h->at_line('Goloman', 'k'), qr/ $near$/, 'the earlier one stays';
is $h->at_line('Goloman', 'new'), undef, '... and the new one is unknown';
$h = Test::Herd->new;
$h->start_all;
my ($day, $more) = (time + 86_000, time + 87_000);
like $h->ask('Goloman', "IAMAT k +1-1 $day"), qr/^AT /, 'the default is a day';
is $h->ask('Goloman', "IAMAT k +1-1 $more"), "? IAMAT k +1-1 $more", '... and no more';

# ulimit -v: the store, which reserves addresses for the largest of herds, leaves room for the rest.
SKIP: {
    skip 'a sanitizer wants terabytes of addresses', 10 if sanitized();
    for my $mib (150, 600, 2150, 4250) {
        $h = Test::Herd->new(workers => 2, log => 'messages = false;');
        $h->limit_addresses($mib * 1024);
        $h->start_all;
        like $h->ask('Goloman', 'IAMAT k +1-1 1'), qr/^AT /, "$mib MiB of addresses are enough";
        if ($mib == 150) {    # what has no room there is refused, though no limit is set
            my ($client, $id, $refused) = ($h->connect('Goloman'), 'x' x 1000, 0);
            for (my $n = 0; $n < 60_000 && !$refused; $n += 50) {
                $client->send(join '', map { "IAMAT $_$id +1-1 1\n" } $n + 1 .. $n + 50);
                $refused = grep { !defined || /^\?/ } $client->lines(50);
            }
            ok $refused, '... until there are none';
            like $h->at_line('Goloman', "1$id"), qr/ 1$id /, '... those who are known still are';
        }
        is $h->stop('Goloman'), 0, '... to the end';
    }
}
done_testing;
