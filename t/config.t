# The configuration as a user meets it: each error names file, line and setting, exits with 1 and opens
# nothing; -t, -T and -g.
use Test::Herd::Needs qw(geojson);
use Test::Herd;

my $h = Test::Herd->new;
my ($port, $peer_port) = ($h->port('Goloman'), $h->peer_port('Goloman'));
my $server = qq(servers = ( { name = "Goloman"; host = "127.0.0.1"; port = $port; peer_port = $peer_port; } );\n);
my $two = <<"END";
servers = (
  { name = "Goloman"; host = "127.0.0.1"; port = $port; peer_port = $peer_port; },
  { name = "Hands"; host = "127.0.0.1"; port = 9; peer_port = 19; }
);
END
my $file = $h->file('bad.conf');

sub refused {
    my ($text, $line, $setting, $what, @more) = @_;
    $h->write('bad.conf', $text);
    my $run = $h->run('-c', $file, '-n', 'Goloman', @more);
    my $where = $line =~ /^\d+$/ ? "$file:$line" : $line;
    $setting &&= "\Q: $setting: \E";
    like $run->{err}, qr/\Aherd: \Q$where\E$setting.*\n\z/, $what;
    is $run->{status}, 1, '... status 1';
}

# setting and value, at line 2 of a file that is well else
my @single = (
    ['color = 1;', 'color', 'an unknown setting'],
    ['limits: { lines = "4k"; };', 'limits.lines', 'an unknown setting in a group'],
    ['places: { geojson: { files = ""; }; };', 'places.geojson.files', '... of a module'],
    ['workers = "2";', 'workers', 'a string for an integer'],
    ['workers = -1;', 'workers', 'below its range'],
    ['workers = 257;', 'workers', 'above its range'],
    ['pid_file = 7;', 'pid_file', 'an integer for a string'],
    ['limits = 5;', 'limits', 'no group'],
    ['limits: { line = 4096; };', 'limits.line', 'a size that is no string'],
    ['limits: { line = "4K"; };', 'limits.line', 'an unknown unit'],
    ['limits: { line = "127"; };', 'limits.line', 'a line too short'],
    ['limits: { line = "65537"; };', 'limits.line', 'a line too long'],
    ['limits: { idle = "15 m"; };', 'limits.idle', 'a time with a blank'],
    ['limits: { idle = "-1s"; };', 'limits.idle', 'a negative time'],
    ['limits: { connections = 0; };', 'limits.connections', 'no connections'],
    ['limits: { max_ahead = "36501d"; };', 'limits.max_ahead', 'over a hundred years'],
    ['log: { level = "loud"; };', 'log.level', 'an unknown level'],
    ['log: { messages = 1; };', 'log.messages', 'an integer for a boolean'],
    ['log: { format = "xml"; };', 'log.format', 'an unknown format'],
    ['log: { file = ""; };', 'log.file', 'no log file'],
    ['link: { psk_file = "x"; cert_file = "x"; key_file = "x"; ca_file = "x"; };', 'link.psk_file', 'keys and certificates'],
    ['link: { cert_file = "x"; ca_file = "x"; };', 'link.key_file', 'a certificate without its key'],
    ['link: { cert_file = "x"; key_file = "x"; };', 'link.ca_file', '... without an authority'],
    ['link: { key_file = "x"; };', 'link.cert_file', 'a key without a certificate'],
    ['link: { ca_file = "x"; };', 'link.cert_file', 'an authority without a certificate'],
    ['tls: { cert_file = "x"; };', 'tls.key_file', "clients: a certificate without its key"],
    ['tls: { key_file = "x"; };', 'tls.cert_file', '... a key without a certificate'],
    ['tls: { ca_file = "x"; };', 'tls.ca_file', '... certificates are not asked for'],
    ['places: { provider = "none"; };', 'places.provider', 'an unknown provider'],
    ['places: { max_items = 61; };', 'places.max_items', 'too many items'],
    ['places: { max_radius_km = 0.0; };', 'places.max_radius_km', 'no radius'],
);
refused("$server$_->[0]\n", 2, $_->[1], $_->[2]) for @single;

