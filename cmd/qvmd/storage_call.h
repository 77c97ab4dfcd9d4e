/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the calls about pools and volumes share: whom they are about, and what stands in their payload. */
#pragma once

#include "qvmd/storage.h"

#define SAFE_SET "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/*
 * The volume of a call, and the rest of its payload. admin.vm.volume.*: the one that the argument names, the whole
 * payload. admin.pool.volume.*: the pool is the argument, the vid the payload's first word.
 */
struct target {
	struct volume *v;
	struct volume kernel; /* v may point here */
	char *vid;
	const char *rest; /* with a NUL behind; may hold NULs */
	size_t len;
};
/* False when the request was refused, and answered. */
bool target_find(struct req *r, struct target *t);
/* True when they refused the request, and answered it: because a job works on the volume, because its qube is not
 * halted, because it is no volume that keeps what is put into it. */
bool refuse_busy(struct req *r, const struct target *t);
bool refuse_running(struct req *r, const struct target *t);
bool refuse_fleeting(struct req *r, const struct target *t);
void target_release(struct target *t);
#define CLEANUP_TARGET CLEANUP(target_release)

/* The events at the ends of an import, and of a clearing. size: what was announced, -1: nothing (import.c). */
void import_began(struct volume *v, int64_t size);
void import_ended(struct volume *v, bool success);

/* The pool of the argument; NULL when the request was refused, and answered. */
struct pool *pool_of(struct req *r);

/* A number (admin-api 2.10.1); name begins the texts. negative: a minus may stand before it. 0, or -EINVAL. */
int payload_number(const char *name, const char *text, size_t len, bool negative, int64_t *ret, struct err *err);
/* Without white space at both ends. The caller frees; NULL when there is a NUL in it. */
char *payload_trimmed(const char *text, size_t len);
/* 1, 0, or -1 when it is no truth value (admin-api 2.10.2). */
int payload_bool(const char *text, size_t len);
