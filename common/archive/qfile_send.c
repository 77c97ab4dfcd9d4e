/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending a qfile stream. */
#include "archive/qfile_send.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"

#define PIECE (256u << 10)
#define RESULT_MAX (QFILE_RESULT_SIZE + 4 + QFILE_NAME_MAX)

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

struct sender {
	int to, from;
	const struct qfile_send_options *o;
	uint32_t crc;
	uint64_t bytes; /* of files, for progress */
	struct buf out; /* not sent yet */
	struct buf result; /* what has come of it */
	bool ended;     /* there is no more of the result */
};

/* Takes what the receiver has said; it speaks early only when it will take no more. */
static void read_result(struct sender *s)
{
	char *p = buf_reserve(&s->result, 4096);
	ssize_t n;

	do
		n = read(s->from, p, 4096);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		s->result.len += (size_t)n;
	else
		s->ended = true;
	if (s->result.len >= RESULT_MAX)
		s->ended = true;
}

/* -EPIPE when there is no sense in sending more: the receiver has spoken, or is gone. */
static int wait_until_it_takes(struct sender *s)
{
	struct pollfd p[] = {{.fd = s->to, .events = POLLOUT}, {.fd = s->from, .events = POLLIN}};

	while (poll(p, ARRAY_SIZE(p), -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (!p[1].revents)
		return 0;
	read_result(s);
	return -EPIPE;
}

static int write_out(struct sender *s, const char *p, size_t n)
{
	s->crc = qfile_crc(s->crc, p, n);
	while (n) {
		int r = wait_until_it_takes(s);
		ssize_t w = r < 0 ? -1 : write(s->to, p, n);

		if (r < 0)
			return r;
		if (w < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
	return 0;
}

static int flush(struct sender *s)
{
	int r = write_out(s, s->out.data, s->out.len);

	buf_reset(&s->out);
	if (s->o->progress)
		s->o->progress(s->o->data, s->bytes);
	return r;
}

static int put(struct sender *s, const void *p, size_t n)
{
	if (s->out.len && s->out.len + n > PIECE) {
		int r = flush(s);

		if (r < 0)
			return r;
	}
	buf_add(&s->out, p, n);
	return 0;
}

static int put_header(struct sender *s, const char *name, const struct stat *st, uint64_t len)
{
	struct qfile_header h = {
		.namelen = (uint32_t)strlen(name) + 1,
		.mode = st->st_mode,
		.filelen = len,
		.atime = (uint32_t)st->st_atim.tv_sec,
		.atime_nsec = (uint32_t)st->st_atim.tv_nsec,
		.mtime = (uint32_t)st->st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
	};
	size_t namelen = h.namelen;
	int r;

	qfile_header_swap(&h);
	r = put(s, &h, sizeof h);
	return r < 0 ? r : put(s, name, namelen);
}

/* Just as many bytes as were announced, straight from the file into what is sent next. */
static int put_data(struct sender *s, int fd, uint64_t left, const char *path, struct err *err)
{
	while (left) {
		size_t room = PIECE - s->out.len;
		ssize_t n;

		if (!room) {
			int r = flush(s);

			if (r < 0)
				return r;
			continue;
		}
		n = read(fd, buf_reserve(&s->out, room), left < room ? (size_t)left : room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "", "%s: %s", path, strerror(errno));
		if (n == 0)
			return err_set(err, -EIO, "", "%s became shorter while it was copied", path);
		s->out.len += (size_t)n;
		s->bytes += (uint64_t)n;
		left -= (uint64_t)n;
	}
	return 0;
}

static int send_file(struct sender *s, const FTSENT *e, const char *name, struct err *err)
{
	CLEANUP_CLOSE int fd = open(e->fts_accpath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "", "%s: %s", e->fts_path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EIO, "", "%s is no file any more", e->fts_path);
	r = put_header(s, name, &st, (uint64_t)st.st_size);
	return r < 0 ? r : put_data(s, fd, (uint64_t)st.st_size, e->fts_path, err);
}

static int send_link(struct sender *s, const FTSENT *e, const char *name, struct err *err)
{
	CLEANUP_FREE char *target = read_link(e, err);
	int r;

	if (!target)
		return -EIO;
	r = put_header(s, name, e->fts_statp, strlen(target));
	return r < 0 ? r : put(s, target, strlen(target));
}

static int send_entry(struct sender *s, const struct walk *w, const FTSENT *e, struct err *err)
{
	switch (e->fts_info) {
	case FTS_D:
	case FTS_DP:
		return put_header(s, name_of(w, e), e->fts_statp, 0);
	case FTS_F:
		return send_file(s, e, name_of(w, e), err);
	case FTS_SL:
	case FTS_SLNONE:
		return s->o->skip_links ? 0 : send_link(s, e, name_of(w, e), err);
	default:
		return 0;
	}
}

static int send_all(struct sender *s, const struct strv *paths, struct err *err)
{
	CLEANUP_WALK struct walk w = {0};
	FTSENT *e;
	int r = walk_open(&w, paths, err);

	while (r == 0 && (r = walk_next(&w, &e, err)) == 1)
		r = send_entry(s, &w, e, err);
	if (r == 0)
		r = put(s, &(struct qfile_header){0}, sizeof(struct qfile_header));
	return r == 0 ? flush(s) : r;
}

/* ---- the result ---- */

static int tell(const struct qfile_result *res, struct err *err)
{
	CLEANUP_FREE char *name = xmemdup0(buf_str(&res->name), res->name.len);

	for (size_t i = 0; i < res->name.len; i++)
		if (name[i] < ' ' || name[i] > '~')
			name[i] = '_';
	switch (res->code) {
	case EEXIST:
		return err_set(err, -EEXIST, "", "A file named \"%s\" already exists in QubesIncoming dir", name);
	case EINVAL:
		return err_set(err, -EINVAL, "", "File copy: Corrupted data from packer; Last file: \"%s\"", name);
	case QFILE_ENDED_EARLY:
		return err_set(err, -EIO, "", "File copy: \"The data ended early; Last file: %s\"", name);
	default:
		return err_set(err, -EIO, "", "File copy: \"%s; Last file: %s\"", strerror((int)res->code), name);
	}
}

static int judge(struct sender *s, bool all_sent, struct err *err)
{
	struct qfile_result res;
	int r = 0;

	while (!s->ended)
		read_result(s);
	if (s->result.len < QFILE_RESULT_SIZE)
		return err_set(err, -EPIPE, "", "%s", "");
	qfile_result_decode(&res, s->result.data, s->result.len);
	if (res.code)
		r = tell(&res, err);
	else if (!all_sent || res.crc != s->crc)
		r = err_set(err, -EBADMSG, "", "File transfer failed: checksum mismatch");
	buf_release(&res.name);
	return r;
}

int qfile_send(int *to, int from, const struct strv *paths, const struct qfile_send_options *o, struct err *err)
{
	struct sender s = {.to = *to, .from = from, .o = o};
	CLEANUP_ERR struct err why = ERR_INIT;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	int r;

	sigaction(SIGPIPE, &ignore, &before);
	set_nonblock(*to, true);
	r = send_all(&s, paths, &why);
	closep(to);
	if (why.type)
		err_move(err, &why);
	else
		r = judge(&s, r == 0, err);
	sigaction(SIGPIPE, &before, NULL);
	buf_release(&s.out);
	buf_release(&s.result);
	return r;
}
