/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The option table of a tool and the parser that reads a command line with it the way Python's
 * argparse does (tools-config 1.1). Help, errors, completion and the lint read the same table.
 */
#pragma once

#include "base/attr.h"
#include "base/err.h"
#include "base/strv.h"

/* What a value is, for completion (and for the lint: no argument may be without one). */
enum comp {
	COMP_UNSET,     /* the lint refuses it */
	COMP_NONE,      /* free text: nothing to offer */
	COMP_FILE,
	COMP_WORDS,     /* the words of opt.choices / pos.choices */
	COMP_QUBE,      /* any qube */
	COMP_QUBE_NODOM0,
	COMP_QUBE_RUNNING,
	COMP_QUBE_HALTED,
	COMP_QUBE_PAUSED,
	COMP_TEMPLATE,  /* TemplateVMs; of a disposable, as COMP_DISPVM */
	COMP_DISPVM,    /* what may be the template of a disposable */
	COMP_NETVM,
	COMP_CLASS,
	COMP_LABEL,
	COMP_TAG,       /* tags in use by the qube named before, else by any */
	COMP_FEATURE,
	COMP_SERVICE,
	COMP_PROPERTY,  /* of the qube named before */
	COMP_PROPVALUE, /* legal values of the property named before */
	COMP_GPROPERTY, /* global */
	COMP_GPROPVALUE,
	COMP_POOL,
	COMP_DRIVER,    /* of pools */
	COMP_VOLUME,    /* QUBE:VOLUME */
	COMP_REVISION,  /* of the volume named before */
	COMP_COLUMN,    /* of qvm-ls, comma separated */
	COMP_METHOD,    /* Admin API method names */
	COMP_WHERE,     /* KEY=GLOB of --where */
	COMP_DEVCLASS,  /* class of devices */
	COMP_DEVICE,    /* QUBE:PORT of the class named before, or by the program */
	COMP_ATTACHED,  /* the same, of those attached to the qube named before */
	COMP_ASSIGNED,  /* the same, of those assigned to it */
	COMP_HINT,      /* free text; the words of pos.choices are offered */
	COMP_COMMAND,   /* program on PATH and its arguments */
	COMP_OWN,       /* what the tool itself offers: tool.own_words */
};

enum opt_kind {
	OPT_FLAG,     /* no value */
	OPT_VALUE,    /* one value; repeated: last wins, or all with OPT_REPEAT */
	OPT_LIST,     /* one or more values, greedy up to the next option or -- */
	OPT_PAIR,     /* two values */
	OPT_OPTVALUE, /* optional value (argparse nargs='?') */
};

enum opt_flags {
	OPT_HIDDEN = 1,    /* not in --help; takes no part in prefix matching */
	OPT_OURS = 2,      /* an addition of ours: only in full, takes no part in prefix matching */
	OPT_REPEAT = 4,    /* each value counts */
	OPT_IMMEDIATE = 8, /* acts at once when met: --help, --version, --help-columns ... */
	OPT_INT = 16,      /* the value is a whole number: "invalid int value: 'x'" */
	OPT_NO_QUBE = 32,  /* given: the first positional, one qube, is left out of the line. The options of
			    * ours --where and --all in tools that take one qube have this by themselves */
};

struct opt {
	const char *names;   /* all spellings in declaration order, as messages show them: "--format/-o" */
	enum opt_kind kind;
	unsigned flags;
	const char *metavar; /* for help; NULL for flags */
	const char *help;
	const char *choices; /* legal values separated by blanks, or NULL; COMP_COLUMN: suggestions only */
	enum comp comp;      /* of the value; ignored for flags */
	int exclusive;       /* options with the same number (not 0) exclude each other */
};
#define OPT_END {0}

enum pos_count { POS_ONE, POS_OPTIONAL, POS_ANY, POS_SOME, POS_REST };
/*
 * POS_REST: no word or more; from its first word on everything is taken as it is, options included. Options
 * must then stand before the first positional; one "--" is dropped when it is the first of the line and
 * stands before a positional or directly behind the first word of the rest (tools-runtime 6.2).
 */

struct pos {
	const char *name; /* as in messages: VMNAME */
	enum pos_count count;
	enum comp comp;
	const char *choices; /* for COMP_WORDS: nothing else is accepted */
	const char *help;
};
#define POS_END {0}

struct ctx;

struct sub {
	const char *names; /* "list/ls/l": name, then aliases */
	const char *summary;
	const struct opt *opts;
	const struct pos *pos;
	int (*run)(struct ctx *c); /* what it does, if the tool's own run() leaves that to it; the exit status */
};
#define SUB_END {0}

