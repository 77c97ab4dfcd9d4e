/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation that aborts when memory is out, so that callers need no path for it. */
#pragma once

#include <stdarg.h>

#include "base/attr.h"

/* All of these return memory that the caller frees with free(); they never return NULL. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
/* Copies n bytes (which may hold NUL) and adds a NUL. */
char *xmemdup0(const void *p, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);
char *xvasprintf(const char *fmt, va_list ap) PRINTF(1, 0);

/* Overwrites a text that was a secret and frees it. NULL accepted. */
void wipe_free(char *s);
static inline void wipe_freep(char **s)
{
	wipe_free(*s);
}
#define CLEANUP_SECRET CLEANUP(wipe_freep)

/* Makes room for one more element of a growing array: doubles *cap when n has reached it. */
#define GROW(v, n, cap)                                                                            \
	do {                                                                                       \
		if ((n) >= (cap)) {                                                                \
			(cap) = (cap) ? (cap) * 2 : 8;                                             \
			(v) = xreallocarray((v), (cap), sizeof *(v));                              \
		}                                                                                  \
	} while (0)
