/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling a qube: a job that calls a service. */
#include "qvmd/told.h"

#include <errno.h>
#include <pthread.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvmd/job.h"
#include "qvmd/qrexec.h"
#include "qvmd/sandbox.h"
#include "qvmd/server.h"
#include "qvmd/service.h"

#define TOLD_MS 60000 /* vm-interface 8.1 */

struct telling {
	struct job job;
	char *qube, *name, *input;
	const char *calls;
	told_fn *done;
	void *data;
	uv_timer_t *patience;
	pthread_mutex_t lock;
	struct service *service; /* while its end is waited for */
};

static void uses(struct telling *t, struct service *sv)
{
	pthread_mutex_lock(&t->lock);
	t->service = sv;
	if (sv && atomic_load(&t->job.cancelled))
		service_kill(sv);
	pthread_mutex_unlock(&t->lock);
}

static void end(struct job *j)
{
	struct telling *t = (struct telling *)j;

	pthread_mutex_lock(&t->lock);
	if (t->service)
		service_kill(t->service);
	pthread_mutex_unlock(&t->lock);
}

static int work(struct job *j, struct err *err)
{
	struct telling *t = (struct telling *)j;
	struct service_place at = { .calls = t->calls, .qube = t->qube, .user = "root" };
	struct service *sv = service_start(&at, t->name, "", err);
	int status;

	if (!sv)
		return -EIO;
	uses(t, sv);
	write_all(service_input(sv), t->input, strlen(t->input));
	status = service_finish(sv);
	uses(t, NULL);
	if (status != 0) {
		const struct buf *said = service_errors(sv);

		err_set(err, -EIO, "", "%.*s", (int)strcspn(buf_str(said), "\n"), buf_str(said));
	}
	service_free(sv);
	return status == 0 ? 0 : -EIO;
}

static void done(struct job *j, int result, struct err *err)
{
	struct telling *t = (struct telling *)j;
	if (result < 0)
		log_line(j->sys, "%s in %s has failed: %s", t->name, t->qube, err->text);
	if (t->done && server_settle(j->sys))
		t->done(t->data, result < 0 ? err->text : NULL);
}

static void timer_closed(uv_handle_t *h)
{
	free(h);
}

static void release(struct job *j)
{
	struct telling *t = (struct telling *)j;

	uv_close((uv_handle_t *)t->patience, timer_closed);
	pthread_mutex_destroy(&t->lock);
	free(t->qube);
	free(t->name);
	free(t->input);
	free(t->data);
	free(t);
}

static void on_patience(uv_timer_t *h)
{
	end(h->data);
}

bool tell_qube(struct vm *v, const char *service, const char *input, told_fn *fn, void *data)
{
	struct telling *t;

	if (!sandbox_is_ready(v))
		return false;
	t = xcalloc(1, sizeof *t);
	t->job.work = work;
	t->job.done = done;
	t->job.cancel = end;
	t->job.release = release;
	t->job.wake = -1;
	t->qube = xstrdup(v->name);
	t->name = xstrdup(service);
	t->input = xstrdup(input);
	t->calls = qrexec_socket(v->sys);
	t->done = fn;
	t->data = data;
	pthread_mutex_init(&t->lock, NULL);
	t->patience = xcalloc(1, sizeof *t->patience);
	uv_timer_init(v->sys->loop, t->patience);
	t->patience->data = t;
	uv_timer_start(t->patience, on_patience, TOLD_MS, 0);
	job_start(v->sys, &t->job);
	return true;
}

void tell_service(struct vm *v, const char *feature, bool on)
{
	if (!streq(feature, "service.qubes-update-check"))
		return;
	tell_qube(v, "qubes.VMShell", on ? "systemctl start qubes-update-check.timer; exit\n" :
					   "systemctl stop qubes-update-check.timer; exit\n", NULL, NULL);
}
