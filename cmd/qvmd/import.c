/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Import: a volume's content comes with the call, as long as it may be (admin-api 1.9). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvmd/content.h"
#include "qvmd/fill.h"
#include "qvmd/passed.h"
#include "qvmd/server.h"
#include "qvmd/storage_call.h"
#include "qvmd/tree.h"

#define BUFFER (128u << 10) /* larger ones do not fit into the caches, and cost the file system more */
#define SIZE_LINE 21        /* longer is no number */

struct import {
	struct fill fill;
	int in;       /* the connection */
	int file;     /* the data themselves, from a client on this machine; -1: it sends them */
	struct buf head; /* came before the job began */
};

/* ---- events ---- */

void import_began(struct volume *v, int64_t size)
{
	CLEANUP_FREE char *announced = size < 0 ? xstrdup("None") : xasprintf("%lld", (long long)size);

	fire(v->vm->sys, v->vm, "domain-volume-import-begin", "volume", volume_names[v->id], "size", announced,
	     NULL);
}

void import_ended(struct volume *v, bool success)
{
	fire(v->vm->sys, v->vm, "domain-volume-import-end", "volume", volume_names[v->id], "success",
	     success ? "True" : "False", NULL);
}

/* ---- in the thread ---- */

/* The next room bytes, fewer at the end of the payload. */
static ssize_t receive(struct import *i, char *to, size_t room)
{
	size_t have = i->head.len < room ? i->head.len : room;

	memcpy(to, buf_str(&i->head), have);
	buf_consume(&i->head, have);
	while (have < room) {
		ssize_t n = passed_recv(i->in, to + have, room - have, &i->file);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return atomic_load(&i->fill.job.cancelled) ? -ECANCELED : (ssize_t)have;
}

static int lost(struct err *err, int r)
{
	return err_set(err, r, "", "error copying data: %s", strerror(-r));
}

static int too_little(struct err *err, uint64_t done, uint64_t want)
{
	return err_set(err, -EIO, "", "not enough data (copied %llu bytes, expected %llu bytes)",
		       (unsigned long long)done, (unsigned long long)want);
}

static int too_much(struct err *err, uint64_t want)
{
	return err_set(err, -EIO, "", "too much data (expected %llu bytes)", (unsigned long long)want);
}

/*
 * The next piece of the file: its place and length, 0 when there are only holes left. The client shares the position
 * of the descriptor, so it is left where the copying is: that is how the client knows.
 */
static int next_piece(int file, uint64_t *at, size_t *ret)
{
	off_t data = lseek(file, (off_t)*at, SEEK_DATA), hole;

	*ret = 0;
	if (data < 0)
		return errno == ENXIO ? 0 : -errno;
	hole = lseek(file, data, SEEK_HOLE);
	if (hole < 0 || lseek(file, data, SEEK_SET) < 0)
		return -errno;
	*at = (uint64_t)data;
	*ret = hole - data < BUFFER ? (size_t)(hole - data) : BUFFER;
	return 0;
}

/* From at on, as far as there is data and it is wanted; the holes are not even read. */
static int copy_pieces(struct import *i, int fd, char *buffer, uint64_t at)
{
	uint64_t want = i->fill.content.size;
	size_t piece;
	int r = next_piece(i->file, &at, &piece);

	while (r == 0 && piece && at < want) {
		ssize_t n = pread(i->file, buffer, want - at < piece ? want - at : piece, (off_t)at);

		if (n <= 0)
			return n < 0 ? -errno : 0;
		if (atomic_load(&i->fill.job.cancelled))
			return -ECANCELED;
		r = content_write(fd, buffer, (size_t)n, at);
		at += (uint64_t)n;
		if (r == 0)
			r = next_piece(i->file, &at, &piece);
	}
	return r;
}

/* The rest of the payload from the file that it comes from. */
static int copy_file(struct import *i, int fd, char *buffer, uint64_t at, struct err *err)
{
	uint64_t want = i->fill.content.size;
	struct stat st = {0};
	int r = copy_pieces(i, fd, buffer, at);

	if (r == 0 && fstat(i->file, &st) < 0)
		r = -errno;
	if (r < 0)
		return lost(err, r);
	if ((uint64_t)st.st_size < want)
		return too_little(err, (uint64_t)st.st_size, want);
	return (uint64_t)st.st_size > want ? too_much(err, want) : 0;
}

static int write_payload(struct import *i, int fd, char *buffer, struct err *err)
{
	uint64_t want = i->fill.content.size, done = 0;
	ssize_t n = 0;
	int r;

	while (done < want) {
		size_t room = want - done < BUFFER ? (size_t)(want - done) : BUFFER;

		if (i->file >= 0)
			return copy_file(i, fd, buffer, done, err);
		n = receive(i, buffer, room);
		r = n < 0 ? (int)n : content_write(fd, buffer, (size_t)n, done);
		if (r < 0)
			return lost(err, r);
		done += (uint64_t)n;
		if ((size_t)n < room)
			return too_little(err, done, want);
	}
	n = receive(i, buffer, 1);
	if (n > 0)
		return too_much(err, want);
	return n < 0 ? lost(err, (int)n) : 0;
}

static int write_import(struct fill *f, int fd, struct err *err)
{
	struct import *i = (struct import *)f;
	CLEANUP_FREE char *buffer = xmalloc(BUFFER);
	int r = write_payload(i, fd, buffer, err);

	if (r == 0 && (ftruncate(fd, (off_t)f->content.size) < 0 || fdatasync(fd) < 0))
		r = lost(err, -errno);
	return r;
}

/* ---- in the loop ---- */

static void end_import(struct fill *f, struct volume *v, const struct err *err)
{
	if (v)
		import_ended(v, !err);
	if (err)
		req_fail(f->req, "QubesException", "Data import failed: %s", err->text);
	else
		req_ok(f->req, "");
}

static void release_import(struct fill *f)
{
	struct import *i = (struct import *)f;

	closep(&i->in);
	closep(&i->file);
	buf_release(&i->head);
	free(i);
}

static bool may_import(struct req *r, const struct target *t)
{
	return !refuse_running(r, t) && !refuse_fleeting(r, t) && !refuse_busy(r, t);
}

/* size: what will come, -1 for as much as there is now. data: what has come already. */
static void import(struct req *r, const struct target *t, int64_t size, const char *data, size_t len)
{
	struct import *i;
	int in;

	if (!may_import(r, t))
		return;
	in = conn_input(r->conn);
	if (in < 0)
		return req_fail(r, "QubesException", "Data import failed: %s", strerror(errno));
	i = xcalloc(1, sizeof *i);
	i->file = -1;
	i->fill.write = write_import;
	i->fill.end = end_import;
	i->fill.release = release_import;
	fill_init(&i->fill, r, t->v, size < 0 ? t->v->now.size : (uint64_t)size, "an import");
	i->fill.job.wake = i->in = in;
	buf_add(&i->head, data, len);
	import_began(t->v, size);
	fill_start(&i->fill, r->sys);
}

static void handle_import(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};

	if (target_find(r, &t))
		import(r, &t, -1, t.rest, t.len);
}

