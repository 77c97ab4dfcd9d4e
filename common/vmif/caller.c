/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calling a service over the lab's qrexec. */
#include "vmif/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"
#include "vmif/call.h"

#define PIECE ((size_t)65536)

/* Copies from one descriptor to another until the end, in a thread. */
struct relay {
	pthread_t thread;
	bool runs;
	int from, to;       /* both are closed at the end */
	const char *prefix; /* goes first, or NULL */
	bool filter;
	bool half;          /* to is a socket: its end is told by a shutdown */
	bool moved;         /* something came */
	int stop;           /* an eventfd; readable: nobody needs more of it */
};

struct call {
	const struct caller *c;
	int sock;
	int fds[3];         /* what the service gets */
	struct relay relay[3];
};

/* ---- copying ---- */

/* What is left of any bytes is printable ASCII and what moves the cursor no further than text does. */
static void filter(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < ' ' || p[i] > '~') && !strchr("\t\n\r\b\a", p[i] ? p[i] : 'x'))
			p[i] = '_';
}

/* Waits until there is something to read. False: it is to stop. */
static bool has_input(const struct relay *r)
{
	struct pollfd p[] = { { .fd = r->from, .events = POLLIN }, { .fd = r->stop, .events = POLLIN } };

	while (poll(p, ARRAY_SIZE(p), -1) < 0)
		if (errno != EINTR)
			return false;
	return !p[1].revents;
}

/* Moves pages instead of copying them into a pipe; false when that cannot be. */
static bool move(struct relay *r)
{
	struct stat st;
	ssize_t n = 1;

	/* Into a file it would not be one step to write and to move the position, which others share. */
	if (fstat(r->to, &st) < 0 || !S_ISFIFO(st.st_mode))
		return false;
	while ((n > 0 || errno == EINTR) && has_input(r)) {
		n = splice(r->from, NULL, r->to, NULL, 16 * PIECE, SPLICE_F_MOVE);
		if (n == 0)
			break;
		r->moved = r->moved || n > 0;
	}
	return n >= 0 || errno != EINVAL;
}

