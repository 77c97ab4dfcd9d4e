/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listing as a table, as raw lines, or as JSON. */
#include "ls.h"

#include <langinfo.h>
#include <locale.h>

#include "base/buf.h"
#include "base/mem.h"

static bool is_name(const struct column *col)
{
	return col->kind == COLUMN_PROPERTY && streq(col->attr, "name");
}

/* Depth n is shown as 2(n-1) blanks and the glyph (tools-config 2.5; ASCII outside UTF-8: 1.8). */
static void put_glyph(char **name, unsigned depth)
{
	CLEANUP_FREE char *bare = *name;

	setlocale(LC_CTYPE, "");
	*name = xasprintf("%*s%s%s", 2 * ((int)depth - 1), "", streq(nl_langinfo(CODESET), "UTF-8") ? "└─" : "`-",
			  bare);
}

void print_table(struct ctx *c, const struct rows *rows, const struct columns *cols)
{
	CLEANUP_TABLE struct table *t = table_new(cols->n);
	CLEANUP_FREE char **texts = xcalloc(cols->n, sizeof *texts);

	for (size_t k = 0; k < cols->n; k++)
		texts[k] = xstrdup(cols->v[k].head);
	table_take(t, texts);
	for (size_t r = 0; r < rows->n; r++) {
		for (size_t k = 0; k < cols->n; k++) {
			texts[k] = cell_text(&rows->v[r].cells[k]);
			if (rows->v[r].depth && is_name(&cols->v[k]))
				put_glyph(&texts[k], rows->v[r].depth);
		}
		table_take(t, texts);
	}
	table_print(t, c);
}

void print_raw(struct ctx *c, const struct rows *rows, const struct columns *cols, bool nul)
{
	CLEANUP_BUF struct buf line = BUF_INIT;

	for (size_t r = 0; r < rows->n; r++) {
		buf_reset(&line);
		for (size_t k = 0; k < cols->n; k++) {
			CLEANUP_FREE char *text = cell_text(&rows->v[r].cells[k]);

			if (k)
				buf_addch(&line, '|');
			buf_addstr(&line, text);
		}
		put_text(c, buf_str(&line), line.len);
		fputc(nul ? '\0' : '\n', c->out);
	}
}

/* "-" is null; a list stays a list (tools-config 15). */
static struct val cell_val(const struct cell *cell)
{
	switch (cell->type) {
	case VAL_STR:
		return *cell->str ? V_STR(cell->str) : V_NULL;
	case VAL_LIST:
		return V_LIST(&cell->list);
	case VAL_INT:
		return V_INT(cell->num);
	case VAL_BOOL:
		return V_BOOL(cell->num != 0);
	default:
		return V_NULL;
	}
}

void print_json(struct ctx *c, const struct rows *rows, const struct columns *cols, bool tree)
{
	CLEANUP_FREE const char **keys = xcalloc(cols->n + 1, sizeof *keys);
	CLEANUP_FREE struct val *vals = xcalloc(cols->n + 1, sizeof *vals);
	struct json *j = json_begin(c, JSON_ARRAY);

	for (size_t r = 0; r < rows->n; r++) {
		size_t n = 0;

		for (size_t k = 0; k < cols->n; k++) {
			/* A member comes once, however often the column is asked for. */
			if (cols->v[k].kind == COLUMN_EMPTY || columns_find(cols, cols->v[k].head) != k)
				continue;
			keys[n] = cols->v[k].key;
			vals[n++] = cell_val(&rows->v[r].cells[k]);
		}
		if (tree) {
			keys[n] = "depth";
			vals[n++] = V_INT(rows->v[r].depth);
		}
		json_record(j, NULL, n, keys, vals);
	}
	json_end(j);
}
