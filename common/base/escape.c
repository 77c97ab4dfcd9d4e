/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quoting and escaping. */
#include "base/escape.h"

#include "base/mem.h"

char *quote_py(const char *s)
{
	struct buf b = BUF_INIT;
	char q = strchr(s, '\'') && !strchr(s, '"') ? '"' : '\'';

	buf_addch(&b, q);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\\' || c == (unsigned char)q)
			buf_addf(&b, "\\%c", c);
		else if (c == '\n')
			buf_addstr(&b, "\\n");
		else if (c == '\t')
			buf_addstr(&b, "\\t");
		else if (c == '\r')
			buf_addstr(&b, "\\r");
		else if (c < 0x20 || c == 0x7f)
			buf_addf(&b, "\\x%02x", c);
		else
			buf_addch(&b, (char)c);
	}
	buf_addch(&b, q);
	return buf_steal(&b);
}

void getall_escape(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			buf_add(b, "\\\\", 2);
		else if (s[i] == '\n')
			buf_add(b, "\\n", 2);
		else
			buf_addch(b, s[i]);
	}
}

size_t getall_unescape(char *s, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (c == '\\' && i + 1 < n && (s[i + 1] == '\\' || s[i + 1] == 'n'))
			c = s[++i] == 'n' ? '\n' : '\\';
		s[to++] = c;
	}
	s[to] = '\0';
	return to;
}

size_t utf8_next(const char *s, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c;
	size_t len;

	if (!n)
		return 0;
	c = (unsigned char)s[0];
	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	len = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc2 && c < 0xe0 ? 2 : 0;
	if (!len || len > n)
		return 0;

	uint32_t cp = c & (0xffu >> (len + 1));

	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret = cp;
	return len;
}

bool codepoint_is_safe(uint32_t cp)
{
	static const struct {
		uint32_t from, to;
	} unsafe[] = {
		{0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad},   {0x061c, 0x061c},
		{0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f},
		{0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164},   {0xe000, 0xf8ff},
		{0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0},   {0xfff0, 0xffff},
		{0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
	};

	for (size_t i = 0; i < ARRAY_SIZE(unsafe); i++)
		if (cp >= unsafe[i].from && cp <= unsafe[i].to)
			return false;
	return true;
}

bool utf8_valid(const char *s, size_t n)
{
	uint32_t cp;

	for (size_t i = 0, len; i < n; i += len)
		if (!(len = utf8_next(s + i, n - i, &cp)))
			return false;
	return true;
}

void term_escape(struct buf *b, const char *s, size_t n, bool keep_lines)
{
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		size_t len = utf8_next(s + i, n - i, &cp);

		if (len && (codepoint_is_safe(cp) || (keep_lines && (cp == '\n' || cp == '\t'))))
			buf_add(b, s + i, len);
		else
			buf_addch(b, '_');
		i += len ? len : 1;
	}
}
