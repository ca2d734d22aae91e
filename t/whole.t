# herd -a: every server of the file, a process each, ended together.
use Test::Herd::Needs qw(iamat whatsat at invalid geojson);
use Test::Herd;
use Test::Herd::Installed;

my $h = Test::Herd->five;
$h->allow(qr/No link with/);    # when one fails at its start
my @all = $h->servers;
my @run = ('-c', $h->config, '-a', '-p', '%n.pid');

sub start {
    $h->launch('all', @run, @_);
    $h->wait_for(sub { $h->process('all')->out =~ /^5 servers are serving$/m || !$h->running('all') },
        'five servers', 20);
    return map { pid_of($_) } @all;
}

# A server's number, by its pid file; the test ends the process if the parent does not.
sub pid_of {
    my ($name) = @_;
    my ($pid) = $h->read("$name.pid") =~ /\A(\d+)\n\z/ or return ();
    $h->adopt($name, $pid);
    return $pid;
}

sub end_of_all {
    return $h->wait_for(sub { !grep { $h->running($_) } @all }, 'all have ended');
}

# All serve, and are one herd.
my @pids = start();
is scalar @pids, 5, 'five servers, each with its pid file';
my %different = map { $_ => 1 } @pids, $h->pid('all');
is scalar keys %different, 6, '... and a process of its own, besides the parent';
is $h->process('all')->out, "5 servers are serving\n", 'the parent says so';
my $at = $h->ask('Welsh', 'IAMAT kiwi +34-118 5');
for my $name (@all) {
    ok $h->wait_for(sub { ($h->at_line($name, 'kiwi') // '') eq $at }, "$name knows"),
        "$name answers with the same line";
    ok -s $h->file("$name.log"), '... and has a log of its own';
}

# Signals are passed on.
$h->signal('all', 'USR2');
ok $h->wait_log($_, qr/\{"server":"$_"/), "USR2 reaches $_" for @all;
$h->signal('all', 'TERM');
is $h->ended('all'), 0, 'TERM ends the parent with status 0';
ok end_of_all(), '... and all servers';
is scalar(grep { -e $h->file("$_.pid") } @all), 0, '... and their pid files are gone';
for my $signal (qw(INT QUIT)) {
    start();
    $h->signal('all', $signal);
    is $h->ended('all'), 0, "$signal ends the parent with status 0";
    ok end_of_all(), '... and all servers';
}

# A server that dies does not take the others along.
start();
$h->process('Hands')->kill9;
ok $h->wait_for(sub { $h->process('all')->err =~ /server Hands was ended by signal 9/ }, 'a word'),
    'a server that dies is told of';
is $h->ask($_, 'x'), '? x', "$_ goes on" for grep { $_ ne 'Hands' } @all;
$h->signal('all', 'TERM');
$h->process('all')->wait_end;
is $h->process('all')->status, 1, '... and the status is 1 in the end';
$h->process('all')->{asked} = 0;
ok end_of_all(), '... which is the others\'';

# A server that dies before it serves ends all, though nobody says why.
my $tree = Test::Herd::Installed->new;
my $mortal = $tree->build('mortal', "$ENV{HERD_SRCDIR}/t/modules/mortal.c");
for my $how ([0, qr/was ended by signal 9 \(Killed\)/], [3, qr/ended with status 3/]) {
    my ($status, $said) = @$how;
    my $set = qq(load_modules = [ "$mortal" ]; mortal: { status = $status; };);
    unlink $h->file('dead');
    my $run = $h->run(@run, '-g', $set);
    is $run->{status}, 1, "a server that dies at its start ($said): status 1";
    like $run->{err}, qr/^herd: server (?:Goloman|Hands|Holiday|Welsh|Wilkes) $said$/m, '... its name is said';
    is scalar(() = $run->{err} =~ /\n/g), 1, '... once, and the others end well' or diag $run->{err};
    is $run->{out}, '', '... nobody is told that it serves';
    is scalar(grep { eval { $h->connect($_)->close; 1 } } @all), 0, '... and no server is left';
}

# The parent is killed: the servers end by themselves.
start();
$h->process('all')->kill9;
ok end_of_all(), 'the servers of a parent that is killed end';
like $h->log($_), qr/Stopped\n\z/, "... $_ in good order" for @all;

# A port taken ends all.
my $taken = Test::Herd->new;
$taken->start_all;
my $text = $h->config_text;
my ($was, $is) = ($h->port('Holiday'), $taken->port('Goloman'));
$text =~ s/\b$was\b/$is/;
$h->configure($text);
my $run = $h->run(@run);
is $run->{status}, 1, 'a port taken: status 1';
like $run->{err}, qr/^herd: Holiday: cannot listen on 127\.0\.0\.1:$is: Address already in use$/m,
    '... and who has failed why';
unlike $run->{out}, qr/serving/, '... nobody is told that it serves';
is $taken->ask('Goloman', 'x'), '? x', '... the holder of the port goes on';
ok $h->wait_for(
    sub { !grep { eval { $h->connect($_)->close; 1 } } grep { $_ ne 'Holiday' } @all }, 'no server'),
    '... and no server of the herd is left';
done_testing;
