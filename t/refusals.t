# Modules that herd must refuse, at start-up and by -t: the error names configuration, file, reason.
use Test::Herd;
use Test::Herd::Installed;

my $tree = Test::Herd::Installed->new;
my $h = Test::Herd->new;
my $dir = "$ENV{HERD_SRCDIR}/t/modules";
my $good = $tree->build('good', "$dir/broken.c");
my $later = $tree->build('later', "$dir/later.c");

sub refused {
    my ($what, $config, $error) = @_;
    my $file = $h->write('bad.conf', $h->config_text . $config);
    for my $task (['-t'], ['-n', 'Goloman']) {
        my $run = $h->run('-c', $file, @$task);
        like $run->{err}, qr/\Aherd: $error\n\z/, "$what: herd @$task";
        is $run->{status}, 1, '... status 1';
    }
}

sub loading { 'load_modules = [ ' . join(', ', map {qq("$_")} @_) . " ];\n" }

# The line of load_modules, which is the last; then the file and the reason.
my $line = 1 + ($h->config_text =~ tr/\n//);
my $at = quotemeta($h->file('bad.conf')) . ":$line: load_modules:";
my $here = quotemeta $h->dir;

refused('no such file', loading('none.so'), qr/$at $here\/none\.so: cannot be opened: .*No such file or directory/);
refused('no object', loading($h->write('text.so', 'x' x 100)), qr/$at $here\/text\.so: cannot be opened: not a shared object/);
refused('nothing', loading($h->write('empty.so', '')), qr/$at $here\/empty\.so: cannot be opened: not a shared object/);
refused('a folder', loading('/'), qr/$at \/: cannot be opened: .+/);
POSIX::mkfifo($h->file("fifo"), 0600) or die;
refused('a FIFO, for which nobody waits', loading("fifo"), qr/$at $here\/fifo: cannot be opened: not a regular file/);
refused('no name at all', loading(''), qr/$at $here\/: cannot be opened: .+/);
refused('a wrong type', 'load_modules = [ 1 ];', qr/$at must be an array of strings: .*/);

# The good one cut off, anywhere: an error, and no signal. What is not for this machine is no less one.
my $bytes = do { open my $in, '<:raw', $good or die "$good: $!\n"; local $/; <$in> };
my $size = length $bytes;
my $cut = $h->file('cut.so');
for my $length (1 .. 5, 63, 64, 65, (map { int($size * $_ / 16) } 1 .. 15), $size - 1) {
    my $file = $h->write('bad.conf', $h->config_text . loading($h->write('cut.so', substr $bytes, 0, $length)));
    my $run = $h->run('-t', '-c', $file);
    is "$run->{status} $run->{err}", '1 herd: ' . $h->file('bad.conf') . ":$line: load_modules: $cut: cannot be opened: the file is cut off\n",
        "cut off after $length of $size bytes";
}
substr(my $foreign = $bytes, 4, 1) = $bytes =~ /\A.{4}\x02/s ? "\x01" : "\x02";
refused('another word size', loading($h->write('foreign.so', $foreign)), qr/$at $here\/foreign\.so: cannot be opened: .*ELF class.*/);
substr($foreign = $bytes, 18, 2) = "\0\0";
refused('another machine', loading($h->write('foreign.so', $foreign)),
    qr/$at $here\/foreign\.so: cannot be opened: built for another kind of processor/);

# Each is the good one but for a flag.
my %wrong = (
    ABI => ['-DABI=77', qr/is built for ABI 77; this herd's is \d+/],
    'no symbol' => ['-DNO_SYMBOL', qr/has no symbol herd_module/],
    'no function' => ['-DMISSING_FUNCTION', qr/cannot be opened: .*undefined symbol: herd_has_no_such_function/],
    'an inner function' => ['-DINNER_FUNCTION', qr/cannot be opened: .*undefined symbol: log_messages/],
    'no name' => ['-DNAME=0', qr/has no name of 1 to 64 of \[A-Za-z0-9._-\]/],
    'a bad name' => [q(-DNAME='"a b"'), qr/has no name of 1 to 64 of \[A-Za-z0-9._-\]/],
    'a verb with blanks' => [q(-DVERB='"A B"'), qr/its verb "A B" has blanks/],
    'a command without run' => ['-DRUN=0', qr/its command "BROKEN" has no run/],
    'a provider without name' => [q(-DPROVIDER='""'), qr/its provider has no name of .*/],
    'no ABI' => ['-DABI=0', qr/does not say what ABI it is built for: \.abi is not set/],
    "a link's verb" => [q(-DFROM=HERD_PEER -DVERB='"PING"'), qr/module broken: the verb "PING" is herd's own/],
    "herd's own group" => [q(-DGROUP='"limits"'), qr/the group "limits" is herd's own/],
    'configure without group' => ['-DGROUP=0', qr/module broken has a configure and no group/],
);
# A group that is herd's own, or would hold a setting of herd's, or lies in one; and what is no group's name.
$wrong{"the group $_"} = ["-DGROUP='\"$_\"'", qr/the group "\Q$_\E" is herd's own/]
    for qw(servers adjacency workers pid_file pid_file.x load_modules log.x link.psk_file limits.line places
    places.provider places.max_items places.max_items.x places.max_inclusive);
$wrong{"the group '$_'"} = ["-DGROUP='\"$_\"'", qr/its group "\Q$_\E" is no path of names/]
    for '', '.', 'a.', '.a', 'a..b', '1a', 'a.1', '-a', 'a b', 'a/b', 'places.a:b';
for my $what (sort keys %wrong) {
    my ($flags, $reason) = @{ $wrong{$what} };
    my $name = $what =~ s/\W+/-/gr;
    my $so = $tree->build($name, "$dir/broken.c", $flags =~ /-DRUN/ ? "$flags -Wno-unused-function" : $flags);
    refused($what, loading($so), qr/$at \Q$so\E: $reason/);
}

# What two want.
my ($good_re, $later_re) = map {quotemeta} $good, $later;
refused('twice the same', loading($good, $good), qr/$at $good_re: there is a module broken already \($good_re\)/);
my %clash = (
    verb => [q(-DNAME='"other"' -DGROUP='"other"' -DPROVIDER='"other"' -DVERB='"LATER"'),
        qr/module other: the verb "LATER" is module later's/],
    name => [q(-DNAME='"later"'), qr/there is a module later already \($later_re\)/],
    group => [q(-DGROUP='"later"'), qr/module broken: the group "later" is module later's \($later_re\)/],
);
$clash{$_} = ["-DGROUP='\"$_\"'", qr/module broken: the group "\Q$_\E" overlaps "later", module later's \($later_re\)/]
    for 'later.word', 'later.x.y';
for my $what (sort keys %clash) {
    my $so = $tree->build("clash-$what", "$dir/broken.c", $clash{$what}[0]);
    refused("a $what taken twice", loading($later, $so), qr/$at \Q$so\E: $clash{$what}[1]/);
}
my $below = $tree->build('below', "$dir/broken.c", q(-DGROUP='"below.x"' -DNAME='"below"'));
my $above = $tree->build('above', "$dir/broken.c", q(-DGROUP='"below"'));
refused('a group above another', loading($below, $above),
    qr/$at \Q$above\E: module broken: the group "below" overlaps "below\.x", module below's \(\Q$below\E\)/);
my $beside = $tree->build('beside', "$dir/broken.c", q(-DGROUP='"later_on"'));
my $inside = $tree->build('inside', "$dir/broken.c", q(-DGROUP='"places.broken"'));
for my $so ($beside, $inside) {
    my $file = $h->write('bad.conf', $h->config_text . loading($later, $so));
    is $h->run('-t', '-c', $file)->{err}, "herd: $file is well\n", 'a group that is nobody else\'s';
}
my $other = $tree->build('provider', "$dir/broken.c", q(-DNAME='"x"' -DGROUP='"x"' -DVERB='"X"'));
refused('a provider taken twice', loading($good, $other),
    qr/$at \Q$other\E: module x: the provider broken is module broken's \($good_re\)/);
my $built_in = $h->run('-V')->{out};
for (['iamat', q(-DVERB='"IAMAT"'), qr/module broken: the verb "IAMAT" is module iamat's/],
    ['invalid', q(-DVERB='""'), qr/module broken: the verb "" is module invalid's/],
    ['geojson', q(-DPROVIDER='"geojson"'), qr/module broken: the provider geojson is module geojson's \(built in\)/],
    ['whatsat', q(-DNAME='"whatsat"'), qr/there is a module whatsat already \(built in\)/]) {
    my ($name, $flags, $reason) = @$_;
    next if $built_in !~ /^$name /m;
    my $so = $tree->build("like-$name", "$dir/broken.c", $flags);
    refused("what $name has", loading($so), qr/$at \Q$so\E: $reason/);
}

# Its own group: settings, and what it says itself.
my $conf = quotemeta $h->file('bad.conf');
my $next = $line + 1;
refused('an unknown setting', loading($good) . 'broken: { width = 1; };', qr/$conf:$next: broken\.width: unknown setting/);
my $by = qr/\(configure of module broken, $good_re\)/;
refused('a wrong type', loading($good) . 'broken: { depth = "x"; };', qr/$conf:$next: broken\.depth: must be an integer $by/);
refused('a wrong range', loading($good) . 'broken: { depth = 6; };', qr/$conf:$next: broken\.depth: 6 is not within 0 to 5 $by/);
refused('no group', loading($good) . 'broken = 1;', qr/$conf:$next: broken: must be a group: .*/);
refused('what goes together', loading($later) . 'later: { polite = true; };',
    qr/$conf:$next: later\.polite: needs a word \(configure of module later, $later_re\)/);
my %fails = (
    CONFIGURE_FAILS => qr/cannot be so \(configure of module broken, \S+CONFIGURE_FAILS\.so\)/,
    SAYS_NOTHING => qr/module broken \(\S+SAYS_NOTHING\.so\): configure failed and does not say why/,
);
refused($_, loading($tree->build($_, "$dir/broken.c", "-D$_")), $fails{$_}) for sort keys %fails;
refused('the group of a module that is not loaded', 'broken: { depth = 1; };', qr/$conf:$line: broken(\.depth)?: unknown setting/);

# -s needs no modules, and so none can keep a server from being stopped.
my $broken = $h->write('bad.conf', $h->config_text . 'pid_file = "%n.pid";' . loading('none.so'));
like $h->run('-c', $broken, '-n', 'Goloman', '-s', 'stop')->{err}, qr/Goloman\.pid: no server is running/, '-s loads nothing';

# start and open are not called by -t.
my $start = $tree->build('START_FAILS', "$dir/broken.c", '-DSTART_FAILS');
my $file = $h->write('bad.conf', $h->config_text . loading($start));
is $h->run('-t', '-c', $file)->{status}, 0, 'start is not called by -t';
my $run = $h->run('-c', $file, '-n', 'Goloman');
is $run->{err}, "herd: Goloman: does not start (start of module broken, $start)\n", '... but by a server';
is $run->{status}, 1, '... status 1';
my $shops = $tree->build('shops', "$dir/shops.c");
$file = $h->write('bad.conf', $h->config_text . loading($shops) . 'places: { provider = "shops"; shops: { count = 7; }; };');
is $h->run('-t', '-c', $file)->{status}, 0, 'a provider is not opened by -t';
is $h->run('-c', $file, '-n', 'Goloman')->{err}, "herd: Goloman: seven shops are too many\n", '... but by a server';
refused('no such provider', loading($shops) . 'places: { provider = "shop"; };',
    qr/$conf:$next: places\.provider: no provider "shop"; there are:.* shops/);
done_testing;
