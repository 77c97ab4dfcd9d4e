/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writer and reader of backups as their callers see them: what has to be announced, callbacks, cancelling, qfile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/outer.h"
#include "archive/reader.h"
#include "archive/spool.h"
#include "archive/writer.h"
#include "base/mem.h"
#include "os/io.h"

#define IMAGE 300000
#define NOTE "a note"

static void announce(struct backup_qubes *all)
{
	struct backup_qube *q = backup_qubes_add(all, "work", "AppVM");

	q->included = true;
	q->path = xstrdup("vm7/");
	backup_qube_add_file(q, "private.img", IMAGE);
	backup_qube_add_file(q, "notes.txt", sizeof NOTE - 1);
	q = backup_qubes_add(all, "other", "AppVM");
	q->included = true;
	q->path = xstrdup("vm8/");
	backup_qube_add_file(q, "empty", 0);
	backup_qubes_add(all, "not-saved", "AppVM");
}

static int image(size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
	assert_int_equal(pwrite(fd, "end", 3, IMAGE - 3), 3);
	return fd;
}

static struct archive_write_options options(void)
{
	return (struct archive_write_options){ .passphrase = "p", .logn = 1, .chunk = 4096, .jobs = 2 };
}

static int new_writer(struct archive_writer **w, int fd, const struct backup_qubes *all, struct err *err)
{
	struct archive_write_options o = options();

	return archive_writer_new(w, fd, &o, all, err);
}

/* A backup in memory. */
static int backup(void)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	CLEANUP_ARCHIVE_WRITER struct archive_writer *w = NULL;
	CLEANUP_CLOSE int img = image(IMAGE);
	int fd = memfd_create("backup", MFD_CLOEXEC);

	announce(&all);
	assert_int_equal(new_writer(&w, fd, &all, NULL), 0);
	assert_int_equal(archive_writer_volume(w, "vm7/private.img", img, NULL), 0);
	assert_int_equal(archive_writer_data(w, "vm7/notes.txt", NOTE, sizeof NOTE - 1, NULL), 0);
	assert_int_equal(archive_writer_data(w, "vm8/empty", NULL, 0, NULL), 0);
	assert_int_equal(archive_writer_finish(w, NULL), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* ---- writing ---- */

static void what_was_announced(void **state)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	CLEANUP_ARCHIVE_WRITER struct archive_writer *w = NULL;
	CLEANUP_CLOSE int img = image(IMAGE), small = image(512), fd = memfd_create("backup", MFD_CLOEXEC);
	CLEANUP_ERR struct err err = ERR_INIT;

	announce(&all);
	assert_int_equal(ftruncate(small, 512), 0);
	assert_int_equal(new_writer(&w, fd, &all, NULL), 0);
	assert_int_equal(archive_writer_data(w, "vm7/notes.txt", NOTE, 6, &err), -EINVAL);
	assert_string_equal(err.text, "vm7/notes.txt: expected vm7/private.img");
	assert_int_equal(archive_writer_volume(w, "vm7/private.img", small, &err), -EINVAL);
	assert_string_equal(err.text, "vm7/private.img: has 512 bytes where 300000 were announced");
	assert_int_equal(archive_writer_volume(w, "vm7/private.img", img, &err), 0);
	assert_int_equal(archive_writer_data(w, "vm7/notes.txt", NOTE, 6, &err), 0);
	assert_int_equal(archive_writer_finish(w, &err), -EINVAL);
	assert_string_equal(err.text, "vm8/empty: was announced and is missing");
	assert_int_equal(archive_writer_data(w, "vm8/empty", "", 0, &err), -EINVAL);
}

static void refused_options(void **state)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	CLEANUP_FREE char *long_one = xcalloc(1026, 1);
	CLEANUP_CLOSE int fd = memfd_create("backup", MFD_CLOEXEC);
	struct archive_write_options o = options();
	struct archive_writer *w = NULL;
	CLEANUP_ERR struct err err = ERR_INIT;
	static const char *const filters[] = { "", "-d", "gzip -9", "../gzip", "no-such-filter" };
	static const char *const passphrases[] = { "a\nb", "a\x7f", "\x1b", "a\tb" };

	announce(&all);
	for (size_t i = 0; i < ARRAY_SIZE(passphrases); i++) {
		o.passphrase = passphrases[i];
		assert_int_equal(archive_writer_new(&w, fd, &o, &all, &err), -EINVAL);
		assert_string_equal(err.text, "the passphrase holds control characters");
	}
	memset(long_one, 'x', 1025);
	assert_int_equal(archive_passphrase_check(long_one, &err), -EINVAL);
	long_one[1024] = '\0';
	assert_int_equal(archive_passphrase_check(long_one, &err), 0);
	o.passphrase = "p";
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		o.filter = filters[i];
		assert_int_equal(archive_writer_new(&w, fd, &o, &all, &err), -EINVAL);
	}
	o.filter = NULL;
	free(all.v[0].path);
	all.v[0].path = xstrdup("../");
	assert_int_equal(archive_writer_new(&w, fd, &o, &all, &err), -EINVAL);
	assert_string_equal(err.text, "../private.img: a name that an archive cannot hold");
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
}

