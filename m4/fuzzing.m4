dnl HERD_FUZZING
dnl
dnl --enable-fuzzing: the targets of t/fuzz become libFuzzer's programs, and all that they link is compiled with address
dnl and undefined behaviour sanitizers and counters for libFuzzer to follow. clang only. Comes before HERD_SANITIZERS,
dnl whose SANITIZER_FLAGS it adds to.
AC_DEFUN([HERD_FUZZING], [
    AC_ARG_ENABLE([fuzzing],
        [AS_HELP_STRING([--enable-fuzzing], [build for make fuzz: libFuzzer and sanitizers; with CC=clang])],
        [], [enable_fuzzing=no])
    AS_VAR_IF([enable_fuzzing], [no], [],
        [AS_VAR_SET_IF([enable_sanitizers], [], [enable_sanitizers=address])
         AS_CASE([$enable_sanitizers], [yes|address], [],
             [AC_MSG_ERROR([--enable-fuzzing goes with --enable-sanitizers=address only])])
         herd_saved_CFLAGS=$CFLAGS
         CFLAGS="$CFLAGS -fsanitize=fuzzer"
         AC_MSG_CHECKING([whether $CC has libFuzzer])
         AC_LINK_IFELSE([AC_LANG_SOURCE([[int LLVMFuzzerTestOneInput(const unsigned char *bytes, unsigned long len);
                          int LLVMFuzzerTestOneInput(const unsigned char *bytes, unsigned long len)
                          { return !bytes && len; }]])], [AC_MSG_RESULT([yes])],
             [AC_MSG_RESULT([no])
              AC_MSG_ERROR([$CC cannot build with -fsanitize=fuzzer; CC=clang and its libclang-rt can])])
         CFLAGS=$herd_saved_CFLAGS
         FUZZING_FLAGS=-fsanitize=fuzzer-no-link])
    AM_CONDITIONAL([FUZZING], [test "$enable_fuzzing" != no])
])
