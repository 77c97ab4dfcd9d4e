/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The outer archive as a row of members, whether it comes as tar or as qfile (backup-policy-clock 2.2, 4.2, 7). */
#pragma once

#include "archive/source.h"
#include "archive/tar.h"
#include "base/attr.h"
#include "base/err.h"

#define OUTER_MEMBER_MAX (1u << 30) /* bytes */

/* Names as 2.13 allows them: relative, [A-Za-z0-9._/-], no empty, "." or ".." part, at most 255 bytes. */
bool outer_name_is_valid(const char *name);

struct outer {
	bool qfile;
	struct fd_stream in;
	struct source raw;    /* of in */
	struct source source; /* the same, counted */
	uint64_t position;    /* bytes read so far */
	struct tar_reader tar;
	struct tar_member member;
	char *name;           /* of the present member; NULL before the first and behind the last */
	uint64_t size;        /* its bytes */
	/* Of a qfile: */
	uint64_t left;        /* bytes of the present member that were not read */
	uint32_t crc;         /* of all that was read so far, for the result */
	char *last;           /* name of the last entry that began */
};

/* fd is borrowed. The struct must not move. */
void outer_init(struct outer *o, int fd, bool qfile);
void outer_release(struct outer *o);
/*
 * Goes to the next member: 1, 0 at the end, -EBADMSG for a damaged archive or a member that 2.13 forbids: no regular
 * file, such a name, more than 1 GiB. At the end the mark that has to be there was seen, or it is -EBADMSG too.
 */
int outer_next(struct outer *o, struct err *err);
/* What a qfile's sender waits for: how it went (0 or an errno), the checksum, the last name (7.2). */
void outer_qfile_result(const struct outer *o, uint32_t code, struct buf *ret);
/* At most n bytes of the present member; 0 when all were read; -EBADMSG when it is cut off. */
ssize_t outer_read(struct outer *o, void *p, size_t n, struct err *err);
