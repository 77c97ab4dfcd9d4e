/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel to the keys of one qube, whatever carries it: QubesDB (qubesdb.h) or XenStore. Keys have their logical
 * names in both directions. What comes from the other side is checked by whoever implements this: names are bounded
 * and of the characters of vm-interface 1, values are bounded; the bytes of values are as hostile as the qube.
 *
 * Calls block, with a limit on silence, unless they say otherwise. After an error other than -ENOENT, -EINVAL,
 * -EPERM, -E2BIG, -ENOSPC (a quota) and -ENAMETOOLONG the channel is of no further use and is to be closed.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "vmif/keys.h"

#define CHANNEL_KEYS_MAX 65536 /* keys that a dump may hold before it is refused with -EOVERFLOW */

struct channel;

struct channel_ops {
	enum key_store store;

	/* Adds the value to ret. -ENOENT: there is no such key. */
	int (*read)(struct channel *c, const char *key, struct buf *ret, struct err *err);
	int (*write)(struct channel *c, const char *key, const void *value, size_t len, struct err *err);
	/* One key, or with a final "/" everything below it. -ENOENT: nothing was there. */
	int (*rm)(struct channel *c, const char *key, struct err *err);
	/* Names of all keys that begin with prefix ("" is all; end it with "/" for what is below), sorted. */
	int (*list)(struct channel *c, const char *prefix, struct strv *ret, struct err *err);

	/* The same with values, in two halves so that many channels can be asked at once: begin sends what can be
	 * sent, step takes what is there without waiting. 1: done, ret is settled; 0: call again when fd is
	 * readable. */
	int (*dump_begin)(struct channel *c, const char *prefix, struct err *err);
	int (*dump_step)(struct channel *c, struct key_values *ret, struct err *err);

	/* Events for a key, or with a final "/" for everything below it; "" is everything. None at registration. */
	int (*watch)(struct channel *c, const char *key, struct err *err);
	int (*unwatch)(struct channel *c, const char *key, struct err *err);
	/* The next event without waiting: 1 and the name of what changed (caller frees; a final "/" means that all
	 * below it is gone), 0: none there, call again when fd is readable. Events that come between other calls
	 * are kept. */
	int (*event)(struct channel *c, char **ret_key, struct err *err);

	/* Writes and removals between them appear at once or not at all; -EAGAIN from commit: others were in between,
	 * do it all again. Both NULL: the channel has no transactions. */
	int (*begin)(struct channel *c, struct err *err);
	int (*commit)(struct channel *c, struct err *err);

	int (*fd)(const struct channel *c); /* to poll for reading */
	void (*close)(struct channel *c);
};

/* The head of each implementation. */
struct channel {
	const struct channel_ops *ops;
};

/* begin and step until it is done. */
int channel_dump(struct channel *c, const char *prefix, struct key_values *ret, struct err *err);
/* Waits so long for an event: 1, or 0 when the time is over (timeout_ms < 0: never). */
int channel_wait(struct channel *c, char **ret_key, int timeout_ms, struct err *err);
/* NULL is accepted. */
void channel_close(struct channel *c);
static inline void channel_closep(struct channel **c)
{
	channel_close(*c);
}
#define CLEANUP_CHANNEL CLEANUP(channel_closep)