static void handle_import_with_size(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	const char *end;
	size_t line;
	int64_t size = 0;

	if (!target_find(r, &t))
		return;
	end = memchr(t.rest, '\n', t.len);
	line = end ? (size_t)(end - t.rest) : t.len;
	if (payload_number("Size of new data", t.rest, line < SIZE_LINE ? line : SIZE_LINE, false, &size, &err) < 0)
		return req_fail_err(r, &err);
	line += end != NULL;
	import(r, &t, size, t.rest + line, t.len - line);
}

/* ---- by somebody else, in two steps (admin-api 1.9, 2.16) ---- */

/* A file of this size, for others to write to. Its path on this machine, which the caller frees, or NULL with err. */
static char *make_file(const struct volume *v, const struct content *c, struct err *err)
{
	CLEANUP_FREE char *path = volume_gen_path(v, c->gen), *link = NULL;
	CLEANUP_CLOSE int fd = tree_open(storage_root(v->vm->sys), path, O_RDWR | O_CREAT | O_EXCL);
	char where[PATH_MAX];
	ssize_t n;

	if (fd < 0) {
		err_set(err, fd, "StoragePoolException", "cannot make '%s': %s", path, strerror(-fd));
		return NULL;
	}
	link = xasprintf("/proc/self/fd/%d", fd);
	n = ftruncate(fd, (off_t)c->size) < 0 ? -1 : readlink(link, where, sizeof where);
	if (n >= 0 && (size_t)n < sizeof where)
		return xmemdup0(where, (size_t)n);
	err_set(err, -EIO, "StoragePoolException", "cannot make '%s': %s", path,
		strerror(n < 0 ? errno : ENAMETOOLONG));
	tree_remove(storage_root(v->vm->sys), path);
	return NULL;
}

