# Ten million places, in cities as people live, in a file of SQLite: how long they take to import, and
# in what memory; WHATSATs of 50 km in the densest places, with the file in memory and off it; and
# IAMATs beside them. TORTURE_PERCENT: how many of the places.
use Test::Herd::Needs qw(iamat whatsat sqlite);
use Test::Herd;
use Test::Herd::Bench;
use Test::Herd::Faults;
use Test::Herd::Time qw(now sanitized);

use constant { PLACES => 10_000_000, BYTES => 320, CITIES => 3000, MEDIAN_MS => 2, RSS_MIB => 300 };

my $places = Test::Herd::Faults::amount(PLACES);
my $h = Test::Herd->new(
    places => 'provider = "sqlite"; max_inclusive = true; sqlite: { file = "many.sqlite"; keep = "0"; };',
    log => 'level = "warn"; messages = false;', workers => 1);
my ($free) = (split ' ', (split /\n/, `df -Pk '@{[$h->dir]}'`)[1])[3];
plan skip_all => 'not enough room on the disk' if $free < 3 * $places * BYTES / 1024;

# ---- the file ----

my @cities;

# A city: where, and how wide. The first are the largest; the share of city n falls as 1 / (n + 10).
sub found_cities {
    srand 20260101;
    @cities = map {
        my $lat = atan2(2 * rand() - 1, 1) * 60;
        [$lat, rand(360) - 180, 0.02 + rand 0.25]
    } 1 .. CITIES;
}

sub choose { $cities[int(10 * ((CITIES / 10 + 1)**rand) - 10)] }

sub near_city {
    my ($city) = @_;
    my $away = rand() + rand() + rand() - 1.5;    # about a bell
    my $lon = $city->[1] + (rand() + rand() + rand() - 1.5) * $city->[2];
    return ($city->[0] + $away * $city->[2], $lon > 180 ? $lon - 360 : $lon < -180 ? $lon + 360 : $lon);
}

sub generate {
    my ($to) = @_;
    my @kinds = qw(cafe bench restaurant parking fuel bank pharmacy school toilets bar);
    print {$to} "lat,lon,name,amenity,address,opening_hours\n";
    for my $n (1 .. $places) {
        printf {$to} "%.7f,%.7f,Place %d,%s,%d Main Street,Mo-Su 06:00-22:00\n", near_city(choose()), $n, $kinds[$n % 10], $n % 900;
    }
    close $to;
}

found_cities();
my $began = now();
my $importer = open(my $to, '|-', "exec '$ENV{HERD_BUILDDIR}/herd-places' import --format csv - '@{[$h->file('many.sqlite')]}' >'@{[$h->file('import.out')]}'")
    || die "herd-places: $!\n";
my $peak = 0;
my $watcher = fork // die "fork: $!\n";
if ($watcher == 0) {    # the most memory that it has had
    CORE::close $to;       # or its input would not end
    my $most = 0;
    while (open my $in, '<', "/proc/$importer/status") {
        my ($kib) = map {/^VmHWM:\s+(\d+)/} <$in>;
        last if !defined $kib;
        $most = $kib;
        open my $out, '>', $h->file('peak') or last;
        print {$out} $most;
        close $out;
        select undef, undef, undef, 0.2;
    }
    require POSIX;
    POSIX::_exit(0);
}
generate($to);
is $?, 0, 'herd-places imports them: ' . $h->read('import.out') =~ s/ in .*, / /r;
waitpid $watcher, 0;
my $size = -s $h->file('many.sqlite');
my $rss = $h->read('peak') / 1024;
diag sprintf '%d places: %.0f s to make them up and import them, %.0f MiB of memory, a file of %.2f GB', $places, now() - $began, $rss, $size / 1e9;
ok $rss < RSS_MIB || sanitized(), 'memory does not grow with the file';

# ---- WHATSAT ----

$h->start('Goloman');
my $stamp = 1;

# Milliseconds that each of so many WHATSATs takes, sorted.
sub measure {
    my ($count, $km, $bound) = @_;
    my $client = $h->connect('Goloman');
    my (@ms, $found);
    for (1 .. $count) {
        $client->ask(sprintf 'IAMAT here %+.6f%+.6f %d', near_city(choose()), ++$stamp);
        my $from = now();
        $client->send("WHATSAT here $km $bound\n");
        $found += () = $client->answer =~ /^\{"geometry"/mg;
        push @ms, 1000 * (now() - $from);
    }
    $client->close;
    return ($found, sort { $a <=> $b } @ms);
}

sub forget_pages { system('dd', 'if=' . $h->file('many.sqlite'), 'iflag=nocache', 'count=0', 'status=none') }

sub judge {
    my ($what, $count, $km, $bound) = @_;
    my ($found, @ms) = measure($count, $km, $bound);
    diag sprintf '%s: %d WHATSATs of %g km and %d places: median %.2f ms, p99 %.2f, most %.2f', $what, $count, $km, $bound,
        @ms[$count / 2, $count * 0.99, $count - 1];
    ok $ms[$count / 2] < MEDIAN_MS || sanitized(), "$what: half of them take less than @{[MEDIAN_MS]} ms";
    return $found;
}

forget_pages();
judge('off the disk', 300, 50, 20);
cmp_ok judge('from memory', 3000, 50, 20), '>', 50_000, 'and they are found';
judge('from memory', 3000, 1, 20);

# ---- IAMAT beside it ----

sub p99_us {
    my $run = bench_json($h, qw(-q -c 10 -r 2000 -d 4 --warm-up 0.5 -k 10000), '127.0.0.1:' . $h->port('Goloman'));
    return ($run->{latency_us}{p99} // die $run->{err});
}

SKIP: {
    skip 'sanitizers say nothing of p99', 1 if sanitized();
    my (@alone, @beside);
    for (1 .. 3) {
        push @alone, p99_us();
        my $other = fork // die "fork: $!\n";
        if ($other == 0) {    # a WHATSAT after the other, until it is ended
            $SIG{TERM} = 'DEFAULT';
            my $client = $h->connect('Goloman');
            while (1) {
                $client->ask(sprintf 'IAMAT there %+.6f%+.6f %d', near_city(choose()), ++$stamp);
                $client->send("WHATSAT there 50 20\n");
                $client->answer // last;
            }
            require POSIX;
            POSIX::_exit(1);
        }
        push @beside, p99_us();
        kill 'TERM', $other;
        waitpid $other, 0;
    }
    my ($alone, $beside) = map { (sort { $a <=> $b } @$_)[1] } \@alone, \@beside;
    diag "IAMAT p99 in microseconds: alone @alone, beside WHATSATs @beside";
    cmp_ok $beside, '<', 5 * $alone + 2000, 'IAMATs do not wait for WHATSATs';
}
is $h->status('Goloman')->{searches_failed}, 0, 'no search has failed';

done_testing;
