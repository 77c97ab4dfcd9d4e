/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-firewall: what its files share. */
#pragma once

#include "cli/perqube.h"
#include "model/firewall.h"

#define FIREWALL_GET "admin.vm.firewall.Get"
#define FIREWALL_SET "admin.vm.firewall.Set"
#define FIREWALL_RELOAD "admin.vm.firewall.Reload"

/* A usage error as the command's own parser tells it: "qvm-firewall VMNAME add: error: ...". */
int fail_command(struct ctx *c, const char *fmt, ...) PRINTF(2, 3);
/* The error of a rule of one qube: with many chosen its name stands in front. Returns STATUS_FAILED. */
int fail_qube(struct ctx *c, const struct selection *s, const char *qube, const char *text);

/*
 * The rules in the reply to Get. Reports failures, of the call and of the text; returns an exit status. Only
 * then are the rules there.
 */
int read_rules(struct ctx *c, const struct selection *s, const struct call *call, struct fw_rules *ret);

/* ---- match.c ---- */

/* Words of the line as a rule (tools-runtime 11.3). No words is no rule: *ret_any. Prints errors; exit status. */
int match_read(struct ctx *c, const struct strv *words, struct fw_rule *ret, bool *ret_any);

/* ---- file.c: a rule a line; empty lines and those that begin with # are skipped ---- */

struct file_rule {
	size_t line;          /* from 1 */
	char *text;           /* of the line */
	struct fw_rule rule;  /* empty when it is none */
	char *problem;        /* why it is none, or NULL */
};
struct file_rules {
	struct file_rule *v;
	size_t n, cap;
};

void file_rules_release(struct file_rules *f);
#define CLEANUP_FILE_RULES CLEANUP(file_rules_release)
/* "-" is standard input. Prints errors of reading; returns an exit status. */
int file_read(struct ctx *c, const char *path, struct file_rules *ret);
/* Lines as they come; skip: leave out empty ones and comments. */
void file_parse(struct file_rules *ret, const char *text, size_t len, bool skip);
/* What messages call it. */
const char *file_name(const char *path);

/* ---- diff.c ---- */

/* Calls fn for each rule of both lists in order: change is ' ', '-' (of old) or '+' (of new). */
typedef void diff_fn(void *data, char change, const char *rule);
void diff_rules(const struct fw_rules *old, const struct fw_rules *new, enum fw_form form, diff_fn *fn, void *data);

/* ---- host.c ---- */

/* What is odd about a host name, as a sentence behind it ("has an empty part"); NULL: nothing. */
const char *host_problem(const char *host);

/* ---- commands ---- */

int command_list(struct ctx *c, const struct selection *s);   /* list.c */
int command_dump(struct ctx *c, const struct selection *s);   /* list.c */
int command_check(struct ctx *c, const struct selection *s);  /* check.c */
int check_file(struct ctx *c, const char *path);              /* check.c */

enum edit_kind { EDIT_ADD, EDIT_DEL, EDIT_RESET, EDIT_LOAD };

/* What is to be done to the rules of each chosen qube. */
struct edit {
	enum edit_kind kind;
	enum fw_form form;      /* of what is sent */
	bool has_rule;
	struct fw_rule rule;    /* EDIT_ADD, EDIT_DEL */
	const char *number;     /* --before, --rule-no; NULL: not given */
	struct fw_rules rules;  /* EDIT_RESET, EDIT_LOAD: the new list */
};

void edit_release(struct edit *e);
#define CLEANUP_EDIT CLEANUP(edit_release)
/* From the command line and from files; before any call. Prints errors; exit status. */
int edit_read(struct ctx *c, enum edit_kind kind, struct edit *ret);
/* The change of one list; a qube for the warning. -ENOENT with err. */
int edit_rules(struct ctx *c, const char *qube, const struct edit *e, struct fw_rules *rules, struct err *err);
/* Of all chosen qubes; with --dry-run only shown (apply.c). */
int edit_run(struct ctx *c, const struct selection *s, const struct edit *e);
