/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new qube with the settings and data of another (tools-config 11.1). */
#pragma once

#include "cli/tool.h"

struct clone {
	const char *source;
	const char *name;        /* of the new qube */
	const char *class;       /* NULL: that of the source */
	const char *pools;       /* as in the create call: "" or " pool=P" or " pool:V=P pool:V=P" */
	const char *skip_volume; /* a volume whose data is not copied, or NULL */
	bool ignore_errors;      /* settings that cannot be copied are only logged */
};

/*
 * Creates the qube and copies everything. Logs as it goes. When a step fails (a setting: unless
 * ignore_errors), the new qube is removed again; -errno with err.
 */
int clone_qube(struct ctx *c, const struct clone *clone, struct err *err);
/* "name=N label=L" and pools, for Create and CreateInPool; the caller frees it. */
char *create_payload(const char *name, const char *label, const char *pools);
/* Names which would add fields to that payload. -EINVAL with err. */
int create_check_name(const char *what, const char *name, struct err *err);
/* The pools that options --pool VOLUME=POOL and -P POOL name, as struct clone has them; the caller frees *ret.
 * Prints errors; exit status. */
int create_pools(struct ctx *c, char **ret);
/* The method that creates a qube of a class, in given pools or not; the caller frees it. */
char *create_method(const char *class, const char *pools);

/* ---- steps, for clone.c ---- */

/* qvm-appmenus of the new qube, when there is such a program. 0, or -errno with err. */
int clone_appmenus(struct ctx *c, const struct clone *clone, struct err *err);
/* Data of the volumes that are kept when the qube stops. */
int clone_volumes(struct ctx *c, const struct clone *clone, struct err *err);
/* Device assignments. */
int clone_devices(struct ctx *c, const struct clone *clone, struct err *err);
