/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Archives of any bytes. The first byte says which: 0 the outer archive as tar, 1 as qfile, 2 an inner one of a file,
 * 3 one of a directory tree. What comes out keeps what the headers promise: valid names, ascending extents inside the
 * size, no byte more than there was. The second byte is how many bytes are read at once.
 */
#include <errno.h>

#include "archive/outer.h"
#include "archive/tree.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *p;
	size_t n, step;
};

static ssize_t bytes_read(void *data, void *p, size_t n, struct err *err)
{
	struct bytes *b = data;

	if (n > b->n)
		n = b->n;
	if (n > b->step)
		n = b->step;
	if (n)
		memcpy(p, b->p, n);
	b->p += n;
	b->n -= n;
	return (ssize_t)n;
}

static void check_said(ssize_t r, const struct err *err)
{
	if (r < 0 && !err->text)
		abort();
}

static void check_outer(struct bytes *in, bool qfile)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	struct outer o;
	size_t all = in->n, got = 0;
	ssize_t r;

	outer_init(&o, -1, qfile);
	o.raw = (struct source){ bytes_read, in };
	while ((r = outer_next(&o, &err)) > 0) {
		char piece[100];
		uint64_t n = 0;

		if (!outer_name_is_valid(o.name) || o.size > OUTER_MEMBER_MAX)
			abort();
		/* Every other one is passed over. */
		if (strlen(o.name) % 2)
			continue;
		while ((r = outer_read(&o, piece, sizeof piece, &err)) > 0)
			n += (uint64_t)r;
		if (r == 0 && n != o.size)
			abort();
		got += n;
		if (r < 0)
			break;
	}
	check_said(r, &err);
	if (got > all || o.position > all)
		abort();
	outer_release(&o);
}

static void check_extents(const struct tar_member *m)
{
	uint64_t end = 0;

	for (size_t i = 0; i < m->n_map; i++) {
		if (m->map[i].offset < end || m->map[i].offset > m->size ||
		    m->map[i].len > m->size - m->map[i].offset)
			abort();
		end = m->map[i].offset + m->map[i].len;
	}
}

static void check_inner(struct bytes *in)
{
	CLEANUP_TAR_MEMBER struct tar_member m = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	struct source src = { bytes_read, in };
	struct tar_reader t = { .src = &src };
	size_t all = in->n;
	ssize_t r;

	while ((r = tar_next(&t, &m, &err)) > 0) {
		uint64_t at, end = 0, n = 0;
		char piece[100];

		check_extents(&m);
		while ((r = tar_read(&t, &m, &at, piece, sizeof piece, &err)) > 0) {
			if (at < end || at + (uint64_t)r > m.size)
				abort();
			end = at + (uint64_t)r;
			n += (uint64_t)r;
		}
		if (n > all)
			abort();
		if (r < 0)
			break;
	}
	check_said(r, &err);
}

static void check_tree(struct bytes *in)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	struct source src = { bytes_read, in };

	check_said(tree_read(&src, "dom0-home/user", NULL, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in;

	if (size < 2)
		return 0;
	in = (struct bytes){ data + 2, size - 2, data[1] ? data[1] : 100000 };
	switch (data[0] % 4) {
	case 0:
	case 1:
		check_outer(&in, data[0] % 4 == 1);
		break;
	case 2:
		check_inner(&in);
		break;
	case 3:
		check_tree(&in);
		break;
	}
	return 0;
}
