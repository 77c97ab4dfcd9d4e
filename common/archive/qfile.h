/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream in which files go from qube to qube: its parts, and the rules for names (backup-policy-clock 7). */
#pragma once

#include "base/attr.h"
#include "base/buf.h"

/* In front of each entry, little-endian on the wire; all zeros at the end of the stream. */
struct qfile_header {
	uint32_t namelen; /* with the NUL */
	uint32_t mode;
	uint64_t filelen;
	uint32_t atime, atime_nsec, mtime, mtime_nsec;
};

#define QFILE_NAME_MAX 16383        /* with the NUL */
#define QFILE_LINK_MAX 16383        /* target of a symbolic link */
#define QFILE_ENDED_EARLY 31415926u /* code of a result: the stream ended within an entry */

/* From the wire and to it; the same in both directions. */
void qfile_header_swap(struct qfile_header *h);

/* What the receiver says in the end. */
struct qfile_result {
	uint32_t code;   /* 0, an errno, or QFILE_ENDED_EARLY */
	uint32_t crc;    /* CRC-32 of all bytes of the stream */
	struct buf name; /* the last entry; any bytes */
};
#define QFILE_RESULT_SIZE 16 /* without the name, and its length */

/* Appends it as it goes over the wire. */
void qfile_result_encode(struct buf *b, const struct qfile_result *r);
/* Reads one of at least QFILE_RESULT_SIZE bytes; older receivers say no name. */
void qfile_result_decode(struct qfile_result *ret, const void *p, size_t n);

/* CRC-32 of what came before, and n more bytes; begins with 0. */
uint32_t qfile_crc(uint32_t crc, const void *p, size_t n);

/*
 * 0, or EILSEQ: the name of an entry is relative, and no component is empty, "." or ".."; unless any names are allowed
 * it is valid UTF-8 of characters that can be shown.
 */
int qfile_check_name(const char *name, bool any_name);
/* 0, EILSEQ or ENOLINK: the target of a link called name stays in the topmost directory of the transfer. */
int qfile_check_link(const char *name, const char *target, bool any_name);
