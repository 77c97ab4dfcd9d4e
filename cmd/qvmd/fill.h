/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs that give a volume another content: a new file in a thread, the switch to it in the loop. */
#pragma once

#include "qvmd/job.h"
#include "qvmd/storage.h"

struct fill {
	struct job job;          /* first */
	struct req *req;         /* held; answered by end */
	char uuid[37];           /* whose volume: it may be gone when the thread has ended */
	enum volume_id id;
	int root;
	char *path;
	struct content content;  /* what the volume will hold */
	bool is_made;            /* the file is there already, of another's making */
	/* In the thread: fills the file, and syncs it. 0, or negative errno with err. */
	int (*write)(struct fill *f, int fd, struct err *err);
	/* In the loop: events and the answer. v has the new content; or (err) the old one, or is NULL. */
	void (*end)(struct fill *f, struct volume *v, const struct err *err);
	/* In the loop: frees what belongs to the kind of job, f included. */
	void (*release)(struct fill *f);
};

/* Readies f, which is zeroed but for write, end and release, for a content of this size; the volume is busy from now
 * on with what ("an import"). */
void fill_init(struct fill *f, struct req *r, struct volume *v, uint64_t size, const char *what);
/* Behind fill_init: it is not a new file, but that of this generation. */
void fill_use(struct fill *f, struct volume *v, const struct content *c);
void fill_start(struct fill *f, struct sys *s);
