# What a request costs in herd's own instructions: no more than t/count/counts.txt says, and 3 %.
use Test::Herd::Needs qw(iamat whatsat at);
use Test::Herd;
use FindBin;
use lib "$FindBin::Bin/count";
use Count qw(committed excuse instructions judge measure total WORK);

my $excuse = excuse('compare');
plan skip_all => $excuse if $excuse;

# ---- that this test counts ----

my $dump = <<'END';
ob=(1) /usr/sbin/herd
fl=(1) a.c
fn=(1) one
10 5
+2 7
cob=(2) /lib/libc.so.6
cfn=(2) memcpy
calls=3 0
* 900
fi=(2) b.h
-4 1
cfn=(3) two
calls=1 +3
+1 20

ob=(2)
fn=(2)
0 900

ob=(1)
fn=(3)
30 20

fn=(1)
10 2
END
is_deeply instructions($dump, 'herd'), { one => 15, two => 20 },
    'the own instructions of a function, of one object, less what it calls';
is_deeply [map { judge($_, 1000) } 960, 975, 1029, 1031], ['cheaper', '', '', 'dearer'],
    '3 % more are too many';

# ---- what it counts ----

my ($cost, $before) = (measure(), committed());
for my $what (WORK) {
    my $now = total($cost->{$what});
    my $verdict = judge($now, $before->{$what} // 0);
    my $change = sprintf 'one %s: %.0f instructions, %s in counts.txt', $what, $now,
        $before->{$what} // 'nothing';
    ok $verdict ne 'dearer', $change
        or diag('make count-functions shows where; make count-accept when it has to be so');
    diag("$change: make count-accept, so that it stays so") if $verdict eq 'cheaper';
}

done_testing;
