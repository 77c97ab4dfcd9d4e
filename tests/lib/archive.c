/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes, verifies and unpacks backups for tests, with nothing above the archive. A directory DIR stands for the
 * data: DIR/QUBE/FILE; qubes get the numbers 1, 2, ... in order of their names, *.img are volumes, DIR/dom0 is the
 * home of a user of that name in dom0.
 * usage: archive write DIR BACKUP | verify BACKUP [QUBE...] | unpack BACKUP DIR [QUBE...]
 * Environment: PASSPHRASE FILTER CHUNK LOGN JOBS MEMORY BACKUP_ID, for reading FORCED_FILTER KEY_MEMORY, TREE_DIR
 * (into which dom0's home is unpacked; without it, DIR/dom0/user gets the tar)
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "archive/reader.h"
#include "archive/writer.h"
#include "base/mem.h"
#include "base/num.h"
#include "os/io.h"

static const char *text(const char *name)
{
	const char *s = getenv(name);

	return s && *s ? s : NULL;
}

static uint64_t number(const char *name)
{
	uint64_t n = 0;

	if (text(name) && num_u64(text(name), &n) < 0)
		errx(2, "%s is no number", name);
	return n;
}

static const char *passphrase(void)
{
	return text("PASSPHRASE") ? text("PASSPHRASE") : "test pass \xc3\xa4\xc3\xb6";
}

static void names_in(const char *dir, struct strv *ret)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	if (!d)
		err(2, "%s", dir);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			strv_add(ret, e->d_name);
	closedir(d);
	strv_sort(ret);
}

/* ---- writing ---- */

static void describe(struct backup_qubes *all, const char *dir, const char *name, unsigned id)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, name);
	CLEANUP_STRV struct strv files = STRV_INIT;
	bool home = streq(name, "dom0");
	struct backup_qube *q = backup_qubes_add(all, name, home ? "AdminVM" : "AppVM");

	q->id = id;
	q->included = true;
	q->path = home ? xstrdup("dom0-home/user") : xasprintf("vm%u/", id);
	pairs_add(&q->props, "label", "red");
	if (home) {
		backup_qube_add_file(q, "user", 0);
		return;
	}
	names_in(path, &files);
	for (size_t i = 0; i < files.n; i++) {
		CLEANUP_FREE char *file = xasprintf("%s/%s", path, files.v[i]);
		struct stat st;

		if (stat(file, &st) < 0)
			err(2, "%s", file);
		backup_qube_add_file(q, files.v[i], (uint64_t)st.st_size);
		q->size += (uint64_t)st.st_size;
	}
}

static int write_file(struct archive_writer *w, const char *path, const char *file, struct err *why)
{
	CLEANUP_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC);
	CLEANUP_BUF struct buf b = BUF_INIT;
	size_t n = strlen(path);

	if (fd < 0)
		err(2, "%s", file);
	if (n > 4 && streq(path + n - 4, ".img"))
		return archive_writer_volume(w, path, fd, why);
	if (read_all(fd, &b, 1 << 20) < 0)
		errx(2, "%s: cannot be read", file);
	return archive_writer_data(w, path, b.data, b.len, why);
}

static int write_qubes(struct archive_writer *w, const struct backup_qubes *all, const char *dir, struct err *why)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->n; i++) {
		const struct backup_qube *q = &all->v[i];
		CLEANUP_FREE char *home = xasprintf("%s/%s", dir, q->name);

		if (streq(q->class, "AdminVM")) {
			r = archive_writer_tree(w, q->path, home, why);
			continue;
		}
		for (size_t k = 0; r == 0 && k < q->n_files; k++) {
			CLEANUP_FREE char *path = xasprintf("%s%s", q->path, q->files[k].name);
			CLEANUP_FREE char *file = xasprintf("%s/%s", home, q->files[k].name);

			r = write_file(w, path, file, why);
		}
	}
	return r < 0 ? r : archive_writer_finish(w, why);
}

