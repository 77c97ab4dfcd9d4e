/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls about volumes that are done at once (admin-api 2.10, 2.15). */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/chars.h"
#include "base/mem.h"
#include "os/io.h"
#include "qvmd/sandbox.h"
#include "qvmd/storage_call.h"
#include "qvmd/told.h"
#include "qvmd/tree.h"

/* ---- looking ---- */

static void handle_list(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (int id = 0; r->dest->volumes && id < VOLUME_COUNT; id++)
		buf_addf(&b, "%s\n", volume_names[id]);
	req_ok_buf(r, &b);
}

static const char *truth(bool b)
{
	return b ? "True" : "False";
}

/* admin-api 7.2 */
static void handle_info(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_FREE char *source = NULL, *path = NULL;
	CLEANUP_BUF struct buf b = BUF_INIT;
	const struct volume *v;

	if (!target_find(r, &t))
		return;
	v = t.v;
	source = volume_source(v) ? volume_vid(volume_source(v)) : xstrdup("");
	path = volume_path(v);
	buf_addf(&b, "pool=%s\nvid=%s\nsize=%llu\nusage=%llu\n", volume_pool(v)->name, t.vid,
		 (unsigned long long)volume_size(v), (unsigned long long)volume_usage(v));
	buf_addf(&b, "rw=%s\nsource=%s\npath=%s\n", truth(v->rw), source, path);
	buf_addf(&b, "save_on_stop=%s\nsnap_on_start=%s\nrevisions_to_keep=%lld\n", truth(volume_is_persistent(v)),
		 truth(volume_is_copy(v)), (long long)volume_keep(v));
	buf_addf(&b, "ephemeral=%s\nis_outdated=%s\n", truth(volume_is_ephemeral(v)), truth(volume_is_outdated(v)));
	req_ok_buf(r, &b);
}

static void handle_snapshots(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (!target_find(r, &t))
		return;
	for (size_t i = 0; i < t.v->n_revs; i++)
		buf_addf(&b, "%s\n", t.v->revs[i].name);
	req_ok_buf(r, &b);
}

/* ---- revisions ---- */

static void handle_snapshot(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	const char *name;

	if (!target_find(r, &t) || refuse_running(r, &t) || refuse_busy(r, &t))
		return;
	name = volume_keep_revision(t.v);
	if (name)
		req_ok(r, name);
	else
		req_fail(r, "StoragePoolException", "Cannot take a snapshot: %s keeps no revisions", t.vid);
}

static const struct revision *find_revision(const struct volume *v, const char *name)
{
	for (size_t i = 0; i < v->n_revs; i++)
		if (streq(v->revs[i].name, name))
			return &v->revs[i];
	return NULL;
}

static void fail_dirty(struct req *r, const struct target *t)
{
	if (pool_driver(volume_pool(t->v))->kind == DRIVER_THIN)
		req_fail(r, "StoragePoolException", "Cannot revert dirty volume %s, stop the qube first", t->vid);
	else
		req_fail(r, "StoragePoolException", "Cannot revert: %s is not cleanly stopped", t->vid);
}

static void handle_revert(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_FREE char *name = NULL;
	const struct revision *rev;

	if (!target_find(r, &t) || refuse_busy(r, &t))
		return;
	name = payload_trimmed(t.rest, t.len);
	if (!name || !chars_all(name, "A-Za-z0-9:_.-"))
		return req_fail(r, "ProtocolError", "Revision name must be in safe set: " SAFE_SET ":-_.");
	if (volume_is_running(t.v))
		return fail_dirty(r, &t);
	rev = find_revision(t.v, name);
	if (!rev)
		return req_fail(r, "QubesVolumeRevisionNotFoundError", "No such revision: '%s'", name);
	volume_switch(t.v, &rev->content);
	req_ok(r, "");
}

/* ---- size ---- */

