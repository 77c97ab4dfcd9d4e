/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacking a qfile stream. */
#include "archive/qfile_receive.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/mem.h"
#include "os/io.h"

#define PIECE (256u << 10)
#define NSEC_MAX 999999999u
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct receiver {
	struct source *in;
	const struct qfile_receive_options *o;
	int top;        /* borrowed */
	struct buf dir; /* path of the directory that dir_fd is open on; "" and -1: none */
	int dir_fd;
	struct qfile_header h;
	struct buf name; /* of the present entry */
	uint64_t files, bytes;
	uint32_t crc;
	char *piece;     /* PIECE bytes, of which those from at to end were read and not used */
	size_t at, end;
};

/* All functions here return 0 or the code of the result. */

/* ---- the stream ---- */

/* At least one byte in the piece; ended is the code for none. */
static uint32_t fill(struct receiver *r, uint32_t ended)
{
	ssize_t n;

	if (r->at < r->end)
		return 0;
	n = r->in->read(r->in->data, r->piece, PIECE, NULL);
	if (n < 0)
		return (uint32_t)-n;
	r->at = 0;
	r->end = (size_t)n;
	return n ? 0 : ended;
}

/* The next bytes, at most n, which count as used: *ret_n of them. */
static uint32_t take(struct receiver *r, size_t n, uint32_t ended, const char **ret, size_t *ret_n)
{
	uint32_t code = fill(r, ended);

	if (code)
		return code;
	*ret = r->piece + r->at;
	*ret_n = r->end - r->at < n ? r->end - r->at : n;
	r->at += *ret_n;
	r->crc = qfile_crc(r->crc, *ret, *ret_n);
	return 0;
}

static uint32_t read_bytes(struct receiver *r, void *to, size_t n, uint32_t ended)
{
	char *p = to;

	while (n) {
		const char *from;
		size_t len;
		uint32_t code = take(r, n, ended, &from, &len);

		if (code)
			return code;
		memcpy(p, from, len);
		p += len;
		n -= len;
		ended = QFILE_ENDED_EARLY;
	}
	return 0;
}

/* ---- directories ---- */

static void forget_dir(struct receiver *r)
{
	closep(&r->dir_fd);
	buf_reset(&r->dir);
}

/* How much of the path is the directory that is open: 0, or up to and with a slash. */
static size_t open_part(const struct receiver *r, const char *path)
{
	size_t n = r->dir.len;

	return n && strncmp(path, r->dir.data, n) == 0 && path[n] == '/' ? n + 1 : 0;
}

/*
 * The directory which the last component of name is in, and that component; one step at a time, so that no link is
 * followed. Entries come directory by directory: the last one stays open.
 */
static uint32_t open_parent(struct receiver *r, const char *name, int *ret_fd, const char **ret_last)
{
	const char *last = strrchr(name, '/'), *p = name + open_part(r, name);

	*ret_last = last ? last + 1 : name;
	*ret_fd = r->top;
	if (!last)
		return 0;
	if (p == name)
		forget_dir(r);
	while (p < *ret_last) {
		size_t n = strcspn(p, "/");
		CLEANUP_FREE char *part = xstrndup(p, n);
		int fd = openat(r->dir_fd < 0 ? r->top : r->dir_fd, part, DIR_FLAGS);

		if (fd < 0)
			return (uint32_t)errno;
		closep(&r->dir_fd);
		r->dir_fd = fd;
		p += n + 1;
	}
	buf_reset(&r->dir);
	buf_add(&r->dir, name, (size_t)(last - name));
	*ret_fd = r->dir_fd;
	return 0;
}

/* ---- entries ---- */

static void times(const struct receiver *r, struct timespec ret[2])
{
	ret[0] = (struct timespec){r->h.atime, r->h.atime_nsec};
	ret[1] = (struct timespec){r->h.mtime, r->h.mtime_nsec};
}

static uint32_t finish(const struct receiver *r, int fd)
{
	struct timespec t[2];

	times(r, t);
	return fchmod(fd, r->h.mode & 07777) < 0 || futimens(fd, t) < 0 ? (uint32_t)errno : 0;
}

static uint32_t wait_for_space(const struct receiver *r)
{
	while (r->o->keep_free) {
		struct statvfs s;
		uint64_t space;

		if (fstatvfs(r->top, &s) < 0)
			return (uint32_t)errno;
		space = (uint64_t)s.f_bavail * s.f_frsize;
		if (space >= r->o->keep_free && space - r->o->keep_free >= r->h.filelen)
			break;
		poll(NULL, 0, 1000);
	}
	return 0;
}

static uint32_t copy_data(struct receiver *r, int fd)
{
	for (uint64_t left = r->h.filelen; left;) {
		const char *p;
		size_t n;
		uint32_t code = take(r, left < PIECE ? (size_t)left : PIECE, QFILE_ENDED_EARLY, &p, &n);
		int w = code ? 0 : write_all(fd, p, n);

		if (code || w < 0)
			return code ? code : (uint32_t)-w;
		left -= n;
	}
	return 0;
}

