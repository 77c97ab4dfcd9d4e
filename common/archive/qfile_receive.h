/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacking a qfile stream below one directory, whoever sent it (backup-policy-clock 7.3). */
#pragma once

#include "archive/qfile.h"
#include "archive/source.h"

struct qfile_receive_options {
	bool any_name;     /* names that cannot be shown too */
	bool unsafe_links; /* links that lead anywhere too */
	bool only_files;   /* neither directories nor links */
	uint64_t max_bytes, max_files; /* of the whole stream; 0: no limit */
	uint64_t keep_free; /* wait, before each file, until so many bytes are free behind it; 0: do not */
	/* An entry is whole; its name may hold what a terminal would act on. May be NULL. */
	void (*finished)(void *data, const char *name);
	void *data;
};

/*
 * Reads the stream to its end, or to what is wrong with it, and makes what it says below the directory dir (borrowed).
 * Nothing is made, changed or followed outside of it, and no existing file is touched; a file that is not whole is
 * removed. The result is for the sender; its name is the caller's to release.
 */
void qfile_receive(struct source *in, int dir, const struct qfile_receive_options *o, struct qfile_result *ret);
