/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of many qubes, read together. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "qvm-vmconfig/check.h"
#include "vmif/qubesdb.h"
#include "vmif/xenstore.h"

#define PATIENCE_MS 10000 /* silence of all that owe an answer */
/* libxenstore waits for each answer: so many connections keep xenstored busy, and more make it no faster. */
#define READERS 4
#define QUBES_PER_READER 16 /* fewer are not worth another connection */

static int unreadable(struct ctx *c, struct subject *q, const struct err *err)
{
	CLEANUP_ERR struct err named = ERR_INIT;

	q->unreadable = true;
	channel_close(STEAL(q->qubesdb));
	err_set(&named, -EIO, err->type, "%s: %s", q->qube->name, err->text);
	return fail_err(c, &named, NULL, NULL);
}

/* ---- QubesDB ---- */

int read_begin(struct ctx *c, const struct settings *s, struct subject *v, size_t n)
{
	int status = STATUS_OK;

	for (size_t i = 0; s->use[KEY_QUBESDB] && i < n; i++) {
		CLEANUP_ERR struct err err = ERR_INIT;
		int r = qubesdb_open(v[i].qube->name, &v[i].qubesdb, &err);

		if (r == 0)
			r = v[i].qubesdb->ops->dump_begin(v[i].qubesdb, "", &err);
		if (r < 0)
			status = unreadable(c, &v[i], &err);
	}
	return status;
}

/* Takes what is there. */
static int step(struct ctx *c, struct subject *q)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int r = q->qubesdb->ops->dump_step(q->qubesdb, &q->have[KEY_QUBESDB], &err);

	if (r > 0)
		channel_close(STEAL(q->qubesdb));
	return r < 0 ? unreadable(c, q, &err) : STATUS_OK;
}

static int give_up(struct ctx *c, struct subject *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP_ERR struct err err = ERR_INIT;

		err_set(&err, -ETIMEDOUT, "", "qubesdb does not answer");
		if (v[i].qubesdb)
			unreadable(c, &v[i], &err);
	}
	return STATUS_FAILED;
}

static int read_qubesdb(struct ctx *c, struct subject *v, size_t n)
{
	CLEANUP_FREE struct pollfd *fds = xcalloc(n + 1, sizeof *fds);
	int status = STATUS_OK;

	for (;;) {
		size_t waiting = 0;

		for (size_t i = 0; i < n; i++) {
			int r = v[i].qubesdb ? step(c, &v[i]) : STATUS_OK;
			struct channel *ch = v[i].qubesdb;

			status = r ? r : status;
			waiting += ch != NULL;
			fds[i] = (struct pollfd){.fd = ch ? ch->ops->fd(ch) : -1, .events = POLLIN};
		}
		if (!waiting)
			return status;

		int ready = poll(fds, n, PATIENCE_MS);

		if (ready == 0 || (ready < 0 && errno != EINTR))
			return give_up(c, v, n);
	}
}

/* ---- XenStore ---- */

/* Qubes that are to be read; each reader takes the next one. */
struct shelf {
	const struct settings *s;
	struct subject *v;
	size_t n;
	atomic_size_t next;
	struct err *errs; /* of each qube that could not be read */
};

static void read_some(struct shelf *k, struct xenstore *x)
{
	for (size_t i; (i = atomic_fetch_add(&k->next, 1)) < k->n;) {
		struct subject *q = &k->v[i];
		CLEANUP_FREE char *root = xasprintf("/local/domain/%jd", (intmax_t)q->domid);
		struct key_values *have = &q->have[KEY_XENSTORE];

		if (q->domid < 0)
			continue;
		if (xenstore_dump(x, root, settings_prefix(k->s, KEY_XENSTORE), CHANNEL_KEYS_MAX, have,
				  &k->errs[i]) == 0)
			err_release(&k->errs[i]);
		key_values_settle(have);
	}
}

/* One that cannot connect leaves it to the others. */
static void *reader(void *shelf)
{
	CLEANUP_XENSTORE struct xenstore *x = NULL;

	if (xenstore_open(&x, NULL) == 0)
		read_some(shelf, x);
	return NULL;
}

/* We are a reader, too. */
static void read_with_others(struct shelf *k, struct xenstore *x)
{
	pthread_t others[READERS - 1];
	size_t n = 0;

	while (n < ARRAY_SIZE(others) && (n + 1) * QUBES_PER_READER < k->n &&
	       pthread_create(&others[n], NULL, reader, k) == 0)
		n++;
	read_some(k, x);
	while (n > 0)
		pthread_join(others[--n], NULL);
}

static int read_xenstore(struct ctx *c, const struct settings *s, struct subject *v, size_t n)
{
	CLEANUP_XENSTORE struct xenstore *x = NULL;
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE struct err *errs = xcalloc(n, sizeof *errs);
	struct shelf k = {.s = s, .v = v, .n = n, .errs = errs};
	int status = STATUS_OK;

	if (xenstore_open(&x, &err) < 0) {
		for (size_t i = 0; i < n; i++)
			v[i].unreadable = true;
		return fail_err(c, &err, NULL, NULL);
	}
	read_with_others(&k, x);
	for (size_t i = 0; i < n; i++) {
		if (errs[i].text)
			status = unreadable(c, &v[i], &errs[i]);
		err_release(&errs[i]);
	}
	return status;
}

int read_end(struct ctx *c, const struct settings *s, struct subject *v, size_t n)
{
	int status = read_qubesdb(c, v, n);
	int r = s->use[KEY_XENSTORE] && n ? read_xenstore(c, s, v, n) : STATUS_OK;

	return r ? r : status;
}
