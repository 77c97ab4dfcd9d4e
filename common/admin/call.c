/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls over a socket or the qrexec client, many in flight under one poll loop. */
#include "admin/call.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/exc.h"
#include "admin/frame.h"
#include "base/chars.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/num.h"
#include "os/io.h"
#include "os/sock.h"
#include "os/spawn.h"

/* poll() counts milliseconds in an int; longer than this is no limit that anybody would see the end of. */
#define TIMEOUT_MAX (UINT64_C(1000000) * INT32_MAX)

/* A call on its way: descriptors are -1 once they are done. */
struct flight {
	struct call *call;
	struct child child; /* qrexec */
	int in, out, err;   /* to write to, to read from, its stderr; in == out for a socket */
	struct buf request, reply, errors;
	size_t sent;
};

int admin_init(struct admin *a, struct err *err)
{
	const char *timeout = getenv("QVM_TIMEOUT");

	*a = (struct admin){0};
	if (timeout && *timeout && num_seconds(timeout, &a->timeout_ns) < 0)
		return err_set(err, -EINVAL, "", "QVM_TIMEOUT must be a number of seconds, not '%s'", timeout);
	if (a->timeout_ns > TIMEOUT_MAX)
		a->timeout_ns = TIMEOUT_MAX;
	return endpoint_from_env(&a->endpoint, err);
}

void admin_limit(struct admin *a, uint64_t deadline_ns)
{
	uint64_t now = now_ns(), left = deadline_ns > now ? deadline_ns - now : 1;

	if (left > TIMEOUT_MAX)
		left = TIMEOUT_MAX;
	if (!a->timeout_ns || a->timeout_ns > left)
		a->timeout_ns = left;
}

void admin_release(struct admin *a)
{
	endpoint_release(&a->endpoint);
	buf_release(&a->ledger);
	*a = (struct admin){0};
}

void call_release(struct call *c)
{
	err_release(&c->err);
	free(c->raw);
	*c = (struct call){0};
}

void calls_free(struct call *calls, size_t n)
{
	for (size_t i = 0; calls && i < n; i++)
		call_release(&calls[i]);
	free(calls);
}

static int invalid_character(struct call *c, const char *what)
{
	CLEANUP_FREE char *quoted = quote_py(what);

	return err_set(&c->err, -EINVAL, "", "invalid character in %s", quoted);
}

/* Nothing that qrexec or the header could read as something else leaves the process (admin-api 1.11). */
int call_check(const struct admin *a, struct call *c)
{
	const char *arg = c->arg ? c->arg : "";

	for (const char *p = arg; *p; p++)
		if (*p <= ' ' || *p > '~')
			return invalid_character(c, arg);
	if (!*c->dest || !chars_all(c->dest, "A-Za-z0-9_.:-"))
		return invalid_character(c, c->dest);
	if (a->endpoint.kind == ENDPOINT_QREXEC && (!chars_all(arg, "A-Za-z0-9+._-") || *c->dest == '-'))
		return invalid_character(c, *c->dest == '-' ? c->dest : arg);
	return 0;
}

void call_note(struct admin *a, const struct call *c)
{
	struct buf line = BUF_INIT;

	if (!a->keep_ledger && !a->on_call)
		return;
	buf_addf(&line, "%s %s %s %zu", c->method, c->dest, c->arg && *c->arg ? c->arg : "-", c->payload_len);
	if (a->keep_ledger)
		buf_addf(&a->ledger, "%s\n", buf_str(&line));
	if (a->on_call)
		a->on_call(a->on_call_data, buf_str(&line));
	buf_release(&line);
}

static void flight_end(struct flight *f)
{
	if (f->in != f->out)
		closep(&f->in);
	closep(&f->out);
	closep(&f->err);
	child_release(&f->child);
	buf_release(&f->request);
	buf_release(&f->reply);
	buf_release(&f->errors);
	f->call = NULL;
}

static int cannot_connect(struct call *c, int r)
{
	return err_set(&c->err, r, EXC_COMMUNICATION, "Failed to connect to qubesd service: [Errno %d] %s", -r,
		       strerror(-r));
}

/* Nothing to talk to on this machine: say so, and what helps. */
int call_endpoint(const struct admin *a, struct call *c)
{
	const struct endpoint *e = &a->endpoint;

	if (!e->missing)
		return 0;
	return err_set(&c->err, -ENOENT, EXC_COMMUNICATION,
		       "Failed to connect to qubesd service: this is not a Qubes OS system (no /etc/qubes-release, "
		       "no %s); 'qvm-lab COMMAND' runs a command against a system of its own",
		       e->path);
}

int no_answer(const struct admin *a, struct err *err)
{
	return err_set(err, -ETIMEDOUT, EXC_COMMUNICATION, "No answer from qubesd within %g seconds",
		       (double)a->timeout_ns / 1e9);
}

int service_error(struct err *err, struct buf *said)
{
	while (said->len && said->data[said->len - 1] == '\n')
		said->data[--said->len] = '\0';
	return err_set(err, -EACCES, EXC_ACCESS, "Service call error: %s", buf_str(said));
}

