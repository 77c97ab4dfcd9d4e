/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backups (admin-api 2.13): what a profile selects, as a table for people and as a list of files for an archive. */
#pragma once

#include "archive/qubesxml.h"
#include "model/profile.h"
#include "qvmd/content.h"

/* One file of the archive. */
struct backup_item {
	char *path;             /* "vm7/private.img" */
	enum { ITEM_VOLUME, ITEM_TEXT, ITEM_HOME } kind;
	struct source source;   /* of a volume: held open, so that what happens to it later does not matter */
	char *text;             /* of a small file; or the directory that dom0's home is */
};

/* One qube that is saved. */
struct backup_vm {
	struct vm *vm;          /* gone when the turn of the loop ends; name and uuid stay */
	char *name;
	char uuid[37];
	uint64_t size;          /* estimate, bytes */
	size_t end;             /* index of the item behind its last one */
	const struct volume *exposed; /* runs on a volume of which there is no snapshot; as vm */
};

struct backup_plan {
	struct profile profile;
	struct backup_vm *vms;  /* by name, dom0 last */
	size_t n_vms, cap_vms;
	struct backup_item *items; /* once plan_open was called */
	size_t n_items, cap_items;
	struct strv others;     /* qubes that are not saved */
	uint64_t total;         /* of the estimates */
};

void plan_release(struct backup_plan *p);
#define CLEANUP_PLAN CLEANUP(plan_release)

/* Reads the profile and selects. 0, or negative errno with err. */
int plan_make(struct sys *s, const char *profile, struct backup_plan *ret, struct err *err);
/* The table of admin.backup.Info. */
void plan_print(const struct backup_plan *p, struct buf *b);
/* Opens what is to be saved, and describes the whole system. 0, or negative errno with err. */
int plan_open(struct sys *s, struct backup_plan *p, struct backup_qubes *ret, struct err *err);

/* The text of firewall.xml. The caller frees. */
char *backup_firewall(const struct fw_rules *rules);
/* What stands for the directory of a qube's user, and exists from now on. The caller frees. */
char *backup_home(const struct sys *s, const char *qube);
#define DOM0_HOME "dom0-home/user" /* what an archive calls that of dom0 */
