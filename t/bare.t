# A herd with no module built in: what it answers then; and the five that usually are, as shared
# objects of the same sources: the tests of their commands pass with them.
use Test::Herd;
use Test::Herd::Installed;

$ENV{HERD} = my $bare = "$ENV{HERD_BUILDDIR}/t/bare";
my %so = map { $_ => "$ENV{HERD_BUILDDIR}/modules/.libs/$_.so" } qw(iamat whatsat at invalid geojson);
sub loading { 'load_modules = [ ' . join(', ', map {qq("$so{$_}")} @_) . " ];\n" }

# Nothing: an invalid command, as every one is, ends the connection behind the answers before it.
my $h = Test::Herd->new;
like $h->run('-V')->{out}, qr/\Aherd \S+, modules of ABI \d+\n\z/, '-V lists none';
$h->start_all;
for my $line ('YOLO', 'IAMAT k +1-1 1', 'AT x', 'x' x 5000) {
    my $c = $h->connect('Goloman');
    $c->send("\n \n$line\nmore\n");
    ok $c->eof, 'the end, without a word: ' . substr $line, 0, 20;
}
is $h->status('Goloman')->{invalid}, 4, '... and counted';
my $named = $h->run('-c', $h->config, '-n', 'Goloman', '-g', 'places: { provider = "geojson"; };');
is $named->{err}, "herd: -g:1: places.provider: no provider \"geojson\"; there are: none\n", 'a provider that is not there';
is $named->{status}, 1, '... status 1';
my $group = $h->run('-c', $h->config, '-t', '-g', 'places: { geojson: { file = "x"; }; };');
is $group->{err}, "herd: -g:1: places.geojson: unknown setting\n", '... has no settings';

# Some, without a provider, and without an answer to what is invalid.
my $some = Test::Herd->new(extra => loading(qw(iamat whatsat)));
$some->start_all;
my $c = $some->connect('Goloman');
$c->send("IAMAT k +1-1 1\nWHATSAT k 0 0\nWHATSAT k 1 1\nYOLO\nIAMAT k +1-1 2\n");
my $said = $c->all;
like $said, qr/\A(AT Goloman \S+ k \+1-1 1\n)\1\{[^\n]*"OK"\}\n\n\1\{[^\n]*"status":"UNKNOWN_ERROR"[^\n]*\}\n\n\z/,
    'commands, a search that fails, and the end where an answer to YOLO would stand';
is $some->status('Goloman')->{reports_newer}, 0, '... nothing behind it is executed';

# A command that was put off and is found to be invalid then.
my $tree = Test::Herd::Installed->new;
$so{later} = $tree->build('later', "$ENV{HERD_SRCDIR}/t/modules/later.c");
my $later = Test::Herd->new(extra => loading('later'));
$later->start_all;
my $waiting = $later->connect('Goloman');
$waiting->send("LATER 1 x\nLATER 1 ?\nLATER 1 y\n");
is $waiting->all, "LATER x\n", 'answered later, and the end where an answer to what is invalid would stand';
delete $so{later};

# Each gives one symbol, and all together are what is usually built in.
for my $name (sort keys %so) {
    is_deeply [`nm -D --defined-only '$so{$name}'` =~ /(\S+)$/mg], ['herd_module'], "$name.so gives one symbol";
}
my $all = Test::Herd->new(extra => loading(sort keys %so));
like $all->run('-V', '-c', $all->config)->{out}, qr/^$_ .*\n +file: \Q$so{$_}\E$/m, "-V -c lists $_" for sort keys %so;

# Their tests, with a program that adds them to each configuration.
my $text = loading(sort keys %so) =~ s/\n//r;
my $wrapper = $all->write('herd', <<"END");
#!/bin/sh
case \$1 in -V) exec '$bare' -V -c '@{[$all->config]}' ;; esac
exec '$bare' "\$@" -g '$text'
END
chmod 0755, $wrapper;
for my $test (qw(iamat invalid whatsat flood)) {
    local $ENV{HERD} = $wrapper;
    my $tap = `'$^X' '-I$ENV{HERD_SRCDIR}/t/lib' '$ENV{HERD_SRCDIR}/t/$test.t' 2>&1`;
    my $failed = $?;
    ok !$failed && $tap =~ /^1\.\.[1-9]/m && $tap !~ /^not ok/m && $tap !~ /^1\.\.0/m, "$test.t passes with loaded modules"
        or diag($tap);
}
done_testing;
