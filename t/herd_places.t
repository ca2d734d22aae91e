# herd-places as its users have it: what it makes of files of each form, that it is all or nothing,
# what it says, and what is near, also at the antimeridian and the poles.
use Test::Herd::Needs qw(sqlite);
use Test::Herd;
use Test::Herd::Time qw(wait_until);
use File::Temp ();

my $dir = File::Temp->newdir('herd-places-XXXXXX', TMPDIR => 1);
my $program = "$ENV{HERD_BUILDDIR}/herd-places";
my $runs = 0;

sub file {
    my ($name, $bytes) = @_;
    if (defined $bytes) {
        open my $out, '>:raw', "$dir/$name" or die "$name: $!\n";
        print {$out} $bytes;
        close $out or die "$name: $!\n";
    }
    return "$dir/$name";
}

# Starts it with its output in files. Returns the number of the process, and what they are called.
sub launch {
    my ($input, @args) = @_;
    my $label = file('run' . ++$runs);
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDIN, ref $input ? '<&' : '<', $input or die "$input: $!\n";
        open STDOUT, '>', "$label.out" or die "$label.out: $!\n";
        open STDERR, '>', "$label.err" or die "$label.err: $!\n";
        exec $program, @args or die "$program: $!\n";
    }
    return ($pid, $label);
}

sub said {
    open my $in, '<:raw', $_[0] or die "$_[0]: $!\n";
    local $/;
    return <$in> // '';
}

sub run {
    my ($pid, $label) = launch('/dev/null', @_);
    waitpid $pid, 0;
    return { status => $? >> 8, signal => $? & 127, out => said("$label.out"), err => said("$label.err") };
}

sub fails {
    my ($args, $why, $what) = @_;
    my $run = run(@$args);
    is $run->{status}, 1, $what;
    like $run->{err}, $why, '... and why';
}

