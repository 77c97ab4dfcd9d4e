/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services of qubes: calls into a sandbox, or children. */
#include "qvmd/service.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"
#include "os/spawn.h"
#include "vmif/call.h"

/* What comes out of one of its streams. */
struct drain {
	pthread_t thread;
	bool runs;
	int fd;
	struct buf text;
};

struct service {
	struct child child;   /* of a call, only the descriptors */
	pthread_mutex_t lock; /* of pid and call */
	pid_t pid;            /* its process group; 0 when it was waited for */
	int call;             /* the socket of a call, or -1 */
	struct drain out, err;
};

/* ---- which program ---- */

static char *program_of(const char *home, const char *name, const char *arg)
{
	CLEANUP_FREE char *rpc = xasprintf("qubes-rpc/%s", name);
	char *places[] = {
		*arg ? xasprintf("%s/etc/qubes-rpc/%s+%s", home, name, arg) : NULL,
		xasprintf("%s/etc/qubes-rpc/%s", home, name),
		program_lib(rpc),
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

static int child_begin(struct service *sv, const char *home, const char *name, const char *arg, const char *full_name)
{
	CLEANUP_FREE char *program = program_of(home, name, arg);

	return program ? start_child(sv, home, program, full_name) : -ENOENT;
}

/* ---- in a sandbox ---- */

/* Pipes as spawn() makes them: the service's ends go to theirs. */
static int make_pipes(struct child *c, int theirs[3])
{
	int *ours[] = { &c->in, &c->out, &c->err }, ends[2];

	for (int i = 0; i < 3; i++) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		*ours[i] = ends[i == 0 ? 1 : 0];
		theirs[i] = ends[i == 0 ? 0 : 1];
	}
	return 0;
}

/* The next thing that the daemon says of the call: an exit status, or -EINPROGRESS when the service has begun. */
static int call_hear(struct service *sv)
{
	CLEANUP_FREE char *buffer = xmalloc(CALL_MESSAGE_MAX);
	CLEANUP_FDSET struct fdset fds = FDSET_INIT;
	struct call_msg m;
	int r = call_recv(sv->call, buffer, &m, &fds);

	if (r <= 0)
		return r < 0 ? r : -ECONNRESET;
	if (*m.name)
		buf_addstr(&sv->err.text, m.name);
	return m.kind == CALL_BEGUN ? -EINPROGRESS : m.kind == CALL_EXIT ? m.value & 0xff : -EPROTO;
}

static int call_begin(struct service *sv, const struct service_place *at, const char *full_name)
{
	struct call_msg m = { .kind = CALL_RUN, .value = CALL_START, .name = at->qube, .user = at->user,
			      .service = full_name };
	int theirs[3] = { -1, -1, -1 };
	int r = make_pipes(&sv->child, theirs);

	if (r == 0)
		r = sv->call = sock_connect_type(at->calls, SOCK_SEQPACKET);
	if (r >= 0)
		r = call_send(sv->call, &m, theirs, 3);
	for (int i = 0; i < 3; i++)
		closep(&theirs[i]);
	if (r < 0)
		return r;
	r = call_hear(sv);
	if (r != -EINPROGRESS)
		return r == CALL_STATUS_NO_SERVICE ? -ENOENT : r < 0 ? r : -EHOSTDOWN;
	r = drain_start(&sv->out, sv->child.out);
	return r < 0 ? r : drain_start(&sv->err, sv->child.err);
}

/* ---- both ---- */

struct service *service_start(const struct service_place *at, const char *name, const char *arg, struct err *err)
{
	CLEANUP_FREE char *full_name = xasprintf("%s+%s", name, arg);
	struct service *sv = xcalloc(1, sizeof *sv);
	int r;

	sv->child = CHILD_INIT;
	sv->call = -1;
	pthread_mutex_init(&sv->lock, NULL);
	r = at->calls ? call_begin(sv, at, full_name) : child_begin(sv, at->home, name, arg, full_name);
	if (r == 0)
		return sv;
	if (r == -ENOENT)
		err_set(err, r, "QubesException", "there is no service %s", *arg ? full_name : name);
	else
		err_set(err, r, "QubesException", "service %s cannot be started: %s", name,
			sv->err.text.len ? buf_str(&sv->err.text) : strerror(-r));
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
	/* Who waits for it hears an end, and the daemon that nobody waits for the service. */
	if (sv->call >= 0)
		shutdown(sv->call, SHUT_RDWR);
	pthread_mutex_unlock(&sv->lock);
}

static int child_finish(struct service *sv)
{
	siginfo_t info;
	int r;

	/* It is reaped with the lock held only, so that nobody ends another one of that number. */
	while (waitid(P_PID, (id_t)sv->child.pid, &info, WEXITED | WNOWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	pthread_mutex_lock(&sv->lock);
	sv->pid = 0;
	r = child_wait(&sv->child);
	pthread_mutex_unlock(&sv->lock);
	return r;
}

static int call_finish(struct service *sv)
{
	int r = call_hear(sv);

	pthread_mutex_lock(&sv->lock);
	closep(&sv->call);
	pthread_mutex_unlock(&sv->lock);
	return r;
}

int service_finish(struct service *sv)
{
	int r;

	closep(&sv->child.in);
	r = sv->call >= 0 ? call_finish(sv) : child_finish(sv);
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
	if (sv->pid > 0 || sv->out.runs) {
		service_kill(sv);
		service_finish(sv);
	}
	closep(&sv->call);
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
