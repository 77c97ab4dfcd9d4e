/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that takes long, beside the loop: each job has a thread, so many at once, and the others wait in a queue.
 * A job's thread touches nothing of the system, only what was put into the job.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "qvmd/qvmd.h"

struct job {
	/* In the thread. 0, or negative errno with err. */
	int (*work)(struct job *j, struct err *err);
	/* In the loop, when work has ended with result; not when the daemon ends before. May be NULL. */
	void (*done)(struct job *j, int result, struct err *err);
	/* Frees the job; in the loop, after done. */
	void (*release)(struct job *j);
	/* In the loop, when the daemon ends: for work that waits for something else than wake. May be NULL. */
	void (*cancel)(struct job *j);
	/* The daemon ends: work is to return soon. Set from outside of the thread. */
	atomic_bool cancelled;
	int wake; /* a socket that work may wait for, shut down when it is cancelled; -1: none */

	/* job.c */
	struct sys *sys;
	struct job *next;         /* in a queue */
	struct job *next_running;
	pthread_t thread;
	int result;
	struct err err;
};

/* Takes the job over. Fields above the line are filled; j->wake too. */
void job_start(struct sys *s, struct job *j);
/* Cancels all jobs, waits for their threads, and frees them. No job may be started any more. */
void jobs_stop(struct sys *s);
/* When the loop has closed its handles. */
void jobs_free(struct sys *s);
