# A network of the test's own: a namespace for each server, joined by a bridge in one more, where
# the witness is, so that clients reach every server whatever is cut. What a server hears of another
# is dropped by nft rules in its own namespace. A namespace is held by a process that ends with the
# test, however that ends, and has no name: nothing is left behind, and the machine's own network is
# not touched.
package Test::Herd::Faults::Net;

use Test::Herd;
use Test::Herd::Faults;
use Test::Herd::Process;
use Test::Herd::Time qw(wait_until);
use List::Util qw(first);
use POSIX ();

my $own = readlink('/proc/self/ns/net') // '';
my %holders;    # pid => 1

sub present { my ($program) = @_; return first { -x "$_/$program" } split /:/, "$ENV{PATH}:/usr/sbin:/sbin" }

# Why not; undef: it can be done.
sub cannot {
    return 'network namespaces need root' if $> != 0;
    my $missing = join ' ', grep { !present($_) } qw(ip nft nsenter unshare);
    return "$missing: not installed" if $missing;
    $ENV{PATH} .= ':/usr/sbin:/sbin';
    my $space = eval { hold() } or return 'no network namespaces here';
    my $made = run_in($space, 'ip link add name br0 type bridge 2>&1 && nft add table ip cut 2>&1');
    return defined $made ? undef : 'no bridges or nft here';
}

# A new namespace. Returns the process that holds it.
sub hold {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        Test::Herd::Process::die_with_parent();
        $SIG{$_} = 'DEFAULT' for qw(PIPE INT TERM HUP);
        open STDOUT, '>', '/dev/null';
        no warnings 'exec';
        exec qw(unshare -n -- sleep infinity);
        POSIX::_exit(127);
    }
    $holders{$pid} = 1;
    my $there = sub {
        die "no namespace\n" if waitpid($pid, POSIX::WNOHANG()) == $pid;
        my $space = readlink "/proc/$pid/ns/net";
        return $space && $space ne $own;
    };
    wait_until($there, 'a network namespace') or die "no namespace\n";
    return $pid;
}

sub inside { my ($space) = @_; return ('nsenter', "--net=/proc/$space/ns/net", '--') }

# What commands of a shell say there; undef: they fail.
sub run_in {
    my ($space, $commands) = @_;
    open my $out, '-|', inside($space), 'sh', '-c', $commands or return undef;
    my $said = do { local $/; <$out> };
    return close($out) ? $said // '' : undef;
}

sub must { my ($space, $commands) = @_; run_in($space, $commands) // die "in a namespace: $commands: failed\n" }

# Five servers in five namespaces.
sub five {
    my (%args) = @_;
    my $hub = hold();
    must($hub, 'ip link set lo up && ip link add br0 type bridge && ip link set br0 up'
        . ' && ip addr add 10.213.0.254/24 dev br0');
    my (%space, %address, %how);
    my $number = 0;
    for my $name (qw(Goloman Hands Holiday Welsh Wilkes)) {
        my $space = $space{$name} = hold();
        $address{$name} = '10.213.0.' . ++$number;
        must($hub, "ip link add v$number type veth peer name eth0 netns $space"
            . " && ip link set v$number master br0 up");
        must($space, "ip link set lo up && ip addr add $address{$name}/24 dev eth0 && ip link set eth0 up");
        must($space, 'nft add table ip cut && nft add set ip cut from "{ type ipv4_addr; }"'
            . ' && nft add chain ip cut in "{ type filter hook input priority 0; }"'
            . ' && nft add rule ip cut in ip saddr @from counter drop');
        $how{$name}{prefix} = [inside($space)];
    }
    return Test::Herd::Faults->five(near => [inside($hub)], space => \%space, address => \%address,
        how => \%how, link => 'plaintext = true', %args);
}

# These hear nothing of those any more.
sub deafen {
    my ($f, $who, $of) = @_;
    my $from = join ', ', map { $f->address($_) } @$of;
    must($f->{space}{$_}, "nft add element ip cut from '{ $from }'") for @$who;
    return;
}

sub part { my ($f, $some, $others) = @_; deafen($f, $some, $others); deafen($f, $others, $some) }

# All hear all.
sub heal { my ($f) = @_; must($f->{space}{$_}, 'nft flush set ip cut from') for $f->servers; return }

# Packets that were dropped so far.
sub dropped {
    my ($f) = @_;
    my $packets = 0;
    for my $name ($f->servers) {
        $packets += $1 if must($f->{space}{$name}, 'nft list chain ip cut in') =~ /packets (\d+)/;
    }
    return $packets;
}

# Cut off for some seconds under load by one of the above, healed, and judged.
sub cut {
    my ($f, $what, $seconds, $limit, $cut) = @_;
    my $dropped = dropped($f);
    $f->load(0.3);
    $cut->();
    $f->load($seconds)->quiet;
    heal($f);
    $f->over->verdict("$what for " . sprintf('%.1f', $seconds) . ' s', $limit);
    cmp_ok dropped($f), '>', $dropped, "$what: packets were dropped";
    return;
}

END {
    my $status = $?;
    for my $pid (keys %holders) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
    $? = $status;
}

1;
