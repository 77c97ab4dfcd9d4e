/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of the outer archive, read ahead: while one is used, the next ones are authenticated and decrypted by the
 * pool (in format 3, only authenticated). They come out in the order of the archive.
 */
#pragma once

#include "archive/outer.h"
#include "archive/pool.h"
#include "archive/scrypt.h"
#include "archive/spool.h"
#include "base/attr.h"
#include "base/err.h"

struct member {
	struct pool_task task; /* first */
	char *name;
	char *passphrase;
	struct spool spool;
	size_t len;            /* bytes in the spool */
	struct scrypt_params params;
	char *digest;          /* format 3: of the HMAC in the member that follows it; NULL in format 4 */
	struct spool hmac;
	const uint8_t *plain;  /* authenticated: valid when status is 0 */
	size_t n;
	int status;
	struct err err;
	struct member *next;
};

void member_free(struct member *m); /* NULL accepted */

enum want {
	WANT,      /* read and decrypt it */
	WANT_NOT,  /* pass over it */
	WANT_LATER /* leave it, and all behind it, where it is */
};

struct ahead {
	struct outer outer;
	struct pool *pool;       /* borrowed */
	const char *passphrase;  /* the user's; borrowed */
	const char *backup_id;   /* borrowed */
	const char *digest;      /* borrowed; format 3: each member has its HMAC in one that follows; else NULL */
	const char *spool_dir;
	unsigned logn_max;
	uint64_t key_memory_max;
	enum want (*want)(void *data, const char *name);
	void *want_data;
	int (*progress)(void *data, uint64_t bytes); /* may be NULL */
	void *progress_data;
	/* Its own: */
	bool at_member;          /* outer stands at one that was neither read nor passed over */
	bool ended;
	int end_status;          /* 0: the archive ended well */
	struct err end_err;
	struct member *first, **end;
	unsigned n;
};

/* pool is freed by the caller before this, for tasks use what is released here. */
void ahead_release(struct ahead *a);
/* The name of the next member that is wanted, borrowed until the next call. 1; 0 at the end, or at one for later. */
int ahead_peek(struct ahead *a, const char **ret_name, struct err *err);
/* After ahead_peek said 1: that member, with what became of it in its status. The caller frees. */
struct member *ahead_take(struct ahead *a);

/* Reads what is left of the outer archive's present member, at most max bytes. */
int ahead_read_raw(struct ahead *a, struct spool *ret, size_t max, struct err *err);
