/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One backup under way: what its thread and the loop share. Not for others. */
#pragma once

#include "qvmd/backup.h"
#include "qvmd/job.h"
#include "qvmd/service.h"

struct run {
	struct job job;           /* first */
	struct run *next;         /* of those under way (backup.c) */
	char *profile;
	struct req *req;          /* held */
	uv_timer_t *timer;        /* for the events of progress */
	uint64_t told;            /* the last of them */
	/* For the thread: */
	struct backup_plan plan;
	struct backup_qubes qubes;
	unsigned logn;
	char *passphrase;         /* NULL: ask */
	const char *calls;        /* qrexec_socket */
	char *asked, *asked_home; /* the qube that is asked, and its directory */
	char *target, *target_home; /* the qube that the archive goes to; NULL: a file here */
	/* Both ways: */
	atomic_bool stop;         /* it is to end without an archive */
	atomic_uint_least64_t done; /* bytes of the estimate */
	pthread_mutex_t lock;     /* of service */
	struct service *service;  /* that the thread waits for: to be ended when the run is */
};

/* In the thread: the whole backup. 0, or negative errno with err. */
int run_work(struct job *j, struct err *err);
/* Ends it soon, from the loop. */
void run_stop(struct run *r);
/* The run may not go on: somebody has stopped it, or the daemon ends. */
bool run_is_stopped(struct run *r);
