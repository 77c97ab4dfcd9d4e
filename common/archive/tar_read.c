/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tar: reading. Every flavour that 2.9 tells of; all numbers are checked before they are used. */
#include <errno.h>

#include "archive/tar.h"
#include "base/mem.h"
#include "base/num.h"

#define META_MAX (1u << 20)      /* bytes of a pax header or long name */
#define EXTENTS_MAX (1u << 24)
#define ZEROS_MAX (8u << 20)     /* bytes between members and at the end */
#define MAGIC_AT 257

void tar_member_release(struct tar_member *m)
{
	free(m->name);
	free(m->map);
	*m = (struct tar_member){0};
}

bool tar_member_is_plain(const struct tar_member *m)
{
	return m->type == '0' && m->n_map == 1 && m->map[0].len == m->size;
}

static int bad(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "", "%s", what);
}

/* ---- fields of a header ---- */

/* Octal with blanks around it, or base-256 as GNU tar writes what is too large for that. */
static int number(const uint8_t *p, size_t n, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	if (p[0] == 0x80) {
		for (i = 1; i < n; i++) {
			if (value >> 56)
				return -EBADMSG;
			value = value << 8 | p[i];
		}
		*ret = value;
		return 0;
	}
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(p[i] - '0'); /* 12 digits at most */
	for (; i < n; i++)
		if (p[i] != ' ' && p[i] != '\0')
			return -EBADMSG;
	*ret = value;
	return 0;
}

/* What is not needed to read on may be anything. */
static uint64_t number_or_zero(const uint8_t *p, size_t n)
{
	uint64_t value;

	return number(p, n, &value) < 0 ? 0 : value;
}

static bool checksum_is_right(const uint8_t *h)
{
	uint64_t said;
	unsigned sum = 8 * ' ';

	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (i < 148 || i >= 156)
			sum += h[i];
	return number(h + 148, 8, &said) == 0 && said == sum;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n && !p[n - 1])
		n--;
	return n == 0;
}

/* ---- the source ---- */

static int read_block(struct tar_reader *t, void *p, struct err *err)
{
	ssize_t n = source_fill(t->src, p, TAR_BLOCK, err);

	return n < 0 ? (int)n : n == TAR_BLOCK ? 0 : bad(err, "the archive is cut off");
}

/* Passes n bytes; *ret_zeros gets how many, when all of them were zeros. The source may end. */
static int pass(struct tar_reader *t, uint64_t n, uint64_t *ret_zeros, struct err *err)
{
	uint8_t piece[4096];
	uint64_t zeros = 0;

	while (n) {
		size_t want = n < sizeof piece ? (size_t)n : sizeof piece;
		ssize_t got = source_fill(t->src, piece, want, err);

		if (got < 0)
			return (int)got;
		zeros = all_zero(piece, (size_t)got) ? zeros + (uint64_t)got : 0;
		if ((size_t)got < want)
			break;
		n -= want;
	}
	*ret_zeros = zeros;
	return n ? 1 : 0;
}

/* The next block that is not zeros: 1; 0 when the source ends before one. */
static int next_block(struct tar_reader *t, uint8_t *block, struct err *err)
{
	for (;;) {
		ssize_t n = source_fill(t->src, block, TAR_BLOCK, err);

		if (n < 0)
			return (int)n;
		if (!all_zero(block, (size_t)n))
			return n == TAR_BLOCK ? 1 : bad(err, "the archive is cut off");
		t->zeros += (uint64_t)n;
		/* The writer of sparse images in 2.9 does not pad: then the padding was the mark's beginning. */
		if (n > 0 && n < TAR_BLOCK && (t->zeros + t->lent) % TAR_BLOCK == 0)
			t->zeros += t->lent;
		if (n < TAR_BLOCK)
			return 0;
		if (t->zeros > ZEROS_MAX)
			return bad(err, "too many zeros in the archive");
	}
}

/* ---- extended headers ---- */

struct extended {
	char *path;        /* pax path, or GNU's long name */
	char *sparse_name;
	bool has_size, has_realsize, sparse, linked;
	uint64_t size, realsize;
};

static void extended_release(struct extended *x)
{
	free(x->path);
	free(x->sparse_name);
	*x = (struct extended){0};
}

static void replace(char **to, const char *with)
{
	free(*to);
	*to = xstrdup(with);
}

static int pax_number(const char *value, uint64_t *ret, bool *ret_has, struct err *err)
{
	*ret_has = true;
	return num_u64(value, ret) < 0 ? bad(err, "bad number in a pax header") : 0;
}

