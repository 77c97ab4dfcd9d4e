/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading what xrandr prints, and writing what qubes are told of it. */
#include "model/layout.h"

#include <errno.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"

#define DEPTH 24
/* The largest size that layout_blur() makes: of the longest side, at 96 points an inch. */
#define MM_MAX (MONITOR_SIDE_MAX * 254 / 96 / 10)

void layout_release(struct layout *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	*l = (struct layout){0};
}

/* ---- numbers ---- */

/* Digits at *p, at most max; moves *p behind them. */
static bool take_number(const char **p, uint32_t max, uint32_t *ret)
{
	size_t n = strspn(*p, "0123456789");
	CLEANUP_FREE char *digits = xstrndup(*p, n);
	uint64_t value;

	if (num_u64(digits, &value) < 0 || value > max)
		return false;
	*ret = (uint32_t)value;
	*p += n;
	return true;
}

static bool take_char(const char **p, char c)
{
	return **p == c && *(*p)++;
}

/* "1920x1080+0+0" */
static bool read_geometry(const char *word, struct monitor *m)
{
	return take_number(&word, MONITOR_SIDE_MAX, &m->width) && take_char(&word, 'x') &&
	       take_number(&word, MONITOR_SIDE_MAX, &m->height) && take_char(&word, '+') &&
	       take_number(&word, MONITOR_SIDE_MAX, &m->x) && take_char(&word, '+') &&
	       take_number(&word, MONITOR_SIDE_MAX, &m->y) && !*word && m->width && m->height;
}

/* "344mm" */
static bool read_mm(const char *word, uint32_t *ret)
{
	return take_number(&word, MM_MAX, ret) && streq(word, "mm");
}

static bool read_plain(const char *word, uint32_t max, uint32_t *ret)
{
	return take_number(&word, max, ret) && !*word;
}

/* ---- lines ---- */

static void words_of(struct strv *ret, const char *line)
{
	for (const char *p = line; *(p += strspn(p, " \t\r"));) {
		size_t n = strcspn(p, " \t\r");

		strv_addn(ret, p, n);
		p += n;
	}
}

static bool looks_like_geometry(const char *word)
{
	return word[strspn(word, "0123456789")] == 'x' && strchr(word, '+');
}

/* "NAME connected [primary] WxH+X+Y [left] (normal left ...) Wmm x Hmm". 1: a monitor, 0: one that is off. */
static int read_xrandr(const struct strv *w, struct monitor *m)
{
	size_t at = 2;

	if (at < w->n && streq(w->v[at], "primary"))
		at++;
	if (at >= w->n || !looks_like_geometry(w->v[at]))
		return 0;
	if (!read_geometry(w->v[at], m))
		return -EINVAL;
	if (w->n >= at + 4 && streq(w->v[w->n - 2], "x") &&
	    (!read_mm(w->v[w->n - 3], &m->width_mm) || !read_mm(w->v[w->n - 1], &m->height_mm)))
		return -EINVAL;
	return 1;
}

/* "WIDTH HEIGHT X Y[ WIDTH_MM HEIGHT_MM]" */
static int read_numbers(const struct strv *w, struct monitor *m)
{
	if ((w->n != 4 && w->n != 6) || !read_plain(w->v[0], MONITOR_SIDE_MAX, &m->width) ||
	    !read_plain(w->v[1], MONITOR_SIDE_MAX, &m->height) || !read_plain(w->v[2], MONITOR_SIDE_MAX, &m->x) ||
	    !read_plain(w->v[3], MONITOR_SIDE_MAX, &m->y) || !m->width || !m->height)
		return -EINVAL;
	if (w->n == 6 && (!read_plain(w->v[4], MM_MAX, &m->width_mm) || !read_plain(w->v[5], MM_MAX, &m->height_mm)))
		return -EINVAL;
	return 1;
}

enum form { UNKNOWN, XRANDR, NUMBERS };

