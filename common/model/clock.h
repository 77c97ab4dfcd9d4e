/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the clock qube says the time is (backup-policy-clock 5). Its bytes are hostile. */
#pragma once

#include <time.h>

#include "base/err.h"

#define CLOCK_ANSWER_MAX 36        /* of qubes.GetDate */
#define CLOCK_LEGACY_ANSWER_MAX 100 /* of date -u -Iseconds in the older flow */

/* The answer of qubes.GetDate: 26 bytes, or 36 with nanoseconds. 0, or -EINVAL with the text that refuses it. */
int clock_parse(struct timespec *ret, const char *data, size_t len, struct err *err);
/* The answer of the older flow: blanks around it, seconds, either spelling of the zone. */
int clock_parse_legacy(struct timespec *ret, const char *data, size_t len, struct err *err);
/* As date -u -Ins prints it, or with seconds date -u -Iseconds; without a newline. The caller frees. */
char *clock_text(const struct timespec *t, bool seconds);
/* How far a is ahead of b, in seconds: "+0.000012345". The caller frees. */
char *clock_offset(const struct timespec *a, const struct timespec *b);
