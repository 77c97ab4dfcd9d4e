/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printers over records: tables of text (tools-config 1.8). */
#include <langinfo.h>
#include <libsmartcols/libsmartcols.h>
#include <locale.h>

#include "base/buf.h"
#include "base/escape.h"
#include "base/mem.h"
#include "cli/record.h"

struct table {
	size_t columns;
	size_t rows;
	size_t cap;
	char **cells; /* rows * columns */
	bool plain;   /* all cells are */
};

struct table *table_new(size_t columns)
{
	struct table *t = xcalloc(1, sizeof *t);

	t->columns = columns;
	t->plain = true;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->rows * t->columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

/* Printable ASCII is shown as it is everywhere, and as wide as it is long. */
static bool is_plain(const char *s)
{
	while (*s >= ' ' && *s <= '~')
		s++;
	return !*s;
}

void table_row(struct table *t, const char *const *cells)
{
	if (t->rows == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->cells = xreallocarray(t->cells, t->cap, t->columns * sizeof *t->cells);
	}
	for (size_t i = 0; i < t->columns; i++) {
		t->cells[t->rows * t->columns + i] = xstrdup(cells[i]);
		t->plain = t->plain && is_plain(cells[i]);
	}
	t->rows++;
}

/* One cell as it may be shown: a newline never breaks the row, a terminal gets nothing to act on. */
static char *presentable(const char *s, bool tty, bool utf8)
{
	struct buf lines = BUF_INIT, b = BUF_INIT;

	for (; *s; s++) {
		if (*s == '\n')
			buf_addstr(&lines, "\\n");
		else
			buf_addch(&lines, *s);
	}
	if (tty && utf8) {
		term_escape(&b, buf_str(&lines), lines.len, false);
		buf_release(&lines);
		return buf_steal(&b);
	}
	for (size_t i = 0; i < lines.len; i++) {
		unsigned char ch = (unsigned char)lines.data[i];

		if (ch >= 0x80 && !utf8)
			buf_addf(&b, "\\x%02x", ch);
		else if ((ch < 0x20 || ch == 0x7f) && tty)
			buf_addch(&b, '_');
		else
			buf_addch(&b, (char)ch);
	}
	buf_release(&lines);
	return buf_steal(&b);
}

void table_print(struct table *t, struct ctx *c)
{
	struct libscols_table *tb;
	bool utf8;

	if (!t->rows)
		return;
	/* The library measures text by the locale, which takes time to load. */
	if (!t->plain)
		setlocale(LC_CTYPE, "");
	utf8 = streq(nl_langinfo(CODESET), "UTF-8");
	tb = scols_new_table();
	if (!tb)
		abort();
	scols_table_set_stream(tb, c->out);
	scols_table_enable_noheadings(tb, 1);
	scols_table_enable_noencoding(tb, 1);
	scols_table_set_column_separator(tb, "  ");
	scols_table_set_termforce(tb, SCOLS_TERMFORCE_NEVER);
	for (size_t i = 0; i < t->columns; i++)
		scols_table_new_column(tb, NULL, 0, 0);
	for (size_t r = 0; r < t->rows; r++) {
		struct libscols_line *line = scols_table_new_line(tb, NULL);

		if (!line)
			abort();
		for (size_t i = 0; i < t->columns; i++) {
			char **cell = &t->cells[r * t->columns + i];

			scols_line_refer_data(line, i,
					      is_plain(*cell) ? STEAL(*cell) : presentable(*cell, c->out_tty, utf8));
		}
	}
	scols_print_table(tb);
	scols_unref_table(tb);
}
