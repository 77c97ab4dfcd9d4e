/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending a qfile stream. */
#include "archive/qfile_send.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/qfile_stream.h"
#include "base/mem.h"
#include "os/io.h"

/* ---- the trees ---- */

struct walk {
	FTS *fts;
	size_t prefix; /* of the path of the present entry, in front of its name */
};

static int walk_open(struct walk *w, const struct strv *paths, struct err *err)
{
	w->fts = fts_open(paths->v, FTS_PHYSICAL, NULL);
	return w->fts ? 0 : err_set(err, -errno, "", "%s", strerror(errno));
}

static void walk_close(struct walk *w)
{
	if (w->fts)
		fts_close(w->fts);
}
#define CLEANUP_WALK CLEANUP(walk_close)

/* The next file, directory (before and behind its content), link or other thing. 1, 0 at the end, -errno with err. */
static int walk_next(struct walk *w, FTSENT **ret, struct err *err)
{
	FTSENT *e;

	errno = 0;
	e = *ret = fts_read(w->fts);
	if (!e)
		return errno ? err_set(err, -errno, "", "%s", strerror(errno)) : 0;
	if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS || e->fts_info == FTS_DC)
		return err_set(err, e->fts_errno ? -e->fts_errno : -ELOOP, "", "%s: %s", e->fts_path,
			       strerror(e->fts_errno ? e->fts_errno : ELOOP));
	if (e->fts_level == FTS_ROOTLEVEL) {
		const char *slash = strrchr(e->fts_path, '/');

		w->prefix = slash ? (size_t)(slash + 1 - e->fts_path) : 0;
	}
	return 1;
}

static const char *name_of(const struct walk *w, const FTSENT *e)
{
	return e->fts_path + w->prefix;
}

/* Its target, which the caller frees; NULL with err. */
static char *read_link(const FTSENT *e, struct err *err)
{
	char target[QFILE_LINK_MAX + 1];
	ssize_t n = readlink(e->fts_accpath, target, sizeof target);

	if (n >= 0 && (size_t)n < sizeof target)
		return xmemdup0(target, (size_t)n);
	err_set(err, n < 0 ? -errno : -ENAMETOOLONG, "", "%s: %s", e->fts_path,
		strerror(n < 0 ? errno : ENAMETOOLONG));
	return NULL;
}

static int look_at_link(const struct walk *w, const FTSENT *e, struct qfile_survey *s, struct err *err)
{
	CLEANUP_FREE char *target = read_link(e, err);

	if (!target)
		return -EIO;
	if (qfile_check_link(name_of(w, e), target, true))
		return err_set(err, -ENOLINK, "", "%s: the link leads out of what is copied: %s", e->fts_path, target);
	s->any_name |= qfile_check_link(name_of(w, e), target, false) != 0;
	return 0;
}

static int look_at(const struct walk *w, const FTSENT *e, bool skip_links, struct qfile_survey *s, struct err *err)
{
	if (e->fts_info == FTS_DP)
		return 0;
	if ((e->fts_info != FTS_F && e->fts_info != FTS_D && e->fts_info != FTS_SL && e->fts_info != FTS_SLNONE) ||
	    (S_ISLNK(e->fts_statp->st_mode) && skip_links)) {
		s->left_out++;
		return 0;
	}
	if (strlen(name_of(w, e)) >= QFILE_NAME_MAX)
		return err_set(err, -ENAMETOOLONG, "", "%s: %s", e->fts_path, strerror(ENAMETOOLONG));
	if (qfile_check_name(name_of(w, e), true))
		return err_set(err, -EINVAL, "", "%s has no name of its own", e->fts_path);
	s->any_name |= qfile_check_name(name_of(w, e), false) != 0;
	s->entries++;
	if (e->fts_info == FTS_F)
		s->bytes += (uint64_t)e->fts_statp->st_size;
	return S_ISLNK(e->fts_statp->st_mode) ? look_at_link(w, e, s, err) : 0;
}

int qfile_look(const struct strv *paths, bool skip_links, struct qfile_survey *ret, struct err *err)
{
	CLEANUP_WALK struct walk w = {0};
	FTSENT *e;
	int r = walk_open(&w, paths, err);

	*ret = (struct qfile_survey){0};
	while (r == 0 && (r = walk_next(&w, &e, err)) == 1)
		r = look_at(&w, e, skip_links, ret, err);
	return r;
}

/* ---- the stream ---- */

static int put_header(struct qfile_stream *s, const char *name, const struct stat *st, uint64_t len)
{
	const struct qfile_header h = {
		.mode = st->st_mode,
		.filelen = len,
		.atime = (uint32_t)st->st_atim.tv_sec,
		.atime_nsec = (uint32_t)st->st_atim.tv_nsec,
		.mtime = (uint32_t)st->st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
	};

	return qfile_stream_entry(s, name, &h);
}

static int send_file(struct qfile_stream *s, const FTSENT *e, const char *name, struct err *err)
{
	CLEANUP_CLOSE int fd = open(e->fts_accpath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct fd_stream stream = {fd, e->fts_path};
	struct source in = source_of_fd(&stream);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "", "%s: %s", e->fts_path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EIO, "", "%s is no file any more", e->fts_path);
	r = put_header(s, name, &st, (uint64_t)st.st_size);
	return r < 0 ? r : qfile_stream_copy(s, &in, (uint64_t)st.st_size, e->fts_path, err);
}

static int send_link(struct qfile_stream *s, const FTSENT *e, const char *name, struct err *err)
{
	CLEANUP_FREE char *target = read_link(e, err);
	int r;

	if (!target)
		return -EIO;
	r = put_header(s, name, e->fts_statp, strlen(target));
	return r < 0 ? r : qfile_stream_put(s, target, strlen(target));
}

static int send_entry(struct qfile_stream *s, const struct walk *w, const FTSENT *e, bool skip_links,
		      struct err *err)
{
	switch (e->fts_info) {
	case FTS_D:
	case FTS_DP:
		return put_header(s, name_of(w, e), e->fts_statp, 0);
	case FTS_F:
		return send_file(s, e, name_of(w, e), err);
	case FTS_SL:
	case FTS_SLNONE:
		return skip_links ? 0 : send_link(s, e, name_of(w, e), err);
	default:
		return 0;
	}
}

static int send_all(struct qfile_stream *s, const struct strv *paths, bool skip_links, struct err *err)
{
	CLEANUP_WALK struct walk w = {0};
	FTSENT *e;
	int r = walk_open(&w, paths, err);

	while (r == 0 && (r = walk_next(&w, &e, err)) == 1)
		r = send_entry(s, &w, e, skip_links, err);
	return r;
}

int qfile_send(int *to, int from, const struct strv *paths, const struct qfile_send_options *o, struct err *err)
{
	CLEANUP_ERR struct err why = ERR_INIT;
	struct qfile_stream s;
	int r;

	qfile_stream_begin(&s, to, from);
	s.progress = o->progress;
	s.data = o->data;
	r = send_all(&s, paths, o->skip_links, &why);
	return qfile_stream_end(&s, r, &why, err);
}
