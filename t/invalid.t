# Invalid commands: a question mark and the line as it came, less its line end.
use Test::Herd::Needs qw(iamat whatsat invalid);
use Test::Herd;

my $h = Test::Herd->new(limits => 'line = "128";');
$h->start_all;
my $c = $h->connect('Goloman');

sub show { my $s = shift; $s =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge; substr $s, 0, 70 }

my @lines = (
    'YOLO clientX 3.14 1592', 'x', '?', '? x', "  two\t blanks  ", "\0", "\x80\xff", "a\0b",
    'AT Goloman +0.263873386 kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997',
    'AT Goloman +0.263873386 kiwi +34-118 1520023934.918963997 Goloman', 'AT',
    'HELLO 1 Hands Goloman ' . '0' x 32 . ' 1 64 HAVE -', 'MARK 0 1', 'PING 1', 'PONG 1', 'QUIT',
    "x\ry", "x \ry \t", "\x{c2}\x{a0}", 'x' x 128,
);
is $c->ask($_), "? $_", show($_) for @lines;

# The line end is LF or CRLF, and no more than that.
$c->send("x\r\n");
is $c->line, '? x', 'CRLF is a line end';
$c->send("x\r\r\n");
is $c->line, "? x\r", '... of which one CR is part';
$c->send('x' x 128 . "\r\n");
is $c->line, '? ' . 'x' x 128, '... that does not count as length';

# Nothing of it has an effect, and the connection goes on.
is $h->at_line('Goloman', 'kiwi'), undef, 'AT from a client is not believed';
like $c->ask('IAMAT k +1-1 1'), qr/^AT Goloman /, 'the connection goes on';
is $h->status('Goloman')->{clients}, 1, 'one client is known';

# A line longer than limits.line: its first 64 bytes, then the end.
for my $line ('y' x 129, 'y' x 100_000, 'IAMAT k +1-1 2 ' . ' ' x 200) {
    $c = $h->connect('Goloman');
    $c->send("ok\n$line\nIAMAT k +1-1 3\n");
    is $c->all, "? ok\n? " . substr($line, 0, 64) . "\n", length($line) . ' bytes are too long';
}
$c = $h->connect('Goloman');
$c->send('z' x 64 . "\0\x80" . 'z' x 100);
is $c->line, '? ' . 'z' x 64, 'a line that is too long is answered before its end';
$c->send("more\nof\nit\n" x 1000);
ok $c->eof, '... and ended, whatever follows';
$c = $h->connect('Goloman');
$c->send("\x80\0" . 'w' x 200 . "\n");
is $c->all, "? \x80\0" . 'w' x 62 . "\n", 'of any bytes the first 64';
like $h->ask('Goloman', 'WHATSAT k 0 0'), qr/ k \+1-1 1$/, 'what stood behind was not executed';
done_testing;
