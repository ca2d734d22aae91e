# A client of a server (or somebody on its peer port), byte for byte. Nothing blocks for longer than
# its time-out: what does not come is undef.
package Test::Herd::Client;

use strict;
use warnings;
use Errno qw(EAGAIN EINPROGRESS);
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF SHUT_WR);
use Test::Herd::Time qw(slowly now);

sub new {
    my ($class, $port, %args) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => $args{host} // '127.0.0.1', PeerPort => $port, Timeout => slowly(10),
        $args{receive_bytes} ? (Sockopts => [[SO_RCVBUF, pack 'i', $args{receive_bytes}]]) : (),
    ) or die "connect to port $port: $@\n";
    $socket->blocking(0);
    return bless { socket => $socket, got => '', ended => 0, error => '' }, $class;
}

sub port { $_[0]{socket}->sockport }

sub wait_fd {
    my ($self, $for_write, $end) = @_;
    my $left = $end - now();
    my $bits = '';
    vec($bits, fileno $self->{socket}, 1) = 1;
    $left = 0 if $left < 0;
    my ($r, $w) = $for_write ? (undef, $bits) : ($bits, undef);
    return select($r, $w, undef, $left) > 0;
}

# Writes all of it. False: the other side is gone, or takes no more for 10 seconds.
sub send {
    my ($self, $bytes) = @_;
    my ($done, $end) = (0, now() + slowly(10));
    while ($done < length $bytes) {
        my $n = syswrite $self->{socket}, $bytes, length($bytes) - $done, $done;
        if (defined $n) {
            $done += $n;
            $end = now() + slowly(10);
        } elsif ($! != EAGAIN || !$self->wait_fd(1, $end)) {
            return 0;
        }
    }
    return 1;
}

# Writes as much as is taken now. Returns how many bytes were.
sub send_some { my ($self, $bytes) = @_; syswrite($self->{socket}, $bytes) // 0 }

# Reads once. False: nothing came in time, or nothing will.
sub fill {
    my ($self, $end) = @_;
    return 0 if $self->{ended};
    while (1) {
        my $n = sysread $self->{socket}, $self->{got}, 1 << 16, length $self->{got};
        return 1 if $n;
        if (defined $n || $! != EAGAIN) {
            $self->{ended} = 1;
            $self->{error} = defined $n ? '' : "$!";
            return 0;
        }
        return 0 if !$self->wait_fd(0, $end);
    }
}

# What comes up to and with the bytes $mark; undef: they do not come within some seconds (10).
sub until_mark {
    my ($self, $mark, $seconds) = @_;
    my $end = now() + slowly($seconds // 10);
    my $from = 0;
    while (1) {
        my $at = index $self->{got}, $mark, $from;
        return substr $self->{got}, 0, $at + length $mark, '' if $at >= 0;
        $from = length($self->{got}) - length($mark) + 1;
        $from = 0 if $from < 0;
        return undef if !$self->fill($end);
    }
}

# The next line, without its LF.
sub line {
    my ($self, $seconds) = @_;
    my $line = $self->until_mark("\n", $seconds);
    chop $line if defined $line;
    return $line;
}

sub lines { my ($self, $n) = @_; map { $self->line } 1 .. $n }

# An answer of several lines, with the empty line that ends it.
sub answer { my ($self, $seconds) = @_; $self->until_mark("\n\n", $seconds) }

sub ask { my ($self, $line, $seconds) = @_; $self->send("$line\n"); $self->line($seconds) }

# Everything until the other side ends; undef: it does not.
sub all {
    my ($self, $seconds) = @_;
    my $end = now() + slowly($seconds // 10);
    1 while $self->fill($end);
    return undef if !$self->{ended};
    return substr $self->{got}, 0, length $self->{got}, '';
}

# Whether the other side ends, and says nothing more before.
sub eof {
    my ($self, $seconds) = @_;
    my $rest = $self->all($seconds);
    return defined $rest && $rest eq '';
}

# Whether the other side neither speaks nor ends for some seconds. The only wait for a time.
sub silent {
    my ($self, $seconds) = @_;
    return $self->{got} eq '' && !$self->{ended} && !$self->wait_fd(0, now() + ($seconds // 0.2));
}

# The end was an error (a reset), or how far it has got.
sub error { $_[0]{error} }
sub ended { $_[0]{ended} }

# Ends our side; answers may still come.
sub shut { shutdown $_[0]{socket}, SHUT_WR }
sub close { CORE::close $_[0]{socket} }

# Vanishes: the other side gets an RST.
sub reset {
    my ($self) = @_;
    setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return CORE::close $self->{socket};
}

1;
