/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which qubes a command is about: names, globs, --all, --exclude, --where (tools-config 1.3). */
#pragma once

#include "cli/tool.h"

struct selection {
	struct qubes all;          /* everything admin.vm.List said */
	const struct qube **v;     /* the chosen ones, in the order to act on them; borrowed from all */
	size_t n;
	struct qube named;         /* what v[0] points to when a plain name was given */
	char *name;                /* what it borrows */
	bool many; /* chosen by --all or --where in a tool that takes one: lines get the name in front */
};

void selection_release(struct selection *s);
#define CLEANUP_SELECTION CLEANUP(selection_release)

/* admin.vm.List. Prints the error itself; returns an exit status. */
int list_qubes(struct ctx *c, struct qubes *ret);

/*
 * For tools with TOOL_QUBES: resolves positional `pos`, --all, --exclude, --where. Prints errors itself
 * and returns an exit status (STATUS_OK: go on). With nothing given: "one of the arguments --all VMNAME
 * is required".
 */
int select_qubes(struct ctx *c, const char *pos, struct selection *ret);

/*
 * For tools with TOOL_QUBE: the one qube of positional `pos` (a pattern must match exactly one), or the
 * ones of --where / --all. When the name is plain, no call is made: all.n is 0, v[0]->name is set and
 * class and state are "" (a missing qube is learned from the reply: see qube_error()).
 */
int select_qube(struct ctx *c, const char *pos, struct selection *ret);

/* The one qube of a list that a name or a pattern stands for. Prints errors itself; returns an exit status. */
int select_one(struct ctx *c, const struct qubes *all, const char *name, const struct qube **ret);

/* One qube by position `pos`, name or pattern, that admin.vm.List has. Prints errors; exit status. */
int select_listed(struct ctx *c, const char *pos, struct selection *ret);

/* Narrows to those that match every --where KEY=GLOB (design: name class state label template netvm tag
 * feature:NAME, != negates). Keys of the list cost nothing; others one call for each qube still in question, in flight
 * together. Keys that hold no '=' are a usage error. */
int select_where(struct ctx *c, struct selection *s);

/* The usage error `no such domain: 'X'`; returns STATUS_USAGE. */
int no_such_qube(struct ctx *c, const char *name);
/* True when the error itself says that the very qube called is not there. */
bool qube_is_missing(const struct err *e, const char *qube);
/* True when it is not there; over qrexec a refusal looks the same, and the list of qubes is asked for. */
bool qube_is_gone(struct ctx *c, const struct err *e, const char *qube);
/* Turns QubesVMNotFoundError of a call about a named qube into the usage error `no such domain: 'X'`
 * (exit 2), QubesVMNotFoundError about others and all else into fail_err. Returns the exit status. */
int qube_error(struct ctx *c, const struct err *e, const char *qube, const char *method);
