# A program of the tests' own that is told a line at a time and answers each with one: the witness
# and the proxy of t/torture. It ends with its input, and with the test, however that ends.
package Test::Herd::Told;

use strict;
use warnings;
use IO::Handle;
use IO::Select;
use POSIX ();
use Test::Herd::Process;
use Test::Herd::Time qw(slowly);

sub new {
    my ($class, @command) = @_;
    pipe my $in, my $to or die "pipe: $!\n";
    pipe my $from, my $out or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        Test::Herd::Process::die_with_parent();
        $SIG{$_} = 'DEFAULT' for qw(PIPE INT TERM HUP);
        exec {$command[0]} @command if open(STDIN, '<&', $in) && open STDOUT, '>&', $out;
        print STDERR "$command[0]: $!\n";
        POSIX::_exit(127);
    }
    $to->autoflush(1);
    return bless { pid => $pid, to => $to, from => $from, owner => $$, name => $command[0] }, $class;
}

# The answer to a line; dies if none comes within some seconds (60).
sub ask {
    my ($self, $line, $seconds) = @_;
    print { $self->{to} } "$line\n";
    IO::Select->new($self->{from})->can_read(slowly($seconds // 60))
        or die "$self->{name}: no answer to '$line'\n";
    my $answer = readline($self->{from}) // die "$self->{name} has ended at '$line'\n";
    chomp $answer;
    return $answer;
}

# The figures of an answer `ok name=value ...`; the last value may have spaces. Dies at another one.
sub figures {
    my ($self, @line) = @_;
    my $answer = $self->ask(@line);
    $answer =~ /^ok\b/ or die "$self->{name}: '$line[0]': $answer\n";
    return { map { /^(\w+)=(.*)/ } split / (?=\w+=)/, $answer };
}

# Ends it. Returns its status.
sub end {
    my ($self) = @_;
    close $self->{to};
    waitpid $self->{pid}, 0;
    delete $self->{pid};
    return $?;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!);
    $self->end if $self->{pid} && $self->{owner} == $$;
}

1;
