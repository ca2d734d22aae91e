#!/usr/bin/perl
# The transcripts of herd-protocol(7) are what a real server says. What differs each time (the
# server's clock, epoch and stripes) is matched by its form, and must then be the same wherever the
# transcript has the same text.

use strict;
use warnings;
use Test::Herd;
use Test::Herd::Manual;
use Test::Herd::Peer;
use Test::Herd::Time qw(now);
use Time::HiRes ();

my $page = Test::Herd::Manual->new('herd-protocol.7');
my ($places) = Test::Herd::Manual->new('herd.conf.5')->displays(qr/FeatureCollection/);
my $herd = Test::Herd->new(
    servers => [qw(Goloman Hands Welsh)],
    adjacency => { Hands => ['Goloman'], Goloman => ['Welsh'] },
);
my $config = $herd->read('herd.conf');
$herd->write('places.geojson', $places->{text});
$herd->allow(qr/ malformed line, skipped: /, qr/ No link with .*: (?:it is no neighbour|it broke the protocol)$/);

# What varies, and its form. The first group of each is the text that varies.
my @varying = (
    [ clock => qr/^(?:HELLO .*|P[IO]NG )\b(\d{10}\.\d{9})\b/, qr/\d{10}\.\d{9}/ ],
    [ epoch => qr/^HELLO 1 Goloman \w+ ([0-9a-f]{32})/,       qr/[0-9a-f]{32}/ ],
    [ diff  => qr/^AT Goloman ([+-]\d+\.\d{9}) /,             qr/[+-](?:0|[1-9]\d*)\.\d{9}/ ],
    [ place => qr/^MARK (\d+ \d+)$/,                          qr/\d+ \d+/ ],
);

# Whether a line is what the transcript says, with what varies remembered in %$known.
sub fits {
    my ($known, $said, $expected) = @_;
    return 0 if !defined $said;
    my ($pattern, $name, $text) = (quotemeta $expected);
    for my $what (@varying) {
        next if $expected !~ $what->[1];
        ($name, $text) = ($what->[0], $1);
        my ($before, $after) = (substr($expected, 0, $-[1]), substr($expected, $+[1]));
        my $form = defined $known->{"$name $text"} ? quotemeta $known->{"$name $text"} : $what->[2];
        return fits_rest($known, $said, $before, $after, "$name $text", $form);
    }
    return $said =~ /\A$pattern\z/;
}

# HELLO has two that vary: the rest behind the first may hold the other.
sub fits_rest {
    my ($known, $said, $before, $after, $key, $form) = @_;
    $before = quotemeta $before;
    $before =~ s/\b[0-9a-f]{32}\b/[0-9a-f]{32}/ if $key =~ /^clock/;
    return 0 if $said !~ /\A$before($form)\Q$after\E\z/;
    my $value = $1;
    if ($key =~ /^diff/) {
        return 0 if grep { /^diff/ && $_ ne $key && $known->{$_} eq $value } keys %$known;
        $known->{$key} = $value;
    }
    return 1;
}

# The steps of a transcript: {who, way, line}. A backslash at the end joins lines.
sub steps {
    my ($text) = @_;
    $text =~ s/\\\n\s*//g;
    return map { /^([CNW])([<>]) ?(.*)$/ ? { who => $1, way => $2, line => $3 } : die "no step: $_\n" } split /\n/, $text;
}

sub dial { my ($who) = @_; return Test::Herd::Client->new($who eq 'C' ? $herd->port('Goloman') : $herd->peer_port('Goloman')) }

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

sub play {
    my ($display) = @_;
    my @steps = steps($display->{text});
    my $listener = grep({ $_->{who} eq 'W' } @steps) ? Test::Herd::Peer->listen($herd->peer_port('Welsh')) : undef;
    my (%connection, %known);
    $herd->configure($config . $display->{note});
    $herd->start('Goloman');
    $connection{W} = accepted($listener) if $listener;
    for my $step (@steps) {
        my $connection = $connection{ $step->{who} } //= dial($step->{who});
        if ($step->{way} eq '>') {
            say_line($connection, $step->{line});
        } elsif ($step->{line} eq '[end]') {
            ok($connection->eof, "$step->{who}< [end]");
        } else {
            my $said = hear($connection, $step->{line});
            ok(fits(\%known, $said, $step->{line}), "$step->{who}< " . substr($step->{line}, 0, 60))
                or diag('said: ', $said // 'nothing');
        }
    }
    $herd->stop('Goloman');
}

sub accepted {
    my ($listener) = @_;
    my $peer = Test::Herd::Peer->accept($listener) or die "Goloman does not dial Welsh\n";
    return Test::Herd::Client->take($peer->{socket});
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
