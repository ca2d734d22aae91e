# An installed herd in a temporary folder, and modules that are built against it: with its header
# and its herd.pc alone, as one who has only the package would.
package Test::Herd::Installed;

use strict;
use warnings;
use File::Find ();
use File::Temp ();

# Installs what was built. Dies if that fails.
sub new {
    my ($class) = @_;
    my $self = bless { dir => File::Temp->newdir('herd-tree-XXXXXX', TMPDIR => 1) }, $class;
    my $dir = "$self->{dir}";
    my $make = $ENV{MAKE} || 'make';
    delete local @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS DESTDIR)};
    my $said = `$make -s -C '$ENV{HERD_BUILDDIR}' install DESTDIR='$dir/root' 2>&1`;
    die "make install: $said\n" if $?;
    $self->{files} = [];
    File::Find::find({ no_chdir => 1, wanted => sub { push @{ $self->{files} }, $_ if -f } }, $dir);
    return $self;
}

# The one installed file whose path ends so.
sub file {
    my ($self, $end) = @_;
    my @found = grep { /\Q$end\E$/ } @{ $self->{files} };
    die "installed as $end: @found\n" if @found != 1;
    return $found[0];
}

# What pkg-config says of it.
sub pkg_config {
    my ($self, @options) = @_;
    my ($folder) = $self->file('/pkgconfig/herd.pc') =~ m{^(.*)/};
    local $ENV{PKG_CONFIG_LIBDIR} = $folder;
    local $ENV{PKG_CONFIG_SYSROOT_DIR} = "$self->{dir}/root";
    local $ENV{PKG_CONFIG_ALLOW_SYSTEM_CFLAGS} = 1;
    chomp(my $said = `pkg-config @options herd`);
    return $said =~ s/\s+$//r;
}

# Compiles a module. Returns its path; dies with what the compiler says.
sub build {
    my ($self, $name, $source, @flags) = @_;
    my $so = "$self->{dir}/$name.so";
    my $cc = $ENV{HERD_CC} || 'cc';
    my $cflags = $self->pkg_config('--cflags');
    my $said = `$cc $ENV{HERD_CFLAGS} -Werror -g -shared -fPIC $cflags @flags -o '$so' '$source' 2>&1`;
    die "$name: $said\n" if $? || $said ne '';
    return $so;
}

1;
