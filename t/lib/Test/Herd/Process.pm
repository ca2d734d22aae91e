# One process of the program: its output goes to files, signals go to its number and nowhere else,
# and it ends with the test even if the test is killed.
package Test::Herd::Process;

use strict;
use warnings;
use POSIX ':sys_wait_h';
use Test::Herd::Time qw(wait_until);

our $limit;    # ulimit's options for a new process; undef: it has this one's limits
our $group;    # the folder of the control group that it joins; undef: this one's
my $count = 0;
my %prctl = (x86_64 => 157, aarch64 => 167);

# Linux: the child is killed, or gets another signal, when its parent ends, whatever ends that.
sub die_with_parent {
    my ($signal) = @_;
    my $number = $prctl{ (POSIX::uname())[4] } or return;
    syscall $number, 1, $signal // POSIX::SIGKILL();
}

sub new {
    my ($class, $dir, $label, @command) = @_;
    my $file = "$dir/$label." . ++$count;
    my $self = bless { label => $label, out => "$file.out", err => "$file.err" }, $class;
    $self->{pid} = fork // die "fork: $!\n";
    return $self if $self->{pid};
    die_with_parent();
    $SIG{$_} = 'DEFAULT' for qw(PIPE INT TERM HUP);
    if (   chdir($dir)
        && open(STDIN, '<', '/dev/null')
        && open(STDOUT, '>', $self->{out})
        && open(STDERR, '>', $self->{err})) {
        no warnings 'exec';
        my @before = ($limit ? "ulimit $limit" : (), $group ? "echo \$\$ >'$group/cgroup.procs'" : ());
        exec '/bin/sh', '-c', join(' && ', @before, 'exec "$@"'), 'sh', @command if @before;
        exec {$command[0]} @command;
    }
    print STDERR "$command[0]: $!\n";
    POSIX::_exit(127);
}

# One that another process started, such as a daemon. How it ends nobody will know.
sub adopt {
    my ($class, $label, $pid) = @_;
    return bless { label => $label, pid => $pid, out => '', err => '', asked => 0, foreign => 1 }, $class;
}

sub slurp {
    my ($file) = @_;
    open my $in, '<:raw', $file or return '';
    local $/;
    return <$in> // '';
}

sub out { slurp($_[0]{out}) }
sub err { slurp($_[0]{err}) }

# Collects the end if there is one.
sub running {
    my ($self) = @_;
    return 0 if defined $self->{ended};
    return $self->state =~ /[^Z]/ if $self->{foreign};
    return 1 if waitpid($self->{pid}, WNOHANG) != $self->{pid};
    $self->{ended} = $?;
    return 0;
}

sub wait_end { my ($self, $seconds) = @_; wait_until(sub { !$self->running }, "$self->{label} ends", $seconds) }
sub status { my ($self) = @_; defined $self->{ended} && !($self->{ended} & 127) ? $self->{ended} >> 8 : undef }
sub signal { my ($self) = @_; defined $self->{ended} ? $self->{ended} & 127 : undef }

# A process that has ended gets no signal: its number may be another's.
sub signal_to { my ($self, $signal) = @_; $self->running && kill $signal, $self->{pid} }

sub ask {
    my ($self, $signal) = @_;
    $self->{asked} = 1 if $self->running;
    $self->signal_to('CONT');
    return $self->signal_to($signal);
}

sub kill9 {
    my ($self) = @_;
    $self->{asked} = 0;
    $self->signal_to('KILL');
    return $self->wait_end;
}

sub state {
    my ($self) = @_;
    return slurp("/proc/$self->{pid}/stat") =~ /\) (\S)/ ? $1 : '';
}

# Stops it, and returns when it stands.
sub pause {
    my ($self) = @_;
    $self->signal_to('STOP');
    return wait_until(sub { $self->state eq 'T' }, "$self->{label} stands still");
}

# What is wrong with its end; '' if nothing is. asked: undef: it ended unasked; 0: its end is not
# judged; 1: it was to end well.
sub complaint {
    my ($self) = @_;
    return "$self->{label} does not end\n" if $self->running;
    return '' if defined $self->{asked} && !$self->{asked};
    my $how = "$self->{label} ended with " . ($self->status // 'signal ' . $self->signal);
    return "$how, unasked\n" . $self->err if !$self->{asked};
    return defined $self->status && $self->status == 0 ? '' : "$how\n" . $self->err;
}

# Lines of a sanitizer's report, this process's and of those it started.
sub reports {
    my ($self) = @_;
    return map {"$self->{label}: $_\n"}
        grep {/ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|SUMMARY: \w+Sanitizer|runtime error:|Assertion .* failed/}
        split /\n/, $self->err;
}

sub end_by_force {
    my ($self) = @_;
    return if !$self->running;
    kill 'KILL', $self->{pid};
    return if $self->{foreign};
    waitpid $self->{pid}, 0;
    $self->{ended} = $?;
}

1;
