/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services of qubes as children. */
#include "qvmd/service.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "os/spawn.h"

/* What comes out of one of its streams. */
struct drain {
	pthread_t thread;
	bool runs;
	int fd;
	struct buf text;
};

struct service {
	struct child child;
	pthread_mutex_t lock; /* of pid */
	pid_t pid;            /* its process group; 0 when it was waited for */
	struct drain out, err;
};

/* ---- which program ---- */

static char *program_of(const char *home, const char *name, const char *arg)
{
	CLEANUP_FREE char *share = xasprintf("share/qvm-tools/qubes-rpc/%s", name);
	char *places[] = {
		*arg ? xasprintf("%s/etc/qubes-rpc/%s+%s", home, name, arg) : NULL,
		xasprintf("%s/etc/qubes-rpc/%s", home, name),
		program_beside(share),
		xasprintf("%s/qubes-rpc/%s", QVM_DATADIR, name),
	};
	char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (!found && places[i] && access(places[i], X_OK) == 0)
			found = STEAL(places[i]);
		free(places[i]);
	}
	return found;
}

/* ---- its streams ---- */

static void *drain(void *arg)
{
	struct drain *d = arg;
	char piece[4096];
	ssize_t n;

	while ((n = read(d->fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR)) {
		size_t room = SERVICE_TEXT_MAX - d->text.len;

		if (n > 0)
			buf_add(&d->text, piece, (size_t)n < room ? (size_t)n : room);
	}
	return NULL;
}

static int drain_start(struct drain *d, int fd)
{
	d->fd = fd;
	d->runs = pthread_create(&d->thread, NULL, drain, d) == 0;
	return d->runs ? 0 : -EAGAIN;
}

static void drain_end(struct drain *d)
{
	if (d->runs)
		pthread_join(d->thread, NULL);
	d->runs = false;
}

/* ---- its life ---- */

/* A session of its own, so that its children can be ended with it. */
static int start_child(struct service *sv, const char *home, const char *program, const char *full_name)
{
	CLEANUP_FREE char *set_home = xasprintf("HOME=%s", home);
	CLEANUP_FREE char *set_name = xasprintf("QREXEC_SERVICE_FULL_NAME=%s", full_name);
	const char *argv[] = {
		"setsid", "env", "-i", "-C", home, set_home, set_name,
		"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C.UTF-8",
		"QREXEC_REMOTE_DOMAIN=dom0", program, NULL,
	};
	int r = spawn(&sv->child, (char *const *)argv, SPAWN_STDIN | SPAWN_STDOUT | SPAWN_STDERR);

	if (r < 0)
		return r;
	sv->pid = sv->child.pid;
	r = drain_start(&sv->out, sv->child.out);
	return r < 0 ? r : drain_start(&sv->err, sv->child.err);
}

struct service *service_start(const char *home, const char *name, const char *arg, struct err *err)
{
	CLEANUP_FREE char *full_name = xasprintf("%s+%s", name, arg);
	CLEANUP_FREE char *program = program_of(home, name, arg);
	struct service *sv;
	int r;

	if (!program) {
		err_set(err, -ENOENT, "QubesException", "there is no service %s", *arg ? full_name : name);
		return NULL;
	}
	sv = xcalloc(1, sizeof *sv);
	sv->child = CHILD_INIT;
	pthread_mutex_init(&sv->lock, NULL);
	r = start_child(sv, home, program, full_name);
	if (r == 0)
		return sv;
	err_set(err, r, "QubesException", "service %s cannot be started: %s", name, strerror(-r));
	service_free(sv);
	return NULL;
}

int service_input(const struct service *sv)
{
	return sv->child.in;
}

void service_kill(struct service *sv)
{
	pthread_mutex_lock(&sv->lock);
	/* Before setsid it has no group yet. */
	if (sv->pid > 0 && kill(-sv->pid, SIGTERM) < 0)
		kill(sv->pid, SIGTERM);
	pthread_mutex_unlock(&sv->lock);
}

int service_finish(struct service *sv)
{
	siginfo_t info;
	int r;

	closep(&sv->child.in);
	/* It is reaped with the lock held only, so that nobody ends another one of that number. */
	while (waitid(P_PID, (id_t)sv->child.pid, &info, WEXITED | WNOWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	pthread_mutex_lock(&sv->lock);
	sv->pid = 0;
	r = child_wait(&sv->child);
	pthread_mutex_unlock(&sv->lock);
	drain_end(&sv->out);
	drain_end(&sv->err);
	return r;
}

const struct buf *service_output(const struct service *sv)
{
	return &sv->out.text;
}

const struct buf *service_errors(const struct service *sv)
{
	return &sv->err.text;
}

void service_free(struct service *sv)
{
	if (!sv)
		return;
	if (sv->pid > 0) {
		service_kill(sv);
		service_finish(sv);
	}
	drain_end(&sv->out);
	drain_end(&sv->err);
	child_release(&sv->child);
	pthread_mutex_destroy(&sv->lock);
	if (sv->out.text.data)
		explicit_bzero(sv->out.text.data, sv->out.text.len);
	buf_release(&sv->out.text);
	buf_release(&sv->err.text);
	free(sv);
}
