# Lines: split over segments and many in one, half-closed, blank, NUL and high bytes, without an end.
use Test::Herd::Needs qw(iamat whatsat invalid);
use Test::Herd;

my $h = Test::Herd->new;
$h->start_all;

# Byte by byte; each write is seen to be taken before the next.
my $c = $h->connect('Goloman');
my $line = "IAMAT split +34.068930-118.445127 1520023934.918963997\r\n";
$c->send($_) for split //, $line;
like $c->line, qr/^AT Goloman \S+ split \+34\.068930-118\.445127 1520023934\.918963997$/,
    'a line byte by byte';
for my $cut (1 .. length($line) - 1) {
    my ($a, $b) = (substr($line, 0, $cut), substr $line, $cut);
    $c->send("a\n$a");
    my $first = $c->line;
    $c->send("${b}b\n");
    my @rest = $c->lines(2);
    next if "$first|$rest[1]" eq '? a|? b' && $rest[0] =~ /^AT Goloman \S+ split /;
    fail "cut at $cut: $first, @rest";
}
pass 'a line cut at each place';

# Many in one segment, and in order.
$c->send(join '', map {"c $_\n"} 1 .. 5000);
is join('|', $c->lines(5000)), join('|', map {"? c $_"} 1 .. 5000), '5,000 lines at once, in order';
$c->send("\n\r\n \t\x0b\x0c\r\n   \n\r\r\n");
$c->send("x\n");
is $c->line, '? x', 'lines of white space alone are ignored';
is $h->answer('Goloman', ''), '', '... also the only one';

# The end of input.
is answer_to("IAMAT"), "? IAMAT\n", 'the end of input ends a last line';
is answer_to("a\nb"), "? a\n? b\n", '... behind others';
is answer_to("a\r"), "? a\r\n", '... where a CR is no line end';
is answer_to(''), '', 'no input, no answer';
is answer_to(" \t"), '', 'a last line of white space is ignored';
like answer_to('IAMAT last +1-1 1'), qr/^AT Goloman \S+ last \+1-1 1\n$/, 'a last IAMAT counts';
ok $h->at_line('Goloman', 'last'), '... and is kept';
my $many = join '', map {"IAMAT many$_ +1-1 $_\n"} 1 .. 3000;
is scalar(() = answer_to($many) =~ /^AT Goloman \S+ many\d+ \+1-1 \d+\n/mg), 3000,
    'half-closed at once: all is answered first';
like answer_to("WHATSAT last 1 1\nIAMAT z +1-1 1"), qr/\n\nAT Goloman \S+ z \+1-1 1\n\z/,
    '... behind WHATSAT too';

sub answer_to {
    my ($bytes) = @_;
    my $client = $h->connect('Goloman');
    $client->send($bytes);
    $client->shut;
    return $client->all // 'the connection stays open';
}

# Every byte but white space is an ordinary one.
my $all = join '', map { chr } grep { !/^(?:9|1[0-3]|32)$/ } 0 .. 255;
is $c->ask($all), "? $all", 'all 250 bytes in one field';
like $c->ask("IAMAT $all +1-1 1"), qr/^AT Goloman \S+ \Q$all\E \+1-1 1$/, '... and as a client';
like $h->at_line('Goloman', $all), qr/ \Q$all\E \+1-1 1$/, '... which is found again';

# 4 KiB is the longest line, with or without a line end.
my $longest = 'l' x 4096;
is $c->ask($longest), "? $longest", '4,096 bytes are a line';
is answer_to($longest), "? $longest\n", '... also without LF';
is answer_to("$longest\r\n"), "? $longest\n", '... also with CRLF';
is answer_to("${longest}l"), '? ' . 'l' x 64 . "\n", '4,097 are not';

# A megabyte without LF, more than any buffer has.
my $client = $h->connect('Goloman');
$client->send('m' x (1 << 20));
is $client->line, '? ' . 'm' x 64, 'a megabyte without LF: its first 64 bytes';
ok $client->eof, '... then the end';
is answer_to("\n" x (1 << 20) . 'x'), "? x\n", 'a megabyte of empty lines is nothing';
my $blanks = answer_to(' ' x 5000 . "\n");
is $blanks, '? ' . ' ' x 64 . "\n", 'a blank line can be too long, too';

# A client that sends a lot before it reads anything.
my $bytes = join '', map { sprintf "%-99d\n", $_ } 1 .. 20_000;
my $slow = $h->connect('Goloman');
my $sent = 0;
my $got = 0;
while ($sent < length $bytes) {
    $sent += $slow->send_some(substr $bytes, $sent, 65536);
    last if $sent >= length $bytes;
    $got++ if defined $slow->line(0.01);
}
$slow->shut;
my $rest = $slow->all // '';
is $got + ($rest =~ tr/\n//), 20_000, 'two megabytes of lines are answered, every one';
done_testing;
