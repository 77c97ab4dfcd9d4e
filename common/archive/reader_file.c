/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading one file of a backup: its chunks joined, decompressed, out of their inner tar. */
#include <errno.h>

#include "archive/filter.h"
#include "archive/openssl.h"
#include "archive/reader_impl.h"
#include "archive/tar.h"
#include "archive/tree.h"
#include "base/mem.h"
#include "base/num.h"

#define PIECE (256u << 10)

bool chunk_name(const struct archive_reader *r, const char *member, size_t *ret_len, unsigned *ret_number)
{
	size_t n = strlen(member), suffix = strlen(r->suffix), digits = 0;
	uint64_t number;

	if (n <= suffix || !streq(member + n - suffix, r->suffix))
		return false;
	n -= suffix;
	while (digits < n && member[n - digits - 1] >= '0' && member[n - digits - 1] <= '9')
		digits++;
	if (digits < 3 || digits > 9 || n <= digits + 1 || member[n - digits - 1] != '.' ||
	    (digits > 3 && member[n - digits] == '0'))
		return false;

	CLEANUP_FREE char *text = xstrndup(member + n - digits, digits);

	if (num_u64(text, &number) < 0)
		return false;
	*ret_len = n - digits - 1;
	*ret_number = (unsigned)number;
	return true;
}

char *chunk_of(const struct archive_reader *r, const char *path, unsigned number)
{
	return xasprintf("%s.%03u%s", path, number, r->suffix);
}

/* ---- chunks, joined ---- */

struct chunks {
	struct archive_reader *r;
	const char *path;
	unsigned number;       /* of the one that has to come next */
	struct member *m;      /* the present one */
	size_t at;
	char *last;            /* name of the last one that was whole */
	bool failed;           /* an error is of a member and names it */
};

/* Takes the next chunk: 1, 0 when the file has no more. */
static int next_chunk(struct chunks *c, struct err *err)
{
	const char *name;
	size_t len;
	unsigned number;
	int r = ahead_peek(&c->r->ahead, &name, err);

	c->failed = true;
	if (r < 0) {
		if (r == -ECANCELED)
			c->r->stopped = r;
		return r;
	}
	/* A new .000 begins another file, even if it has this one's name. */
	if (r == 0 || !chunk_name(c->r, name, &len, &number) || strncmp(name, c->path, len) != 0 || c->path[len] ||
	    (number == 0 && c->number > 0)) {
		c->failed = false;
		return 0;
	}
	if (number != c->number) {
		CLEANUP_FREE char *wanted = chunk_of(c->r, c->path, c->number);

		return err_set(err, -EBADMSG, "", "%s: Unexpected file in archive: %s, expected %s", name, name,
			       wanted);
	}
	member_free(c->m);
	c->m = ahead_take(&c->r->ahead);
	if (c->m->status < 0)
		return err_set(err, c->m->status, "", "%s: %s", c->m->name,
			       c->m->status == -EACCES ? "damaged, or not the member of that name" : c->m->err.text);
	free(c->last);
	c->last = xstrdup(c->m->name);
	c->number++;
	c->at = 0;
	c->failed = false;
	return 1;
}

static ssize_t chunks_read(void *data, void *p, size_t n, struct err *err)
{
	struct chunks *c = data;

	while (!c->m || c->at == c->m->n) {
		int r = next_chunk(c, err);

		if (r <= 0)
			return r;
	}
	if (n > c->m->n - c->at)
		n = c->m->n - c->at;
	memcpy(p, c->m->plain + c->at, n);
	c->at += n;
	return (ssize_t)n;
}

/* ---- the callbacks ---- */

struct file {
	struct archive_reader *r;
	struct wanted *w;
	struct archive_file info;
	struct buf *to; /* a file that the reader itself needs */
	bool taken;     /* the sink wants its content */
};

static int stop(struct file *f, int code)
{
	f->r->stopped = code;
	return code;
}

static int begin(struct file *f, struct err *err)
{
	const struct archive_sink *s = f->r->sink;
	int r = f->to || !s || !s->begin ? 0 : s->begin(s->data, &f->info, err);

	f->taken = r > 0;
	return r < 0 ? stop(f, r) : 0;
}

