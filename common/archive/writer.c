/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a backup. */
#include "archive/writer.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "archive/container.h"
#include "archive/filter.h"
#include "archive/header.h"
#include "archive/outer.h"
#include "archive/pool.h"
#include "archive/tree.h"
#include "archive/volume.h"
#include "base/mem.h"

#define PATIENCE_MS 100

/* A chunk on its way into the archive. */
struct chunk {
	struct pool_task task; /* first */
	char *member, *passphrase;
	unsigned logn;
	struct buf data;
	int status;
	struct err err;
	struct chunk *next;
};

struct archive_writer {
	int fd;
	struct archive_write_options opts; /* with its defaults filled in; no borrowed text is used but qubes */
	char *passphrase, *filter, *backup_id;
	const struct backup_qubes *qubes;
	size_t qube, file;       /* the next one that was announced */
	struct pool *pool;
	uint64_t position;       /* in the outer archive */
	bool counts;             /* the files have begun: what stands in front is not counted */
	uint64_t compressed;     /* bytes of files so far */
	int failed;              /* what ended the writing */
	/* The file at work: */
	const char *path;
	unsigned number;         /* of its present chunk */
	struct chunk *present;   /* NULL between files */
	struct chunk *first, **end; /* those that are encrypted, in their order */
	unsigned waiting;
};

/* ---- outer tar ---- */

static int report(const struct archive_writer *w, struct err *err)
{
	if (w->opts.progress && w->opts.progress(w->opts.progress_data, w->counts ? w->compressed : 0) != 0)
		return err_set(err, -ECANCELED, "", "cancelled");
	return 0;
}

/* For a reader of a pipe, who may not come back. */
static int await_reader(const struct archive_writer *w, struct err *err)
{
	struct pollfd p = { .fd = w->fd, .events = POLLOUT };

	poll(&p, 1, PATIENCE_MS);
	return report(w, err);
}

