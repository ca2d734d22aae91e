# IAMAT: the answer to the byte, its forms and bounds, and which report is kept.
use Test::Herd::Needs qw(iamat whatsat invalid);
use Test::Herd;
use Time::HiRes ();

my $h = Test::Herd->new(limits => 'max_ahead = "0";');
$h->start_all;
my $c = $h->connect('Goloman');

# The answer, whose difference is the server's clock minus the client's.
sub wall_us { int(Time::HiRes::time() * 1e6) }
sub report_of { "$_[0] +34.068930-118.445127 $_[1]" }

my $before = wall_us();
my $answer = $c->ask('IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997');
my $after = wall_us();
my $fields = 'kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997';
like $answer, qr/^AT Goloman \+\d+\.\d{9} \Q$fields\E$/, 'the answer is the AT line';
my ($s, $us) = $answer =~ /\+(\d+)\.(\d{6})/;
my $heard_us = $s * 1_000_000 + $us + 1520023934_918963;
ok $heard_us >= $before - 2 && $heard_us <= $after + 2, 'the difference is clock minus stamp'
    or diag "$before <= $heard_us <= $after";
like $c->ask('IAMAT far +0+0 9223372035'), qr/^AT Goloman -\d+\.\d{9} far \+0\+0 9223372035$/,
    'a client ahead of the clock has a negative difference';

# What is taken comes back as it was written.
my $long = '+0.' . '0' x 29 . '-118.' . '0' x 27;
my @good = (
    'k +90-180 0', 'k -90+180.000 00005', 'k -0+0.0 1.0', 'k +007-0118.50 1.123456789123456789',
    "k $long 5", 'k +0-0 ' . '0' x 64, 'k +0-0 9223372035.000000000', 'IAMAT +0-0 2',
    'x' x 1024 . ' +1-1 1', "\0\x01\x80\xff\xc3\xa4 +1-1 1", '? +1-1 1', 'k +90.000-180.0000 3',
);
for (@good) {
    my ($client, $location, $time) = split / /;
    like $c->ask("IAMAT $_"), qr/^AT Goloman [+-]\d+\.\d{9} \Q$_\E$/, 'taken: ' . show($_);
}
is length $long, 64, 'of these one location has 64 bytes';
like $c->ask(" \tIAMAT\x0b\x0cw  +1-1\r\r 7\t "), qr/^AT Goloman \S+ w \+1-1 7$/,
    'white space of any kind and amount parts fields';

# What is not comes back behind a question mark.
my @bad_locations = (
    '+34', '34-118', '+34.-118', '+.5-118', '+34-.5', '+34-118.', '+90.0000000001-0', '-91+0',
    '+0+180.00000000000000000001', '+0-181', '+34--118', '+-34-118', '+34-118+5', '+3e1-118',
    '+34,5-118', '+nan-118', '+0x1-1', "$long" . '0', '+34-118/', "+34-118\0", '++', '+1000-0',
);
my @bad_times = (
    '-1', '+1', '1e9', '0x10', 'nan', 'inf', '1.', '.5', '1.2.3', '1.1234567890123456789',
    '9223372036', '9223372035.000000001', '99999999999999999999999', '0' x 65, "1\0", '1,5',
);
my @bad = (
    map({"IAMAT k $_ 5"} @bad_locations), map({"IAMAT k +1-1 $_"} @bad_times),
    'IAMAT', 'IAMAT k', 'IAMAT k +1-1', 'IAMAT k +1-1 5 6', 'IAMAT k +34 -118 5',
    'IAMAT ' . 'x' x 1025 . ' +1-1 5', 'iamat k +1-1 5', 'Iamat k +1-1 5', 'IAMATk +1-1 5',
    "IAMAT\0 k +1-1 5", " IAMAT k  +1-1 \t", "IAMAT\xa0k +1-1 5 6",
);
is $c->ask($_), "? $_", 'refused: ' . show($_) for @bad;

sub show { my $s = shift; $s =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge; substr $s, 0, 70 }

# The newest by the client's own time is kept, to the nanosecond.
my %was = %{ $h->status('Goloman') };
my $first = $c->ask('IAMAT n +1-1 100.000000005');
is $h->at_line('Goloman', 'n'), $first, 'a new client is kept';
like $c->ask('IAMAT n +2-2 100.000000004'), qr/ n \+2-2 100\.000000004$/,
    'an older report is answered with its own data';
is $h->at_line('Goloman', 'n'), $first, '... and not kept';
my $again = $c->ask('IAMAT n +1-1 100.000000005');
like $again, qr/ n \+1-1 100\.000000005$/, 'a repeat is answered';
isnt $again, $first, '... with the difference of now';
is $h->at_line('Goloman', 'n'), $first, '... and not kept';
my $newer = $c->ask('IAMAT n +3-3 100.000000006');
is $h->at_line('Goloman', 'n'), $newer, 'a nanosecond newer is kept';
my $tie = $c->ask('IAMAT n +4-4 100.0000000069');
is $h->at_line('Goloman', 'n'), $tie, 'further digits do not count: of equal stamps the later heard';

my %now = %{ $h->status('Goloman') };
my @kinds = qw(new newer older repeats ties refused);
is_deeply [map { $now{"reports_$_"} - $was{"reports_$_"} } @kinds], [1, 1, 1, 1, 1, 0],
    'the counters say so';
is $now{invalid}, @bad, '... and count what was refused';
done_testing;
