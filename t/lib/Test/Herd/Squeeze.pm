# A server that has 256 MiB for everything, and all at once: clients that report new ids of all
# lengths without end, clients that ask and never read, a neighbour that reads nothing, and one that
# is stopped. It refuses and never dies, others are served meanwhile, and in the end its neighbours
# have what it has.
package Test::Herd::Squeeze;

use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Test::Herd::Bulk;
use Test::Herd::Cgroup;
use Test::Herd::Peer;
use Test::Herd::Process;
use Test::Herd::Time qw(now slowly);
use Time::HiRes ();

our @EXPORT = qw(squeeze);

use constant {
    MIB => 1 << 20, FLOODERS => 2, DEAF => 120, BATCH => 100,
    LIMITS => 'memory = "160m"; buffers = "16m"; unread = "64k"; connections = 200; ',
};

# A child that runs until it is told to end, and then leaves a list of what it has done in a file.
sub child {
    my ($h, $name, $run) = @_;
    my $file = $h->file($name);
    my $pid = fork // die "fork: $!\n";
    return { pid => $pid, file => $file } if $pid;
    Test::Herd::Process::die_with_parent();
    my $going = 1;
    $SIG{TERM} = sub { $going = 0 };
    $SIG{PIPE} = 'IGNORE';
    my @done = $run->(sub {$going});
    open my $out, '>', $file or POSIX::_exit(1);
    print {$out} map {"$_\n"} @done;
    close $out;
    POSIX::_exit(0);
}

sub ended {
    my ($child) = @_;
    kill TERM => $child->{pid};
    waitpid $child->{pid}, 0;
    open my $in, '<', $child->{file} or return;
    chomp(my @lines = <$in>);
    return @lines;
}

# Reports new ids, each once, batch by batch. Returns some of those that were taken.
sub flood {
    my ($h, $server, $who, $going) = @_;
    my ($n, @taken) = (0);
    while ($going->()) {
        my $conn = eval { bulk_open($h, $server) } or next;
        eval {
            while ($going->()) {
                my $time = sprintf '%.9f', Time::HiRes::time();
                my @ids = map { ++$n; "$who-$n-" . 'x' x ($n * 7919 % 1000) } 1 .. BATCH;
                bulk_begin($conn, map {"IAMAT $_ +1.5-2.5 $time"} @ids);
                my @answers = bulk_finish($conn);
                push @taken, $ids[0] if $n % 1000 < BATCH && $answers[0] =~ /^AT /;
            }
        };
        close $conn->{socket};
    }
    splice @taken, 0, @taken - 1000 if @taken > 1000;
    return @taken;
}

# Keeps so many connections that ask as long as they can and read nothing; those that are closed are
# opened again. Returns how many were opened.
sub never_read {
    my ($port, $count, $going) = @_;
    my $lines = "WHATSAT probe 0 0\nwhat is this\n" x 500;
    my ($opened, @all) = (0);
    while ($going->()) {
        for my $i (0 .. $count - 1) {
            if (!$all[$i]) {
                $all[$i] = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or next;
                $all[$i]->blocking(0);
                $opened++;
            }
            my $n = syswrite $all[$i], $lines;
            $all[$i] = undef if !defined $n && !$!{EAGAIN};
        }
        select undef, undef, undef, 0.05;
    }
    return $opened;
}

# Asks on a connection of its own; returns after how many seconds there was an answer.
sub probe {
    my ($h) = @_;
    my $began = now();
    my $client = eval { $h->connect('Goloman') } or return 1e9;
    my $answer = $client->ask(sprintf('IAMAT probe +1+1 %.9f', Time::HiRes::time()), 20);
    $client->close;
    return defined $answer && $answer =~ /^AT / ? now() - $began : 1e9;
}

