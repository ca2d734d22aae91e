# herd-bench, as tests run it.
package Test::Herd::Bench;

use strict;
use warnings;
use Exporter 'import';
use JSON::PP ();
use Test::Herd::Process;
use Test::Herd::Time qw(slowly);

our @EXPORT = qw(bench bench_start bench_json);
my $count = 0;

# Starts it. Returns the process, which the caller has to wait for.
sub bench_start {
    my ($h, @args) = @_;
    my $program = ($ENV{HERD_BUILDDIR} // '.') . '/herd-bench';
    my $process = Test::Herd::Process->new($h->dir, 'bench' . ++$count, $program, @args);
    push @{ $h->{all} }, $process;
    $process->{asked} = 0;    # its status is the caller's to judge
    return $process;
}

# Runs it to its end. Returns {status, out, err}.
sub bench {
    my ($h, @args) = @_;
    my $process = bench_start($h, @args);
    $process->wait_end(60) or die "herd-bench @args does not end\n";
    return { status => $process->status, out => $process->out, err => $process->err };
}

# The same, with its figures as a hash, and status and err among them.
sub bench_json {
    my ($h, @args) = @_;
    my $run = bench($h, '-o', 'json', @args);
    my $figures = eval { JSON::PP->new->decode($run->{out}) } // {};
    return { %$figures, status => $run->{status}, err => $run->{err} };
}

1;
