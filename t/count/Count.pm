# How many instructions herd spends on a request, in its own object (not libc, libevent or the
# kernel): the real program under callgrind, with one worker, and a client that sends a batch, reads
# its answers and only then sends the next, so that a batch is a turn of the loop. What a turn costs
# is what as many turns again cost more, so all that happens once, or before, drops out.
#
# The hard thing is to have the same numbers each time, however busy the machine is. libfaketime
# makes the server's clock all but stand still, so no timer fires, and no MARK, PING or silence comes
# in between; it draws the key of the store's hash too, which decides who shares a stripe with whom;
# and stamps always have as many digits.
package Count;

use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(basename);
use POSIX ();
use Test::Herd ();
use Test::Herd::Peer;
use Test::Herd::Time qw(wait_until);

our @EXPORT_OK = qw(compiled_by committed excuse instructions measure judge total accept_counts WORK);

use constant WORK => ('IAMAT', 'WHATSAT id 0 0', 'AT received', 'AT repeated', 'AT sent');

# An id, 22 to a stripe, comes with every 88th batch: so the journals are packed as often as those of
# many more clients would be, and in each measurement about as often.
use constant { DEPTH => 16, IDS => 1408, TURNS => 528, PING_TURNS => 64 };

use constant GROWS_BY => 0.03;          # more fails, and is to be said where it falls
use constant CLOCK    => 1520023934;    # the server's

my ($faketime) = glob '/usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1';

# ---- what is counted, and what it is held to ----

# The compiler and its options, as the program's debugging information has them.
sub compiled_by {
    my ($program) = @_;
    my %by = map { $_ => 1 }
        `readelf -wi --dwarf-depth=1 '$program' 2>/dev/null` =~ /DW_AT_producer\s*:.*\): (.*\S)/g;
    my $asserts = `readelf -W --dyn-syms '$program' 2>/dev/null` =~ /\b__assert_fail\b/;
    return join ' and ', map { $asserts ? $_ : "$_ -DNDEBUG" } sort keys %by;
}

sub counts_file { __FILE__ =~ s/Count\.pm$/counts.txt/r }

