/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a backup goes, and where its passphrase comes from (backup-policy-clock 1.5, 1.6, 4.1). */
#include "qvmd/backup_target.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"

/* ---- a file ---- */

static int file_failed(struct err *err, int code, const char *what, const char *path)
{
	return err_set(err, code, "QubesException", "%s '%s': %s", what, path, strerror(-code));
}

static char *dir_of(const char *path)
{
	CLEANUP_FREE char *copy = xstrdup(path);

	return xstrdup(dirname(copy));
}

static char *name_of_time(const char *dir, time_t when)
{
	char text[32];
	struct tm tm;

	strftime(text, sizeof text, "%Y-%m-%dT%H%M%S", localtime_r(&when, &tm));
	return xasprintf("%s/qubes-%s", dir, text);
}

/* The name that the archive gets: NULL for what is neither a directory nor a file, and is written to as it is. */
static char *final_name(struct target_file *t, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return xstrdup(path);
	if (S_ISREG(st.st_mode))
		return realpath(path, NULL); /* what a link leads to is replaced, not the link */
	if (!S_ISDIR(st.st_mode))
		return NULL;
	t->dir = xstrdup(path);
	t->when = time(NULL);
	return name_of_time(t->dir, t->when);
}

/* A pipe waits for somebody who reads: no longer than the run goes on. */
static int open_pipe(struct run *r, const char *path)
{
	const struct timespec patience = { .tv_nsec = 100000000 };
	int fd;

	while ((fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK)) < 0 && errno == ENXIO && !run_is_stopped(r))
		nanosleep(&patience, NULL);
	return fd;
}

/* What is neither a directory nor a file. */
static int open_special(struct run *r, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
		return open_pipe(r, path);
	return open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
}

int target_file_open(struct target_file *t, struct run *r, struct err *err)
{
	const char *path = r->plan.profile.destination_path;
	CLEANUP_FREE char *final = final_name(t, path);
	CLEANUP_FREE char *dir = dir_of(final ? final : path);

	if (access(dir, F_OK) < 0)
		return err_set(err, -errno, "QubesException", "ERROR: the backup directory for %s does not exists",
			       path);
	if (!final) {
		t->fd = open_special(r, path);
		return t->fd < 0 ? file_failed(err, -errno, "cannot write", path) : 0;
	}
	t->temporary = xasprintf("%s.XXXXXX.partial", final);
	t->fd = mkostemps(t->temporary, (int)strlen(".partial"), O_CLOEXEC);
	if (t->fd < 0) {
		free(STEAL(t->temporary));
		return file_failed(err, -errno, "cannot write", final);
	}
	t->path = STEAL(final);
	return 0;
}

static int sync_dir(const char *path)
{
	CLEANUP_FREE char *dir = dir_of(path);
	CLEANUP_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* -EEXIST when there is something of that name. */
static int rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS) /* not every file system can */
		return -errno;
	if (access(to, F_OK) == 0)
		return -EEXIST;
	return rename(from, to) < 0 ? -errno : 0;
}

static int give_name(struct target_file *t)
{
	int r;

	if (!t->dir)
		return rename(t->temporary, t->path) < 0 ? -errno : 0;
	while ((r = rename_new(t->temporary, t->path)) == -EEXIST) {
		free(t->path);
		t->path = name_of_time(t->dir, ++t->when);
	}
	return r;
}

int target_file_keep(struct target_file *t, struct err *err)
{
	int r;

	if (!t->path)
		return 0;
	r = fsync(t->fd) < 0 ? -errno : give_name(t);
	if (r < 0)
		return file_failed(err, r, "cannot write", t->path);
	free(STEAL(t->temporary));
	r = sync_dir(t->path);
	return r < 0 ? file_failed(err, r, "cannot write", t->path) : 0;
}

void target_file_release(struct target_file *t)
{
	if (t->temporary)
		unlink(t->temporary);
	closep(&t->fd);
	free(t->temporary);
	free(t->path);
	free(t->dir);
}

/* ---- services ---- */

/* From now on (sv), or no longer (NULL), the run's end ends this service. */
static void run_uses(struct run *r, struct service *sv)
{
	pthread_mutex_lock(&r->lock);
	r->service = sv;
	if (sv && run_is_stopped(r))
		service_kill(sv);
	pthread_mutex_unlock(&r->lock);
}

/* Printable ASCII without what upstream leaves out (1.5). The caller frees. */
static char *said(const struct buf *errors)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < errors->len; i++)
		if (errors->data[i] >= 0x20 && errors->data[i] < 0x7f && !strchr("%{}", errors->data[i]))
			buf_addch(&b, errors->data[i]);
	return buf_steal(&b);
}

struct service *target_service_open(struct run *r, struct err *err)
{
	struct service_place at = { .calls = r->calls, .qube = r->target, .home = r->target_home };
	struct service *sv = service_start(&at, "qubes.Backup", "", err);
	CLEANUP_BUF struct buf line = BUF_INIT;

	if (!sv)
		return NULL;
	for (const char *p = r->plan.profile.destination_path; *p; p++)
		if (*p != '\r' && *p != '\n')
			buf_addch(&line, *p);
	buf_addch(&line, '\n');
	run_uses(r, sv);
	/* When it has ended already, the archive's first byte fails as this line does. */
	write_all(service_input(sv), line.data, line.len);
	return sv;
}

int target_service_close(struct run *r, struct service *sv, int failed, struct err *err)
{
	int status;

	/* A service that reads on must not take a part for the whole. One that has ended says why. */
	if (failed < 0 && failed != -EPIPE)
		service_kill(sv);
	status = service_finish(sv);
	run_uses(r, NULL);
	if (status != 0 && (failed == 0 || failed == -EPIPE)) {
		CLEANUP_FREE char *text = said(service_errors(sv));

		failed = err_set(err, -EIO, "QubesException", "Writing backup to VM %s failed%s%s", r->target,
				 *text ? ": " : "", text);
	}
	service_free(sv);
	return failed;
}

/* ---- the passphrase ---- */

/* White space at both ends is none of it; nothing at all means that the backup is not wanted. */
static int take_passphrase(struct run *r, const struct buf *answer, struct err *err)
{
	static const char blanks[] = " \t\r\n\v\f";
	const char *text = buf_str(answer);
	size_t len;

	text += strspn(text, blanks);
	for (len = strlen(text); len && strchr(blanks, text[len - 1]);)
		len--;
	if (strlen(buf_str(answer)) != answer->len) /* the rest would not count */
		return err_set(err, -EINVAL, "QubesException", "the passphrase holds control characters");
	if (len == 0)
		return err_set(err, -ECANCELED, "", "Backup cancelled");
	if (memchr(text, '\n', len))
		return err_set(err, -EINVAL, "QubesException", "Passphrase must not contain newline character");
	r->passphrase = xmemdup0(text, len);
	return 0;
}

int passphrase_ask(struct run *r, struct err *err)
{
	struct service_place at = { .calls = r->calls, .qube = r->asked, .home = r->asked_home };
	struct service *sv = service_start(&at, "qubes.BackupPassphrase", r->profile, NULL);
	int status = -ENOENT, result;

	if (sv) {
		run_uses(r, sv);
		status = service_finish(sv);
		run_uses(r, NULL);
	}
	if (status != 0)
		result = err_set(err, -EIO, "QubesException", "Failed to retrieve passphrase from '%s' VM", r->asked);
	else
		result = take_passphrase(r, service_output(sv), err);
	service_free(sv);
	return result;
}