static int put(struct archive_writer *w, const void *p, size_t n, struct err *err)
{
	const char *from = p;

	w->position += n;
	while (n) {
		ssize_t done = write(w->fd, from, n);
		int r = 0;

		if (done < 0 && errno == EAGAIN)
			r = await_reader(w, err);
		else if (done < 0 && errno != EINTR)
			r = err_set(err, -errno, "", "cannot write the backup: %s", strerror(errno));
		if (r < 0)
			return r;
		from += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

static int put_zeros(struct archive_writer *w, size_t n, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	tar_add_zeros(&b, n);
	return put(w, b.data, n, err);
}

static int put_member(struct archive_writer *w, const char *name, const struct buf *data, struct err *err)
{
	CLEANUP_BUF struct buf head = BUF_INIT;
	int r = tar_add_file(&head, name, data->len, err);

	if (r == 0)
		r = put(w, head.data, head.len, err);
	if (r == 0)
		r = put(w, data->data, data->len, err);
	if (r == 0)
		r = put_zeros(w, tar_padding(data->len, TAR_BLOCK), err);
	return r;
}

/* ---- chunks ---- */

static void chunk_free(struct chunk *c)
{
	if (!c)
		return;
	free(c->member);
	wipe_free(c->passphrase);
	buf_release(&c->data);
	err_release(&c->err);
	free(c);
}

static void seal(struct pool_task *t)
{
	struct chunk *c = (struct chunk *)t;

	c->status = container_seal(&c->data, c->passphrase, c->logn, &c->err);
}

static struct chunk *chunk_new(const struct archive_writer *w)
{
	struct scrypt_params params = { .logn = w->opts.logn, .r = 8, .p = 1 };
	struct chunk *c = xcalloc(1, sizeof *c);

	c->task = (struct pool_task){ .run = seal, .memory = scrypt_memory(&params) };
	c->member = xasprintf("%s.%03u.enc", w->path, w->number);
	c->passphrase = container_passphrase(w->backup_id, c->member, w->passphrase);
	c->logn = w->opts.logn;
	container_begin(&c->data);
	return c;
}

/* The first of the chunks that are encrypted goes into the archive. */
static int put_first(struct archive_writer *w, struct err *err)
{
	struct chunk *c = w->first;
	int r;

	pool_wait(w->pool, &c->task);
	w->first = c->next;
	if (!w->first)
		w->end = &w->first;
	w->waiting--;
	r = c->status < 0 ? err_set(err, c->status, "", "%s: %s", c->member, c->err.text ? c->err.text : "failed") :
			    put_member(w, c->member, &c->data, err);
	chunk_free(c);
	return r;
}

/* The present chunk is full, or the file ends: it is encrypted while the next one fills. */
static int submit(struct archive_writer *w, struct err *err)
{
	struct chunk *c = STEAL(w->present);
	int r = 0;

	w->number++;
	*w->end = c;
	w->end = &c->next;
	w->waiting++;
	pool_add(w->pool, &c->task);
	while (r == 0 && w->first && (w->waiting > pool_jobs(w->pool) || pool_is_done(w->pool, &w->first->task)))
		r = put_first(w, err);
	return r;
}

/* The sink for the compressed stream of a file. */
static int chunks_write(void *data, const void *p, size_t n, struct err *err)
{
	struct archive_writer *w = data;
	const char *from = p;

	w->compressed += n;
	while (n) {
		size_t room = w->opts.chunk + SCRYPT_HEAD - w->present->data.len;
		size_t piece = n < room ? n : room;
		int r;

		buf_add(&w->present->data, from, piece);
		from += piece;
		n -= piece;
		if (piece < room)
			break;
		r = submit(w, err); /* so a length that is a multiple ends with an empty chunk (2.7) */
		if (r < 0)
			return r;
		w->present = chunk_new(w);
	}
	return report(w, err);
}

/* ---- files ---- */

/* What writes the inner tar of a file. */
struct content {
	int (*write)(const struct content *c, struct sink *to, const char *path, struct err *err);
	int fd;
	const void *data;
	uint64_t size;
	const char *dir;
};

static int write_filtered(struct archive_writer *w, const struct content *c, const char *path, struct sink *to,
			  struct err *err)
{
	struct filter_writer *f;
	int r;

	if (!w->filter)
		return c->write(c, to, path, err);
	f = filter_writer_new(w->filter, to, err);
	if (!f)
		return -EIO;
	r = c->write(c, filter_writer_sink(f), path, err);
	if (r == 0)
		r = filter_writer_finish(f, err);
	filter_writer_free(f);
	return r;
}

static int write_file(struct archive_writer *w, const char *path, const struct content *c, struct err *err)
{
	CLEANUP_ERR struct err why = ERR_INIT;
	struct sink to = { chunks_write, w };
	int r;

	w->path = path;
	w->number = 0;
	w->present = chunk_new(w);
	r = write_filtered(w, c, path, &to, &why);
	if (r == 0)
		r = submit(w, &why);
	chunk_free(STEAL(w->present));
	if (r == 0)
		return 0;
	w->failed = r;
	return err_set(err, r, "", "%s: %s", path, why.text ? why.text : "cannot be written");
}

static int write_data(const struct content *c, struct sink *to, const char *path, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	int r = tar_add_file(&b, path, c->size, err);

	if (r < 0)
		return r;
	buf_add(&b, c->data, c->size);
	tar_add_zeros(&b, tar_padding(c->size, TAR_BLOCK) + TAR_END);
	tar_add_zeros(&b, tar_padding(b.len, TAR_RECORD));
	return to->write(to->data, b.data, b.len, err);
}

static int write_volume(const struct content *c, struct sink *to, const char *path, struct err *err)
{
	return volume_write(to, path, c->fd, c->size, err);
}

static int write_tree(const struct content *c, struct sink *to, const char *path, struct err *err)
{
	return tree_write(to, path, c->dir, err);
}

/* ---- what was announced ---- */

static char *path_of(const struct backup_qube *q, const struct backup_file *f)
{
	return streq(q->class, "AdminVM") ? xstrdup(q->path) : xasprintf("%s%s", q->path, f->name);
}

/* The next file that has to come; NULL when all were there. */
static const struct backup_file *next_file(struct archive_writer *w, const struct backup_qube **ret_qube)
{
	for (; w->qube < w->qubes->n; w->qube++, w->file = 0) {
		const struct backup_qube *q = &w->qubes->v[w->qube];

		if (q->included && w->file < q->n_files) {
			*ret_qube = q;
			return &q->files[w->file];
		}
	}
	return NULL;
}

static int expect(struct archive_writer *w, const char *path, uint64_t size, bool compare, struct err *err)
{
	const struct backup_qube *q;
	const struct backup_file *f = next_file(w, &q);
	CLEANUP_FREE char *next = f ? path_of(q, f) : NULL;

	if (w->failed)
		return err_set(err, w->failed, "", "the backup has failed already");
	if (!next || !streq(next, path))
		return err_set(err, -EINVAL, "", "%s: expected %s", path, next ? next : "the end");
	if (compare && size != f->size)
		return err_set(err, -EINVAL, "", "%s: has %llu bytes where %llu were announced", path,
			       (unsigned long long)size, (unsigned long long)f->size);
	w->file++;
	return 0;
}

int archive_writer_volume(struct archive_writer *w, const char *path, int fd, struct err *err)
{
	struct content c = { .write = write_volume, .fd = fd };
	int r = image_size(fd, &c.size, err);

	if (r == 0)
		r = expect(w, path, c.size, true, err);
	return r < 0 ? r : write_file(w, path, &c, err);
}

int archive_writer_data(struct archive_writer *w, const char *path, const void *p, size_t n, struct err *err)
{
	struct content c = { .write = write_data, .data = p, .size = n };
	int r = expect(w, path, n, true, err);

	return r < 0 ? r : write_file(w, path, &c, err);
}

int archive_writer_tree(struct archive_writer *w, const char *path, const char *dir, struct err *err)
{
	struct content c = { .write = write_tree, .dir = dir };
	int r = expect(w, path, 0, false, err);

	return r < 0 ? r : write_file(w, path, &c, err);
}

/* ---- beginning and end ---- */

int archive_passphrase_check(const char *passphrase, struct err *err)
{
	if (strlen(passphrase) > ARCHIVE_PASSPHRASE_MAX)
		return err_set(err, -EINVAL, "", "the passphrase is longer than %d bytes", ARCHIVE_PASSPHRASE_MAX);
	for (const char *p = passphrase; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(err, -EINVAL, "", "the passphrase holds control characters");
	return 0;
}

static char *new_backup_id(void)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32];

	localtime_r(&now, &tm);
	strftime(text, sizeof text, "%Y%m%dT%H%M%S", &tm);
	return xasprintf("%s-%d", text, (int)getpid());
}

static int check_files(const struct backup_qubes *qubes, struct err *err)
{
	for (size_t i = 0; i < qubes->n; i++) {
		const struct backup_qube *q = &qubes->v[i];

		for (size_t k = 0; q->included && k < q->n_files; k++) {
			CLEANUP_FREE char *path = path_of(q, &q->files[k]);

			if (!outer_name_is_valid(path))
				return err_set(err, -EINVAL, "", "%s: a name that an archive cannot hold", path);
		}
	}
	return 0;
}

static int put_header(struct archive_writer *w, struct err *err)
{
	char algorithm[] = "scrypt", gzip[] = "gzip";
	struct backup_header h = {
		.version = 4, .encrypted = true, .compressed = w->filter != NULL,
		.compression_filter = w->filter ? w->filter : gzip, .hmac_algorithm = algorithm,
		.backup_id = w->backup_id,
	};
	CLEANUP_SECRET char *passphrase = container_header_passphrase(w->passphrase);
	CLEANUP_BUF struct buf text = BUF_INIT, check = BUF_INIT;
	int r;

	backup_header_print(&text, &h);
	container_begin(&check);
	buf_add(&check, text.data, text.len);
	r = container_seal(&check, passphrase, w->opts.logn, err);
	if (r == 0)
		r = put_member(w, "backup-header", &text, err);
	return r < 0 ? r : put_member(w, "backup-header.hmac", &check, err);
}

static int put_front(struct archive_writer *w, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	struct content c = { .write = write_data };
	int r = check_files(w->qubes, err);

	if (r == 0)
		r = backup_qubes_print(&xml, w->qubes, err);
	if (r == 0)
		r = put_header(w, err);
	c.data = xml.data;
	c.size = xml.len;
	return r < 0 ? r : write_file(w, "qubes.xml", &c, err);
}

int archive_writer_new(struct archive_writer **ret, int fd, const struct archive_write_options *opts,
		       const struct backup_qubes *qubes, struct err *err)
{
	CLEANUP_ARCHIVE_WRITER struct archive_writer *w = NULL;
	int r = archive_passphrase_check(opts->passphrase, err);

	if (r == 0 && opts->filter)
		r = filter_check(opts->filter, true, err);
	if (r < 0)
		return r;
	w = xcalloc(1, sizeof *w);
	w->fd = fd;
	w->opts = *opts;
	w->opts.logn = opts->logn ? opts->logn : ARCHIVE_LOGN;
	w->opts.chunk = opts->chunk ? opts->chunk : ARCHIVE_CHUNK;
	w->passphrase = xstrdup(opts->passphrase);
	w->filter = opts->filter ? xstrdup(opts->filter) : NULL;
	w->backup_id = opts->backup_id ? xstrdup(opts->backup_id) : new_backup_id();
	w->qubes = qubes;
	w->end = &w->first;
	w->pool = pool_new(opts->jobs, opts->memory);
	if (!w->pool)
		return err_set(err, -EAGAIN, "", "no thread can be started");
	r = put_front(w, err);
	if (r < 0)
		return r;
	w->compressed = 0;
	w->counts = true;
	*ret = STEAL(w);
	return 0;
}

int archive_writer_finish(struct archive_writer *w, struct err *err)
{
	const struct backup_qube *q;
	const struct backup_file *f = next_file(w, &q);
	int r = w->failed ? err_set(err, w->failed, "", "the backup has failed already") : 0;

	if (r == 0 && f)
		r = err_set(err, -EINVAL, "", "%s%s: was announced and is missing", q->path, f->name);
	while (r == 0 && w->first)
		r = put_first(w, err);
	if (r == 0)
		r = put_zeros(w, TAR_END, err);
	if (r == 0)
		r = put_zeros(w, tar_padding(w->position, TAR_RECORD), err);
	w->failed = r < 0 ? r : -EINVAL; /* nothing follows */
	return r;
}

void archive_writer_free(struct archive_writer *w)
{
	if (!w)
		return;
	pool_free(w->pool); /* before what its tasks use */
	while (w->first) {
		struct chunk *c = w->first;

		w->first = c->next;
		chunk_free(c);
	}
	chunk_free(w->present);
	wipe_free(w->passphrase);
	free(w->filter);
	free(w->backup_id);
	free(w);
}
