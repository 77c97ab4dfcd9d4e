/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the start and the end of a qube mean for its volumes (admin-api 7.1, 7.4). A qube works on copies of what its
 * volumes hold; at its end the copies of those that are saved become their content, and the others go.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvmd/content.h"
#include "qvmd/job.h"
#include "qvmd/power.h"
#include "qvmd/server.h"
#include "qvmd/storage.h"
#include "qvmd/tree.h"

/* One volume in a job. */
struct part {
	bool wanted;
	char *work, *file;     /* its working copy; at the end of the run, what that becomes */
	struct source source;  /* at the start of the run */
	struct content content; /* at its end */
	int result;
};

struct run {
	struct job job;
	char uuid[37];
	int root;
	volumes_fn *started;
	void (*off)(struct vm *v), (*stopped)(struct vm *v);
	struct part parts[VOLUME_COUNT];
};

static struct run *run_new(struct vm *vm)
{
	struct run *r = xcalloc(1, sizeof *r);

	r->job.wake = -1;
	memcpy(r->uuid, vm->uuid, sizeof r->uuid);
	r->root = storage_root(vm->sys);
	for (int id = 0; id < VOLUME_COUNT; id++)
		r->parts[id].source = SOURCE_INIT;
	return r;
}

static void run_free(struct job *j)
{
	struct run *r = (struct run *)j;

	for (int id = 0; id < VOLUME_COUNT; id++) {
		source_close(&r->parts[id].source);
		free(r->parts[id].work);
		free(r->parts[id].file);
	}
	free(r);
}

/* The qube, its volumes idle again; NULL when it is gone. What follows cannot be taken back, and rests on no change
 * that may fail. */
static struct vm *run_vm(struct run *r)
{
	bool settled = server_settle(r->job.sys);
	struct vm *vm = settled ? vm_find_uuid(r->job.sys, r->uuid) : NULL;

	for (int id = 0; vm && vm->volumes && id < VOLUME_COUNT; id++)
		if (r->parts[id].wanted)
			vm->volumes[id].busy = NULL;
	return vm;
}

const struct volume *volumes_busy(const struct vm *vm)
{
	for (int id = 0; vm->volumes && id < VOLUME_COUNT; id++)
		if (vm->volumes[id].busy)
			return &vm->volumes[id];
	return NULL;
}

/* ---- start ---- */

void volumes_up(struct vm *vm)
{
	for (int id = 0; vm->volumes && id < VOLUME_COUNT; id++) {
		const struct volume *source = volume_source(&vm->volumes[id]);

		vm->volumes[id].origin = source ? source->now.gen : 0;
	}
}

static int make_copy(struct run *r, struct part *p, struct err *err)
{
	CLEANUP_CLOSE int fd = tree_open(r->root, p->work, O_RDWR | O_CREAT | O_TRUNC);

	if (fd < 0)
		return err_set(err, fd, "StoragePoolException", "cannot make '%s': %s", p->work, strerror(-fd));
	return source_write(&p->source, fd, &r->job.cancelled, err);
}

static int work_start(struct job *j, struct err *err)
{
	struct run *r = (struct run *)j;
	int result = 0;

	for (int id = 0; id < VOLUME_COUNT && result == 0; id++)
		if (r->parts[id].wanted)
			result = make_copy(r, &r->parts[id], err);
	for (int id = 0; id < VOLUME_COUNT && result < 0; id++)
		if (r->parts[id].wanted)
			tree_remove(r->root, r->parts[id].work);
	return result;
}

static void done_start(struct job *j, int result, struct err *err)
{
	struct run *r = (struct run *)j;
	struct vm *vm = run_vm(r);

	for (int id = 0; id < VOLUME_COUNT; id++) {
		if (!r->parts[id].wanted || result < 0)
			continue;
		if (vm && vm->volumes)
			vm->volumes[id].has_copy = true;
		else
			storage_drop(j->sys, STEAL(r->parts[id].work));
	}
	if (vm)
		r->started(vm, result < 0 ? err : NULL);
}

int volumes_start(struct vm *vm, volumes_fn *done, struct err *err)
{
	const struct volume *busy = volumes_busy(vm);
	CLEANUP_FREE char *busy_vid = busy ? volume_vid(busy) : NULL;
	struct run *r = NULL;

	if (busy)
		return err_set(err, -EBUSY, "StoragePoolException", "Volume %s is busy with %s", busy_vid, busy->busy);
	if (!vm->volumes)
		return 0;
	for (int id = 0; id < VOLUME_COUNT; id++) {
		struct volume *v = &vm->volumes[id];
		int result;

		if (!power_wants_copy(v))
			continue;
		if (!r)
			r = run_new(vm);
		result = source_open(v, &r->parts[id].source, err);
		if (result < 0) {
			run_free(&r->job);
			return result;
		}
		r->parts[id].work = volume_work_path(v);
		r->parts[id].wanted = true;
	}
	if (!r)
		return 0;
	for (int id = 0; id < VOLUME_COUNT; id++)
		if (r->parts[id].wanted)
			vm->volumes[id].busy = "a start";
	r->started = done;
	r->job.work = work_start;
	r->job.done = done_start;
	r->job.release = run_free;
	job_start(vm->sys, &r->job);
	return 1;
}

