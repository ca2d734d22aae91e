# The provider google at its start: what it refuses, with file, line and setting, and how it keeps
# the key to itself. herd -t says the same.
use Test::Herd::Needs qw(iamat whatsat invalid google geojson);
use Test::Herd;
use POSIX ();

my $h = Test::Herd->new;
my $key = 'AIza-Secret_Key';
my $config;

sub settings {
    my ($google, $provider) = @_;
    my $port = $h->port('Goloman');
    $provider //= 'google';
    $config = <<"END";
servers = ( { name = "Goloman"; host = "127.0.0.1"; port = $port; } );
places: {
  provider = "$provider";
  google: {
    $google
  };
};
END
    $h->configure($config);
}

# Both herd -t and the start end with 1 and this sentence, without the key.
sub refused {
    my ($google, $why, $name, $provider) = @_;
    settings($google, $provider);
    for my $how (['-t'], ['-n', 'Goloman']) {
        my $run = $h->run('-c', $h->config, @$how);
        is $run->{status}, 1, "$name: @$how ends with 1";
        like $run->{err}, qr/^herd: (?:Goloman: )?\Q${\$h->config}\E:\d+: places\.google\.$why/, '... and says why';
        unlike $run->{err} . $run->{out} . $h->log('Goloman'), qr/AIza|\Q$key\E/, '... without the key';
    }
}

sub taken {
    my ($google, $name, $provider) = @_;
    settings($google, $provider);
    my $run = $h->run('-c', $h->config, '-t');
    is $run->{status}, 0, $name or diag $run->{err};
}

sub key_file { my ($text, $mode) = @_; chmod $mode // 0600, $h->write('key', $text) or die }

# URLs. They are judged whatever provider is chosen.
key_file("$key\n");
my @bad = map { ["key_file = \"key\"; url = \"$_->[0]\";", qr/url: $_->[1]/, $_->[0]] } (
    ['http://maps.example/json', qr/must begin with https.*loopback/],
    ['http://localhost/json', qr/must begin with https/],
    ['http://127.0.0.1.example/json', qr/must begin with https/],
    ['http://10.0.0.1/json', qr/must begin with https/],
    ['http://[::2]/json', qr/must begin with https/],
    ['http://[::ffff:10.0.0.1]/json', qr/must begin with https/],
    ['file:///etc/passwd', qr/must begin with https|not a URL/],
    ['ftp://127.0.0.1/json', qr/must begin with https/],
    ['gopher://127.0.0.1/json', qr/must begin with https/],
    ['127.0.0.1/json', qr/\w/],
    ['https://', qr/\w/],
    ['', qr/\w/],
    ['https://me:secret@maps.example/', qr/\w/],
    ['https://maps.example/#here', qr/must not hold a #/],
    ['https://maps.example/a b', qr/\w/],
);
refused(@$_) for @bad;
refused($bad[0][0], $bad[0][1], 'not chosen, but wrong', 'geojson');
taken(qq(key_file = "key"; url = "$_";), "taken: $_")
    for 'http://127.0.0.1:1/x', 'http://127.8.9.10/x', 'http://[::1]:80/x', 'https://maps.example/x?y=z';

# The file of the key.
refused('', qr/key_file: must name/, 'no key file');
refused('key_file = "nokey";', qr/key_file: .*nokey: No such file/, 'a key file that is missing');
refused('key_file = ".";', qr/key_file: .*not a regular file/, 'a folder');
POSIX::mkfifo($h->file('fifo'), 0600) or die;
refused('key_file = "fifo";', qr/key_file: .*not a regular file/, 'a pipe');
refused('key_file = 1;', qr/key_file: must be a string/, 'a number');
for my $mode (0640, 0604, 0620, 0602, 0610, 0666) {
    key_file("$key\n", $mode);
    refused('key_file = "key";', qr/key_file: .*chmod 600/, sprintf 'mode %o', $mode);
}
SKIP: {
    skip 'only root can give files away', 6 if $> != 0;
    key_file("$key\n");
    chown 65534, 65534, $h->file('key');
    refused('key_file = "key";', qr/key_file: .*another user/, "another user's file");
    chown 0, 0, $h->file('key');
}
for my $bad ('', "\n", "$key\n\n", "$key more\n", "$key&x=y\n", "$key\0", "$key\n$key\n", 'AIza' x 65, "\xC3\xA9") {
    key_file($bad);
    refused('key_file = "key";', qr/key_file: .*key: (?:holds no key|is not one line of 1 to 256 bytes)/, 'a key like ' . substr($bad, 0, 25) =~ s/[^ -~]/?/gr);
}
for my $good ($key, "$key\n", "$key\r\n", 'AIza' x 64) {
    key_file($good);
    taken('key_file = "key";', 'a good key');
}
taken('key_file = "nokey";', 'the key is not looked at where google is not chosen', 'geojson');

# Further authorities.
key_file("$key\n");
refused('key_file = "key"; ca_file = "noca";', qr/ca_file: .*noca/, 'authorities that are missing');
$h->write('ca', "nothing\n");
refused('key_file = "key"; ca_file = "ca";', qr/ca_file: .*ca: no certificates/, 'a file without any');
$h->write('ca', "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
refused('key_file = "key"; ca_file = "ca";', qr/ca_file: .*ca: no certificates/, 'a broken certificate');
refused('key_file = "key"; verify = false;', qr/verify: unknown setting/, 'no way to turn off verification');

# -T prints, and has no key to print.
settings('key_file = "key";');
my $run = $h->run('-c', $h->config, '-T');
like $run->{out}, qr/key_file = "key"/, '-T prints where the key is';
unlike $run->{out}, qr/\Q$key\E/, '... not what it is';
done_testing;
