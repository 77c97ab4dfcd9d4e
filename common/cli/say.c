/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, talk and questions: all that is not data. */
#include <errno.h>
#include <unistd.h>

#include "admin/exc.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/mem.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/record.h"
#include "cli/tool.h"

void flush_out(struct ctx *c)
{
	if (fflush(c->out) != 0 && !c->write_errno)
		c->write_errno = errno;
}

/* One line to stderr, escaped where a terminal would act on it. */
static void put_line(struct ctx *c, const char *s, size_t n)
{
	struct buf b = BUF_INIT;

	if (c->err_tty)
		term_escape(&b, s, n, true);
	else
		buf_add(&b, s, n);
	buf_addch(&b, '\n');
	flush_out(c);
	fwrite(b.data, 1, b.len, c->err);
	buf_release(&b);
}

static void PRINTF(3, 0) vsay(struct ctx *c, const char *prefix, const char *fmt, va_list ap)
{
	struct buf b = BUF_INIT;

	buf_addstr(&b, prefix);
	buf_vaddf(&b, fmt, ap);
	put_line(c, b.data, b.len);
	buf_release(&b);
}

void say(struct ctx *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(c, "", fmt, ap);
	va_end(ap);
}

/* With --json an error is also one object on stderr. */
static void put_json(struct ctx *c, const char *type, const char *text, const char *qube, const char *method)
{
	const char *const keys[] = {"error", "message", "qube", "method"};
	const char *const values[] = {type && *type ? type : "Error", text, qube, method};
	struct buf b = BUF_INIT;

	if (c->format == FORMAT_TEXT)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		buf_addf(&b, "%c\"%s\":", i ? ',' : '{', keys[i]);
		if (values[i])
			json_quote(&b, values[i], strlen(values[i]));
		else
			buf_addstr(&b, "null");
	}
	buf_addstr(&b, "}\n");
	fwrite(b.data, 1, b.len, c->err);
	buf_release(&b);
}

int fail_usage(struct ctx *c, const char *fmt, ...)
{
	const struct args *a = &c->args;
	const char *prog = a->usage_prog ? a->usage_prog : c->prog;
	struct buf b = BUF_INIT;
	va_list ap;

	flush_out(c);
	help_usage(&b, a->grammar, a->usage_prog ? a->sub : NULL, c->prog, terminal_width(c->err));
	fwrite(buf_str(&b), 1, b.len, c->err);
	buf_release(&b);

	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	say(c, "%s: error: %s", prog, text);
	put_json(c, "UsageError", text, NULL, NULL);
	return c->tool->flags & TOOL_USAGE_FAILS ? STATUS_FAILED : STATUS_USAGE;
}

static void put_error(struct ctx *c, bool plain, const char *text)
{
	if (plain)
		say(c, "Error: %s", text);
	else
		say(c, "%s: error: %s", c->prog, text);
}

static int vfail(struct ctx *c, bool plain, const char *fmt, va_list ap)
{
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);

	put_error(c, plain, text);
	put_json(c, NULL, text, NULL, NULL);
	return STATUS_FAILED;
}

int fail(struct ctx *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfail(c, c->tool->flags & TOOL_PLAIN_ERROR, fmt, ap);
	va_end(ap);
	return STATUS_FAILED;
}

int fail_plain(struct ctx *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfail(c, true, fmt, ap);
	va_end(ap);
	return STATUS_FAILED;
}

int fail_prog(struct ctx *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfail(c, false, fmt, ap);
	va_end(ap);
	return STATUS_FAILED;
}

int fail_bare(struct ctx *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	say(c, "%s", text);
	put_json(c, NULL, text, NULL, NULL);
	return STATUS_FAILED;
}

/* What a person can do about an error that does not say so itself. */
static const char *hint_for(const struct err *e)
{
	if (streq(e->type, EXC_ACCESS) && skip_prefix(e->text, "Service call error:"))
		return "the policy of dom0 must allow this call for this qube (/etc/qubes/policy.d)";
	if (streq(e->type, EXC_ACCESS) || streq(e->type, EXC_PROPERTY_ACCESS))
		return "the daemon answered nothing: the call is unknown to it, refused, or failed inside it";
	if (streq(e->type, "ProtocolError") && skip_prefix(e->text, "no such method"))
		return "the daemon is of a release that does not have this call";
	if (streq(e->type, EXC_COMMUNICATION) && strstr(e->text, "[Errno"))
		return "is the daemon running? 'qvm-lab COMMAND' runs a command against a system of its own";
	return NULL;
}

int fail_err(struct ctx *c, const struct err *e, const char *qube, const char *method)
{
	const char *hint = c->err_tty ? hint_for(e) : NULL;

	put_error(c, c->tool->flags & TOOL_PLAIN_ERROR, e->text);
	if (hint)
		say(c, "hint: %s", hint);
	put_json(c, e->type, e->text, qube, method);
	return STATUS_FAILED;
}

static void PRINTF(3, 0) vlog(struct ctx *c, const char *logger, const char *fmt, va_list ap)
{
	CLEANUP_FREE char *prefix = c->verbosity >= 1 ? xasprintf("%s: ", logger) : xstrdup("");

	vsay(c, prefix, fmt, ap);
}

void log_info(struct ctx *c, const char *logger, const char *fmt, ...)
{
	va_list ap;

	if (c->verbosity < 1)
		return;
	va_start(ap, fmt);
	vlog(c, logger, fmt, ap);
	va_end(ap);
}

void log_warning(struct ctx *c, const char *logger, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(c, logger, fmt, ap);
	va_end(ap);
}

bool ask(struct ctx *c, const char *prompt, char **ret)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	fputs(prompt, c->out);
	flush_out(c);
	n = getline(&line, &cap, c->in);
	if (n < 0) {
		free(line);
		return false;
	}
	if (n && line[n - 1] == '\n')
		line[n - 1] = '\0';
	*ret = line;
	return true;
}

void put_text(struct ctx *c, const char *s, size_t n)
{
	struct buf b = BUF_INIT;

	if (c->out_tty) {
		term_escape(&b, s, n, true);
		s = buf_str(&b);
		n = b.len;
	}
	if (n && fwrite(s, 1, n, c->out) < n && !c->write_errno)
		c->write_errno = errno;
	buf_release(&b);
}
