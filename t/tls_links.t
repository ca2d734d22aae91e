# Who may enter as a neighbour over TLS, by pre-shared keys and by certificates: only the right one.
# Of all others nothing of the server changes, and the log says who and why, once for each.
use Test::Herd::Needs qw(iamat whatsat at invalid);
use Test::Herd;
use Test::Herd::Bulk;
use Test::Herd::Peer;
use Test::Herd::Ports;
use Test::Herd::Tls;
use IO::Select;
use IO::Socket::INET;
use POSIX ();

my @clients = map {"client$_"} 1 .. 100;
my ($h, $mode, $refused);

# Fake and Second dial Goloman, which dials Acceptor; Stranger is Fake's neighbour, not Goloman's.
sub herd {
    my ($name, $link) = @_;
    $mode = $name;
    $h = Test::Herd->new(
        servers => [qw(Goloman Fake Second Acceptor Stranger)],
        adjacency => { Fake => ['Goloman'], Second => ['Goloman'], Goloman => ['Acceptor'], Stranger => ['Fake'] },
        link => $link,
    );
    $h->allow(qr/No link with/);
    return $h;
}

sub start {
    $refused = 0;
    $h->start('Goloman');
    bulk($h, 'Goloman', map {"IAMAT $_ +1-1 1.5"} @clients);
    return held($h, 'Goloman', @clients);
}

sub said { grep {/No link with/} split /\n/, substr $h->log('Goloman'), $_[0] }

# The log has sixteen such lines in a second, and here each one counts.
my @lately;

sub pause {
    shift @lately while @lately && $lately[0] <= Test::Herd::Time::now() - 1;
    select undef, undef, undef, $lately[-12] + 1 - Test::Herd::Time::now() if @lately >= 12;
}

# Somebody tries, and the log has this reason for it, once; a second reason, if both ends are Goloman's.
sub refused {
    my ($name, $why, $try, $more) = @_;
    pause();
    my $seen = length $h->log('Goloman');
    my $somebody = $try->();
    ok !defined $somebody || $somebody->gone(10), "$mode: $name: is sent away";
    my @said;
    my $told = sub {
        $h->status('Goloman');    # for which the log is written at once
        @said = said($seen);
        return @said >= ($more ? 2 : 1);
    };
    $h->wait_for($told, "the log has: $why");
    my $all = join "\n", @said;
    like $all, qr/No link with 127\.0\.0\.1:\d+: $why$/m, "$mode: $name: the log says who and why";
    like $all, qr/No link with 127\.0\.0\.1:\d+: $more$/m, "... at the other end too" if $more;
    is scalar(@said), $more ? 2 : 1, '... once';
    $somebody->close if $somebody;
    $refused += $more ? 2 : 1;
    push @lately, (Test::Herd::Time::now()) x @said;
}

sub smuggled {
    my ($peer, $name) = @_;
    $peer->send($peer->hello_line . "AT $name +0.000000000 smuggled +1+1 1 $name\n");
    return $peer;
}

# Dials Goloman with this for TLS, and says what a neighbour says.
sub dials {
    my ($name, @with) = @_;
    return smuggled(right('dial', 'Goloman', $name, @with), $name);
}

sub older { Test::Herd::Tls->dial($h->peer_port('Goloman'), name => 'Fake', version => '-tls1_2', with => \@_) }

# Waits as Acceptor to be dialled by Goloman.
sub serves {
    my ($name, @with) = @_;
    return smuggled(right('serve', 'Acceptor', $name, @with), $name);
}

# The right one comes in, and what it says is taken. On a machine that is busy it may need more than
# the two seconds that it has, and tries again.
sub entered {
    my ($come, $name, $client) = @_;
    my ($peer, $hello);
    for (1 .. 3) {
        $peer = $come->();
        $hello = $peer->hello and last;
        $refused++;
        $peer->close;
    }
    ok $hello, "$mode: $name comes in";
    $peer->send("AT $name +0.500000000 $client +2-2 2.5 $name\n");
    ok $peer->settle, '... and is answered';
    is $h->at_line('Goloman', $client), "AT $name +0.500000000 $client +2-2 2.5", '... and what it says is taken';
    return $peer;
}

# Who dials Goloman, or is dialled by it, and says nothing yet.
sub right {
    my ($how, $port_of, $name, @with) = @_;
    return Test::Herd::Tls->$how($h->peer_port($port_of), name => $name, to => 'Goloman', with => \@with);
}

