# Clients that mean harm, one kind a function: each gets what the manual says, the server goes on, and
# its memory stays as it was. And many that stall in the middle of a line.
package Test::Herd::Hostile;

use strict;
use warnings;
use Exporter 'import';
use POSIX ();
use Test::More;
use Test::Herd::Client;
use Test::Herd::Process;
use Test::Herd::Time qw(now sanitized slowly);

our @EXPORT = qw(attacks stall resident_kb proportional_kb descriptors_for);

sub number_in {
    my ($file, $pattern) = @_;
    open my $in, '<', $file or return 0;
    local $/;
    return (<$in> =~ $pattern)[0] // 0;
}

sub resident_kb { number_in("/proc/$_[0]/status", qr/^VmRSS:\s+(\d+)/m) }
sub proportional_kb { number_in("/proc/$_[0]/smaps_rollup", qr/^Pss:\s+(\d+)/m) }

# Whether this process may have so many descriptors.
sub descriptors_for { my ($count) = @_; return !system('prlimit', "--pid=$$", '--nofile=' . ($count + 200) . ':') }

# Bytes of one client, from a process of its own, so that the test can read meanwhile.
sub writer {
    my ($client, $bytes, $times) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    Test::Herd::Process::die_with_parent();
    $client->{socket}->blocking(1);
    for (1 .. $times) {
        my $done = 0;
        while ($done < length $bytes) {
            $done += syswrite($client->{socket}, $bytes, length($bytes) - $done, $done) // POSIX::_exit(0);
        }
    }
    shutdown $client->{socket}, 1;
    POSIX::_exit(0);
}

# Each byte in the middle of a line comes back, and stands escaped in the log.
sub odd_bytes {
    my ($h) = @_;
    my $client = $h->connect('Goloman');
    my %line = (
        NUL => "a\0b\0", 'an escape sequence' => "\e[2J\e]0;title\a\e[31mred", 'a fake line of the log' =>
            "x\\n2026-11-22T22:19:24.123456Z error - Out of memory", 'bad UTF-8' => "\xc3\x28\xf0\x28\x8c\xbc",
        'a CR inside' => "a\rb", 'C1 controls' => "\x9b31m\x90",
    );
    is $client->ask($line{$_}), "? $line{$_}", "$_: comes back as it came" for sort keys %line;
    like $client->ask("IAMAT \e[2J\0 +1+1 1"), qr/^AT Goloman \S+ \e\[2J\0 \+1\+1 1$/, 'a client may be called so';
    $client->close;
    $h->wait_log('Goloman', 'title') or return;
    unlike $h->log('Goloman'), qr/[^\x20-\x7e\n]/, 'the log has none of these bytes';
}

# So many bytes that are no line: the first 64 come back, then the end.
sub endless_line {
    my ($h, $mib) = @_;
    my $client = $h->connect('Goloman');
    my $before = $h->status('Goloman')->{lines_too_long};
    my $pid = writer($client, 'm' x (1 << 20), $mib);
    is $client->line, '? ' . 'm' x 64, "$mib MiB without LF: the first 64 bytes come back";
    ok defined $client->all(20), '... and then the end';
    waitpid $pid, 0;
    $client->close;
    is $h->status('Goloman')->{lines_too_long} - $before, 1, '... which is counted once';
}

# So many lines that are no commands, each of which is answered.
sub bad_lines {
    my ($h, $count) = @_;
    my $client = $h->connect('Goloman');
    my $before = $h->status('Goloman')->{invalid};
    my $pid = writer($client, "IAMAT kiwi +91+1 1\n" x 1000, $count / 1000);
    my ($lines, $wrong, $slowest, $looked) = (0, 0, 0, 0);
    my $end = now() + slowly(60);
    while ($client->fill($end)) {
        my $last = rindex $client->{got}, "\n";
        next if $last < 0;
        my $whole = substr $client->{got}, 0, $last + 1, '';
        $lines += $whole =~ tr/\n//;
        $wrong++ if $whole !~ /\A(?:\? IAMAT kiwi \+91\+1 1\n)*\z/;
        next if now() < $looked + 0.1;
        my $asked = now();
        $h->ask('Goloman', 'IAMAT other +1+1 1');
        $slowest = now() - $asked if now() - $asked > $slowest;
        $looked = now();
    }
    waitpid $pid, 0;
    is "$lines $wrong", "$count 0", "$count bad lines: each is answered";
    is $h->status('Goloman')->{invalid} - $before, $count, '... and counted';
    cmp_ok $slowest, '<', slowly(0.5), sprintf '... and others wait %.1f ms at the most', 1000 * $slowest;
}

# One that asks and reads nothing, as long as anything is taken.
sub never_reads {
    my ($h) = @_;
    my $client = Test::Herd::Client->new($h->port('Goloman'), receive_bytes => 4096);
    my $bytes = ('d' x 99 . "\n") x 1000;
    my ($sent, $last) = (0, now());
    while (now() < $last + 0.3 && $sent < 256e6) {
        my $n = $client->send_some($bytes);
        ($sent, $last) = ($sent + $n, now()) if $n;
        select undef, undef, undef, 0.005 if !$n;
    }
    cmp_ok $sent, '<', 32e6, "one that never reads: $sent bytes are taken of it, and no more";
    is $h->ask('Goloman', 'x'), '? x', '... and others are served';
    return $client;
}

# All of them, twice, so that memory which stays in use is in use before it is looked at.
sub attacks {
    my ($h, %args) = @_;
    my ($kb, @deaf);
    $h->allow(qr/events dropped: they came too fast for the log/);    # as a million lines may
    for my $round (1, 2) {
        odd_bytes($h);
        endless_line($h, $args{mib});
        bad_lines($h, $args{lines});
        push @deaf, never_reads($h);
        $kb //= resident_kb($h->pid('Goloman'));
    }
    my $grown = resident_kb($h->pid('Goloman')) - $kb;
    cmp_ok $grown, '<', sanitized() ? 65_536 : 1024, "its memory is flat: $grown KiB more";
    is $h->ask('Goloman', 'y'), '? y', 'the server goes on';
    $_->reset for @deaf;
}

# So many connections that have sent one byte each.
sub stall {
    my ($h, $count) = @_;
    my @stalled = map { $h->connect('Goloman') } 1 .. $count;
    $_->send_some('I') for @stalled;
    return @stalled;
}

1;