/* Connecting takes time only when the server's queue is full. */
static int connect_by(struct admin *a, uint64_t deadline)
{
	uint64_t now;

	if (!deadline)
		return sock_connect(a->endpoint.path, false);
	now = now_ns();
	return now < deadline ? sock_connect_within(a->endpoint.path, deadline - now) : -ETIMEDOUT;
}

static int start_unix(struct admin *a, struct flight *f, bool block, uint64_t deadline)
{
	struct call *c = f->call;
	int fd = connect_by(a, deadline);

	if (fd == -ETIMEDOUT)
		return no_answer(a, &c->err);
	if (fd < 0)
		return cannot_connect(c, fd);
	if (!block)
		set_nonblock(fd, true);
	f->in = f->out = fd;
	request_encode(&f->request, c->method, c->arg, "dom0", c->dest, c->payload, c->payload_len);
	return 0;
}

static int start_qrexec(struct admin *a, struct flight *f)
{
	struct call *c = f->call;
	CLEANUP_FREE char *service =
		c->arg && *c->arg ? xasprintf("%s+%s", c->method, c->arg) : xstrdup(c->method);
	char *argv[] = {a->endpoint.path, (char *)c->dest, service, NULL};
	int flags = SPAWN_STDOUT | SPAWN_STDERR | (c->payload_len ? SPAWN_STDIN : SPAWN_NULL_STDIN);
	int r = spawn(&f->child, argv, flags);

	if (r < 0)
		return cannot_connect(c, r);
	f->in = f->child.in;
	f->out = f->child.out;
	f->err = f->child.err;
	f->child.in = f->child.out = f->child.err = -1;
	if (f->in >= 0)
		set_nonblock(f->in, true);
	set_nonblock(f->out, true);
	set_nonblock(f->err, true);
	buf_add(&f->request, c->payload, c->payload_len);
	return 0;
}

static void stop_writing(struct flight *f)
{
	if (f->in == f->out)
		shutdown(f->in, SHUT_WR);
	else
		close(f->in);
	f->in = -1;
}

/* Writes what goes; a server that refuses early is not an error yet: its reply may say why. */
static void push(struct flight *f)
{
	while (f->sent < f->request.len) {
		const char *from = f->request.data + f->sent;
		size_t left = f->request.len - f->sent;
		ssize_t n = f->in == f->out ? send(f->in, from, left, MSG_NOSIGNAL) : write(f->in, from, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		f->sent += (size_t)n;
	}
	stop_writing(f);
}

/* Reads what is there: true at the end of the stream (or on an error, which ends it too). */
static bool pull(int fd, struct buf *b)
{
	for (;;) {
		char *to = buf_reserve(b, 4096);
		ssize_t n = read(fd, to, b->cap - b->len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0)
			return true;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
	}
}

static void settle(struct flight *f)
{
	struct call *c = f->call;
	size_t off = 0;

	if (f->child.pid > 0) {
		closep(&f->in); /* it may still read */

		int status = child_wait(&f->child);

		if (status != 0) {
			c->result = service_error(&c->err, &f->errors);
			flight_end(f);
			return;
		}
	}
	buf_reserve(&f->reply, 0);
	c->result = reply_decode(f->reply.data, f->reply.len, &off, &c->err);
	if (c->result == 0) {
		c->body_len = f->reply.len - off;
		/* There may be thousands of them: each keeps no more than it is long. */
		c->raw = xreallocarray(buf_steal(&f->reply), off + c->body_len + 1, 1);
		c->body = c->raw + off;
	}
	flight_end(f);
}

/* Begins a call; false when it ended at once with an error. */
static bool launch(struct admin *a, struct flight *f, struct call *c, bool block, uint64_t deadline)
{
	int r;

	*f = (struct flight){.call = c, .child = CHILD_INIT, .in = -1, .out = -1, .err = -1};
	r = call_check(a, c);
	if (r == 0)
		r = call_endpoint(a, c);
	if (r == 0) {
		call_note(a, c);
		r = a->endpoint.kind == ENDPOINT_UNIX ? start_unix(a, f, block, deadline) : start_qrexec(a, f);
	}
	if (r < 0) {
		c->result = r;
		flight_end(f);
		return false;
	}
	if (f->in >= 0)
		push(f);
	return true;
}

/* One turn of the loop over the calls in flight; negative when the deadline has passed. */
static int turn(struct admin *a, struct flight *flights, size_t n, uint64_t deadline)
{
	struct pollfd pfd[3 * ADMIN_IN_FLIGHT + ADMIN_WATCHES];
	size_t used = 0;
	int timeout = -1;

	for (size_t i = 0; i < n; i++) {
		struct flight *f = &flights[i];

		pfd[used++] = (struct pollfd){.fd = f->in == f->out ? -1 : f->in, .events = POLLOUT};
		pfd[used++] = (struct pollfd){
			.fd = f->out, .events = (short)(POLLIN | (f->in >= 0 && f->in == f->out ? POLLOUT : 0))};
		pfd[used++] = (struct pollfd){.fd = f->err, .events = POLLIN};
	}
	used += call_watch(a, &pfd[used]);
	if (deadline) {
		uint64_t now = now_ns();

		if (now >= deadline)
			return -ETIMEDOUT;
		timeout = (int)((deadline - now) / 1000000 + 1);
	}
	if (poll(pfd, used, call_patience(a, timeout)) < 0 && errno != EINTR)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		struct flight *f = &flights[i];
		const struct pollfd *p = &pfd[3 * i];

		if (f->in >= 0 && (p[0].revents || (p[1].revents & (POLLOUT | POLLERR | POLLHUP))))
			push(f);
		if (p[1].revents && pull(f->out, &f->reply)) {
			if (f->in == f->out)
				f->in = -1; /* refused before all was sent */
			close(f->out);
			f->out = -1;
		}
		if (p[2].revents && pull(f->err, &f->errors)) {
			close(f->err);
			f->err = -1;
		}
	}
	call_watched(a, &pfd[3 * n]);
	return 0;
}

