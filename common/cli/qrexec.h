/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running something in a qube: which service does it, and the argv of qrexec-client (in dom0) or qrexec-client-vm
 * (elsewhere) for it (tools-runtime 6.4, 6.8).
 */
#pragma once

#include "cli/tool.h"

/* ---- what is asked for ---- */

enum qrexec_kind {
	QREXEC_SERVICE, /* the first word is a service, maybe with +ARGUMENT; others are left out */
	QREXEC_PROGRAM, /* a program and its arguments */
	QREXEC_SHELL,   /* the first word is a line for a shell */
};

struct qrexec_command {
	enum qrexec_kind kind;
	const char *const *words; /* NULL-terminated, at least one; borrowed */
	const char *user;         /* NULL: the qube's default user; borrowed */
	bool session;             /* by a service that waits for the session of the user first */
};

/* ---- the qube that is asked what it can do ---- */

struct qrexec_target {
	const char *qube; /* borrowed; NULL: there is none, and it can do nothing */
	char *features[3];
	struct err err;   /* it could not be asked */
};

void qrexec_target_release(struct qrexec_target *t);
#define CLEANUP_QREXEC_TARGET CLEANUP(qrexec_target_release)
/* Asks n qubes for the features that the choice of the service hangs on, no others, with calls in flight together. */
void qrexec_ask(struct ctx *c, const struct qrexec_command *cmd, struct qrexec_target *t, size_t n);

/* ---- what is run ---- */

struct qrexec_service {
	struct buf name;   /* maybe with +ARGUMENT */
	struct buf prefix; /* data that the service gets before its stdin; none when empty */
	const char *user;  /* as in the command, or NULL when the service is root's by itself; borrowed */
};

void qrexec_service_release(struct qrexec_service *s);
#define CLEANUP_QREXEC_SERVICE CLEANUP(qrexec_service_release)
/* Chooses for a target that was asked without an error. */
void qrexec_choose(const struct qrexec_command *cmd, const struct qrexec_target *t, struct qrexec_service *ret);

struct qrexec_options {
	bool filter;       /* no escape sequences on stdout */
	bool filter_err;   /* nor on stderr */
	bool no_filter;    /* not even where the client of a qube would filter by itself: on a terminal */
	bool detach;       /* dom0: do not wait for the end of the service */
	const char *wait;  /* dom0: seconds to wait for a new disposable; or NULL */
};

/* Program and arguments. -EINVAL with err when a user is named where none can be. */
int qrexec_argv(struct ctx *c, const char *dest, const struct qrexec_service *s, const struct qrexec_options *o,
		struct strv *ret, struct err *err);
/* True where dom0 is administered: qubes are started by us, and users can be named. */
static inline bool qrexec_is_dom0(const struct ctx *c)
{
	return c->admin.endpoint.kind == ENDPOINT_UNIX;
}
/* In dom0: starts the qube (admin.vm.Start); that it runs already is no error. Elsewhere qrexec does that. */
int qrexec_start(struct ctx *c, const char *qube, struct err *err);

/*
 * The program and arguments which run the NULL-terminated words as root in the qube, with the qube
 * started first. Reads the features it needs. 0, or -errno with err.
 */
int qrexec_root_argv(struct ctx *c, const char *qube, const char *const *words, struct strv *ret, struct err *err);

/* Program and arguments that run a service of dom0 itself, NAME or NAME+ARGUMENT, there (tools-runtime 6.10): as this
 * user, NULL: the first of the group qubes. From QVM_RPC_DIR, where that is set, as the caller. */
void qrexec_dom0_argv(const char *service, const char *user, struct strv *ret);

/* Adds words in the encoding of qubes.VMExec. */
void vmexec_encode(struct buf *b, const char *const *words);
/* Adds words as one line for a POSIX shell. */
void shell_quote(struct buf *b, const char *const *words);
