/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of job.c: jobs that run when the clock is asked to move, and what they need of the system. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/inmem.h"
#include "os/spawn.h"
#include "qvmd/job.h"
#include "qvmd/server.h"

static struct job *jobs; /* in their order */

void job_start(struct sys *s, struct job *j)
{
	struct job **at = &jobs;

	while (*at)
		at = &(*at)->next;
	j->sys = s;
	j->next = NULL;
	*at = j;
}

static void job_end(struct job *j)
{
	err_release(&j->err);
	j->release(j);
}

bool inmem_job_run(void)
{
	struct job *j = jobs;

	if (!j)
		return false;
	jobs = j->next;
	j->result = j->work(j, &j->err);
	if (j->done)
		j->done(j, j->result, &j->err);
	job_end(j);
	return true;
}

void jobs_stop(struct sys *s)
{
	while (jobs) {
		struct job *j = jobs;

		jobs = j->next;
		job_end(j);
	}
}

/* mke2fs would take longer than everything else together. */
int __wrap_spawn(struct child *ret, char *const argv[], int flags);
int __wrap_spawn(struct child *ret, char *const argv[], int flags)
{
	return -ENOENT;
}

/* All that comes of a payload is in the request. */
int conn_input(struct conn *c)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) < 0)
		return -1;
	close(s[1]);
	return s[0];
}
