/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of admin.backup.Info, read back: which qube is how large (backup-policy-clock 1.8). */
#include <math.h>

#include "base/escape.h"
#include "base/mem.h"
#include "qvm-backup/backup.h"

static double parse_size(const char *text)
{
	static const char *const units[] = { " KiB", " MiB", " GiB" };
	double n, unit = 1;
	char *end;

	n = strtod(text, &end);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		unit *= 1024;
		if (skip_prefix(end, units[i]))
			n *= unit;
	}
	return isfinite(n) && n > 0 ? n : 0;
}

/* "   NAME |   TYPE |   SIZE |remark" */
static void parse_line(struct table *t, const char *line)
{
	const char *name = line + strspn(line, " "), *type = strstr(name, " |");
	const char *size = type ? strstr(type + 2, " |") : NULL;
	CLEANUP_BUF struct buf safe = BUF_INIT;
	struct row *row;

	if (!size || type == name || skip_prefix(size, " |\n") || memchr(name, '\n', (size_t)(size - name)))
		return;
	if (skip_prefix(name, "VM |") || !strchr("0123456789 ", size[2]))
		return;
	size += 2;
	GROW(t->v, t->n, t->cap);
	row = &t->v[t->n++];
	term_escape(&safe, name, (size_t)(type - name), false);
	row->qube = buf_steal(&safe);
	row->size = parse_size(size);
	t->total += row->size;
}

void table_parse(struct table *t, const char *text)
{
	while (*text) {
		const char *end = strchrnul(text, '\n');

		parse_line(t, text);
		text = *end ? end + 1 : end;
	}
}

void table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].qube);
	free(t->v);
}

const char *table_qube_at(const struct table *t, double part)
{
	double at = part * t->total, sum = 0;

	for (size_t i = 0; i < t->n; i++) {
		sum += t->v[i].size;
		if (at < sum)
			return t->v[i].qube;
	}
	return t->n ? t->v[t->n - 1].qube : NULL;
}
