/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sending end of a qfile stream. */
#include "archive/qfile_stream.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"

#define PIECE (256u << 10)
#define RESULT_MAX (QFILE_RESULT_SIZE + 4 + QFILE_NAME_MAX)

/* Takes what the receiver has said; it speaks early only when it will take no more. */
static void read_result(struct qfile_stream *s)
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
static int wait_until_it_takes(struct qfile_stream *s)
{
	struct pollfd p[] = {{.fd = *s->to, .events = POLLOUT}, {.fd = s->from, .events = POLLIN}};

	while (poll(p, ARRAY_SIZE(p), -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (!p[1].revents)
		return 0;
	read_result(s);
	return -EPIPE;
}

static int write_out(struct qfile_stream *s, const char *p, size_t n)
{
	s->crc = qfile_crc(s->crc, p, n);
	while (n) {
		int r = wait_until_it_takes(s);
		ssize_t w = r < 0 ? -1 : write(*s->to, p, n);

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

static int flush(struct qfile_stream *s)
{
	int r = write_out(s, s->out.data, s->out.len);

	buf_reset(&s->out);
	if (s->progress)
		s->progress(s->data, s->bytes);
	return r;
}

int qfile_stream_put(struct qfile_stream *s, const void *p, size_t n)
{
	if (s->out.len && s->out.len + n > PIECE) {
		int r = flush(s);

		if (r < 0)
			return r;
	}
	buf_add(&s->out, p, n);
	return 0;
}

void qfile_stream_begin(struct qfile_stream *s, int *to, int from)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	*s = (struct qfile_stream){.to = to, .from = from};
	sigaction(SIGPIPE, &ignore, &s->before);
	set_nonblock(*to, true);
}

int qfile_stream_entry(struct qfile_stream *s, const char *name, const struct qfile_header *h)
{
	struct qfile_header wire = *h;
	int r;

	wire.namelen = (uint32_t)strlen(name) + 1;
	qfile_header_swap(&wire);
	r = qfile_stream_put(s, &wire, sizeof wire);
	return r < 0 ? r : qfile_stream_put(s, name, strlen(name) + 1);
}

int qfile_stream_copy(struct qfile_stream *s, struct source *in, uint64_t left, const char *what, struct err *err)
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
		n = in->read(in->data, buf_reserve(&s->out, room), left < room ? (size_t)left : room, err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return err_set(err, -EIO, "", "%s became shorter while it was copied", what);
		s->out.len += (size_t)n;
		s->bytes += (uint64_t)n;
		left -= (uint64_t)n;
	}
	return 0;
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
		return err_set(err, res->code == EDQUOT ? -EDQUOT : -EIO, "", "File copy: \"%s; Last file: %s\"",
			       strerror((int)res->code), name);
	}
}

static int judge(struct qfile_stream *s, bool all_sent, struct err *err)
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

/* All entries are there: the end mark, too. */
static int finish(struct qfile_stream *s)
{
	int r = qfile_stream_put(s, &(struct qfile_header){0}, sizeof(struct qfile_header));

	return r < 0 ? r : flush(s);
}

int qfile_stream_end(struct qfile_stream *s, int r, struct err *why, struct err *err)
{
	if (r == 0)
		r = finish(s);
	else if (why->type)
		flush(s); /* what was fine is there, at least */
	closep(s->to);
	if (why->type)
		err_move(err, why);
	else
		r = judge(s, r == 0, err);
	sigaction(SIGPIPE, &s->before, NULL);
	buf_release(&s->out);
	buf_release(&s->result);
	return r;
}
