/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The side of the lab's qrexec that calls. Descriptors that can do no harm in other hands, which are pipes, are
 * handed to the service; between anything else (a terminal, a file of the caller's) and the service a thread copies,
 * and takes out what a terminal would obey where that is asked for.
 */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct caller {
	const char *socket;  /* of the daemon */
	const char *target, *user, *service;
	const char *prefix;  /* the service reads this before stdin; NULL: nothing */
	bool filter_out, filter_err; /* only what is plain text for a terminal gets through */
	bool no_wait;        /* do not wait for the service's end */
};

/* Calls the service with descriptors 0, 1 and 2 of this process, which lets go of the first two, and waits for its end.
 * Its exit status, with err when there is something to say to it, and with an empty err when policy refuses; or
 * negative errno with err when the daemon cannot be talked to. */
int caller_run(const struct caller *c, struct err *err);
/* The path of the socket: of the lab that QVM_ENDPOINT names, else, in a qube, that of the qube. NULL with err. The
 * caller frees. */
char *caller_socket(struct err *err);
