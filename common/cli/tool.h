/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a tool is: a descriptor and a function of a context. It has no main, never exits, keeps no
 * static state, and reads and writes through its context only.
 */
#pragma once

#include <stdio.h>

#include "admin/call.h"
#include "base/attr.h"
#include "base/err.h"
#include "cli/opt.h"
#include "model/qubes.h"

/* Exit statuses (qvm(7)). */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_PARTIAL = 3, /* qvm-check: some, not all; qvm-create: root import failed */
};

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL };

struct ctx {
	const struct tool *tool; /* the one that was called, maybe an alias */
	const char *prog;        /* base name of argv[0] */
	struct args args;
	FILE *in, *out, *err;
	bool in_tty, out_tty, err_tty;
	struct admin admin;
	enum format format;
	int verbosity; /* 1 by default; -v adds, -q takes away */
	int write_errno; /* why the first write to out failed, where it was seen */
};

enum tool_flags {
	TOOL_QUBES = 1,      /* takes several qubes: --all, --exclude, names, globs, --where */
	TOOL_QUBE = 2,       /* takes one qube by position, or --where / --all of ours */
	TOOL_JSON = 4,       /* prints data: --json, --jsonl */
	TOOL_PLAIN_ERROR = 8, /* run-time errors print as "Error: TEXT" (admin-api 3.5), not "TOOL: error: TEXT" */
	TOOL_NO_DAEMON = 16, /* makes no Admin API call by itself: endpoint trouble is not its concern */
	TOOL_NO_PREFIX = 32, /* long options before the command are not abbreviated */
	TOOL_USAGE_FAILS = 64, /* wrong usage ends with STATUS_FAILED */
};

struct tool {
	const char *name;
	const char *summary; /* one sentence, shown by --help and checked against the man page */
	unsigned flags;
	const struct opt *opts; /* the tool's own; the common ones are added by flags */
	const struct pos *pos;
	const struct sub *subs;
	bool sub_optional;
	const char *epilog;
	/* For COMP_OWN: adds what the tool itself knows without asking anybody. command: on the line, or NULL. */
	void (*own_words)(const struct sub *command, struct strv *ret);
	/* The whole work. Returns the exit status. */
	int (*run)(struct ctx *c);
	/* What the program is under other names (see ALIASES of the Makefile), ended by one without a name; or
	 * NULL. An alias has no aliases of its own. */
	const struct tool *aliases;
	/* The tool that reads this line in place of t: another, where options of an old interface are on it, or t
	 * itself. NULL: always t itself. */
	const struct tool *(*reads)(const struct tool *t, int argc, char *const argv[]);
};

/* Each program defines exactly one. */
extern const struct tool tool;

/* The tool that a program's base name asks for: the alias whose name it ends in (it may begin with the
 * PROGRAM_PREFIX of an installation), else t. */
const struct tool *tool_called(const struct tool *t, const char *prog);

/*
 * Runs a tool with the given streams, as the program does: parses, handles --help, --version and the
 * hidden completion request, calls run, prints the ledger for --calls, checks the final flush. Never exits.
 * Safe to call again and again in one process.
 */
int tool_main(const struct tool *t, int argc, char *const argv[], FILE *in, FILE *out, FILE *err);

/* ---- errors and talk: all on ctx->err ---- */

/* "usage: ..." and "TOOL: error: TEXT"; returns STATUS_USAGE, or what TOOL_USAGE_FAILS says. */
int fail_usage(struct ctx *c, const char *fmt, ...) PRINTF(2, 3);
/* A run-time error in the tool's manner (and as JSON with --json); returns STATUS_FAILED. */
int fail(struct ctx *c, const char *fmt, ...) PRINTF(2, 3);
/* The same from an error value, with a hint line on a terminal. qube and method may be NULL. */
int fail_err(struct ctx *c, const struct err *e, const char *qube, const char *method);
/* "TOOL: error: TEXT" whatever the tool's manner; returns STATUS_FAILED. */
int fail_prog(struct ctx *c, const char *fmt, ...) PRINTF(2, 3);
/* "Error: TEXT" whatever the tool's manner; returns STATUS_FAILED. */
int fail_plain(struct ctx *c, const char *fmt, ...) PRINTF(2, 3);
/* "TEXT" alone, where a tool of old has it so; returns STATUS_FAILED. */
int fail_bare(struct ctx *c, const char *fmt, ...) PRINTF(2, 3);
/* One line as it is, escaped for a terminal, newline added. */
void say(struct ctx *c, const char *fmt, ...) PRINTF(2, 3);
/* Log lines (tools-config 1.6): info shows from verbosity 1 on, warnings always; the prefix "LOGGER: "
 * is left out at verbosity 0 and below. */
void log_info(struct ctx *c, const char *logger, const char *fmt, ...) PRINTF(3, 4);
void log_warning(struct ctx *c, const char *logger, const char *fmt, ...) PRINTF(3, 4);

/* ---- prompts (tools-config 1.10) ---- */

/* Writes prompt (no newline) to ctx->out, flushes, reads one line. *ret without its newline, owned by the
 * caller. False at end of file. */
bool ask(struct ctx *c, const char *prompt, char **ret);

/* fflush of ctx->out that remembers why it failed; the end of the tool reports it. */
void flush_out(struct ctx *c);

/* ---- raw output of one value: text to ctx->out as it is in a pipe, escaped on a terminal ---- */
void put_text(struct ctx *c, const char *s, size_t n);
