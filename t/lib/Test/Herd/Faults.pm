# A herd under load that suffers faults, and a witness that keeps the books: what was acknowledged,
# what is lost after a fault, when all servers were equal again, and what it cost in descriptors and
# memory. The tests t/faults_*.t do a little of each, those in t/torture/ as much as a
# promise takes; the faults themselves are in Test::Herd::Faults::*.
#
#     my $f = Test::Herd::Faults->five(ids => 5000)->begin;
#     $f->load(1); ...; $f->kill('Hands'); ...; $f->revive('Hands');
#     $f->quiet; $f->over; $f->verdict('Hands was killed');
#     $f->finish; done_testing;
package Test::Herd::Faults;

use Test::Herd;
use Test::Herd::Process;
use Test::Herd::Told;
use Test::Herd::Time qw(now sanitized slowly wait_until);
use Time::HiRes ();
use List::Util qw(max min sum);
use POSIX ();

our @ISA = qw(Test::Herd);

use constant LIMIT_S => 2;    # to be equal in after a fault

# long: whether this is the torture, and not make check. ids: of clients. conns: of the witness to
# each server. most: reports a second in make check; most_long: in the torture.
sub new {
    my ($class, %args) = @_;
    my $self = Test::Herd::new(
        $class,
        log => 'messages = false', ids => 5000, conns => 3, long => 0, how => {},
        equal => [], seed => $ENV{FAULTS_SEED} // time, %args,
    );
    $self->allow(qr/No link with/);    # of one that was killed, or cut off, before its HELLO
    srand $self->{seed};
    $self->tell('links over TLS')->seal if $ENV{TORTURE_TLS} && $self->{long};
    Test::Herd::Process::die_with_parent(POSIX::SIGTERM()) if $self->{long};    # prove has a time limit
    return $self;
}

# Puts all links on keys of their own.
sub seal {
    my ($self) = @_;
    my %links = %{ $self->{adjacency} };
    require Test::Herd::Tls;
    Test::Herd::Tls::psk_file($self, 'herd.psk', map { my $one = $_; map { [$one, $_] } @{ $links{$one} } } keys %links);
    $self->{link} = 'psk_file = "herd.psk";';
    return $self;
}

