/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that talks to xenstored: calls of libxenstore wait, and the daemon must not. It writes what it is given,
 * a job at a time, and watches the keys by which qubes tell something. For xenstore.c.
 */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/strv.h"
#include "vmif/keys.h"

enum xen_op_kind {
	XEN_MAKE,   /* a domain, with nothing but its number and name in it; it may read what is there */
	XEN_WRITE,
	XEN_REMOVE, /* a final "/": what is below; that nothing is there is no error */
	XEN_PERMIT, /* who may read it, of a key that is there; otherwise nothing */
	XEN_UNMAKE, /* a domain and all that it has */
};

struct xen_op {
	enum xen_op_kind kind;
	int64_t domid;
	char *key;   /* of MAKE: the name of the qube */
	char *value;
	size_t len;
	bool owned;  /* belongs to the domain, and so does what will be below */
	int64_t *readers; /* other domains that may read what is owned */
	size_t n_readers;
};

/* Some of what a job does; strings of ops and the array belong to the job once it was handed over. */
struct xen_job {
	struct xen_op *ops;
	size_t n;
};
void xen_job_release(struct xen_job *j);

/* What a domain has written: the value of a watched key (NULL: it is gone) and, when it ends with "/" in the list of
 * those to watch, what is below it, by its whole name. */
struct xen_heard {
	struct xen_heard *next;
	int64_t domid;
	char *key;
	char *value;
	size_t len;
	struct key_values below;
};
void xen_heard_free(struct xen_heard *h);

struct xen_worker;

/*
 * Connects and starts. watch: keys to watch in every domain, "NAME" or "NAME/". async is sent when something was heard,
 * or the connection is lost; until xen_worker_stop().
 */
int xen_worker_start(const struct strv *watch, uv_async_t *async, struct xen_worker **ret, struct err *err);

/* Does the job in one transaction and waits for it, but not for long: -ETIMEDOUT then, and the connection is lost.
 * -ENOTCONN: it was before. Takes over what j holds. */
int xen_worker_do(struct xen_worker *w, struct xen_job *j, struct err *err);

/* The oldest thing heard, or NULL. A key that a domain writes again before it was asked for counts once. */
struct xen_heard *xen_worker_heard(struct xen_worker *w);
/* Once after the connection was lost: why. The caller frees; else NULL. */
char *xen_worker_lost(struct xen_worker *w);

/* Ends it. A thread that xenstored keeps waiting ends with the process. */
void xen_worker_stop(struct xen_worker *w);
