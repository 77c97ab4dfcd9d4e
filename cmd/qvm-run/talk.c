/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of qvm-run, and the colours of what comes out of qubes (tools-runtime 6.6). */
#include "base/escape.h"
#include "base/mem.h"
#include "qvm-run/run.h"

/* One line in the terminal's own colour. */
static void put_line(struct run *r, const char *text)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (r->colour_err)
		buf_addstr(&b, "\033[0m");
	if (r->c->err_tty)
		term_escape(&b, text, strlen(text), true);
	else
		buf_addstr(&b, text);
	if (r->colour_err)
		buf_addf(&b, "\033[0;%sm", r->colour_err);
	buf_addch(&b, '\n');
	flush_out(r->c);
	fwrite(b.data, 1, b.len, r->c->err);
}

void tell(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (r->c->verbosity - r->pass_io < 1)
		return;
	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	put_line(r, text);
}

void job_fail(struct run *r, const struct job *j, const struct err *err)
{
	CLEANUP_FREE char *text = xasprintf("%s%s%s", r->c->verbosity >= 1 ? j->shown : "",
					    r->c->verbosity >= 1 ? ": " : "", err->text);

	put_line(r, text);
	r->status = STATUS_QUBES_FAILURE;
	r->stopped = true;
}

void run_fail(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	CLEANUP_FREE char *line = xasprintf("Error: %s", text);

	put_line(r, line);
	if (r->status < STATUS_FAILED)
		r->status = STATUS_FAILED;
	r->stopped = true;
}

static void colour(FILE *f, const char *code)
{
	fprintf(f, "\033[%s%sm", *code ? "0;" : "0", code);
	fflush(f);
}

void colours_begin(struct run *r)
{
	if (r->colour_out)
		colour(r->c->out, r->colour_out);
	if (r->colour_err)
		colour(r->c->err, r->colour_err);
}

void colours_end(struct run *r)
{
	if (r->colour_out)
		colour(r->c->out, "");
	if (r->colour_err)
		colour(r->c->err, "");
}
