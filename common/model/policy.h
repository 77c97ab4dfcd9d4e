/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Qrexec policy: which qube may call which service of which other (backup-policy-clock 6). Rules are read from
 * directories and never change afterwards; what they say about a call depends on the qubes that there are.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

enum policy_action { POLICY_DENY, POLICY_ALLOW, POLICY_ASK };

struct policy_rule {
	const char *file; /* belongs to the policy */
	unsigned line;
	char *service;    /* "*": any */
	char *arg;        /* with its '+'; "*": any */
	char *source, *target; /* tokens; "dom0" is "@adminvm" */
	enum policy_action action;
	char *redirect;       /* target=, a token; NULL: none */
	char *default_target; /* of ask; NULL: none */
	char *user;           /* NULL: the default one */
	bool notify, autostart;
};

struct policy {
	struct policy_rule *v; /* in the order in which they are tried */
	size_t n, cap;
	struct strv files; /* all that was read, and the directories, in order; a file that was included twice twice */
};

void policy_release(struct policy *p);
#define CLEANUP_POLICY CLEANUP(policy_release)

/* ---- reading ---- */

/* Where files come from; the default are those of the system. Errors are negative errnos. */
struct policy_files {
	void *data;
	/* The path with links resolved, as far as it exists; the caller frees it. */
	char *(*resolve)(void *data, const char *path);
	/* The whole of a regular file; -EINVAL: something else is there. */
	int (*read)(void *data, const char *path, struct buf *ret);
	/* The names of the regular files of a directory. */
	int (*list)(void *data, const char *dir, struct strv *ret);
};
extern const struct policy_files policy_disk;

struct policy_dirs {
	const char *main;    /* *.policy, and what they include */
	const char *runtime; /* the same; a file here hides one of the same name in main. NULL: none */
	const char *compat;  /* files of services, for !compat-4.0. NULL: none */
};

/*
 * Reads all rules. A directory that is not there is empty. 0, or a negative errno with err, whose text is
 * "PATH:LINE: TEXT" (6.3) or what is wrong with a file; then ret holds only the list of files. The caller
 * releases ret in any case.
 */
int policy_load(struct policy *ret, const struct policy_dirs *dirs, const struct policy_files *from, struct err *err);

/* ---- evaluating ---- */

/* A qube as the policy sees it. Everything is borrowed. */
struct policy_qube {
	const char *name; /* "dom0" */
	const char *uuid; /* without "uuid:"; NULL: unknown */
	const char *class;
	const struct strv *tags;
	const char *default_dispvm; /* NULL: none */
	bool dispvm_template; /* disposables may be made from it */
	bool running;
	bool internal;
};

struct policy_world {
	void *data;
	/* The i-th qube; false behind the last. */
	bool (*at)(void *data, size_t i, struct policy_qube *ret);
	/* By name, or by "uuid:" and its uuid; false: there is none. */
	bool (*find)(void *data, const char *name, struct policy_qube *ret);
};

struct policy_call {
	const char *source;
	const char *service;
	const char *arg;    /* without the '+' */
	const char *target; /* as the caller named it; "" stands for @default */
};

struct policy_answer {
	enum policy_action action;
	const struct policy_rule *rule; /* the one that decided, borrowed from the policy; NULL: none did */
	char *requested;      /* the target as it was understood */
	char *target;         /* of allow: a qube, or "@dispvm:NAME" for a disposable that is to be made of NAME */
	struct strv choices;  /* of ask: possible targets, sorted */
	char *default_choice; /* of ask: one of them, or NULL */
	char *why;            /* of deny */
};

void policy_answer_release(struct policy_answer *a);
#define CLEANUP_POLICY_ANSWER CLEANUP(policy_answer_release)

/* What the policy says. The caller releases ret. */
void policy_check(const struct policy *p, const struct policy_world *w, const struct policy_call *c,
		  struct policy_answer *ret);
/* Somebody was asked and said allow with this target, or NULL for deny: turns an ask into an allow or a deny. */
void policy_resolve(const struct policy_world *w, const struct policy_call *c, struct policy_answer *a,
		    const char *target);
