# Many commands at once on one connection, and whole servers compared: what a test asks when it has
# thousands of clients. Writes and reads by turns, as a server stops reading while nobody takes its
# answers.
package Test::Herd::Bulk;

use strict;
use warnings;

use Exporter qw(import);
use Errno qw(EAGAIN EWOULDBLOCK);
use IO::Select;
use IO::Socket::INET;
use Test::Herd::Time qw(now slowly wait_until);

our @EXPORT = qw(bulk_open bulk_begin bulk_finish bulk held agreed);

# A connection to a server's port for the functions below.
sub bulk_open {
    my ($h, $server) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $h->port($server))
        // die "$server: $!\n";
    $socket->blocking(0);
    binmode $socket;
    return { socket => $socket, to_send => '', heard => '', answers => [], kinds => [] };
}

# Sends commands, as far as the socket takes them at once; their answers are bulk_finish's.
sub bulk_begin {
    my ($conn, @lines) = @_;
    $conn->{to_send} .= join '', map {"$_\n"} @lines;
    push @{ $conn->{kinds} }, map { /^WHATSAT / ? 1 : 0 } @lines;
    push_bytes($conn);
    return;
}

# The answers to all that was begun: lines, of WHATSAT's the first.
sub bulk_finish {
    my ($conn) = @_;
    my $until = now() + slowly(60);
    my $both  = IO::Select->new($conn->{socket});
    while (@{ $conn->{kinds} }) {
        die "no answer in time\n" if now() > $until;
        my $writer = length $conn->{to_send} ? $both : undef;
        IO::Select::select($both, $writer, undef, 1);
        push_bytes($conn) if $writer;
        pull_bytes($conn);
    }
    my @answers = @{ $conn->{answers} };
    $conn->{answers} = [];
    return @answers;
}

# Commands on a connection of their own, and their answers.
sub bulk {
    my ($h, $server, @lines) = @_;
    my $conn = bulk_open($h, $server);
    bulk_begin($conn, @lines);
    my @answers = bulk_finish($conn);
    close $conn->{socket};
    return @answers;
}

sub push_bytes {
    my ($conn) = @_;
    while (length $conn->{to_send}) {
        my $n = syswrite $conn->{socket}, $conn->{to_send};
        return if !defined $n && ($! == EAGAIN || $! == EWOULDBLOCK);
        die "the server takes nothing: $!\n" if !defined $n;
        substr $conn->{to_send}, 0, $n, '';
    }
    return;
}

# An answer is a line, but WHATSAT's ends with the first empty one.
sub pull_bytes {
    my ($conn) = @_;
    my $n = sysread $conn->{socket}, $conn->{heard}, 1 << 18, length $conn->{heard};
    die "the server has gone\n" if defined $n ? $n == 0 : $! != EAGAIN && $! != EWOULDBLOCK;
    my $end = 0;
    while (@{ $conn->{kinds} } && $conn->{heard} =~ /\G([^\n]*)\n/gc) {
        my $answer = $1;
        last if $conn->{kinds}[0] && $answer =~ /^AT / && $conn->{heard} !~ /\G.*?\n\n/gcs;
        push @{ $conn->{answers} }, $answer;
        shift @{ $conn->{kinds} };
        $end = pos $conn->{heard};
    }
    substr $conn->{heard}, 0, $end, '';
    return;
}

# What a server has for these clients: {client => AT line}.
sub held {
    my ($h, $server, @clients) = @_;
    my @answers = bulk($h, $server, map {"WHATSAT $_ 0 0"} @clients);
    my %held;
    for my $i (0 .. $#clients) {
        $held{ $clients[$i] } = $answers[$i] if $answers[$i] =~ /^AT /;
    }
    return \%held;
}

# Waits until these servers have the same for these clients, byte for byte, and know them all.
# Returns what they have; undef: they still differ.
sub agreed {
    my ($h, $servers, $clients, $seconds) = @_;
    my ($first, @others) = @$servers;
    my $same = sub {
        my $held = held($h, $first, @$clients);
        return if grep { !defined $held->{$_} } @$clients;
        for my $server (@others) {
            my $other = held($h, $server, @$clients);
            return if grep { ($other->{$_} // '') ne $held->{$_} } @$clients;
        }
        return $held;
    };
    return wait_until($same, 'all agree', $seconds);
}

1;
