/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one strict number parser: whole text, no blanks, no sign unless allowed, no overflow. */
#pragma once

#include "base/attr.h"

/* Decimal digits only, all of s. 0 or -EINVAL / -ERANGE; *ret untouched on failure. */
int num_u64(const char *s, uint64_t *ret);
/* As num_u64 with an optional leading '-'. */
int num_i64(const char *s, int64_t *ret);
/* A number of seconds with optional fraction ("1.5"), as nanoseconds. Not negative, and no more than can be added to
 * the time: centuries count as fewer of them. */
int num_seconds(const char *s, uint64_t *ret_ns);
