/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread, its queue of one job, and what it hears. */
#include "qvmd/xenworker.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvmd/xenjob.h"

#define PATIENCE_NS UINT64_C(2000000000)
#define EVENTS_AT_ONCE 64 /* then a job has its turn */

struct xen_worker {
	struct xenstore *x;   /* the thread's */
	struct strv watch;    /* set before the thread starts */
	int bell;             /* eventfd: there is a job, or the end */
	uv_thread_t thread;

	uv_mutex_t lock;      /* of what follows */
	uv_cond_t done;
	uv_async_t *wake;     /* NULL: nobody wants to know any more */
	struct xen_job job;
	bool has_job, stop;
	int result;
	struct err err;       /* of the job */
	bool lost, lost_told; /* the connection is of no use */
	bool ended;           /* the thread has left its loop */
	char *why;
	struct xen_heard *heard;
};

void xen_job_release(struct xen_job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		free(j->ops[i].key);
		free(j->ops[i].value);
		free(j->ops[i].readers);
	}
	free(j->ops);
	*j = (struct xen_job){0};
}

void xen_heard_free(struct xen_heard *h)
{
	if (!h)
		return;
	free(h->key);
	free(h->value);
	key_values_release(&h->below);
	free(h);
}

/* ---- the thread ---- */

/* With the lock. */
static void wake(struct xen_worker *w)
{
	if (w->wake)
		uv_async_send(w->wake);
}

static void lose(struct xen_worker *w, const char *why)
{
	uv_mutex_lock(&w->lock);
	if (!w->lost)
		w->why = xstrdup(why);
	w->lost = true;
	wake(w);
	uv_mutex_unlock(&w->lock);
}

/* Replaces what the same key said before. */
static void keep(struct xen_worker *w, struct xen_heard *h)
{
	struct xen_heard **at = &w->heard;

	uv_mutex_lock(&w->lock);
	while (*at && ((*at)->domid != h->domid || !streq((*at)->key, h->key)))
		at = &(*at)->next;
	if (*at) {
		struct xen_heard *old = *at;

		h->next = old->next;
		xen_heard_free(old);
	}
	*at = h;
	wake(w);
	uv_mutex_unlock(&w->lock);
}

/* False when there is to be no more. */
static bool take_job(struct xen_worker *w)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	struct xen_job job;
	bool more;
	int r;

	uv_mutex_lock(&w->lock);
	more = !w->stop;
	job = w->job;
	w->job = (struct xen_job){0};
	if (!w->has_job) {
		uv_mutex_unlock(&w->lock);
		return more;
	}
	uv_mutex_unlock(&w->lock);
	r = xen_job_do(w->x, &job, &w->watch, &err);
	xen_job_release(&job);
	uv_mutex_lock(&w->lock);
	/* whose job it is will tell */
	if (r < 0 && xen_is_fatal(r))
		w->lost = w->lost_told = true;
	w->has_job = false;
	w->result = r;
	err_move(&w->err, &err);
	uv_cond_signal(&w->done);
	uv_mutex_unlock(&w->lock);
	return more;
}

/* Negative when the connection is lost. */
static int take_events(struct xen_worker *w)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int r = 1;

	for (int i = 0; i < EVENTS_AT_ONCE && r > 0; i++) {
		struct xen_heard *h = NULL;

		r = xen_job_hear(w->x, &h, &err);
		if (h)
			keep(w, h);
	}
	if (r < 0)
		lose(w, err.text);
	return r;
}

static void work(void *data)
{
	struct xen_worker *w = data;
	uint64_t count;
	int r = 0;

	while (r >= 0 && take_job(w)) {
		struct pollfd p[] = { { w->bell, POLLIN, 0 }, { xenstore_fd(w->x), POLLIN, 0 } };
		ssize_t n;

		r = take_events(w);
		if (r != 0)
			continue;
		poll(p, ARRAY_SIZE(p), -1);
		n = read(w->bell, &count, sizeof count);
		(void)n;
	}
	uv_mutex_lock(&w->lock);
	w->ended = true;
	if (w->has_job) {
		w->result = -ENOTCONN;
		w->has_job = false;
	}
	uv_cond_signal(&w->done);
	uv_mutex_unlock(&w->lock);
}

