/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-run: runs a command or a service in qubes (tools-runtime 6). */
#include "base/chars.h"
#include "base/escape.h"
#include "base/mem.h"
#include "cli/options.h"
#include "qvm-run/run.h"

#define RED "31"

static const struct opt options[] = {
	{"--user/-u", OPT_VALUE, 0, "USER", "the user there who runs it", NULL, COMP_NONE},
	{"--autostart/--auto/-a", OPT_FLAG, .help = "start the qube when it does not run; the default"},
	{"--no-autostart/--no-auto/-n", OPT_FLAG, .help = "do not start it, nor unpause it"},
	{"--pass-io/-p", OPT_FLAG, .help = "the command has our standard input, output and error output"},
	{"--localcmd", OPT_VALUE, 0, "COMMAND", "with --pass-io: the streams are those of this shell command instead",
	 NULL, COMP_NONE},
	{"--gui", OPT_FLAG, .help = "the command opens windows: wait for the session of the user"},
	{"--no-gui/--nogui", OPT_FLAG, .help = "it opens none"},
	{"--colour-output/--color-output", OPT_VALUE, 0, "CODE", "colour of what it prints, such as 31 for red",
	 "30 31 32 33 34 35 36 37", COMP_COLUMN},
	{"--colour-stderr/--color-stderr", OPT_VALUE, 0, "CODE", "colour of its error output",
	 "30 31 32 33 34 35 36 37", COMP_COLUMN},
	{"--no-colour-output/--no-color-output", OPT_FLAG, .help = "no colour for what it prints"},
	{"--no-colour-stderr/--no-color-stderr", OPT_FLAG, .help = "no colour for its error output"},
	{"--filter-escape-chars", OPT_FLAG,
	 .help = "let no escape sequences out of the qube; the default when the output is a terminal"},
	{"--no-filter-escape-chars", OPT_FLAG, .help = "let them through; dangerous on a terminal"},
	{"--service", OPT_FLAG, .help = "COMMAND is a service, NAME[+ARGUMENT]"},
	{"--no-shell", OPT_FLAG, .help = "COMMAND is a program, also when no ARG is there"},
	{"--dispvm", OPT_OPTVALUE, OPT_NO_QUBE, "TEMPLATE", "in a new disposable, of this template", NULL,
	 COMP_DISPVM, 1},
	{"--all", OPT_FLAG, OPT_NO_QUBE, .help = "in all running qubes but dom0", .exclusive = 1},
	{"--exclude", OPT_VALUE, OPT_REPEAT, "EXCLUDE", "leave this qube out of --all or --where", NULL, COMP_QUBE},
	{"--where", OPT_VALUE, OPT_OURS | OPT_REPEAT | OPT_NO_QUBE, "KEY=GLOB", WHERE_HELP, NULL, COMP_WHERE},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ONE, COMP_QUBE, NULL, "name of the qube"},
	{"COMMAND", POS_REST, COMP_COMMAND, NULL,
	 "a line for the shell there; with further words: a program and its arguments"},
	POS_END,
};

/* The colour of a stream: an option's, or red where `usual`. */
static const char *colour(const struct ctx *c, const char *yes, const char *no, bool usual)
{
	const struct arg *arg = arg_last(&c->args, yes, no);

	return arg ? arg->value : usual ? RED : NULL;
}

static void read_options(struct run *r)
{
	struct ctx *c = r->c;
	const struct arg *gui = arg_last(&c->args, "--gui", "--no-gui");

	r->pass_io = arg_has(&c->args, "--pass-io");
	r->localcmd = arg_value(&c->args, "--localcmd");
	r->autostart = arg_last_is(&c->args, "--autostart", "--no-autostart", true);
	r->disposable = arg_has(&c->args, "--dispvm");
	r->gui = !gui ? GUI_AUTO : opt_is(gui->opt, "--gui") ? GUI_YES : GUI_NO;
	r->filter = arg_last_is(&c->args, "--filter-escape-chars", "--no-filter-escape-chars", c->out_tty);
	r->no_filter = !r->filter && arg_has(&c->args, "--no-filter-escape-chars");
	r->colour_out = colour(c, "--colour-output", "--no-colour-output", r->pass_io && r->filter);
	r->colour_err = colour(c, "--colour-stderr", "--no-colour-stderr", r->pass_io && c->err_tty);
}

