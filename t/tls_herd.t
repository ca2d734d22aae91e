# The herd of five with links over TLS, by keys and by certificates: what one is told all know, also
# after one was killed and has come back, and 50,000 clients go through a link in no time.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Test::Herd::Time qw(now sanitized);
use Test::Herd::Tls;

my %links = (Goloman => 3, Hands => 2, Holiday => 3, Welsh => 1, Wilkes => 3);

sub five {
    my ($link) = @_;
    my $h = Test::Herd->five(log => 'messages = false;', link => $link);
    $h->allow(qr/No link with/);
    return $h;
}

sub linked {
    my ($h) = @_;
    my $up = sub {
        !grep { my $s = $h->status($_); $s->{links_opened} - $s->{links_closed} < $links{$_} } $h->servers;
    };
    return $h->wait_for($up, 'all links are up', 20);
}

sub told {
    my ($h, $name, $server, $count) = @_;
    my @clients = map {"$name$_"} 1 .. $count;
    bulk($h, $server, map {"IAMAT $_ +1.5-2.5 1520023934.25"} @clients);
    return @clients;
}

sub converges {
    my ($h, $mode) = @_;
    my @all = $h->servers;
    $h->start_all;
    ok linked($h), "$mode: all links are up";
    my @clients = map { told($h, "at-$_-", $_, 200) } @all;
    ok agreed($h, \@all, \@clients), '... what each is told all know';
    $h->kill9('Holiday');
    push @clients, told($h, 'meanwhile-', 'Goloman', 200);
    ok agreed($h, ['Goloman', 'Hands', 'Wilkes'], \@clients), '... also while one is dead';
    $h->start('Holiday');
    ok linked($h), '... the dead one comes back';
    ok agreed($h, \@all, \@clients), '... and all agree';
    is $h->status($_)->{link_lines_bad}, 0, "... no line was torn on its way to $_" for @all;
}

# ---- by keys: and how much goes through ----

my $h = five('psk_file = "herd.psk";');
my @pairs;
for my $one (keys %{ $h->{adjacency} }) { push @pairs, map { [$one, $_] } @{ $h->{adjacency}{$one} } }
Test::Herd::Tls::psk_file($h, 'herd.psk', @pairs);
converges($h, 'keys');
my $count = sanitized() ? 5_000 : 50_000;
my $since = now();
my @many = told($h, 'many-', 'Welsh', $count);
my $heard = $h->wait_for(sub { $h->status('Wilkes')->{clients} >= $count + 1200 }, 'all have come', 30);
my $took = now() - $since;
ok $heard, sprintf '%d clients told to Welsh are known at Wilkes, two links on, in %.2f s', $count, $took;
ok agreed($h, ['Welsh', 'Wilkes', 'Hands'], \@many, 30), '... the same';
cmp_ok $h->status('Welsh')->{updates_sent}, '<=', $count * 1.1 + 2000, '... and was said once';
$h->stop($h->servers);

# ---- by certificates ----

$h = five('cert_file = "%n.pem"; key_file = "%n.key"; ca_file = "ca.pem";');
my $authority = Test::Herd::Tls::authority('The herd');
Test::Herd::Tls::ca_file($h, 'ca.pem', $authority);
Test::Herd::Tls::certify($h, $authority, $_, $_) for $h->servers;
converges($h, 'certificates');

# ---- one key is wrong: the rest of the herd does not care ----

$h->stop($h->servers);
my ($stale) = map { Test::Herd::Tls::authority($_) } 'An older authority';
Test::Herd::Tls::certify($h, $stale, 'Holiday', 'Holiday');
$h->start_all;
my @others = qw(Goloman Hands Wilkes);
ok agreed($h, \@others, [told($h, 'others-', 'Hands', 100)]), 'one whose certificate is foreign: the others go on';
ok $h->wait_log('Goloman', 'No link with \S+: TLS: the certificate of .Holiday.: '), '... and say so';
is $h->at_line('Welsh', 'others-1'), undef, '... and it lets nothing through';
done_testing;
