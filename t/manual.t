#!/usr/bin/perl
# The manuals and the program say the same: each option, signal, event of the log, counter, verb,
# module and name of the public door stands in its page, and nothing else does. Settings are in
# manual_conf.t, what servers say in transcript.t, examples of modules in manual_modules.t.

use strict;
use warnings;
use File::Find;
use List::Util qw(uniq);
use Test::Herd::Needs qw(iamat whatsat at invalid geojson google google_new overpass sqlite);
use Test::Herd;
use Test::Herd::Manual;

my $top = $ENV{HERD_SRCDIR} // '.';
my $herd = Test::Herd->new;

sub page { return Test::Herd::Manual->new($_[0]) }

sub content {
    my ($path) = @_;
    open my $in, '<', "$top/$path" or die "$path: $!\n";
    local $/;
    return scalar <$in>;
}

# The C sources below src and modules, their comments taken out.
sub sources {
    my @found;
    find({ no_chdir => 1, wanted => sub { push @found, $_ if /\.[ch]$/ } }, "$top/src", "$top/modules");
    return map { bare(content(substr $_, length($top) + 1)) } sort @found;
}

sub bare { return $_[0] =~ s{/\*.*?\*/}{}gsr }
sub flat { return join(' ', split ' ', $_[0]) =~ s/ ?\* ?/*/gr }

# Two lists of texts, each of which may stand there once.
sub same {
    my ($got, $expected, $name) = @_;
    return is_deeply([sort @$got], [sort @$expected], $name);
}

# ---- herd(8) ----

my $program = page('herd.8');

sub options {
    my $help = $herd->run('-h')->{out};
    my @shown = map { /^  (-.*?)  / ? $1 =~ /-(\w)/g : () } split /\n/, $help;
    my ($letters) = content('src/core/options.c') =~ /getopt\(argc, argv, "([^"]+)"/;
    my @taken = map {"$_"} $letters =~ /(\w:?)/g;
    my @told = map { $_->{head} =~ /^Fl (\w)( Ar)?/ ? $1 . ($2 ? ':' : '') : () } $program->items('DESCRIPTION');
    same(\@told, \@taken, 'herd(8) has the options, with and without a value');
    same([map { substr $_, 0, 1 } @told], \@shown, '-h has them too');
}

sub signals {
    my ($list) = content('src/core/serve.c') =~ /stop_signals\[\] = \{([^}]*)\}/;
    my @caught = $list =~ /\b(SIG\w+)/g;
    my @ignored = bare(content('src/core/serve.c')) =~ /signal\((SIG\w+), SIG_IGN\)/g;
    same([map { $_->{head} =~ /(SIG\w+)/g } $program->items('SIGNALS')], \@caught, 'herd(8) has the signals');
    my ($section) = $program->text =~ /^\.Sh SIGNALS\n(.*?)^\.Sh/ms;
    like($section, qr/^\.Dv \Q$_\E$/m, "and $_, which is ignored") for @ignored;
}

sub actions {
    my %signal = content('src/core/control.c') =~ /\{"(\w+)", (SIG\w+)\}/g;
    my %told = map { join("\n", $_->{head}, @{ $_->{body} }) =~ /\ACm (\w+)\n.*^\.Pq Dv (SIG\w+)/ms ? ($1, $2) : () }
        $program->items('DESCRIPTION');
    is_deeply(\%told, \%signal, 'herd(8) has the actions of -s and their signals');
}

sub statuses {
    same([map { $_->{head} } $program->items('EXIT STATUS')], [0, 1], 'herd(8) has two exit statuses');
    is($herd->run('-v')->{status}, 0, 'one of them for success');
    is($herd->run('-n', 'Goloman')->{status}, 1, 'the other for bad usage');
}

# Every call that writes an event, as level and format; a message or a quote is a format and 'TEXT', a subject
# the same without quotes.
sub events {
    my @found;
    my $string = qr/((?:"(?:\\.|[^"\\])*"\s*)+)/;
    for my $text (map {s/\bPRIu64\b/"lu"/gr} sources()) {
        while ($text =~ /\b(log_event|log_quote|herd_log)\(([^;"]*?)$string/g) {
            my ($name, $levels, $format) = ($1, $2, $3);
            push @found, { levels => [map {lc} $levels =~ /HERD_LOG_(\w+)/g], format => $format,
                behind => $name eq 'log_quote' ? " '%s'" : '' };
        }
        while ($text =~ /\blog_target_warn\([^;"]*?$string/g) {
            push @found, { levels => ['warn'], format => $1 };
        }
        while ($text =~ /\blog_(message|subject)\([^;"]*?$string/g) {
            push @found, { levels => ['info'], format => $2, behind => $1 eq 'message' ? " '%s'" : ' %s' };
        }
    }
    push @found, { levels => ['warn'], format => '"%u events dropped: the log could not be written"' };
    for my $event (@found) {
        my $format = join '', $event->{format} =~ /"((?:\\.|[^"\\])*)"/g;
        $format .= $event->{behind} // '';
        $event->{format} = $format;
        $event->{pattern} = join '[A-Z]+(?::[A-Z]+)?', map {quotemeta} split /%[-.*0-9]*[a-z]+/, "$format\0";
        $event->{pattern} =~ s/\\\0$//;
    }
    return @found;
}

sub log_words {
    my @events = events();
    cmp_ok(scalar(@events), '>=', 20, 'there are events');
    my ($dropped) = grep { $_->{format} =~ /events dropped/ } @events;
    like(content('src/base/log_target.c'), qr/"%llu events dropped: the log could not be written"/, 'one is made by hand');
    my @told = map { { head => $_->{head} =~ s/^Li "(.*)"(?: \*)?$/$1/r, level => $_->{subsection},
            body => join(' ', @{ $_->{body} }), message => scalar($_->{head} =~ /" \*$/) } } $program->items('LOG');
    for my $event (@events) {
        my @fit = grep { $_->{head} =~ /\A$event->{pattern}\z/ } @told;
        is(scalar(@fit), 1, "herd(8) has the event: $event->{format}") or next;
        $fit[0]{found} = 1;
        my @levels = uniq($fit[0]{level}, $fit[0]{body} =~ /\bof level (\w+)\b/gi);
        same(\@levels, $event->{levels}, "and its level, @levels");
    }
    is_deeply([map { $_->{head} } grep { !$_->{found} } @told], [], 'and no other');
    my @asterisk = map { $_->{head} =~ s/ .*//r } grep { $_->{message} } @told;
    same(\@asterisk, [qw(Location Message Places Propagated Response)], 'log.messages: those with an asterisk');
}

