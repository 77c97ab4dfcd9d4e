/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that run tasks. */
#include "archive/pool.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/mem.h"

#define JOBS_MAX 256

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work; /* something can begin, or all is over */
	pthread_cond_t done; /* a task ended */
	struct pool_task *first, **end; /* those that wait */
	uint64_t memory, used;
	bool over;
	unsigned n;
	pthread_t threads[];
};

uint64_t memory_of_machine(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* No task overtakes the first one: the one that is waited for is never starved by those behind it. */
static bool can_begin(const struct pool *p)
{
	return p->first && (p->used == 0 || (p->used <= p->memory && p->first->memory <= p->memory - p->used));
}

static void run_first(struct pool *p)
{
	struct pool_task *t = p->first;

	p->first = t->next;
	if (!p->first)
		p->end = &p->first;
	p->used += t->memory;
	t->state = TASK_RUNS;
	pthread_mutex_unlock(&p->lock);
	t->run(t);
	pthread_mutex_lock(&p->lock);
	t->state = TASK_IS_DONE;
	p->used -= t->memory;
	pthread_cond_broadcast(&p->done);
	pthread_cond_broadcast(&p->work);
}

static void *worker(void *data)
{
	struct pool *p = data;

	pthread_mutex_lock(&p->lock);
	while (!p->over) {
		if (can_begin(p))
			run_first(p);
		else
			pthread_cond_wait(&p->work, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_new(unsigned jobs, uint64_t memory)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct pool *p;
	sigset_t all, before;

	if (!jobs)
		jobs = processors > 0 ? (unsigned)processors : 1;
	if (jobs > JOBS_MAX)
		jobs = JOBS_MAX;
	p = xcalloc(1, sizeof *p + jobs * sizeof p->threads[0]);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	p->end = &p->first;
	p->memory = memory ? memory : memory_of_machine() / 2;
	/* Signals are for the caller's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (p->n < jobs && pthread_create(&p->threads[p->n], NULL, worker, p) == 0)
		p->n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (p->n)
		return p;
	pool_free(p);
	return NULL;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->over = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->done);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

unsigned pool_jobs(const struct pool *p)
{
	return p->n;
}

void pool_add(struct pool *p, struct pool_task *t)
{
	t->next = NULL;
	t->state = TASK_WAITS;
	pthread_mutex_lock(&p->lock);
	*p->end = t;
	p->end = &t->next;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
}

bool pool_is_done(struct pool *p, const struct pool_task *t)
{
	bool done;

	pthread_mutex_lock(&p->lock);
	done = t->state == TASK_IS_DONE;
	pthread_mutex_unlock(&p->lock);
	return done;
}

void pool_wait(struct pool *p, const struct pool_task *t)
{
	pthread_mutex_lock(&p->lock);
	while (t->state != TASK_IS_DONE)
		pthread_cond_wait(&p->done, &p->lock);
	pthread_mutex_unlock(&p->lock);
}
