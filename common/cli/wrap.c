/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paragraphs broken into lines the way Python's textwrap does. */
#include "cli/wrap.h"

#include <ctype.h>

static bool is_blank(char c)
{
	return c && strchr(" \t\n\r\v\f", c);
}

/* Letters, digits and '_'; bytes of other scripts count as letters. */
static bool is_word(char c)
{
	return c == '_' || isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_letter(char c)
{
	return is_word(c) && !isdigit((unsigned char)c);
}

/* A line may end behind the hyphen at s[i]: "well-known", but neither "x-1" nor "--all". */
static bool breaks_at(const char *s, size_t i)
{
	if (s[i] != '-' || i < 2 || !is_letter(s[i - 1]) || !is_word(s[i - 2]))
		return false;
	for (const char *p = s + i + 1; is_word(*p); p++)
		if (p > s + i + 1 && is_letter(*p))
			return true;
	return false;
}

/*
 * Length of the piece at s that is not to be broken: blanks, or a word up to its hyphen; with its columns, counted by
 * code points. What is wider than `most` is not followed to its end, which may be far away.
 */
static size_t piece(const char *s, size_t most, size_t *ret_columns)
{
	bool blank = is_blank(*s), end = false;
	size_t n = 0;

	*ret_columns = 0;
	while (!end && s[n] && is_blank(s[n]) == blank && *ret_columns <= most) {
		*ret_columns += ((unsigned char)s[n] & 0xc0) != 0x80;
		end = breaks_at(s, n++);
	}
	return n;
}

static void pad(struct buf *b, size_t n)
{
	while (n--)
		buf_addch(b, ' ');
}

static void cut_blanks(struct buf *b, size_t start)
{
	while (b->len > start && b->data[b->len - 1] == ' ')
		b->data[--b->len] = '\0';
}

static void add_piece(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addch(b, (char)(is_blank(s[i]) ? ' ' : s[i]));
}

void wrap_text(struct buf *b, const char *text, size_t width, size_t first, size_t rest)
{
	size_t start = b->len, line = width > first ? width - first : 1, room = line;

	pad(b, first);
	for (;;) {
		size_t cols, n = piece(text, line, &cols);

		if (n && cols <= room) {
			add_piece(b, text, n);
			text += n;
			room -= cols;
			continue;
		}
		if (!is_blank(*text) && cols > line) {
			/* Longer than a line: as much as there is room for, cut between code points. */
			for (n = 0; room; room--)
				do
					n++;
				while (((unsigned char)text[n] & 0xc0) == 0x80);
			add_piece(b, text, n);
			text += n;
		}
		cut_blanks(b, start);
		while (is_blank(*text))
			text++;
		if (!*text)
			return;
		buf_addch(b, '\n');
		start = b->len;
		pad(b, rest);
		line = room = width > rest ? width - rest : 1;
	}
}
