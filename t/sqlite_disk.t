# A disk that hangs under the file of places: who asks for places is told after five seconds, and so
# is the log; all others are served meanwhile, and when the disk is back the places are.
use Test::Herd::Needs qw(iamat whatsat invalid sqlite);
use Test::Herd;
use Test::Herd::Failing;
use Test::Herd::Time qw(now slowly);

my $excuse = Test::Herd::Failing::excuse();
plan skip_all => $excuse if $excuse;

# More places than are kept of the file in memory.
my $h = Test::Herd->new(places => q(provider = "sqlite"; sqlite: { file = "my.sqlite"; threads = 1; keep = "0"; };));
my $lines = join '', map { sprintf qq({"lat":%d,"lon":%d,"name":"%s"}\n), $_ % 80, $_ / 100, 'x' x 900 } 1 .. 8000;
my ($source, $db) = ($h->write('import.jsonl', $lines), $h->file('my.sqlite'));
my $said = `'$ENV{HERD_BUILDDIR}/herd-places' import '$source' '$db' 2>&1`;
is $?, 0, 'the file is made' or diag $said;

$h->allow(qr/sqlite: UNKNOWN_ERROR/);
my $f = Test::Herd::Failing->new($h);
$f->start('Goloman');
$h->ask('Goloman', "IAMAT k$_ +$_.1+$_.1 1") for 10, 40, 70;
like $h->answer('Goloman', 'WHATSAT k10 49 1'), qr/"status":"OK"/, 'places';

$f->hang;
my ($client, $began) = ($h->connect('Goloman'), now());
$client->send("WHATSAT k40 49 1\n");
ok $h->wait_for(sub { $f->failed > 0 }, 'a read'), 'the disk hangs';
my $second = $h->connect('Goloman');
$second->send("WHATSAT k70 49 1\n");
like $h->ask('Goloman', 'IAMAT other +1+1 1'), qr/^AT /, 'others are served';
cmp_ok now() - $began, '<', slowly(4), '... at once';
like $client->answer, qr/"error_message":"the file of places does not answer in time"/, 'who asks is told';
like $second->answer, qr/"error_message":"the file of places does not answer in time"/, '... and who waits';
cmp_ok now() - $began, '<', slowly(8), '... in time';
ok $h->wait_log('Goloman', 'warn - sqlite: UNKNOWN_ERROR: the file of places does not answer in time'), '... the log, too';
is scalar(() = $h->log('Goloman') =~ / warn /g), 1, '... once';

$f->disarm;
like $h->answer('Goloman', 'WHATSAT k70 49 1'), qr/"status":"OK"/, 'the disk is back, and the places';
ok $h->wait_for(sub {
    $h->answer('Goloman', 'WHATSAT k70 49 1');
    $h->log('Goloman') =~ /sqlite: answers again/;
}, 'a word of it'), '... the log says so';
is $h->stop('Goloman'), 0, 'it stops';
done_testing;
