/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A qfile stream of any bytes, unpacked into a directory of its own. The first byte says what is allowed, the second
 * how many bytes come at once. Nothing outside of the directory may change; what was taken whole, the sender sends and
 * a second directory gets, with the same checksum.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/qfile_receive.h"
#include "archive/qfile_send.h"
#include "base/mem.h"
#include "os/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *p;
	size_t n, step;
};

static ssize_t bytes_read(void *data, void *p, size_t n, struct err *err)
{
	struct bytes *b = data;

	n = n < b->step ? n : b->step;
	n = n < b->n ? n : b->n;
	if (n)
		memcpy(p, b->p, n);
	b->p += n;
	b->n -= n;
	return (ssize_t)n;
}

/* ---- directories: top/secret stands beside top/in and top/again ---- */

static char *make_top(void)
{
	const char *tmp = getenv("TMPDIR");
	char *top = xasprintf("%s/fuzz_qfile.XXXXXX", tmp && *tmp ? tmp : "/tmp");

	if (!mkdtemp(top))
		abort();
	return top;
}

static int make_dir(int top, const char *name)
{
	if (mkdirat(top, name, 0700) < 0)
		abort();
	return openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void remove_tree(char *path)
{
	FTS *fts = fts_open((char *[]){path, NULL}, FTS_PHYSICAL, NULL);

	for (FTSENT *e; (e = fts_read(fts));) {
		if (e->fts_info == FTS_D) {
			chmod(e->fts_accpath, 0700);
			continue;
		}
		if (remove(e->fts_accpath) < 0)
			abort();
	}
	fts_close(fts);
}

static void make_secret(int top)
{
	CLEANUP_CLOSE int fd = openat(top, "secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fchmod(fd, 0640) < 0 || write_all(fd, "s", 1) < 0)
		abort();
}

static void check_outside(int top)
{
	struct stat st;

	if (fstatat(top, "secret", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_mode != (S_IFREG | 0640) || st.st_size != 1 ||
	    st.st_nlink != 1)
		abort();
}

/* ---- and on to the second directory ---- */

struct second {
	int in, out, dir;
	struct qfile_receive_options o;
};

static void *receive_again(void *data)
{
	struct second *s = data;
	struct fd_stream f = {s->in, "the pipe"};
	struct source in = source_of_fd(&f);
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct qfile_result result;

	qfile_receive(&in, s->dir, &s->o, &result);
	qfile_result_encode(&b, &result);
	buf_release(&result.name);
	write_all(s->out, b.data, b.len);
	closep(&s->out);
	return NULL;
}

static void list(const char *dir, struct strv *ret)
{
	CLEANUP_FREE char *path = xasprintf("%s/in", dir);
	FTS *fts = fts_open((char *[]){path, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	for (FTSENT *e; (e = fts_read(fts));)
		if (e->fts_level == 1 && e->fts_info != FTS_DP) {
			strv_add(ret, e->fts_path);
			fts_set(fts, e, FTS_SKIP);
		}
	fts_close(fts);
}

static void check_round(const char *path, int top, const struct qfile_receive_options *o)
{
	const struct qfile_send_options plain = {0};
	CLEANUP_STRV struct strv paths = STRV_INIT;
	struct second second = {.dir = make_dir(top, "again"), .o = *o};
	struct qfile_survey survey;
	int down[2], up[2];
	pthread_t thread;

	second.o.max_files = 0; /* directories that were announced once are now announced twice */
	list(path, &paths);
	/* A link that only this receiver took, or a file that may not be read. */
	if (paths.n && qfile_look(&paths, false, &survey, NULL) == 0) {
		if (pipe(down) < 0 || pipe(up) < 0)
			abort();
		second.in = down[0];
		second.out = up[1];
		if (pthread_create(&thread, NULL, receive_again, &second) != 0)
			abort();
		if (qfile_send(&down[1], up[0], &paths, &plain, NULL) < 0)
			abort();
		pthread_join(thread, NULL);
		close(down[0]);
		close(up[0]);
	}
	close(second.dir);
}

static void finished(void *data, const char *name)
{
	++*(unsigned *)data;
	if (!*name)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_CLOSE int top = -1, in = -1;
	struct qfile_result result;
	unsigned n = 0;

	if (size < 2)
		return 0;

	struct bytes b = {data + 2, size - 2, (size_t)data[1] + 1};
	struct source source = {bytes_read, &b};
	const struct qfile_receive_options o = {
		.any_name = data[0] & 1,
		.unsafe_links = data[0] & 2,
		.only_files = data[0] & 4,
		.max_bytes = data[0] & 8 ? 1000 : 0,
		.max_files = data[0] & 16 ? 5 : 0,
		.finished = finished,
		.data = &n,
	};

	path = make_top();
	top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	in = make_dir(top, "in");
	make_secret(top);
	qfile_receive(&source, in, &o, &result);
	if (result.name.len >= QFILE_NAME_MAX)
		abort();
	buf_release(&result.name);
	check_outside(top);
	if (!result.code)
		check_round(path, top, &o);
	check_outside(top);
	remove_tree(path);
	return 0;
}