/* Nobody can read the file before it is whole; one that does not get there goes away. */
static uint32_t receive_file(struct receiver *r, int dir, const char *last)
{
	CLEANUP_CLOSE int fd = -1;
	uint32_t code = wait_for_space(r);

	if (code)
		return code;
	fd = openat(dir, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return (uint32_t)errno;
	code = copy_data(r, fd);
	if (!code)
		code = finish(r, fd);
	if (code)
		unlinkat(dir, last, 0);
	return code;
}

/* Announced twice: before what is in it, and behind, when it gets its mode and times. */
static uint32_t receive_dir(struct receiver *r, int dir, const char *last)
{
	CLEANUP_CLOSE int fd = -1;

	if (r->h.filelen)
		return EINVAL;
	if (mkdirat(dir, last, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return (uint32_t)errno;
	fd = openat(dir, last, DIR_FLAGS);
	return fd < 0 ? (uint32_t)errno : finish(r, fd);
}

static uint32_t receive_link(struct receiver *r, int dir, const char *last)
{
	CLEANUP_FREE char *target = NULL;
	struct timespec t[2];
	uint32_t code;

	if (r->h.filelen > QFILE_LINK_MAX)
		return ENAMETOOLONG;
	target = xcalloc((size_t)r->h.filelen + 1, 1);
	code = read_bytes(r, target, (size_t)r->h.filelen, QFILE_ENDED_EARLY);
	if (code)
		return code;
	if (strlen(target) != r->h.filelen)
		return EILSEQ;
	if (!r->o->unsafe_links)
		code = (uint32_t)qfile_check_link(buf_str(&r->name), target, r->o->any_name);
	if (code)
		return code;
	times(r, t);
	if (symlinkat(target, dir, last) < 0 || utimensat(dir, last, t, AT_SYMLINK_NOFOLLOW) < 0)
		return (uint32_t)errno;
	return 0;
}

static uint32_t check_header(struct receiver *r)
{
	const struct qfile_header *h = &r->h;

	if (h->atime_nsec > NSEC_MAX || h->mtime_nsec > NSEC_MAX)
		return EINVAL;
	if (r->o->max_files && ++r->files > r->o->max_files)
		return EDQUOT;
	if (r->o->max_bytes && (h->filelen > r->o->max_bytes || (r->bytes += h->filelen) > r->o->max_bytes))
		return EDQUOT;
	return 0;
}

static uint32_t read_name(struct receiver *r)
{
	char *name;
	uint32_t code;

	if (r->h.namelen > QFILE_NAME_MAX) {
		buf_reset(&r->name);
		return ENAMETOOLONG;
	}
	name = xcalloc(r->h.namelen, 1);
	code = read_bytes(r, name, r->h.namelen, QFILE_ENDED_EARLY);
	if (!code) {
		buf_reset(&r->name);
		buf_add(&r->name, name, strnlen(name, r->h.namelen - 1));
		if (strnlen(name, r->h.namelen) != r->h.namelen - 1)
			code = EILSEQ;
	}
	free(name);
	return code ? code : (uint32_t)qfile_check_name(buf_str(&r->name), r->o->any_name);
}

static uint32_t receive_entry(struct receiver *r)
{
	uint32_t (*receive)(struct receiver *, int, const char *) = NULL;
	const char *last;
	uint32_t code = read_name(r);
	int dir;

	if (!code)
		code = check_header(r);
	if (S_ISREG(r->h.mode))
		receive = receive_file;
	else if (S_ISDIR(r->h.mode) && !r->o->only_files)
		receive = receive_dir;
	else if (S_ISLNK(r->h.mode) && !r->o->only_files)
		receive = receive_link;
	if (!code && !receive)
		code = EINVAL;
	if (!code)
		code = open_parent(r, buf_str(&r->name), &dir, &last);
	if (!code)
		code = receive(r, dir, last);
	if (!code && r->o->finished)
		r->o->finished(r->o->data, buf_str(&r->name));
	return code;
}

void qfile_receive(struct source *in, int dir, const struct qfile_receive_options *o, struct qfile_result *ret)
{
	CLEANUP_FREE char *piece = xmalloc(PIECE);
	struct receiver r = {.in = in, .o = o, .top = dir, .dir_fd = -1, .piece = piece};
	uint32_t code;

	do {
		code = read_bytes(&r, &r.h, sizeof r.h, EREMOTEIO);
		qfile_header_swap(&r.h);
		if (!code && !r.h.namelen)
			break;
		if (!code)
			code = receive_entry(&r);
	} while (!code);
	forget_dir(&r);
	buf_release(&r.dir);
	if (!code && syncfs(dir) < 0)
		code = (uint32_t)errno;
	*ret = (struct qfile_result){.code = code, .crc = r.crc, .name = r.name};
}