static int cancel(void *data, uint64_t bytes)
{
	return bytes > *(uint64_t *)data;
}

/* A destination that is full, and a caller who has had enough. */
static void ends_early(void **state)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	CLEANUP_ARCHIVE_WRITER struct archive_writer *w = NULL, *full = NULL;
	CLEANUP_CLOSE int img = image(IMAGE), fd = memfd_create("backup", MFD_CLOEXEC);
	CLEANUP_CLOSE int device = open("/dev/full", O_WRONLY | O_CLOEXEC);
	CLEANUP_ERR struct err err = ERR_INIT;
	struct archive_write_options o = options();
	uint64_t most = 10000;

	announce(&all);
	assert_int_equal(new_writer(&full, device, &all, &err), -ENOSPC);
	assert_string_equal(err.text, "cannot write the backup: No space left on device");
	o.progress = cancel;
	o.progress_data = &most;
	for (size_t i = 0; i < IMAGE; i += 4096) /* enough that is no hole */
		assert_int_equal(pwrite(img, "x", 1, (off_t)i), 1);
	assert_int_equal(archive_writer_new(&w, fd, &o, &all, &err), 0);
	assert_int_equal(archive_writer_volume(w, "vm7/private.img", img, &err), -ECANCELED);
	assert_string_equal(err.text, "vm7/private.img: cancelled");
	assert_int_equal(archive_writer_finish(w, &err), -ECANCELED);
}

/* ---- reading ---- */

struct seen {
	struct buf log;
	int fail_in_piece; /* what the callback returns for the image */
	char image[IMAGE];
};

static int on_begin(void *data, const struct archive_file *f, struct err *err)
{
	struct seen *s = data;

	buf_addf(&s->log, "%s %s %s %d %llu\n", f->qube->name, f->path, f->name, f->kind, (unsigned long long)f->size);
	return !streq(f->name, "empty");
}

static int on_piece(void *data, uint64_t offset, const void *p, size_t n, struct err *err)
{
	struct seen *s = data;

	assert_true(offset + n <= sizeof s->image);
	memcpy(s->image + offset, p, n);
	return s->fail_in_piece ? err_set(err, s->fail_in_piece, "", "had enough") : 0;
}

static int on_end(void *data, const struct archive_file *f, const char *why, struct err *err)
{
	struct seen *s = data;

	buf_addf(&s->log, "end %s %s\n", f->path, why ? why : "whole");
	return 0;
}

static int read_it(int fd, struct archive_read_options *o, struct seen *s, struct archive_reader **r, struct err *err)
{
	struct archive_sink sink = { on_begin, on_piece, on_end, s };
	int status;

	o->passphrase = "p";
	status = archive_reader_open(r, fd, o, err);
	return status < 0 ? status : archive_reader_run(*r, NULL, &sink, err);
}

static void callbacks(void **state)
{
	CLEANUP_ARCHIVE_READER struct archive_reader *r = NULL;
	CLEANUP_FREE struct seen *s = xcalloc(1, sizeof *s);
	CLEANUP_CLOSE int fd = backup();
	struct archive_read_options o = {0};
	const struct archive_verdict *v;
	size_t n;

	assert_int_equal(read_it(fd, &o, s, &r, NULL), 0);
	assert_string_equal(buf_str(&s->log), "work vm7/private.img private.img 0 300000\nend vm7/private.img whole\n"
					      "work vm7/notes.txt notes.txt 1 6\nend vm7/notes.txt whole\n"
					      "other vm8/empty empty 1 0\n");
	assert_memory_equal(s->image, NOTE "", 6);
	assert_memory_equal(s->image + IMAGE - 3, "end", 3);
	v = archive_reader_verdicts(r, &n);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].qube->name, "work");
	assert_int_equal(v[0].files, 2);
	assert_int_equal(v[0].bytes, IMAGE + 6);
	assert_int_equal(archive_reader_qubes(r)->n, 3);
	assert_int_equal(archive_reader_header(r)->version, 4);
	buf_release(&s->log);
}