# One connection, carried to another port; what its opener says is kept in a file.
sub carry {
    my ($listen, $port, $file) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    alarm 30;
    my $from = $listen->accept;
    close $listen;
    my $to = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or POSIX::_exit(1);
    open my $out, '>', $file or POSIX::_exit(1);
    my $both = IO::Select->new($from, $to);
    while (my @ready = $both->can_read) {
        for my $one (@ready) {
            sysread($one, my $bytes, 65536) or POSIX::_exit(0);
            syswrite $out, $bytes if $one == $from;
            syswrite $one == $from ? $to : $from, $bytes;
        }
    }
    POSIX::_exit(0);
}

sub listen_on { Test::Herd::Peer->listen($_[0]) }
sub ended { kill 'KILL', $_[0]; waitpid $_[0], 0 }

# A good session, written down and said again.
sub replayed {
    my (@with) = @_;
    my $port = Test::Herd::Ports::take();
    my $pid = carry(listen_on($port), $h->peer_port('Goloman'), $h->file('said'));
    my $come = sub { Test::Herd::Tls->dial($port, name => 'Fake', to => 'Goloman', with => [@with]) };
    my $peer = entered($come, 'Fake', 'by.proxy');
    $peer->close;
    ok $h->wait_for(sub { $h->status('Goloman')->{links_closed} }, 'it has gone'), '... and goes';
    ended($pid);
    my $updates = $h->status('Goloman')->{merges_repeats};
    my $said = $h->read('said');
    cmp_ok length $said, '>', 500, 'all that it has said is there, and is said again';
    refused('bytes that were good once', qr/TLS: .+/, sub {
        my $again = Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
        $again->send($said);
        return $again;
    });
    is $h->status('Goloman')->{merges_repeats}, $updates, '... and nothing of it is taken';
}

# What Goloman says to Acceptor comes back to Goloman.
sub reflected {
    my (@why) = @_;
    my $pid;
    refused('its own handshake, sent to its own port', $why[0], sub {
        $pid = carry(listen_on($h->peer_port('Acceptor')), $h->peer_port('Goloman'), $h->file('reflected'));
        return undef;
    }, $why[1]);
    ended($pid);
    refused('its own words, sent back', qr/TLS: .+/, sub {
        my $listener = listen_on($h->peer_port('Acceptor'));
        my $mirror = Test::Herd::Peer->accept($listener);
        $mirror->fill(Test::Herd::Time::now() + 10);
        $mirror->send($mirror->{got});
        return $mirror;
    });
}

