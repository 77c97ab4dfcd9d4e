/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a command line to a tool's function and back: common options, help, ledger, final flush. */
#include "cli/tool.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/comp.h"
#include "cli/help.h"
#include "cli/options.h"

const struct opt common_options[] = {
	{"--verbose/-v", OPT_FLAG, OPT_REPEAT, .help = "increase verbosity"},
	{"--quiet/-q", OPT_FLAG, OPT_REPEAT, .help = "decrease verbosity"},
	{"--help/-h", OPT_FLAG, OPT_IMMEDIATE, .help = "show this help message and exit"},
	{"--version", OPT_FLAG, OPT_IMMEDIATE, .help = "show the program's version and exit"},
	{"--force-root", OPT_FLAG, OPT_HIDDEN, .help = "accepted for compatibility, without effect"},
	{"--calls", OPT_FLAG, OPT_OURS, .help = "print the Admin API calls that were made, on stderr"},
	{"--dump-options", OPT_FLAG, OPT_HIDDEN | OPT_IMMEDIATE, .help = "print the option table"},
	OPT_END,
};

const struct opt json_options[] = {
	{"--json", OPT_FLAG, OPT_OURS, .help = "print one JSON document", .exclusive = -1},
	{"--jsonl", OPT_FLAG, OPT_OURS, .help = "print JSON, one record a line", .exclusive = -1},
	OPT_END,
};

const struct opt many_options[] = {MANY_OPTIONS, OPT_END};

const struct opt one_options[] = {
	{"--all", OPT_FLAG, OPT_OURS, .help = "in place of the name: act on all qubes except dom0"},
	{"--exclude", OPT_VALUE, OPT_OURS | OPT_REPEAT, "EXCLUDE", "leave this qube out of --all or --where",
	 .comp = COMP_QUBE},
	{"--where", OPT_VALUE, OPT_OURS | OPT_REPEAT, "KEY=GLOB", WHERE_HELP, .comp = COMP_WHERE},
	OPT_END,
};

void grammar_of(const struct tool *t, struct tool_grammar *ret)
{
	size_t n = 0;

	*ret = (struct tool_grammar){.g = {
		.prog = t->name,
		.summary = t->summary,
		.opts = t->opts,
		.pos = t->pos,
		.subs = t->subs,
		.epilog = t->epilog,
		.sub_optional = t->sub_optional,
		.no_prefix = t->flags & TOOL_NO_PREFIX,
	}};
	if (t->flags & TOOL_QUBES)
		ret->shared[n++] = many_options;
	if (t->flags & TOOL_QUBE)
		ret->shared[n++] = one_options;
	if (t->flags & TOOL_JSON)
		ret->shared[n++] = json_options;
	ret->shared[n++] = common_options;
	ret->g.shared = ret->shared;
}

unsigned terminal_width(FILE *f)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns && num_u64(columns, &n) == 0 && n > 0 && n < 10000)
		return (unsigned)n;
	if (ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return 80;
}

/* --help, --version and the lint's dump; true when the option was one of them. */
static bool immediate(struct ctx *c, const struct grammar *g)
{
	struct buf b = BUF_INIT;
	const struct opt *o = c->args.immediate;

	if (opt_is(o, "--help"))
		help_full(&b, g, c->args.sub, c->prog, terminal_width(c->out));
	else if (opt_is(o, "--version"))
		buf_addf(&b,
			 "%s (qvm-tools) %s\nCopyright (C) the qvm-tools authors\n"
			 "License: GPL-2.0-or-later\n",
			 c->prog, VERSION);
	else if (opt_is(o, "--dump-options"))
		help_dump(&b, g);
	else
		return false;
	fwrite(buf_str(&b), 1, b.len, c->out);
	buf_release(&b);
	return true;
}

/* Known before the rest is parsed, so that a usage error too can be told as JSON. */
static enum format asked_format(const struct tool *t, int argc, char *const argv[])
{
	enum format format = FORMAT_TEXT;

	for (int i = 1; (t->flags & TOOL_JSON) && i < argc && !streq(argv[i], "--"); i++)
		if (streq(argv[i], "--json") || streq(argv[i], "--jsonl"))
			format = streq(argv[i], "--json") ? FORMAT_JSON : FORMAT_JSONL;
	return format;
}

static void trace_call(void *data, const char *line)
{
	say(data, "> %s", line);
}

static int run_tool(struct ctx *c, const struct tool *t, const struct grammar *g, int argc, char *const argv[])
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int status;

	c->format = asked_format(t, argc, argv);
	if (args_parse(&c->args, g, argc, argv, &err) < 0) {
		c->args.grammar = g;
		return fail_usage(c, "%s", err.text);
	}
	if (c->args.immediate && immediate(c, g))
		return STATUS_OK;
	c->verbosity = 1 + (int)arg_count(&c->args, "--verbose") - (int)arg_count(&c->args, "--quiet");
	if (!(t->flags & TOOL_NO_DAEMON)) {
		if (admin_init(&c->admin, &err) < 0)
			return fail_err(c, &err, NULL, NULL);
		c->admin.keep_ledger = arg_has(&c->args, "--calls");
		if (c->verbosity >= 2) {
			c->admin.on_call = trace_call;
			c->admin.on_call_data = c;
		}
	}
	status = t->run(c);
	flush_out(c);
	fputs(buf_str(&c->admin.ledger), c->err);
	return status;
}

const struct tool *tool_called(const struct tool *t, const char *prog)
{
	size_t n = strlen(prog);

	for (const struct tool *a = t->aliases; a && a->name; a++) {
		size_t len = strlen(a->name);

		if (len <= n && streq(prog + n - len, a->name))
			return a;
	}
	return t;
}

int tool_main(const struct tool *t, int argc, char *const argv[], FILE *in, FILE *out, FILE *err)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	bool completes = argc >= 2 && streq(argv[1], "--complete-words");
	int before = completes && argc > 3 ? 3 : 0; /* words in front of the line to complete */
	struct tool_grammar tg;
	int status;
	struct ctx c = {
		.prog = slash ? slash + 1 : argc ? argv[0] : t->name,
		.in = in,
		.out = out,
		.err = err,
		.in_tty = fileno(in) >= 0 && isatty(fileno(in)), /* a FILE may be memory */
		.out_tty = isatty(fileno(out)),
		.err_tty = isatty(fileno(err)),
		.verbosity = 1,
	};

	t = tool_called(t, c.prog);
	if (t->reads)
		t = t->reads(t, argc - before, argv + before);
	c.tool = t;
	grammar_of(t, &tg);
	if (completes)
		status = complete(&c, &tg.g, argc, argv);
	else
		status = run_tool(&c, t, &tg.g, argc, argv);

	flush_out(&c);
	if (c.write_errno || ferror(out)) {
		if (c.write_errno)
			fail(&c, "write error: %s", strerror(c.write_errno));
		else
			fail(&c, "write error");
		clearerr(out);
		status = status ? status : STATUS_FAILED;
	}
	args_release(&c.args);
	admin_release(&c.admin);
	return status;
}
