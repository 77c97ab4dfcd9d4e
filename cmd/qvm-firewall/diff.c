/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two lists of rules side by side: as few lines as possible are taken out and put in. */
#include "base/mem.h"
#include "qvm-firewall/firewall.h"

/* Larger tables are not worth their memory: then what is between the equal ends is replaced as a whole. */
#define CELLS_MAX ((size_t)16 << 20)

static void lines_of(const struct fw_rules *rules, enum fw_form form, struct strv *ret)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct buf b = BUF_INIT;

		fw_rule_print(&b, &rules->v[i], form);
		strv_take(ret, buf_steal(&b));
	}
}

/* A part of a list of lines. */
struct part {
	const struct strv *lines;
	size_t from, n;
};

static const char *line_at(const struct part *p, size_t i)
{
	return p->lines->v[p->from + i];
}

/*
 * table[i * (b->n + 1) + j]: how many lines a from i on and b from j on have in common, in order. NULL when it would
 * be too large. The caller frees.
 */
static uint32_t *common_lines(const struct part *a, const struct part *b)
{
	size_t width = b->n + 1;
	uint32_t *table;

	if (a->n + 1 > CELLS_MAX / width)
		return NULL;
	table = xcalloc((a->n + 1) * width, sizeof *table);
	for (size_t i = a->n; i-- > 0;)
		for (size_t j = b->n; j-- > 0;) {
			uint32_t down = table[(i + 1) * width + j], right = table[i * width + j + 1];

			if (streq(line_at(a, i), line_at(b, j)))
				table[i * width + j] = table[(i + 1) * width + j + 1] + 1;
			else
				table[i * width + j] = down > right ? down : right;
		}
	return table;
}

static void diff_parts(const struct part *a, const struct part *b, diff_fn *fn, void *data)
{
	CLEANUP_FREE uint32_t *table = common_lines(a, b);
	size_t i = 0, j = 0, width = b->n + 1;

	while (i < a->n || j < b->n) {
		bool both = table && i < a->n && j < b->n;

		if (both && streq(line_at(a, i), line_at(b, j))) {
			fn(data, ' ', line_at(a, i++));
			j++;
		} else if (both ? table[(i + 1) * width + j] >= table[i * width + j + 1] : i < a->n) {
			fn(data, '-', line_at(a, i++));
		} else {
			fn(data, '+', line_at(b, j++));
		}
	}
}

void diff_rules(const struct fw_rules *old, const struct fw_rules *new, enum fw_form form, diff_fn *fn, void *data)
{
	CLEANUP_STRV struct strv a = STRV_INIT, b = STRV_INIT;
	size_t head = 0, tail = 0;

	lines_of(old, form, &a);
	lines_of(new, form, &b);
	while (head < a.n && head < b.n && streq(a.v[head], b.v[head]))
		fn(data, ' ', a.v[head++]);
	while (tail < a.n - head && tail < b.n - head && streq(a.v[a.n - tail - 1], b.v[b.n - tail - 1]))
		tail++;
	diff_parts(&(struct part){&a, head, a.n - head - tail}, &(struct part){&b, head, b.n - head - tail}, fn, data);
	for (size_t i = a.n - tail; i < a.n; i++)
		fn(data, ' ', a.v[i]);
}
