/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing vector of owned strings. */
#include "base/strv.h"

#include <stdarg.h>

#include "base/buf.h"
#include "base/mem.h"

void strv_release(struct strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = STRV_INIT;
}

void strv_take(struct strv *s, char *str)
{
	GROW(s->v, s->n + 1, s->cap);
	s->v[s->n++] = str;
	s->v[s->n] = NULL;
}

void strv_add(struct strv *s, const char *str)
{
	strv_take(s, xstrdup(str));
}

void strv_addn(struct strv *s, const char *str, size_t n)
{
	strv_take(s, xstrndup(str, n));
}

void strv_addf(struct strv *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_take(s, xvasprintf(fmt, ap));
	va_end(ap);
}

bool strv_has(const struct strv *s, const char *str)
{
	for (size_t i = 0; i < s->n; i++)
		if (streq(s->v[i], str))
			return true;
	return false;
}

int strv_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof *s->v, strv_cmp);
}

bool strv_insert(struct strv *s, const char *str)
{
	size_t at = s->n;

	while (at > 0) {
		int c = strcmp(s->v[at - 1], str);

		if (c == 0)
			return false;
		if (c < 0)
			break;
		at--;
	}
	strv_add(s, str);

	char *added = s->v[s->n - 1];

	memmove(&s->v[at + 1], &s->v[at], (s->n - 1 - at) * sizeof *s->v);
	s->v[at] = added;
	return true;
}

void strv_remove(struct strv *s, size_t i)
{
	free(s->v[i]);
	memmove(s->v + i, s->v + i + 1, (s->n - i) * sizeof *s->v);
	s->n--;
}

void strv_split(struct strv *s, const char *str, char sep)
{
	while (*str) {
		const char *end = strchrnul(str, sep);

		strv_addn(s, str, (size_t)(end - str));
		str = *end ? end + 1 : end;
	}
}

char *strv_join(const struct strv *s, const char *sep)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < s->n; i++) {
		if (i)
			buf_addstr(&b, sep);
		buf_addstr(&b, s->v[i]);
	}
	return buf_steal(&b);
}
