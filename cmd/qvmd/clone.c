/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Content from another volume, and no content: CloneFrom, CloneTo, Clear (admin-api 2.10). */
#include "base/mem.h"
#include "qvmd/content.h"
#include "qvmd/fill.h"
#include "qvmd/storage_call.h"

/* ---- tokens ---- */

static void handle_clone_from(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};

	if (!target_find(r, &t))
		return;
	if (!t.v->vm)
		return req_fail(r, "StoragePoolException", "Cannot clone: %s is a kernel", t.vid);
	req_ok(r, storage_put_token(r->sys, t.v));
}

/* ---- jobs ---- */

struct clone {
	struct fill fill;
	struct source source;
	char *vid; /* of the source */
};

static int write_clone(struct fill *f, int fd, struct err *err)
{
	return source_write(&((struct clone *)f)->source, fd, &f->job.cancelled, err);
}

static void release_clone(struct fill *f)
{
	struct clone *c = (struct clone *)f;

	source_close(&c->source);
	free(c->vid);
	free(c);
}

typedef void end_fn(struct fill *f, struct volume *v, const struct err *err);

/* Takes the source over. */
static void start(struct req *r, struct volume *to, struct source source, const char *vid, const char *what,
		  end_fn *end)
{
	struct clone *c = xcalloc(1, sizeof *c);

	c->fill.write = write_clone;
	c->fill.end = end;
	c->fill.release = release_clone;
	c->source = source;
	c->vid = xstrdup(vid);
	fill_init(&c->fill, r, to, source.size, what);
	fill_start(&c->fill, r->sys);
}

/* ---- cloning ---- */

static void cloned(struct req *r, struct volume *v, const char *vid)
{
	fire(r->sys, v->vm, "domain-import-volume", "name", volume_names[v->id], "source", vid, NULL);
	req_ok(r, "");
}

static void end_clone(struct fill *f, struct volume *v, const struct err *err)
{
	if (err)
		req_fail_err(f->req, err);
	else
		cloned(f->req, v, ((struct clone *)f)->vid);
}

static void copy_content(struct req *r, struct volume *to, const struct volume *from, const char *vid)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	struct source source = SOURCE_INIT;

	if (source_open(from, &source, &err) < 0)
		return req_fail_err(r, &err);
	if (source.fd >= 0 || source.formatted != volume_is_formatted(to))
		return start(r, to, source, vid, "a clone", end_clone);
	/* Nothing was ever written there, and the same nothing is here. */
	volume_switch(to, &(struct content){ .size = source.size });
	cloned(r, to, vid);
}

static void handle_clone_to(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_FREE char *token = NULL, *vid = NULL;
	const struct volume *from;

	if (!target_find(r, &t))
		return;
	token = xmemdup0(t.rest, t.len);
	from = storage_take_token(r->sys, token);
	if (!from)
		return req_fail(r, "QubesVolumeCopyTokenNotFoundError", "Token to clone volume of qube was not found");
	vid = volume_vid(from);
	if (volume_keep(from) == -1 && volume_is_running(from))
		return req_fail(r, "StoragePoolException", "Volume %s must be stopped before importing its data", vid);
	if (!refuse_fleeting(r, &t) && !refuse_busy(r, &t))
		copy_content(r, t.v, from, vid);
}

/* ---- clearing ---- */

static void end_clear(struct fill *f, struct volume *v, const struct err *err)
{
	if (v)
		import_ended(v, !err);
	if (err)
		req_fail_err(f->req, err);
	else
		req_ok(f->req, "");
}

static void handle_clear(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	struct source zeros = SOURCE_INIT;

	if (!target_find(r, &t) || refuse_fleeting(r, &t) || refuse_busy(r, &t))
		return;
	zeros.size = t.v->now.size;
	import_began(t.v, -1);
	if (volume_is_formatted(t.v))
		return start(r, t.v, zeros, t.vid, "a clearing", end_clear);
	volume_switch(t.v, &(struct content){ .size = zeros.size });
	import_ended(t.v, true);
	req_ok(r, "");
}

#define CALL(name, payload_, access_, handle_) \
	{ "admin.vm.volume." name, "S23N", DEST_ANY, PART_NEEDED, payload_, access_, handle_ }
#define POOL_CALL(name, access_, handle_) \
	{ "admin.pool.volume." name, "S---", DEST_DOM0, PART_NEEDED, PART_NEEDED, access_, handle_ }

const struct method methods_clone[] = {
	CALL("CloneFrom", PART_NONE, ACCESS_READ, handle_clone_from),
	CALL("CloneTo", PART_NEEDED, ACCESS_WRITE, handle_clone_to),
	CALL("Clear", PART_NONE, ACCESS_WRITE, handle_clear),
	POOL_CALL("CloneFrom", ACCESS_READ, handle_clone_from),
	POOL_CALL("CloneTo", ACCESS_WRITE, handle_clone_to),
	METHOD_END,
};
