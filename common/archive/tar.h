/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tar, as far as a backup has it (backup-policy-clock 2.2, 2.9): the outer archive and the inner ones of one file.
 * Not libarchive's: that does not tell whether the end of an archive was there, which verification has to prove, and
 * cannot write the sparse flavour of 2.9. Directory trees are libarchive's (tree.h).
 */
#pragma once

#include "archive/source.h"
#include "base/attr.h"
#include "base/err.h"

#define TAR_BLOCK 512u
#define TAR_END ((size_t)1024) /* the zeros behind the last member: two blocks */
#define TAR_RECORD 10240u

struct tar_extent {
	uint64_t offset, len; /* in the expanded file */
};

struct tar_member {
	char *name;
	char type;             /* '0' for regular files of every flavour */
	uint64_t size;         /* expanded */
	uint64_t mode, mtime;  /* permissions, seconds; 0 where the header has no such number */
	struct tar_extent *map; /* what of it is stored, in order; one extent when it is not sparse */
	size_t n_map, cap_map;
};

void tar_member_release(struct tar_member *m);
/* A regular file of which every byte is stored, as the members of an outer archive are. */
bool tar_member_is_plain(const struct tar_member *m);
#define CLEANUP_TAR_MEMBER CLEANUP(tar_member_release)

/* ---- reading ---- */

struct tar_reader {
	struct source *src;   /* borrowed */
	uint64_t left;        /* stored bytes of the present member that were not read yet */
	unsigned padding;     /* bytes behind them */
	size_t extent;        /* the present one */
	uint64_t done;        /* bytes of it that were read */
	uint64_t zeros;       /* bytes of zeros since the last member and its padding */
	uint64_t lent;        /* bytes of zeros that were taken for the padding of a sparse member */
	bool sparse;          /* the present member */
};

/*
 * The next member; what is left of the one before is passed over. Zero blocks in between are passed over too, as by
 * `tar -i`. 1, 0 at the end of the source, -EBADMSG for what is no tar archive or ends within a member. Extents come
 * ascending, inside the size, and are together as long as what is stored.
 */
int tar_next(struct tar_reader *t, struct tar_member *ret, struct err *err);
/* After tar_next said 0: the mark at the end of the archive, two zero blocks, was there. */
static inline bool tar_has_end(const struct tar_reader *t)
{
	return t->zeros >= TAR_END;
}
/* A piece of the member and where in the expanded file it belongs. Its length; 0 when all was read. */
ssize_t tar_read(struct tar_reader *t, const struct tar_member *m, uint64_t *ret_offset, void *p, size_t n,
		 struct err *err);

/* ---- writing ---- */

/* The header of a regular file, type '0'. -EINVAL when the name cannot be written in 100 characters. */
int tar_add_file(struct buf *b, const char *name, uint64_t size, struct err *err);
/* Headers and map of a sparse file, byte for byte as 2.9; the extents' data follow. */
int tar_add_sparse(struct buf *b, const char *name, uint64_t size, const struct tar_extent *map, size_t n,
		   struct err *err);
/* Zeros that bring a number of bytes to a multiple of unit. */
static inline size_t tar_padding(uint64_t bytes, size_t unit)
{
	return (unit - bytes % unit) % unit;
}
void tar_add_zeros(struct buf *b, size_t n);
