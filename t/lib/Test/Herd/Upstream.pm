# A server of places that the tests play, by HTTPS: with its own authority, keys and certificates,
# made when it starts and stored nowhere else. It answers each request as the test says, however
# badly. The one hard thing is to leave no process behind: every one ends with its parent.
#
#     my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => sub { my ($client, $lat) = @_; ... });
#     $up->url('good'); $up->ca_file;
package Test::Herd::Upstream;

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use IO::Socket::SSL::Utils;
use POSIX ();
use Test::Herd::Ports;
use Test::Herd::Process;

# dir: for the authority's certificate and the record of requests. answer: called in a process of
# its own for each request, with an object of this package (below) and the request's latitude.
sub new {
    my ($class, %args) = @_;
    my $self = bless { %args, listen => {}, port => {} }, $class;
    $self->make_certificates;
    for my $kind (keys %{ $self->{cert} }, qw(plain mute)) {
        my $port = $self->{port}{$kind} = Test::Herd::Ports::take();
        $self->{listen}{$kind} = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port,
            Listen => 128, ReuseAddr => 1) // die "port $port: $!\n";
    }
    $self->{owner} = $$;
    $self->{pid} = fork // die "fork: $!\n";
    $self->serve if !$self->{pid};
    delete $self->{listen};
    return $self;
}

# ---- certificates ----

sub make_certificates {
    my ($self) = @_;
    my $now = time;
    my $authority = authority('Test authority');
    my $stranger = authority('Somebody else');
    $self->{ca} = $authority->[0];
    my @local = ([IP => '127.0.0.1'], [DNS => 'localhost'], [DNS => 'slow.invalid'], [DNS => 'late.invalid']);
    $self->{cert} = {
        good     => leaf($authority, \@local),
        unknown  => leaf($stranger, \@local),
        expired  => leaf($authority, \@local, not_before => $now - 7200, not_after => $now - 3600),
        stranger => leaf($authority, [[DNS => 'other.example'], [IP => '127.0.0.2']]),
    };
    open my $out, '>', $self->ca_file or die $self->ca_file, ": $!\n";
    print {$out} PEM_cert2string($self->{ca});
    close $out or die $self->ca_file, ": $!\n";
    return;
}

sub authority {
    my ($name) = @_;
    return [CERT_create(CA => 1, key => KEY_create_ec('prime256v1'), subject => { commonName => $name })];
}

sub leaf {
    my ($issuer, $names, %more) = @_;
    return [CERT_create(issuer => $issuer, key => KEY_create_ec('prime256v1'), purpose => 'server',
        subject => { commonName => $names->[0][1] }, subjectAltNames => $names, %more)];
}

sub ca_file { "$_[0]{dir}/authority.pem" }

# kind: whose certificate is shown (good, unknown: of another authority, expired, stranger: for
# another host), or plain: none, http; mute: accepts, and never says a word.
sub url {
    my ($self, $kind, $host) = @_;
    return ($kind eq 'plain' ? 'http' : 'https') . '://' . ($host // '127.0.0.1') . ":$self->{port}{$kind}/nearby";
}

# What makes a server of the herd ask us: options for Test::Herd's start. provider: google, whose folder has a file
# `key`, unless another is given, and its key. more: settings of the group; else that no breaker opens.
sub settings {
    my ($self, $kind, %args) = @_;
    my $provider = $args{provider} // 'google';
    my $key = $args{key} // 'key_file = "key";';
    my $ca = $args{ca} // 'ca_file = "authority.pem";';
    my $url = $args{url} // $self->url($kind);
    my $more = $args{more} // 'failures = 0;';
    return ['-g', qq(places: { provider = "$provider"; max_inclusive = true; $provider: {)
        . qq( $key $ca url = "$url"; $more }; };)];
}

# Every request heard so far: [connection, its first line].
sub requests {
    my ($self) = @_;
    open my $in, '<', "$self->{dir}/requests" or return;
    return map { chomp; [split / /, $_, 2] } <$in>;
}

# The same, whole: every byte of them.
sub whole_requests {
    my ($self) = @_;
    open my $in, '<', "$self->{dir}/requests.whole" or return;
    return map { chomp; pack 'H*', $_ } <$in>;
}

# The latitude that a request asks about, its digits before the point.
sub latitude {
    my ($whole) = @_;
    my ($lat) = $whole =~ /(?:[?&]location=|"latitude":|around%3A[0-9.]+%2C)(-?[0-9]+)/;
    return $lat // '';
}

# ---- the server ----

# A child of the one that serves: it ends with it, and leaves the test's own END alone.
sub child {
    my ($run) = @_;
    my $pid = fork // return;
    return if $pid;
    Test::Herd::Process::die_with_parent();
    $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP CHLD);
    eval { $run->(); 1 } or print STDERR "upstream: $@";
    POSIX::_exit(0);
}

