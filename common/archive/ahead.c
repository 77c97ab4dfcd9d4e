/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of the outer archive, read ahead. */
#include "archive/ahead.h"

#include <errno.h>

#include "archive/container.h"
#include "archive/openssl.h"
#include "base/mem.h"

#define PIECE (256u << 10)
#define HMAC_MAX 4096u /* bytes; 2.13 */

void member_free(struct member *m)
{
	if (!m)
		return;
	free(m->name);
	wipe_free(m->passphrase);
	free(m->digest);
	spool_release(&m->spool);
	spool_release(&m->hmac);
	err_release(&m->err);
	free(m);
}

void ahead_release(struct ahead *a)
{
	while (a->first) {
		struct member *m = a->first;

		a->first = m->next;
		member_free(m);
	}
	err_release(&a->end_err);
	outer_release(&a->outer);
}

/* The caller may have enough of it, also of what will only be passed over. */
static int report(const struct ahead *a, uint64_t more, struct err *err)
{
	if (a->progress && a->progress(a->progress_data, a->outer.position + more) != 0)
		return err_set(err, -ECANCELED, "", "cancelled");
	return 0;
}

int ahead_read_raw(struct ahead *a, struct spool *ret, size_t max, struct err *err)
{
	CLEANUP_FREE char *piece = xmalloc(PIECE);
	size_t at = 0;
	int r;

	if (a->outer.size > max)
		return err_set(err, -EBADMSG, "", "%s: longer than %zu bytes", a->outer.name, max);
	r = spool_init(ret, (size_t)a->outer.size, a->spool_dir, err);
	while (r == 0 && at < ret->size) {
		ssize_t n = outer_read(&a->outer, piece, PIECE, err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		r = spool_put(ret, at, piece, (size_t)n, err);
		at += (size_t)n;
		if (r == 0)
			r = report(a, 0, err);
	}
	return r;
}

/* ---- one member ---- */

static void open_member(struct pool_task *t)
{
	struct member *m = (struct member *)t;

	if (m->status < 0)
		return;
	if (m->digest) {
		m->plain = m->spool.data;
		m->n = m->len;
		m->status = openssl_hmac_check(m->digest, m->passphrase, m->plain, m->n, (const char *)m->hmac.data,
					       m->hmac.size, &m->err);
		return;
	}
	m->status = container_open(m->spool.data, m->len, &m->params, m->passphrase, &m->plain, &m->err);
	m->n = m->len - CONTAINER_OVERHEAD;
}

/* Format 3: the member that follows. When it is another one, that stays the next. */
static int read_hmac(struct ahead *a, struct member *m, struct err *err)
{
	CLEANUP_FREE char *name = xasprintf("%s.hmac", m->name);
	int r = outer_next(&a->outer, err);

	if (r < 0)
		return r;
	a->at_member = r > 0 && !streq(a->outer.name, name);
	m->digest = xstrdup(a->digest);
	m->passphrase = xstrndup(a->passphrase, strcspn(a->passphrase, "\r\n"));
	if (r > 0 && !a->at_member)
		return ahead_read_raw(a, &m->hmac, HMAC_MAX, err);
	m->status = err_set(&m->err, -EBADMSG, "", "its HMAC is missing");
	if (r == 0)
		a->ended = true;
	return 0;
}

/* A member that cannot be a container has its verdict already; it passes through the pool like others. */
static void prepare(struct ahead *a, struct member *m)
{
	m->passphrase = container_passphrase(a->backup_id, m->name, a->passphrase);
	if (m->len < CONTAINER_OVERHEAD)
		m->status = err_set(&m->err, -EBADMSG, "", "too short for a scrypt container");
	else
		m->status = scrypt_head_parse(&m->params, m->spool.data, a->logn_max, a->key_memory_max, &m->err);
	if (m->status == 0)
		m->task.memory = scrypt_memory(&m->params);
}

static int read_member(struct ahead *a, struct err *err)
{
	struct member *m = xcalloc(1, sizeof *m);
	int r;

	m->spool.fd = m->hmac.fd = -1;
	m->task.run = open_member;
	m->name = xstrdup(a->outer.name);
	m->len = (size_t)a->outer.size;
	a->at_member = false;
	r = ahead_read_raw(a, &m->spool, OUTER_MEMBER_MAX, err);
	if (r == 0 && a->digest)
		r = read_hmac(a, m, err);
	else if (r == 0)
		prepare(a, m);
	if (r < 0) {
		member_free(m);
		return r;
	}
	if (!a->first)
		a->end = &a->first;
	*a->end = m;
	a->end = &m->next;
	a->n++;
	pool_add(a->pool, &m->task);
	return 0;
}

/* ---- in a row ---- */

/* Reads one more member, or finds that there is none to be read now: 0. */
static int read_one(struct ahead *a, struct err *err)
{
	int r = 1;

	if (!a->at_member) {
		r = outer_next(&a->outer, err);
		if (r <= 0) {
			a->ended = true;
			return r;
		}
		a->at_member = true;
	}
	switch (a->want(a->want_data, a->outer.name)) {
	case WANT_LATER:
		return 0;
	case WANT_NOT:
		a->at_member = false;
		r = report(a, a->outer.size, err);
		break;
	case WANT:
		r = read_member(a, err);
		break;
	}
	return r < 0 ? r : 1;
}

static void fill(struct ahead *a)
{
	int r = 1;

	while (r > 0 && !a->ended && a->n < pool_jobs(a->pool))
		r = read_one(a, &a->end_err);
	if (r < 0) {
		a->ended = true;
		a->end_status = r;
	}
}

int ahead_peek(struct ahead *a, const char **ret_name, struct err *err)
{
	fill(a);
	if (a->first) {
		*ret_name = a->first->name;
		return 1;
	}
	if (a->ended && a->end_status < 0)
		return err_set(err, a->end_status, "", "%s", a->end_err.text ? a->end_err.text : "cut off");
	return 0;
}

struct member *ahead_take(struct ahead *a)
{
	struct member *m = a->first;

	a->first = m->next;
	m->next = NULL;
	a->n--;
	fill(a); /* before this one is waited for */
	pool_wait(a->pool, &m->task);
	return m;
}
