# herd_fetch with a body and headers, byte for byte as it leaves; headers that are none; and what is
# secret in them, which is in no log.
use Test::Herd::Needs qw(iamat whatsat invalid);
use Test::Herd;
use Test::Herd::Installed;
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }

my $tree = Test::Herd::Installed->new;
my $so = $tree->build('post', "$ENV{HERD_SRCDIR}/t/modules/post.c");
my @bad = ('X', 'X-Y', ': x', ' X: y', 'X y: z', 'X:', 'X: ', "X: a\\r\\nY: b", "X: a\\nY: b", "X: a\\x7fb", "X: \\x01", 'content-length: 9',
    'Transfer-Encoding: chunked', 'Expect: 100-continue');
my $h = Test::Herd->new(servers => [qw(Some Many)], extra => qq(load_modules = [ "$so" ];\n));
$h->allow(qr/warn - post: SAID: /);
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => sub { $_[0]->reply('{}') });
my $key = 'Secret-9876543210';
my ($host) = $up->url('plain') =~ m{//(.*)/};
chmod 0600, $h->write('key', "$key\r\n") or die;

sub begin {
    my ($server, %set) = @_;
    my $all = join ' ', map {qq($_ = "$set{$_}";)} sort grep { $_ ne 'megabytes' } keys %set;
    $all .= " megabytes = $set{megabytes};" if $set{megabytes};
    $h->start($server, ['-g', "places: { provider = \"post\"; post: { url = \"@{[$up->url('plain')]}\"; $all }; };"]);
    $h->ask($server, 'IAMAT k +0-1 1');
}

# What the answer to a search says, and what was sent for it.
sub sent {
    my ($server, $radius) = @_;
    my $before = () = $up->whole_requests;
    my ($said) = $h->answer($server, "WHATSAT k $radius 1") =~ /"SAID", "error_message":"(.*)"\}/;
    my @all = $up->whole_requests;
    return $said, @all > $before ? $all[-1] : undef;
}

sub request {
    my ($method, $more, $body) = @_;
    return "$method /nearby HTTP/1.1\r\nHost: $host\r\n" . ($more =~ /User-Agent/ ? '' : "User-Agent: herd\r\n")
        . "Accept: */*\r\nX-Key: $key\r\n" . $more
        . ($method eq 'POST' ? 'Content-Length: ' . length($body) . "\r\n" : '') . "\r\n$body";
}

sub is_sent { my ($name, $server, $radius, @request) = @_; is +(sent($server, $radius))[1], request(@request), $name }

my $body = "data=%5B\xC3\xA9\x01 &\\\\'";
begin('Some', body => 'data=%5B\xC3\xA9\x01 &\\\\\'', first => 'Content-Type: a/b; c=d', second => 'User-Agent: me/1',
    third => 'X-Empty: \x09y');
$body =~ s/\\\\/\\/;
is_sent('a POST', 'Some', 1, 'POST', "Content-Type: a/b; c=d\r\n", $body);
is_sent('... with another User-Agent', 'Some', 2, 'POST', "Content-Type: a/b; c=d\r\nUser-Agent: me/1\r\n", $body);
is_sent('... and a header with HT', 'Some', 3, 'POST', "Content-Type: a/b; c=d\r\nUser-Agent: me/1\r\nX-Empty: \ty\r\n", $body);
is_sent('a GET with headers', 'Some', 12, 'GET', "Content-Type: a/b; c=d\r\nUser-Agent: me/1\r\n", '');
is $h->stop('Some'), 0, 'stopped';
begin('Some', first => 'X-First: 1');
is_sent('nothing is posted, and no kind of it named', 'Some', 1, 'POST', "X-First: 1\r\n", '');
is $h->stop('Some'), 0, 'stopped';

# libcurl would ask first whether it may send so much.
begin('Many', body => 'a', megabytes => 2, first => 'Content-Type: x/y');
ok +(sent('Many', 1))[1] eq request('POST', "Content-Type: x/y\r\n", 'a' . 'm' x ((2 << 20) - 1)), 'two megabytes, at once';
is $h->stop('Many'), 0, 'stopped';

for my $bad (@bad) {
    begin('Some', first => $bad);
    my ($said, $request) = sent('Some', 1);
    is $said, 'a header of the request is none', "no header: $bad";
    is $request, undef, '... nothing is sent';
    $h->stop('Some');
}

# The secret: where it is read, and that it is nowhere else.
unlike join('', map { $h->log($_) } qw(Some Many)), qr/\Q$key\E/, 'the key is in no log';
chmod 0640, $h->file('key');
my $run = $h->run('-c', $h->config, '-n', 'Some', '-g', 'places: { provider = "post"; };');
is $run->{status}, 1, 'a key that others may read';
like $run->{err}, qr/: \Q${\$h->file('key')}\E: group or others may use it; chmod 600 it$/, '... says why';
for my $bad ("", "\n", "\r\n", "a\n\n", "a\nb", "a\0b", 'k' x 100, 'k' x 2_000_000) {
    chmod 0600, $h->write('key', $bad);
    my $run = $h->run('-c', $h->config, '-n', 'Some', '-g', 'places: { provider = "post"; };');
    like $run->{err}, qr/key: (?:is not one line of 1 to 99 bytes|is larger than 1 MiB)$/, 'no secret, of ' . length($bad) . ' bytes';
}
done_testing;