# How much of a torture is done, of so much; at least one. TORTURE_PERCENT: 100.
sub amount { my ($whole) = @_; return max 1, int($whole * ($ENV{TORTURE_PERCENT} // 100) / 100) }

# A line of what was done; in the torture everybody sees it.
sub tell { my ($self, $text) = @_; $self->{long} ? diag($text) : note($text); return $self }

sub long { $_[0]{long} }

# Waits for a time: that it passes under load, or under a fault, is the test.
sub last_for { my ($self, $seconds) = @_; Time::HiRes::sleep($seconds); return $self }

# ---- processes ----

# how: {server => {prefix => [command before it], env => {}, options => [after it]}}.
sub launch {
    my ($self, $label, @args) = @_;
    my $how = $self->{how}{$label} || {};
    local %ENV = (%ENV, %{ $how->{env} || {} });
    my $process = Test::Herd::Process->new($self->dir, $label, @{ $how->{prefix} || [] },
        $self->{program} // $ENV{HERD}, @args, @{ $how->{options} || [] });
    push @{ $self->{all} }, $process;
    return $self->{process}{$label} = $process;
}

sub config_text {
    my ($self) = @_;
    my $text = $self->SUPER::config_text;
    for my $name (keys %{ $self->{address} || {} }) {
        $text =~ s/(name = "$name"; host = )"[^"]*"/$1"$self->{address}{$name}"/;
    }
    return $text;
}

sub built { my ($name) = @_; return ($ENV{HERD_BUILDDIR} // '.') . "/$name" }

sub address { my ($self, $name) = @_; $self->{address}{$name} // '127.0.0.1' }

# Starts the servers and the witness, tells each id once, measures how much load the herd takes, and
# chooses that of this run: half of it; or, in make check, at most so many a second.
sub begin {
    my ($self) = @_;
    $self->start_all;
    $self->{witness} = Test::Herd::Told->new(@{ $self->{near} || [] }, built('t/torture/witness'),
        '-k', $self->{ids}, '-c', $self->{conns}, '-s', $self->{seed},
        map { "$_=" . $self->address($_) . ':' . $self->port($_) } $self->servers);
    $self->ask_witness('fill', 300);
    $self->ask_witness('over');
    my $wrong = $self->check($self->{settles} // 60);
    die "the herd does not agree before any fault: $wrong\n" if $wrong;
    $self->wait_linked;
    $self->{books} = $self->books;
    $self->ask_witness('figures');
    $self->{top} = $self->measure_top($self->{long} ? 4 : 0.2);
    my $rate = $self->{top} / 2;
    $rate = min($rate / 2, $self->{most} // 2000) if !$self->{long};
    $self->{rate} = $self->{most_long} && $self->{long} ? min($rate, $self->{most_long}) : $rate;
    $self->tell(sprintf 'seed %d; the herd takes %.0f reports a second, and is given %.0f',
        $self->{seed}, $self->{top}, $self->{rate});
    return $self;
}

sub measure_top {
    my ($self, $seconds) = @_;
    $self->ask_witness('rate max');
    $self->last_for($seconds);
    my $figures = $self->{witness}->figures('figures');
    $self->quiet;
    $self->ask_witness('figures');
    return $figures->{acknowledged} / $figures->{loaded_s};
}

sub ask_witness { my ($self, @line) = @_; $self->{witness}->figures(@line) }

# Load for some seconds, and more until quiet.
sub load {
    my ($self, $seconds) = @_;
    $self->ask_witness("rate $self->{rate}") if !$self->{loaded}++;
    return $self->last_for($seconds // 0);
}

# Ends the load; returns when all is answered.
sub quiet {
    my ($self) = @_;
    $self->{loaded} = 0;
    my $answer = $self->{witness}->ask('drain');
    fail("what was asked is answered: $answer") if $answer ne 'ok';
    return $self;
}

sub kill {
    my ($self, $name) = @_;
    $self->kill9($name);
    $self->ask_witness("down $name");
    return $self;
}

sub revive {
    my ($self, $name) = @_;
    $self->start($name);
    $self->ask_witness("up $name");
    return $self;
}

# ---- what became of it ----

# The fault is over now. Servers that wait for a processor from now on cannot help it.
sub over {
    my ($self) = @_;
    $self->ask_witness('over');
    $self->{delay} = { map { $_ => $self->run_delay($_) } grep { $self->running($_) } $self->servers };
    return $self;
}

# Seconds for which the threads of a server could have run and others did; the most of any.
sub run_delay {
    my ($self, $name) = @_;
    my @delays = (0);
    for my $file (glob '/proc/' . $self->pid($name) . '/task/*/schedstat') {
        open my $in, '<', $file or next;
        push @delays, (split ' ', <$in> // '0 0')[1] / 1e9;
    }
    return max @delays;
}

sub waited {
    my ($self) = @_;
    return max 0, map { $self->run_delay($_) - $self->{delay}{$_} }
        grep { $self->running($_) } keys %{ $self->{delay} };
}

# What is wrong, as a line, when all servers have had so many seconds; '' if nothing is.
sub check {
    my ($self, $seconds) = @_;
    my $said = $self->{said} = $self->ask_witness('check ' . slowly($seconds), 600);
    return '' if !$said->{lost} && !$said->{differing} && !$said->{unanswered};
    return "lost $said->{lost}, differing $said->{differing}, unanswered $said->{unanswered} "
        . "of $said->{asked}: $said->{example}";
}

# Tests that nothing is lost and all servers were equal in time. Where others use the machine too,
# in make check, what servers waited for a processor is added to it.
sub verdict {
    my ($self, $what, $limit) = @_;
    $limit = slowly($limit // LIMIT_S);
    is $self->check(3 * $limit + 10), '', "$what: nothing is lost, all are equal";
    my $seconds = $self->{said}{equal_s};
    my $more = $self->{long} ? 0 : $self->waited;
    push @{ $self->{equal} }, $seconds;
    return ok $seconds >= 0 && $seconds <= $limit + $more,
        sprintf '%s: equal after %.2f s of %.1f + %.1f', $what, $seconds, $limit, $more;
}

# Descriptors and KiB of each server.
sub books {
    my ($self) = @_;
    return { map { $_ => [$self->descriptors($_), $self->pss_kb($_)] } $self->servers };
}

sub descriptors { my ($self, $name) = @_; my @fds = glob '/proc/' . $self->pid($name) . '/fd/*'; scalar @fds }

sub pss_kb {
    my ($self, $name) = @_;
    open my $in, '<', '/proc/' . $self->pid($name) . '/smaps_rollup' or return 0;
    return (map {/^Pss:\s+(\d+)/} <$in>)[0] // 0;
}

# Waits until each server has all its links.
sub wait_linked {
    my ($self) = @_;
    my %links;
    for my $from (keys %{ $self->{adjacency} }) {
        $links{$_}++ for map { ($from, $_) } @{ $self->{adjacency}{$from} };
    }
    for my $name ($self->servers) {
        my $linked = sub {
            my $status = $self->status($name);
            return $status->{links_opened} - $status->{links_closed} == ($links{$name} // 0);
        };
        wait_until($linked, "$name has its links") or die "$name has not all its links\n";
    }
    return $self;
}

# Tests that no descriptor is lost since the beginning, and that memory is as it was when these
# books were made: a quarter more, and 8 MB, at most.
sub same_books {
    my ($self, $before, $what) = @_;
    my $begin = $self->{books};
    my @more;
    $self->wait_linked;
    my $same = sub {
        @more = grep { $self->descriptors($_) != $begin->{$_}[0] } $self->servers;
        return !@more;
    };
    ok wait_until($same, 'the descriptors are as many as before'), "$what: no descriptor is lost"
        or diag(map { "$_: $begin->{$_}[0], now " . $self->descriptors($_) . "\n" } @more);
    my $now = $self->books;
    my @kb = map { my $books = $_; sum map { $_->[1] } values %$books } $before, $now;
    $self->tell(sprintf '%s: memory of the five %.1f MB, %.1f MB before', $what, $kb[1] / 1024,
        $kb[0] / 1024);
    return if sanitized();
    cmp_ok $kb[1], '<', 1.25 * $kb[0] + 8192, "$what: memory is flat";
    return;
}

# The figures of the load. A run under less than 80 % of the load it names does not count.
sub finish {
    my ($self, $what) = @_;
    my $figures = $self->ask_witness('figures');
    my $part = $figures->{due} > 0 ? $figures->{acknowledged} / $figures->{due} : 0;
    my @equal = sort { $a <=> $b } @{ $self->{equal} };
    my $text = sprintf '%s: %d reports acknowledged in %.0f s, %.0f %% of the load; %d refused, %d unanswered, '
        . '%d connections lost; equal after %.2f s (median of %d), %.2f s at most', $what // 'in all',
        @$figures{qw(acknowledged loaded_s)}, 100 * $part, @$figures{qw(refused unanswered lost)},
        $equal[@equal / 2] // 0, scalar @equal, $equal[-1] // 0;
    $self->tell($text);
    cmp_ok $part, '>=', 0.8, 'the run counts: at least 80 % of its load was answered';
    is $figures->{wrong}, 0, 'each answer was to what was asked';
    is $figures->{refused}, 0, 'nothing was refused' if !$self->{may_refuse};
    is $self->{witness}->end, 0, 'the witness ended well';
    delete $self->{witness};
    return $figures;
}

1;