/* ---- the daemon's side ---- */

static void worker_free(struct xen_worker *w)
{
	xenstore_close(w->x);
	closep(&w->bell);
	strv_release(&w->watch);
	uv_mutex_destroy(&w->lock);
	uv_cond_destroy(&w->done);
	xen_job_release(&w->job);
	err_release(&w->err);
	free(w->why);
	while (w->heard) {
		struct xen_heard *h = w->heard;

		w->heard = h->next;
		xen_heard_free(h);
	}
	free(w);
}

int xen_worker_start(const struct strv *watch, uv_async_t *async, struct xen_worker **ret, struct err *err)
{
	CLEANUP_XENSTORE struct xenstore *x = NULL;
	int r = xenstore_open(&x, err);

	if (r == 0)
		r = xen_job_clean(x, err);
	if (r < 0)
		return r;

	struct xen_worker *w = xcalloc(1, sizeof *w);

	for (size_t i = 0; i < watch->n; i++)
		strv_add(&w->watch, watch->v[i]);
	w->x = STEAL(x);
	w->wake = async;
	w->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uv_mutex_init(&w->lock);
	uv_cond_init(&w->done);
	if (w->bell < 0 || uv_thread_create(&w->thread, work, w) < 0) {
		worker_free(w);
		return err_set(err, -EAGAIN, "", "cannot start a thread");
	}
	*ret = w;
	return 0;
}

static void ring(struct xen_worker *w)
{
	uint64_t one = 1;
	ssize_t n = write(w->bell, &one, sizeof one);

	(void)n;
}

/* With the lock: until the thread has changed that. 0 or -ETIMEDOUT. */
static int await(struct xen_worker *w, const bool *flag, bool value)
{
	uint64_t end = now_ns() + PATIENCE_NS;

	while (*flag != value) {
		uint64_t now = now_ns();

		if (now >= end)
			return -ETIMEDOUT;
		uv_cond_timedwait(&w->done, &w->lock, end - now);
	}
	return 0;
}

int xen_worker_do(struct xen_worker *w, struct xen_job *j, struct err *err)
{
	int r;

	uv_mutex_lock(&w->lock);
	if (w->lost || w->ended) {
		uv_mutex_unlock(&w->lock);
		xen_job_release(j);
		return err_set(err, -ENOTCONN, "", "xenstored has gone");
	}
	w->job = *j;
	*j = (struct xen_job){0};
	w->has_job = true;
	ring(w);
	r = await(w, &w->has_job, false);
	if (r < 0) {
		w->lost = w->lost_told = true;
		err_set(err, r, "", "there is no XenStore any more: xenstored does not answer");
	} else {
		r = w->result;
		if (r < 0 && w->lost)
			err_set(err, r, "", "there is no XenStore any more: %s", w->err.text);
		else if (r < 0)
			err_move(err, &w->err);
	}
	uv_mutex_unlock(&w->lock);
	return r;
}

struct xen_heard *xen_worker_heard(struct xen_worker *w)
{
	struct xen_heard *h;

	uv_mutex_lock(&w->lock);
	h = w->heard;
	if (h)
		w->heard = h->next;
	uv_mutex_unlock(&w->lock);
	return h;
}

char *xen_worker_lost(struct xen_worker *w)
{
	char *why = NULL;

	uv_mutex_lock(&w->lock);
	if (w->lost && !w->lost_told)
		why = STEAL(w->why);
	w->lost_told = w->lost;
	uv_mutex_unlock(&w->lock);
	return why;
}

void xen_worker_stop(struct xen_worker *w)
{
	int r;

	uv_mutex_lock(&w->lock);
	w->stop = true;
	w->wake = NULL;
	ring(w);
	/* one that keeps us waiting already has had its time */
	r = w->lost && w->has_job ? -ETIMEDOUT : await(w, &w->ended, true);
	uv_mutex_unlock(&w->lock);
	if (r < 0)
		return;
	uv_thread_join(&w->thread);
	worker_free(w);
}
