# The disk of the log becomes full while a herd is under load: that is said once, clients and
# neighbours notice nothing, and when there is room again the log goes on and says how much is
# missing. A pid file that the disk has no room for is an error at the start.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;

my $h = Test::Herd->new(servers => [qw(Goloman Hands)], adjacency => { Goloman => ['Hands'] },
    log => 'file = "disk/%n.log";');
mkdir $h->file('disk') or die "disk: $!\n";
system('mount -t tmpfs -o size=4m herd-test ' . $h->file('disk') . ' 2>/dev/null') == 0
    or plan skip_all => 'no file system may be mounted here';
my $unmounted;
sub unmount { $unmounted++ || !$h || system 'umount', '-l', $h->file('disk') }
END { my $status = $?; unmount(); $? = $status }

sub disk { my ($name) = @_; $h->read("disk/$name.log") }
my $ballast = 'b' x 3_700_000;
$h->write('disk/ballast', $ballast);

$h->start_all;
my @ids = map {"client$_"} 1 .. 400;
my %said;

# Each client says where it is, on both servers by turns; a line and its answer are 300 bytes of log.
my $rounds = 0;
sub load {
    for my $i (0, 1) {
        my $server = ($h->servers)[$i];
        my @mine = grep { $_ % 2 == $i } 0 .. $#ids;
        my @answers = bulk($h, $server, map { sprintf 'IAMAT %s +34.0-118.%d %d.%d', $ids[$_], $rounds, 1e9 + $rounds, $_ } @mine);
        @said{ @ids[@mine] } = @answers;
    }
    $rounds++;
}
my $warned = sub { my ($name) = @_; () = $h->stderr_of($name) =~ /the log cannot be written: No space left on device/g };

ok $h->wait_for(sub { load(); !grep { !$warned->($_) } $h->servers }, 'both say so', 30),
    'both logs fill the disk, under load, which is said';
load() for 1 .. 20;
is scalar($warned->('Goloman')), 1, '... once';
is scalar(grep { !/^AT (?:Goloman|Hands) / } values %said), 0, '... every report is acknowledged';
my $held = agreed($h, [$h->servers], \@ids, 5);
ok $held, '... both servers agree';
is scalar(grep { ($held->{$_} // '') ne $said{$_} } @ids), 0, '... on what was acknowledged';
is $h->ask('Goloman', 'x'), '? x', '... and they answer others';

my $full = Test::Herd->new(extra => 'pid_file = "' . $h->file('disk') . qq(/pid";\n));
my $run = $full->run('-c', $full->config, '-n', 'Goloman');
is $run->{status}, 1, 'a pid file on a full disk: status 1';
like $run->{err}, qr{disk/pid: No space left on device$}m, '... with a message';
ok !-e $h->file('disk/pid'), '... and no pid file is left';

unlink $h->file('disk/ballast');
# More than what waits to be written has room now.
my $goes_on = sub { $h->ask('Goloman', 'again'); disk('Goloman') =~ /Message received: 'again'$/m };
ok $h->wait_for($goes_on, 'the log goes on'), 'there is room again: the log goes on';
like disk('Goloman'), qr/warn - \d+ events dropped: the log could not be written$/m, '... and says what is missing';
is $h->stop($h->servers), 0, 'status 0 at the end';
unmount();
done_testing;
