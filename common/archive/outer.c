/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The outer archive as a row of members. */
#include "archive/outer.h"

#include <errno.h>
#include <sys/stat.h>

#include "archive/qfile.h"
#include "base/chars.h"
#include "base/mem.h"

#define NAME_MAX_HERE 255
#define DIRS_MAX 64u /* in a row: those above one file, and more than any writer has */

bool outer_name_is_valid(const char *name)
{
	if (!*name || strlen(name) > NAME_MAX_HERE || !chars_all(name, "A-Za-z0-9._/-"))
		return false;
	for (const char *part = name;;) {
		size_t n = strcspn(part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		if (!part[n])
			return true;
		part += n + 1;
	}
}

static ssize_t counted_read(void *data, void *p, size_t n, struct err *err)
{
	struct outer *o = data;
	ssize_t r = o->raw.read(o->raw.data, p, n, err);

	if (r > 0)
		o->position += (uint64_t)r;
	if (r > 0 && o->qfile)
		o->crc = qfile_crc(o->crc, p, (size_t)r);
	return r;
}

void outer_init(struct outer *o, int fd, bool qfile)
{
	*o = (struct outer){ .qfile = qfile, .in = { fd, "the backup" } };
	o->raw = source_of_fd(&o->in);
	o->source = (struct source){ counted_read, o };
	o->tar.src = &o->source;
}

void outer_release(struct outer *o)
{
	tar_member_release(&o->member);
	free(o->name);
	free(o->last);
	*o = (struct outer){0};
}

static int bad(const struct outer *o, const char *what, struct err *err)
{
	return o->name ? err_set(err, -EBADMSG, "", "%s: %s", o->name, what) : err_set(err, -EBADMSG, "", "%s", what);
}

/* An error of a lower layer, with the member's name before it. */
static int bad_of(const struct outer *o, int code, struct err *why, struct err *err)
{
	if (o->name)
		return err_set(err, code, "", "%s: %s", o->name, why->text ? why->text : "cannot be read");
	err_move(err, why);
	return code;
}

/* ---- tar ---- */

static int next_tar(struct outer *o, struct err *err)
{
	CLEANUP_ERR struct err why = ERR_INIT;
	int r = tar_next(&o->tar, &o->member, &why);

	if (r < 0)
		return bad_of(o, r, &why, err);
	free(o->name);
	o->name = NULL;
	if (r == 0)
		return tar_has_end(&o->tar) ? 0 : bad(o, "the end of the archive is missing", err);
	o->name = xstrdup(o->member.name);
	o->size = o->member.size;
	if (!tar_member_is_plain(&o->member))
		return bad(o, "not a regular file", err);
	return 1;
}

/* ---- qfile ---- */

static int qfile_fill(struct outer *o, void *p, size_t n, struct err *err)
{
	ssize_t r = source_fill(&o->source, p, n, err);

	if (r < 0)
		return (int)r;
	return (size_t)r == n ? 0 : bad(o, "the archive is cut off", err);
}

static int qfile_skip(struct outer *o, struct err *err)
{
	char piece[4096];

	while (o->left) {
		size_t n = o->left < sizeof piece ? (size_t)o->left : sizeof piece;
		int r = qfile_fill(o, piece, n, err);

		if (r < 0)
			return r;
		o->left -= n;
	}
	return 0;
}

/* 1: a file; 0: the end; 2: a directory, which says nothing. */
static int next_entry(struct outer *o, struct err *err)
{
	struct qfile_header h;
	int r = qfile_skip(o, err);

	if (r == 0)
		r = qfile_fill(o, &h, sizeof h, err);
	if (r < 0)
		return r;
	qfile_header_swap(&h);
	free(o->name);
	o->name = NULL;
	if (!h.namelen)
		return 0;
	if (h.namelen > QFILE_NAME_MAX)
		return bad(o, "a name that is too long", err);

	CLEANUP_FREE char *name = xcalloc(h.namelen + 1, 1);

	r = qfile_fill(o, name, h.namelen, err);
	if (r < 0)
		return r;
	if (strlen(name) != h.namelen - 1)
		return bad(o, "a name that makes no sense", err);
	o->size = o->left = h.filelen;
	free(o->last);
	o->last = xstrdup(name);
	if (S_ISDIR(h.mode) && !o->left)
		return 2;
	o->name = STEAL(name);
	return S_ISREG(h.mode) ? 1 : bad(o, "not a regular file", err);
}

void outer_qfile_result(const struct outer *o, uint32_t code, struct buf *ret)
{
	struct qfile_result result = {.code = code, .crc = o->crc};

	if (o->last)
		buf_addstr(&result.name, o->last);
	qfile_result_encode(ret, &result);
	buf_release(&result.name);
}

/* ---- both ---- */

int outer_next(struct outer *o, struct err *err)
{
	unsigned dirs = 0;
	int r;

	if (o->qfile) {
		while ((r = next_entry(o, err)) == 2)
			if (++dirs > DIRS_MAX)
				return bad(o, "too many directories", err);
	} else {
		r = next_tar(o, err);
	}
	if (r <= 0)
		return r;
	if (!outer_name_is_valid(o->name))
		return bad(o, "a name that is not allowed", err);
	if (o->size > OUTER_MEMBER_MAX)
		return bad(o, "larger than 1 GiB", err);
	return 1;
}

ssize_t outer_read(struct outer *o, void *p, size_t n, struct err *err)
{
	CLEANUP_ERR struct err why = ERR_INIT;
	uint64_t unused;
	ssize_t r;

	if (!o->qfile) {
		r = tar_read(&o->tar, &o->member, &unused, p, n, &why);
		return r < 0 ? bad_of(o, (int)r, &why, err) : r;
	}
	if (n > o->left)
		n = (size_t)o->left;
	if (!n)
		return 0;
	r = o->source.read(o->source.data, p, n, &why);
	if (r < 0)
		return bad_of(o, (int)r, &why, err);
	if (r == 0)
		return bad(o, "the archive is cut off", err);
	o->left -= (uint64_t)r;
	return r;
}
