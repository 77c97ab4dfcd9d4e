/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new generation of a volume, made beside the loop. */
#include "qvmd/fill.h"

#include <errno.h>
#include <fcntl.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvmd/tree.h"

/* In the thread. */
static int fill_file(struct fill *f, struct err *err)
{
	CLEANUP_CLOSE int fd = tree_open(f->root, f->path, O_RDWR | (f->is_made ? 0 : O_CREAT | O_EXCL));
	int r = fd < 0 ? fd : tree_sync(f->root, f->path);

	if (r < 0)
		return err_set(err, r, "StoragePoolException", "cannot %s '%s': %s", f->is_made ? "open" : "make",
			       f->path, strerror(-r));
	return f->write(f, fd, err);
}

static int work(struct job *j, struct err *err)
{
	struct fill *f = (struct fill *)j;
	int r = fill_file(f, err);

	if (r < 0)
		tree_remove(f->root, f->path);
	return r;
}

static struct volume *volume_of(struct fill *f)
{
	struct vm *vm = vm_find_uuid(f->job.sys, f->uuid);

	return vm && vm->volumes ? &vm->volumes[f->id] : NULL;
}

static void done(struct job *j, int result, struct err *err)
{
	struct fill *f = (struct fill *)j;
	struct volume *v = volume_of(f);

	if (v)
		v->busy = NULL;
	if (result == 0 && !v) {
		storage_drop(j->sys, STEAL(f->path));
		result = err_set(err, -ENOENT, "StoragePoolException", "the volume is gone");
	}
	if (result == 0) {
		storage_drop_on_failure(j->sys, STEAL(f->path));
		volume_switch(v, &f->content);
	}
	f->end(f, v, result < 0 ? err : NULL);
}

static void release(struct job *j)
{
	struct fill *f = (struct fill *)j;

	free(f->path);
	f->release(f);
}

void fill_init(struct fill *f, struct req *r, struct volume *v, uint64_t size, const char *what)
{
	struct sys *s = v->vm->sys;
	int64_t gen = volume_next_gen(s);

	f->job.work = work;
	f->job.done = done;
	f->job.release = release;
	f->job.wake = -1;
	f->req = r ? req_hold(r) : NULL;
	memcpy(f->uuid, v->vm->uuid, sizeof f->uuid);
	f->id = v->id;
	f->root = storage_root(s);
	f->path = volume_gen_path(v, gen);
	f->content = (struct content){ gen, size, size };
	v->busy = what;
}

void fill_use(struct fill *f, struct volume *v, const struct content *c)
{
	free(f->path);
	f->path = volume_gen_path(v, c->gen);
	f->content = *c;
	f->is_made = true;
}

void fill_start(struct fill *f, struct sys *s)
{
	job_start(s, &f->job);
}
