/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes as the tests write them: \0 \n \r \t \\ \xHH. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In place; returns the number of bytes. */
static inline size_t unescape(char *s)
{
	char *to = s;

	for (char *p = s; *p; p++) {
		char hex[3] = {0};

		if (*p != '\\' || !p[1]) {
			*to++ = *p;
			continue;
		}
		switch (*++p) {
		case '0': *to++ = '\0'; break;
		case 'n': *to++ = '\n'; break;
		case 'r': *to++ = '\r'; break;
		case 't': *to++ = '\t'; break;
		case 'x':
			memcpy(hex, p + 1, p[1] ? 2 : 1);
			*to++ = (char)strtoul(hex, NULL, 16);
			p += strlen(hex);
			break;
		default: *to++ = *p;
		}
	}
	return (size_t)(to - s);
}

static inline void put_escaped(FILE *f, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\0')
			fputs("\\0", f);
		else if (c == '\n')
			fputs("\\n", f);
		else if (c == '\r')
			fputs("\\r", f);
		else if (c == '\t')
			fputs("\\t", f);
		else if (c == '\\')
			fputs("\\\\", f);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			putc(c, f);
	}
}
