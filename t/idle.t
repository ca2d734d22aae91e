# A herd that nobody talks to: its loops turn for the links' PINGs and once a second for the
# housekeeping, and nothing grows, nor does a thousand connections that come and go leave anything.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use POSIX ();
use Test::Herd::Time qw(now sanitized slowly);

my $workers = 2;
my $h = Test::Herd->five(workers => $workers);
my @all = $h->servers;
my %links = (Goloman => 3, Hands => 2, Holiday => 3, Welsh => 1, Wilkes => 3);
my $sanitized = sanitized();
$h->start(@all);

# The sum over the threads of a number in their status.
sub threads {
    my ($server, $what) = @_;
    my $sum = 0;
    for my $file (glob '/proc/' . $h->pid($server) . '/task/*/status') {
        open my $in, '<', $file or next;
        $sum += (map {/^\Q$what\E:\s+(\d+)/} <$in>)[0] // 0;
    }
    return $sum;
}

sub resident_kb {
    my ($server) = @_;
    open my $in, '<', '/proc/' . $h->pid($server) . '/status' or return 0;
    return (map {/^VmRSS:\s+(\d+)/} <$in>)[0];
}

sub descriptors { my @open = glob '/proc/' . $h->pid($_[0]) . '/fd/*'; scalar @open }

sub processor_s {
    my ($server) = @_;
    open my $in, '<', '/proc/' . $h->pid($server) . '/stat' or return 0;
    my @field = split ' ', <$in> =~ s/^.*\) //sr;
    return ($field[11] + $field[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub look {
    my ($server) = @_;
    return {
        at => now(), wakeups => $h->status($server)->{wakeups},
        switches => threads($server, 'voluntary_ctxt_switches'), kb => resident_kb($server),
        descriptors => descriptors($server), processor_s => processor_s($server),
    };
}

$h->wait_for(
    sub {
        !grep { $h->status($_)->{links_opened} < $links{$_} } @all;
    },
    'all links are open'
);
$h->ask($_, 'IAMAT somebody +1+1 1') for @all;
my %settled = map { $_ => $h->status($_)->{marks_sent} } @all;
$h->wait_for(
    sub {
        my %now = map { $_ => $h->status($_)->{marks_sent} } @all;
        my $same = !grep { $now{$_} != $settled{$_} } @all;
        %settled = %now;
        return $same;
    },
    'all is marked'
);

# ---- some idle seconds ----

my $idler = $h->connect('Goloman');    # who costs nothing either
$idler->ask('YOLO');
my %before = map { $_ => look($_) } @all;
$idler->silent(5);
my %after = map { $_ => look($_) } @all;
for my $server (@all) {
    my ($b, $a) = ($before{$server}, $after{$server});
    my $seconds = $a->{at} - $b->{at};
    my $rate = ($a->{wakeups} - $b->{wakeups}) / $seconds;
    # A link's second: one PING is said and answered, by whichever side. That is two turns.
    my $most = $workers + 2 * $links{$server} + 1;
    cmp_ok $rate, '<=', $most, sprintf '%s, %d links: %.1f turns of its loops a second', $server,
        $links{$server}, $rate;
    my $switches = ($a->{switches} - $b->{switches}) / $seconds;
    cmp_ok $switches, '<=', 2 * $most + ($sanitized ? 14 : 2),
        sprintf 'its threads slept %.1f times a second', $switches;
    my $used_s = $a->{processor_s} - $b->{processor_s};
    cmp_ok $used_s, '<', slowly(0.05 * $seconds), 'and used no processor';
    is $a->{descriptors}, $b->{descriptors}, 'its descriptors are as many';
    cmp_ok $a->{kb} - $b->{kb}, '<=', $sanitized ? 4096 : 128, 'its memory has not grown';
}

$idler->close;

# ---- connections come and gone ----

sub visit {
    my ($how) = @_;
    for my $i (1 .. 1000) {
        my $client = $h->connect('Goloman');
        if ($how eq 'talk') {
            $client->send("IAMAT visitor +1+1 $i\nWHATSAT visitor 0 0\nYOLO\nIAMAT unfin");
            $client->lines(2) if $i % 2;
        }
        $i % 3 ? $client->close : $client->reset;
    }
    my $gone = sub {
        my $status = $h->status('Goloman');
        return $status->{connections_accepted} == $status->{connections_closed};
    };
    ok $h->wait_for($gone, 'they are gone'), "a thousand connections ($how) have come and gone";
}

my $strangers = 0;

sub knock {
    for my $i (1 .. 200) {
        my $stranger = $h->connect_peer('Goloman');
        $stranger->send("HELLO\n") if $i % 2;
        $stranger->close;
    }
    $strangers += 200;
    my $gone = sub { $h->status('Goloman')->{links_refused} >= $strangers };
    ok $h->wait_for($gone, 'they are gone'), 'two hundred strangers at the peer port, too';
}

$h->allow(qr/No link with/);
visit('talk');
knock();
my $first = look('Goloman');
visit('talk');
visit('silent');
knock();
my $second = look('Goloman');
is $second->{descriptors}, $first->{descriptors}, 'two thousand connections leave no descriptor';
cmp_ok $second->{kb} - $first->{kb}, '<=', $sanitized ? 8192 : 256, 'and no memory';

# ---- connections that stay ----

# What a process has for itself: its share of what it shares grows when another herd's server, of a
# test beside this one, is gone.
sub own_kb {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/smaps_rollup" or return 0;
    return (map {/^Pss_Anon:\s+(\d+)/} <$in>)[0];
}

SKIP: {
    skip 'sanitizers have memory of their own', 1 if $sanitized;
    my $many = 2000;
    skip "not $many descriptors", 1 if system('prlimit', "--pid=$$", '--nofile=' . ($many + 100) . ':');
    my $fresh = Test::Herd->new(limits => 'address_connections = 0;',
        log => 'level = "warn";');    # its rings would be counted
    $fresh->start_all;
    my $pid = $fresh->pid('Goloman');
    my @idle = $fresh->connect('Goloman');
    $idle[0]->ask('IAMAT somebody +1+1 1');
    my $kb = own_kb($pid);
    push @idle, map { $fresh->connect('Goloman') } 1 .. $many;
    $_->ask('IAMAT somebody +1+1 1') for @idle;
    my $each = (own_kb($pid) - $kb) * 1024 / $many;
    cmp_ok $each, '<=', 300, sprintf '%d that have asked once: %.0f bytes for each', $many, $each;
    $_->close for @idle;
}
done_testing;