/* False when there is none. */
static bool read_command(struct run *r, const struct strv *words)
{
	const struct args *a = &r->c->args;

	if (!words->n)
		return false;
	r->shown = words->v[0];
	r->command.words = (const char *const *)words->v;
	r->command.user = arg_value(a, "--user");
	r->command.kind = arg_has(a, "--service")		      ? QREXEC_SERVICE
			  : words->n > 1 || arg_has(a, "--no-shell") ? QREXEC_PROGRAM
								     : QREXEC_SHELL;
	return true;
}

static int check_colour(struct ctx *c, const char *code)
{
	if (!code || (*code && chars_all(code, "0-9;")))
		return STATUS_OK;
	CLEANUP_FREE char *quoted = quote_py(code);

	return fail_usage(c, "invalid colour %s: digits are wanted, such as 31", quoted);
}

/* After the qubes are known (6.3). */
static int check(struct run *r)
{
	struct ctx *c = r->c;

	if (r->pass_io && !r->localcmd && r->n > 1)
		return fail_usage(c, "--passio cannot be used when more than 1 qube is chosen and no --localcmd is "
				     "used");
	if (r->localcmd && !r->pass_io)
		return fail_usage(c, "--localcmd have no effect without --pass-io");
	if (r->colour_out && !r->filter)
		return fail_usage(c, "--color-output must be used with --filter-escape-chars");
	if (r->command.kind == QREXEC_SERVICE && arg_has(&c->args, "--no-shell"))
		return fail_usage(c, "--no-shell does not apply to --service");
	if (check_colour(c, r->colour_out) || check_colour(c, r->colour_err))
		return STATUS_USAGE;
	return STATUS_OK;
}

static void run_all(struct run *r)
{
	colours_begin(r);
	if (r->command.kind == QREXEC_SERVICE && r->command.words[1])
		tell(r, "a service has no arguments of its own: '%s' is left out", r->command.words[1]);
	for (size_t i = 0; i < r->n; i++)
		if (r->stopped)
			not_run(r);
		else
			job_begin(r, &r->jobs[i]);
	wait_jobs(r);
	for (size_t i = 0; i < r->n; i++)
		if (r->jobs[i].disposable)
			kill_disposable(r, &r->jobs[i]);
	colours_end(r);
}

static int usage_no_command(struct ctx *c)
{
	const char *template = arg_value(&c->args, "--dispvm");

	if (template && c->err_tty)
		say(c, "hint: '%s' was taken for the template; write --dispvm -- COMMAND, or --dispvm=TEMPLATE",
		    template);
	return fail_usage(c, "the following arguments are required: COMMAND, ARG");
}

static int run(struct ctx *c)
{
	struct run r = {.c = c, .signals = -1};
	CLEANUP_STRV struct strv words = STRV_INIT;
	int status;

	arg_poses(&c->args, "COMMAND", &words);
	read_options(&r);
	if (!read_command(&r, &words))
		return usage_no_command(c);
	status = choose_jobs(&r);
	if (status == STATUS_OK)
		status = check(&r);
	if (status == STATUS_OK) {
		run_all(&r);
		status = r.status;
	}
	release_signals(&r);
	jobs_release(&r);
	return status;
}

const struct tool tool = {
	.name = "qvm-run",
	.summary = "Run a command or a service in qubes.",
	.flags = TOOL_PLAIN_ERROR,
	.opts = options,
	.pos = positionals,
	.run = run,
};
