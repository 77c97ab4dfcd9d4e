/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far the reading of the archive is. */
#include <json-c/json.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvm-backup-restore/restore.h"

#define SECOND 1000000000ull

static double percent(const struct restore *r, uint64_t bytes)
{
	uint64_t total = r->origin.size;

	return total ? 100.0 * (double)(bytes < total ? bytes : total) / (double)total : 0;
}

static void show_json(struct restore *r, uint64_t bytes)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "bytes", json_object_new_uint64(bytes));
	json_object_object_add(o, "progress",
			       r->origin.size ? json_object_new_double(percent(r, bytes)) : NULL);
	json_object_object_add(o, "qube", r->now ? json_object_new_string(r->now) : NULL);
	fprintf(r->c->err, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	fflush(r->c->err);
	json_object_put(o);
}

bool now_at(struct restore *r, const char *qube)
{
	if (r->now && streq(r->now, qube))
		return false;
	progress_end(&r->progress);
	r->now = r->progress.what = qube;
	return true;
}

int on_progress(void *data, uint64_t bytes)
{
	struct restore *r = data;

	if (r->size_limit && bytes > r->size_limit)
		r->too_large = true;
	if (r->too_large || is_interrupted(r))
		return 1;
	if (r->progress_kind == PROGRESS_LINE) {
		progress_step(&r->progress, bytes);
	} else if (r->progress_kind == PROGRESS_JSON && now_ns() - r->shown_ns >= SECOND) {
		r->shown_ns = now_ns();
		show_json(r, bytes);
	}
	return 0;
}

int run_ended(struct restore *r, const struct err *err)
{
	if (r->too_large)
		return fail(r->c, "retrieved backup size exceed expected size, if you believe this is ok, use "
				  "--ignore-size-limit option");
	if (is_interrupted(r))
		return fail(r->c, "interrupted");
	return fail(r->c, "%s", err->text ? err->text : "the archive cannot be read");
}
