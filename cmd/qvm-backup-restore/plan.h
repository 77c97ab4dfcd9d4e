/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What will become of each qube of a backup (backup-policy-clock 3.4). */
#pragma once

#include "archive/qubesxml.h"
#include "cli/tool.h"

enum problem {
	PROBLEM_EXCLUDED = 1,
	PROBLEM_EXISTS = 2,   /* a qube of its name is there */
	PROBLEM_TEMPLATE = 4, /* neither here nor in the backup */
	PROBLEM_NETVM = 8,
	PROBLEM_USER = 16,    /* dom0's home is another user's */
	PROBLEM_DONE = 32,    /* --continue: it is there already */
};

/* How far the restore of a qube is. */
enum stage {
	STAGE_PLANNED,
	STAGE_MADE,   /* it exists, and is not whole */
	STAGE_FAILED,
	STAGE_WHOLE,
};

struct entry {
	const struct backup_qube *qube; /* borrowed */
	char *name;         /* its new one */
	char *template;     /* its new one; NULL: none */
	bool is_home;       /* dom0: its home */
	bool drop_netvm;    /* it gets the default */
	bool resume;        /* an interrupted restore has made it */
	unsigned problems;  /* of enum problem; none: it is restored */
	/* While it is restored: */
	enum stage stage;
	bool made;          /* it exists because of us */
	char *why;          /* of STAGE_FAILED: the first reason */
	struct strv volumes; /* those whose data are kept */
	size_t files;       /* of it that are whole */
};

struct plan {
	struct entry *v; /* in the order of qubes.xml, dom0 last */
	size_t n;
};

/* What the command line says of the plan. */
struct plan_rules {
	struct strv only, exclude; /* names in the backup */
	bool verify_only;          /* nothing is compared with this system */
	bool ignore_missing, rename_conflicting, skip_dom0_home, ignore_username, resume;
	const char *backup_id;     /* borrowed */
};
void plan_rules_release(struct plan_rules *p);
#define CLEANUP_PLAN_RULES CLEANUP(plan_rules_release)

/* Prints errors; an exit status. */
int plan_make(struct ctx *c, struct plan *ret, const struct backup_qubes *all, const struct plan_rules *rules);
void plan_release(struct plan *p);
/* The entry of the qube that has that name in the backup; NULL when there is none. Borrowed. */
struct entry *plan_find(const struct plan *p, const char *name);
/* The name that a qube of the backup has here: its new one when it is restored. Borrowed. */
const char *plan_name(const struct plan *p, const char *name);
