#!/usr/bin/perl
# The examples of herd-modules(7), as the page shows them: each is built as it says, against the
# installed header alone, is loaded, and does what is said of it.

use strict;
use warnings;
use Test::Herd::Needs qw(iamat whatsat at invalid geojson);
use Test::Herd;
use Test::Herd::Installed;
use Test::Herd::Manual;
use Test::Herd::Ports;
use IO::Socket::INET;
use JSON::PP;

my $page = Test::Herd::Manual->new('herd-modules.7');
my $tree = Test::Herd::Installed->new;
$ENV{HERD} = $tree->file('/sbin/herd');

# Each example begins with a comment and ends with a module; between those of the walk through
# invalid, which manual.t compares, there is text.
my @pages = map { { reverse m{^(/\*.*?^HERD_MODULE_EXPORT\((\w+)\) = \{.*?^\};\n)}msg } } $page->rendered;
delete $_->{invalid} for @pages;
is_deeply $pages[$_], $pages[0], 'those who render the page show the same' for 1 .. $#pages;
my %text = %{ $pages[0] };
my $h = Test::Herd->new(servers => ['Goloman', 'Hands'], adjacency => { Goloman => ['Hands'] }, workers => 2);
my %so = map { $_ => $tree->build($_, $h->write("$_.c", $text{$_}), '-std=c11', '-lm') } sort keys %text;
is_deeply [sort keys %so], [qw(huts moves nap relay wave)], 'the examples are built';
my $built_in = qr/^\$ (cc -shared -fPIC \$\(pkg-config --cflags herd\) -o wave\.so wave\.c)$/m;
like +($page->displays(qr/^\$ cc /))[0]{text}, $built_in, 'the page says how';

# C++ may include the header, and so may who is built in.
my $flags = $tree->pkg_config('--cflags');
my $object = $h->file('wave.o');
my $said = `$ENV{HERD_CC} $flags -DHERD_BUILT_IN -c -o '$object' '@{[$h->file('wave.c')]}' 2>&1`;
is $said, '', 'one is built to be built in';
like `nm '$object'`, qr/ herd_module_wave$/m, '... and has another symbol then';

# The configurations of the page.
my ($wave) = $page->displays(qr/^wave: \{ words/m);
my ($relay) = $page->displays(qr/provider = "relay"/);
my $names = join ', ', map {qq("$so{$_}")} qw(wave relay nap moves huts);
my $port = Test::Herd::Ports::take();
my $text = "$wave->{text}$relay->{text}" =~ s/^load_modules.*\n//mgr =~ s/127\.0\.0\.1:8080/127.0.0.1:$port/r;
$h->configure($h->config_text . "load_modules = [ $names ];\n$text");
my $check = $h->run('-t', '-c', $h->config);
is $check->{err}, 'herd: ' . $h->config . " is well\n", '-t takes them';
like $h->run('-V', '-c', $h->config)->{out}, qr/^$_ +1\.0 .*\n +file: \Q$so{$_}\E$/m, "-V lists $_" for sort keys %so;
my $url = $h->run('-t', '-c', $h->config, '-g', 'places: { relay: { url = "ftp://x/"; }; };');
like $url->{err}, qr/^herd: -g:1: places\.relay\.url: must begin with https/, 'relay checks its url';

$h->allow(qr/Cannot connect/, qr/warn - relay: UNKNOWN_ERROR: /);
$h->start('Goloman')->start('Hands', ['-g', 'places: { provider = "huts"; };']);
$h->ask('Goloman', 'IAMAT kiwi +34.068930-118.445127 1520023934');

# wave
is $h->ask('Goloman', 'WAVE kiwi'), 'Kia ora, kiwi', 'WAVE';
is $h->ask('Goloman', 'WAVE moa'), '? WAVE moa', '... of one who is not known';
is $h->status('Goloman')->{wave_said}, 1, '... is counted';

# nap
my ($slow, $quick) = map { $h->connect('Goloman') } 1 .. 2;
$slow->send("NAP 50\nYOLO\n");
is $quick->ask('NAP 0'), 'AWAKE', 'NAP';
is_deeply [$slow->lines(2)], ['AWAKE', '? YOLO'], '... those behind it wait';
is $quick->ask('NAP x'), '? NAP x', '... of no number';
my $gone = $h->connect('Goloman');
$gone->send("NAP 60000\n");
ok $h->wait_for(sub { $h->log('Goloman') =~ /Message received: 'NAP 60000'/ }, 'it is read'), '... of one who goes';
$gone->reset;

# moves
for my $server (qw(Goloman Hands)) {
    ok $h->wait_for(sub { $h->ask($server, 'MOVES') eq 'MOVES 1' }, 'it is seen'), "MOVES at $server";
}

# huts, whom Hands asks: the nearest first, and none is no failure
$h->ask('Hands', 'IAMAT kea -44.09+169.33 1520023934');
my @found = map { decode_json($h->answer('Hands', "WHATSAT kea $_") =~ s/^.*\n//r) } '9 19', '9 2', '5 19', '1 19';
is_deeply [map { join ', ', map { $_->{name} } @{ $_->{results} } } @found],
    ['Top Forks, Siberia, Brewster', ('Top Forks, Siberia') x 2, ''], 'huts';
is_deeply [map { $_->{status} } @found], [('OK') x 3, 'ZERO_RESULTS'], '... and status';

# relay, at first without anybody to ask
like $h->answer('Goloman', 'WHATSAT kiwi 10 5'), qr/\n\{.*"results":\[\],"status":"UNKNOWN_ERROR", "error_message":".+"\}\n\n\z/,
    'relay: nobody to ask';
ok $h->wait_log('Goloman', 'warn - relay: UNKNOWN_ERROR: '), '... which the log says';
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 4, ReuseAddr => 1)
    // die "port $port: $!\n";
my $asking = $h->connect('Goloman');
$asking->send("WHATSAT kiwi 10 5\n");
my $peer = $listener->accept;
my $request = <$peer>;
like $request, qr{^GET /places\?lat=34\.0689300&lng=-118\.4451270&km=10\.000&bound=20 HTTP}, 'relay asks';
my @places = map { qq({"name":"hut $_"}) } 1 .. 9;
my $body = join '', map {"$_\n"} @places;
my $json = '{"results":[' . join(',', @places[0 .. 4]) . '],"status":"OK"}';
print {$peer} "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
close $peer;
like $asking->answer, qr/\AAT Goloman [^\n]+\n\Q$json\E\n\n\z/, '... and makes an answer';

$asking->send("WHATSAT kiwi 10 5\n");
$peer = $listener->accept;
like scalar <$peer>, qr{^GET }, 'relay asks again';
$asking->reset;
ok $h->wait_for(sub { $h->status('Goloman')->{searches_cancelled} == 1 }, 'it is cancelled'), '... for a client who goes';
1 while <$peer>;
close $peer;

$slow->send("NAP 60000\n");
is $h->stop($_), 0, "$_ stops" for qw(Goloman Hands);
done_testing;