static void handle_begin(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *path = NULL, *answer = NULL;
	struct content c;
	int64_t size = -1;

	if (!target_find(r, &t))
		return;
	if (t.len && payload_number("Size of new data", t.rest, t.len, false, &size, &err) < 0)
		return req_fail_err(r, &err);
	if (!may_import(r, &t))
		return;
	c.size = c.valid = size < 0 ? t.v->now.size : (uint64_t)size;
	c.gen = volume_next_gen(r->sys);
	path = make_file(t.v, &c, &err);
	if (!path)
		return req_fail_err(r, &err);
	t.v->busy = "an import";
	t.v->incoming = c;
	import_began(t.v, size);
	answer = xasprintf("%llu %s", (unsigned long long)c.size, path);
	req_ok(r, answer);
}

/* Nobody writes to it any more; what lies beyond its size does not count. */
static int sync_file(struct fill *f, int fd, struct err *err)
{
	return ftruncate(fd, (off_t)f->content.size) < 0 || fdatasync(fd) < 0 ? lost(err, -errno) : 0;
}

static void release_fill(struct fill *f)
{
	free(f);
}

static void adopt(struct req *r, struct volume *v, const struct content *c)
{
	struct fill *f = xcalloc(1, sizeof *f);

	f->write = sync_file;
	f->end = end_import;
	f->release = release_fill;
	fill_init(f, r, v, c->size, "an import");
	fill_use(f, v, c);
	fill_start(f, r->sys);
}

static void handle_end(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	struct content c;
	const char *why;

	if (!target_find(r, &t))
		return;
	c = t.v->incoming;
	if (!c.gen)
		return req_fail(r, "StoragePoolException", "Nothing is imported into volume %s", t.vid);
	t.v->incoming = (struct content){0};
	if (t.len == 2 && streq(t.rest, "ok"))
		return adopt(r, t.v, &c);
	why = skip_prefix(t.rest, "fail\n");
	t.v->busy = NULL;
	storage_drop(r->sys, volume_gen_path(t.v, c.gen));
	import_ended(t.v, false);
	req_fail(r, "QubesException", "Data import failed: %s", why ? why : t.rest);
}

#define DATA PART_NEEDED, ACCESS_WRITE

const struct method methods_import[] = {
	{ "admin.vm.volume.Import", "S23N", DEST_ANY, PART_NEEDED, DATA, handle_import, .head_end = "" },
	{ "admin.vm.volume.ImportWithSize", "S23N", DEST_ANY, PART_NEEDED, DATA, handle_import_with_size,
	  .head_end = "\n" },
	{ "admin.pool.volume.Import", "S---", DEST_DOM0, PART_NEEDED, DATA, handle_import, .head_end = " " },
	{ "internal.vm.volume.ImportBegin", "-23N", DEST_ANY, PART_NEEDED, PART_OPTIONAL, ACCESS_WRITE, handle_begin },
	{ "internal.vm.volume.ImportEnd", "-23N", DEST_ANY, PART_NEEDED, PART_NEEDED, ACCESS_WRITE, handle_end },
	METHOD_END,
};
