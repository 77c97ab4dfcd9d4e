/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qfile streams: the reference's example both ways, each rule of the receiver, results (backup-policy-clock 7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/qfile_receive.h"
#include "archive/qfile_send.h"
#include "base/mem.h"
#include "os/io.h"

#define TIME 0x6553f100u

static const uint8_t example_head[] = {
	0x02, 0, 0, 0, 0xed, 0x41, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf1, 0x53, 0x65, 0, 0, 0, 0, 0, 0xf1, 0x53, 0x65,
	0, 0, 0, 0, 'd', 0,
};
static const uint8_t example_result[] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0xad, 0x5b, 0xa6, 0x5a, 0, 0, 0, 0, 1, 0, 0, 0, 'd',
};

/* ---- streams ---- */

static void add(struct buf *b, const char *name, unsigned mode, const void *data, uint64_t len)
{
	struct qfile_header h = {(uint32_t)strlen(name) + 1, mode, len, TIME, 0, TIME, 0};

	qfile_header_swap(&h);
	buf_add(b, &h, sizeof h);
	buf_add(b, name, strlen(name) + 1);
	if (data)
		buf_add(b, data, len);
}

static void add_end(struct buf *b)
{
	buf_add(b, &(struct qfile_header){0}, sizeof(struct qfile_header));
}

static void add_example(struct buf *b)
{
	add(b, "d", S_IFDIR | 0755, NULL, 0);
	add(b, "d/a.txt", S_IFREG | 0644, "hello\n", 6);
	add(b, "d/l", S_IFLNK | 0777, "a.txt", 5);
	add(b, "d", S_IFDIR | 0755, NULL, 0);
	add_end(b);
}

/* A memory that gives few bytes at a time. */
struct memory {
	const char *p;
	size_t n, step;
};

static ssize_t memory_read(void *data, void *p, size_t n, struct err *err)
{
	struct memory *m = data;

	n = n < m->step ? n : m->step;
	n = n < m->n ? n : m->n;
	if (n)
		memcpy(p, m->p, n);
	m->p += n;
	m->n -= n;
	return (ssize_t)n;
}

/* ---- directories ---- */

