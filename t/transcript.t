#!/usr/bin/perl
# The transcripts of herd-protocol(7) are what a real server says. What differs each time (the
# server's clock, epoch and stripes) is matched by its form; a difference must also be the same
# wherever the transcript has the same one, and another elsewhere.

use strict;
use warnings;
use Test::Herd::Needs qw(iamat whatsat at invalid geojson);
use Test::Herd;
use Test::Herd::Manual;
use Test::Herd::Peer;
use Time::HiRes ();

my $page = Test::Herd::Manual->new('herd-protocol.7');
my ($places) = Test::Herd::Manual->new('herd.conf.5')->displays(qr/FeatureCollection/);
my $herd = Test::Herd->new(
    servers => [qw(Goloman Hands Welsh)],
    adjacency => { Hands => ['Goloman'], Goloman => ['Welsh'] },
);
my $config = $herd->read('herd.conf');
$herd->write('places.geojson', $places->{text});
$herd->allow(qr/ malformed line, skipped: /, qr/ No link with .*: it is no neighbour/);

# The lines in which something varies: what stays and what varies take turns.
my @shapes = (
    qr/^(HELLO 1 Goloman \w+ )([0-9a-f]{32})( )(\d+\.\d{9})( .*)$/,
    qr/^(P[IO]NG )(\d+\.\d{9})()$/,
    qr/^(MARK )(\d+)( )(\d+)()$/,
    qr/^(AT Goloman )([+-]\d+\.\d{9})( .*)$/,
);

# The form of what varies; a difference that was told before must be the same one.
sub form {
    my ($known, $text) = @_;
    return quotemeta $known->{$text} if defined $known->{$text};
    return $text =~ /^[+-]/ ? qr/[+-](?:0|[1-9]\d*)\.\d{9}/ : $text =~ /\./ ? qr/\d{10}\.\d{9}/
        : $text =~ /^.{32}$/ ? qr/[0-9a-f]{32}/ : qr/\d+/;
}

# Whether a line is what the transcript says. %$known: differences that the transcript names, and
# what they are this time; two never are the same.
sub fits {
    my ($known, $said, $expected) = @_;
    my ($parts) = grep {@$_} map { [$expected =~ $_] } @shapes;
    my @parts = $parts ? @$parts : $expected;
    my $pattern = join '', map { $_ % 2 ? '(' . form($known, $parts[$_]) . ')' : quotemeta $parts[$_] } 0 .. $#parts;
    my @values = ($said // '') =~ /\A$pattern\z/ or return 0;
    return 1 if @parts < 2 || $parts[1] !~ /^[+-]/;
    return 0 if grep { $_ ne $parts[1] && $known->{$_} eq $values[0] } keys %$known;
    $known->{ $parts[1] } = $values[0];
    return 1;
}

# The steps of a transcript: {who, way, line}. A backslash at the end joins lines.
sub steps {
    my ($text) = @_;
    $text =~ s/\\\n\s*//g;
    my @lines = split /\n/, $text;
    return map { /^([CNW])([<>]) ?(.*)$/ ? { who => $1, way => $2, line => $3 } : die "no step: $_\n" } @lines;
}

sub dial {
    my ($who) = @_;
    return $who eq 'C' ? $herd->connect('Goloman') : $herd->connect_peer('Goloman');
}

# The next line of a connection; PINGs are passed over where none is expected.
sub hear {
    my ($connection, $expected) = @_;
    my $line;
    do { $line = $connection->line } while defined $line && $line =~ /^PING / && $expected !~ /^PING /;
    return $line;
}

sub say_line {
    my ($connection, $line) = @_;
    return $connection->shut if $line eq '[end]';
    my $clock = sprintf '%.9f', Time::HiRes::time();
    $line =~ s/^((?:HELLO .*|P[IO]NG )\b)\d{10}\.\d{9}\b/$1$clock/;
    return $connection->send("$line\n");
}

# Whether the server ends the connection, and says nothing before but PING.
sub ends { my ($connection) = @_; return ($connection->all // 'open') =~ /\A(?:PING \S+\n)*\z/ }

sub play {
    my ($display) = @_;
    my @steps = steps($display->{text});
    my $listener = grep({ $_->{who} eq 'W' } @steps) ? Test::Herd::Peer->listen($herd->peer_port('Welsh')) : undef;
    my (%connection, %known);
    $herd->configure($config . $display->{note});
    $herd->start('Goloman');
    $connection{W} = Test::Herd::Peer->accept($listener) // die "Goloman does not dial Welsh\n" if $listener;
    for my $step (@steps) {
        my $connection = $connection{ $step->{who} } //= dial($step->{who});
        if ($step->{way} eq '>') {
            say_line($connection, $step->{line});
        } elsif ($step->{line} eq '[end]') {
            ok(ends($connection), "$step->{who}< [end]");
        } else {
            my $said = hear($connection, $step->{line});
            ok(fits(\%known, $said, $step->{line}), "$step->{who}< " . substr($step->{line}, 0, 60))
                or diag('said: ', $said // 'nothing');
        }
    }
    $_->close for values %connection;
    $herd->stop('Goloman');
}

my %known;
ok(fits(\%known, 'AT Goloman +1.000000001 a', 'AT Goloman +9.000000000 a'), 'this test takes another difference');
ok(!fits(\%known, 'AT Goloman +1.000000002 a', 'AT Goloman +9.000000000 a'), 'but not two for one');
ok(!fits(\%known, 'AT Goloman +1.000000001 a', 'AT Goloman +8.000000000 a'), 'nor one for two');
ok(!fits(\%known, 'AT Goloman +01.000000001 a', 'AT Goloman +7.000000000 a'), 'nor one of another form');
ok(!fits(\%known, 'AT Goloman +1.000000009 b', 'AT Goloman +7.000000000 a'), 'nor another line');

my @transcripts = $page->displays(qr/^[CNW][<>]/m);
cmp_ok(scalar(@transcripts), '>=', 12, 'there are transcripts');
for my $display (@transcripts) {
    my ($first) = $display->{text} =~ /^(.*)$/m;
    subtest "$display->{subsection}: $first" => sub { play($display); Test::More::done_testing() };
}
done_testing();