static int write_backup(const char *dir, const char *backup)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	CLEANUP_ARCHIVE_WRITER struct archive_writer *w = NULL;
	CLEANUP_STRV struct strv names = STRV_INIT;
	CLEANUP_ERR struct err why = ERR_INIT;
	CLEANUP_CLOSE int fd = open(backup, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct archive_write_options o = {
		.passphrase = passphrase(), .backup_id = text("BACKUP_ID"), .filter = text("FILTER"),
		.logn = (unsigned)number("LOGN"), .jobs = (unsigned)number("JOBS"), .memory = number("MEMORY"),
		.chunk = number("CHUNK"),
	};

	names_in(dir, &names);
	for (size_t i = 0; i < names.n; i++)
		describe(&all, dir, names.v[i], streq(names.v[i], "dom0") ? 0 : (unsigned)i + 1);
	if (archive_writer_new(&w, fd, &o, &all, &why) < 0 || write_qubes(w, &all, dir, &why) < 0)
		errx(1, "%s", why.text);
	return 0;
}

/* ---- reading ---- */

struct unpack {
	const char *dir; /* NULL: nothing is unpacked */
	int fd;
};

static int on_begin(void *data, const struct archive_file *f, struct err *why)
{
	struct unpack *u = data;
	CLEANUP_FREE char *path = xasprintf("%s/%s", u->dir, f->qube->name);

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		err(2, "%s", path);

	CLEANUP_FREE char *file = xasprintf("%s/%s", path, f->name);

	u->fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (u->fd < 0 || ftruncate(u->fd, (off_t)f->size) < 0)
		err(2, "%s", file);
	return 1;
}

static int on_piece(void *data, uint64_t offset, const void *p, size_t n, struct err *why)
{
	const struct unpack *u = data;

	return pwrite(u->fd, p, n, (off_t)offset) == (ssize_t)n ? 0 : -errno;
}

static int on_end(void *data, const struct archive_file *f, const char *why, struct err *e)
{
	struct unpack *u = data;

	closep(&u->fd);
	return 0;
}

static void show(const struct archive_reader *r)
{
	size_t n;
	const struct archive_verdict *v = archive_reader_verdicts(r, &n);
	const struct strv *problems = archive_reader_problems(r);

	for (size_t i = 0; i < n; i++) {
		printf("%s: %s, %u files, %llu bytes\n", v[i].qube->name, v[i].problems.n ? "DAMAGED" : "whole",
		       v[i].files, (unsigned long long)v[i].bytes);
		for (size_t k = 0; k < v[i].problems.n; k++)
			printf("  %s\n", v[i].problems.v[k]);
	}
	for (size_t i = 0; i < problems->n; i++)
		printf("%s\n", problems->v[i]);
}

static int read_backup(const char *backup, const char *dir, char **qubes)
{
	CLEANUP_ARCHIVE_READER struct archive_reader *r = NULL;
	CLEANUP_STRV struct strv names = STRV_INIT;
	CLEANUP_ERR struct err why = ERR_INIT;
	CLEANUP_CLOSE int fd = streq(backup, "-") ? dup(0) : open(backup, O_RDONLY | O_CLOEXEC);
	struct unpack u = { .dir = dir, .fd = -1 };
	struct archive_sink sink = { on_begin, on_piece, on_end, &u };
	struct archive_read_options o = {
		.passphrase = passphrase(), .forced_filter = text("FORCED_FILTER"), .jobs = (unsigned)number("JOBS"),
		.memory = number("MEMORY"), .key_memory_max = number("KEY_MEMORY"), .tree_dir = text("TREE_DIR"),
	};
	int status;

	for (; *qubes; qubes++)
		strv_add(&names, *qubes);
	status = archive_reader_open(&r, fd, &o, &why);
	if (status < 0)
		errx(status == -EACCES ? 3 : 1, "%s", why.text);
	status = archive_reader_run(r, names.n ? &names : NULL, dir ? &sink : NULL, &why);
	show(r);
	if (status < 0)
		errx(1, "%s", why.text);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && streq(argv[1], "write"))
		return write_backup(argv[2], argv[3]);
	if (argc >= 3 && streq(argv[1], "verify"))
		return read_backup(argv[2], NULL, argv + 3);
	if (argc >= 4 && streq(argv[1], "unpack"))
		return read_backup(argv[2], argv[3], argv + 4);
	errx(2, "usage: archive write DIR BACKUP | verify BACKUP [QUBE...] | unpack BACKUP DIR [QUBE...]");
}
