/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tool is a function of a context: one tool runs again and again in one process, with streams of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../cmd/qvm-tags.c"

#include "base/buf.h"
#include "os/io.h"
#include "os/sock.h"

static char path[] = "/tmp/qvm-test-tool-XXXXXX";
static char *socket_path;
static pid_t server;

/* Answers every request by the same list of tags. */
static int start(void **state)
{
	int fd;

	if (!mkdtemp(path) || asprintf(&socket_path, "%s/sock", path) < 0)
		return -1;
	fd = sock_listen(socket_path, 0600);
	server = fork();
	if (server == 0)
		for (;;) {
			int client = accept(fd, NULL, NULL);
			struct buf b = BUF_INIT;

			read_all(client, &b, 65536);
			buf_release(&b);
			write_all(client, "0\0office\nhome\n", 14);
			close(client);
		}
	close(fd);

	CLEANUP_BUF struct buf endpoint = BUF_INIT;

	buf_addf(&endpoint, "unix:%s", socket_path);
	return setenv("QVM_ENDPOINT", endpoint.data, 1);
}

static int stop(void **state)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(socket_path);
	free(socket_path);
	return rmdir(path);
}

/* Runs the tool with an argument vector; what it wrote must be out and err. */
static void expect_run(char *const argv[], int status, const char *out, const char *err)
{
	char *got_out = NULL, *got_err = NULL;
	size_t out_len, err_len;
	int argc = 0;
	FILE *in = fopen("/dev/null", "r");
	FILE *fo = open_memstream(&got_out, &out_len), *fe = open_memstream(&got_err, &err_len);

	while (argv[argc])
		argc++;
	assert_int_equal(tool_main(&tool, argc, argv, in, fo, fe), status);
	fclose(fo);
	fclose(fe);
	fclose(in);
	assert_string_equal(got_out, out);
	if (err)
		assert_string_equal(got_err, err);
	free(got_out);
	free(got_err);
}

static void twice(void **state)
{
	char *list[] = {(char *)"qvm-tags", (char *)"work", NULL};
	char *json[] = {(char *)"/usr/bin/qvm-tags", (char *)"--json", (char *)"work", (char *)"list", NULL};
	char *calls[] = {(char *)"qvm-tags", (char *)"--calls", (char *)"work", NULL};
	char *wrong[] = {(char *)"qvm-tags", NULL};

	expect_run(list, 0, "home\noffice\n", "");
	expect_run(json, 0, "[\"home\",\"office\"]\n", "");
	expect_run(wrong, 2, "", NULL);
	expect_run(calls, 0, "home\noffice\n", "admin.vm.tag.List work - 0\n");
	expect_run(list, 0, "home\noffice\n", "");
}

static int run_alias(struct ctx *c)
{
	fprintf(c->out, "%s %s\n", c->tool->name, c->prog);
	return STATUS_OK;
}

/* The name that a program is called by decides what it is; an installation may put a prefix before it. */
static void names(void **state)
{
	static const struct tool aliases[] = {
		{.name = "qvm-old", .flags = TOOL_NO_DAEMON, .run = run_alias},
		{.name = "qvm-older", .flags = TOOL_NO_DAEMON, .run = run_alias},
		{},
	};
	static const struct tool named = {.name = "qvm-new", .aliases = aliases};
	static const struct {
		const char *prog;
		const struct tool *t;
	} rows[] = {
		{"qvm-new", &named}, {"qvm-old", &aliases[0]}, {"c-qvm-old", &aliases[0]},
		{"qvm-older", &aliases[1]}, {"qvm-oldest", &named}, {"old", &named}, {"", &named},
	};
	char *argv[] = {(char *)"/opt/bin/c-qvm-old", NULL};
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_ptr_equal(tool_called(&named, rows[i].prog), rows[i].t);
	assert_ptr_equal(tool_called(&aliases[0], "qvm-older"), &aliases[0]);
	assert_int_equal(tool_main(&named, 1, argv, stdin, f, stderr), 0);
	fclose(f);
	assert_string_equal(out, "qvm-old c-qvm-old\n");
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(twice), cmocka_unit_test(names)};

	return cmocka_run_group_tests(tests, start, stop);
}