static void copy(struct relay *r)
{
	char piece[PIECE];
	ssize_t n;

	while (has_input(r) && ((n = read(r->from, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))) {
		r->moved = r->moved || n > 0;
		if (n > 0 && r->filter)
			filter(piece, (size_t)n);
		if (n > 0 && write_all(r->to, piece, (size_t)n) < 0)
			return;
	}
}

static void *relay_main(void *data)
{
	struct relay *r = data;
	bool going = !r->prefix || write_all(r->to, r->prefix, strlen(r->prefix)) == 0;

	if (going && (r->filter || !move(r)))
		copy(r);
	if (r->half)
		shutdown(r->to, SHUT_WR);
	closep(&r->to);
	closep(&r->from);
	return NULL;
}

static int relay_start(struct relay *r)
{
	int e;

	r->stop = eventfd(0, EFD_CLOEXEC);
	if (r->stop < 0)
		return -errno;
	e = pthread_create(&r->thread, NULL, relay_main, r);
	r->runs = e == 0;
	return -e;
}

/* Waits for its end, or ends it: it may wait for input that nobody needs any more. Nothing for one that never began. */
static void relay_join(struct relay *r, bool end)
{
	if (r->runs && end)
		eventfd_write(r->stop, 1);
	if (r->runs)
		pthread_join(r->thread, NULL);
	r->runs = false;
	closep(&r->stop);
	closep(&r->from);
	closep(&r->to);
}

/* ---- which descriptors are handed on ---- */

/* A file of the caller's could be opened anew for writing, a terminal be typed at. */
static bool is_harmless(const struct call *k, int fd)
{
	struct stat st;

	if (fd_is_pipe(fd))
		return true;
	/* The daemon does not look closely at what dom0 sends. */
	return !streq(k->c->socket, CALL_QUBE_SOCKET) && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(1, 3);
}

/* Descriptor i of ours as the service gets it: itself, or a pipe with a relay at our end. */
static int prepare(struct call *k, int i, bool must)
{
	struct relay *r = &k->relay[i];
	int ends[2];

	if (!must && is_harmless(k, i)) {
		k->fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		return k->fds[i] < 0 ? -errno : 0;
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	k->fds[i] = ends[i == 0 ? 0 : 1];
	r->from = i == 0 ? fcntl(0, F_DUPFD_CLOEXEC, 3) : ends[0];
	r->to = i == 0 ? ends[1] : fcntl(i, F_DUPFD_CLOEXEC, 3);
	return r->from < 0 || r->to < 0 ? -errno : 0;
}

static int prepare_all(struct call *k)
{
	int r = prepare(k, 0, k->c->prefix);

	k->relay[0].prefix = k->c->prefix;
	k->relay[1].filter = k->c->filter_out;
	k->relay[2].filter = k->c->filter_err;
	if (r == 0)
		r = prepare(k, 1, k->c->filter_out);
	return r < 0 ? r : prepare(k, 2, k->c->filter_err);
}

/* ---- the call ---- */

/* The daemon serves it itself: our stdin goes to that connection, and what comes from it to our stdout. That nothing
 * comes is how it refuses (admin-api 1.4). */
static int serve_stream(struct call *k, int stream, struct err *err)
{
	struct relay in = { .from = fcntl(0, F_DUPFD_CLOEXEC, 3), .to = fcntl(stream, F_DUPFD_CLOEXEC, 3),
			    .prefix = k->c->prefix, .half = true, .stop = -1 };
	struct relay out = { .from = stream, .to = fcntl(1, F_DUPFD_CLOEXEC, 3), .filter = k->c->filter_out,
			     .stop = -1 };
	int r = relay_start(&in);

	if (r == 0)
		relay_main(&out);
	relay_join(&in, true);
	relay_join(&out, false);
	if (r == 0 && !out.moved) {
		err_set(err, 0, "", "%s", "");
		return CALL_STATUS_REFUSED;
	}
	return r;
}

/* The service has what it needs: our copies would keep it, or who is at the other end, from seeing an end. */
static int begin(struct call *k)
{
	CLEANUP_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r = null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ? -errno : 0;

	for (int i = 0; i < 3; i++) {
		closep(&k->fds[i]);
		if (r == 0 && k->relay[i].to >= 0)
			r = relay_start(&k->relay[i]);
	}
	return r;
}

static int await(struct call *k, struct err *err)
{
	CLEANUP_FREE char *buffer = xmalloc(CALL_MESSAGE_MAX);
	struct call_msg m;
	bool begun = false;

	for (;;) {
		CLEANUP_FDSET struct fdset fds = FDSET_INIT;
		int r = call_recv(k->sock, buffer, &m, &fds);

		if (r <= 0)
			return err_set(err, r ? r : -ECONNRESET, "", "the daemon has gone");
		if (m.kind == CALL_STREAM && fds.n == 1)
			return serve_stream(k, fdset_take(&fds, 0), err);
		if (m.kind == CALL_EXIT) {
			if (*m.name || (!begun && m.value == CALL_STATUS_REFUSED))
				err_set(err, 0, "", "%s", m.name);
			return m.value & 0xff;
		}
		r = m.kind == CALL_BEGUN ? begin(k) : -EPROTO;
		if (r < 0)
			return err_set(err, r, "", "the service cannot be used: %s", strerror(-r));
		if (k->c->no_wait)
			return 0;
		begun = true;
	}
}

static int start(struct call *k, struct err *err)
{
	struct call_msg m = { .kind = CALL_RUN, .value = k->c->no_wait ? CALL_NO_WAIT : 0, .name = k->c->target,
			      .user = k->c->user, .service = k->c->service };
	int r;

	k->sock = sock_connect_type(k->c->socket, SOCK_SEQPACKET);
	if (k->sock < 0)
		return err_set(err, k->sock, "", "cannot connect to '%s': %s", k->c->socket, strerror(-k->sock));
	r = prepare_all(k);
	if (r == 0)
		r = call_send(k->sock, &m, k->fds, 3);
	return r < 0 ? err_set(err, r, "", "cannot call the service: %s", strerror(-r)) : 0;
}

int caller_run(const struct caller *c, struct err *err)
{
	struct call k = { .c = c, .sock = -1, .fds = { -1, -1, -1 } };
	int r;

	for (int i = 0; i < 3; i++)
		k.relay[i].from = k.relay[i].to = k.relay[i].stop = -1;
	r = start(&k, err);
	if (r == 0)
		r = await(&k, err);
	/* The service is over, but what it said may still be under way. */
	for (int i = 0; i < 3; i++) {
		closep(&k.fds[i]);
		relay_join(&k.relay[i], i == 0 || r < 0 || c->no_wait);
	}
	closep(&k.sock);
	return r;
}

char *caller_socket(struct err *err)
{
	const char *where = getenv("QVM_ENDPOINT");
	const char *path = where ? skip_prefix(where, "unix:") : NULL;

	if (path && *path)
		return xasprintf("%s" CALL_SOCKET_SUFFIX, path);
	if (access(CALL_QUBE_SOCKET, F_OK) == 0)
		return xstrdup(CALL_QUBE_SOCKET);
	err_set(err, -ENOENT, "", "there is no lab here: QVM_ENDPOINT is not unix:PATH");
	return NULL;
}
