/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services of qubes that a tool itself talks to: a short text goes in, a bounded one comes back, and nobody is waited
 * for longer than asked (tools-runtime 6.8).
 */
#pragma once

#include "base/buf.h"
#include "cli/tool.h"

#define SERVICE_INPUT_MAX 4096 /* what a pipe takes at once */

/* Zero it, fill the first part, run it, release it. */
struct service_call {
	const char *qube;    /* borrowed; elsewhere than in dom0 also a word as @default */
	const char *service; /* borrowed; maybe with +ARGUMENT */
	const char *user;    /* borrowed; NULL: the qube's default one. In dom0 only */
	const char *input;   /* borrowed; at most SERVICE_INPUT_MAX bytes; NULL: none */
	size_t max;          /* bytes of stdout that are taken; one more is read, and then no more */

	/*
	 * 0: it ended with status. -EFBIG: it printed more than max bytes, max + 1 of them are in out; -ETIMEDOUT;
	 * -E2BIG: the input is too long; others: the program could not be started.
	 */
	int result;
	int status;      /* as the shell counts it */
	struct buf out;  /* what came on stdout */
	struct buf said; /* the beginning of what came on stderr */
};

void service_call_release(struct service_call *s);
#define CLEANUP_SERVICE CLEANUP(service_call_release)

/*
 * Makes all n calls, some dozens at once, and fills the result of each in place. timeout_ns is for each of them; when
 * QVM_TIMEOUT is set it is that instead. Nothing is started: a qube that is halted may be, by qrexec.
 */
void services_run(struct ctx *c, struct service_call *calls, size_t n, uint64_t timeout_ns);
/* The seconds that services_run() waits, as text; the caller frees. */
char *service_patience(const struct ctx *c, uint64_t timeout_ns);
/* What went wrong, in one line: the first of what it said, or its status. The caller frees. */
char *service_why(const struct ctx *c, const struct service_call *s, uint64_t timeout_ns);