static int first_failure(const struct call *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (calls[i].result < 0)
			return calls[i].result;
	return 0;
}

static void give_up(struct admin *a, int why, struct flight *flights, size_t flying, struct call *rest,
		    size_t n_rest)
{
	for (size_t i = 0; i < flying + n_rest; i++) {
		struct call *c = i < flying ? flights[i].call : &rest[i - flying];

		c->result = why == -ETIMEDOUT ? no_answer(a, &c->err)
					      : err_set(&c->err, why, EXC_COMMUNICATION, "%s", strerror(-why));
		if (i < flying)
			flight_end(&flights[i]);
	}
}

/* Without a limit on time, one call on a socket needs no poll: it may simply block. */
static int run_one_blocking(struct admin *a, struct call *c)
{
	struct flight f;

	if (launch(a, &f, c, true, 0)) {
		pull(f.out, &f.reply);
		settle(&f);
	}
	return c->result;
}

/* How many calls at once: what the session says, and what the limit on open files (and so on poll) leaves. */
static size_t most_in_flight(const struct admin *a)
{
	size_t most = a->in_flight				 ? a->in_flight
		      : a->endpoint.kind == ENDPOINT_QREXEC ? ADMIN_IN_FLIGHT_QREXEC
							     : ADMIN_IN_FLIGHT;
	const rlim_t others = 16;
	struct rlimit files;

	if (most > ADMIN_IN_FLIGHT)
		most = ADMIN_IN_FLIGHT;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < others + 3 * most)
		most = files.rlim_cur < others + 3 ? 1 : (size_t)(files.rlim_cur - others) / 3;
	return most;
}

int admin_run(struct admin *a, struct call *calls, size_t n)
{
	bool qrexec = a->endpoint.kind == ENDPOINT_QREXEC;
	size_t most = most_in_flight(a);
	struct flight flights[ADMIN_IN_FLIGHT];
	size_t flying = 0, next = 0;
	uint64_t deadline = a->timeout_ns ? now_ns() + a->timeout_ns : 0;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	int r;

	if (n == 1 && !qrexec && !deadline && !a->on_progress && !a->n_watches)
		return run_one_blocking(a, calls);
	if (qrexec)
		sigaction(SIGPIPE, &ignore, &before);
	while (flying || next < n) {
		while (flying < most && next < n)
			if (launch(a, &flights[flying], &calls[next++], false, deadline))
				flying++;
		if (!flying)
			break;
		r = turn(a, flights, flying, deadline);
		call_progress(a, 0);
		if (r < 0) {
			give_up(a, r, flights, flying, calls + next, n - next);
			break;
		}
		for (size_t i = 0; i < flying;) {
			struct flight *f = &flights[i];

			if (f->out >= 0 || f->err >= 0) {
				i++;
				continue;
			}
			settle(f);
			*f = flights[--flying];
		}
	}
	if (qrexec)
		sigaction(SIGPIPE, &before, NULL);
	return first_failure(calls, n);
}

int admin_call(struct admin *a, struct err *err, const char *dest, const char *method, const char *arg,
	       const char *payload, char **ret_body, size_t *ret_len)
{
	CLEANUP_CALL struct call c = {.dest = dest, .method = method, .arg = arg, .payload = payload,
				      .payload_len = payload ? strlen(payload) : 0};
	int r = admin_run(a, &c, 1);

	if (r < 0) {
		if (err)
			err_move(err, &c.err);
		return r;
	}
	if (ret_len)
		*ret_len = c.body_len;
	if (ret_body) {
		memmove(c.raw, c.body, c.body_len + 1);
		*ret_body = STEAL(c.raw);
	}
	return 0;
}

void property_error(struct err *err, const char *property)
{
	if (streq(err->type, EXC_ACCESS) || err_is(err, "QubesVMNotFoundError"))
		err_set(err, -EACCES, EXC_PROPERTY_ACCESS, "Failed to access '%s' property", property);
}
