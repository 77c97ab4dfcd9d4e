/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What admin.vm.volume.Info says of a volume (admin-api 7.2). */
#include "model/volume.h"

#include <errno.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"

void volume_info_release(struct volume_info *v)
{
	free(v->pool);
	free(v->vid);
	free(v->source);
	*v = (struct volume_info){0};
}

static int set_text(char **to, const char *value)
{
	free(*to);
	*to = xstrdup(value);
	return 0;
}

static int set_bool(bool *to, const char *value)
{
	*to = streq(value, "True");
	return 0;
}

/* 0, or a negative errno for a value that cannot be; *got collects the keys that must be there. */
static int set(struct volume_info *v, const char *key, const char *value, unsigned *got)
{
	if (streq(key, "pool"))
		return *got |= 1, set_text(&v->pool, value);
	if (streq(key, "vid"))
		return *got |= 2, set_text(&v->vid, value);
	if (streq(key, "size"))
		return *got |= 4, num_u64(value, &v->size);
	if (streq(key, "usage"))
		return *got |= 8, num_u64(value, &v->usage);
	if (streq(key, "source"))
		return set_text(&v->source, value);
	if (streq(key, "revisions_to_keep"))
		return num_i64(value, &v->revisions_to_keep);
	if (streq(key, "rw"))
		return set_bool(&v->rw, value);
	if (streq(key, "save_on_stop"))
		return set_bool(&v->save_on_stop, value);
	if (streq(key, "snap_on_start"))
		return set_bool(&v->snap_on_start, value);
	if (streq(key, "ephemeral"))
		return set_bool(&v->ephemeral, value);
	if (streq(key, "is_outdated"))
		return set_bool(&v->is_outdated, value);
	return 0;
}

int volume_info_parse(struct volume_info *ret, const char *body, struct err *err)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;
	unsigned got = 0;

	*ret = (struct volume_info){.source = xstrdup("")};
	strv_split(&lines, body, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *eq = strchr(lines.v[i], '=');

		if (!eq)
			continue;
		*eq = '\0';
		if (set(ret, lines.v[i], eq + 1, &got) < 0)
			return err_set(err, -EBADMSG, "", "Invalid %s of a volume: %s", lines.v[i], eq + 1);
	}
	return got == 15 ? 0 : err_set(err, -EBADMSG, "", "Incomplete information about a volume");
}
