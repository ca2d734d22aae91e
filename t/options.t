# The command line: help, versions, bad usage, the background and its pid file, -s, taken ports.
use Test::Herd::Needs qw(iamat whatsat at invalid geojson);
use Test::Herd;

my $h = Test::Herd->new;
$h->allow(qr/HUP/);
my @server = ('-c', $h->config, '-n', 'Goloman');

# What only prints.
my $help = $h->run('-h');
is $help->{status}, 0, '-h: status 0';
like $help->{out}, qr/\Ausage: herd -c FILE -n NAME /, '... and how to use it';
like $help->{out}, qr/^  -$_/m, "... with -$_" for qw(c n a d g p t T s q v h);
like $h->run('-v')->{out}, qr/\Aherd \S+\n\z/, '-v: the version';
my $modules = $h->run('-V');
is $modules->{status}, 0, '-V: status 0';
like $modules->{out}, qr/^$_/m, "-V: $_"
    for 'herd ', qw(iamat whatsat at invalid geojson), '\s+clients: IAMAT ', '\s+clients: WHATSAT ',
    '\s+neighbours: AT ', '\s+provider: geojson';

# Bad usage: one sentence, status 1.
my @bad = (
    [], ['-c', $h->config], ['-n', 'Goloman'], ['-x'], ['-c'], [@server, 'more'], [@server, '-a'],
    [@server, '-t', '-T'], ['-c', $h->config, '-a', '-d'], ['-c', $h->config, '-n', 'a b'],
    ['-c', $h->config, '-a', '-p', 'one.pid'], [@server, '-s', 'restart'], [@server, '-s', 'stop', '-d'],
    ['-s', 'stop'], ['-c', '', '-n', 'Goloman'], [@server, '-s', 'stop'],
);
for (@bad) {
    my $run = $h->run(@$_);
    my $dir = $h->dir;
    like $run->{err}, qr/\Aherd: [^\n]+\n\z/, "herd @$_: one line of error" =~ s/\Q$dir\E/DIR/gr;
    is "$run->{status}$run->{out}", '1', '... status 1, nothing else';
}

# A port taken: by the same server, and by another herd's.
$h->start('Goloman', ['-p', 'mine.pid']);
my $log = $h->log('Goloman');
my $port = $h->port('Goloman');
my $second = $h->run(@server);
is $second->{err}, "herd: Goloman: cannot listen on 127.0.0.1:$port: Address already in use\n",
    'a second server of the same name';
is $second->{status}, 1, '... status 1';
is $h->log('Goloman'), $log, '... leaves the log alone';
is $h->ask('Goloman', 'x'), '? x', '... and the first one serves';
my $moved = "port = @{[$h->peer_port('Goloman')]};";
my $third = $h->run('-c', $h->write('3.conf', $h->config_text =~ s/\bport = \d+; peer_port = \d+;/$moved/r),
    '-n', 'Goloman', '-p', 'mine.pid');
like $third->{err}, qr/mine\.pid: a server is running with this pid file \(process \d+\)$/m,
    'another with the same pid file';
is $third->{status}, 1, '... status 1';

# -s, by the pid file.
my $pid = $h->pid('Goloman');
is $h->read('mine.pid'), "$pid\n", 'the pid file holds the number';
my %does = (status => qr/\{"server":"Goloman"/, reload => qr/HUP: .* nothing changes/, reopen => qr/Serving/);
for (sort keys %does) {
    rename $h->file('Goloman.log'), $h->file('old.log') if $_ eq 'reopen';
    is $h->run('-p', 'mine.pid', '-s', $_)->{status}, 0, "-s $_";
    ok $h->wait_log('Goloman', $does{$_}), '... is obeyed' if $_ ne 'reopen';
    ok $h->wait_for(sub { -e $h->file('Goloman.log') }, 'a new log'), '... is obeyed' if $_ eq 'reopen';
}
is $h->run('-p', '%n.pid', '-n', 'mine', '-s', 'stop')->{status}, 0, '-s stop';
is $h->ended('Goloman'), 0, '... ends it with status 0';
ok !-e $h->file('mine.pid'), '... and the pid file is gone';
my $none = $h->run('-p', 'mine.pid', '-s', 'stop');
like $none->{err}, qr/mine\.pid: no server is running/, 'nobody to signal';
is $none->{status}, 1, '... status 1';
$h->write('mine.pid', "$$\n");
is $h->run('-p', 'mine.pid', '-s', 'stop')->{status}, 1, 'a stale pid file harms nobody';

# In the background: returns when it serves.
$h->configure($h->config_text . qq(pid_file = "%n.pid";\n));
for my $action (qw(quit stop)) {
    my $run = $h->run(@server, '-d');
    is $run->{status}, 0, '-d: status 0';
    my ($number) = $h->read('Goloman.pid') =~ /\A(\d+)\n\z/;
    ok $number, '... the pid file is there';
    $h->adopt('daemon', $number);
    is $h->ask('Goloman', 'x'), '? x', '... it serves';
    is $h->run(@server, '-s', $action)->{status}, 0, "-s $action, by the configuration";
    ok $h->process('daemon')->wait_end, '... it ends';
    ok !-e $h->file('Goloman.pid'), '... and the pid file is gone';
}
my $bad = $h->run(@server, '-d', '-g', 'places: { geojson: { file = "none"; }; };');
is $bad->{status}, 1, '-d that fails at its start: status 1';
like $bad->{err}, qr/none: No such file/, '... and says why';
done_testing;