static int may_resize(const struct target *t, int64_t size, int compat, struct err *err)
{
	const struct volume *v = t->v, *source = volume_source(v);
	static const char type[] = "StoragePoolException";

	if (!v->rw || volume_is_kernel(v))
		return err_set(err, -EROFS, type, "Cannot resize: %s is read-only", t->vid);
	if (source && pool_driver(volume_pool(v))->kind == DRIVER_FILE)
		return err_set(err, -EINVAL, type, "Cannot resize: %s is backed by a template", t->vid);
	if (source && (uint64_t)size < source->now.size)
		return err_set(err, -EINVAL, type, "Cannot resize: %s cannot be smaller than its source", t->vid);
	if (compat && (uint64_t)size < volume_size(v))
		return err_set(err, -EINVAL, type,
			       "For your own safety, shrinking of %s is disabled (%lld < %llu). If you really know "
			       "what you are doing, shrink its file system first.",
			       volume_names[v->id], (long long)size, (unsigned long long)volume_size(v));
	return 0;
}

/* A running qube sees the new size at once. */
static int resize_copy(const struct volume *v, int64_t size)
{
	CLEANUP_FREE char *path = volume_work_path(v);
	CLEANUP_CLOSE int fd = tree_open(storage_root(v->pool->sys), path, O_WRONLY);

	if (fd < 0)
		return fd;
	return ftruncate(fd, size) < 0 ? -errno : 0;
}

/* Its file system in the qube. */
struct resized {
	struct req *req;
	char vid[];
};

static void answer_resize(struct req *r, const char *vid, const char *failed)
{
	if (failed)
		req_fail(r, "StoragePoolException",
			 "Online resize of volume %s failed (you need to resize filesystem manually): %s", vid, failed);
	else
		req_ok(r, "");
}

static void on_resized(void *data, const char *failed)
{
	struct resized *z = data;

	answer_resize(z->req, z->vid, failed);
}

/* True when the qube was asked to make use of the new size; r is answered when it has. */
static bool resize_inside(struct req *r, const struct target *t)
{
	struct resized *z;

	if (!t->v->has_copy || !sandbox_is_ready(t->v->vm))
		return false;
	z = xcalloc(1, sizeof *z + strlen(t->vid) + 1);
	memcpy(z->vid, t->vid, strlen(t->vid));
	z->req = req_hold(r);
	return tell_qube(t->v->vm, "qubes.ResizeDisk", volume_names[t->v->id], on_resized, z);
}

static void handle_resize(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *text = NULL;
	int64_t size = 0;
	int failed;

	if (!target_find(r, &t) || refuse_busy(r, &t))
		return;
	text = payload_trimmed(t.rest, t.len);
	if (payload_number("Volume size", text ? text : "", text ? strlen(text) : 0, false, &size, &err) < 0 ||
	    may_resize(&t, size, r->sys->opt.compat, &err) < 0)
		return req_fail_err(r, &err);
	failed = t.v->has_copy ? resize_copy(t.v, size) : 0;
	if (failed < 0)
		return req_fail(r, "StoragePoolException", "Cannot resize: %s: %s", t.vid, strerror(-failed));
	t.v->now.size = (uint64_t)size;
	/* What was cut off does not come back when it grows again. */
	if (t.v->now.valid > t.v->now.size)
		t.v->now.valid = t.v->now.size;
	volume_save(t.v);
	if (!resize_inside(r, &t))
		answer_resize(r, t.vid, NULL);
}

/* ---- settings ---- */

/* A disposable that runs has copies of its template's volumes. */
static bool is_used(const struct volume *v)
{
	const struct sys *s = v->vm->sys;

	if (volume_is_running(v))
		return true;
	for (size_t i = 0; i < s->n_vms; i++) {
		const struct volume *copy = s->vms[i]->volumes ? &s->vms[i]->volumes[v->id] : NULL;

		if (copy && s->vms[i]->class == CLASS_DISP && volume_is_running(copy) && volume_source(copy) == v)
			return true;
	}
	return false;
}

static int may_keep(const struct volume *v, int64_t n, int compat, struct err *err)
{
	const struct driver *d = pool_driver(volume_pool(v));
	static const char type[] = "QubesValueError";

	if (n < (compat == 42 ? 0 : -1))
		return err_set(err, -EINVAL, type, "Invalid value for revisions_to_keep");
	if (volume_is_kernel(v) && n)
		return err_set(err, -EINVAL, type, "LinuxModules supports only revisions_to_keep=0");
	if (n > d->most_kept)
		return err_set(err, -EINVAL, type, "%s", d->too_many);
	if (n != volume_keep(v) && (n == -1 || volume_keep(v) == -1) && is_used(v))
		return err_set(err, -EBUSY, "QubesVMNotHaltedError", "Domain is not powered off: '%s'", v->vm->name);
	return 0;
}

