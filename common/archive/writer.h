/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a backup, format 4 (backup-policy-clock 2): inner tar, filter program, chunks, scrypt containers, outer
 * tar. The calls block; keys are derived and chunks encrypted by threads of their own, `jobs` at once, while the next
 * one is compressed, and go out in order. Memory: the KDF's (128 r N for each job) and jobs + 1 chunks.
 */
#pragma once

#include "archive/qubesxml.h"
#include "base/attr.h"
#include "base/err.h"

#define ARCHIVE_LOGN 20              /* 1 GiB and some seconds for each member */
#define ARCHIVE_CHUNK (100u << 20)   /* bytes of compressed stream in a member */
#define ARCHIVE_PASSPHRASE_MAX 1024

struct archive_write_options {
	const char *passphrase; /* see archive_passphrase_check */
	const char *backup_id;  /* NULL: time and process id, as in 2.3 */
	const char *filter;     /* a program; NULL: no compression */
	unsigned logn;          /* work factor; 0: ARCHIVE_LOGN */
	unsigned jobs;          /* 0: as many as there are processors */
	uint64_t memory;        /* bytes that jobs may use together (one may always run); 0: half of the machine's */
	uint64_t chunk;         /* bytes; 0: ARCHIVE_CHUNK. For tests */
	/*
	 * May be NULL. Called from time to time with the number of compressed bytes so far (2.14, 1.9); another
	 * result than 0 ends the call at work with -ECANCELED.
	 */
	int (*progress)(void *data, uint64_t bytes);
	void *progress_data;
};

/* -EINVAL for what the scrypt program could not be given (2.4): control characters, more than 1024 bytes. */
int archive_passphrase_check(const char *passphrase, struct err *err);

struct archive_writer;

/*
 * Begins: backup-header, its check, qubes.xml. fd (borrowed) need not be seekable; where it does not block, progress
 * is called while it is waited for. qubes is borrowed until the writer
 * is freed: of each included qube it has to name the files with their sizes, and exactly these have to follow, in
 * that order. -EINVAL for names that 2.13 forbids, a filter that is not installed (any that filter_check accepts as
 * forced may be used; readers may want to be told of it), a passphrase.
 */
int archive_writer_new(struct archive_writer **ret, int fd, const struct archive_write_options *opts,
		       const struct backup_qubes *qubes, struct err *err);
void archive_writer_free(struct archive_writer *w); /* NULL accepted; what was not finished stays cut off */
static inline void archive_writer_freep(struct archive_writer **w)
{
	archive_writer_free(*w);
}
#define CLEANUP_ARCHIVE_WRITER CLEANUP(archive_writer_freep)

/*
 * The next file of the archive. path is the qube's path and the file's name, "vm7/private.img". The errors name it.
 * -EINVAL when another one, or another size, was announced.
 */
/* An image (regular file or block device); holes and blocks of zeros are left out. */
int archive_writer_volume(struct archive_writer *w, const char *path, int fd, struct err *err);
/* A small file. */
int archive_writer_data(struct archive_writer *w, const char *path, const void *p, size_t n, struct err *err);
/* A directory with everything below it (dom0's home); its size is not compared. Sockets and devices are left out. */
int archive_writer_tree(struct archive_writer *w, const char *path, const char *dir, struct err *err);

/* The end. 0: everything that was announced is written to fd; fsync is the caller's. */
int archive_writer_finish(struct archive_writer *w, struct err *err);
