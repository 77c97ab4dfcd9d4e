/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that run tasks: a number at once, in the order they were added, within a bound on memory. */
#pragma once

#include "base/attr.h"

struct pool_task {
	void (*run)(struct pool_task *t);
	uint64_t memory; /* bytes that run needs */
	/* The pool's: */
	struct pool_task *next;
	enum { TASK_WAITS, TASK_RUNS, TASK_IS_DONE } state;
};

struct pool;

/*
 * jobs 0: as many as there are processors; memory 0: half of the machine's. A task that needs more than memory runs
 * alone. NULL when no thread can be started.
 */
struct pool *pool_new(unsigned jobs, uint64_t memory);
/* Waits for tasks at work; those that wait are never run. NULL accepted. */
void pool_free(struct pool *p);
unsigned pool_jobs(const struct pool *p);
/* t is borrowed until pool_wait or pool_free. */
void pool_add(struct pool *p, struct pool_task *t);
bool pool_is_done(struct pool *p, const struct pool_task *t);
void pool_wait(struct pool *p, const struct pool_task *t);

/* Bytes of memory that the machine has. */
uint64_t memory_of_machine(void);
