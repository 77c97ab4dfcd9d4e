/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and verifying a backup, formats 4 and 3 (backup-policy-clock 2): one pass over a stream. Keys are derived
 * and members decrypted by threads of their own, `jobs` at once; the callbacks come from the caller's thread, in the
 * order of the archive. No byte of a member gets to filter, tar or callback before all of it is authenticated.
 */
#pragma once

#include "archive/header.h"
#include "archive/qubesxml.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

enum archive_form {
	ARCHIVE_TAR,   /* a file, or what a command says */
	ARCHIVE_QFILE, /* what the service qubes.Restore says (4.2); it waits for archive_reader_result */
};

struct archive_read_options {
	enum archive_form form;
	const char *passphrase;    /* up to its first CR or LF */
	const char *forced_filter; /* NULL: the header's */
	unsigned jobs;             /* 0: as many as there are processors */
	uint64_t memory;           /* bytes for keys at once (one may always be derived); 0: half of the machine's */
	unsigned logn_max;         /* largest work factor; 0: 26 */
	uint64_t key_memory_max;   /* an archive whose keys need more bytes is refused; 0: what the machine has */
	const char *spool_dir;     /* for members over 128 MiB, unlinked files; NULL: $TMPDIR or /var/tmp */
	const char *tree_dir;      /* an existing, empty directory into which dom0's home is unpacked when begin says
				      1; NULL: its tar stream goes to piece */
	/* May be NULL. Called with the number of bytes read so far; another result than 0: -ECANCELED. */
	int (*progress)(void *data, uint64_t bytes);
	void *progress_data;
};

struct archive_reader;

/*
 * Reads from fd (borrowed) up to the first file of a qube: the header and its check, qubes.xml. Then the caller has
 * all the time to make a plan. -EACCES: wrong passphrase; -EBADMSG: damaged or no backup, with the member's name;
 * -ENOTSUP: format 1 or 2 (2.12); -E2BIG: the key asks for more memory than there is; -EINVAL: the filter (2.8).
 */
int archive_reader_open(struct archive_reader **ret, int fd, const struct archive_read_options *opts,
			struct err *err);
void archive_reader_free(struct archive_reader *r); /* NULL accepted */
static inline void archive_reader_freep(struct archive_reader **r)
{
	archive_reader_free(*r);
}
#define CLEANUP_ARCHIVE_READER CLEANUP(archive_reader_freep)

/* Borrowed from the reader. */
const struct backup_header *archive_reader_header(const struct archive_reader *r);
const struct backup_qubes *archive_reader_qubes(const struct archive_reader *r);

/* ---- the files ---- */

enum archive_kind {
	ARCHIVE_VOLUME, /* NAME.img */
	ARCHIVE_FILE,   /* firewall.xml, notes.txt, ... */
	ARCHIVE_TREE,   /* dom0's home: its content is a tar stream */
};

struct archive_file {
	const struct backup_qube *qube;
	const char *path;  /* "vm7/private.img" */
	const char *name;  /* the part behind the qube's path: "private.img" */
	enum archive_kind kind;
	uint64_t size;     /* expanded; 0 of a tree, whose end is where it ends */
};

struct archive_sink {
	/* A file begins. 1: give me its content; 0: only check it; negative: the whole run ends with that. */
	int (*begin)(void *data, const struct archive_file *f, struct err *err);
	/* A piece of it. Offsets ascend; what is left out, at the end too, is zeros. Negative: as above. */
	int (*piece)(void *data, uint64_t offset, const void *p, size_t n, struct err *err);
	/*
	 * It is over. why is NULL when the file is whole: all of it came, authenticated, of the size it said. Else
	 * what came must not be used. Called for every file whose begin said 1, also when the run ends early.
	 */
	int (*end)(void *data, const struct archive_file *f, const char *why, struct err *err);
	void *data;
};

/*
 * The rest of the archive. qubes: names of those whose data are wanted, NULL for all; the members of others are passed
 * over. sink may be NULL: everything is checked and thrown away. 0: all wanted qubes are whole and the archive ends
 * where it should; -EBADMSG: not so, see the verdicts; other codes (with err): the run was ended. Once only.
 */
int archive_reader_run(struct archive_reader *r, const struct strv *qubes, const struct archive_sink *sink,
		       struct err *err);

/* After archive_reader_run: one for each wanted qube that is in the backup, in the order of qubes.xml. */
struct archive_verdict {
	const struct backup_qube *qube;
	struct strv problems; /* each begins with the name of the member; none: whole */
	unsigned files;       /* whole ones */
	uint64_t bytes;       /* of whole files, expanded */
};
const struct archive_verdict *archive_reader_verdicts(const struct archive_reader *r, size_t *ret_n);
/*
 * Adds what the sender of a qfile waits for before it ends (7.2): code 0, or an errno when its data are not wanted;
 * EDQUOT is no error to it. Sent by the caller, who has the other direction.
 */
void archive_reader_result(const struct archive_reader *r, uint32_t code, struct buf *ret);
/* What is wrong with no qube in particular: members that nobody announced, an end that is missing. */
const struct strv *archive_reader_problems(const struct archive_reader *r);
