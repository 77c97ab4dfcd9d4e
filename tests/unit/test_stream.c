/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream of events: split writes, an end, an exception on it, one that is opened again after it was lost, an event
 * without an end, bytes that are no event, and an end at every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/stream.h"
#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"

#define BYTES(s) (s), sizeof(s) - 1

static const char established[] = "1\0\0connection-established\0"; /* and the literal's NUL ends it */
static const char changed[] = "1\0work\0property-set:memory\0name\0memory\0";

static char dir[] = "/tmp/qvm-test-stream-XXXXXX";
static char *path;
static pid_t server;

/* Says no more until the client has gone. */
static void linger(int client)
{
	poll(&(struct pollfd){.fd = client}, 1, -1); /* POLLHUP */
}

/*
 * Connections in turn: an event byte by byte and the end; an exception behind an event; events and silence; an event
 * that does not end; an event, bytes that begin no event, and silence; then two events, a byte more of them each time,
 * and the end.
 */
static void serve(int fd)
{
	signal(SIGPIPE, SIG_IGN);
	for (int turn = 0;; turn++) {
		int client = accept(fd, NULL, NULL);
		struct buf request = BUF_INIT;

		read_all(client, &request, 65536);
		buf_release(&request);
		if (turn >= 5) {
			size_t n = (size_t)turn - 5, first = n < sizeof established ? n : sizeof established;

			write_all(client, established, first);
			write_all(client, changed, n - first);
			close(client);
			continue;
		}
		for (size_t i = 0; i < sizeof established; i++)
			write_all(client, established + i, 1);
		if (turn == 1)
			write_all(client, BYTES("2\0QubesVMNotRunningError\0\0gone\0"));
		if (turn == 2) {
			write_all(client, changed, sizeof changed);
			linger(client);
		}
		if (turn == 4) {
			write_all(client, BYTES("1x"));
			linger(client);
		}
		while (turn == 3 && write_all(client, changed, sizeof changed - 1) == 0)
			;
		close(client);
	}
}

static int start(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	path = xasprintf("%s/sock", dir);

	int fd = sock_listen(path, 0600);

	server = fork();
	if (server == 0)
		serve(fd);
	close(fd);

	CLEANUP_FREE char *endpoint = xasprintf("unix:%s", path);

	return setenv("QVM_ENDPOINT", endpoint, 1);
}

static int stop(void **state)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(path);
	free(path);
	return rmdir(dir);
}

static void lost(void *data, const struct err *why)
{
	++*(int *)data;
}

static void expect_event(struct event *e, const char *name)
{
	assert_string_equal(e->name, name);
	event_release(e);
}

static void streams(void **state)
{
	struct admin a;
	struct event e = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	struct stream *s = NULL;
	int times_lost = 0;

	assert_int_equal(admin_init(&a, &err), 0);

	assert_int_equal(stream_open(&a, "dom0", "admin.Events", &s, &err), 0);
	assert_int_equal(stream_next(s, -1, &e, &err), 1);
	expect_event(&e, "connection-established");
	assert_int_equal(stream_next(s, -1, &e, &err), -EPIPE);
	stream_close(s);

	s = NULL;
	assert_int_equal(stream_follow(&a, "dom0", "admin.Events", &s, 0, lost, &times_lost, &e), 1);
	expect_event(&e, "connection-established");
	assert_int_equal(stream_follow(&a, "dom0", "admin.Events", &s, 0, lost, &times_lost, &e), 1);
	expect_event(&e, "connection-established");
	assert_int_equal(times_lost, 1);
	assert_int_equal(stream_follow(&a, "dom0", "admin.Events", &s, 0, lost, &times_lost, &e), 1);
	assert_string_equal(e.subject, "work");
	assert_string_equal(event_get(&e, "name"), "memory");
	expect_event(&e, "property-set:memory");
	assert_int_equal(stream_follow(&a, "dom0", "admin.Events", &s, now_ns() + 20000000, lost, &times_lost, &e), 0);
	assert_int_equal(times_lost, 1);
	stream_close(s);

	assert_int_equal(stream_open(&a, "dom0", "admin.Events", &s, &err), 0);
	assert_int_equal(stream_next(s, -1, &e, &err), 1);
	expect_event(&e, "connection-established");
	assert_int_equal(stream_next(s, -1, &e, &err), -EMSGSIZE);
	assert_string_equal(err.text, "Message too long");
	stream_close(s);
	admin_release(&a);
}

static void no_event(void **state)
{
	struct admin a;
	struct event e = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STREAM struct stream *s = NULL;

	assert_int_equal(admin_init(&a, &err), 0);
	assert_int_equal(stream_open(&a, "dom0", "admin.Events", &s, &err), 0);
	assert_int_equal(stream_next(s, -1, &e, &err), 1);
	expect_event(&e, "connection-established");
	/* Nothing that comes can make an event of it: it is not waited for. */
	assert_int_equal(stream_next(s, -1, &e, &err), -EBADMSG);
	assert_string_equal(err.text, "Invalid response format");
	admin_release(&a);
}

static void every_byte(void **state)
{
	struct admin a;

	assert_int_equal(admin_init(&a, NULL), 0);
	for (size_t n = 0; n <= sizeof established + sizeof changed; n++) {
		struct event e = {0};
		CLEANUP_ERR struct err err = ERR_INIT;
		CLEANUP_STREAM struct stream *s = NULL;
		bool whole = n == 0 || n == sizeof established || n == sizeof established + sizeof changed;

		assert_int_equal(stream_open(&a, "dom0", "admin.Events", &s, &err), 0);
		if (n >= sizeof established) {
			assert_int_equal(stream_next(s, -1, &e, &err), 1);
			expect_event(&e, "connection-established");
		}
		if (n == sizeof established + sizeof changed) {
			assert_int_equal(stream_next(s, -1, &e, &err), 1);
			expect_event(&e, "property-set:memory");
		}
		assert_int_equal(stream_next(s, -1, &e, &err), whole ? -EPIPE : -EREMOTEIO);
		if (!whole)
			assert_string_equal(err.text, "Invalid response format");
	}
	admin_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(streams), cmocka_unit_test(no_event),
					   cmocka_unit_test(every_byte)};

	return cmocka_run_group_tests(tests, start, stop);
}