static int pax_record(struct extended *x, const char *key, const char *value, struct err *err)
{
	const char *sparse = skip_prefix(key, "GNU.sparse.");

	if (streq(key, "path"))
		replace(&x->path, value);
	else if (streq(key, "size"))
		return pax_number(value, &x->size, &x->has_size, err);
	else if (streq(key, "linkpath"))
		x->linked = true;
	if (!sparse)
		return 0;
	x->sparse = true;
	if (streq(sparse, "name"))
		replace(&x->sparse_name, value);
	else if (streq(sparse, "realsize"))
		return pax_number(value, &x->realsize, &x->has_realsize, err);
	else if (!(streq(sparse, "major") && streq(value, "1")) && !(streq(sparse, "minor") && streq(value, "0")))
		return bad(err, "sparse format that is not 1.0");
	return 0;
}

/* "LENGTH KEY=VALUE\n", again and again; the length counts the whole record. */
static int pax_records(struct extended *x, char *text, size_t len, struct err *err)
{
	while (len) {
		uint64_t n;
		char *blank = memchr(text, ' ', len), *eq;

		if (!blank || (*blank = '\0', num_u64(text, &n)) < 0 || n > len || text + n <= blank + 1 ||
		    text[n - 1] != '\n')
			return bad(err, "damaged pax header");
		text[n - 1] = '\0';
		eq = strchr(blank + 1, '=');
		if (!eq || strlen(blank + 1) != (size_t)(text + n - 1 - (blank + 1)))
			return bad(err, "damaged pax header");
		*eq = '\0';
		if (pax_record(x, blank + 1, eq + 1, err) < 0)
			return -EBADMSG;
		text += n;
		len -= n;
	}
	return 0;
}

/* The data of an extended header, as text with its padding. */
static int read_meta(struct tar_reader *t, uint64_t size, struct buf *b, struct err *err)
{
	if (size > META_MAX)
		return bad(err, "header that is too long");
	buf_reserve(b, size + TAR_BLOCK);
	for (; b->len < size; b->len += TAR_BLOCK) {
		int r = read_block(t, b->data + b->len, err);

		if (r < 0)
			return r;
	}
	b->len = size;
	if (b->data)
		b->data[size] = '\0';
	return 0;
}

static int read_extended(struct tar_reader *t, struct extended *x, char type, uint64_t size, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	int r = read_meta(t, size, &b, err);

	if (r < 0)
		return r;
	if (type == 'x')
		return pax_records(x, b.data, b.len, err);
	if (type == 'L')
		replace(&x->path, buf_str(&b));
	return 0; /* a global header, or the long target of a link */
}

/* ---- maps ---- */

static int add_extent(struct tar_member *m, uint64_t offset, uint64_t len, struct err *err)
{
	const struct tar_extent *last = m->n_map ? &m->map[m->n_map - 1] : NULL;

	if (offset > m->size || len > m->size - offset || (last && offset < last->offset + last->len))
		return bad(err, "sparse map that makes no sense");
	if (m->n_map == EXTENTS_MAX)
		return bad(err, "sparse map that is too long");
	GROW(m->map, m->n_map, m->cap_map);
	m->map[m->n_map++] = (struct tar_extent){ offset, len };
	return 0;
}

/* n entries of GNU's old sparse header; an unused one is zeros. */
static int old_entries(struct tar_member *m, const uint8_t *p, size_t n, struct err *err)
{
	for (; n && p[0]; n--, p += 24) {
		uint64_t offset, len;

		if (number(p, 12, &offset) < 0 || number(p + 12, 12, &len) < 0)
			return bad(err, "damaged sparse map");
		if (add_extent(m, offset, len, err) < 0)
			return -EBADMSG;
	}
	return 0;
}

static int read_old_map(struct tar_reader *t, struct tar_member *m, const uint8_t *h, struct err *err)
{
	uint8_t block[TAR_BLOCK];
	bool more = h[482];
	int r;

	if (number(h + 483, 12, &m->size) < 0)
		return bad(err, "damaged sparse map");
	r = old_entries(m, h + 386, 4, err);
	while (r == 0 && more) {
		r = read_block(t, block, err);
		if (r == 0)
			r = old_entries(m, block, 21, err);
		more = block[504];
	}
	return r;
}

struct map_text {
	uint8_t block[TAR_BLOCK];
	unsigned at; /* TAR_BLOCK: a new block is needed */
};

static int map_number(struct tar_reader *t, struct map_text *x, uint64_t *ret, struct err *err)
{
	uint64_t value = 0;

	for (unsigned digits = 0;; digits++) {
		uint8_t c;

		if (x->at == TAR_BLOCK) {
			int r = t->left < TAR_BLOCK ? bad(err, "damaged sparse map") : read_block(t, x->block, err);

			if (r < 0)
				return r;
			t->left -= TAR_BLOCK;
			x->at = 0;
		}
		c = x->block[x->at++];
		if (c == '\n' && digits) {
			*ret = value;
			return 0;
		}
		if (c < '0' || c > '9' || digits > 18)
			return bad(err, "damaged sparse map");
		value = value * 10 + (c - '0');
	}
}

