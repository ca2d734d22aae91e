# A light load on a server in which something fails, and the judgement: what clients were answered
# is held, by it and by its neighbour, byte for byte; others than those that were hit go on; the
# link comes up again. Who is hit by a failing call nobody knows, so a client here takes whatever
# befalls it, and remembers what it was answered.
#
#     my $x = Test::Herd::Exchange->new($h, 'Goloman', 'Hands');    # the former dials the latter
#     $x->run;             # under the fault
#     $x->settled;         # after it: true, or why says what is wrong
#
# connect: how a client comes to the failing server; replace: a session, made up, that replaces the
# link, where a plain one would not be let in.
package Test::Herd::Exchange;

use strict;
use warnings;
use Test::Herd::Bulk;
use Test::Herd::Peer;
use Test::Herd::Time qw(now slowly);
use Time::HiRes ();

my $number = 0;    # of clients and of made-up sessions

sub new {
    my ($class, $h, $server, $neighbour, %how) = @_;
    my $self = bless { h => $h, server => $server, neighbour => $neighbour, said => {}, why => '', %how }, $class;
    $self->{connect} //= sub { $h->connect($server) };
    $self->{replace} //= sub { Test::Herd::Peer->new($h->peer_port($neighbour), @_) };
    $self->{stays} = [map { $self->open } 1 .. 2];
    return $self;
}

sub why { $_[0]{why} }

# A connection to the failing server; undef: it is not to be had now.
sub open { my ($self) = @_; eval { $self->{connect}->() } }

sub iamat {
    my $id = 'c' . ++$number;
    return ($id, sprintf 'IAMAT %s +34.0%02d-118.44 %.9f', $id, $number % 100, Time::HiRes::time());
}

# What the answer acknowledges is to be held.
sub note {
    my ($self, $id, $answer) = @_;
    $self->{said}{$id} = $answer if defined $answer && $answer =~ /^AT \S+ \S+ \Q$id\E /;
    return;
}

# Lines in pieces, several at once, a search, one that is invalid and one that never ends.
sub talk {
    my ($self) = @_;
    my $c = $self->open or return;
    my ($one, $first) = iamat();
    my ($two, $second) = iamat();
    $c->send(substr $first, 0, 9);
    $c->send(substr($first, 9) . "\n$second\nWHATSAT $one 10 5\n");
    $self->note($one, $c->line(2));
    $self->note($two, $c->line(2));
    $c->answer(2);
    $c->send("WHATSAT $two 0 0\nYOLO\nIAMAT");
    $c->shut;
    $c->all(2);
    $c->close;
    $c = $self->open or return;
    $c->send('x' x 5000);    # too long: it is answered, and closed
    $c->all(2);
    $c->close;
    return;
}

# Those that are there all the time; one that is hit comes again.
sub ask_those_that_stay {
    my ($self) = @_;
    my $broken = 0;
    for my $c (@{ $self->{stays} }) {
        my ($id, $line) = iamat();
        my $answer = defined $c ? $c->ask($line, 2) : undef;
        $self->note($id, $answer);
        next if defined $answer;
        $broken++;
        $c->close if defined $c;
        $c = $self->open;
    }
    return $broken;
}

# A session that replaces the link, which has to be dialled anew.
sub break_link {
    my ($self) = @_;
    my $to = $self->{neighbour};
    my $false = eval {
        $self->{replace}->(name => $self->{server}, to => $to,
            epoch => Test::Herd::Peer::epoch('made up ' . ++$number));
    } or return;
    $false->hello;
    $false->close;
    return;
}

# Returns how many of the two that stay were hit. link: also what it takes to dial again; log: to
# open the log again; until: is waited for.
sub run {
    my ($self, %what) = @_;
    my $h = $self->{h};
    $self->break_link if $what{link};
    $h->signal($self->{server}, $_) for $what{log} ? qw(USR1 USR2) : ();
    $self->talk;
    my $broken = $self->ask_those_that_stay;
    my ($id, $line) = iamat();
    $self->note($id, $h->ask($self->{neighbour}, $line));
    $h->wait_for($what{until}, 'what is to fail fails', 1) if $what{until};
    return $broken;
}

# Whether both have what was answered since the last time, and who comes is served, within seconds.
sub settled {
    my ($self, $seconds) = @_;
    my $h = $self->{h};
    my %said = %{ $self->{said} };
    my ($id, $line) = iamat();
    my $well = $h->wait_for(
        sub {
            my $answer = eval { $h->ask($self->{server}, $line) } // return $self->not_yet('nobody is served');
            return $self->not_yet("it says $answer") if $answer !~ /^AT /;
            for my $server (@{$self}{qw(server neighbour)}) {
                my $held = eval { held($h, $server, keys %said) } // return $self->not_yet("$server: $@");
                my @lost = grep { ($held->{$_} // '') ne $said{$_} } keys %said;
                return $self->not_yet("$server has not @said{@lost}") if @lost;
            }
            return 1;
        },
        'all is well', $seconds // 5
    );
    $self->{said} = {};
    $_ //= $self->open for @{ $self->{stays} };
    return $well;
}

sub not_yet { my ($self, $why) = @_; $self->{why} = $why; return 0 }

1;
