# herd_fetch and herd_fetch_cancel, called by a module that takes back what it has asked, at each
# moment there is: check and done are called once each, whatever happens.
use Test::Herd::Needs qw(iamat whatsat invalid);
use Test::Herd;
use Test::Herd::Installed;
use Test::Herd::Time qw(now slowly);
BEGIN { eval { require Test::Herd::Upstream; 1 } or plan(skip_all => 'IO::Socket::SSL is not installed') }

plan skip_all => 'not enough descriptors' if system('prlimit', "--pid=$$", '--nofile=1300:');

my $tree = Test::Herd::Installed->new;
my $so = $tree->build('doubt', "$ENV{HERD_SRCDIR}/t/modules/doubt.c");
my $h = Test::Herd->new(servers => [qw(Quick Silent)], extra => qq(load_modules = [ "$so" ];\n));
my $up = Test::Herd::Upstream->new(dir => $h->dir, answer => sub { $_[0]->reply('{}') });

my ($never, $at_once, $when_checked, $when_gone, $long_after_it) = 1 .. 5;
sub said {
    my ($cancelled, $unsent, $error) = (@_, '(?:true|false)', '[^"]*');
    return qr/^\{"results":\[\],"status":"OK","checks":1,"dones":1,"cancelled":$cancelled,"unsent":$unsent,"error":"$error"\}\n\n\z/m;
}
my %kind = (Quick => 'plain', Silent => 'mute');
for my $server ($h->servers) {
    my $url = $up->url('plain') =~ s/:\d+/":$up->{port}{$kind{$server}}"/er;
    $h->start($server, ['-g', qq(limits: { address_connections = 2000; }; places: { provider = "doubt"; doubt: { url = "$url"; }; };)]);
    $h->ask($server, 'IAMAT k +0-1 1');
}

like $h->answer('Quick', "WHATSAT k $never 1"), said('false', 'false', ''), 'a request';
like $h->answer('Silent', "WHATSAT k $at_once 1"), said('true'), 'cancelled, before it is under way';

# The answer is under way to the worker, the cancellation from it: they cross each other.
my @clients = map { $h->connect('Quick') } 1 .. 4;
# No two ask the same, and so none is asked for another.
my $asked = 0;
sub ask_for { my ($when) = @_; return sprintf "WHATSAT k %d.%05d 1\n", $when, ++$asked }
for my $client (@clients) { $client->send(join '', map { ask_for($when_checked), ask_for($at_once) } 1 .. 50) }
for my $client (@clients) {
    my (@checked, @at_once);
    push(@checked, $client->answer), push @at_once, $client->answer for 1 .. 50;
    is scalar(grep { $_ =~ said('false') } @checked), 50, 'cancelled when it is answered: nothing changes';
    is scalar(grep { $_ =~ said('(?:true|false)') } @at_once), 50, '... and at once';
}
my $status = $h->status('Quick');
is "$status->{doubt_checks} $status->{doubt_dones}", '401 401', 'check and done are called once each';

# Clients that go. The provider answers as soon as it is told; what it has asked ends for itself.
sub vanish {
    my ($when, $count, $sum) = @_;
    my $before = $h->status('Silent')->{searches};
    my @clients = map { $h->connect('Silent') } 1 .. $count;
    $_->send(ask_for($when)) for @clients;
    $h->wait_for(sub { $h->status('Silent')->{searches} == $before + $count }, 'they are heard');
    $_->reset for @clients;
    ok $h->wait_for(sub { $h->status('Silent')->{doubt_gone} == $sum }, 'gone'), "$count clients go, and the provider hears it";
    ok $h->wait_for(sub { $h->status('Silent')->{doubt_dones} == 1 + $sum }, 'done'), '... and its requests end';
    is $h->status('Silent')->{searches_cancelled}, $sum, '... and are counted';
    return;
}
my $began = now();
vanish($when_gone, 100, 100);
vanish($long_after_it, 20, 120);
cmp_ok now() - $began, '<', slowly(15), '... before their time is up';
is $h->status('Silent')->{doubt_checks}, 121, 'check was called for each';

# 32 are under way, 1,024 wait; one more is refused, and of one that goes before its turn nothing was sent.
my ($before, @waiting) = $h->status('Silent')->{searches};
sub wait_too {
    my ($count) = @_;
    my @more = map { $h->connect('Silent') } 1 .. $count;
    $_->send(ask_for($when_gone)) for @more;
    push @waiting, @more;
    return $h->wait_for(sub { $h->status('Silent')->{searches} == $before + @waiting }, 'they are heard');
}
wait_too(32);
like $h->answer('Silent', ask_for($at_once) =~ s/\n//r), said('true', 'true', 'cancelled'), 'cancelled while it waits: never sent';
$before++;
wait_too(1024);
like $h->answer('Silent', ask_for($never) =~ s/\n//r), said('false', 'true', 'too many requests wait'), 'and too many: nor is that';
my $gone = $h->status('Silent')->{doubt_gone} + @waiting;
$_->reset for @waiting;
ok $h->wait_for(sub { $h->status('Silent')->{doubt_gone} == $gone }, 'gone'), '... the others go';
my $heard = $h->status('Silent')->{searches};

# The server stops: some wait, some were taken back this moment.
@clients = map { $h->connect('Silent') } 1 .. 50;
$_->send(ask_for($when_gone)) for @clients;
$h->wait_for(sub { $h->status('Silent')->{searches} == $heard + 50 }, 'they are heard');
$_->reset for @clients[0 .. 24];
is $h->stop('Silent'), 0, 'stopped with requests under way';
done_testing;
