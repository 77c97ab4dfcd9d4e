/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread of a backup: everything that is slow, and touches nothing of the system (backup-policy-clock 2.14). */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "archive/writer.h"
#include "base/mem.h"
#include "os/io.h"
#include "qvmd/backup_target.h"

bool run_is_stopped(struct run *r)
{
	return atomic_load(&r->stop) || atomic_load(&r->job.cancelled);
}

/* ---- progress ---- */

/* What the writer counts, compressed, stands for what is estimated until a qube is done; never for more. */
struct count {
	struct run *run;
	uint64_t before;  /* estimates of the qubes that are done */
	uint64_t present; /* estimate of the one at work */
	uint64_t from;    /* what the writer had counted when it began */
	uint64_t seen;
};

static int on_progress(void *data, uint64_t bytes)
{
	struct count *c = data;
	uint64_t part = bytes - c->from;

	c->seen = bytes;
	atomic_store(&c->run->done, c->before + (part < c->present ? part : c->present));
	return run_is_stopped(c->run);
}

static void count_next(struct count *c, uint64_t estimate)
{
	c->before += c->present;
	c->present = estimate;
	c->from = c->seen;
	on_progress(c, c->seen);
}

/* ---- files ---- */

static int nameless_file(const char *dir)
{
	CLEANUP_FREE char *path = xasprintf("%s/backup.XXXXXX", dir);
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	return fd;
}

/* A file that holds the volume, no more and no less: its own when it is that long, else a copy without a name. */
static int volume_file(struct run *r, const struct source *s, int *ret, struct err *err)
{
	CLEANUP_CLOSE int fd = -1;

	if (s->fd >= 0 && s->valid == s->size && lseek(s->fd, 0, SEEK_END) == (off_t)s->size) {
		fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	} else {
		fd = nameless_file(r->job.sys->opt.state_dir);
		if (fd >= 0 && source_write(s, fd, &r->stop, err) < 0)
			return -EIO;
	}
	if (fd < 0)
		return err_set(err, -EIO, "", "cannot be read: %s", strerror(errno));
	*ret = fd;
	fd = -1;
	return 0;
}

static int write_item(struct run *r, struct archive_writer *w, const struct backup_item *item, struct err *err)
{
	CLEANUP_CLOSE int fd = -1;
	int failed = 0;

	switch (item->kind) {
	case ITEM_TEXT: return archive_writer_data(w, item->path, item->text, strlen(item->text), err);
	case ITEM_HOME: return archive_writer_tree(w, item->path, item->text, err);
	case ITEM_VOLUME: failed = volume_file(r, &item->source, &fd, err);
	}
	return failed < 0 ? failed : archive_writer_volume(w, item->path, fd, err);
}

/* Which file of which qube, and why. */
static int item_failed(const struct backup_vm *v, const struct backup_item *item, int code, const struct err *why,
		       struct err *err)
{
	const char *text = why->text ? why->text : strerror(-code);
	const char *rest = skip_prefix(text, item->path);

	rest = rest ? skip_prefix(rest, ": ") : NULL;
	return err_set(err, code, "QubesException", "Failed to archive %s file of %s: %s", item->path, v->name,
		       rest ? rest : text);
}

static int write_qubes(struct run *r, struct archive_writer *w, struct count *c, struct err *err)
{
	struct backup_plan *p = &r->plan;
	size_t item = 0;

	for (size_t i = 0; i < p->n_vms; i++) {
		count_next(c, p->vms[i].size);
		for (; item < p->vms[i].end; item++) {
			CLEANUP_ERR struct err why = ERR_INIT;
			int failed = write_item(r, w, &p->items[item], &why);

			if (failed < 0)
				return item_failed(&p->vms[i], &p->items[item], failed, &why, err);
		}
	}
	count_next(c, 0);
	return 0;
}

static int write_archive(struct run *r, int fd, struct err *err)
{
	CLEANUP_ARCHIVE_WRITER struct archive_writer *w = NULL;
	const struct profile *p = &r->plan.profile;
	struct count count = { .run = r };
	struct archive_write_options opts = {
		.passphrase = r->passphrase, .logn = r->logn, .progress = on_progress, .progress_data = &count,
		.filter = !p->compressed ? NULL : p->filter ? p->filter : "gzip",
	};
	int failed = archive_writer_new(&w, fd, &opts, &r->qubes, err);

	if (failed == 0)
		failed = write_qubes(r, w, &count, err);
	if (failed == 0)
		failed = archive_writer_finish(w, err);
	return failed;
}

/* ---- the whole ---- */

/* Which file was at work then says nothing: what was compressed goes out later (backup-policy-clock 1.5). */
static int no_room(int failed, struct err *err)
{
	if (failed != -ENOSPC && failed != -EDQUOT && failed != -EFBIG)
		return failed;
	return err_set(err, failed, "QubesException", "ERROR: Failed to write the backup, out of disk space? Check "
		       "console output or ~/.xsession-errors for details.");
}

static int to_file(struct run *r, struct err *err)
{
	CLEANUP_TARGET_FILE struct target_file t = TARGET_FILE_INIT;
	int failed = target_file_open(&t, r, err);

	if (failed == 0)
		failed = write_archive(r, t.fd, err);
	if (failed == 0 && run_is_stopped(r))
		failed = -ECANCELED;
	if (failed == 0)
		failed = target_file_keep(&t, err);
	return no_room(failed, err);
}

static int to_qube(struct run *r, struct err *err)
{
	struct service *sv = target_service_open(r, err);
	int failed;

	if (!sv)
		return -EIO;
	failed = write_archive(r, service_input(sv), err);
	if (failed == 0 && run_is_stopped(r))
		failed = -ECANCELED;
	return target_service_close(r, sv, failed, err);
}

int run_work(struct job *j, struct err *err)
{
	struct run *r = (struct run *)j;
	int failed = r->passphrase ? 0 : passphrase_ask(r, err);

	if (failed == 0)
		failed = r->target ? to_qube(r, err) : to_file(r, err);
	/* Whatever the end of a service, a pipe or a filter made of it. */
	return failed < 0 && run_is_stopped(r) ? -ECANCELED : failed;
}
