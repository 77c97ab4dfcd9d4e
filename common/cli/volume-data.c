/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data of a volume, from a file or from another volume. */
#include "cli/volume-data.h"

#include <inttypes.h>

#include "admin/import.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/progress.h"
#include "model/volume.h"

/* ---- import ---- */

static void show_sent(void *data, uint64_t sent)
{
	progress_step(data, sent);
}

int volume_import(struct ctx *c, const char *qube, const char *volume, int fd, uint64_t size, bool announce,
		  struct err *err)
{
	const char *method = announce ? "admin.vm.volume.ImportWithSize" : "admin.vm.volume.Import";
	CLEANUP_FREE char *what = xasprintf("%s:%s", qube, volume);
	CLEANUP_FREE char *head = announce ? xasprintf("%" PRIu64 "\n", size) : xstrdup("");
	struct progress p;
	int r;

	progress_begin(&p, c, what, size);
	c->admin.on_progress = show_sent;
	c->admin.on_progress_data = &p;
	r = admin_import(&c->admin, qube, method, volume, head, strlen(head), fd, err);
	c->admin.on_progress = NULL;
	progress_end(&p);
	return r;
}

/* ---- clone ---- */

/* A copy on the side of the daemon: what the pool grows by tells how far it is. */
struct watch {
	struct progress progress;
	char *pool;      /* NULL: nothing to see */
	uint64_t before; /* bytes in use when it began */
};

/* False when the pool does not tell. */
static bool pool_usage(struct ctx *c, const char *pool, uint64_t *ret)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;
	CLEANUP_FREE char *body = NULL;

	if (admin_call(&c->admin, NULL, "dom0", "admin.pool.UsageDetails", pool, NULL, &body, NULL) < 0)
		return false;
	strv_split(&lines, body, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		const char *value = skip_prefix(lines.v[i], "data_usage=");

		if (value)
			return num_u64(value, ret) == 0;
	}
	return false;
}

static bool volume_info(struct ctx *c, const char *qube, const char *volume, struct volume_info *ret)
{
	CLEANUP_FREE char *body = NULL;

	return admin_call(&c->admin, NULL, qube, "admin.vm.volume.Info", volume, NULL, &body, NULL) == 0 &&
	       volume_info_parse(ret, body, NULL) == 0;
}

static void show_copied(void *data, uint64_t sent)
{
	struct watch *w = data;
	uint64_t now;

	if (w->pool && pool_usage(w->progress.c, w->pool, &now) && now > w->before)
		progress_step(&w->progress, now - w->before);
	else
		progress_step(&w->progress, 0);
}

/* All that is asked here is for the eye: without a terminal no call is made, and no failure matters. */
static void watch_begin(struct watch *w, struct ctx *c, const char *what, const char *from_qube, const char *from,
			const char *to_qube, const char *to)
{
	CLEANUP_VOLUME_INFO struct volume_info source = {0}, target = {0};

	*w = (struct watch){0};
	if (!progress_wanted(c))
		return;
	if (volume_info(c, from_qube, from, &source) && volume_info(c, to_qube, to, &target) &&
	    pool_usage(c, target.pool, &w->before))
		w->pool = STEAL(target.pool);
	progress_begin(&w->progress, c, what, source.usage);
	c->admin.on_progress = show_copied;
	c->admin.on_progress_data = w;
}

static void watch_end(struct watch *w, struct ctx *c)
{
	if (c->admin.on_progress)
		progress_end(&w->progress);
	c->admin.on_progress = NULL;
	free(w->pool);
}

int volume_clone(struct ctx *c, const char *from_qube, const char *from, const char *to_qube, const char *to,
		 struct err *err)
{
	CLEANUP_FREE char *token = NULL, *what = xasprintf("%s:%s", to_qube, to);
	struct watch w;
	int r = admin_call(&c->admin, err, from_qube, "admin.vm.volume.CloneFrom", from, NULL, &token, NULL);

	if (r < 0)
		return r;
	watch_begin(&w, c, what, from_qube, from, to_qube, to);
	r = admin_call(&c->admin, err, to_qube, "admin.vm.volume.CloneTo", to, token, NULL, NULL);
	watch_end(&w, c);
	return r;
}

/* ---- which ---- */

/* True for a line save_on_stop=True in the body of Info. */
static bool is_saved(const char *info)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, info, '\n');
	return strv_has(&lines, "save_on_stop=True");
}

int volumes_kept(struct ctx *c, const char *qube, struct strv *ret, struct err *err)
{
	CLEANUP_STRV struct strv volumes = STRV_INIT;
	CLEANUP_FREE char *body = NULL;
	struct call *infos;
	int r = admin_call(&c->admin, err, qube, "admin.vm.volume.List", NULL, NULL, &body, NULL);

	if (r < 0)
		return r;
	strv_split(&volumes, body, '\n');
	strv_sort(&volumes);
	infos = xcalloc(volumes.n + 1, sizeof *infos);
	for (size_t i = 0; i < volumes.n; i++)
		infos[i] = (struct call){.dest = qube, .method = "admin.vm.volume.Info", .arg = volumes.v[i]};
	if (volumes.n)
		admin_run(&c->admin, infos, volumes.n);
	for (size_t i = 0; i < volumes.n && r == 0; i++) {
		if (infos[i].result < 0) {
			r = infos[i].result;
			err_move(err, &infos[i].err);
		} else if (is_saved(infos[i].body)) {
			strv_add(ret, volumes.v[i]);
		}
	}
	calls_free(infos, volumes.n);
	return r;
}