sub status_line {
    my @metrics = map {/^METRIC\((\w+), "(.*)"\)$/} split /\n/, content('src/base/metrics.def');
    my @items = $program->items('STATUS');
    my @told = map { (($_->{head} =~ /^Va (\w+)$/)[0], join(' ', @{ $_->{body} })) } @items;
    is_deeply([@told[12 .. $#told]], \@metrics, 'herd(8) has the counters, as metrics.def explains them');
    $herd->start('Goloman');
    $herd->status('Goloman');
    my @shown = ($herd->log('Goloman') =~ /(\{"server":.*\})$/m)[0] =~ /"(\w+)":/g;
    is_deeply(\@shown, [@told[grep { !($_ % 2) } 0 .. $#told]], 'the status line has what herd(8) has, in its order');
    $herd->stop('Goloman');
}

# ---- herd-protocol(7) ----

sub verbs {
    my $page = page('herd-protocol.7');
    my %usage = (clients => {}, neighbours => {});
    for (split /\n/, $herd->run('-V')->{out}) {
        $usage{$1}{$2} = $3 if /^\s+(clients|neighbours): (\S+) (.*)$/;
    }
    my @link = content('src/herd/link.c') =~ /text_is\([^"]*, "([A-Z]+)"\)/g;
    push @link, content('src/herd/hello.c') =~ /text_is\([^"]*, "(HELLO)"\)/;
    my %link = map { $_ => 1 } @link;
    same([grep {/^[A-Z]+$/} $page->heads('CLIENTS')], ['CLIENTS', keys %{ $usage{clients} }], 'the verbs of clients');
    same([grep {/^[A-Z]+$/} $page->heads('SERVERS')], ['SERVERS', keys %{ $usage{neighbours} }, keys %link],
        'the verbs of neighbours');
    my %grammar = map { my $g = $_; $g =~ s/\b(?:Ar|Ic) //g; $g =~ s/\bOo (.*?) Oc\b/[$1]/g; $g =~ /^(\S+) (.*)$/ }
        $page->text =~ /^\.D1 Ic (.*)$/mg;
    is($grammar{$_}, $usage{clients}{$_}, "the fields of $_") for keys %{ $usage{clients} };
    is($grammar{$_}, $usage{neighbours}{$_}, "the fields of $_") for keys %{ $usage{neighbours} };
    ok($grammar{$_}, "$_ has its fields") for keys %link;
}

# ---- herd-modules(7) ----

sub modules {
    my $page = page('herd-modules.7');
    my @shown = map { /^(\w+) +\S+ +(.*)$/ ? "$1: $2" : () } grep { !/^herd / } split /\n/, $herd->run('-V')->{out};
    my @told = map { my ($name) = $_->{head} =~ /^Li (\w+)$/; my $body = join ' ', @{ $_->{body} };
        $body =~ s/:.*|\.$//; "$name: $body" }
        grep { $_->{subsection} eq 'Built-in modules' } $page->items('DESCRIPTION');
    same(\@told, \@shown, 'herd-modules(7) has the modules, as -V explains them');
}

# The prototypes of the public door, each on one line.
sub prototypes {
    my $text = bare(content('src/include/herd/module.h'));
    $text =~ s/\bHERD_PRINTF\([^)]*\)//g;
    $text =~ s/^#.*(?:\\\n.*)*$//mg;
    my $parameters = qr/(?:[^()]|\([^()]*\))*/;
    return map { flat($_) } $text =~ /^([a-z][\w \*]*\bherd_\w+\($parameters\))\s*;/mg;
}

sub told_prototypes {
    my ($text) = @_;
    my @found;
    while ($text =~ /^\.It Xo\n\.Ft "?(.*?)"?\n(\.Fn .*|\.Fo .*\n(?:\.Fa .*\n)*\.Fc)\n\.Xc$/mg) {
        my ($type, $function) = ($1, $2);
        my ($name) = $function =~ /^\.F[no] (\w+)/;
        push @found, flat("$type $name(" . join(', ', $function =~ /"([^"]*)"/g) . ')');
    }
    return @found;
}

sub door {
    my $page = page('herd-modules.7');
    my $header = content('src/include/herd/module.h');
    same([told_prototypes($page->text)], [prototypes()], 'herd-modules(7) has the functions of the public door');
    my %constant = map { $_ => 1 } grep { !/^HERD_(?:MODULE_H|PRINTF|MODULE_EXTERN)$/ } bare($header) =~ /\b(HERD_[A-Z_]+)\b/g;
    my %told = map { $_ => 1 } grep { $_ ne 'HERD_MODULE' } $page->text =~ /\b(HERD_[A-Z_]+)\b/g;
    same([keys %told], [keys %constant], 'and its constants');
    my @structs = map { flat($_) } bare($header) =~ /^(struct \w+ \{.*?^\};)/msg;
    same([map { flat($_->{text}) } $page->displays(qr/\Astruct \w+ \{/)], \@structs, 'and its structs');
}

sub walk {
    my $page = page('herd-modules.7');
    my @walk = grep { $_->{subsection} eq 'A walk through invalid' } $page->displays(qr/./);
    is(join("\n", map { $_->{text} } @walk), content('modules/invalid.c'), 'the walk through invalid has all of it');
}

# The formats of what a text complains of, as patterns; %s: is the file's, or another complaint's.
sub complaints {
    my ($text) = @_;
    my @formats = map { join '', /"((?:\\.|[^"\\])*)"/g } $text =~ /\bherd_fail\(\w+,\s*((?:"(?:\\.|[^"\\])*"\s*)+)/g;
    return map { my $p = quotemeta(s/\\"/"/gr); $p =~ s/\\%[su]/\\S+(?: in)?/g; qr/\A$p(?: \(FILE\))?\z/ }
        grep { $_ ne '%s' } map {s/^(?:%s: )(?=[a-z])| \(%s\)$//gr} grep { $_ ne '%s: %s' } @formats;
}

# Why modules are refused.
sub refusals {
    my $loader = join '', map { bare(content("src/core/$_.c")) =~ s/"\s*SYMBOL/herd_module"/r } qw(loader object);
    my ($clash) = bare(content('src/core/registry.c')) =~ /^static bool check_clash\(.*?^\}/msg ? $& : '';
    my ($verbs) = bare(content('src/herd/dispatch.c')) =~ /^bool dispatch_add\(.*?^\}/msg ? $& : '';
    my ($list) = page('herd-modules.7')->text =~ /^The reasons are:\n(.*?)^\.El/ms;
    my @told = map { Test::Herd::Manual::plain($_) } $list =~ /^\.It (.*)$/mg;
    my @patterns = complaints("$loader$clash$verbs");
    cmp_ok(scalar(@patterns), '>=', 15, 'there are refusals');
    for my $pattern (@patterns) {
        is(scalar(grep {/$pattern/} @told), 1, "herd-modules(7) has the refusal $pattern");
    }
    is_deeply([grep { my $told = $_; !grep { $told =~ $_ } @patterns } @told], [], 'and no other');
}

# Why a search fails: the list is not of all, but what stands there is said.
sub failures {
    my $sources = join '', map { bare(content($_)) } qw(modules/places/nearby.c modules/places/google_places.c
        modules/places/overpass_elements.c src/net/easy.c src/net/upstream.c src/core/places.c src/core/search.c);
    my ($list) = page('herd-protocol.7')->text =~ /^\.Bl -item -compact -offset indent\n(.*?)^\.El/ms;
    my @told = map { s/\n/ /gr =~ s/^ | $//gr } grep {/\S/} split /^\.It\n/m, $list;
    cmp_ok(scalar(@told), '>=', 10, 'there are failures of searches');
    for my $told (@told) {
        my $pattern = quotemeta(Test::Herd::Manual::plain($told)) =~ s/\\\.Ar\\ \w+/%[.0-9]*l?[sd]/r;
        like($sources, qr/"$pattern"/, "herd-protocol(7) has a failure that there is: $told");
    }
}

# The number of the interface in what herd says.
sub abi {
    my ($abi) = content('src/include/herd/module.h') =~ /^#define HERD_ABI (\d+)$/m;
    is_deeply([$program->text =~ /modules of ABI (\d+)/g], [$abi], 'herd(8) has the ABI that -V prints');
    my @told = page('herd.conf.5')->text =~ /is built for ABI (\d+); this herd's is (\d+)/;
    is_deeply(\@told, [$abi + 1, $abi], 'herd.conf(5) has it, and that of a module that is too new');
}

# ---- all of them ----

# A reference to a manual that is not installed yet is no fault.
sub rendered {
    for my $name (qw(herd-bench.1 herd-places.1 herd.8 herd.conf.5 herd-protocol.7 herd-modules.7 herd-security.7)) {
        my $file = "$top/man/$name";
        my @said = map { -x "/usr/bin/$_->[0]" ? `@$_ '$file' 2>&1` : () }
            [qw(mandoc -Tlint)], [qw(groff -mandoc -ww -Tutf8 -z)];
        is(join('', grep { !/referenced manual not found|outdated mandoc\.db/ } @said), '', "$name renders in silence");
    }
}

options();
signals();
actions();
statuses();
log_words();
status_line();
verbs();
modules();
door();
walk();
refusals();
failures();
abi();
rendered();
done_testing();
