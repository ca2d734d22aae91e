# A control group that bounds the memory of what joins it: version 1 or 2, whichever this machine has
# and lets us use. It is removed at the end, when its processes have ended.
package Test::Herd::Cgroup;

use strict;
use warnings;

my $count = 0;

# Bytes that all of its processes may have together. Undef, and $Test::Herd::Cgroup::why, where
# there is no such thing.
our $why;

sub new {
    my ($class, $bytes) = @_;
    for my $try (\&version_1, \&version_2) {
        my $self = bless { bytes => $bytes, owner => $$ }, $class;
        return $self if $try->($self);
    }
    $why = 'no control group for memory that we may make' . ($> == 0 ? '' : ', not being root');
    return undef;
}

sub folder { $_[0]{folder} }

# Where a hierarchy with memory in it is mounted.
sub mounted {
    my ($wanted) = @_;
    open my $in, '<', '/proc/mounts' or return;
    for (<$in>) {
        my (undef, $folder, $kind, $options) = split ' ';
        return $folder if $wanted->($kind, $options, $folder);
    }
    return;
}

sub make {
    my ($self, $parent) = @_;
    $self->{folder} = sprintf '%s/herd-test-%d-%d', $parent, $$, ++$count;
    return mkdir $self->{folder};
}

# There the memory of sockets is counted apart, if it is limited.
sub version_1 {
    my ($self) = @_;
    my $parent = mounted(sub { $_[0] eq 'cgroup' && $_[1] =~ /\bmemory\b/ }) // return 0;
    $self->make($parent) or return 0;
    $self->{version} = 1;
    return $self->put('memory.limit_in_bytes', $self->{bytes})
        && $self->put('memory.kmem.tcp.limit_in_bytes', $self->{bytes});
}

sub version_2 {
    my ($self) = @_;
    my $memory = sub {
        open my $in, '<', "$_[2]/cgroup.subtree_control" or return 0;
        return $_[0] eq 'cgroup2' && (<$in> // '') =~ /\bmemory\b/;
    };
    my $parent = mounted($memory) // return 0;
    $self->make($parent) or return 0;
    $self->{version} = 2;
    $self->put('memory.swap.max', 0);
    return $self->put('memory.max', $self->{bytes});
}

sub put {
    my ($self, $file, $value) = @_;
    open my $out, '>', "$self->{folder}/$file" or return 0;
    print {$out} $value;
    return close $out;
}

sub read {
    my ($self, $file) = @_;
    open my $in, '<', "$self->{folder}/$file" or return '';
    local $/;
    return <$in> // '';
}

# The most that it ever had, sockets' memory and what the system keeps of files among it.
sub most {
    my ($self) = @_;
    return 0 + ($self->read('memory.peak') || $self->read('memory.current')) if $self->{version} == 2;
    return $self->read('memory.max_usage_in_bytes') + $self->sockets;
}

# Of that, the sockets'.
sub sockets {
    my ($self) = @_;
    return ($self->read('memory.stat') =~ /^sock (\d+)/m)[0] // 0 if $self->{version} == 2;
    return 0 + $self->read('memory.kmem.tcp.max_usage_in_bytes');
}

# How many processes were killed for want of memory.
sub killed {
    my ($self) = @_;
    my $file = $self->{version} == 2 ? 'memory.events' : 'memory.oom_control';
    return ($self->read($file) =~ /^oom_kill (\d+)/m)[0] // 0;
}

sub remove {
    my ($self) = @_;
    for (1 .. 100) {
        return 1 if !-d $self->{folder} || rmdir $self->{folder};
        select undef, undef, undef, 0.02;
    }
    return 0;
}

sub DESTROY { my ($self) = @_; local ($?, $!); $self->remove if $self->{folder} && $$ == $self->{owner} }

1;