sub names { join ' ', map { (split /\t/)[3] // '-' } split /\n/, run('near', @_)->{out} }
sub content_of { join ' ', sort map {s{.*/}{}r} glob "$dir/*.db* $dir/*.tmp" }

# ---- each form ----

my $db = file('places.db');
my $lines = join '', map {"$_\n"} '{"lat":49.1,"lon":-123.1,"amenity":"cafe","name":"Caf\u00e9","tags":{"id":12345678901234567890}}',
    '{"lat":49.2,"lon":-123.1,"amenity":"bench"}';
my $run = run('import', file('a.jsonl', $lines), $db);
is $run->{status}, 0, 'a file of lines is imported';
like $run->{out}, qr/^2 places in \Q$db\E, in \d/, 'it says how many places there are';
is $run->{err}, '', 'and nothing else where it is no terminal';
$run = run('near', $db, 49.1, -123.1, 20, 5);
is $run->{out}, "0.000000\t49.1\t-123.1\tCaf\xc3\xa9\n11.119508\t49.2\t-123.1\t\n", 'the nearest first';
$run = run('near', '-j', $db, '49.10', '-123.1', 5, 5);
is $run->{out}, qq({"html_attributions":[],\n"results":[\n{"geometry":{"location":{"lat":49.1,"lng":-123.1}},)
    . qq("name":"Caf\\u00e9","types":["cafe"],"properties":{"tags":{"id":12345678901234567890}}}\n],\n"status":"OK"}\n),
    'near -j: what WHATSAT answers, bytes as they came';
is run('near', $db, 0, 0, 50, 5)->{out}, '', 'nothing near';
is run('near', $db, 49.1, -123.1, 20, 0)->{out}, '', 'none asked for';
$run = run('info', $db);
like $run->{out}, qr/\Aplaces    2\nbytes     \d+\nlatitude  49\.1 to 49\.2\nlongitude -123\.1 to -123\.1\nimported  \d{4}-.*Z\nmade by   herd-places \S+\n\z/,
    'info';
run('import', file('escapes.jsonl', '{"lat":1,"lon":1,"name":"a\\u001b[2Jb\\u009b2Jc\\u00e9"}' . "\n"), file('escapes.db'));
is names(file('escapes.db'), 1, 1, 1, 1), "a [2Jb  2Jc\xc3\xa9", 'no name moves the cursor';
my $bytes = do { open my $in, '<:raw', file('escapes.db') or die; local $/; <$in> };
is $bytes =~ s/tableaboutabout/tablea\e[2Ja\e[2J/ && $bytes =~ s/CREATE TABLE about/CREATE TABEL about/, 1, 'a file whose tables are named so';
$run = run($_, file('spoilt.db', $bytes), $_ eq 'near' ? (1, 1, 1, 1) : ()), like $run->{err}, qr/malformed database schema \(a\?\[2J\)/,
    "... nor does what $_ says of it" for qw(near info);
unlink file($_) for qw(escapes.db spoilt.db);

my $feature = sub { qq({"type":"Feature","geometry":{"type":"Point","coordinates":[$_[1],$_[0]]},"properties":{"name":"$_[2]"}}) };
my $collection = sub { qq({"type":"FeatureCollection","features":[\n) . join(",\n", @_) . "\n]}\n" };
$run = run('import', file('a.geojson', $collection->($feature->(1, 2, 'x'), $feature->(1, 2.1, 'y'))), $db);
is names($db, 1, 2, 20, 5), 'x y', 'GeoJSON, in the place of what was there';
$run = run('import', file('a.csv', "name,lat,lon,note\n\"a, b\",3,4,n\nb,3,4.1,\n"), $db);
is names($db, 3, 4, 20, 5), 'a, b b', 'CSV';
my ($pid, $label) = launch(file('a.jsonl'), 'import', '--format', 'jsonl', '-', $db);
waitpid $pid, 0;
is names($db, 49.2, -123.1, 5, 5), '-', 'standard input';
is $?, 0, '... is imported';

# ---- corners of the earth ----

run('import', file('corners.geojson', $collection->(
    $feature->(0, 179.99, 'west'), $feature->(0, -179.98, 'east'), $feature->(0, 179, 'far'), $feature->(0.001, -180, 'line'),
    map({ $feature->(89.99, $_, "n$_") } 0, 90, 180, -90), $feature->(-90, 45, 'pole'))), $db);
is names($db, 0, 180, 10, 19), 'line west east', 'from the antimeridian';
is names($db, 0, -179.999, 10, 19), 'line west east', 'from east of it';
is names($db, 0, 179.995, 10, 19), 'west line east', 'from west of it';
is names($db, 90, -17, 10, 19), 'n0 n90 n180 n-90', 'from the north pole, equally near ones as imported';
is names($db, -89.99, -135, 10, 19), 'pole', 'the south pole';

# ---- bad rows ----

my $bad = file('bad.csv', "lat,lon,name\n" . "1,2\n" x 30 . "5,6,good\n91,0,\n");
$run = run('import', $bad, $db);
is $run->{status}, 0, 'bad rows beside a good one';
my @named = split /\n/, $run->{err};
is $named[0], "$bad:2: 2 fields for 3 columns", 'are named by line';
is scalar(@named), 22, 'the first twenty';
is $named[-1], "$bad: 31 that are no places", 'and counted';
is names($db, 5, 6, 1, 5), 'good', 'the good one is there';
fails(['import', '--strict', $bad, $db], qr/^herd-places: \Q$bad\E:2: 2 fields for 3 columns$/m, 'strict: the first one ends it');
fails(['import', file('none.csv', "lat,lon\nx,y\n"), $db], qr/none\.csv: no place in it/, 'no place at all');
fails(['import', file('empty.jsonl', ''), $db], qr/empty\.jsonl: no place in it/, 'an empty file');
fails(['import', file('cut.geojson', substr($collection->($feature->(1, 2, 'x')), 0, -4)), $db],
    qr/cut\.geojson:\d: it ends too early/, 'a file that is cut off');
fails(['import', file('a.txt', 'x'), $db], qr/--format/, 'a name that tells no format');
fails(['import', file('missing.csv'), $db], qr/missing\.csv: No such file/, 'a file that is missing');
is names($db, 5, 6, 1, 5), 'good', 'the old file has stayed through all that';
is content_of(), 'places.db', 'and nothing beside it';

# A control byte is six in JSON, so an entry may be longer than its record: what could not be read again is not stored.
$run = run('import', file('long.csv', "lat,lon,name\n1,1," . "\1" x 900_000 . "\n1,1,ok\n"), "$dir/long.db");
like $run->{err}, qr/long\.csv:2: its entry is longer than \d+ bytes$/m, 'a row whose entry is too long';
is names("$dir/long.db", 1, 1, 1, 5), 'ok', '... costs no other';
unlink "$dir/long.db";

# ---- all or nothing ----

fails(['import', file('a.csv'), file('notes.db', 'my notes')], qr/not a file of places; it is not replaced/, 'another file is not replaced');
is said(file('notes.db')), 'my notes', '... and has stayed';
unlink file('notes.db');
fails(['import', file('a.csv'), "$dir/none/x.db"], qr/No such file/, 'no such folder');
for my $signal (qw(TERM INT HUP)) {
    pipe my $in, my $out or die "pipe: $!\n";
    my ($child, $label) = launch($in, 'import', '--format', 'csv', '-', $db);
    close $in;
    syswrite $out, "lat,lon\n" . "1,2\n" x 5000;
    wait_until(sub { my $inode = (stat "$db.tmp")[1]; $inode && said('/proc/locks') =~ /FLOCK.*:$inode / }, 'the new file');
    is run('import', file('a.csv'), $db)->{err}, "herd-places: $db.tmp: another import is at work\n", 'one import at a time'
        if $signal eq 'TERM';
    kill $signal, $child;
    waitpid $child, 0;
    is $? & 127, { TERM => 15, INT => 2, HUP => 1 }->{$signal}, "SIG$signal ends it";
    is content_of(), 'places.db', '... and it leaves nothing';
}
my $large = file('large.csv', "lat,lon,name\n" . join '', map {"1,2,place $_\n"} 1 .. 20_000);
my $full = `ulimit -f 500; '$program' import '$large' '$db' 2>&1`;
is $? >> 8, 1, 'no room for the file';
like $full, qr/^herd-places: \Q$db\E\.tmp: /, '... and why';
is content_of(), 'places.db', '... and it leaves nothing';
file('places.db.tmp', substr said($db), 0, 5000);
is run('import', file('a.csv'), $db)->{status}, 0, 'what a killed one left is taken over';
is content_of(), 'places.db', '... and gone';
file('places.db.tmp', "\0" x 5000);
is run('import', file('a.csv'), $db)->{status}, 0, 'and where the disk has nothing of it';
file('places.db.tmp', "lat,lon\n1,2\n");
fails(['import', '--format', 'csv', file('places.db.tmp'), $db], qr/\.tmp: is there, and is not left by an import/, 'another file of that name');
is said(file('places.db.tmp')), "lat,lon\n1,2\n", '... has stayed, though it was to be imported';
unlink file('places.db.tmp');
system 'mkfifo', file('places.db.tmp');
fails(['import', file('a.csv'), $db], qr/\.tmp: not a regular file/, 'nor is a pipe taken over');
ok -p file('places.db.tmp'), '... it has stayed';
unlink file('places.db.tmp');
symlink 'nowhere.db', file('link.db');
fails(['import', file('a.csv'), file('link.db')], qr/link\.db: a symbolic link that leads nowhere/, 'a link that leads nowhere');
unlink file('link.db');
symlink 'places.db', file('link.db');
chmod 0640, $db;
run('import', file('corners.geojson'), file('link.db'));
ok -l file('link.db'), 'a symbolic link stays one';
is names($db, 0, 180, 10, 1), 'line', '... and what it leads to is new';
is +(stat $db)[2] & 0777, 0640, 'the mode stays';
unlink file('link.db');

# ---- bad usage, bad files ----

fails(\@$_, qr/herd-places -h shows the usage/, "bad usage: @$_")
    for [], ['fly'], ['import'], ['import', 'x.csv'], ['import', '--what', 'a', 'b'], ['import', '--format', 'xml', 'a', 'b'],
    ['near', $db, 1, 2, 3], ['near', $db, 91, 2, 3, 4], ['near', $db, 1, 181, 3, 4], ['near', $db, 1, 2, -3, 4],
    ['near', $db, 1, 2, 'nan', 4], ['near', $db, 1, 2, 3, 4.5], ['near', '-x', $db, 1, 2, 3, 4], ['info'];
fails(['near', file('a.csv'), 1, 2, 3, 4], qr/a\.csv: not a SQLite file/, 'near in another file');
fails(['info', file('missing.db')], qr/missing\.db: No such file/, 'info of none');
like run('-h')->{out}, qr/^usage: herd-places import/, '-h';
like run('--version')->{out}, qr/^herd-places \d/, '--version';

done_testing;
