/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the lab's qrexec, descriptors along with them, names of services, and words in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "vmif/call.h"
#include "vmif/vmexec.h"

static void test_round_trip(void **state)
{
	CLEANUP_FREE char *buffer = xmalloc(CALL_MESSAGE_MAX);
	struct call_msg m = { .kind = CALL_RUN, .id = 7, .value = -3, .name = "work", .service = "a.B+c" }, got;
	CLEANUP_FDSET struct fdset fds = FDSET_INIT;
	int ends[2], pipes[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(call_send(ends[0], &m, pipes, 2), 0);
	assert_int_equal(call_recv(ends[1], buffer, &got, &fds), 1);
	assert_int_equal(got.kind, CALL_RUN);
	assert_int_equal(got.id, 7);
	assert_int_equal(got.value, -3);
	assert_string_equal(got.name, "work");
	assert_string_equal(got.user, "");
	assert_string_equal(got.service, "a.B+c");
	assert_int_equal(fds.n, 2);
	assert_true(fd_is_pipe(fds.fd[0]) && !fd_is_pipe(ends[0]));
	assert_int_equal(fcntl(fds.fd[0], F_GETFD), FD_CLOEXEC);
	close(ends[0]);
	assert_int_equal(call_recv(ends[1], buffer, &got, &fds), 0);
	close(ends[1]);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_limits(void **state)
{
	CLEANUP_FREE char *buffer = xmalloc(CALL_MESSAGE_MAX), *much = xcalloc(1, CALL_MESSAGE_MAX + 1);
	struct call_msg m = { .kind = CALL_RUN, .name = "x", .user = "y" };
	CLEANUP_FDSET struct fdset fds = FDSET_INIT;
	int ends[2], null = open("/dev/null", O_RDWR);
	const int five[] = { null, null, null, null, null };

	memset(much, 'a', CALL_MESSAGE_MAX);
	m.service = much;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(call_send(ends[0], &m, NULL, 0), -EMSGSIZE);
	assert_int_equal(fdpass_send(ends[0], "x", 1, five, 5), -EINVAL);
	/* what a peer of another kind may send: more bytes than there are in a message */
	assert_int_equal(send(ends[0], much, CALL_MESSAGE_MAX + 1, 0), CALL_MESSAGE_MAX + 1);
	assert_int_equal(call_recv(ends[1], buffer, &m, &fds), -EMSGSIZE);
	assert_int_equal(send(ends[0], "short", 5, 0), 5);
	assert_int_equal(call_recv(ends[1], buffer, &m, &fds), -EPROTO);
	assert_false(fd_is_pipe(null));
	close(null);
	close(ends[0]);
	close(ends[1]);
}

static void test_malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{ "", 0 }, { "\1\0\0\0\0\0\0\0\0\0\0", 11 },
		{ "\1\0\0\0\0\0\0\0\0\0\0\0", 12 },          /* no texts */
		{ "\1\0\0\0\0\0\0\0\0\0\0\0a\0b\0", 16 },    /* two */
		{ "\1\0\0\0\0\0\0\0\0\0\0\0a\0b\0c", 17 },   /* no end */
		{ "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0x", 16 },   /* more behind */
		{ "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15 },    /* kinds that are none */
		{ "\377\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15 },
	};
	struct call_msg m;
	char name[400] = "\1\0\0\0\0\0\0\0\0\0\0\0";

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(call_decode(bad[i].bytes, bad[i].len, &m), -EPROTO);
	assert_int_equal(call_decode("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15, &m), 0);
	memset(name + 12, 'a', CALL_NAME_MAX + 1);
	assert_int_equal(call_decode(name, 12 + CALL_NAME_MAX + 1 + 3, &m), -EPROTO);
}

static void test_services(void **state)
{
	static const char *const good[] = { "a", "qubes.VMShell", "qubes.VMShell+", "a+b+c", "A_b-1.c+-2F" };
	static const char *const bad[] = { "", "+", "+a", ".", "../x", ".x", "a b", "a/b", "a\n", "\303\274", "a+b/c" };
	CLEANUP_FREE char *longest = xcalloc(1, CALL_SERVICE_MAX + 2);

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(call_service_is_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(call_service_is_valid(bad[i]));
	memset(longest, 'a', CALL_SERVICE_MAX);
	assert_true(call_service_is_valid(longest));
	longest[CALL_SERVICE_MAX] = 'a';
	assert_false(call_service_is_valid(longest));
}

/* vm-interface 8.3 */
static void test_vmexec(void **state)
{
	static const struct {
		const char *encoded, *words; /* a blank behind each word; NULL: refused */
	} rows[] = {
		{ "ls+--a+-2Fhome-2Fuser", "ls|-a|/home/user|" }, { "echo++x", "echo||x|" },
		{ "sh+--c+echo-20a-2Bb-3B-20exit-203", "sh|-c|echo a+b; exit 3|" },
		{ "printf+-25s+-C5-BC", "printf|%s|\305\274|" }, { "touch+----+--2F", "touch|--|-2F|" },
		{ "", "|" }, { "+", "||" }, { "a+", "a||" }, { "-2D", "-|" }, { "a._Z9", "a._Z9|" },
		{ "-", NULL }, { "a-", NULL }, { "a-2", NULL }, { "a-2d", NULL }, { "-+-", NULL }, { "a-2+F", NULL },
		{ "-00", NULL }, { "a b", NULL }, { "a/b", NULL }, { "\303", NULL }, { "-G0", NULL }, { "---", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_STRV struct strv words = STRV_INIT;
		CLEANUP_BUF struct buf all = BUF_INIT;
		int r = vmexec_decode(rows[i].encoded, &words);

		assert_int_equal(r, rows[i].words ? 0 : -EINVAL);
		for (size_t k = 0; k < words.n; k++)
			buf_addf(&all, "%s|", words.v[k]);
		if (rows[i].words)
			assert_string_equal(buf_str(&all), rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_limits), cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_services), cmocka_unit_test(test_vmexec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
