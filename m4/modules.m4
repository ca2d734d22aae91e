dnl HERD_BUILT_IN_MODULES
dnl
dnl For each module in the table modules/modules.def: --without-NAME leaves it out of the program, --with-NAME=so builds
dnl it as a file to be loaded. HERD_WITH tells the table's reader which are in; HERD_LOADABLE names the files to build
dnl and install.
m4_define([HERD_TABLE],
    m4_esyscmd_s([sed -n 's/^HERD_MODULE(\(.*\))$/\1/p' modules/modules.def | tr '\n' ' ']))

AC_DEFUN([HERD_ONE_MODULE], [
    AC_ARG_WITH([$1],
        [AS_HELP_STRING([--without-$1], [leave the module $1 out; --with-$1=so: build it to be loaded])],
        [], [with_$1=yes])
    AS_CASE([$with_$1],
        [yes], [AS_VAR_APPEND([HERD_WITH], [" -DHERD_WITH_$1=1"])],
        [no], [AS_VAR_APPEND([HERD_WITH], [" -DHERD_WITH_$1=0"])],
        [so], [AS_VAR_APPEND([HERD_WITH], [" -DHERD_WITH_$1=0"])
               AS_VAR_APPEND([HERD_LOADABLE], [" modules/$1.la"])],
        [AC_MSG_ERROR([--with-$1 takes yes, no or so, not $with_$1])])
])

AC_DEFUN([HERD_BUILT_IN_MODULES], [
    HERD_WITH=
    HERD_LOADABLE=
    m4_map_args_w(m4_defn([HERD_TABLE]), [HERD_ONE_MODULE(], [)])
    AC_SUBST([HERD_WITH])
    AC_SUBST([HERD_LOADABLE])
])
