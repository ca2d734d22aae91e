# The load: herd-bench's engine, which knows memcached and Redis too, in a process of its own on its
# own processor; and connections that are held and say nothing.
package Bench::Load;

use strict;
use warnings;
use Exporter 'import';
use IPC::Open2 ();
use JSON::PP ();

our @EXPORT_OK = qw(load fill ids hold back converge ask_once seconds);

use constant { CONNECTIONS => 50, FILL_DEPTH => 64 };

# What a server calls it to store a place, and to ask for one.
my %verb = (
    floor => { store => 'iamat', ask => 'whatsat' },
    herd => { store => 'iamat', ask => 'whatsat' },
    memcached => { store => 'set', ask => 'get' },
    redis => { store => 'geoadd', ask => 'geopos' },
);

# A request that each answers at once, with one write.
my %question = (
    herd => 'IAMAT somebody +34.068930-118.445127 1520023934.918963997',
    memcached => 'get somebody',
    redis => 'GEOPOS places somebody',
);

sub seconds { $ENV{BENCH_SECONDS} // 1 }

# That many ids, or as many as BENCH_IDS allows.
sub ids {
    my ($count) = @_;
    my $most = $ENV{BENCH_IDS} // $count;
    return $count < $most ? $count : $most;
}

# Runs the load to its end, and returns what it says.
sub run {
    my ($cpus, @command) = @_;
    @command = ('taskset', '-c', $cpus, @command);
    open my $out, '-|', @command or die "@command: $!\n";
    my $text = do { local $/; <$out> };
    close $out or die "@command failed: ", $? >> 8, " $text\n";
    return JSON::PP->new->decode($text);
}

sub drive {
    my ($servers, $load, @options) = @_;
    my @servers = ref $servers eq 'ARRAY' ? @$servers : $servers;
    my $work = $verb{ $servers[0]{kind} }{ $load->{work} };
    my @command = ("$ENV{HERD_BUILDDIR}/t/bench/load", '-w', $work, '-P', $load->{depth}, '-k', $load->{ids},
        '-c', CONNECTIONS, '-o', 'json', '-q', @options, map {"127.0.0.1:$_->{port}"} @servers);
    my $said = eval { run($load->{cpus} // 1, @command) };
    die $@, map { $_->obituary } @servers if !$said;
    return $said;
}

# servers: one, or several that share the load. work: store or ask; depth; ids; cpus: where the load
# runs (1); warm_up: seconds (0). Returns {requests, rate, p99_us, cpu_ns}: of the servers together
# while it was measured.
sub load {
    my ($servers, %load) = @_;
    my @pids = map { ('--cpu', $_->pid) } ref $servers eq 'ARRAY' ? @$servers : $servers;
    my $said = drive($servers, \%load, '--no-fill', '--warm-up', $load{warm_up} // 0, '-d', seconds(), @pids);
    my $cpu = 0;
    $cpu += $_->{seconds} * 1e9 for @{ $said->{cpu} };
    return { requests => $said->{answers}, rate => $said->{answers_per_s}, p99_us => $said->{latency_us}{p99},
        cpu_ns => $cpu };
}

# Stores each of so many ids once.
sub fill {
    my ($servers, $ids) = @_;
    my %load = (work => 'store', depth => FILL_DEPTH, ids => $ids);
    drive($servers, \%load, '--fill', '--warm-up', 0, '-N', 1);
    return;
}

# The latencies of herd-bench's --converge from one server to another: p50 of an answer, p50 and p99
# of the time until the other server answers for what the first one heard.
sub converge {
    my ($from, $to) = @_;
    my $said = run(1, "$ENV{HERD_BUILDDIR}/herd-bench", '-f', "$from->{dir}/herd.conf", '-N', 1000, '--warm-up', 0,
        '--converge', '--from', $from->{name}, '--to', $to->{name}, '--gap', 3, '--reports', int(1000 * seconds()),
        '-o', 'json', '-q');
    return { answer_us => $said->{answer_us}{p50}, p50_us => $said->{hop_us}{p50}, p99_us => $said->{hop_us}{p99} };
}

# herd's whole answer to a request of that work, for the floor server to give.
sub sample {
    my ($herd, $work) = @_;
    my $id = 'client-0000000000000';
    return $herd->ask("WHATSAT $id 0 0", qr/\n\n\z/) if $work eq 'ask';
    return $herd->ask(sprintf('IAMAT %s +34.068930-118.445127 %d.123456789', $id, time), qr/\n\z/);
}

sub ask_once { my ($server) = @_; return $server->ask($question{ $server->{kind} }, qr/\n/) }

# Runs a program of t/bench/ until what is returned is called, once it has said that it is so far.
sub keep {
    my ($said, $program, @args) = @_;
    my $pid = IPC::Open2::open2(my $out, my $in, "$ENV{HERD_BUILDDIR}/t/bench/$program", @args);
    die "$program: not $said\n" if (<$out> // '') ne "$said\n";
    return sub { close $in; waitpid $pid, 0; return };
}

# So many connections that have asked once each and say nothing more.
sub hold {
    my ($server, $count) = @_;
    return keep('held', 'hold', $server->{port}, $count, $question{ $server->{kind} });
}

# So much free memory that no host takes back meanwhile.
sub back { my ($mib) = @_; return keep('backed', 'back', $mib) }

1;
