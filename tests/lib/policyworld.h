/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of the policy: files in memory, and some qubes. */
#pragma once

#include <errno.h>

#include "base/mem.h"
#include "model/policy.h"

/*
 * Files, one behind another: a line "== PATH" and what is in it, up to the next such line. A path that another one
 * goes on behind ("/p" and "/p/a") is a directory; everything else is not there.
 */
struct texts {
	const char *p, *end;
};

/* The next file; false at the end. */
static inline bool texts_next(struct texts *t, char **ret_path, const char **ret_text, size_t *ret_len)
{
	while (t->p < t->end) {
		const char *line = t->p, *stop = memchr(line, '\n', (size_t)(t->end - line)), *next;
		size_t n = (size_t)((stop ? stop : t->end) - line);

		t->p = stop ? stop + 1 : t->end;
		if (n < 3 || memcmp(line, "== ", 3) != 0)
			continue;
		next = t->p < t->end ? memmem(t->p, (size_t)(t->end - t->p), "\n== ", 4) : NULL;
		if (t->end - t->p >= 3 && memcmp(t->p, "== ", 3) == 0)
			next = t->p - 1;
		*ret_path = xstrndup(line + 3, n - 3);
		*ret_text = t->p;
		*ret_len = (size_t)((next ? next + 1 : t->end) - t->p);
		t->p += *ret_len;
		return true;
	}
	return false;
}

static inline char *texts_resolve(void *data, const char *path)
{
	return xstrdup(path);
}

static inline int texts_read(void *data, const char *path, struct buf *ret)
{
	struct texts t = *(struct texts *)data;
	const char *text;
	char *name;
	size_t n;

	while (texts_next(&t, &name, &text, &n)) {
		bool found = streq(name, path);

		free(name);
		if (found) {
			buf_add(ret, text, n);
			return 0;
		}
	}
	return -ENOENT;
}

static inline int texts_list(void *data, const char *dir, struct strv *ret)
{
	struct texts t = *(struct texts *)data;
	int r = -ENOENT;
	const char *text;
	char *name;
	size_t n;

	while (texts_next(&t, &name, &text, &n)) {
		const char *rest = skip_prefix(name, dir);

		if (rest && *rest == '/') {
			r = 0;
			if (rest[1] && !strchr(rest + 1, '/'))
				strv_insert(ret, rest + 1);
		}
		free(name);
	}
	return r;
}

static inline struct policy_files texts_files(struct texts *t)
{
	return (struct policy_files){t, texts_resolve, texts_read, texts_list};
}

/* ---- qubes: every test knows them by heart ---- */

static inline bool world_at(void *data, size_t i, struct policy_qube *ret)
{
	static char *office_words[] = {"office", "t2", NULL}, *made[] = {"created-by-mgmt", NULL};
	static char *dvms[] = {"dvms", NULL};
	static const struct strv office = {office_words, 2, 2}, by_mgmt = {made, 1, 1}, of_dvms = {dvms, 1, 1};
	static const struct policy_qube qubes[] = {
		{"dom0", "00000000-0000-0000-0000-000000000000", "AdminVM", .running = true},
		{"work", "11111111-1111-1111-1111-111111111111", "AppVM", &office, "dvm", .running = true},
		{"vault", "22222222-2222-2222-2222-222222222222", "AppVM", &by_mgmt},
		{"mgmt", "33333333-3333-3333-3333-333333333333", "AppVM", NULL, "dvm", .running = true},
		{"dvm", "44444444-4444-4444-4444-444444444444", "AppVM", &of_dvms, .dispvm_template = true},
		{"fedora", "55555555-5555-5555-5555-555555555555", "TemplateVM"},
		{"hidden", "66666666-6666-6666-6666-666666666666", "AppVM", .internal = true, .running = true},
	};

	if (i >= ARRAY_SIZE(qubes))
		return false;
	*ret = qubes[i];
	return true;
}

static inline bool world_find(void *data, const char *name, struct policy_qube *ret)
{
	const char *uuid = skip_prefix(name, "uuid:");

	for (size_t i = 0; world_at(data, i, ret); i++)
		if (streq(uuid ? uuid : name, uuid ? ret->uuid : ret->name))
			return true;
	return false;
}

static const struct policy_world world = {NULL, world_at, world_find};
