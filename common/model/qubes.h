/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of qubes as admin.vm.List gives it (admin-api 2.2). */
#pragma once

#include "base/attr.h"
#include "base/err.h"
#include "base/strv.h"

/* Borrowed from the list that it is in. */
struct qube {
	const char *name;
	const char *class;
	const char *state; /* "NA" when the line has none */
	const char *uuid;  /* "" when the line has none */
};

struct qubes {
	struct qube *v; /* sorted by name (bytes) */
	size_t n;
	size_t cap;
	char *text; /* what the qubes borrow from */
};

void qubes_release(struct qubes *q);
#define CLEANUP_QUBES CLEANUP(qubes_release)
/*
 * Reads the body of admin.vm.List; unknown words are skipped. -EBADMSG with err for a line that is none or has no
 * newline.
 */
int qubes_parse(struct qubes *ret, const char *body, size_t len, struct err *err);
/* Binary search; NULL when there is no such qube. Borrowed. */
const struct qube *qubes_find(const struct qubes *q, const char *name);
/* Anything but Halted and NA (admin-api 5.1). */
bool state_is_running(const char *state);