/* A callback that fails ends the run, and the file that was begun is ended. */
static void callback_fails(void **state)
{
	CLEANUP_ARCHIVE_READER struct archive_reader *r = NULL;
	CLEANUP_FREE struct seen *s = xcalloc(1, sizeof *s);
	CLEANUP_CLOSE int fd = backup();
	CLEANUP_ERR struct err err = ERR_INIT;
	struct archive_read_options o = {0};

	s->fail_in_piece = -EDOM;
	assert_int_equal(read_it(fd, &o, s, &r, &err), -EDOM);
	assert_string_equal(err.text, "had enough");
	assert_non_null(strstr(buf_str(&s->log), "\nend vm7/private.img vm7/private.img: not whole after "));
	buf_release(&s->log);
}

static void cancelled(void **state)
{
	struct stat st;

	for (int i = 1; i < 10; i++) {
		CLEANUP_ARCHIVE_READER struct archive_reader *r = NULL;
		CLEANUP_FREE struct seen *s = xcalloc(1, sizeof *s);
		CLEANUP_CLOSE int fd = backup();
		CLEANUP_ERR struct err err = ERR_INIT;
		uint64_t most;
		struct archive_read_options o = { .progress = cancel, .progress_data = &most, .jobs = 1 };

		assert_int_equal(fstat(fd, &st), 0);
		most = (uint64_t)st.st_size * (unsigned)i / 20;
		assert_int_equal(read_it(fd, &o, s, &r, &err), -ECANCELED);
		assert_string_equal(err.text, "cancelled");
		buf_release(&s->log);
	}
}

/* ---- qfile ---- */

static void put_head(struct buf *b, const char *name, unsigned mode, uint64_t size)
{
	uint32_t name_len = name ? (uint32_t)strlen(name) + 1 : 0;
	uint32_t times[4] = {0}, bits = name ? mode : 0;

	buf_add(b, &name_len, 4);
	buf_add(b, &bits, 4);
	buf_add(b, &size, 8);
	buf_add(b, times, 16);
	buf_add(b, name ? name : "", name_len);
}

/* What the service qubes.Restore makes of a backup: directories announced, one entry for each member. */
static void to_qfile(int from, struct buf *b)
{
	struct outer o;

	outer_init(&o, from, false);
	put_head(b, "vm7", 040700, 0);
	while (outer_next(&o, NULL) > 0) {
		char piece[1000];
		ssize_t n;

		put_head(b, o.name, 0100644, o.size);
		while ((n = outer_read(&o, piece, sizeof piece, NULL)) > 0)
			buf_add(b, piece, (size_t)n);
	}
	put_head(b, "vm7", 040700, 0);
	put_head(b, NULL, 0, 0);
	outer_release(&o);
}

static void from_qfile(void **state)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_CLOSE int fd = backup();
	size_t whole;

	to_qfile(fd, &b);
	whole = b.len;
	for (b.len += 1; b.len-- > whole - 40;) {
		CLEANUP_ARCHIVE_READER struct archive_reader *r = NULL;
		CLEANUP_FREE struct seen *s = xcalloc(1, sizeof *s);
		CLEANUP_CLOSE int in = memfd_create("qfile", MFD_CLOEXEC);
		struct archive_read_options o = { .form = ARCHIVE_QFILE };

		assert_int_equal(write_all(in, b.data, b.len), 0);
		assert_int_equal(lseek(in, 0, SEEK_SET), 0);
		assert_int_equal(read_it(in, &o, s, &r, NULL), b.len == whole ? 0 : -EBADMSG);
		buf_release(&s->log);
	}
}

/* ---- members that memory is too small for ---- */

static void spooled(void **state)
{
	struct spool s;
	CLEANUP_ERR struct err err = ERR_INIT;

	assert_int_equal(spool_init(&s, SPOOL_MEMORY + 1, "/tmp", &err), 0);
	assert_true(s.fd >= 0);
	assert_int_equal(spool_put(&s, SPOOL_MEMORY - 3, "end", 4, &err), 0);
	assert_string_equal((char *)s.data + SPOOL_MEMORY - 3, "end");
	spool_release(&s);
	assert_int_equal(spool_init(&s, SPOOL_MEMORY + 1, "/nowhere", &err), -ENOENT);
	assert_string_equal(err.text, "cannot keep a member in /nowhere: No such file or directory");
	spool_release(&s);
	assert_int_equal(spool_init(&s, 3, "/nowhere", &err), 0);
	assert_int_equal(s.fd, -1);
	assert_int_equal(spool_put(&s, 0, "abc", 3, &err), 0);
	assert_memory_equal(s.data, "abc", 3);
	spool_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_announced),
		cmocka_unit_test(refused_options),
		cmocka_unit_test(ends_early),
		cmocka_unit_test(callbacks),
		cmocka_unit_test(callback_fails),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(from_qfile),
		cmocka_unit_test(spooled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
