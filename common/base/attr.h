/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiler attributes and the cleanup idiom that every floor uses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define CLEANUP(f) __attribute__((cleanup(f)))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define MUST_USE __attribute__((warn_unused_result))
#define UNUSED __attribute__((unused))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Takes the value of a pointer and leaves NULL behind: ownership moves to the caller. */
#define STEAL(p) ({ __typeof__(p) stolen_ = (p); (p) = NULL; stolen_; })

static inline void freep(void *p)
{
	free(*(void **)p);
}
#define CLEANUP_FREE CLEANUP(freep)

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* The part of s behind prefix, or NULL when s does not begin with it. */
static inline const char *skip_prefix(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}
