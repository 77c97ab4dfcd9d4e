/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the reader share. */
#pragma once

#include "archive/ahead.h"
#include "archive/reader.h"

/* A wanted qube, and what became of its files. */
struct wanted {
	struct archive_verdict verdict; /* first */
	struct strv whole, failed;      /* paths */
};

struct archive_reader {
	struct archive_read_options opts; /* with copies of its texts */
	char *passphrase, *forced_filter, *spool_dir, *tree_dir;
	struct backup_header header;
	struct backup_qubes qubes;
	struct pool *pool;
	struct ahead ahead;
	struct archive_verdict *verdicts; /* copies of those in wanted, for the caller */
	struct wanted *wanted;
	size_t n_wanted;
	struct strv problems;
	const struct archive_sink *sink;  /* may be NULL */
	const char *suffix;               /* of chunks: ".enc", or "" in format 3 */
	int stopped;                      /* what ended the run: cancelled, or a callback */
};

/* FILE.NNN.enc, in format 3 FILE.NNN: the length of FILE and the number. False when it is no such name. */
bool chunk_name(const struct archive_reader *r, const char *member, size_t *ret_len, unsigned *ret_number);
/* The name of a chunk. The caller frees. */
char *chunk_of(const struct archive_reader *r, const char *path, unsigned number);

/*
 * Reads the file whose first chunk is the next member, to the end of its last, and adds it to those of w that are
 * whole. NULL when it is whole, else why not, beginning with the name of a member; the caller frees. w NULL: it is a
 * file that the reader itself needs, and all of it is added to `to`.
 */
char *reader_file(struct archive_reader *r, const char *path, struct wanted *w, struct buf *to, struct err *err);
