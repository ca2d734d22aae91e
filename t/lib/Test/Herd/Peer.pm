# A neighbour that the tests play: it speaks the links' protocol, whichever side has dialled, and
# keeps every line that it has heard. What a line means is the test's business.
package Test::Herd::Peer;

use strict;
use warnings;
use parent 'Test::Herd::Client';
use IO::Select;
use IO::Socket::INET;
use Test::Herd::Time qw(now slowly);
use Time::HiRes ();

use constant STRIPES => 64;

# A 128-bit epoch in hexadecimal digits; the same word gives the same one.
sub epoch { my ($word) = @_; substr unpack('H*', $word) . '0' x 32, 0, 32 }

# Dials a server's peer port. name: who we are, to: whom we take it for.
sub new {
    my ($class, $port, %args) = @_;
    return $class->SUPER::new($port)->becomes(%args);
}

sub becomes {
    my ($self, %args) = @_;
    @{$self}{qw(name to epoch heard)} = ($args{name}, $args{to}, $args{epoch} // epoch('first'), []);
    return $self;
}

# A port that a server dials, and the next session that it opens there; undef: none comes.
sub listen {
    my ($class, $port) = @_;
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 16,
        ReuseAddr => 1) // die "port $port: $!\n";
}

sub accept {
    my ($class, $listener, %args) = @_;
    IO::Select->new($listener)->can_read(slowly(10)) or return undef;
    my $socket = $listener->accept;
    $socket->blocking(0);
    return bless({ socket => $socket, got => '', ended => 0, error => '' }, $class)->becomes(%args);
}

# The HELLO line, any part of which may be given another way.
sub hello_line {
    my ($self, %args) = @_;
    my %hello = (version => 1, stripes => STRIPES, have => '-', clock => Time::HiRes::time(),
        map({ $_ => $self->{$_} } qw(name to epoch)), %args);
    return sprintf "HELLO %s %s %s %s %.9f %s HAVE %s\n",
        @hello{qw(version name to epoch clock stripes have)};
}

# Says HELLO and hears the answer, whose parts it returns; undef: there is none.
sub hello {
    my ($self, %args) = @_;
    $self->{have} = $args{have} // '-';
    $self->send($self->hello_line(%args));
    return $self->hear_hello;
}

sub hear_hello {
    my ($self) = @_;
    my $line = $self->line // return undef;
    my @field = split ' ', $line;
    return undef if $field[0] ne 'HELLO';
    my %hello = (line => $line, have => $field[8], pos => [@field[9 .. $#field]]);
    @hello{qw(version name to epoch clock stripes)} = @field[1 .. 6];
    return \%hello;
}

sub line {
    my ($self, $seconds) = @_;
    my $line = $self->SUPER::line($seconds);
    push @{ $self->{heard} }, $line if defined $line;
    return $line;
}

# Hears lines until one matches, which it returns; undef: none does in time.
sub hear {
    my ($self, $what, $seconds) = @_;
    my $end = now() + ($seconds // 10);
    while (now() < $end) {
        my $line = $self->line($end - now()) // return undef;
        return $line if $line =~ /$what/;
    }
    return undef;
}

# True when the other side has worked on all that was said to it, and has answered that.
sub settle {
    my ($self) = @_;
    $self->send(sprintf "PING %.9f\n", Time::HiRes::time());
    return defined $self->hear('^PONG ');
}

# Whether the other side ends it in time, whatever it says before.
sub gone { my ($self, $seconds) = @_; defined $self->all($seconds) }

# The lines heard so far that match.
sub heard { my ($self, $what) = @_; grep {/$what/} @{ $self->{heard} } }

# Where the MARKs heard so far have moved the place that hello named, in the feed of that epoch, as
# HAVE takes it.
sub place {
    my ($self, $epoch) = @_;
    my ($of, @pos) = split ' ', $self->{have};
    @pos = (0) x STRIPES if $of ne $epoch;
    for my $line ($self->heard('^MARK ')) {
        my (undef, $stripe, $pos) = split ' ', $line;
        $pos[$stripe] = $pos;
    }
    return join ' ', $epoch, @pos;
}

1;
