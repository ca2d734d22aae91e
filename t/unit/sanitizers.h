/* What the program is built with: 1 or 0, to be used like any number. GCC and clang have each their
 * own words for it. */
#ifndef T_UNIT_SANITIZERS_H
#define T_UNIT_SANITIZERS_H

#if defined __has_feature
#define HAS_SANITIZER(which) __has_feature(which)
#else
#define HAS_SANITIZER(which) 0
#endif

#if defined __SANITIZE_THREAD__ || HAS_SANITIZER(thread_sanitizer)
#define SANITIZES_THREADS 1
#else
#define SANITIZES_THREADS 0
#endif

#if defined __SANITIZE_ADDRESS__ || HAS_SANITIZER(address_sanitizer)
#define SANITIZES_ADDRESSES 1
#else
#define SANITIZES_ADDRESSES 0
#endif

#endif
