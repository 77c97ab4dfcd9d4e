/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may call which service where: what qrexec.c asks before anything is done. */
#pragma once

#include "qvmd/qvmd.h"

struct permit_call {
	const struct vm *source;
	const char *service; /* NAME or NAME+ARGUMENT */
	const char *target;  /* as the caller named it */
	const char *user;    /* "": the default one; counts for dom0 only */
};

/* What it comes to; NULL: denied. target is the name of a qube, "dom0" or "@dispvm:TEMPLATE"; user as above.
 * Borrowed. Calls of the Admin API are judged by the dispatcher (dispatch.c), and here only let through. */
struct permit {
	const char *target, *user;
	bool starts; /* the target, when it is off */
};
typedef void permit_fn(void *data, const struct permit *p);

/* dom0 may do anything. done is called once: now, or later from the loop when somebody has to be asked; with NULL, too,
 * when the daemon ends before. c is borrowed for the time of this call only. */
void permit_ask(struct sys *s, const struct permit_call *c, permit_fn *done, void *data);
