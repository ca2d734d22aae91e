# TLS for the tests: keys and certificates, made when they are asked for and kept in the herd's
# folder; neighbours that the tests play over TLS, by the program openssl between a pair of sockets
# and the server; and clients.
#
#     Test::Herd::Tls::psk_file($h, 'herd.psk', ['Goloman', 'Fake'], ...);    # the pair's key
#     my $peer = Test::Herd::Tls->dial($h->peer_port('Goloman'), name => 'Fake', to => 'Goloman',
#         with => [Test::Herd::Tls::psk('Fake>Goloman', $key)]);              # a Test::Herd::Peer
package Test::Herd::Tls;

use strict;
use warnings;
use parent 'Test::Herd::Peer';
use IO::Socket::SSL;
use IO::Socket::SSL::Utils;
use Net::SSLeay;
use POSIX ();
use Socket;
use Test::Herd::Process;
use Test::Herd::Upstream;

my %child;    # pids of openssl that run

# ---- keys ----

my %key;

# The key of a pair, in hexadecimal digits: the same one each time.
sub key {
    my @pair = sort @_;
    return $key{"@pair"} //= join '', map { sprintf '%02x', int rand 256 } 1 .. 32;
}

sub psk_file {
    my ($h, $name, @pairs) = @_;
    my $text = join '', map {"@$_[0, 1] " . ($_->[2] // key(@$_)) . "\n"} @pairs;
    $h->write($name, "# keys of the tests\n\n$text");
    chmod 0600, $h->file($name) or die "$name: $!\n";
    return;
}

# ---- certificates ----

sub authority { Test::Herd::Upstream::authority($_[0]) }

# A certificate and its key in $name.pem and $name.key. names: what may stand for subjectAltName's DNS.
sub certify {
    my ($h, $issuer, $file, $subject, %more) = @_;
    my $names = delete $more{names} // [];
    my ($cert, $key) = @{ Test::Herd::Upstream::leaf($issuer, [[IP => '127.0.0.1'], map { [DNS => $_] } @$names],
        purpose => 'server,client', subject => { commonName => $subject }, %more) };
    $h->write("$file.pem", PEM_cert2string($cert));
    $h->write("$file.key", '');
    chmod 0600, $h->file("$file.key") or die "$file.key: $!\n";
    $h->write("$file.key", PEM_key2string($key));
    return;
}

sub ca_file {
    my ($h, $name, @authorities) = @_;
    return $h->write($name, join '', map { PEM_cert2string($_->[0]) } @authorities);
}

# ---- neighbours that the tests play ----

# What openssl is told for a pre-shared key, or a certificate of certify.
sub psk { ('-psk', $_[1], '-psk_identity', $_[0], '-ciphersuites', 'TLS_AES_128_GCM_SHA256') }
sub shows { my ($h, $file) = @_; ('-cert', $h->file("$file.pem"), '-key', $h->file("$file.key")) }

# Runs openssl with one end of a pair of sockets as its terminal; returns the other.
sub run {
    my (@command) = @_;
    socketpair my $ours, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        Test::Herd::Process::die_with_parent();
        $SIG{$_} = 'DEFAULT' for qw(PIPE INT TERM HUP);
        open STDERR, '>', '/dev/null';
        POSIX::dup2(fileno $its, $_) for 0, 1;
        exec 'openssl', @command or POSIX::_exit(127);
    }
    $child{$pid} = 1;
    close $its;
    $ours->blocking(0);
    return ($ours, $pid);
}

sub begin {
    my ($class, $socket, $pid, %args) = @_;
    my $self = bless { socket => $socket, got => '', ended => 0, error => '', pid => $pid }, $class;
    return $self->becomes(%args);
}

# Dials a peer port. with: openssl's options. version: of TLS (default -tls1_3).
sub dial {
    my ($class, $port, %args) = @_;
    my ($socket, $pid) = run('s_client', '-connect', "127.0.0.1:$port", delete $args{version} // '-tls1_3', '-quiet',
        '-no_ign_eof', '-nocommands', @{ delete $args{with} // [] });
    return $class->begin($socket, $pid, %args);
}

# Waits on a port to be dialled, once.
sub serve {
    my ($class, $port, %args) = @_;
    my ($socket, $pid) = run('s_server', '-accept', "127.0.0.1:$port", '-tls1_3', '-quiet',
        '-naccept', 1, @{ delete $args{with} // [] });
    return $class->begin($socket, $pid, %args);
}

sub end {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    delete $child{$pid};
    local ($?, $!);
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

sub close { my ($self) = @_; $self->end; $self->SUPER::close }
sub DESTROY { $_[0]->end }

END {
    local $?;
    kill 'KILL', $_ for keys %child;
}

# ---- clients ----

package Test::Herd::Tls::Client;

use parent -norequire, 'Test::Herd::Client';
use Test::Herd::Client;
use Test::Herd::Time qw(now slowly);

# ca: the file of the authority that the server must have been certified by. The rest is
# IO::Socket::SSL's.
sub new {
    my ($class, $port, %args) = @_;
    my $self = Test::Herd::Client::new($class, $port,
        map { exists $args{$_} ? ($_ => delete $args{$_}) : () } qw(host receive_bytes));
    $self->{socket}->blocking(1);
    $self->{socket} = IO::Socket::SSL->start_SSL($self->{socket}, SSL_ca_file => delete $args{ca},
        SSL_verifycn_scheme => 'none', Timeout => slowly(10), %args)
        or die "TLS to port $port: $IO::Socket::SSL::SSL_ERROR\n";
    $self->{socket}->blocking(0);
    return $self;
}

# Ends our side of TLS; the socket stays.
sub shut { Net::SSLeay::shutdown($_[0]{socket}->_get_ssl_object) }

# Whether the other side has said that it has ended, rather than been cut off.
sub closed_well {
    my ($self) = @_;
    return Net::SSLeay::get_shutdown($self->{socket}->_get_ssl_object) & 2;    # SSL_RECEIVED_SHUTDOWN
}

1;