static int piece(struct file *f, uint64_t offset, const void *p, size_t n, struct err *err)
{
	const struct archive_sink *s = f->r->sink;
	int r = 0;

	if (f->to && f->to->len + n > QUBES_XML_MAX)
		return err_set(err, -EBADMSG, "", "too long");
	if (f->to)
		buf_add(f->to, p, n);
	else if (f->taken && s->piece)
		r = s->piece(s->data, offset, p, n, err);
	return r < 0 ? stop(f, r) : 0;
}

/* The archive of a whole directory, of which the files are counted. */
static bool is_directory(const struct file *f)
{
	return f->r->header.version == 3 && streq(f->info.name, ".");
}

/* why NULL: it is whole. */
static int end(struct file *f, const char *why, struct err *err)
{
	const struct archive_sink *s = f->r->sink;
	int r = f->taken && s->end ? s->end(s->data, &f->info, why, err) : 0;

	f->taken = false;
	if (r < 0 && !f->r->stopped)
		stop(f, r);
	if (!why && f->w)
		strv_add(&f->w->whole, f->info.path);
	if (!why && f->w && !is_directory(f)) {
		f->w->verdict.files++;
		f->w->verdict.bytes += f->info.size;
	}
	return r;
}

/* ---- inner tar ---- */

static enum archive_kind kind_of(const struct backup_qube *q, const char *name)
{
	size_t n = strlen(name);

	if (q && streq(q->class, "AdminVM"))
		return ARCHIVE_TREE;
	return n > 4 && streq(name + n - 4, ".img") ? ARCHIVE_VOLUME : ARCHIVE_FILE;
}

static int check_size(const struct file *f, struct err *err)
{
	const struct backup_file *said = f->info.qube ? backup_qube_file(f->info.qube, f->info.name) : NULL;

	if (!said || !said->has_size || said->size == f->info.size)
		return 0;
	return err_set(err, -EBADMSG, "", "has %llu bytes where qubes.xml says %llu",
		       (unsigned long long)f->info.size, (unsigned long long)said->size);
}

static int read_content(struct file *f, struct tar_reader *t, const struct tar_member *m, struct err *err)
{
	CLEANUP_FREE char *p = xmalloc(PIECE);
	uint64_t offset;
	ssize_t n;

	while ((n = tar_read(t, m, &offset, p, PIECE, err)) > 0) {
		int r = piece(f, offset, p, (size_t)n, err);

		if (r < 0)
			return r;
	}
	return (int)n;
}

static int read_end(struct tar_reader *t, struct tar_member *m, struct err *err)
{
	int r = tar_next(t, m, err);

	if (r > 0)
		return err_set(err, -EBADMSG, "", "more than one file in it");
	if (r == 0 && !tar_has_end(t))
		return err_set(err, -EBADMSG, "", "the archive is cut off");
	return r;
}

static int read_inner(struct file *f, struct source *from, struct err *err)
{
	CLEANUP_TAR_MEMBER struct tar_member m = {0};
	struct tar_reader t = { .src = from };
	int r = tar_next(&t, &m, err);

	if (r <= 0)
		return r < 0 ? r : err_set(err, -EBADMSG, "", "the archive is empty");
	if (m.type != '0' || !streq(m.name, f->info.path))
		return err_set(err, -EBADMSG, "", "another file in it than %s", f->info.path);
	f->info.size = m.size;
	r = check_size(f, err);
	if (r == 0)
		r = begin(f, err);
	if (r == 0)
		r = read_content(f, &t, &m, err);
	return r < 0 ? r : read_end(&t, &m, err);
}

/* A tree's stream passes by on its way to libarchive. */
struct tee {
	struct file *f;
	struct source *from;
	uint64_t at;
};

static ssize_t tee_read(void *data, void *p, size_t n, struct err *err)
{
	struct tee *t = data;
	ssize_t got = t->from->read(t->from->data, p, n, err);
	int r = got > 0 ? piece(t->f, t->at, p, (size_t)got, err) : 0;

	if (got > 0)
		t->at += (uint64_t)got;
	return r < 0 ? r : got;
}

