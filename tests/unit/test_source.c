/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an import reads: the same bytes that the file has, whatever of it are holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/source.h"

#define SIZE (1 << 20)

static char path[] = "/tmp/qvm-test-source-XXXXXX";
static char content[SIZE];

/* A file of SIZE bytes with data at the places given, the rest holes. */
static int make(const size_t (*data)[2], size_t n)
{
	int fd;

	memcpy(path + sizeof path - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	memset(content, 0, sizeof content);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	for (size_t i = 0; i < n; i++) {
		memset(content + data[i][0], 'a' + (int)i, data[i][1]);
		assert_int_equal(pwrite(fd, content + data[i][0], data[i][1], (off_t)data[i][0]), data[i][1]);
	}
	unlink(path);
	return fd;
}

static void expect_rest(int fd, size_t step, size_t from)
{
	struct source s;
	char *buf = malloc(step);
	const char *next;
	size_t at = from;
	ssize_t n;

	source_begin(&s, fd);
	while ((n = source_read(&s, buf, step, &next)) > 0) {
		assert_true((size_t)n <= step && at + (size_t)n <= SIZE);
		assert_memory_equal(next, content + at, (size_t)n);
		at += (size_t)n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(source_read(&s, buf, step, &next), 0);
	assert_int_equal(at, SIZE);
	free(buf);
}

static void holes(void **state)
{
	static const size_t none[][2] = {{0, 0}}, ends[][2] = {{0, 4096}, {SIZE - 4096, 4096}},
			    middle[][2] = {{65536, 100}, {200000, 300000}}, all[][2] = {{0, SIZE}};
	static const struct {
		const size_t (*data)[2];
		size_t n;
	} rows[] = {{none, 0}, {ends, 2}, {middle, 2}, {all, 1}};
	static const size_t steps[] = {7777, 4096, 65536, 262144, 4 * SIZE};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int fd = make(rows[i].data, rows[i].n);

		for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
			assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
			expect_rest(fd, steps[k], 0);
			assert_int_equal(lseek(fd, 70000, SEEK_SET), 70000);
			expect_rest(fd, steps[k], 70000);
		}
		close(fd);
	}
}

static void reopened(void **state)
{
	static const size_t data[][2] = {{1000, 5000}};
	int fd = make(data, 1), other;
	struct source s;
	char c;

	lseek(fd, 1000, SEEK_SET);
	source_begin(&s, fd);
	other = source_reopen(&s);
	assert_true(other >= 0);
	assert_int_equal(read(other, &c, 1), 1);
	assert_int_equal(c, 'a');
	/* Each has its own position. */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 1000);
	close(other);
	close(fd);
}

static void pipes(void **state)
{
	struct source s;
	const char *next;
	char buf[10];
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "abc", 3), 3);
	close(p[1]);
	source_begin(&s, p[0]);
	assert_int_equal(source_reopen(&s), -1);
	assert_int_equal(source_read(&s, buf, sizeof buf, &next), 3);
	assert_memory_equal(next, "abc", 3);
	assert_int_equal(source_read(&s, buf, sizeof buf, &next), 0);
	close(p[0]);
	source_begin(&s, -1);
	assert_int_equal(source_read(&s, buf, sizeof buf, &next), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes), cmocka_unit_test(reopened), cmocka_unit_test(pipes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
