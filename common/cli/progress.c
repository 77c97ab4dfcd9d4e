/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far long work is. */
#include "cli/progress.h"

#include <inttypes.h>

#include "base/escape.h"
#include "base/mem.h"
#include "cli/options.h"
#include "model/size.h"
#include "os/io.h"

#define SECOND 1000000000ULL
#define PATIENCE (SECOND / 2)
#define INTERVAL (SECOND / 5)

bool progress_wanted(const struct ctx *c)
{
	return c->err_tty && c->verbosity >= 1;
}

enum progress_kind progress_choice(const struct ctx *c)
{
	const char *how = arg_value(&c->args, "--progress");

	if (!how)
		return progress_wanted(c) ? PROGRESS_LINE : PROGRESS_NONE;
	return streq(how, "json") ? PROGRESS_JSON : streq(how, "line") ? PROGRESS_LINE : PROGRESS_NONE;
}

void progress_begin(struct progress *p, struct ctx *c, const char *what, uint64_t total)
{
	*p = (struct progress){.c = c, .what = what, .total = total, .start_ns = now_ns(),
			       .wanted = progress_wanted(c)};
}

static void add_time(struct buf *b, uint64_t seconds)
{
	uint64_t h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;

	if (h)
		buf_addf(b, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, h, m, s);
	else
		buf_addf(b, "%" PRIu64 ":%02" PRIu64, m, s);
}

/* "work:private  12%  1.2 GiB of 10.0 GiB  350.0 MiB/s  0:25 left" */
static void describe(const struct progress *p, uint64_t done, uint64_t elapsed_ns, struct buf *b)
{
	double rate = (double)done * (double)SECOND / (double)(elapsed_ns + 1);
	CLEANUP_FREE char *amount = size_text(done), *total = size_text(p->total);
	CLEANUP_FREE char *speed = size_text((uint64_t)rate);

	term_escape(b, p->what, strlen(p->what), false);
	if (!done) {
		buf_addstr(b, "  ");
		add_time(b, elapsed_ns / SECOND);
		return;
	}
	if (p->total)
		buf_addf(b, "  %.0f%%  %s of %s  %s/s  ", 100.0 * (double)done / (double)p->total, amount, total,
			 speed);
	else
		buf_addf(b, "  %s  %s/s  ", amount, speed);
	if (p->total && rate >= 1) {
		add_time(b, (uint64_t)((double)(p->total - done) / rate));
		buf_addstr(b, " left");
	} else {
		add_time(b, elapsed_ns / SECOND);
	}
}

void progress_step(struct progress *p, uint64_t done)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	uint64_t now = now_ns(), elapsed = now - p->start_ns;
	unsigned width;

	if (!p->wanted || elapsed < PATIENCE || (p->shown && now - p->shown_ns < INTERVAL))
		return;
	if (p->total && done > p->total)
		done = p->total;
	describe(p, done, elapsed, &b);
	width = terminal_width(p->c->err);
	fprintf(p->c->err, "\r%.*s\033[K", (int)(width - 1), buf_str(&b));
	fflush(p->c->err);
	p->shown = true;
	p->shown_ns = now;
}

void progress_end(struct progress *p)
{
	if (!p->shown)
		return;
	fputs("\r\033[K", p->c->err);
	fflush(p->c->err);
	p->shown = false;
}
