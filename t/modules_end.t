# Loaded modules at a server's end: what they begin in their last moment ends before they do.
use Test::Herd::Needs qw(iamat invalid);
use Test::Herd;
use Test::Herd::Installed;

my $tree = Test::Herd::Installed->new;
my %so = map { $_ => $tree->build($_, "$ENV{HERD_SRCDIR}/t/modules/$_.c") } qw(farewell);
$ENV{HERD} = $tree->file('/sbin/herd');
sub loading { 'load_modules = [ ' . join(', ', map {qq("$_")} @_) . " ];\n" }

# Letters that are told on from worker to worker when these have ended, and fetches then: each comes
# to its end, and before its module's.
for my $fetching (0, 1) {
    my $h = Test::Herd->new(extra => loading($so{farewell}), workers => 3,
        places => $fetching ? 'provider = "farewell"' : '');
    $h->start_all;
    my $c = $h->connect('Goloman');
    $c->ask('x');
    is $h->stop('Goloman'), 0, $fetching ? 'with a thread that fetches' : 'without one';
    like $h->log('Goloman'), qr/Farewell: 3 letters, 3 fetches, 3 refused$/m, '... all of it has ended in time';
}
done_testing;