static int read_tree(struct file *f, struct source *from, struct err *err)
{
	struct tee tee = { f, from, 0 };
	struct source through = { tee_read, &tee };
	int r = begin(f, err);

	if (r < 0)
		return r;
	if (f->r->tree_dir && f->taken)
		return tree_read(from, f->info.path, f->r->tree_dir, err);
	return tree_read(&through, f->info.path, NULL, err);
}

/*
 * Format 3 has templates as one archive of their directory: files of the qube in it are given out one by one, what is
 * in directories below is not for anybody.
 */
static int read_directory_member(struct file *whole, struct tar_reader *t, const struct tar_member *m,
				 struct err *err)
{
	const struct backup_qube *q = whole->info.qube;
	const char *name = skip_prefix(m->name, q->path);

	name = name ? name : m->name;
	while (skip_prefix(name, "./"))
		name += 2;
	if (m->type != '0' || strchr(name, '/') || !outer_name_is_valid(name))
		return 0;

	CLEANUP_FREE char *path = xasprintf("%s%s", q->path, name);
	struct file f = { .r = whole->r, .w = whole->w,
			  .info = { .qube = q, .path = path, .name = name, .kind = kind_of(q, name),
				    .size = m->size } };
	int r = begin(&f, err);

	if (r == 0)
		r = read_content(&f, t, m, err);
	return end(&f, r < 0 ? "the archive of its directory is damaged" : NULL, err) < 0 ? f.r->stopped : r;
}

static int read_directory(struct file *f, struct source *from, struct err *err)
{
	CLEANUP_TAR_MEMBER struct tar_member m = {0};
	struct tar_reader t = { .src = from };
	int r;

	while ((r = tar_next(&t, &m, err)) > 0) {
		r = read_directory_member(f, &t, &m, err);
		if (r < 0)
			return r;
	}
	if (r == 0 && !tar_has_end(&t))
		return err_set(err, -EBADMSG, "", "the archive is cut off");
	return r;
}

static int read_decompressed(struct file *f, struct source *from, struct err *err)
{
	const struct backup_header *h = &f->r->header;
	struct filter_reader *filter = NULL;
	int r;

	if (h->compressed) {
		filter = filter_reader_new(h->compression_filter, from, err);
		if (!filter)
			return -EBADMSG;
		from = filter_reader_source(filter);
	}
	r = f->info.kind == ARCHIVE_TREE ? read_tree(f, from, err) :
	    is_directory(f)		 ? read_directory(f, from, err) :
					   read_inner(f, from, err);
	filter_reader_free(filter);
	return r;
}

/* In format 3, what was compressed is one stream of openssl over all chunks. */
static int read_decrypted(struct file *f, struct source *from, struct err *err)
{
	const struct backup_header *h = &f->r->header;
	struct openssl_reader *o;
	int r;

	if (h->version != 3 || !h->encrypted)
		return read_decompressed(f, from, err);
	o = openssl_reader_new(h->crypto_algorithm, f->r->passphrase, from, err);
	if (!o)
		return -EBADMSG;
	r = read_decompressed(f, openssl_reader_source(o), err);
	openssl_reader_free(o);
	return r;
}

/* ---- a file ---- */

static char *describe(const struct chunks *c, const struct err *why)
{
	const char *text = why->text ? why->text : "cannot be read";

	if (c->failed)
		return xstrdup(text);
	return c->last ? xasprintf("%s: not whole after %s: %s", c->path, c->last, text) :
			 xasprintf("%s: %s", c->path, text);
}

char *reader_file(struct archive_reader *r, const char *path, struct wanted *w, struct buf *to, struct err *err)
{
	CLEANUP_ERR struct err why = ERR_INIT;
	const struct backup_qube *qube = w ? w->verdict.qube : NULL;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct file f = { .r = r, .w = w, .to = to,
			  .info = { .qube = qube, .path = path, .name = name, .kind = kind_of(qube, name) } };
	struct chunks c = { .r = r, .path = path };
	struct source from = { chunks_read, &c };
	char *text = NULL;

	if (read_decrypted(&f, &from, &why) < 0)
		text = describe(&c, &why);
	if (r->stopped)
		err_move(err, &why);
	member_free(c.m);
	free(c.last);
	end(&f, text, err);
	return text;
}
