# A manual page as its tests want it: the headings, the items of its lists and the literal displays,
# each with the section and the subsection that it stands in. It reads the source, not what mandoc
# makes of it, so that nothing is lost to layout; of mdoc it knows what our pages use. What people
# read is `rendered`.
package Test::Herd::Manual;

use strict;
use warnings;

# The page of that name, such as herd.conf.5.
sub new {
    my ($class, $name) = @_;
    my $file = ($ENV{HERD_SRCDIR} // '.') . "/man/$name";
    open my $in, '<', $file or die "$file: $!\n";
    my $self = bless { name => $name, file => $file, heads => [], items => [], displays => [], text => '' }, $class;
    my %at = (section => '', subsection => '', note => '', item => undef);
    while (my $line = <$in>) {
        chomp $line;
        $self->{text} .= "$line\n";
        $self->take(\%at, $line);
    }
    return $self;
}

sub take {
    my ($self, $at, $line) = @_;
    if ($at->{display}) {
        $at->{display} = undef, return if $line eq '.Ed';
        $at->{display}{text} .= plain($line) . "\n";
    } elsif ($line =~ /^\.Bd -literal/) {
        $at->{display} = { $self->here($at), note => $at->{note}, text => '' };
        push @{ $self->{displays} }, $at->{display};
        $at->{note} = '';
    } elsif ($line =~ /^\.\\" with (.*)/) {
        $at->{note} = $1;
    } elsif ($line =~ /^\.(Sh|Ss) (.*)/) {
        @$at{ $1 eq 'Sh' ? qw(section subsection) : 'subsection' } = ($2, '');
        push @{ $self->{heads} }, { $self->here($at), kind => $1, text => $2 };
    } elsif ($line =~ /^\.It ?(.*)/) {
        push @{ $self->{items} }, { $self->here($at), head => $1, body => [] };
        $at->{item} = $self->{items}[-1];
    } elsif ($line =~ /^\.El/) {
        $at->{item} = undef;
    } elsif ($at->{item}) {
        push @{ $at->{item}{body} }, $line;
    }
}

sub here { my ($self, $at) = @_; return map { $_ => $at->{$_} } qw(section subsection) }

# The characters that roff's escapes stand for; one of them begins a comment.
sub plain {
    my ($text) = @_;
    my %char = (e => '\\', '(dq' => '"', '(ha' => '^', '&' => '');
    $text =~ s/\\".*//;
    $text =~ s/\\(e|\(dq|\(ha|&)/$char{$1}/g;
    return $text;
}

# The page as those renderers that are here show it, on lines of any length and not indented.
sub rendered {
    my ($self) = @_;
    my @renderers = (['mandoc', '-Tutf8', '-Owidth=200'], ['groff', '-mandoc', '-Tutf8', '-P-cbou', '-rLL=200n']);
    my @shown = map { my $said = -x "/usr/bin/$_->[0]" ? `@$_ '$self->{file}'` : ''; $said eq '' ? () : $said } @renderers;
    die "$self->{name}: neither mandoc nor groff renders it\n" if !@shown;
    return map { s/.\x08//gr =~ s/^ {5}//gmr } @shown;
}

sub text { $_[0]{text} }
sub items { my ($self, $section) = @_; grep { $_->{section} eq $section } @{ $self->{items} } }
sub displays { my ($self, $match) = @_; grep { $_->{text} =~ $match } @{ $self->{displays} } }
sub heads { my ($self, $section) = @_; map { $_->{text} } grep { $_->{section} eq $section } @{ $self->{heads} } }

1;
