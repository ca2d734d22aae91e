# A day of real ships: each report told to a server drawn at random, in file order; all five then
# hold the newest report of every vessel. Then to one server alone, whose counters are known.
use Test::Herd::Needs qw(iamat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Test::Herd::Time qw(now slowly);
use Time::Local qw(timegm);

my $file = $ENV{HERD_AIS};
plan skip_all => 'HERD_AIS names no file: a gzipped CSV of mmsi,time,lat,lon' if !defined $file;
plan skip_all => "HERD_AIS: $file is not there" if !-f $file;

use constant { SEED => 20220103, REPORTS => 99_999, VESSELS => 10_631 };

# ---- the file's reports: [vessel, "vessel location time"] ----

sub signed { my ($degrees) = @_; $degrees =~ /^-/ ? $degrees : "+$degrees" }

my (@reports, %day);
open my $in, '-|', 'gzip', '-dc', $file or die "gzip: $!\n";
while (my $line = <$in>) {
    my ($vessel, $time, $lat, $lon) = split /,/, $line;
    my ($date, $h, $m, $s) = $time =~ /^([\d-]{10})T(\d\d):(\d\d):(\d\d)Z$/ or next;
    my ($year, $month, $mday) = split /-/, $date;
    $day{$date} //= timegm(0, 0, 0, $mday, $month - 1, $year);
    my $stamp = $day{$date} + 3600 * $h + 60 * $m + $s;
    push @reports, [$vessel, "$vessel " . signed($lat) . signed($lon) . " $stamp"];
}
close $in or die "gzip -dc $file: $?\n";
my %vessels = map { $_->[0] => 1 } @reports;
my @vessels = sort keys %vessels;
is scalar @reports, REPORTS, 'the file has 99,999 reports';
is scalar @vessels, VESSELS, 'of 10,631 vessels';

# Tells the reports in this order, each to the server that goes with it: many at a time, but never
# two of one vessel, so that each vessel's are heard in order. Returns the answers in that order.
sub feed {
    my ($h, $server_of) = @_;
    my (%conn, %busy, @batch, @answers);
    my $finish = sub {
        bulk_begin($conn{$_} //= bulk_open($h, $_), map {"IAMAT $_->[1]"} @{ $batch[0]{$_} })
            for keys %{ $batch[0] };
        my %answers = map { $_ => [bulk_finish($conn{$_})] } keys %{ $batch[0] };
        push @answers, map { shift @{ $answers{$_} } } @{ $batch[1] };
        (%busy, @batch) = ();
    };
    for my $i (0 .. $#reports) {
        $finish->() if $busy{ $reports[$i][0] }++;
        $busy{ $reports[$i][0] } = 1;
        push @{ $batch[0]{ $server_of->[$i] } }, $reports[$i];
        push @{ $batch[1] }, $server_of->[$i];
    }
    $finish->();
    return @answers;
}

# Whether AT line a wins over b: greater time, then difference, origin, location, time text. The
# differences have nine decimals and all are positive here: they are years.
sub wins {
    my ($x, $y) = map { [split] } @_;
    return ($x->[5] <=> $y->[5] || length $x->[2] <=> length $y->[2] || $x->[2] cmp $y->[2]
        || $x->[1] cmp $y->[1] || $x->[4] cmp $y->[4] || $x->[5] cmp $y->[5]) > 0;
}

# ---- the herd ----

my $h = Test::Herd->five(log => 'messages = false; file = "%n.log"');
my @all = $h->servers;
$h->start_all;
srand SEED;
my @server_of = map { $all[rand @all] } @reports;
my $began = now();
my @answers = feed($h, \@server_of);
diag sprintf '%d reports told to five servers in %.1f s', scalar @answers, now() - $began;

my @wrong = grep {
    $answers[$_] !~ /^AT $server_of[$_] \+\d+\.\d{9} \Q$reports[$_][1]\E$/
} 0 .. $#reports;
is scalar @wrong, 0, 'each is answered with its AT line' or diag "$answers[$wrong[0]]";

# The winners. A report that says what an earlier one of the vessel said may have met that one and
# count as a repeat, which is answered and not stored: then the next best is the winner.
my (%best, %said, %or_this);
for my $i (0 .. $#reports) {
    my ($vessel, $text) = @{ $reports[$i] };
    $or_this{$vessel} = $best{$vessel} if $said{$text}++;
    $best{$vessel} = $answers[$i] if !defined $best{$vessel} || wins($answers[$i], $best{$vessel});
}

my $held = agreed($h, \@all, \@vessels, 5);
ok $held, 'all five agree on all 10,631 vessels, byte for byte';
my @lost = grep { $held->{$_} ne $best{$_} && $held->{$_} ne ($or_this{$_} // '') } @vessels;
is scalar @lost, 0, 'on the newest report of each' or diag "$held->{$lost[0]}\n$best{$lost[0]}";
is $h->status($_)->{clients}, VESSELS, "$_ holds 10,631 clients" for @all;
my $told = 0;
for my $server (@all) {
    my $status = $h->status($server);
    $told += $status->{"reports_$_"} for qw(new newer older ties repeats);
}
is $told, REPORTS, 'their counters have every report';
$h->check_end;

# ---- one server alone ----

my $alone = Test::Herd->new(log => 'messages = false; file = "%n.log"');
$alone->start('Goloman');
feed($alone, [('Goloman') x @reports]);
my $status = $alone->status('Goloman');
my %expected = (
    new => VESSELS, newer => 76_673, older => 12_642, ties => 53, repeats => 0, refused => 0,
);
is $status->{"reports_$_"}, $expected{$_}, "one server alone counts $expected{$_} $_"
    for qw(new newer older ties repeats refused);

done_testing;