# The servers and who talks to whom.
my @herds = (
    ['', 'servers', $file, 'no servers'],
    ['servers = ();', 'servers', 1, 'an empty list of servers'],
    [$two =~ s/"Hands"/"Goloman"/r, 'servers.[1].name', 3, 'a server twice'],
    [$two =~ s/port = 9;/port = $port;/r, 'servers.[1].port', 3, 'a port twice'],
    [$two =~ s/= 19;/= $port;/r, 'servers.[1].peer_port', 3, "a port that is another's peer port"],
    [$two =~ s/ = 19;/ = 19; tls_port = $port;/r, 'servers.[1].tls_port', 3, "a port for TLS that is another's port"],
    [$two =~ s/ = 19;/ = 19; tls_port = 19;/r, 'servers.[1].tls_port', 3, "... that is its own peer port"],
    [$two =~ s/ = 19;/ = 19; tls_port = 29;/r, 'servers.[1].tls_port', 3, '... without a certificate'],
    [$two =~ s/ host = "127.0.0.1"; port = 9;/ port = 9;/r, 'servers.[1].host', 3, 'no host'],
    [$two =~ s/port = 9;//r, 'servers.[1].port', 3, 'no port'],
    [$two =~ s/= 9;/= 65536;/r, 'servers.[1].port', 3, 'a port out of range'],
    [$two =~ s/"Hands"/"H ands"/r, 'servers.[1].name', 3, 'a bad name'],
    [link_of('Golomon', 'Hands'), 'adjacency.[0].server', 6, 'an unknown server in adjacency'],
    [link_of('Goloman', 'Hand'), 'adjacency.[0].talks_to.[0]', 6, 'an unknown neighbour'],
    [link_of('Hands', 'Hands'), 'adjacency.[0].talks_to.[0]', 6, 'a link to oneself'],
    [link_of('Goloman', 'Hands') =~ s/peer_port = 19;//r, 'servers.[1].peer_port', 3,
        'a neighbour without a peer port'],
    [link_of('Goloman', 'Hands') =~ s/"127.0.0.1"(?=; port = 9)/"192.0.2.1"/r, 'servers.[1].host', 3,
        'a plain link to another machine'],
);
refused($_->[0], $_->[2], $_->[1], $_->[3]) for @herds;

sub link_of {
    return "${two}adjacency = (\n{ server = \"$_[0]\"; talks_to = [ \"$_[1]\" ]; }\n);\n";
}

# Mistakes of the text.
refused("$server\nworkers = 1234567890;\n", 3, '', 'an integer of over 9 digits');
refused("$server\nworkers = ;\n", 3, '', 'a syntax error');
refused("$server\n/* no end\n", 3, '', 'a comment without an end');
refused($server, '-g:1', 'limits.idle', 'a mistake in -g', '-g', 'limits: { idle = 5; };');
refused($server =~ s/"Goloman"/"Hands"/r, $file, 'servers', 'a name that no server has');
$h->write('bad.conf', "${server}\@include \"more.conf\"\n");
$h->write('more.conf', "\nworkers = 300;\n");
my $run = $h->run('-c', $file, '-n', 'Goloman');
is $run->{err}, 'herd: ' . $h->file('more.conf') . ":2: workers: 300 is not within 0 to 256\n",
    'a mistake in an included file';
my $missing = $h->run('-c', $h->file('none.conf'), '-n', 'Goloman');
is $missing->{err}, 'herd: ' . $h->file('none.conf') . ": No such file or directory\n", 'no file';
is $missing->{status}, 1, '... status 1';
ok !-e $h->file('Goloman.log'), 'none of these opened a log';

# -t checks and -T prints what would be used; what it prints is a configuration.
my $check = $h->run('-c', $h->config, '-t');
is $check->{status}, 0, '-t: a good file';
is $check->{err} . $check->{out}, 'herd: ' . $h->config . " is well\n", '... says so';
is $h->run('-c', $h->config, '-t', '-q')->{err}, '', '... -q: not even that';
is $h->run('-c', $file, '-t')->{status}, 1, '-t: a bad file';
my $print = $h->run('-c', $h->config, '-T', '-g', 'limits: { idle = "7s"; }; workers = 3');
is $print->{status}, 0, '-T prints';
like $print->{out}, qr/$_/, "... $_"
    for qr/^workers = 3;$/m, qr/^limits:\n\{\n(?:    .*\n)*    idle = "7s";$/m,
    qr/^    connections = 10000;$/m, qr/^        port = $port;$/m;
$h->write('printed.conf', $print->{out});
is $h->run('-c', $h->file('printed.conf'), '-T')->{out}, $print->{out}, '... what reads the same';
ok !-e $h->file('Goloman.log'), 'none of these opened a log';

# -g is laid over the file: groups merge, lists replace.
$h->configure($h->config_text . qq(limits: { connections = 5; idle = "1h"; };\n));
my $over = $h->run('-c', $h->config, '-T', '-g', 'limits: { idle = "2m"; };', '-g', "servers = ( { name = \"Solo\"; host = \"::1\"; port = 7; } );");
like $over->{out}, qr/connections = 5;\n.*idle = "2m";/s, '-g: groups merge';
like $over->{out}, qr/name = "Solo"/, '-g: lists replace';
unlike $over->{out}, qr/Goloman/, '... whole';
$over = $h->run('-c', $h->config, '-T', '-g', 'limits: { idle = "2m"; };', '-g', 'limits: { memory = "1m"; };');
is "$over->{status} $over->{err}", "1 herd: -g:2: duplicate setting name\n", 'a group in two -g is an error, as herd(8) says';
done_testing;