# seconds: how long. forget: forget_after, with which its neighbour takes floods of its own too.
sub squeeze {
    my (%args) = @_;
    my $group = Test::Herd::Cgroup->new(256 * MIB) or plan(skip_all => $Test::Herd::Cgroup::why);
    my $forget = $args{forget} ? qq(forget_after = "$args{forget}";) : '';
    my $h = Test::Herd->new(servers => [qw(Goloman Hands Fake)],
        adjacency => { Goloman => ['Hands'], Fake => ['Goloman'] },
        limits => $forget, log => 'messages = false; level = "info";');
    $h->allow(qr/No link with/);
    $h->start('Hands');
    $h->confine($group);
    $h->start('Goloman', ['-g', 'limits: { ' . LIMITS . ' };']);
    $h->wait_for(sub { $h->status('Goloman')->{links_opened} }, 'a link');
    probe($h);

    my $peer = Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
    $peer->hello;
    my @floods = map {
        my $who = $_;
        child($h, "flood$who", sub { flood($h, 'Goloman', $who, @_) })
    } 1 .. FLOODERS;
    push @floods, child($h, 'flood-hands', sub { flood($h, 'Hands', 'hands', @_) }) if $forget;
    my $deaf = child($h, 'deaf', sub { never_read($h->port('Goloman'), DEAF, @_) });

    my ($began, $slowest, $probes, $stopped) = (now(), 0, 0, 0);
    while (now() < $began + $args{seconds} && $h->running('Goloman')) {
        my $part = (now() - $began) / $args{seconds};
        my $stop = $part > 0.3 && $part < 0.8 ? 1 : 0;
        $h->signal('Hands', $stop ? 'STOP' : 'CONT') if $stop != $stopped;
        $stopped = $stop;
        $peer->send_some(sprintf "PING %.9f\n", Time::HiRes::time());    # it lives, and reads nothing
        my $took = probe($h);
        $slowest = $took if $took > $slowest;
        $probes++;
        select undef, undef, undef, 0.1;
    }
    $h->signal('Hands', 'CONT');
    my @taken = map { ended($_) } @floods;
    my ($opened) = ended($deaf);
    $peer->reset;
    return judge($h, $group, { taken => \@taken, opened => $opened, slowest => $slowest,
        probes => $probes, seconds => $args{seconds}, forget => $args{forget} });
}

sub judge {
    my ($h, $group, $did) = @_;
    ok $h->running('Goloman'), "it lives after $did->{seconds} s, the system has killed "
        . $group->killed . ' processes' or return;
    is $group->killed, 0, 'nothing was killed';
    my $status = $h->status('Goloman');
    note sprintf '%s; at the most %.1f MiB of 256, of which sockets %.1f',
        join(', ', map {"$_ $status->{$_}"} qw(clients memory_bytes refused_memory clients_held
            buffers_full timeouts_answer links_held updates_sent)), $group->most / MIB, $group->sockets / MIB;
    cmp_ok $status->{refused_memory}, '>', 1000, "new clients were refused ($status->{refused_memory})";
    cmp_ok $status->{memory_bytes}, '<', 168 * MIB, "what is kept is within limits.memory ($status->{memory_bytes})";
    cmp_ok $group->most, '<', 256 * MIB, sprintf 'all of it within the group (%.1f MiB)', $group->most / MIB;
    cmp_ok $did->{opened}, '>=', DEAF, "$did->{opened} have asked and never read";
    cmp_ok $status->{clients_held}, '>', DEAF / 2, '... and were held';
    cmp_ok $did->{slowest}, '<', slowly(5), sprintf 'others were served: %d asked, %.2f s at the worst',
        $did->{probes}, $did->{slowest};
    return agree($h, $did);
}

# What Goloman has taken Hands has; with forget_after, once there is room for what Hands has, too.
sub agree {
    my ($h, $did) = @_;
    if ($did->{forget}) {
        my $empty = sub { $h->status('Goloman')->{clients} < 1000 && $h->status('Hands')->{clients} < 1000 };
        ok $h->wait_for($empty, 'they forget', 150), 'all is forgotten in time';
        my @fresh = map {"fresh$_"} 1 .. 2000;
        my $now = sprintf '%.9f', Time::HiRes::time();
        bulk($h, 'Goloman', map {"IAMAT $_ +1+1 $now"} @fresh[0 .. 999]);
        bulk($h, 'Hands', map {"IAMAT $_ +1+1 $now"} @fresh[1000 .. 1999]);
        return ok agreed($h, [qw(Goloman Hands)], \@fresh, 10), 'and there is room again: both agree';
    }
    my @sample = @{ $did->{taken} };
    cmp_ok scalar(@sample), '>', 20, scalar(@sample) . ' of those taken are looked for';
    ok agreed($h, [qw(Goloman Hands)], \@sample, 30), 'its neighbour agrees on each';
    my $same = sub { $h->status('Goloman')->{clients} == $h->status('Hands')->{clients} };
    return ok $h->wait_for($same, 'as many', 30), 'and knows as many';
}

1;