/* Format 1.0: the map stands in front of the data and counts as data. */
static int read_pax_map(struct tar_reader *t, struct tar_member *m, struct err *err)
{
	struct map_text x = { .at = TAR_BLOCK };
	uint64_t n, offset, len;
	int r = map_number(t, &x, &n, err);

	for (; r == 0 && n; n--) {
		r = map_number(t, &x, &offset, err);
		if (r == 0)
			r = map_number(t, &x, &len, err);
		if (r == 0)
			r = add_extent(m, offset, len, err);
	}
	return r;
}

static int check_map(const struct tar_reader *t, const struct tar_member *m, struct err *err)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->n_map; i++)
		sum += m->map[i].len; /* extents do not overlap: no more than size */
	return sum == t->left ? 0 : bad(err, "sparse map that does not fit what is stored");
}

/* ---- members ---- */

static char *header_name(const uint8_t *h)
{
	bool posix = memcmp(h + MAGIC_AT, "ustar", 6) == 0; /* GNU has other things where the prefix is */
	CLEANUP_FREE char *name = xstrndup((const char *)h, 100);
	CLEANUP_FREE char *prefix = xstrndup((const char *)h + 345, posix ? 155 : 0);

	return *prefix ? xasprintf("%s/%s", prefix, name) : STEAL(name);
}

static int begin_member(struct tar_reader *t, struct tar_member *m, struct extended *x, const uint8_t *h,
			uint64_t size, struct err *err)
{
	char type = (char)h[156];
	int r;

	t->left = x->has_size ? x->size : size;
	t->padding = (unsigned)tar_padding(t->left, TAR_BLOCK);
	t->extent = 0;
	t->done = t->zeros = t->lent = 0;
	t->sparse = x->sparse;
	m->name = x->sparse_name ? STEAL(x->sparse_name) : x->path ? STEAL(x->path) : header_name(h);
	m->type = type;
	if (type == '\0' || type == 'S')
		m->type = '0';
	m->size = t->left;
	m->mode = number_or_zero(h + 100, 8) & 07777;
	m->mtime = number_or_zero(h + 136, 12);
	if (type == 'S') {
		r = read_old_map(t, m, h, err);
	} else if (x->sparse) {
		if (m->type != '0' || !x->has_realsize)
			return bad(err, "damaged sparse header");
		m->size = x->realsize;
		r = read_pax_map(t, m, err);
	} else {
		r = add_extent(m, 0, m->size, err);
	}
	return r < 0 ? r : check_map(t, m, err);
}

static int next_header(struct tar_reader *t, struct tar_member *m, struct err *err)
{
	CLEANUP(extended_release) struct extended x = {0};
	uint8_t h[TAR_BLOCK];
	uint64_t size;

	for (bool begun = false;; begun = true) {
		int r = next_block(t, h, err);

		if (r < 0 || (r == 0 && !begun))
			return r;
		if (r == 0)
			return bad(err, "the archive is cut off");
		if (memcmp(h + MAGIC_AT, "ustar", 5) != 0 || !checksum_is_right(h) || number(h + 124, 12, &size) < 0)
			return bad(err, "damaged tar header");
		if (!strchr("xgLK", h[156]) || !h[156])
			break;
		r = read_extended(t, &x, (char)h[156], size, err);
		if (r < 0)
			return r;
	}

	int r = begin_member(t, m, &x, h, size, err);

	return r < 0 ? r : 1;
}

int tar_next(struct tar_reader *t, struct tar_member *ret, struct err *err)
{
	CLEANUP_TAR_MEMBER struct tar_member m = {0};
	uint64_t zeros;
	int r = pass(t, t->left, &zeros, err);

	if (r != 0)
		return r < 0 ? r : bad(err, "the archive is cut off");
	r = pass(t, t->padding, &zeros, err);
	t->lent = t->sparse ? zeros : 0;
	t->left = t->padding = 0;
	if (r == 0)
		r = next_header(t, &m, err);
	else if (r > 0)
		r = 0;
	if (r <= 0)
		return r;
	tar_member_release(ret);
	*ret = m;
	m = (struct tar_member){0};
	return 1;
}

ssize_t tar_read(struct tar_reader *t, const struct tar_member *m, uint64_t *ret_offset, void *p, size_t n,
		 struct err *err)
{
	const struct tar_extent *e;
	ssize_t got;

	while (t->extent < m->n_map && t->done == m->map[t->extent].len) {
		t->extent++;
		t->done = 0;
	}
	if (t->extent == m->n_map)
		return 0;
	e = &m->map[t->extent];
	if (n > e->len - t->done)
		n = e->len - t->done;
	got = t->src->read(t->src->data, p, n, err);
	if (got <= 0)
		return got < 0 ? got : bad(err, "the archive is cut off");
	*ret_offset = e->offset + t->done;
	t->done += (uint64_t)got;
	t->left -= (uint64_t)got;
	return got;
}