sub serve {
    my ($self) = @_;
    Test::Herd::Process::die_with_parent();
    $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP);
    $SIG{CHLD} = 'IGNORE';
    my %kind = map { $self->{listen}{$_} => $_ } keys %{ $self->{listen} };
    my $all = IO::Select->new(values %{ $self->{listen} });
    my $connections = 0;
    while (my @ready = $all->can_read) {
        for my $listen (@ready) {
            my $socket = $listen->accept or next;
            $connections++;
            child(sub { $self->converse($socket, $kind{$listen}, $connections) });
            close $socket;
        }
    }
    POSIX::_exit(1);
}

sub converse {
    my ($self, $socket, $kind, $connection) = @_;
    return IO::Select->new($socket)->can_read && sleep 20 if $kind eq 'mute';
    if ($kind ne 'plain') {
        my ($cert, $key) = @{ $self->{cert}{$kind} };
        IO::Socket::SSL->start_SSL($socket, SSL_server => 1, SSL_cert => $cert, SSL_key => $key) or return;
    }
    my $client = bless { socket => $socket, kind => $kind, got => '' }, ref $self;
    while (defined(my $line = $client->hear)) {
        open my $out, '>>', "$self->{dir}/requests" or die "$self->{dir}/requests: $!\n";
        syswrite $out, "$connection $line\n";
        close $out;
        open my $whole, '>>', "$self->{dir}/requests.whole" or die "$self->{dir}/requests.whole: $!\n";
        syswrite $whole, unpack('H*', $client->{request}) . "\n";
        close $whole;
        $self->{answer}->($client, latitude($client->{request}));
    }
    return;
}

# ---- one connection, in the answer ----

# The next request's first line; undef: there is none. All of it is in `request` then.
sub hear {
    my ($self) = @_;
    while (1) {
        if ($self->{got} =~ /^(.*?)\r\n((?:.+\r\n)*?)\r\n/) {
            my ($line, $len) = ($1, $+[0]);
            $len += $1 if $2 =~ /^Content-Length: *([0-9]+)\r$/mi;
            if (length $self->{got} >= $len) {
                $self->{request} = substr $self->{got}, 0, $len, '';
                return $line;
            }
        }
        my $n = sysread $self->{socket}, $self->{got}, 4096, length $self->{got};
        return undef if !$n;
    }
}

# False: the other side is gone.
sub say {
    my ($self, $bytes) = @_;
    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes or return 0;
        substr $bytes, 0, $n, '';
    }
    return 1;
}

# A whole answer.
sub reply {
    my ($self, $body, %args) = @_;
    my $head = 'HTTP/1.1 ' . ($args{status} // '200 OK') . "\r\n";
    $head .= "$_\r\n" for @{ $args{headers} || [] };
    return $self->say("${head}Content-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
}

# Without a length, in chunks.
sub reply_chunked {
    my ($self, $body, $size) = @_;
    my $all = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    $all .= sprintf "%x;x=y\r\n%s\r\n", length, $_ for $body =~ /(.{1,$size})/gs;
    return $self->say("${all}0\r\nX-Trailer: 1\r\n\r\n");
}

# Waits, at most so long, until the other side goes.
sub idle {
    my ($self, $seconds) = @_;
    return IO::Select->new($self->{socket})->can_read($seconds);
}

# Ends the connection: as is proper, or as one who was cut off, without a word of TLS's.
sub finish { $_[0]{socket}->close; POSIX::_exit(0) }

sub cut {
    my ($self) = @_;
    shutdown $self->{socket}, 2;
    POSIX::_exit(0);
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!);
    return if !$self->{pid} || $self->{owner} != $$;
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}

1;
