/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that nobody waits for, and the way back from them into the loop. */
#include "qvmd/aside.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/mem.h"
#include "os/io.h"

#define STACK_SIZE ((size_t)256 * 1024)
#define PATIENCE_MS 1000
#define NAP_NS 1000000

struct asides {
	uv_async_t wake;
	unsigned n; /* that have a thread; the loop's */
	pthread_mutex_t lock; /* of what follows */
	bool over;  /* set by the loop */
	struct aside *ended;
};

static void *thread(void *data)
{
	struct aside *a = data;
	struct asides *all = a->all;

	a->work(a);
	pthread_mutex_lock(&all->lock);
	a->next = all->ended;
	all->ended = a;
	/* Behind the lock all may be gone. */
	if (!all->over)
		uv_async_send(&all->wake);
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

static void finish(struct asides *all)
{
	struct aside *a, *next;

	pthread_mutex_lock(&all->lock);
	a = STEAL(all->ended);
	pthread_mutex_unlock(&all->lock);
	for (; a; a = next) {
		next = a->next;
		all->n--;
		a->done(a);
	}
}

static void on_wake(uv_async_t *h)
{
	finish(h->data);
}

/* Signals are the loop's. */
static int spawn_thread(void *(*run)(void *), void *data)
{
	pthread_attr_t attr;
	pthread_t id;
	sigset_t every, before;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	r = pthread_create(&id, &attr, run, data);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

static struct asides *asides(struct sys *s)
{
	struct asides *all = s->asides;

	if (all)
		return all;
	all = s->asides = xcalloc(1, sizeof *all);
	pthread_mutex_init(&all->lock, NULL);
	uv_async_init(s->loop, &all->wake, on_wake);
	all->wake.data = all;
	return all;
}

void aside_start(struct sys *s, struct aside *a)
{
	struct asides *all = asides(s);

	a->all = all;
	if (all->over)
		return a->done(a);
	all->n++;
	if (spawn_thread(thread, a) < 0)
		/* There is no memory for a stack: rather wait than leave it undone. */
		thread(a);
}

int aside_begin(struct sys *s, void *(*run)(void *), void *data)
{
	struct asides *all = asides(s);

	all->n++;
	return all->over ? -ESHUTDOWN : spawn_thread(run, data);
}

void aside_ended(struct sys *s)
{
	s->asides->n--;
}

void asides_stop(struct sys *s)
{
	struct asides *all = asides(s);
	uint64_t deadline = now_ns() + PATIENCE_MS * 1000000ull;

	pthread_mutex_lock(&all->lock);
	all->over = true;
	pthread_mutex_unlock(&all->lock);
	for (finish(all); all->n && now_ns() < deadline; finish(all)) {
		uv_run(s->loop, UV_RUN_NOWAIT);
		nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
	}
	uv_close((uv_handle_t *)&all->wake, NULL);
}

void asides_free(struct sys *s)
{
	struct asides *all = STEAL(s->asides);

	/* A thread that is left still looks at it. */
	if (all && !all->n) {
		pthread_mutex_destroy(&all->lock);
		free(all);
	}
}
