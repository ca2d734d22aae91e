# What the kernel says of processes and processors: time on a processor in nanoseconds, memory, and
# how much of the machine somebody else took. Linux, by /proc.
package Bench::Machine;

use strict;
use warnings;
use Exporter 'import';
use POSIX ();
use Time::HiRes ();

our @EXPORT_OK = qw(cpu_ns threads_ns pss_bytes processors read_file busy_begin busy_others);

my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

sub read_file {
    my ($path) = @_;
    open my $in, '<', $path or return '';
    local $/;
    return <$in> // '';
}

sub processors { scalar(() = read_file('/proc/stat') =~ /^cpu[0-9]/mg) }

# Each thread's time on a processor so far: {its number => nanoseconds}.
sub threads_ns {
    my ($pid) = @_;
    return { map { $_ => (split ' ', read_file("$_/schedstat"))[0] // 0 } glob "/proc/$pid/task/*" };
}

sub cpu_ns {
    my $sum = 0;
    $sum += $_ for map { values %{ threads_ns($_) } } @_;
    return $sum;
}

# Memory that is this process's own, and its share of what others use too.
sub pss_bytes {
    my ($pid) = @_;
    return read_file("/proc/$pid/smaps_rollup") =~ /^Pss:\s+([0-9]+) kB/m ? $1 * 1024 : 0;
}

# Seconds the processors have worked for anybody, a hypervisor's other guests included: user, nice,
# system, irq, softirq, steal.
sub busy_s {
    my (undef, @field) = split ' ', (split /\n/, read_file('/proc/stat'))[0];
    my $sum = 0;
    $sum += $_ // 0 for @field[0, 1, 2, 5, 6, 7];
    return $sum / $ticks;
}

# This process and its children that have ended, such as a load.
sub own_s { my $sum = 0; $sum += $_ for (POSIX::times())[1 .. 4]; return $sum / $ticks }

# What a process's children had used that have ended: Redis forks one to tell a replica everything.
sub children_s {
    my ($pid) = @_;
    my ($rest) = read_file("/proc/$pid/stat") =~ /.*\) (.*)/s or return 0;
    my @field = split ' ', $rest;
    return ($field[13] + $field[14]) / $ticks;
}

sub servers_s { my $sum = cpu_ns(@_) / 1e9; $sum += children_s($_) for @_; return $sum }

# The state from which busy_others counts. pids: servers, whose time is ours too.
sub busy_begin {
    my (@pids) = @_;
    return { pids => \@pids, busy => busy_s(), own => own_s() + servers_s(@pids),
        at => Time::HiRes::time() };
}

# The share of all processors that neither we nor our servers took since then.
sub busy_others {
    my ($since) = @_;
    my $now = busy_begin(@{ $since->{pids} });
    my $others = $now->{busy} - $since->{busy} - ($now->{own} - $since->{own});
    my $share = $others / ($now->{at} - $since->{at}) / processors();
    return $share < 0 ? 0 : $share > 1 ? 1 : $share;    # ticks of 10 ms, in a short while
}

1;
