/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-device from the inside: what qubes said, devices named on the line, one function for each command. */
#pragma once

#include "cli/select.h"
#include "cli/tool.h"
#include "model/device.h"

enum which { AVAILABLE, ATTACHED, ASSIGNED, WHICH_COUNT };

/* One reply, read. */
struct devices {
	struct device *v; /* in the order received */
	size_t n;
	bool asked;
};

/* What a qube said. */
struct said {
	struct devices of[WHICH_COUNT];
	struct call call[WHICH_COUNT]; /* result and err */
};

struct world {
	struct ctx *c;
	const char *class;
	struct qubes all;
	struct said *said; /* said[i] is about all.v[i] */
};

/* ---- world.c ---- */

/* Lists the qubes. Prints errors itself; returns an exit status. */
int world_list(struct world *w);
/* Takes a list that was fetched otherwise. */
void world_take(struct world *w, struct qubes *all);
void world_close(struct world *w);
size_t world_index(const struct world *w, const struct qube *q);

/* Marks a question to be asked by the next world_ask(); one that was asked is not asked again. */
void world_want(struct world *w, size_t qube, enum which which);
/* Asks all that is wanted, in flight together. Results, failures included, stand in said[].call. */
void world_ask(struct world *w);
/* Asks one thing; NULL after a failure, which is printed, *ret_status then being the exit status. */
const struct devices *world_get(struct world *w, size_t qube, enum which which, int *ret_status);
/* Prints why a question was not answered; returns an exit status. */
int world_failed(struct world *w, size_t qube, enum which which);
/* The device in a port, or NULL. */
const struct device *devices_port(const struct devices *l, const char *backend, const char *port);
/* The call admin.vm.device.CLASS.VERB on a qube. Prints errors; returns an exit status. */
int world_call(struct world *w, const char *qube, const char *verb, const struct device_ref *ref,
	       const char *payload);

/* ---- target.c ---- */

/* A device named on the command line (tools-runtime 7.1). */
struct target {
	struct device_ref ref; /* the id as typed, or that of the device in the port, or the unknown one */
	bool id_typed;
	size_t backend;        /* index in world.all */
	const struct device *found; /* what is in the port, when it is what was named; or NULL */
};

void target_release(struct target *t);
#define CLEANUP_TARGET CLEANUP(target_release)
/* Prints errors itself; returns an exit status. */
int target_read(struct world *w, const char *text, struct target *ret);
int target_not_exposed(struct world *w, const struct target *t);
/* The one qube of the positional VMNAME. */
int target_qube(struct world *w, size_t *ret);

/* -o and --ro as options of a payload (tools-runtime 7.5). */
int options_read(struct world *w, struct device_props *ret);
/* The payload of Attach and Assign; the caller frees it. */
char *payload(const struct world *w, const struct device_ref *ref, const char *mode, const char *qube,
	      const struct device_props *options);
/* The rule of the client that assigning a device of this class would break (admin-api 3.4): its text, which the caller
 * frees, or NULL. */
char *assign_refusal(const char *class, bool required);
/* "k=v, k2=v2" of the options in a line's properties, with sep between them; "" without any. The caller frees it. */
char *options_text(const struct device_props *p, const char *sep);

/* ---- the commands ---- */

int list_classes(struct ctx *c);
int list_devices(struct world *w);
int fail_no_class(struct world *w); /* "Failed to list ..." */
int attach_device(struct world *w);
int detach_devices(struct world *w);
int assign_device(struct world *w);
int unassign_devices(struct world *w);
int show_device(struct world *w);
