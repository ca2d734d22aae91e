dnl HERD_SANITIZERS
dnl
dnl --enable-sanitizers: address with undefined behaviour (yes, address), or thread. They go into SANITIZER_FLAGS, which
dnl compiling and linking both take. A first finding ends the program, or a test would not see it.
AC_DEFUN([HERD_SANITIZERS], [
    AC_ARG_ENABLE([sanitizers],
        [AS_HELP_STRING([--enable-sanitizers@<:@=address|thread@:>@],
            [find errors of memory and undefined behaviour (address, the default), or of threads])],
        [], [enable_sanitizers=no])
    AS_CASE([$enable_sanitizers],
        [no], [SANITIZER_FLAGS=],
        [yes|address], [SANITIZER_FLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all"],
        [thread], [SANITIZER_FLAGS="-fsanitize=thread"],
        [AC_MSG_ERROR([--enable-sanitizers takes address or thread, not $enable_sanitizers])])
    AS_VAR_IF([enable_sanitizers], [no], [],
        [AS_VAR_APPEND([SANITIZER_FLAGS], [" -fno-omit-frame-pointer $FUZZING_FLAGS"])
         herd_saved_CFLAGS=$CFLAGS
         CFLAGS="$CFLAGS $SANITIZER_FLAGS"
         AC_MSG_CHECKING([whether $CC can build with $SANITIZER_FLAGS])
         AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
             [AC_MSG_RESULT([no])
              AC_MSG_ERROR([$CC cannot build with $SANITIZER_FLAGS])])
         CFLAGS=$herd_saved_CFLAGS])
    AC_SUBST([SANITIZER_FLAGS])
])
