/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printers over records: tables of text (tools-config 1.8). */
#include <langinfo.h>
#include <locale.h>
#include <wchar.h>

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

void table_take(struct table *t, char *const *cells)
{
	if (t->rows == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->cells = xreallocarray(t->cells, t->cap, t->columns * sizeof *t->cells);
	}
	for (size_t i = 0; i < t->columns; i++) {
		t->cells[t->rows * t->columns + i] = cells[i];
		t->plain = t->plain && is_plain(cells[i]);
	}
	t->rows++;
}

void table_row(struct table *t, const char *const *cells)
{
	CLEANUP_FREE char **copies = xcalloc(t->columns, sizeof *copies);

	for (size_t i = 0; i < t->columns; i++)
		copies[i] = xstrdup(cells[i]);
	table_take(t, copies);
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

/* Columns on a screen; what has no width there, bytes that are no UTF-8 among it, takes none. */
static size_t display_width(const char *s)
{
	size_t n = strlen(s), width = 0, len;
	uint32_t cp;

	for (size_t i = 0; i < n; i += len) {
		int w;

		len = utf8_next(s + i, n - i, &cp);
		w = len ? wcwidth((wchar_t)cp) : 0;
		width += w > 0 ? (size_t)w : 0;
		len += !len;
	}
	return width;
}

/* Replaces what cannot be shown. */
static void make_presentable(struct table *t, bool tty)
{
	bool utf8;

	setlocale(LC_CTYPE, ""); /* takes time, and is needed for these only */
	utf8 = streq(nl_langinfo(CODESET), "UTF-8");
	for (size_t i = 0; i < t->rows * t->columns; i++) {
		char *shown;

		if (is_plain(t->cells[i]))
			continue;
		shown = presentable(t->cells[i], tty, utf8);
		free(t->cells[i]);
		t->cells[i] = shown;
	}
}

static void put_blanks(FILE *f, size_t n)
{
	static const char blanks[] = "                                ";

	for (size_t part; n > 0; n -= part) {
		part = n < sizeof blanks ? n : sizeof blanks - 1;
		fwrite_unlocked(blanks, 1, part, f);
	}
}

/* A library measures and pads too (libsmartcols), but comes to no end over a character that is cut off. */
void table_print(struct table *t, struct ctx *c)
{
	CLEANUP_FREE size_t *widths = xcalloc(t->rows * t->columns, sizeof *widths);
	CLEANUP_FREE size_t *widest = xcalloc(t->columns, sizeof *widest);

	if (!t->plain)
		make_presentable(t, c->out_tty);
	for (size_t i = 0; i < t->rows * t->columns; i++) {
		size_t *most = &widest[i % t->columns];

		widths[i] = t->plain ? strlen(t->cells[i]) : display_width(t->cells[i]);
		*most = widths[i] > *most ? widths[i] : *most;
	}
	for (size_t i = 0; i < t->rows * t->columns; i++) {
		size_t column = i % t->columns;

		fwrite_unlocked(t->cells[i], 1, t->plain ? widths[i] : strlen(t->cells[i]), c->out);
		if (column + 1 < t->columns)
			put_blanks(c->out, widest[column] - widths[i] + 2);
		else
			putc_unlocked('\n', c->out);
	}
}