/* ---- end ---- */

/* A name of its own lets the next run have the old one, whenever the file goes. */
static void discard(struct volume *v)
{
	struct sys *s = v->vm->sys;
	CLEANUP_FREE char *work = volume_work_path(v);
	char *aside = volume_gen_path(v, volume_next_gen(s));

	v->has_copy = false;
	tree_rename(storage_root(s), work, aside);
	storage_drop(s, aside);
}

void volumes_discard(struct vm *vm)
{
	for (int id = 0; vm->volumes && id < VOLUME_COUNT; id++)
		if (vm->volumes[id].has_copy)
			discard(&vm->volumes[id]);
}

static int save_copy(struct run *r, struct part *p)
{
	CLEANUP_CLOSE int fd = tree_open(r->root, p->work, O_RDWR);
	int result;

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)p->content.size) < 0 || fdatasync(fd) < 0)
		return -errno;
	result = tree_rename(r->root, p->work, p->file);
	return result < 0 ? result : tree_sync(r->root, p->file);
}

static int work_stop(struct job *j, struct err *err)
{
	struct run *r = (struct run *)j;

	for (int id = 0; id < VOLUME_COUNT; id++)
		if (r->parts[id].wanted)
			r->parts[id].result = save_copy(r, &r->parts[id]);
	return 0;
}

/* What it wrote is its content from now on; when that could not be saved, the old content stays. */
static void adopt(struct volume *v, struct part *p)
{
	struct sys *s = v->vm->sys;

	v->has_copy = false;
	if (p->result == 0) {
		storage_drop_on_failure(s, STEAL(p->file));
		volume_switch(v, &p->content);
		return;
	}
	log_line(s, "'%s' could not be saved: %s", p->work, strerror(-p->result));
	storage_drop(s, STEAL(p->work));
	storage_drop(s, STEAL(p->file));
}

/* A run of a qube makes a revision, whether or not anything was written. */
static void keep_revisions(struct vm *vm, struct run *r)
{
	for (int id = 0; vm->volumes && id < VOLUME_COUNT; id++)
		if (r && r->parts[id].wanted)
			adopt(&vm->volumes[id], &r->parts[id]);
		else
			volume_keep_revision(&vm->volumes[id]);
}

static void done_stop(struct job *j, int result, struct err *err)
{
	struct run *r = (struct run *)j;
	struct vm *vm = run_vm(r);

	for (int id = 0; !vm && id < VOLUME_COUNT; id++)
		if (r->parts[id].wanted)
			storage_drop(j->sys, STEAL(r->parts[id].file));
	if (!vm)
		return;
	r->off(vm);
	keep_revisions(vm, r);
	r->stopped(vm);
}

/* Nothing was written. Then it does not matter to those who wait whether the revision, of the same content, can be
 * saved; and a disposable, which may be gone at once, makes none. */
static void stop_at_once(struct vm *vm, void (*off)(struct vm *v), void (*stopped)(struct vm *v))
{
	bool stays = vm->class != CLASS_DISP;

	off(vm);
	stopped(vm);
	if (stays)
		keep_revisions(vm, NULL);
}

void volumes_stop(struct vm *vm, void (*off)(struct vm *v), void (*done)(struct vm *v))
{
	struct run *r = NULL;

	for (int id = 0; vm->volumes && id < VOLUME_COUNT; id++) {
		struct volume *v = &vm->volumes[id];
		int64_t gen;

		if (v->has_copy && !volume_is_persistent(v))
			discard(v);
		if (!v->has_copy)
			continue;
		if (!r)
			r = run_new(vm);
		gen = volume_next_gen(vm->sys);
		r->parts[id].wanted = true;
		r->parts[id].work = volume_work_path(v);
		r->parts[id].file = volume_gen_path(v, gen);
		r->parts[id].content = (struct content){ gen, v->now.size, v->now.size };
		v->busy = "a shutdown";
	}
	if (!r)
		return stop_at_once(vm, off, done);
	r->off = off;
	r->stopped = done;
	r->job.work = work_stop;
	r->job.done = done_stop;
	r->job.release = run_free;
	job_start(vm->sys, &r->job);
}