static void handle_set_keep(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	int64_t n = 0;

	if (!target_find(r, &t) || refuse_busy(r, &t))
		return;
	if (payload_number("Revisions to keep", t.rest, t.len, true, &n, &err) < 0 ||
	    may_keep(t.v, n, r->sys->opt.compat, &err) < 0)
		return req_fail_err(r, &err);
	if (!volume_is_kernel(t.v)) {
		t.v->keep = n;
		volume_save(t.v);
	}
	req_ok(r, "");
}

/* The truth value of the payload; false when the request was refused, and answered. */
static bool truth_of(struct req *r, bool *ret)
{
	int b = payload_bool(r->payload, r->payload_len);

	*ret = b > 0;
	if (b < 0)
		req_fail(r, "QubesValueError", "Invalid literal for boolean property: '%s'", r->payload);
	return b >= 0;
}

static void handle_set_rw(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	bool rw;

	if (!truth_of(r, &rw) || !target_find(r, &t) || refuse_running(r, &t) || refuse_busy(r, &t))
		return;
	if (volume_is_kernel(t.v) && rw)
		return req_fail(r, "QubesValueError", "LinuxModules supports only read-only volumes");
	if (!volume_is_kernel(t.v)) {
		t.v->rw = rw;
		volume_save(t.v);
	}
	req_ok(r, "");
}

static void handle_set_ephemeral(struct req *r)
{
	CLEANUP_TARGET struct target t = {0};
	bool on;

	if (!truth_of(r, &on) || !target_find(r, &t) || refuse_busy(r, &t))
		return;
	if (on && (volume_is_copy(t.v) || volume_is_persistent(t.v) || !t.v->rw))
		return req_fail(r, "QubesValueError", "Cannot enable ephemeral on snap_on_start or save_on_stop or "
						      "non-dom0 or not writable volume");
	if (!volume_is_kernel(t.v)) {
		t.v->ephemeral = (int8_t)on;
		volume_save(t.v);
	}
	req_ok(r, "");
}

#define CALL(name, versions_, payload_, access_, handle_) \
	{ "admin.vm.volume." name, versions_, DEST_ANY, PART_NEEDED, payload_, access_, handle_ }
#define POOL_CALL(name, access_, handle_) \
	{ "admin.pool.volume." name, "S---", DEST_DOM0, PART_NEEDED, PART_NEEDED, access_, handle_ }

const struct method methods_volume[] = {
	{ "admin.vm.volume.List", "S23N", DEST_ANY, PART_NONE, PART_NONE, ACCESS_READ, handle_list },
	CALL("Info", "S23N", PART_NONE, ACCESS_READ, handle_info),
	CALL("ListSnapshots", "S23N", PART_NONE, ACCESS_READ, handle_snapshots),
	CALL("Snapshot", "S---", PART_NONE, ACCESS_WRITE, handle_snapshot),
	CALL("Revert", "S23N", PART_NEEDED, ACCESS_WRITE, handle_revert),
	CALL("Resize", "S23N", PART_NEEDED, ACCESS_WRITE, handle_resize),
	CALL("Set.revisions_to_keep", "S23N", PART_NEEDED, ACCESS_WRITE, handle_set_keep),
	CALL("Set.rw", "-23N", PART_NEEDED, ACCESS_WRITE, handle_set_rw),
	CALL("Set.ephemeral", "-23N", PART_NEEDED, ACCESS_WRITE, handle_set_ephemeral),
	POOL_CALL("Info", ACCESS_READ, handle_info),
	POOL_CALL("ListSnapshots", ACCESS_READ, handle_snapshots),
	POOL_CALL("Snapshot", ACCESS_WRITE, handle_snapshot),
	POOL_CALL("Revert", ACCESS_WRITE, handle_revert),
	POOL_CALL("Resize", ACCESS_WRITE, handle_resize),
	POOL_CALL("Set.revisions_to_keep", ACCESS_WRITE, handle_set_keep),
	METHOD_END,
};
