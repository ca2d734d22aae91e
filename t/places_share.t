# One request for all who ask the same, whichever worker has them, and one answer, each asker's cut
# from the same bytes; kept for those who ask later, for a while and within bounds. Who goes takes
# no more away than its own share.
use Test::Herd::Needs qw(iamat whatsat invalid google);
use Test::Herd;
use Test::Herd::Time qw(now slowly sanitized);
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }

# Twenty results as Google lays them out, with all that stands in the way of a careless cut.
my @place = map { qq({\n   "n" : $_,\r\n\n   "id" : 1234567890123456789$_,"x" : "}],[{\\"\\\\"\n  }) } 1 .. 20;
sub whole { my ($n) = @_; return qq({\n\n "results" : [\n  ) . join(",\n  ", @place[0 .. $n - 1]) . qq(\n ],\n "status" : "OK"\n}\n) }
sub squeezed { my ($n) = @_; return whole($n) =~ s/\r//gr =~ s/\n+/\n/gr =~ s/\n\z//r }
my $huge = '{"results":[{"a":"' . 'z' x 475_000 . '"}],"status":"OK"}';
my $large = '{"results":[{"a":"' . 'y' x 10_000 . '"}],"status":"OK"}';

my $h = Test::Herd->new(servers => [qw(Goloman Hands)], workers => 3);
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => \&answer);
chmod 0600, $h->write('key', "AIza\n") or die;

# What the other server does, by the latitude: below 20: all 20 results, but not before there is the file go.LAT; 20s:
# nothing, and notes that this side goes; 30s: all 20; 40s: one large result.
sub answer {
    my ($client, $lat) = @_;
    if ($lat < 20) { $client->idle(0.01) until -e $h->file("go.$lat") }
    return $client->idle(20) && $h->write("left.$lat.$$", '') if $lat >= 20 && $lat < 30;
    return $client->reply($lat == 19 ? $huge : $lat < 40 ? whole(20) : $large);
}
sub go { my ($lat) = @_; return $h->write("go.$lat", '') }
sub requests { my ($lat) = @_; return scalar grep { $_->[1] =~ /location=$lat\./ } $up->requests }
sub left { my ($lat) = @_; my @left = glob $h->file("left.$lat.*"); return scalar @left }

my %at;
my ($server, $searches);
sub start {
    my ($more, $name) = @_;
    $server = $name // 'Goloman';
    $searches = 0;
    my $options = $up->settings('plain', more => $more);
    $options->[1] =~ s/^places: \{/places: { cache = "64k";/;
    $h->start($server, $options);
    $at{$_} = $h->ask($server, "IAMAT k$_ +$_-1 1") for 1 .. 49;
    return;
}
sub count { my ($name) = @_; return $h->status($server)->{$name} }

# So many clients ask, the first before the others, bounds from 1 on.
sub ask_for {
    my ($lat, $count) = @_;
    my @clients = map { $h->connect($server) } 1 .. $count;
    for (1 .. $count) {
        $clients[$_ - 1]->send("WHATSAT k$lat 10 $_\n");
        $h->wait_for(sub { requests($lat) > 0 }, 'the request') if $_ == 1;
    }
    $searches += $count;
    $h->wait_for(sub { count('searches') == $searches }, 'the searches are begun');
    return @clients;
}
sub told { my ($lat, $n) = @_; return "$at{$lat}\n" . squeezed($n) . "\n\n" }

# Kept for a day.
start('keep = "1d"; failures = 1;');
my @clients = ask_for(1, 12);
is count('searches_joined'), 11, 'twelve ask the same: eleven join';
go(1);
is $clients[$_ - 1]->answer, told(1, $_), "... and one is given $_ of the 20 results" for 1 .. 12;
is requests(1), 1, '... of one request';
for (1, 7, 19, 20) {
    is $h->answer($server, "WHATSAT k1 10 $_"), told(1, $_), "kept, and cut to $_";
    $searches++;
}
$h->ask($server, 'IAMAT near +1.00004-0.99996 1');
like $h->answer($server, 'WHATSAT near 10.0 20'), qr/\AAT Goloman \S+ near .*\n\Q${\squeezed(20)}\E\n\n\z/, '... for who stands beside, too';
is requests(1), 1, '... and nobody is asked';
$h->answer($server, 'WHATSAT k1 10.1 20');
is requests(1), 2, 'another radius is another question';
$searches += 2;
my $status = $h->status($server);    # which has the log written, too
my $log = $h->log($server);
is scalar(() = $log =~ / Places from google \(asked\)$/mg), 2, 'the log says who was asked';
is scalar(() = $log =~ / Places from google \(joined\)$/mg), 11, '... who joined';
is scalar(() = $log =~ / Places from google \(kept\)$/mg), 5, '... and what was kept';
is_deeply [@$status{qw(searches searches_asked searches_kept searches_joined answers_kept)}], [18, 2, 5, 11, 2], '... as the status does';

# Shares. Half go, the one who asked first among them; or the others.
for my $lat (2, 3) {
    my @all = ask_for($lat, 8);
    my @goes = $lat == 2 ? @all[0 .. 3] : @all[4 .. 7];
    my @stays = $lat == 2 ? @all[4 .. 7] : @all[0 .. 3];
    my $before = count('searches_cancelled');
    $_->reset for @goes;
    ok $h->wait_for(sub { count('searches_cancelled') == $before + 4 }, 'they go'), 'four of eight go';
    go($lat);
    is_deeply [map { $_->answer } @stays], [map { told($lat, $_) } $lat == 2 ? 5 .. 8 : 1 .. 4], '... the others have their answers';
    is requests($lat), 1, '... of one request';
}
for my $order (0 .. 2) {
    my $lat = 20 + $order;
    my @all = ask_for($lat, 6);
    $_->reset for $order == 0 ? @all : $order == 1 ? reverse @all : @all[3 .. 5, 0 .. 2];
    ok $h->wait_for(sub { left($lat) == 1 }, 'its end'), 'all go: the request is given up';
    is requests($lat), 1, '... the only one';
}
is count('breakers_opened'), 0, 'what was given up has not failed';

# Who comes while the last one goes is answered, whether the request goes on or is a new one.
my $kept = count('searches_asked');
for my $round (1 .. 40) {
    my $line = sprintf "WHATSAT k4 1.%02d 20\n", $round;
    my @leaving = map { $h->connect($server) } 1 .. 3;
    my @staying = map { $h->connect($server) } 1 .. 3;
    $_->send($line) for @leaving;
    go(4) if $round == 20;    # from here on the answer comes at any moment
    for (0 .. 2) { $leaving[$_]->reset; $staying[$_]->send($line) }
    go(4);
    my @got = map { $_->answer // 'nothing' } @staying;
    is_deeply \@got, [(told(4, 20)) x 3], "crossing, round $round" if grep { $_ ne told(4, 20) } @got;
    unlink $h->file('go.4') if $round < 20;
}
cmp_ok count('searches_asked'), '>=', $kept + 40, 'askers and leavers cross';

# Bounded: what was asked for least recently goes.
for my $lat (40 .. 48) { $h->answer($server, "WHATSAT k$lat 10 20"); $h->answer($server, 'WHATSAT k40 10 20') }
$status = $h->status($server);
cmp_ok $status->{answers_bytes}, '<=', 65536, 'no more is kept than may be';
cmp_ok $status->{answers_bytes}, '>', 50000, '... and not much less';
cmp_ok $status->{answers_evicted}, '>', 3, '... the rest made room';
is requests(40), 1, '... not what is asked for again and again';
is $h->answer($server, 'WHATSAT k41 10 20'), "$at{41}\n$large\n\n", '... but what is not';
is requests(41), 2, '... which is asked anew';

# Stopped while some wait on each worker, and some go.
$searches = count('searches');
@clients = ask_for(24, 12);
$_->reset for @clients[0 .. 2];
my $began = now();
is $h->stop($server), 0, 'stopped while many wait for one';
cmp_ok now() - $began, '<', slowly(1), '... at once';

# Patiently: they have their answer first.
start('keep = "200ms";', 'Hands');
@clients = ask_for(5, 6);
$h->signal('Hands', 'QUIT');
$h->wait_log('Hands', 'Stopping:');
go(5);
is_deeply [map { $_->answer } @clients], [map { told(5, $_) } 1 .. 6], 'a patient stop: all are answered';
$h->ended('Hands');

# For a while only; and not at all.
start('keep = "200ms";', 'Hands');
is $h->answer('Hands', 'WHATSAT k30 10 3'), told(30, 3), 'kept for 200 ms';
ok $h->wait_for(sub { $h->answer('Hands', 'WHATSAT k30 10 4') eq told(30, 4) && requests(30) == 2 }, 'another request'),
    '... and then asked again';
$h->stop('Hands');
start('', 'Hands');
is $h->answer('Hands', "WHATSAT k31 10 $_"), told(31, $_), "not kept: cut to $_" for 1 .. 3;
is requests(31), 3, '... and asked each time';
is $h->status('Hands')->{answers_kept}, 0, '... nothing is kept';
$h->stop('Hands');

# A large answer for many who do not read it: limits.buffers holds for all their copies together.
SKIP: {
    skip 'a sanitizer has its own memory', 3 if sanitized();
    my ($count, $options) = (60, $up->settings('plain', more => ''));
    $options->[1] .= ' limits: { buffers = "4m"; };';
    $h->start($server, $options);
    $h->ask($server, 'IAMAT k19 +19-1 1');
    @clients = map { $h->connect($server) } 1 .. $count;
    $_->send("WHATSAT k19 10 1\n") for @clients;
    ok $h->wait_for(sub { count('searches') == $count }, 'the searches are begun'), "$count ask for the same";
    my $peak = sub { open my $in, '<', '/proc/' . $h->pid($server) . '/status' or die; return (join('', <$in>) =~ /^VmHWM:\s+(\d+) kB/m)[0] };
    my $before = $peak->();
    go(19);
    ok $h->wait_for(sub { count('buffers_full') > 0 }, 'it is full'), '... more than they may take together';
    $_->close for @clients;
    cmp_ok $peak->() - $before, '<', 12_000, '... and never do, not even for a moment';
}
done_testing;
