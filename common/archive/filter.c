/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs that compress and decompress. */
#include "archive/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/chars.h"
#include "base/mem.h"
#include "base/strv.h"
#include "os/io.h"
#include "os/spawn.h"

#define PIECE (64u << 10)
#define WORDS_MAX 512 /* bytes of what the program says on stderr */

/* ---- which ---- */

static bool is_one_of(const char *name, const char *const *list)
{
	while (*list && !streq(*list, name))
		list++;
	return *list != NULL;
}

static bool is_installed(const char *name)
{
	const char *path = getenv("PATH");
	CLEANUP_STRV struct strv dirs = STRV_INIT;

	strv_split(&dirs, path ? path : "/usr/bin:/bin", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		CLEANUP_FREE char *file = xasprintf("%s/%s", *dirs.v[i] ? dirs.v[i] : ".", name);

		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

int filter_check(const char *name, bool forced, struct err *err)
{
	static const char *const always[] = { "gzip", "bzip2", "xz", NULL };
	static const char *const known[] = { "lzma", "pbzip2", "pigz", "zstd", "zstdmt", NULL };

	if (!*name || *name == '-' || !chars_all(name, "A-Za-z0-9-"))
		return err_set(err, -EINVAL, "", "'%s' cannot be a compression filter", name);
	if (!forced && !is_one_of(name, always) && !is_one_of(name, known))
		return err_set(err, -EINVAL, "",
			       "Unusual compression filter '%s' found. Use --compression-filter=%s to use it anyway.",
			       name, name);
	if (!is_installed(name))
		return err_set(err, -EINVAL, "",
			       "Optional '%s' compression filter is not installed. Install it and retry.", name);
	return 0;
}

/* ---- the child, for both directions ---- */

struct filter {
	char *name;
	struct child child;
	struct buf words; /* from its stderr */
};

static int filter_start(struct filter *f, const char *name, bool decompress, struct err *err)
{
	char *argv[] = { (char *)name, decompress ? (char *)"-d" : NULL, NULL };
	int r;

	f->name = xstrdup(name);
	f->child = (struct child)CHILD_INIT;
	r = spawn(&f->child, argv, SPAWN_STDIN | SPAWN_STDOUT | SPAWN_STDERR);
	if (r == 0)
		r = set_nonblock(f->child.in, true);
	if (r == 0)
		r = set_nonblock(f->child.out, true);
	if (r == 0)
		r = set_nonblock(f->child.err, true);
	return r < 0 ? err_set(err, r, "", "cannot run %s: %s", name, strerror(-r)) : 0;
}

static void filter_release(struct filter *f)
{
	child_release(&f->child);
	buf_release(&f->words);
	free(f->name);
}

static bool again(ssize_t r)
{
	return r < 0 && (errno == EAGAIN || errno == EINTR);
}

/* What the child says of itself, as far as it is kept. */
static void hear(struct filter *f)
{
	char piece[512];
	ssize_t n = read(f->child.err, piece, sizeof piece);

	if (again(n))
		return;
	if (n <= 0)
		closep(&f->child.err);
	else if (f->words.len < WORDS_MAX)
		buf_add(&f->words, piece, (size_t)n);
}

/*
 * Waits until the child takes input (when `in` is asked for), has output, or says something, which is heard. Sets
 * which of the first two it was.
 */
static int filter_poll(struct filter *f, bool in, bool *ret_in, bool *ret_out, struct err *err)
{
	struct pollfd p[] = {
		{ .fd = in ? f->child.in : -1, .events = POLLOUT },
		{ .fd = f->child.out, .events = POLLIN },
		{ .fd = f->child.err, .events = POLLIN },
	};

	while (poll(p, ARRAY_SIZE(p), -1) < 0)
		if (errno != EINTR)
			return err_set(err, -errno, "", "poll: %s", strerror(errno));
	if (p[2].revents)
		hear(f);
	*ret_in = p[0].revents != 0;
	*ret_out = p[1].revents != 0;
	return 0;
}

/* A write to a child that is gone is EPIPE, not the end of this program. What was taken; 0 when nothing was. */
static ssize_t feed(struct filter *f, const void *p, size_t n)
{
	struct timespec none = {0};
	sigset_t pipe, before;
	ssize_t r;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	r = write(f->child.in, p, n);
	if (r < 0 && errno == EPIPE) {
		if (!sigismember(&before, SIGPIPE))
			while (sigtimedwait(&pipe, NULL, &none) < 0 && errno == EINTR)
				;
		errno = EPIPE;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return again(r) ? 0 : r;
}

/* Its output has ended: did it end well? */
static int filter_end(struct filter *f, struct err *err)
{
	int status;

	while (f->child.err >= 0) {
		struct pollfd p = { .fd = f->child.err, .events = POLLIN };

		poll(&p, 1, -1);
		hear(f);
	}
	status = child_wait(&f->child);
	if (status == 0)
		return 0;
	while (f->words.len && f->words.data[f->words.len - 1] == '\n')
		f->words.data[--f->words.len] = '\0';
	chars_replace(f->words.len ? f->words.data : (char[]){ "" }, '\n', ' ');
	return err_set(err, -EBADMSG, "", "%s failed (exit status %d)%s%s", f->name, status, f->words.len ? ": " : "",
		       buf_str(&f->words));
}

/* ---- decompressing ---- */

struct filter_reader {
	struct filter f;
	struct source *from, source;
	char piece[PIECE]; /* from `from`, on its way to the child */
	size_t at, n;
	bool ended;
};

/* Brings the next bytes to the child, or closes its stdin. */
static int reader_feed(struct filter_reader *r, struct err *err)
{
	ssize_t n;

	if (r->at == r->n) {
		n = r->from->read(r->from->data, r->piece, sizeof r->piece, err);
		if (n < 0)
			return (int)n;
		r->at = 0;
		r->n = (size_t)n;
		if (n == 0) {
			closep(&r->f.child.in);
			return 0;
		}
	}
	n = feed(&r->f, r->piece + r->at, r->n - r->at);
	if (n < 0) /* it takes no more: what it says of that comes with its end */
		closep(&r->f.child.in);
	else
		r->at += (size_t)n;
	return 0;
}

/* Bytes that the program did not want to see are no part of what it compressed. */
static int reader_end(struct filter_reader *r, struct err *err)
{
	ssize_t more = (ssize_t)(r->n - r->at);
	int status = filter_end(&r->f, err);

	if (status < 0)
		return status;
	if (more == 0)
		more = r->from->read(r->from->data, r->piece, sizeof r->piece, err);
	if (more != 0)
		return more < 0 ? (int)more : err_set(err, -EBADMSG, "", "%s left data behind", r->f.name);
	r->ended = true;
	return 0;
}

static ssize_t reader_read(void *data, void *p, size_t n, struct err *err)
{
	struct filter_reader *r = data;

	while (!r->ended) {
		bool in, out;
		ssize_t got = 0;
		int status = filter_poll(&r->f, r->f.child.in >= 0, &in, &out, err);

		if (status == 0 && in && r->f.child.in >= 0)
			status = reader_feed(r, err);
		if (status < 0)
			return status;
		if (!out)
			continue;
		got = read(r->f.child.out, p, n);
		if (got > 0)
			return got;
		if (again(got))
			continue;
		status = reader_end(r, err);
		if (status < 0)
			return status;
	}
	return 0;
}

struct filter_reader *filter_reader_new(const char *name, struct source *from, struct err *err)
{
	struct filter_reader *r = xcalloc(1, sizeof *r);

	r->from = from;
	r->source = (struct source){ reader_read, r };
	if (filter_start(&r->f, name, true, err) == 0)
		return r;
	filter_reader_free(r);
	return NULL;
}

struct source *filter_reader_source(struct filter_reader *f)
{
	return &f->source;
}

void filter_reader_free(struct filter_reader *f)
{
	if (!f)
		return;
	filter_release(&f->f);
	free(f);
}

/* ---- compressing ---- */

struct filter_writer {
	struct filter f;
	struct sink *to, sink;
	char piece[PIECE];
};

/* Takes what the child has ready. 1 when that was the end of its output. */
static int writer_drain(struct filter_writer *w, struct err *err)
{
	ssize_t n = read(w->f.child.out, w->piece, sizeof w->piece);

	if (n > 0)
		return w->to->write(w->to->data, w->piece, (size_t)n, err);
	return again(n) ? 0 : 1;
}

static int writer_write(void *data, const void *p, size_t n, struct err *err)
{
	struct filter_writer *w = data;

	while (n) {
		bool in = false, out = false;
		ssize_t done;
		int r = filter_poll(&w->f, true, &in, &out, err);

		if (r == 0 && out)
			r = writer_drain(w, err);
		if (r < 0)
			return r;
		if (r > 0)
			return filter_end(&w->f, err) < 0 ? -EBADMSG :
							     err_set(err, -EBADMSG, "", "%s ended early", w->f.name);
		if (!in)
			continue;
		done = feed(&w->f, p, n);
		if (done < 0) { /* it says why with the end of its output */
			closep(&w->f.child.in);
			return filter_writer_finish(w, err) < 0 ? -EBADMSG :
								  err_set(err, -EBADMSG, "", "%s ended early",
									  w->f.name);
		}
		p = (const char *)p + done;
		n -= (size_t)done;
	}
	return 0;
}

int filter_writer_finish(struct filter_writer *w, struct err *err)
{
	int r = 0;

	closep(&w->f.child.in);
	while (r == 0) {
		bool in, out;

		r = filter_poll(&w->f, false, &in, &out, err);
		if (r == 0 && out)
			r = writer_drain(w, err);
	}
	return r < 0 ? r : filter_end(&w->f, err);
}

struct filter_writer *filter_writer_new(const char *name, struct sink *to, struct err *err)
{
	struct filter_writer *w = xcalloc(1, sizeof *w);

	w->to = to;
	w->sink = (struct sink){ writer_write, w };
	if (filter_start(&w->f, name, false, err) == 0)
		return w;
	filter_writer_free(w);
	return NULL;
}

struct sink *filter_writer_sink(struct filter_writer *f)
{
	return &f->sink;
}

void filter_writer_free(struct filter_writer *f)
{
	if (!f)
		return;
	filter_release(&f->f);
	free(f);
}
