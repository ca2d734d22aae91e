# Loaded modules, built against the installed header alone: what the door gives them, in a real
# server: answers now and later, counters, settings, records, changes, places.
use Test::Herd::Needs qw(iamat at whatsat invalid);
use Test::Herd;
use Test::Herd::Installed;
use Test::Herd::Time qw(now slowly);
use JSON::PP;
use List::Util qw(min);

my $tree = Test::Herd::Installed->new;
my $source = "$ENV{HERD_SRCDIR}/t/modules";
$ENV{HERD} = $tree->file('/sbin/herd');

# What is installed.
my $header = $tree->file('/include/herd/module.h');
is $tree->pkg_config('--cflags'), '-I' . $header =~ s{/herd/module\.h$}{}r, 'pkg-config --cflags';
like $tree->pkg_config('--variable=moduledir'), qr{/lib\S*/herd$}, '... --variable=moduledir';
my $text = do { local (@ARGV, $/) = $header; <> };
my ($abi) = $text =~ /^#define HERD_ABI (\d+)$/m;
is $tree->pkg_config('--variable=abi'), $abi, '... --variable=abi';

# The program gives what the header promises, and nothing else of its own.
$text =~ s{/\*.*?\*/}{}gs;
my %promised = map { $_ => 1 } $text =~ /^(?!#)(?:\w[\w ]*[ *])?(herd_\w+)\(/mg;
delete $promised{herd_fetch} if !-f "$ENV{HERD_SRCDIR}/src/net/upstream.c";
my %given = map { $_ => 1 } grep { /^herd_(?!module_)/ } `nm -D --defined-only '$ENV{HERD}'` =~ /(\S+)$/mg;
cmp_ok keys %promised, '>', 40, 'the header promises functions';
is_deeply [sort keys %given], [sort keys %promised], '... and the program gives those';

my %so = map { $_ => $tree->build($_, "$source/$_.c") } qw(later count beacon shops);
is_deeply [grep { !/asan/ } `nm -D --defined-only '$so{later}'` =~ /(\S+)$/mg], ['herd_module'], 'a module gives one symbol';
sub loading { 'load_modules = [ ' . join(', ', map {qq("$_")} @_) . " ];\n" }

# Relative paths are the configuration file's folder's; -t and -V know loaded modules.
my $h = Test::Herd->new(
    servers => ['Goloman', 'Hands'], adjacency => { Goloman => ['Hands'] },
    extra => loading('later.so', @so{qw(count shops)}) . qq(later: { most = "20s"; };\n),
    places => 'provider = "shops"',
);
symlink $so{later}, $h->file('later.so') or die "symlink: $!\n";
my $check = $h->run('-t', '-c', $h->config);
is "$check->{status} $check->{err}", '0 herd: ' . $h->config . " is well\n", '-t is content';
is $h->run('-t', '-c', 'herd.conf')->{status}, 0, '... also in the folder of the file';
my $shown = $h->run('-V', '-c', $h->config);
is $shown->{status}, 0, '-V -c: status 0';
like $shown->{out}, qr/^later +0\.1 +answers later\n +file: \S+later\.so\n +clients: LATER milliseconds word$/m,
    '... module, version, file, verb, usage';
like $shown->{out}, qr/^shops .*\n +file: \Q$so{shops}\E\n +provider: shops$/m, '... and provider';
unlike $h->run('-V')->{out}, qr/^later/m, '-V alone: the built-in ones';
like $h->run('-T', '-c', $h->config)->{out}, qr/^extra:\n\{\n +count:\n +\{\n +batch = 10;/m, '-T shows their settings';

# Answered later: in order, others meanwhile, and cancelled when the client goes.
$h->start_all;
my ($slow, $quick) = map { $h->connect('Goloman') } 1 .. 2;
$slow->send("LATER 300 first\nLATER 1 second\nYOLO\nLATER 0 third\n");
is $quick->ask("LATER 0 x"), 'LATER x', 'answered later';
ok $slow->silent(0.05), '... while another waits longer';
is_deeply [$slow->lines(4)], ['LATER first', 'LATER second', '? YOLO', 'LATER third'], '... in order';
my $before = $h->status('Goloman')->{invalid};
is $quick->ask('LATER 1 ?'), '? LATER 1 ?', 'found to be invalid later: what was replied is thrown away';
is $h->status('Goloman')->{invalid}, $before + 1, '... and counted';
is $quick->ask('LATER 1 x'), 'LATER x', '... and the next one answered';
is $quick->ask("LATER $_"), "? LATER $_", "refused: LATER $_" for '20001 x', '1', '1 2 3', 'x y';
my @leaving = map { $h->connect('Goloman') } 1 .. 5;
$_->send("LATER 20000 never\n") for @leaving;
is $quick->ask('LATER 1 x'), 'LATER x', 'the others are waited for';
ok $h->wait_for(sub { $h->status('Goloman')->{commands} >= 17 }, 'all are read'), '... and read';
$_->reset for @leaving;
ok $h->wait_for(sub { $h->status('Goloman')->{later_gone} == 5 }, 'cancelled'), 'gone clients are counted';
is $h->status('Goloman')->{later_answered}, 7, '... and not answered';

# Never before it is time, though its worker, as the other one, turns meanwhile.
my @other = map { $h->connect('Goloman') } 1 .. 2;

sub waited {
    my $since = now();
    $quick->send("LATER 8 x\n");
    for (my $i = 0; now() - $since < 0.005; $i++) {
        $other[$i % 2]->ask('YOLO');
    }
    $quick->line;
    return now() - $since;
}
cmp_ok min(map { waited() } 1 .. 20), '>=', 0.008, 'a timer is never early';

# The cursor: each client's change once, from whichever worker it comes; asked of any worker.
my @clients = map { $h->connect('Goloman') } 1 .. 6;
$clients[$_ % 6]->ask("IAMAT c$_ +1-1 $_") for 1 .. 500;
$h->connect('Hands')->ask('IAMAT there +1-1 1');
ok $h->wait_for(sub { $h->ask($_, 'COUNTED') eq 'COUNTED 501' }, "$_ has counted"), "$_ counts 501 changes"
    for qw(Goloman Hands);
$clients[0]->ask('IAMAT c7 +1-1 7');
$clients[1]->ask('IAMAT c7 +1-1 8');
ok $h->wait_for(sub { $h->ask($_, 'COUNTED') eq 'COUNTED 502' }, "$_ has counted"), '... a repeat is none'
    for qw(Goloman Hands);
is $_->ask('COUNTED'), 'COUNTED 502', '... asked of every worker' for @clients;
is $h->status('Goloman')->{count_changes}, 502, '... in the status line too';

# What is behind a command that waits is news to the neighbours in that same turn, and does not wait
# for this server's next event, which may be half a second away.
my @took = sort { $a <=> $b } map {
    my $i = $_;
    $slow->send("LATER 5 x\nIAMAT behind +1-1 $i\n");
    my @answers = $slow->lines(2);
    my $began = now();
    my $known = sub { ($h->at_line('Hands', 'behind') // '') =~ / $i$/ };
    $h->wait_for($known, 'the neighbour knows') ? now() - $began : 1000;
} 1 .. 20;
cmp_ok $took[10], '<', slowly(0.05), 'a report behind a command that waits: the neighbour has it at once';
cmp_ok $took[19], '<', slowly(10), '... each of 20';

# The provider.
my $answer = $h->answer('Goloman', 'WHATSAT there 1 2');
like $answer, qr/\AAT Hands [^\n]+\n\{"html_attributions":\[\],\n"results":\[.*\],"status":"OK"\}\n\n\z/, 'places, squeezed';
is_deeply decode_json($answer =~ s/^.*\n//r)->{results}, [map { { name => "shop $_" } } 0, 1], '... the provider\'s';
my $busy = Test::Herd->new(
    servers => ['Goloman', 'Hands'], adjacency => { Goloman => ['Hands'] }, workers => 3,
    extra => loading(@so{qw(beacon count shops)}) . qq(beacon: { client = "me"; every = "5ms"; };\n),
    places => 'provider = "shops"; shops: { busy = true; }',
);
$busy->allow(qr/warn - shops: OVER_QUERY_LIMIT: /);
$busy->start('Goloman')->start('Hands', ['-g', 'beacon: { every = "1d"; };']);
ok $busy->wait_for(sub { ($busy->at_line('Hands', 'me') // '') =~ /^AT Goloman \+\d+\.\d+ me \+34-118 \d+$/ }, 'beacon'),
    'a record without a client, heard by the server that put it, known to the other';
like $busy->answer('Hands', 'WHATSAT me 1 1'), qr/"results":\[\],"status":"OVER_QUERY_LIMIT", "error_message":"the shops are/,
    'a provider that cannot';
ok $busy->wait_log('Hands', 'warn - shops: OVER_QUERY_LIMIT: the shops are "busy"'), '... and the log says so';
my $status = $busy->status('Goloman');
cmp_ok $status->{beacon_put}, '>', 0, 'records are put and found again';
is $status->{beacon_bad}, 0, '... all, and bad ones refused';

# The order of a turn, and of the next.
my $turns = Test::Herd->new(workers => 1, extra => loading($tree->build('turns', "$source/turns.c")));
$turns->start('Goloman');
is $turns->ask('Goloman', "TURNS c$_"), 'work changed timer timer-of-work work-again', 'turns' for 1 .. 5;
is $turns->stop('Goloman'), 0, '... end';

# A stop while requests and timers are under way.
my @waiting = map { $h->connect('Goloman') } 1 .. 10;
$_->send("COUNTED\nLATER 20000 never\n") for @waiting;
$_->line for @waiting;
is $h->stop('Goloman'), 0, 'stopped with requests waiting';
$h->signal('Hands', 'QUIT');
is $h->ended('Hands'), 0, '... and patiently';

# What a module leaves behind at worker_stop ends the server.
my $left = Test::Herd->new(extra => loading($so{count}) . 'extra: { count: { leave_behind = 1; }; };');
$left->allow(qr/misuses the door/);
my $process = $left->launch('careless', '-c', $left->config, '-n', 'Goloman');
$left->wait_log('Goloman', 'Serving on');
ok $left->wait_for(sub { eval { $left->ask('Goloman', 'COUNTED') eq 'COUNTED 0' } }, 'it serves'), 'a careless module';
$process->signal_to('TERM');
$process->wait_end;
is $process->signal, 6, '... is noticed';
like $process->err, qr/^herd: error: A module misuses the door: timers left behind at worker_stop: 1$/m, '... and it is said how';
like $left->log('Goloman'), qr/ error - A module misuses the door: timers left behind at worker_stop: 1$/m, '... in the log too';
$left->{all} = []; # which is all there is to say about that process

# So does what it may not do meanwhile; then the sentence names its file too.
my $misuse = $tree->build('misuse', "$source/misuse.c");
my $late = Test::Herd->new(extra => loading($misuse));
$late->allow(qr/Not counted/);
$late->start('Goloman');
is $late->ask('Goloman', 'MISUSE counter'), 'REFUSED', 'a counter of a handler';
ok $late->wait_log('Goloman', qr/ warn - Not counted: the counter misuse_late comes after the start$/m), '... is warned of';
is $late->stop('Goloman'), 0, '... and no more';
my %misuse = (
    'reply late' => 'herd_reply to a command after herd_defer',
    'reply AT late' => 'herd_reply_at to a command after herd_defer',
    'done twice' => 'herd_done twice of one command',
    'done invalid' => 'herd_done_invalid of a command that is done',
    'defer twice' => 'herd_defer twice of one command',
    'defer the copy' => 'herd_defer twice of one command',
    'defer only' => 'herd_defer, and its command does not return HERD_LATER',
    'later only' => 'HERD_LATER without herd_defer',
    'no server' => 'herd_report_put of a text that is empty or too long',
    'long client' => 'herd_report_put of a text that is empty or too long',
    'no time' => 'herd_report_put of a text that is empty or too long',
    'no time_ns' => "herd_report_put of a time_ns that is not its time's",
    (map { ("take $_" => "herd_$_ in a cursor's take") } qw(get put)),
    (map { ("take $_" => "herd_cursor_$_ in a cursor's take") } qw(open read close)),
    'for ever' => 'work puts itself off for ever while the worker stops',
);
for my $what (sort keys %misuse) {
    my $bad = Test::Herd->new(workers => 1, extra => loading($misuse));
    $bad->allow(qr/misuses the door/);
    my $process = $bad->launch('careless', '-c', $bad->config, '-n', 'Goloman');
    $bad->wait_log('Goloman', 'Serving on');
    $bad->connect('Goloman')->send("MISUSE $what\n");
    $process->signal_to('TERM') if $what eq 'for ever' && $bad->wait_log('Goloman', "Response sent: 'MISUSED'");
    $process->wait_end;
    is $process->signal, 6, "$what: the server ends";
    my $by = $misuse{$what} =~ /worker stops/ ? '' : ", by $misuse";
    is $process->err =~ s/\n\z//r, "herd: error: A module misuses the door: $misuse{$what}$by", '... and says why';
    $bad->{all} = [];
}
done_testing;
