# Free ports, also when many tests run at once: a port is this process's while it holds the lock of
# a file named after it. Ports that the kernel hands out to connecting sockets are not touched.
package Test::Herd::Ports;

use strict;
use warnings;
use Fcntl qw(:flock O_RDWR O_CREAT);
use File::Spec;
use IO::Socket::INET;

my %held;    # port => the locked file, until this process ends
my $next;

sub first_ephemeral {
    open my $in, '<', '/proc/sys/net/ipv4/ip_local_port_range' or return 32768;
    return (split ' ', <$in>)[0];
}

sub range {
    my $end = first_ephemeral();
    return $end > 12000 ? (10000, $end - 1) : (61000, 65535);
}

sub lock_port {
    my ($port) = @_;
    my $dir = File::Spec->catdir(File::Spec->tmpdir, "herd-test-ports-$>");
    mkdir $dir, 0700;
    sysopen my $file, "$dir/$port", O_RDWR | O_CREAT or die "$dir/$port: $!\n";
    return flock($file, LOCK_EX | LOCK_NB) ? $file : undef;
}

sub is_free {
    my ($port) = @_;
    return defined IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1, ReuseAddr => 1);
}

sub take {
    my ($first, $last) = range();
    my $count = $last - $first + 1;
    $next //= ($$ * 37) % $count;
    for (1 .. $count) {
        my $port = $first + $next++ % $count;
        next if $held{$port};
        my $file = lock_port($port) or next;
        next if !is_free($port);
        $held{$port} = $file;
        return $port;
    }
    die "no free port from $first to $last\n";
}

1;
