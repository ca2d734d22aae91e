# Each allocation that a search by HTTPS takes (herd's, libcurl's, OpenSSL's, cJSON's) fails in its
# turn: the search is answered, with places or with UNKNOWN_ERROR, and the next one with places.
use Test::Herd::Needs qw(iamat whatsat invalid google);
use Test::Herd;
use Test::Herd::Failing;
use Test::Herd::Time qw(sanitized);
BEGIN {
    eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed');
}

my $excuse = Test::Herd::Failing::excuse() || (sanitized() && 'a sanitizer has its own memory');
plan skip_all => $excuse if $excuse;

my $h = Test::Herd->new;
my $place = '{"name":"here","types":["a","b"]}';
my $up = Test::Herd::Upstream->new(dir => $h->dir,
    answer => sub {    # ended by the end, so that each search shakes hands anew
        $_[0]->say(qq(HTTP/1.0 200 OK\r\n\r\n{"html_attributions":[],"results":[$place],"status":"OK"}));
        $_[0]->finish;
    });
chmod 0600, $h->write('key', "AIza-Test_Key.0123456789~abc\n") or die;
$h->allow(qr/Out of memory|google: /);
my $f = Test::Herd::Failing->new($h);
$f->start('Goloman', $up->settings('good'));

# What a search is answered: the status, if it is whole JSON; undef: the connection was closed. It
# stays open, as new ones are refused while memory is short.
my $c;
sub search {
    $c = eval { $h->connect('Goloman') } if !$c || $c->ended;
    return undef if !$c;
    $c->send("WHATSAT k 10 5\n");
    my $answer = $c->answer(8) // return undef;
    return $answer =~ /^AT .*\n\{.*"status":"(\w+)".*\}\n\n\z/s ? $1 : "no answer: $answer";
}
my $good = sub { (search() // '') eq 'OK' };
$h->ask('Goloman', 'IAMAT k +1-1 1');
ok $h->wait_for($good, 'an answer'), 'a search is answered';

my ($count, %answers, @wrong) = (0);
my $held = $f->held;
for (;; $count++) {
    $f->arm('memory', 'ENOMEM', pass => $count);
    my $status = search() // 'closed';
    last if !$f->disarm;
    $answers{$status}++;
    push @wrong, "allocation $count, of " . $f->whose . ": $status\n" if $status !~ /^(?:OK|UNKNOWN_ERROR|closed)\z/;
    $h->wait_for($good, 'a good answer') or push @wrong, "allocation $count, of " . $f->whose . ": no more answers\n";
    last if !$h->running('Goloman');
}
is "@wrong", '', "$count allocations of a search fail";
cmp_ok $count, '>', 50, '... that is many';
diag join ', ', map {"$_: $answers{$_}"} sort keys %answers;
diag $f->held - $held, ' pieces of memory more than before';
done_testing;
