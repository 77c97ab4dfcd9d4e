/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sending end of a qfile stream: entry by entry, and then what came of it (backup-policy-clock 7). */
#pragma once

#include <signal.h>

#include "archive/qfile.h"
#include "archive/source.h"
#include "base/err.h"

struct qfile_stream {
	/* Bytes of files so far; called now and then. May be NULL; set by the caller after the begin. */
	void (*progress)(void *data, uint64_t bytes);
	void *data;
	/* Of the stream: */
	int *to, from; /* borrowed */
	uint32_t crc;
	uint64_t bytes;    /* of files, for progress */
	struct buf out;    /* not sent yet */
	struct buf result; /* what has come of it */
	bool ended;        /* there is no more of the result */
	struct sigaction before; /* of SIGPIPE, which is ignored meanwhile */
};

/*
 * Entries go to the descriptor *to, whose other end is a pipe or socket that nobody else writes to and which is closed
 * in the end; the receiver's result comes from `from`. Each begin has its qfile_stream_end.
 */
void qfile_stream_begin(struct qfile_stream *s, int *to, int from);

/*
 * Each of these: 0, or a negative errno; without err (where there is one) it is the receiver who takes no more, and
 * says why at the end.
 */

/* The header (namelen is set here) and name of an entry; its filelen bytes follow. */
int qfile_stream_entry(struct qfile_stream *s, const char *name, const struct qfile_header *h);
int qfile_stream_put(struct qfile_stream *s, const void *p, size_t n);
/* Just so many bytes of a source, which err calls `what` when it has fewer. */
int qfile_stream_copy(struct qfile_stream *s, struct source *in, uint64_t left, const char *what, struct err *err);

/*
 * r and why: how the entries went. 0: all has arrived. Else -errno with err, whose text is for people (7.3): what is in
 * why, or what the receiver says (-EDQUOT: it has enough); -EPIPE with an empty text: it ended without a result.
 */
int qfile_stream_end(struct qfile_stream *s, int r, struct err *why, struct err *err);
