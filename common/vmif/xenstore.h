/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XenStore through libxenstore (vm-interface 2): a connection with paths, and on top of it the keys of one qube as a
 * channel. Calls wait for xenstored as long as it takes: libxenstore knows no limit. A connection belongs to one
 * thread at a time.
 *
 * Errors: -ENOENT, -EINVAL (a path that cannot be), -EPERM, -E2BIG (longer than a message), -ENOSPC (a quota of the
 * qube that we are); anything else means that the connection is of no further use.
 */
#pragma once

#include "base/buf.h"
#include "base/strv.h"
#include "vmif/channel.h"

struct xenstore;

/*
 * Where libxenstore looks: XENSTORED_PATH, else XENSTORED_RUNDIR/socket, else the system's. -ENOENT, -ECONNREFUSED:
 * nobody serves it; -EOPNOTSUPP: this program was built without libxenstore.
 */
int xenstore_open(struct xenstore **ret, struct err *err);
/* NULL is accepted. */
void xenstore_close(struct xenstore *x);
static inline void xenstore_closep(struct xenstore **x)
{
	xenstore_close(*x);
}
#define CLEANUP_XENSTORE CLEANUP(xenstore_closep)

/* ---- nodes; a path without a slash in front is below our own domain's ---- */

/* Adds the value to ret. */
int xenstore_read(struct xenstore *x, const char *path, struct buf *ret, struct err *err);
/* Makes what is missing above, too. */
int xenstore_write(struct xenstore *x, const char *path, const void *value, size_t len, struct err *err);
/* With all below. -ENOENT when it, or what it would be in, is not there. */
int xenstore_rm(struct xenstore *x, const char *path, struct err *err);
/* Names without the path in front, in the order in which they were made. */
int xenstore_children(struct xenstore *x, const char *path, struct strv *ret, struct err *err);
/* owner may do all, the readers may read; others may nothing. What is made below gets the same. */
int xenstore_permit(struct xenstore *x, const char *path, int64_t owner, const int64_t *readers, size_t n,
		    struct err *err);

/*
 * All nodes below root whose path behind root begins with prefix, by that path. A node is left out that has children
 * and no value, unless the table of keys has it: it is there because of its children. Nothing there: nothing is added.
 * More than max nodes, or 16 MiB: -EOVERFLOW.
 */
int xenstore_dump(struct xenstore *x, const char *root, const char *prefix, size_t max, struct key_values *ret,
		  struct err *err);

/* ---- transactions: one at a time; reading and writing is in it ---- */

int xenstore_begin(struct xenstore *x, struct err *err);
/* -EAGAIN: somebody else changed what this one has seen. Ended in any case. */
int xenstore_commit(struct xenstore *x, struct err *err);
/* Nothing happens of what was done in it; without one nothing at all. */
void xenstore_abort(struct xenstore *x);
/* Runs work in a transaction, again as often as somebody else interferes, within reason. 0 or what went wrong. */
int xenstore_transact(struct xenstore *x, int (*work)(struct xenstore *x, void *data, struct err *err), void *data,
		      struct err *err);

/* ---- watches ---- */

/* An event at once, then at each change of the node or of what is below. Asking twice is no error. */
int xenstore_watch(struct xenstore *x, const char *path, const char *token, struct err *err);
int xenstore_unwatch(struct xenstore *x, const char *path, const char *token, struct err *err);
/* Without waiting: 1 and both strings, which the caller frees; 0: none now, wait for xenstore_fd(). */
int xenstore_event(struct xenstore *x, char **ret_path, char **ret_token, struct err *err);
int xenstore_fd(struct xenstore *x);

/* ---- domains; for dom0 ---- */

/* From now on the domain may connect, and is told of. */
int xenstore_introduce(struct xenstore *x, int64_t domid, struct err *err);
int xenstore_release(struct xenstore *x, int64_t domid, struct err *err);

/* ---- the keys of a qube ---- */

/*
 * A channel over a connection of its own, to the keys of a domain, or with -1 to the own ones of where we are. A key
 * that is removed takes with it what is below. dump_begin() does all of the work, and waits.
 */
int xenstore_channel_open(int64_t domid, struct channel **ret, struct err *err);
