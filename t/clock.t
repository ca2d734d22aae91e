# A server whose clock was ahead took living reports for dead ones, one whose clock was behind dead
# ones for living; when it steps it forgets the places it keeps and opens its links again, and has
# what the others have. Needs libfaketime.
use Test::Herd::Needs qw(iamat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Test::Herd::Time qw(sanitized);
use Time::HiRes qw(time);

my ($library) = glob '/usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1';
plan skip_all => 'libfaketime is not installed' if !$library;
plan skip_all => 'a sanitizer and libfaketime do not go together' if sanitized();

# Goloman dials the one and is dialled by the other.
my $h = Test::Herd->new(
    servers => [qw(Goloman Hands Holiday)],
    adjacency => { Goloman => ['Hands'], Holiday => ['Goloman'] },
    limits => 'forget_after = "10m"',
);
$h->allow(qr/The clock of server/, qr/The clock stepped (?:back|forward)/, qr/No link with/);

sub set_clock { my ($offset) = @_; $h->write('clock', "$offset\n") }
sub start_with_clock {
    my ($server, $offset) = @_;
    set_clock($offset);
    local %ENV = (%ENV, LD_PRELOAD => $library, FAKETIME_TIMESTAMP_FILE => $h->file('clock'),
        FAKETIME_NO_CACHE => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1, DONT_FAKE_MONOTONIC => 1);
    $h->start($server);
}

start_with_clock('Goloman', '+3600');
my ($diff) = split ' ', ($h->ask('Goloman', 'IAMAT own +1+1 0') =~ s/^AT Goloman //r);
cmp_ok $diff - time, '>', 3500, 'a server whose clock is an hour ahead';

# Its neighbours' clients seem dead to it, as they were heard long ago by its clock.
my @others = qw(Hands Holiday);
$h->start(@others);
my (@clients, @told);
for my $server (@others) {
    my @new = map {"$server.$_"} 1 .. 100;
    push @told, bulk($h, $server, map {"IAMAT $_ +1+1 0"} @new);
    push @clients, @new;
}
ok $h->wait_for(sub { $h->status('Goloman')->{merges_dead} == 200 }, 'they are heard of'),
    'takes what its neighbours were just told for dead';
is_deeply held($h, 'Goloman', @clients), {}, 'and knows none of it';
ok $h->wait_log('Goloman', "The clock of server $_ differs by -3600 s"), "it warns of that of $_"
    for @others;
ok $h->wait_log($_, 'The clock of server Goloman differs by 3600 s'), "as $_ does of its"
    for @others;

# A step forward, and one back of less than a second, are nothing.
my $opened = $h->status('Goloman')->{links_opened};
for my $offset ('+3700', '+3699.5') {
    set_clock($offset);
    my $up_s = $h->status('Goloman')->{uptime_s};
    $h->wait_for(sub { $h->status('Goloman')->{uptime_s} >= $up_s + 2 }, 'a look at the clock');
    is $h->status('Goloman')->{links_opened}, $opened, "a step to $offset s changes no link";
}

set_clock('+0');
ok $h->wait_log('Goloman', 'The clock stepped back by 3\d\d\d\.\d s: links are opened again'),
    'a step back of an hour is logged';
my $held = agreed($h, [$h->servers], \@clients, 3);
ok $held, 'and it has everything, and has passed it on';
is_deeply [map { $held->{$_} } @clients], \@told, 'as its neighbours had it all the time';
is $h->status('Goloman')->{links_opened}, $opened + 2, 'by links that were opened again';

# A server whose clock is behind: what it hears is dead for the others, and puts what it has of these
# clients out of its own store. It is dead there too when the clock is right again.
set_clock('-3600');
ok $h->wait_log('Goloman', 'The clock stepped back by (?:3599|3600)\.\d s'), 'a server whose clock is an hour behind';
my $dead = $h->status('Hands')->{merges_dead};
bulk($h, 'Goloman', map {"IAMAT $_ +2+2 1"} @clients);
ok $h->wait_for(sub { $h->status('Hands')->{merges_dead} >= $dead + @clients }, 'they are heard of'),
    'takes reports that are dead for its neighbours';
set_clock('+0');
ok $h->wait_log('Goloman', 'The clock stepped forward by (?:3599|3600)\.\d s: links are opened again'),
    'a step forward that is longer than forget_after is logged';
$held = agreed($h, [$h->servers], \@clients, 3);
is_deeply [map { $held->{$_} } @clients], \@told, 'and it knows again what its neighbours know';

done_testing;
