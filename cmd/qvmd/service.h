/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services of qubes that dom0 calls. Those of a sandbox are called as any client does, over the daemon's own socket.
 * Where nothing runs in qubes they are children of the daemon, with the qube's directory as home and without anything
 * else that the daemon has in its environment: a service NAME+ARG is then the program etc/qubes-rpc/NAME+ARG below the
 * home, or etc/qubes-rpc/NAME there, or the one of that name that the lab brings along for its qubes.
 */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#define SERVICE_TEXT_MAX 65536 /* of what it prints; the rest is read and dropped */

struct service;

/* Where; borrowed. */
struct service_place {
	const char *calls; /* socket (qrexec_socket), or NULL: nothing runs in qubes */
	const char *qube, *home;
	const char *user;  /* NULL: the default one; only in a sandbox */
};

/* Starts it, and before the qube, if that is off; in any thread, but not in the loop. arg may be "". NULL with err:
 * there is none, or it cannot be started. */
struct service *service_start(const struct service_place *at, const char *name, const char *arg, struct err *err);
/* Where its stdin is written to. Borrowed. */
int service_input(const struct service *sv);
/* Ends its stdin and waits for it: its exit status as the shell counts it, or negative errno. Once. */
int service_finish(struct service *sv);
/* What it printed on stdout and stderr, when it has ended. Borrowed. */
const struct buf *service_output(const struct service *sv);
const struct buf *service_errors(const struct service *sv);
/* Ends it with all of its children; from any thread, also while another one waits in service_finish. */
void service_kill(struct service *sv);
/* What still runs is ended before it is told that there is no more input. NULL accepted. */
void service_free(struct service *sv);
