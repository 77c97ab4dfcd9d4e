/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What qvm-backup asks: whether to go on, and the passphrase. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "archive/writer.h"
#include "base/mem.h"
#include "os/io.h"
#include "qvm-backup/backup.h"

bool was_signalled(struct job *j)
{
	struct signalfd_siginfo info;

	return j->signals >= 0 && read(j->signals, &info, sizeof info) == (ssize_t)sizeof info;
}

/* A terminal may keep us waiting for long: a signal ends that. False for one. */
static bool await_line(struct job *j)
{
	struct pollfd p[] = { { fileno(j->c->in), POLLIN, 0 }, { j->signals, POLLIN, 0 } };

	if (!j->c->in_tty || j->signals < 0)
		return true;
	while (poll(p, ARRAY_SIZE(p), -1) < 0)
		if (errno != EINTR)
			return true;
	return !p[1].revents || !was_signalled(j);
}

enum answer ask_to_proceed(struct job *j)
{
	struct ctx *c = j->c;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = -1;
	enum answer answer;

	fputs("Do you want to proceed? [y/N] ", c->out);
	flush_out(c);
	if (await_line(j))
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

#define FILE_MAX_BYTES 65536

/* Without the white space at its end. */
static char *first_line(const char *text, size_t n)
{
	while (n > 0 && strchr(" \t\r\n\v\f", text[n - 1]))
		n--;
	return xstrndup(text, n);
}

/* A line without the white space at its end. NULL at the end of the file. The caller wipes. */
static char *read_line(FILE *f)
{
	char *line = NULL, *copy = NULL;
	size_t cap = 0;
	ssize_t n = getline(&line, &cap, f);

	if (n >= 0)
		copy = first_line(line, (size_t)n);
	wipe(line, cap);
	return copy;
}

static int take(struct job *j, char *passphrase)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	wipe_free(j->passphrase);
	j->passphrase = passphrase;
	if (!passphrase || !*passphrase)
		return fail(j->c, "the passphrase is empty");
	if (archive_passphrase_check(passphrase, &err) < 0)
		return fail(j->c, "%s", err.text);
	return STATUS_OK;
}

int passphrase_from_file(struct job *j, const char *path)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	char *line;
	int r;

	if (streq(path, "-"))
		return take(j, read_line(j->c->in));
	r = read_file(path, &b, FILE_MAX_BYTES);
	if (r < 0)
		return fail(j->c, "cannot read '%s': %s", path, strerror(-r));
	line = first_line(buf_str(&b), strcspn(buf_str(&b), "\n"));
	if (b.data)
		explicit_bzero(b.data, b.len);
	return take(j, line);
}

/* A line that is not shown. NULL at the end of the file, or after a signal. */
static char *read_hidden(struct job *j, const char *prompt)
{
	struct termios shown, hidden;
	int fd = fileno(j->c->in);
	bool tty = j->c->in_tty && tcgetattr(fd, &shown) == 0;
	char *line = NULL;

	fputs(prompt, j->c->err);
	fflush(j->c->err);
	if (tty) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(fd, TCSAFLUSH, &hidden);
	}
	if (await_line(j))
		line = read_line(j->c->in);
	if (tty) {
		tcsetattr(fd, TCSAFLUSH, &shown);
		fputc('\n', j->c->err);
	}
	return line;
}

int passphrase_from_user(struct job *j)
{
	CLEANUP_SECRET char *first = read_hidden(j, "Please enter the passphrase that will be used to encrypt "
						    "and verify the backup: ");
	CLEANUP_SECRET char *second = first ? read_hidden(j, "Enter again for verification: ") : NULL;

	if (!second)
		return fail(j->c, "no passphrase was given; without a terminal, --passphrase-file or --profile "
				  "names one");
	if (!streq(first, second))
		return fail(j->c, "Passphrase mismatch!");
	return take(j, STEAL(first));
}
