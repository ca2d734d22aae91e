# Every allocation that a server asks for fails in its turn: while it starts that is an end with a
# message and status 1; while it serves nothing that was acknowledged is lost, the link comes up again
# and nobody who comes a moment later is refused. Here some of them, in t/torture/ all.
use Test::Herd::Needs qw(iamat whatsat at invalid geojson);
use Test::Herd;
use Test::Herd::Exchange;
use Test::Herd::Failing;
use Test::Herd::Time qw(sanitized);

my $excuse = Test::Herd::Failing::excuse() || (sanitized() && 'a sanitizer has its own memory')
    || (Test::Herd::Time::built_with(qr/__gcov_/) && 'what counts lines ends where there is no memory');
plan skip_all => $excuse if $excuse;
my $long = $ENV{HERD_FAILING_LONG};

# ---- while it starts ----

# How a start ends in which that allocation fails: '' if well. undef: it had fewer.
sub start_failing {
    my ($h, $f, $pass) = @_;
    $f->arm('memory', 'ENOMEM', pass => $pass);
    my $process = $f->loaded(sub { $h->launch("at$pass", '-c', $h->config, '-n', 'Goloman') });
    my $port = $h->port('Goloman');
    $h->wait_for(sub { !$process->running || $h->log('Goloman') =~ /Serving on/ }, 'it ends or serves');
    if ($process->running) {
        $process->ask('TERM');
        $process->wait_end;
    }
    unlink $h->file('Goloman.log');
    my ($status, $said) = ($process->status, $process->err);
    $process->{asked} = 0;
    return undef if !$f->disarm;
    return '' if defined $status && ($status == 0 || ($status == 1 && $said =~ /^herd: /m));
    return '' if $f->whose =~ /libconfig|strdup/;    # libconfig 1.5 does not look whether it was given any
    return "allocation $pass, of " . $f->whose . ': ' . ($process->signal ? 'signal ' . $process->signal : "status $status: $said") . "\n";
}

my $start = Test::Herd->new(places => 'geojson: { file = "places.geojson"; };');
$start->write('places.geojson', '{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[1,1]},"properties":{"name":"x"}}]}');
my $f = Test::Herd::Failing->new($start);
my (@wrong, $count);
for ($count = 0;; $count += $long ? 1 : 37) {
    my $how = start_failing($start, $f, $count) // last;
    push @wrong, $how if $how ne '';
}
is "@wrong", '', 'allocations of the start fail: a message and status 1, or it does without';
cmp_ok $count, '>', 100, "... about $count of them";

# ---- while it serves ----

my $h = Test::Herd->new(servers => [qw(Goloman Hands)], adjacency => { Goloman => ['Hands'] },
    places => 'geojson: { file = "places.geojson"; };');
$h->write('places.geojson', $start->read('places.geojson'));
$h->allow(qr/Out of memory|out of memory|No link with|differs by|malformed/);
$f = Test::Herd::Failing->new($h);
$h->start('Hands');
$f->start('Goloman');
my $x = Test::Herd::Exchange->new($h, 'Goloman', 'Hands');
my $links = sub { scalar(() = $h->log('Goloman') =~ /Connected to server Hands/g) };
$x->run;
ok $x->settled, 'nothing fails: all is well' or diag $x->why;

# One exchange, in which that allocation fails. Returns whether it came to be; what is wrong goes to @wrong.
sub serve_failing {
    my ($pass, $link) = @_;
    my $before = $links->();
    $f->arm('memory', 'ENOMEM', pass => $pass);
    my $broken = $x->run(log => 1, $link ? (link => 1, until => sub { $links->() > $before }) : ());
    my $failed = $f->disarm;
    my $whose = $failed ? 'of ' . $f->whose : 'none';
    push @wrong, "allocation $pass, $whose: $broken were hit\n" if $broken > 1;
    push @wrong, "allocation $pass, $whose: " . $x->why . "\n" if !$x->settled;
    return $failed;
}

my $held = $f->held;
for my $link (0, 1) {
    @wrong = ();
    for ($count = 0; serve_failing($count, $link); $count += $long ? 1 : 9) { }
    is "@wrong", '', 'allocations of an exchange fail' . ($link ? ', and of a link that comes up' : '');
    cmp_ok $count, '>', 10, "... about $count of them";
}
ok $h->wait_for(sub { $f->held <= $held + 4 }, 'memory is given back'), 'nothing leaks' or diag $f->held, " pieces of $held";
my $status = $h->status('Goloman');
cmp_ok $status->{memory_failures}, '>', 0, 'they are counted';
ok $h->wait_log('Goloman', 'warn - Out of memory: '), 'the log says so';
ok $h->wait_log('Goloman', 'info - There is memory again'), '... and when it is over';

# ---- for longer: what needs new memory is refused, what is there goes on ----

for my $many ($long ? (2 .. 20) : 5) {
    $f->arm('memory', 'ENOMEM', fail => $many, pass => 7 * $many % 10);
    $x->run;
    cmp_ok $f->disarm, '>', 0, "$many in a row";
    ok $x->settled, '... then all is well' or diag $x->why;
}

# ---- memory is really out: many long lines that do not end ----

{
    my $small = Test::Herd->new(servers => [qw(Goloman Hands)], adjacency => { Goloman => ['Hands'] },
        limits => 'line = "32k";');
    $small->allow(qr/events dropped|Out of memory|No link with|differs by/);
    $small->start('Hands');
    $small->limit_addresses(180 * 1024);
    $small->start('Goloman');
    my $on = Test::Herd::Exchange->new($small, 'Goloman', 'Hands');
    my ($line, @greedy) = 'y' x 32_000;
    my $fill = sub {
        for (1 .. 200) {
            push @greedy, $on->open // next;
            $greedy[-1]->send_some($line);
        }
        return @greedy >= 5000 || $small->status('Goloman')->{memory_failures};
    };
    ok $small->wait_for($fill, 'memory is out', 30), 'memory is out, by ' . @greedy . ' lines';
    $fill->(), $on->run for 1 .. 3;
    ok $small->running('Goloman'), '... the server goes on';
    $_->close for @greedy;
    ok $on->settled, '... and when they have gone all is well' or diag $on->why;
    is $small->stop('Goloman'), 0, '... it ends well';
    note $small->stderr_of('Goloman');
}
done_testing;
