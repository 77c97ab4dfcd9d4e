/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the mutators of model.c write through: one function per kind of change, none of which fails; a
 * failure is kept and comes out of store_commit. Not for other modules. */
#pragma once

#include "qvmd/qvmd.h"

/* A turn's transaction is open: something changed that is not synced yet. */
bool store_is_dirty(const struct sys *s);

void store_vm_add(struct vm *v);
void store_vm_drop(struct vm *v);
void store_vm_notes(struct vm *v);

enum store_kv { STORE_PROP, STORE_FEATURE, STORE_KV_COUNT };
/* value NULL deletes. */
void store_vm_kv(struct vm *v, enum store_kv kind, const char *key, const char *value);
void store_vm_tag(struct vm *v, const char *tag, bool on);
void store_global(struct sys *s, const char *key, const char *value); /* value NULL deletes */
void store_label(struct sys *s, int64_t index, const char *name, const char *color);
void store_label_drop(struct sys *s, const char *name);
void store_pool(const struct pool *p);
void store_pool_drop(const struct pool *p);
struct volume;
struct revision;
void store_volume(const struct volume *v); /* all but its revisions */
void store_revision(const struct volume *v, const struct revision *r);
void store_revision_drop(const struct volume *v, const char *name);
void store_firewall(struct vm *v, const char *rules); /* lines as admin.vm.firewall.Get has them */
void store_kernel(struct sys *s, const char *version);
struct devuse;
/* Adds it, or changes the mode of the one with the same class and name. */
void store_assignment(struct vm *v, const struct devuse *u);
void store_assignment_drop(struct vm *v, const struct devuse *u);
void store_lab_device(struct vm *v, const char *entry); /* device_lab.c */
/* True when a disposable with this id was there less than a week ago. */
bool store_dispid_is_recent(struct sys *s, int64_t dispid);

/* What each version of the schema adds to the one before it; a store of an older one gets what it lacks.
 * (store_schema.c) */
#define STORE_VERSION 4
extern const char *const store_schema[STORE_VERSION];

/* store.c, for store_load.c. */
struct sqlite3;
struct sqlite3 *store_db(const struct sys *s);
/* Reads all tables into memory. What exists already under the same uuid keeps its place in memory, and
 * with it its power state and those who wait for it. (store_load.c) */
int store_load(struct sys *s, struct err *err);
/* Gives what an older qvmd wrote what it did not know of, once it is read into memory. (store_complete.c) */
int store_complete(struct sys *s, struct err *err);

/* seed.c and the loader: dom0, and a qube that is in no index yet. */
void vm_add_dom0(struct sys *s);
struct vm *vm_new(struct sys *s, enum class class, const char *name, int64_t qid, int64_t dispid);
/* firewall.c, for the store and the model: rules as the store has them (-EINVAL when they are none); waits for the end
 * of the first of them; forgets them. */
int firewall_load(struct vm *v, const char *text);
void firewall_watch(struct vm *v);
void firewall_clear(struct vm *v);
/* model.c, for the store while it loads: a pool behind the others. */
struct pool *pool_append(struct sys *s, int64_t id, const char *name, const char *driver);
/* The same: puts a qube into the indexes; empties or frees what there is. */
void model_insert(struct sys *s, struct vm *v);
void model_forget(struct sys *s, struct vm *v);
void vm_clear(struct vm *v);
void vm_free(struct vm *v);
void sys_clear(struct sys *s); /* all but the qubes */
void sys_free(struct sys *s);