# Without TLS, where it is due.
sub plain {
    refused('a plain HELLO', qr/TLS: what it says is not TLS/, sub {
        smuggled(Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman'), 'Fake');
    });
    refused('a plain answer', qr/TLS: what it says is not TLS/, sub {
        smuggled(Test::Herd::Peer->accept(listen_on($h->peer_port('Acceptor')), name => 'Acceptor', to => 'Goloman'), 'Acceptor');
    });
    refused('nobody says a word', qr/no TLS handshake in time/, sub {
        Test::Herd::Peer->new($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman');
    });
}

sub unchanged {
    my ($before) = @_;
    is_deeply held($h, 'Goloman', @clients), $before, "$mode: every record is as it was";
    my $status = $h->status('Goloman');
    is $status->{links_refused}, $refused, '... each was counted';
    is $h->at_line('Goloman', 'smuggled'), undef, '... and nothing was taken from any of them';
    is $status->{clients}, @clients + 3, '... but from the right ones';
    $h->stop('Goloman');
}

# ---- by pre-shared keys ----

sub key { Test::Herd::Tls::key(@_) }
sub psk { Test::Herd::Tls::psk(@_) }

herd('keys', 'psk_file = "herd.psk";');
Test::Herd::Tls::psk_file($h, 'herd.psk', map { ['Goloman', $_] } qw(Fake Second Acceptor Stranger));
my $before = start();
my $good = key('Goloman', 'Fake');
my $unknown = sub { qr/TLS: unknown pre-shared key identity '\Q$_[0]\E'/ };
my $other = qr/TLS: another pre-shared key for 'Fake>Goloman'/;
refused('no key', qr/TLS: it offers no pre-shared key/, sub { dials('Fake') });
refused('a wrong key', $other, sub { dials('Fake', psk('Fake>Goloman', 'ab' x 32)) });
refused('a key that is longer', $other, sub { dials('Fake', psk('Fake>Goloman', $good . '00')) });
refused("another pair's key", $other, sub { dials('Fake', psk('Fake>Goloman', key('Goloman', 'Acceptor'))) });
refused('the right key under a wrong name', $unknown->('Acceptor>Goloman'), sub { dials('Acceptor', psk('Acceptor>Goloman', $good)) });
refused("the right key under another neighbour's name", qr/TLS: another pre-shared key for 'Second>Goloman'/,
    sub { dials('Second', psk('Second>Goloman', $good)) });
refused("the right key, and another neighbour's HELLO", qr/it calls itself another than Fake, who it has proved to be/,
    sub { dials('Second', psk('Fake>Goloman', $good)) });
refused('a neighbour that is dialled, and dials', $unknown->('Acceptor>Goloman'),
    sub { dials('Acceptor', psk('Acceptor>Goloman', key('Goloman', 'Acceptor'))) });
refused('the right key, and another name in HELLO', qr/it calls itself another than Fake, who it has proved to be/,
    sub { dials('Acceptor', psk('Fake>Goloman', $good)) });
refused('no neighbour, though it has a key', $unknown->('Stranger>Goloman'),
    sub { dials('Stranger', psk('Stranger>Goloman', key('Goloman', 'Stranger'))) });
refused('oneself', $unknown->('Goloman>Goloman'), sub { dials('Goloman', psk('Goloman>Goloman', $good)) });
refused($_, $unknown->($_), sub { dials('Fake', psk($_, $good)) })
    for 'Fake', 'Goloman>Fake', 'Fake>Goloman>Goloman', 'fake>Goloman', 'Fake>Golomanx';
refused('an older TLS', qr/TLS: unsupported protocol/, sub { older(psk('Fake>Goloman', $good)) });
refused('bytes that are not for a terminal', qr/TLS: unknown pre-shared key identity 'Fake\\x1b\[31m\\x0a>Goloman'/,
    sub { dials('Fake', psk("Fake\e[31m\n>Goloman", $good)) });
plain();
replayed(psk('Fake>Goloman', $good));
reflected(qr/TLS: unknown pre-shared key identity 'Goloman>Acceptor'/, qr/TLS: the other side says: handshake failure/);
my @dialled = psk('Goloman>Acceptor', key('Goloman', 'Acceptor'));
refused('an acceptor with a wrong key', qr/TLS: .+/, sub { serves('Acceptor', '-nocert', psk('Goloman>Acceptor', 'ab' x 32)) });
refused("an acceptor with another pair's key", qr/TLS: .+/, sub { serves('Acceptor', '-nocert', psk('Goloman>Acceptor', $good)) });
my $somebody = Test::Herd::Tls::authority('Somebody');
Test::Herd::Tls::certify($h, $somebody, 'acceptor', 'Acceptor');
refused('an acceptor that shows a certificate instead', qr/TLS: .+/, sub { serves('Acceptor', Test::Herd::Tls::shows($h, 'acceptor')) });
refused('an acceptor of another name', qr/it calls itself another than Acceptor, who it has proved to be/,
    sub { serves('Fake', '-nocert', @dialled) });
my $peer = entered(sub { right('dial', 'Goloman', 'Fake', psk('Fake>Goloman', $good)) }, 'Fake', 'dialled');
my $acceptor = entered(sub { right('serve', 'Acceptor', 'Acceptor', '-nocert', @dialled) }, 'Acceptor', 'accepted');
$_->close for $peer, $acceptor;
unchanged($before);
unlike $h->log('Goloman') . $h->process('Goloman')->err, qr/\Q$good\E/i, 'no key is in the log';
unlike $h->run('-c', $h->config, '-T')->{out}, qr/\Q$good\E/i, '... nor in what -T prints';

# ---- by certificates ----

sub shows { Test::Herd::Tls::shows($h, $_[0]) }

herd('certificates', 'cert_file = "%n.pem"; key_file = "%n.key"; ca_file = "ca.pem";');
my $authority = Test::Herd::Tls::authority('The herd');
my $stranger = Test::Herd::Tls::authority('Somebody else');
my $now = time;
Test::Herd::Tls::ca_file($h, 'ca.pem', $authority);
Test::Herd::Tls::certify($h, $authority, $_, $_) for $h->servers;
Test::Herd::Tls::certify($h, $authority, 'expired', 'Fake', not_before => $now - 7200, not_after => $now - 3600);
Test::Herd::Tls::certify($h, $authority, 'early', 'Fake', not_before => $now + 3600, not_after => $now + 7200);
Test::Herd::Tls::certify($h, $stranger, 'foreign', 'Fake');
Test::Herd::Tls::certify($h, $authority, 'beside', 'host.example', names => ['Fake', 'other.example']);
Test::Herd::Tls::certify($h, $authority, 'both', 'Fake', names => ['Second']);
Test::Herd::Tls::certify($h, $authority, 'across', 'Fake', names => ['Acceptor']);
Test::Herd::Tls::certify($h, $authority, 'case', 'fake');
Test::Herd::Tls::certify($h, $authority, 'wild', '*', names => ['*']);
Test::Herd::Tls::certify($h, $authority, 'nul', 'Fakex', names => ["Fake.example"]);
Test::Herd::Tls::certify($h, $authority, 'late-acceptor', 'Acceptor', not_before => $now - 7200, not_after => $now - 3600);
Test::Herd::Tls::certify($h, $stranger, 'foreign-acceptor', 'Acceptor');
Test::Herd::Tls::certify($h, $authority, 'serves-only', 'Fake', purpose => 'server');
$before = start();
my $nobody = sub { qr/TLS: the certificate of '\Q$_[0]\E' is no neighbour's that dials this server/ };
refused('no certificate', qr/TLS: peer did not return a certificate/, sub { dials('Fake') });
refused('another authority', qr/TLS: the certificate of 'Fake': unable to get (?:local )?issuer certificate|TLS: the certificate of 'Fake': .*/, sub { dials('Fake', shows('foreign')) });
refused('expired', qr/TLS: the certificate of 'Fake': certificate has expired/, sub { dials('Fake', shows('expired')) });
refused('not valid yet', qr/TLS: the certificate of 'Fake': certificate is not yet valid/, sub { dials('Fake', shows('early')) });
refused('for servers only', qr/TLS: the certificate of 'Fake': .*purpose/, sub { dials('Fake', shows('serves-only')) });
refused('no neighbour', $nobody->('Stranger'), sub { dials('Stranger', shows('Stranger')) });
refused('oneself', $nobody->('Goloman'), sub { dials('Goloman', shows('Goloman')) });
refused('a neighbour that is dialled, and dials', $nobody->('Acceptor'), sub { dials('Acceptor', shows('Acceptor')) });
refused("another neighbour's HELLO", qr/it calls itself another than Fake, who it has proved to be/, sub { dials('Second', shows('Fake')) });
refused('a certificate of two neighbours', qr/TLS: the certificate of 'Fake' names several neighbours/, sub { dials('Fake', shows('both')) });
refused('a certificate of two neighbours, one of them dialled', qr/TLS: the certificate of 'Fake' names several neighbours/, sub { dials('Fake', shows('across')) });
refused("another's name in HELLO", qr/it calls itself another than Fake, who it has proved to be/, sub { dials('Acceptor', shows('Fake')) });
refused("a stranger's certificate and a neighbour's HELLO", $nobody->('Stranger'), sub { dials('Fake', shows('Stranger')) });
refused('a name in other letters', $nobody->('fake'), sub { dials('Fake', shows('case')) });
refused('a wildcard', $nobody->('*'), sub { dials('Fake', shows('wild')) });
refused('a name that begins so', $nobody->('Fakex'), sub { dials('Fake', shows('nul')) });
refused('an older TLS', qr/TLS: unsupported protocol/, sub { older(shows('Fake')) });
refused('a key', qr/TLS: .+/, sub { dials('Fake', psk('Fake>Goloman', $good)) });
plain();
replayed(shows('Fake'));
reflected(qr/TLS: the certificate of 'Goloman' is not that of Acceptor/, qr/TLS: .+/);
my $wrong = sub { qr/TLS: the certificate of '\Q$_[0]\E' is not that of Acceptor/ };
my @asks = ('-Verify', 1, '-CAfile', $h->file('ca.pem'));
refused("an acceptor with another neighbour's certificate", $wrong->('Fake'), sub { serves('Acceptor', @asks, shows('Fake')) });
refused('an acceptor with a certificate of two neighbours', qr/TLS: the certificate of 'Fake' names several neighbours/, sub { serves('Acceptor', @asks, shows('across')) });
refused('an acceptor of another authority', qr/TLS: the certificate of 'Acceptor': .*/, sub { serves('Acceptor', @asks, shows('foreign-acceptor')) });
refused('an expired acceptor', qr/TLS: the certificate of 'Acceptor': certificate has expired/, sub { serves('Acceptor', @asks, shows('late-acceptor')) });
refused('an acceptor of another name', qr/it calls itself another than Acceptor, who it has proved to be/, sub { serves('Fake', @asks, shows('Acceptor')) });
$peer = entered(sub { right('dial', 'Goloman', 'Fake', shows('beside')) }, 'Fake', 'dialled');
$acceptor = entered(sub { right('serve', 'Acceptor', 'Acceptor', @asks, shows('Acceptor')) }, 'Acceptor', 'accepted');
$_->close for $peer, $acceptor;
unchanged($before);

# ---- TLS where none is due ----

herd('plain', '');
$before = start();
refused('TLS to a plain port', qr/the first line is no HELLO|its line is too long|no HELLO in time/, sub { dials('Fake', psk('Fake>Goloman', $good)) });
$h->stop('Goloman');
done_testing;