/* What the parser needs to know; part of every tool's descriptor. */
struct grammar {
	const char *prog;    /* in messages */
	const char *summary; /* one sentence for --help */
	const struct opt *opts;
	const struct pos *pos;  /* before the command when there are commands */
	/* NULL, or commands. The command word comes behind pos; messages call it "command", or as the last of
	 * pos does when that one is named so in any case ("COMMAND"): then that one is the command word. */
	const struct sub *subs;
	const struct opt *const *shared; /* NULL-terminated list of further tables (common options) */
	const char *epilog;     /* printed at the end of --help, or NULL */
	bool sub_optional;      /* no command given is allowed: args.sub stays NULL */
	bool no_prefix;         /* before the command long options are known in full only (tools-runtime 1.3) */
};

/* One thing on the line, in order. */
struct arg {
	const struct opt *opt; /* NULL: a positional */
	const struct pos *pos; /* which positional, when opt is NULL */
	const char *value;     /* NULL for flags; borrowed from argv */
	bool in_sub;           /* met behind the command word */
	int at;                /* index in argv of the word that gave it */
};

struct args {
	struct arg *v;
	size_t n;
	size_t cap;
	const struct sub *sub;
	const struct grammar *grammar;
	const struct opt *immediate; /* an OPT_IMMEDIATE option was met: parsing stopped there */
	char *usage_prog;            /* "qvm-volume import" when the command's own parser complained */
};

void args_release(struct args *a);
#define CLEANUP_ARGS CLEANUP(args_release)

/*
 * Reads argv[1..]. 0, or -EINVAL with err.text = the message behind "TOOL: error: " (exit 2).
 * Positionals and options may interleave; all rules of tools-config 1.1 hold, with its "drop" remarks.
 */
int args_parse(struct args *ret, const struct grammar *g, int argc, char *const argv[], struct err *err);

/* A usage error that follows is one of the command's own parser: its message names the command (tools-runtime 1.3). */
void args_blame_command(struct args *a);

/* Look-ups by any spelling ("--format"); asking for one that no table has aborts. */
bool arg_has(const struct args *a, const char *name);
unsigned arg_count(const struct args *a, const char *name);
/* The last value, or NULL. */
const char *arg_value(const struct args *a, const char *name);
/* All values in order, copied into ret. */
void arg_values(const struct args *a, const char *name, struct strv *ret);
/* Of a pair of options, whichever was given last; NULL: neither. */
const struct arg *arg_last(const struct args *a, const char *name, const char *other);
/* The same for two that say yes and no. */
bool arg_last_is(const struct args *a, const char *yes, const char *no, bool otherwise);
/* Positionals by their name: the first value or NULL, and all. */
const char *arg_pos(const struct args *a, const char *name);
void arg_poses(const struct args *a, const char *name, struct strv *ret);
/* The primary name of the command given, or NULL. */
char *arg_sub_name(const struct args *a);

/* True when the option has this spelling. */
bool opt_is(const struct opt *o, const char *spelling);
/* Some table of the grammar has an option of this spelling. */
bool grammar_has_opt(const struct grammar *g, const char *spelling);

/* ---- what the parser and completion share ---- */

enum token_kind { TOKEN_WORD, TOKEN_OPTION, TOKEN_UNKNOWN, TOKEN_AMBIGUOUS };

/* One word of the line, seen alone (tools-config 1.1, the ten kinds; "--" is not for this function). */
struct token {
	enum token_kind kind;
	const struct opt *opt; /* of TOKEN_OPTION */
	const char *value;     /* attached by '=' or directly, or NULL; borrowed */
	bool cluster;          /* value stands directly behind a short option */
};

/* With sub, the word stands behind the command. */
struct token token_read(const struct grammar *g, const struct sub *sub, const char *word);
/*
 * Goes through the options that are known at one place of the line (with sub, none of g->opts): pass *i = 0 first;
 * NULL at the end.
 */
const struct opt *opt_each_here(const struct grammar *g, const struct sub *sub, size_t *i);
/* The option spelled so, or NULL. */
const struct opt *opt_find(const struct grammar *g, const struct sub *sub, const char *spelling, size_t len);
/* Goes through "a/b/c" or "a b c": *p is the text at first. False at its end. */
bool names_next(const char **p, char sep, const char **ret_name, size_t *ret_len);
/* The command of this name or alias, or NULL. */
const struct sub *sub_find(const struct grammar *g, const char *name);
/* Number of positionals before the command word (all of them without commands), and that word's name. */
size_t grammar_words(const struct grammar *g, const char **ret_command);
/* The value is the name of a qube. */
bool comp_is_qube(enum comp comp);
/* The option makes the first positional of the grammar superfluous (OPT_NO_QUBE). */
bool opt_stands_for_qube(const struct grammar *g, const struct opt *o);
/* Deals n words out to the positionals as argparse does: ret_count[i] for each; returns how many positionals
 * were reached (those behind are missing if they are required). */
size_t pos_deal(const struct pos *pos, size_t npos, size_t n, size_t *ret_count);
