# Makes calls of a running server fail, as t/lib/failing.c does: the library is built here and is
# loaded before the C library into the servers that start() of this module starts.
#
#     my $f = Test::Herd::Failing->new($h);
#     $f->start('Goloman');
#     $f->arm('recv', 'ECONNRESET', pass => 3);    # the fourth recv from now on fails, once
#     ...
#     $f->disarm;                                  # returns whether it did
package Test::Herd::Failing;

use strict;
use warnings;
use Errno ();
use Test::Herd::Time qw(sanitized);

# In the order of failing.c's.
my @kinds = qw(none memory recv send read write accept epoll_wait epoll_ctl ioctl open socket connect
    getsockopt setsockopt shutdown close getrandom poll disk);
my %kind = map { $kinds[$_] => $_ } 0 .. $#kinds;
my %at = (kind => 0, pass => 8, fail => 16, error => 24, failed => 32, seen => 40, whose => 296, held => 552);

# Why it cannot be used here; '' if it can.
sub excuse {
    return '' if !sanitized();
    my $cc = $ENV{HERD_CC} // 'cc';
    return 'the sanitizer has threads of its own in it' if ($ENV{HERD_CFLAGS} // '') =~ /thread/;
    return 'clang links the sanitizer in, before all libraries' if `$cc --version` =~ /clang/;
    return '';
}

# The library of the sanitizer, which has to be loaded first.
sub sanitizer {
    return if !sanitized();
    my $cc = $ENV{HERD_CC} // 'cc';
    chomp(my $library = `$cc -print-file-name=libasan.so`);
    return $library;
}

sub new {
    my ($class, $h) = @_;
    my $self = bless { h => $h, so => $h->file('failing.so'), file => $h->file('failing') }, $class;
    my @cc = (split(' ', $ENV{HERD_CC} // 'cc'), qw(-shared -fPIC -O1 -o), $self->{so});
    system(@cc, "$ENV{HERD_SRCDIR}/t/lib/failing.c") == 0 or die "failing.c cannot be built\n";
    $h->write('failing', "\0" x 4096);
    open $self->{out}, '+<:raw', $self->{file} or die "$self->{file}: $!\n";
    return $self;
}

# Runs the sub; what it starts has the library.
sub loaded {
    my ($self, $sub) = @_;
    local $ENV{LD_PRELOAD} = join ' ', grep {$_} sanitizer(), $self->{so};
    local $ENV{HERD_FAILING} = $self->{file};
    local $ENV{ASAN_OPTIONS} = join ':', grep {$_} $ENV{ASAN_OPTIONS}, 'verify_asan_link_order=0';
    return $sub->();
}

sub start { my ($self, @names) = @_; $self->loaded(sub { $self->{h}->start(@names) }) }

sub put {
    my ($self, $what, $value) = @_;
    sysseek $self->{out}, $at{$what}, 0;
    syswrite $self->{out}, pack('q', $value);
    return;
}

sub get {
    my ($self, $what, $len) = @_;
    sysseek $self->{out}, $what =~ /^\d+$/ ? $what : $at{$what}, 0;
    sysread $self->{out}, my ($bytes), $len // 8;
    return $len ? unpack('Z*', $bytes) : unpack('q', $bytes);
}

# pass: so many calls of the kind are well before; fail: so many fail then (1).
sub arm {
    my ($self, $kind, $error, %how) = @_;
    my $number = Errno->can($error)->();
    $self->put('kind', 0);
    $self->put($_->[0], $_->[1])
        for ['pass', $how{pass} // 0], ['fail', $how{fail} // 1], ['error', $number], ['failed', 0];
    $self->put('kind', $kind{$kind} // die "no such kind: $kind\n");
    return;
}

# From now on files are not read from: whoever tries waits until disarm.
sub hang { my ($self) = @_; $self->arm('disk', 'EIO'); return }

# How many calls have failed; none does any more.
sub disarm {
    my ($self) = @_;
    $self->put('kind', 0);
    return $self->failed;
}

sub failed { $_[0]->get('failed') }
sub held { $_[0]->get('held') }
sub whose { $_[0]->get('whose', 250) }

# How many calls of a kind there have been in all.
sub seen { my ($self, $kind) = @_; $self->get($at{seen} + 8 * $kind{$kind}) }

1;