/* A place with "in", where files go, and "secret" beside it. */
struct place {
	char path[64];
	int in;
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof *p);
	CLEANUP_CLOSE int top = -1, secret = -1;

	memcpy(p->path, "/tmp/test_qfile.XXXXXX", sizeof "/tmp/test_qfile.XXXXXX");
	assert_non_null(mkdtemp(p->path));
	top = open(p->path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(mkdirat(top, "in", 0700), 0);
	secret = openat(top, "secret", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(secret, "s", 1), 1);
	p->in = openat(top, "in", O_RDONLY | O_DIRECTORY);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char *const argv[] = {"rm", "-rf", p->path, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execvp("rm", argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	close(p->in);
	free(p);
	return 0;
}

static uint32_t receive(struct place *p, const struct buf *b, size_t step, const struct qfile_receive_options *o,
			struct qfile_result *ret)
{
	static const struct qfile_receive_options none;
	struct memory m = {buf_str(b), b->len, step};
	struct source in = {memory_read, &m};
	struct qfile_result result;

	qfile_receive(&in, p->in, o ? o : &none, &result);
	if (ret)
		*ret = result;
	else
		buf_release(&result.name);
	return result.code;
}

/* Beside "in" nothing has changed. */
static void check_outside(const struct place *p)
{
	CLEANUP_CLOSE int top = open(p->path, O_RDONLY | O_DIRECTORY);
	struct stat st;

	assert_int_equal(fstatat(top, "secret", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, 1);
	assert_int_equal(fstatat(top, "evil", &st, AT_SYMLINK_NOFOLLOW), -1);
}

static bool exists(const struct place *p, const char *name)
{
	struct stat st;

	return fstatat(p->in, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- the example ---- */

static void example_received(void **state)
{
	struct place *p = *state;
	CLEANUP_BUF struct buf b = BUF_INIT, out = BUF_INIT;
	struct qfile_result result;
	struct stat st;
	char target[16] = "";

	add_example(&b);
	assert_int_equal(b.len, 187);
	assert_memory_equal(b.data, example_head, sizeof example_head);
	assert_int_equal(receive(p, &b, 7, NULL, &result), 0);
	qfile_result_encode(&out, &result);
	assert_int_equal(out.len, sizeof example_result);
	assert_memory_equal(out.data, example_result, sizeof example_result);
	buf_release(&result.name);

	assert_int_equal(fstatat(p->in, "d", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(st.st_mtim.tv_sec, TIME);
	assert_int_equal(fstatat(p->in, "d/a.txt", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_size, 6);
	assert_int_equal(st.st_mtim.tv_sec, TIME);
	assert_int_equal(readlinkat(p->in, "d/l", target, sizeof target), 5);
	assert_string_equal(target, "a.txt");
	/* Again: the file is in the way. */
	assert_int_equal(receive(p, &b, 4096, NULL, &result), EEXIST);
	assert_string_equal(buf_str(&result.name), "d/a.txt");
	buf_release(&result.name);
	check_outside(p);
}

/* ---- rules ---- */

static void rules(void **state)
{
	static const struct {
		const char *name;
		unsigned mode;
		const char *data;
		uint32_t code;
	} rows[] = {
		{"../evil", S_IFREG | 0600, "x", EILSEQ},
		{"/tmp/evil", S_IFREG | 0600, "x", EILSEQ},
		{"/", S_IFDIR | 0700, "", EILSEQ},
		{"", S_IFREG, "x", EILSEQ},
		{".", S_IFDIR | 0777, "", EILSEQ},
		{"..", S_IFDIR | 0777, "", EILSEQ},
		{"d/../../evil", S_IFREG, "x", EILSEQ},
		{"d/./x", S_IFREG, "x", EILSEQ},
		{"d//x", S_IFREG, "x", EILSEQ},
		{"d/", S_IFDIR | 0700, "", EILSEQ},
		{"x/..", S_IFREG, "x", EILSEQ},
		{"a\nb", S_IFREG, "x", EILSEQ},
		{"a\033[2Jb", S_IFREG, "x", EILSEQ},
		{"a\xff", S_IFREG, "x", EILSEQ},
		{"a\xe2\x80\xae" "b", S_IFREG, "x", EILSEQ},
		{"a\xc2\x9b", S_IFREG, "x", EILSEQ},
		{"nodir/x", S_IFREG, "x", ENOENT},
		{"l", S_IFLNK, "x", ENOLINK},
		{"d/l1", S_IFLNK, "../secret", ENOLINK},
		{"d/l2", S_IFLNK, "/etc/passwd", ENOLINK},
		{"d/l3", S_IFLNK, "x/../../y", ENOLINK},
		{"d/l4", S_IFLNK, "", ENOLINK},
		{"d/l5", S_IFLNK, "a\033b", EILSEQ},
		{"d/e/l6", S_IFLNK, "../../secret", ENOLINK},
		{"d/out/evil", S_IFREG, "x", ENOTDIR},
		{"d/out", S_IFDIR | 0777, "", ENOTDIR},
		{"d/out", S_IFREG, "x", EEXIST},
		{"d/f", S_IFREG, "x", EEXIST},
		{"d/f", S_IFDIR | 0700, "", ENOTDIR},
		{"d/f/x", S_IFREG, "x", ENOTDIR},
		{"d/f", S_IFLNK, "x", EEXIST},
		{"d", S_IFREG, "x", EEXIST},
		{"sda", S_IFBLK | 0600, "", EINVAL},
		{"null", S_IFCHR | 0666, "", EINVAL},
		{"fifo", S_IFIFO | 0666, "", EINVAL},
		{"sock", S_IFSOCK | 0666, "", EINVAL},
		{"zero", 0, "", EINVAL},
		{"dir", S_IFDIR | 0700, "data", EINVAL},
		/* These are fine. */
		{"plain", S_IFREG | 0644, "x", 0},
		{"\xc3\xa9t\xc3\xa9 \xe2\x82\xac", S_IFREG | 0644, "", 0},
		{"d/e/ok", S_IFLNK, "../f", 0},
		{"d/e/ok2", S_IFLNK, "./..//f", 0},
		{"d/ok3", S_IFLNK, "e/f", 0},
		{"d/..x", S_IFREG | 0600, "x", 0},
	};
	struct place *p = *state;

	assert_int_equal(mkdirat(p->in, "d", 0700), 0);
	assert_int_equal(mkdirat(p->in, "d/e", 0700), 0);
	assert_int_equal(symlinkat("../..", p->in, "d/out"), 0);
	close(openat(p->in, "d/f", O_WRONLY | O_CREAT, 0600));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_BUF struct buf b = BUF_INIT;
		struct qfile_result result;

		add(&b, rows[i].name, rows[i].mode, rows[i].data, strlen(rows[i].data));
		add_end(&b);
		receive(p, &b, 1 + i % 40, NULL, &result);
		if (result.code != rows[i].code)
			fail_msg("%s: %u, not %u", rows[i].name, result.code, rows[i].code);
		/* The name is said in any case. */
		assert_int_equal(result.name.len, strlen(rows[i].name));
		buf_release(&result.name);
		check_outside(p);
	}
}

/* Links that the stream itself makes lead its own files nowhere. */
static void through_own_links(void **state)
{
	struct place *p = *state;
	const struct qfile_receive_options any = {.unsafe_links = true};
	CLEANUP_BUF struct buf b = BUF_INIT;

	add(&b, "d", S_IFDIR | 0700, NULL, 0);
	add(&b, "d/up", S_IFLNK | 0777, "../..", 5);
	add(&b, "d/up/evil", S_IFREG | 0600, "x", 1);
	add_end(&b);
	assert_int_equal(receive(p, &b, 4096, &any, NULL), ENOTDIR);
	assert_true(exists(p, "d/up"));
	check_outside(p);
}

static void damage(void **state)
{
	struct place *p = *state;
	CLEANUP_BUF struct buf whole = BUF_INIT;
	struct qfile_result result;

	add_example(&whole);
	/* Cut at every byte: within an entry, or before one. */
	for (size_t n = 0; n < whole.len; n++) {
		struct buf b = {.data = whole.data, .len = n};
		const size_t starts[] = {0, 34, 80, 121, 155};
		uint32_t want = QFILE_ENDED_EARLY;

		for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
			if (n == starts[i])
				want = EREMOTEIO;
		unlinkat(p->in, "d/a.txt", 0);
		unlinkat(p->in, "d/l", 0);
		if (receive(p, &b, 4096, NULL, NULL) != want)
			fail_msg("cut at %zu", n);
		/* What is not whole is not there. */
		assert_int_equal(exists(p, "d/a.txt"), n >= 80);
	}
	/* A name that is too long is not said. */
	{
		CLEANUP_BUF struct buf b = BUF_INIT;
		struct qfile_header h = {QFILE_NAME_MAX + 1, S_IFREG, 0, 0, 0, 0, 0};

		add(&b, "first", S_IFREG | 0600, "", 0);
		qfile_header_swap(&h);
		buf_add(&b, &h, sizeof h);
		assert_int_equal(receive(p, &b, 4096, NULL, &result), ENAMETOOLONG);
		assert_int_equal(result.name.len, 0);
		buf_release(&result.name);
	}
}

static void numbers(void **state)
{
	static const struct {
		struct qfile_header h;
		uint32_t code;
	} rows[] = {
		{{2, S_IFREG | 0600, 0, 1, 1000000000, 1, 0}, EINVAL},
		{{2, S_IFREG | 0600, 0, 1, 0, 1, UINT32_MAX}, EINVAL},
		{{2, S_IFREG | 0600, UINT64_MAX, 1, 0, 1, 0}, QFILE_ENDED_EARLY},
		{{2, S_IFLNK, 16384, 1, 0, 1, 0}, ENAMETOOLONG},
		{{2, S_IFLNK, UINT64_MAX, 1, 0, 1, 0}, ENAMETOOLONG},
		{{UINT32_MAX, S_IFREG, 0, 1, 0, 1, 0}, ENAMETOOLONG},
		{{1, S_IFREG, 0, 1, 0, 1, 0}, EILSEQ},
		{{3, S_IFREG, 0, 1, 0, 1, 0}, EILSEQ}, /* a NUL within */
	};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_BUF struct buf b = BUF_INIT;
		struct qfile_header h = rows[i].h;
		uint32_t code;

		qfile_header_swap(&h);
		buf_add(&b, &h, sizeof h);
		buf_add(&b, rows[i].h.namelen == 1 ? "" : "n\0\0", rows[i].h.namelen < 4 ? rows[i].h.namelen : 2);
		code = receive(p, &b, 4096, NULL, NULL);
		if (code != rows[i].code)
			fail_msg("row %zu: %u", i, code);
		assert_false(exists(p, "n"));
	}
}

static void limits(void **state)
{
	struct place *p = *state;
	CLEANUP_BUF struct buf b = BUF_INIT;
	const struct qfile_receive_options files = {.max_files = 4}, bytes = {.max_bytes = 10}, few = {.max_bytes = 11},
					   plain = {.only_files = true}, five = {.max_files = 5};

	add(&b, "a", S_IFREG | 0600, "12345", 5);
	add(&b, "d", S_IFDIR | 0700, NULL, 0);
	add(&b, "d/b", S_IFREG | 0600, "12345", 5);
	add(&b, "d/l", S_IFLNK | 0600, "b", 1);
	add(&b, "d", S_IFDIR | 0700, NULL, 0);
	add_end(&b);
	assert_int_equal(receive(p, &b, 4096, &files, NULL), EDQUOT);
	unlinkat(p->in, "a", 0), unlinkat(p->in, "d/b", 0), unlinkat(p->in, "d/l", 0);
	assert_int_equal(receive(p, &b, 4096, &bytes, NULL), EDQUOT);
	assert_false(exists(p, "d/l"));
	unlinkat(p->in, "a", 0), unlinkat(p->in, "d/b", 0);
	assert_int_equal(receive(p, &b, 4096, &plain, NULL), EINVAL);
	unlinkat(p->in, "a", 0);
	assert_int_equal(receive(p, &b, 4096, &few, NULL), 0);
	unlinkat(p->in, "a", 0), unlinkat(p->in, "d/b", 0), unlinkat(p->in, "d/l", 0);
	assert_int_equal(receive(p, &b, 4096, &five, NULL), 0);
}

static void any_names(void **state)
{
	static const char *const names[] = {"a\nb", "\033[2J", "\xff\xfe", " "};
	const struct qfile_receive_options any = {.any_name = true};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP_BUF struct buf b = BUF_INIT;

		add(&b, names[i], S_IFREG | 0600, "x", 1);
		add_end(&b);
		assert_int_equal(receive(p, &b, 4096, &any, NULL), 0);
		assert_true(exists(p, names[i]));
	}
	CLEANUP_BUF struct buf b = BUF_INIT;

	add(&b, "../evil", S_IFREG | 0600, "x", 1);
	assert_int_equal(receive(p, &b, 4096, &any, NULL), EILSEQ);
	check_outside(p);
}

/* As deep as a name can be: each directory is entered from the one before. */
static void deep(void **state)
{
	const struct qfile_receive_options o = {0};
	struct place *p = *state;
	CLEANUP_BUF struct buf b = BUF_INIT, name = BUF_INIT;

	for (int i = 0; i < 2000; i++) {
		buf_addstr(&name, i ? "/d" : "d");
		add(&b, buf_str(&name), S_IFDIR | 0700, NULL, 0);
	}
	buf_addstr(&name, "/f");
	add(&b, buf_str(&name), S_IFREG | 0600, "x", 1);
	add_end(&b);
	assert_int_equal(receive(p, &b, 1 << 20, &o, NULL), 0);
}

/* ---- results ---- */

static void results_decoded(void **state)
{
	struct qfile_result r;

	qfile_result_decode(&r, example_result, sizeof example_result);
	assert_int_equal(r.code, 0);
	assert_int_equal(r.crc, 0x5aa65bad);
	assert_string_equal(buf_str(&r.name), "d");
	buf_release(&r.name);
	/* Older peers say no name; a length may lie. */
	for (size_t n = QFILE_RESULT_SIZE; n < sizeof example_result; n++) {
		qfile_result_decode(&r, example_result, n);
		assert_int_equal(r.name.len, 0);
		buf_release(&r.name);
	}
	{
		uint8_t lie[22] = {17, [16] = 0xff, 0xff, 0xff, 0xff, 'a', 'b'};

		qfile_result_decode(&r, lie, sizeof lie);
		assert_int_equal(r.code, 17);
		assert_string_equal(buf_str(&r.name), "ab");
		buf_release(&r.name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(example_received, setup, teardown),
		cmocka_unit_test_setup_teardown(rules, setup, teardown),
		cmocka_unit_test_setup_teardown(through_own_links, setup, teardown),
		cmocka_unit_test_setup_teardown(damage, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(limits, setup, teardown),
		cmocka_unit_test_setup_teardown(any_names, setup, teardown),
		cmocka_unit_test_setup_teardown(deep, setup, teardown),
		cmocka_unit_test(results_decoded),
	};

	return cmocka_run_group_tests_name("qfile", tests, NULL, NULL);
}
