/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads for what takes long, and the way back from them into the loop. */
#include "qvmd/job.h"

#include <sys/socket.h>

#include "base/mem.h"

#define MOST_THREADS 32
#define STACK_SIZE ((size_t)512 * 1024)

struct queue {
	struct job *first, **end;
};

struct jobs {
	uv_async_t wake;
	struct queue waiting; /* no thread yet */
	struct job *running;  /* a thread, and the loop does not know yet that it has ended */
	unsigned n_running;
	pthread_mutex_t lock; /* of ended */
	struct queue ended;
};

/* ---- queues ---- */

static void queue_add(struct queue *q, struct job *j)
{
	j->next = NULL;
	*q->end = j;
	q->end = &j->next;
}

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static struct job *queue_take(struct queue *q)
{
	struct job *j = q->first;

	if (j) {
		q->first = j->next;
		if (!q->first)
			q->end = &q->first;
	}
	return j;
}

static struct job *take_ended(struct jobs *js)
{
	struct job *j;

	pthread_mutex_lock(&js->lock);
	j = queue_take(&js->ended);
	pthread_mutex_unlock(&js->lock);
	return j;
}

/* ---- threads ---- */

static void *thread(void *arg)
{
	struct job *j = arg;
	struct jobs *js = j->sys->jobs;

	j->result = j->work(j, &j->err);
	pthread_mutex_lock(&js->lock);
	queue_add(&js->ended, j);
	pthread_mutex_unlock(&js->lock);
	uv_async_send(&js->wake);
	return NULL;
}

static void job_free(struct job *j)
{
	err_release(&j->err);
	j->release(j);
}

/* Signals are the loop's. */
static int spawn_thread(struct job *j)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&j->thread, &attr, thread, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

static void begin_more(struct jobs *js);

static void finish(struct job *j)
{
	if (j->done)
		j->done(j, j->result, &j->err);
	job_free(j);
}

static void begin(struct jobs *js, struct job *j)
{
	int r = spawn_thread(j);

	if (r == 0) {
		j->next_running = js->running;
		js->running = j;
		js->n_running++;
		return;
	}
	j->result = err_set(&j->err, r, "QubesException", "cannot start a thread: %s", strerror(-r));
	finish(j);
}

static void begin_more(struct jobs *js)
{
	while (js->waiting.first && js->n_running < MOST_THREADS)
		begin(js, queue_take(&js->waiting));
}

/* Its thread is at its end: reaps it. */
static void join(struct jobs *js, struct job *j)
{
	struct job **at = &js->running;

	while (*at != j)
		at = &(*at)->next_running;
	*at = j->next_running;
	js->n_running--;
	pthread_join(j->thread, NULL);
}

static void on_wake(uv_async_t *h)
{
	struct jobs *js = h->data;
	struct job *j;

	while ((j = take_ended(js))) {
		join(js, j);
		finish(j);
	}
	begin_more(js);
}

/* ---- for others ---- */

static struct jobs *jobs(struct sys *s)
{
	struct jobs *js = s->jobs;

	if (js)
		return js;
	js = s->jobs = xcalloc(1, sizeof *js);
	queue_init(&js->waiting);
	queue_init(&js->ended);
	pthread_mutex_init(&js->lock, NULL);
	uv_async_init(s->loop, &js->wake, on_wake);
	js->wake.data = js;
	return js;
}

void job_start(struct sys *s, struct job *j)
{
	struct jobs *js = jobs(s);

	j->sys = s;
	queue_add(&js->waiting, j);
	begin_more(js);
}

void jobs_stop(struct sys *s)
{
	struct jobs *js = s->jobs;
	struct job *j;

	if (!js)
		return;
	for (j = js->running; j; j = j->next_running) {
		atomic_store(&j->cancelled, true);
		if (j->wake >= 0)
			shutdown(j->wake, SHUT_RD);
		if (j->cancel)
			j->cancel(j);
	}
	while ((j = js->running)) {
		js->running = j->next_running;
		pthread_join(j->thread, NULL);
		job_free(j);
	}
	while ((j = queue_take(&js->waiting)))
		job_free(j);
	pthread_mutex_destroy(&js->lock);
	uv_close((uv_handle_t *)&js->wake, NULL);
}

void jobs_free(struct sys *s)
{
	free(STEAL(s->jobs));
}
