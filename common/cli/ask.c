/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions and passphrases; signals end the waiting for them. */
#include "cli/ask.h"

#include <errno.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"

#define FILE_MAX_BYTES 65536

/* A terminal may keep us waiting for long: a signal ends that. False for one. */
static bool await_line(struct ctx *c, struct signals *s)
{
	struct pollfd p[] = { { fileno(c->in), POLLIN, 0 }, { s->fd, POLLIN, 0 } };

	if (!c->in_tty || s->fd < 0)
		return true;
	while (poll(p, ARRAY_SIZE(p), -1) < 0)
		if (errno != EINTR)
			return true;
	return !p[1].revents || !signals_came(s);
}

/* ---- the question ---- */

enum answer ask_to_proceed(struct ctx *c, struct signals *s)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = -1;
	enum answer answer;

	fputs("Do you want to proceed? [y/N] ", c->out);
	flush_out(c);
	if (await_line(c, s))
		n = getline(&line, &cap, c->in);
	if (n > 0 && line[n - 1] == '\n')
		line[--n] = '\0';
	answer = n < 0 ? ANSWER_NONE : streq(line, "y") || streq(line, "Y") ? ANSWER_YES : ANSWER_NO;
	free(line);
	return answer;
}

/* ---- passphrases ---- */

static void wipe(char *p, size_t n)
{
	if (p)
		explicit_bzero(p, n);
	free(p);
}

/* The line without the white space at its end. An exit status. */
static int take_line(struct ctx *c, const char *text, size_t n, char **ret)
{
	while (n > 0 && text[n - 1] && strchr(" \t\r\n\v\f", text[n - 1]))
		n--;
	if (memchr(text, '\0', n)) /* what is behind it would not count */
		return fail(c, "the passphrase holds a NUL byte");
	*ret = xstrndup(text, n);
	return STATUS_OK;
}

/* *ret is NULL at the end of the input. The caller wipes. An exit status. */
static int read_line(struct ctx *c, char **ret)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = getline(&line, &cap, c->in);
	int status = n < 0 ? STATUS_OK : take_line(c, line, (size_t)n, ret);

	wipe(line, cap);
	return status;
}

int passphrase_from_file(struct ctx *c, const char *path, char **ret)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	const char *text, *end;
	int r;

	*ret = NULL;
	if (streq(path, "-"))
		return read_line(c, ret);
	r = read_file(path, &b, FILE_MAX_BYTES);
	if (r < 0)
		return fail(c, "cannot read '%s': %s", path, strerror(-r));
	text = buf_str(&b);
	end = memchr(text, '\n', b.len);
	r = take_line(c, text, end ? (size_t)(end - text) : b.len, ret);
	if (b.data)
		explicit_bzero(b.data, b.len);
	return r;
}

char *passphrase_ask(struct ctx *c, struct signals *s, const char *prompt)
{
	struct termios shown, hidden;
	int fd = fileno(c->in);
	bool tty = c->in_tty && tcgetattr(fd, &shown) == 0;
	char *line = NULL;

	if (tty) { /* before anybody is asked to type */
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(fd, TCSAFLUSH, &hidden);
	}
	fputs(prompt, c->err);
	fflush(c->err);
	if (await_line(c, s))
		read_line(c, &line);
	if (tty) {
		tcsetattr(fd, TCSAFLUSH, &shown);
		fputc('\n', c->err);
	}
	return line;
}
