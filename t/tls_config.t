# Keys and certificates at the start: what is refused, with file, line and setting, alike by herd -t;
# whose names count, and how the process keeps the keys to itself.
use Test::Herd;
use Test::Herd::Time qw(sanitized);
use Test::Herd::Tls;
use POSIX ();

my $h = Test::Herd->new(servers => [qw(Goloman Hands Welsh)], adjacency => { Goloman => ['Hands'], Welsh => ['Hands'] }, log => 'level = "warn";');
$h->allow(qr/No link with/);
my $secret = Test::Herd::Tls::key('Goloman', 'Hands');
my ($text, $line);

# A configuration whose last line is this.
sub configured {
    my ($last, $from, $to) = @_;
    $text = $h->config_text;
    $text =~ s/$from/$to/ or die "no $from\n" if defined $from;
    $line = 1 + ($text =~ tr/\n//);
    $h->configure("$text$last\n");
}

sub judged {
    my ($why, $name, @how) = @_;
    my $run = $h->run('-c', $h->config, @how);
    is $run->{status}, 1, "$name: @how ends with 1";
    like $run->{err}, qr/^herd: (?:Goloman: )?\Q${\$h->config}\E:$why$/m, '... and says why';
    unlike $run->{err} . $run->{out} . $h->log('Goloman'), qr/\Q$secret\E|BEGIN/i, '... without the key';
}

sub refused {
    my ($last, $why, $name) = @_;
    configured($last);
    judged("$line: $why", $name, @$_) for ['-t'], ['-t', '-n', 'Goloman'], ['-n', 'Goloman'];
}

sub taken {
    my ($last, $name, @how) = @_;
    configured($last);
    my $run = $h->run('-c', $h->config, '-t', @how);
    is $run->{status}, 0, "$name is taken" or diag $run->{err};
}

sub files { my ($group, %file) = @_; "$group: { " . join(' ', map {qq($_ = "$file{$_}";)} sort keys %file) . ' };' }

# ---- files that are nobody else's ----

Test::Herd::Tls::psk_file($h, 'herd.psk', ['Hands', 'Goloman'], ['Welsh', 'Hands'], ['Some', 'Body']);
my $authority = Test::Herd::Tls::authority('herd');
my $other = Test::Herd::Tls::authority('other');
Test::Herd::Tls::ca_file($h, 'ca.pem', $authority);
Test::Herd::Tls::certify($h, $authority, $_, $_) for $h->servers, 'Spare';
my %link = (cert_file => '%n.pem', key_file => '%n.key', ca_file => 'ca.pem');
my %tls = (cert_file => '%n.pem', key_file => '%n.key');
for my $one (['herd.psk', files('link', psk_file => 'FILE'), 'link.psk_file'],
    ['Goloman.key', files('link', %link, key_file => 'FILE', cert_file => 'Goloman.pem'), 'link.key_file']) {
    my ($file, $setting, $name) = @$one;
    my $with = sub { $setting =~ s/FILE/$_[0]/r };
    my $wrong = sub { refused($with->($_[0]), "$name: \\S*$_[0]: $_[1].*", "$name: $_[2]") };
    $wrong->('nothing', 'No such file', 'a file that is missing');
    mkdir $h->file('folder');
    $wrong->('folder', 'not a regular file', 'a folder');
    POSIX::mkfifo($h->file('fifo'), 0600);
    $wrong->('fifo', 'not a regular file', 'a pipe, for which nobody waits');
    for my $mode (0640, 0604, 0660, 0601) {
        chmod $mode, $h->file($file) or die;
        $wrong->($file, 'group or others may use it; chmod 600 it', sprintf 'mode %o', $mode);
    }
    chmod 0600, $h->file($file);
    if ($> == 0) {
        chown 65534, 65534, $h->file($file);
        $wrong->($file, 'belongs to another user', "another user's");
        chown 0, 0, $h->file($file);
    }
    chmod 0600, $h->write('large', '#' x (1 << 20) . "\n");
    $wrong->('large', 'is larger than 1 MiB', 'over 1 MiB');
    taken($with->($file), "$name as it should be");
    unlink $h->file('fifo');
}

# ---- what stands in them ----

my $psk = files('link', psk_file => 'some.psk');
sub psk { chmod 0600, $h->write('some.psk', $_[0]) or die }

my $form = 'must be two servers. names and a key';
my $hex = 'a key has 32 to 128 hexadecimal digits, an even number of them';
for (["Goloman Hands\n", 1, $form], ["# x\n\nGoloman Hands $secret more\n", 3, $form], ["Some Body 1234\n", 1, $hex],
    ["Some Body ${secret}0\n", 1, $hex], ["Some Body " . 'ab' x 65 . "\n", 1, $hex], ["Some Body " . 'xy' x 32, 1, $hex],
    ["So/me Body $secret\n", 1, "a server's name has .*"], ["Body Body $secret\n", 1, 'a server needs no key for itself'],
    ["Goloman Hands $secret\nHands Goloman $secret\n", 2, 'this pair has a key already'], ["\0\n", 1, $form]) {
    my ($bytes, $at, $why) = @$_;
    psk($bytes);
    refused($psk, "link.psk_file: \\S*some.psk:$at: $why", 'the file ' . substr($bytes, 0, 30) =~ s/[^ -~]/?/gr);
}
psk("Hands Welsh $secret\n");
refused($psk, 'link.psk_file: \S*some.psk: no key for the pair Goloman and Hands', 'a neighbour without a key');
psk("Hands Goloman $secret\n");
taken($psk, "its own neighbour's key alone", '-n', 'Goloman');
judged("$line: link.psk_file: \\S*some.psk: no key for the pair (?:Hands and Welsh|Welsh and Hands)", "another's is missing", @$_) for ['-t'], ['-t', '-n', 'Hands'];

my $bad = sub { refused(files('link', %link, %{ $_[0] }), "link.$_[1]: \\S*: $_[2].*", $_[3]) };
$h->write('junk.pem', "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
chmod 0600, $h->write('junk.key', "nothing\n");
$bad->({ cert_file => 'none.pem' }, 'cert_file', 'no certificate can be read', 'no certificate');
$bad->({ cert_file => 'junk.pem' }, 'cert_file', 'no certificate can be read', 'a broken certificate');
$bad->({ key_file => 'junk.key' }, 'key_file', 'no private key can be read', 'a broken key');
$bad->({ key_file => 'Spare.key' }, 'key_file', 'it is not the key of the certificate', "another's key");
$bad->({ ca_file => 'none.pem' }, 'ca_file', 'no certificates can be read', 'no authority');
$bad->({ ca_file => 'junk.key' }, 'ca_file', 'no certificates can be read', 'an authority that is none');
my $locked = `openssl ec -aes128 -passout pass:x -in '@{[$h->file('Goloman.key')]}' 2>/dev/null`;
chmod 0600, $h->write('locked.key', $locked);
like $locked, qr/ENCRYPTED/, 'a key with a password';
$bad->({ key_file => 'locked.key', cert_file => 'Goloman.pem' }, 'key_file', 'no private key can be read', '... which nobody is asked for');
taken(files('link', %link), 'certificates');
unlink $h->file('Welsh.key');
taken(files('link', %link), "certificates, though another's are elsewhere", '-n', 'Goloman');
Test::Herd::Tls::certify($h, $authority, 'Welsh', 'Welsh');

# ---- clients ----

my $clients = sub { configured(files('tls', @_), qr/(?=peer_port)/, 'tls_port = 7; ') };
$clients->(%tls, key_file => 'junk.key');
judged("$line: tls.key_file: \\S*junk.key: no private key can be read.*", "clients' TLS: a broken key", @$_) for ['-t'], ['-n', 'Goloman'];
$clients->(%tls, cert_file => 'none.pem');
judged("$line: tls.cert_file: \\S*none.pem: no certificate can be read.*", "clients' TLS: no certificate", '-t');
$clients->(%tls);
is $h->run('-c', $h->config, '-t')->{status}, 0, "clients' TLS as it should be";

# ---- where links lead ----

my $remote = 'is no loopback address, and the link to \w+ would be plain; give it keys .*';
for my $host ('*', '0.0.0.0', '::', '192.0.2.1', '2001:db8::1', 'no-such-host.invalid') {
    configured('', qr/127\.0\.0\.1(?="; port = $h->{port}{Goloman};)/, $host);
    judged("2: servers.\\[0\\].host: \Q$host\E $remote", "plain to $host", @$_) for ['-t'], ['-n', 'Goloman'], ['-n', 'Hands'];
    configured(files('link', psk_file => 'herd.psk'), qr/127\.0\.0\.1(?="; port = $h->{port}{Goloman};)/, $host);
    is $h->run('-c', $h->config, '-t')->{status}, 0, '... with keys';
    configured('link: { plaintext = true; };', qr/127\.0\.0\.1(?="; port = $h->{port}{Goloman};)/, $host);
    is $h->run('-c', $h->config, '-t')->{status}, 0, '... with plaintext';
}
for my $host ('localhost', '127.8.9.10', '::1', '::ffff:127.0.0.1') {
    configured('', qr/127\.0\.0\.1(?="; port = $h->{port}{Goloman};)/, $host);
    is $h->run('-c', $h->config, '-t')->{status}, 0, "plain to $host";
}

# ---- plaintext does not switch keys off; and a process with keys is its own ----

configured('link: { psk_file = "herd.psk"; plaintext = true; };');
$h->start('Hands');
my $plain = Test::Herd::Peer->new($h->peer_port('Hands'), name => 'Goloman', to => 'Hands');
$plain->send($plain->hello_line);
ok $plain->gone(3), 'with keys, plaintext = true lets no plain neighbour in';
SKIP: {
    skip 'of the superuser every process is', 1 if $> == 0;
    isnt((stat '/proc/' . $h->pid('Hands') . '/environ')[4], $>, 'a process with keys is not to be dumped');
}
$h->start('Goloman');
my $right = Test::Herd::Tls->dial($h->peer_port('Hands'), name => 'Welsh', to => 'Hands',
    with => [Test::Herd::Tls::psk('Welsh>Hands', Test::Herd::Tls::key('Welsh', 'Hands'))]);
ok $right->hello, '... and a neighbour with its key comes in';
$right->close;
done_testing;
