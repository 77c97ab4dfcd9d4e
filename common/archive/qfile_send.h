/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending files and directory trees as a qfile stream (backup-policy-clock 7). */
#pragma once

#include "archive/qfile.h"
#include "base/err.h"
#include "base/strv.h"

/* What is to be sent, as found by a look at the trees. */
struct qfile_survey {
	uint64_t bytes;      /* of all files */
	uint64_t entries;
	uint64_t left_out;   /* what is no file, directory or link, and links that are to be left out */
	bool any_name;       /* a name that cannot be shown is among them */
};

/*
 * Looks at all that paths (without slashes at their ends) lead to; skip_links: links are left out. -errno with err
 * for what cannot be read, and for a link that no receiver takes.
 */
int qfile_look(const struct strv *paths, bool skip_links, struct qfile_survey *ret, struct err *err);

struct qfile_send_options {
	bool skip_links;
	/* Bytes of files so far; called now and then. May be NULL. */
	void (*progress)(void *data, uint64_t bytes);
	void *data;
};

/*
 * Sends them, each under its last component, to the descriptor `to`, whose other end is a pipe or socket that nobody
 * else writes to and which is closed in the end; the receiver's result comes from `from`. 0: all has arrived. Else
 * -errno with err, whose text is for people (7.3); -EPIPE with an empty text: the receiver ended without a result.
 */
int qfile_send(int *to, int from, const struct strv *paths, const struct qfile_send_options *o, struct err *err);