# What counts.txt says: {'compiled by' => words, IAMAT => number, ...}.
sub committed {
    open my $in, '<', counts_file() or die counts_file(), ": $!\n";
    return { map { /^(?!#)(.+?)  +(.*\S)/ ? ($1 => $2) : () } <$in> };
}

# Writes them anew; the compiler's line stays, for it was compared.
sub accept_counts {
    my ($cost) = @_;
    open my $in, '<', counts_file() or die counts_file(), ": $!\n";
    my @lines = <$in>;
    for my $what (WORK) {
        my $new = sprintf '%.0f', total($cost->{$what});
        s/^\Q$what\E  +\K.*/$new/ for @lines;
    }
    open my $out, '>', counts_file() or die counts_file(), ": $!\n";
    print {$out} @lines;
    close $out or die counts_file(), ": $!\n";
    return;
}

# Why nothing can be counted here; '' if it can. compare: nor compared with what is committed.
sub excuse {
    my ($compare) = @_;
    return 'valgrind is not installed' if !grep { -x "$_/valgrind" } split /:/, $ENV{PATH};
    return 'libfaketime is not installed' if !$faketime;
    my $by = compiled_by($ENV{HERD});
    return 'a sanitizer is compiled in' if $by =~ /-fsanitize/;
    return '' if !$compare || $by eq committed()->{'compiled by'};
    return $by eq '' ? 'herd does not say what it was compiled by: no -g'
        : "herd was compiled by $by; the counts are for " . committed()->{'compiled by'};
}

# What has become of a cost: dearer, cheaper, or '' within the bounds.
sub judge {
    my ($now, $before) = @_;
    return $now > $before * (1 + GROWS_BY) ? 'dearer' : $now < $before * (1 - GROWS_BY) ? 'cheaper' : '';
}

sub total {
    my ($cost) = @_;
    my $sum = 0;
    $sum += $_ for values %$cost;
    return $sum;
}

# ---- what callgrind writes ----

# The instructions of each function of an object, itself alone, from one dump: the line after calls=
# is what the callee has cost, and the callee has it too.
sub instructions {
    my ($text, $object) = @_;
    my (%name, %cost, $ours, $function, $called);
    for my $line (split /\n/, $text) {
        if (my ($of_callee, $kind, $id, $name) = $line =~ /^(c?)(ob|fn)=\((\d+)\)(?: (.*))?$/) {
            $name{$kind}{$id} = $name if defined $name;
            next if $of_callee;
            $ours = basename($name{ob}{$id}) eq $object if $kind eq 'ob';
            $function = $name{fn}{$id} if $kind eq 'fn';
        } elsif ($line =~ /^calls=/) {
            $called = 1;
        } elsif ($line =~ /^[-+*\d]\S* (\d+)$/) {
            $cost{$function} += $1 if $ours && !$called;
            $called = 0;
        }
    }
    return \%cost;
}

# ---- the server ----

# It has a neighbour, which dials it when that is wanted.
sub launch {
    my ($class) = @_;
    my $herd = Test::Herd->new(
        servers => [qw(Goloman Fake)], adjacency => { Fake => ['Goloman'] }, workers => 1,
        log => 'level = "warn"; messages = false',
    );
    my $self = bless { herd => $herd, dumps => 0, stamps => 0, batches => 0 }, $class;
    my $command = join ' ', 'valgrind -q --tool=callgrind --dump-before=status_log',
        '--callgrind-out-file=' . $herd->file('callgrind'), "'$ENV{HERD}'";
    my $counted = $herd->write('counted', "#!/bin/sh\nexec $command \"\$@\"\n");
    chmod 0755, $counted;
    my $clock = POSIX::strftime('%Y-%m-%d %H:%M:%S', localtime CLOCK);
    local %ENV = (%ENV, HERD => $counted, LD_PRELOAD => $faketime, FAKETIME => "\@$clock x0.001",
        FAKERANDOM_SEED => '0x1');
    $herd->start('Goloman');
    $self->{client} = $herd->connect('Goloman');
    return $self;
}

# libfaketime leaves these behind, because the shell and valgrind run what they run in their place.
sub DESTROY {
    my ($self) = @_;
    my $pid = eval { $self->{herd}->pid('Goloman') } or return;
    unlink "/dev/shm/faketime_shm_$pid", "/dev/shm/sem.faketime_sem_$pid";
    return;
}

# What each function has spent since the last dump. Callgrind writes one, and begins anew, when USR2
# calls for the status; that this is in the log means that its own work is in the next dump, whole.
sub dump {
    my ($self) = @_;
    my $herd = $self->{herd};
    my $number = ++$self->{dumps};
    $herd->signal('Goloman', 'USR2');
    wait_until(sub { $number == (() = $herd->log('Goloman') =~ /\{"server":.*\}$/mg) }, 'status')
        or die "no status\n";
    my $text = $herd->read("callgrind.$number");
    $text =~ /^totals:/m or die "callgrind has made no dump: is there no function status_log?\n";
    return instructions($text, basename($ENV{HERD}));
}

# What a turn costs, by function.
sub turn {
    my ($self, $turns, $take) = @_;
    $self->dump;
    my ($once, $twice) = map {
        $take->() for 1 .. $_;
        $self->dump
    } $turns, 2 * $turns;
    return share($turns, $twice, $once);
}

# What one of n has cost of it all, but something else and more; by function.
sub share {
    my ($n, $all, @but) = @_;
    my %left = %$all;
    for my $but (@but) {
        $left{$_} = ($left{$_} // 0) - $but->{$_} for keys %$but;
    }
    return { map { $_ => $left{$_} / $n } keys %left };
}

# ---- what is asked of it ----

# The next ids, of 20 bytes, in turn.
sub ids {
    my ($self) = @_;
    my $from = $self->{batches}++ * DEPTH % IDS;
    return map { sprintf 'client-%08d-abcd', $_ } $from .. $from + DEPTH - 1;
}

# A place, and a time that is newer than any before and some seconds behind the server's clock.
sub place {
    my ($self) = @_;
    return sprintf '+34.068930-118.445127 %d.%09d', CLOCK - 5, ++$self->{stamps};
}

sub ask {
    my ($self, $lines, @asked) = @_;
    $self->{client}->send(join '', map {"$_\n"} @asked);
    my $answers = grep { defined && /^AT / } $self->{client}->lines($lines * @asked);
    $answers == @asked or die "not answered: $asked[0]\n";
    return;
}

sub iamat {
    my ($self) = @_;
    return $self->ask(1, map { "IAMAT $_ " . $self->place } $self->ids);
}

# Its answer is the AT line, a line of JSON and an empty one.
sub whatsat {
    my ($self) = @_;
    return $self->ask(3, map {"WHATSAT $_ 0 0"} $self->ids);
}

# PINGs in one write; then something before them.
sub ping {
    my ($peer, $pings, @before) = @_;
    my $ping = sprintf 'PING %d.000000000', CLOCK;
    $peer->send(join '', map {"$_\n"} @before, ($ping) x $pings);
    for (1 .. $pings) {
        $peer->hear('^PONG ') or die "the neighbour is not answered\n";
    }
    return;
}

# A batch of ATs, and a PING, whose answer tells that they are in.
sub receive {
    my ($self, $peer) = @_;
    $self->{told} = [map { "AT Fake +0.263873386 $_ " . $self->place . ' Fake' } $self->ids];
    return ping($peer, 1, @{ $self->{told} });
}

# The same once more, as from others who know it too.
sub receive_twice {
    my ($self, $peer) = @_;
    $self->receive($peer);
    return ping($peer, 1, @{ $self->{told} });
}

sub flood {
    my ($self, $peer) = @_;
    $self->iamat;
    for (1 .. DEPTH) {
        $peer->hear('^AT ') or die "the neighbour is not told\n";
    }
    return;
}

# ---- all of it ----

# What one of each costs, by function: {IAMAT => {function => instructions}, ...}.
sub measure {
    my $self = Count->launch;
    my $herd = $self->{herd};
    $self->iamat for 1 .. TURNS;
    my $iamat = $self->turn(TURNS, sub { $self->iamat });
    my $whatsat = $self->turn(TURNS, sub { $self->whatsat });
    my $peer = Test::Herd::Peer->new($herd->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
    $peer->hello(clock => CLOCK) or die "no link\n";
    ping($peer, 1);
    my ($ping, $pings) = map { my $n = $_; $self->turn(PING_TURNS, sub { ping($peer, $n) }) } 1, 2;
    my $one_ping = share(1, $pings, $ping);
    my $received = $self->turn(TURNS, sub { $self->receive($peer) });
    my $twice = $self->turn(TURNS, sub { $self->receive_twice($peer) });
    my $flooded = $self->turn(TURNS, sub { $self->flood($peer) });
    $_->close for $self->{client}, $peer;
    $herd->stop('Goloman');
    return {
        'IAMAT' => share(DEPTH, $iamat),
        'WHATSAT id 0 0' => share(DEPTH, $whatsat),
        'AT received' => share(DEPTH, $received, $one_ping),
        'AT repeated' => share(DEPTH, $twice, $received, $one_ping),
        'AT sent' => share(DEPTH, $flooded, $iamat),
    };
}

1;