/* Its first line tells which form a text has. */
static enum form form_of(const struct strv *w)
{
	if (w->v[0][strspn(w->v[0], "0123456789")] == '\0')
		return NUMBERS;
	if (streq(w->v[0], "Screen") ||
	    (w->n > 1 && (streq(w->v[1], "connected") || streq(w->v[1], "disconnected"))))
		return XRANDR;
	return UNKNOWN;
}

/* 1: *m is a monitor, 0: the line is about something else, -EINVAL. */
static int read_line(const char *line, enum form *form, struct monitor *m)
{
	CLEANUP_STRV struct strv w = STRV_INIT;
	int r;

	words_of(&w, line);
	if (!w.n)
		return 0;
	if (*form == UNKNOWN)
		*form = form_of(&w);
	if (*form == NUMBERS)
		r = read_numbers(&w, m);
	else if (*form == XRANDR)
		/* The modes of an output are indented. */
		r = w.n > 1 && streq(w.v[1], "connected") && !strchr(" \t", *line) ? read_xrandr(&w, m) : 0;
	else
		return -EINVAL;
	if (r > 0)
		m->name = xstrdup(*form == XRANDR ? w.v[0] : "");
	return r;
}

static int wrong(struct err *err, size_t line, const char *what)
{
	return err_set(err, -EINVAL, "", "line %zu of the layout: %s", line, what);
}

int layout_parse(struct layout *ret, const char *text, size_t len, struct err *err)
{
	const char *p = text, *end = text + len;
	enum form form = UNKNOWN;
	int r = 0;

	*ret = (struct layout){0};
	for (size_t n = 1; r >= 0 && p < end; n++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t size = (size_t)((stop ? stop : end) - p);
		CLEANUP_FREE char *line = xmemdup0(p, size);
		struct monitor m = {0};

		p += size + 1;
		if (memchr(line, '\0', size) || !utf8_valid(line, size))
			r = wrong(err, n, "not a line of text");
		else if ((r = read_line(line, &form, &m)) < 0)
			wrong(err, n, form == UNKNOWN ? "not what xrandr prints" : "not a monitor");
		else if (r && ret->n == MONITORS_MAX)
			r = wrong(err, n, "too many monitors");
		if (r > 0)
			ret->v[ret->n++] = m;
		else
			free(m.name);
	}
	ret->exact = form == NUMBERS;
	if (r < 0)
		layout_release(ret);
	return r < 0 ? r : 0;
}

/* ---- what qubes are told ---- */

static uint32_t coarse_dpi(uint32_t dpi)
{
	static const uint32_t steps[] = {300, 200, 150};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (dpi > steps[i])
			return steps[i];
	return 96;
}

void layout_blur(struct layout *l)
{
	for (size_t i = 0; i < l->n && !l->exact; i++) {
		struct monitor *m = &l->v[i];
		uint32_t dpi;

		if (!m->width_mm || !m->height_mm) {
			m->width_mm = m->height_mm = 0;
			continue;
		}
		dpi = coarse_dpi(m->width * 254 / m->width_mm / 10);
		m->width_mm = m->width * 254 / dpi / 10;
		m->height_mm = m->height * 254 / dpi / 10;
	}
}

void layout_print(struct buf *b, const struct layout *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct monitor *m = &l->v[i];

		buf_addf(b, "%u %u %u %u", m->width, m->height, m->x, m->y);
		if (m->width_mm && m->height_mm)
			buf_addf(b, " %u %u", m->width_mm, m->height_mm);
		buf_addch(b, '\n');
	}
}

struct screen layout_screen(const struct layout *l)
{
	struct screen s = {.depth = DEPTH};
	uint64_t pixels;

	for (size_t i = 0; i < l->n; i++) {
		const struct monitor *m = &l->v[i];

		if (m->x + m->width > s.width)
			s.width = m->x + m->width;
		if (m->y + m->height > s.height)
			s.height = m->y + m->height;
	}
	pixels = (uint64_t)s.width * s.height;
	s.memory_kib = (uint32_t)(pixels * 4 / 1024 + 1);
	return s;
}
