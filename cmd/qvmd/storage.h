/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storage: pools, the volumes of qubes, and what they hold (admin-api 2.9, 2.10, 7).
 *
 * The store says what there is. Bytes lie in files below STATE/dom0, which stands for the root of dom0: the
 * content of generation N of a volume is one file with N in its name, and that file is never changed once the
 * store names it. A change writes a new file, syncs it, and then switches the volume to it in the store; files
 * that nothing names any more are removed behind the commit, and at the start of the daemon. So whatever ends
 * the daemon, a volume holds the old or the new. Numbers of generations are never used twice, by no volume.
 */
#pragma once

#include "qvmd/qvmd.h"

/* ---- kinds of pools (driver.c) ---- */

enum driver_kind { DRIVER_CALLBACK, DRIVER_FILE, DRIVER_REFLINK, DRIVER_KERNEL, DRIVER_THIN, DRIVER_ZFS };

struct driver {
	const char *name;
	enum driver_kind kind;
	const char *options;  /* as ListDrivers shows them */
	const char *required; /* a part of them */
	const char *missing;  /* why no pool of this kind can be added; NULL: it can */
	int64_t most_kept;    /* the highest revisions_to_keep */
	const char *too_many; /* the text for a higher one in a pool */
};

extern const struct driver drivers[]; /* the last has no name */
const struct driver *driver_find(const char *name); /* NULL when there is none */
/* An option is one of a list of words with blanks between. */
bool driver_has_option(const char *options, const char *option);
const struct driver *pool_driver(const struct pool *p);
/* A number of the pool's configuration. */
int64_t pool_keep(const struct pool *p);
bool pool_is_ephemeral(const struct pool *p);
/* Adds what every pool of its kind has in its configuration (admin-api 2.9.1). */
void pool_complete(struct kvs *config, const struct driver *d);
/* Where its files lie, a path in dom0. The caller frees. */
char *pool_dir(const struct pool *p);

/* ---- volumes (volume.c) ---- */

enum volume_id { VOLUME_ROOT, VOLUME_PRIVATE, VOLUME_VOLATILE, VOLUME_KERNEL, VOLUME_COUNT };
extern const char *const volume_names[VOLUME_COUNT];
/* -1 when there is no such volume. */
int volume_from_name(const char *name);

#define KEEP_AS_POOL (-2) /* of a copy, which makes no revisions anyway, until it is set */

/* What a volume holds, or one of its revisions. */
struct content {
	int64_t gen;    /* its file; 0: nothing was ever written to it, it is what a new volume of its size holds */
	uint64_t size;
	uint64_t valid; /* bytes of the file that count; behind them are zeros up to size */
};

struct revision {
	char *name;
	struct content content;
	int64_t time; /* when it was made: seconds since 1970 */
};

struct volume {
	struct vm *vm;       /* NULL: a kernel of a pool, which no qube was asked for */
	const char *version; /* of that kernel; borrowed */
	enum volume_id id;
	bool rw;
	int8_t ephemeral;    /* -1: as its pool has it */
	struct pool *pool;   /* chosen at creation; see volume_pool */
	int64_t keep;        /* see volume_keep */
	struct content now;
	struct revision *revs; /* oldest first */
	size_t n_revs, cap_revs;

	/* of the present run; never stored */
	const char *busy;    /* what a job makes of it, "an import"; NULL: nothing */
	struct content incoming; /* what somebody else imports into it (import.c); gen 0: nobody does */
	bool has_copy;       /* a working copy of it lies at volume_work_path */
	int64_t origin;      /* generation of its source that the qube was started from */
};

/* NULL when the qube has no such volume. */
struct volume *volume_find(struct vm *v, const char *name);
/* The volume with this vid in a pool; one that is a kernel of the pool and of no qube is written to *kernel. */
struct volume *volume_find_vid(struct sys *s, struct pool *p, const char *vid, struct volume *kernel);

bool volume_is_kernel(const struct volume *v);    /* a kernel of a linux-kernel pool */
bool volume_is_copy(const struct volume *v);      /* snap_on_start */
bool volume_is_persistent(const struct volume *v); /* save_on_stop */
bool volume_is_ephemeral(const struct volume *v);
bool volume_is_outdated(const struct volume *v);
/* True while its qube runs or is about to. */
bool volume_is_running(const struct volume *v);
/* The persistent volume that it is a copy of, or NULL. */
struct volume *volume_source(const struct volume *v);
struct pool *volume_pool(const struct volume *v);
/* revisions_to_keep */
int64_t volume_keep(const struct volume *v);
uint64_t volume_size(const struct volume *v);
/* admin-api 7.3; "" for a qube without kernel. The caller frees. */
char *volume_vid(const struct volume *v);
char *volume_path(const struct volume *v);
/* Where in dom0 its files lie: of a generation, and its working copy. The caller frees. */
char *volume_gen_path(const struct volume *v, int64_t gen);
char *volume_work_path(const struct volume *v);
/* A new volume's private content is a file system, every other is zeros. */
bool volume_is_formatted(const struct volume *v);
/* Bytes that its files take. */
uint64_t volume_usage(const struct volume *v);

/* ---- changes: memory and store together, no checks, no events (volume.c) ---- */

/* The volumes that a new qube of its class has; wish: volume -> pool, may be NULL. */
void volumes_create(struct vm *v, const struct kvs *wish);
/* Can they lie there? Checks what volumes_create would do. 0, or -EINVAL with err. */
int volumes_check(struct sys *s, enum class class, const struct kvs *wish, struct err *err);
/* Saves what was changed in the struct itself: pool, rw, ephemeral, keep, size. */
void volume_save(struct volume *v);
/* A number for a new file. */
int64_t volume_next_gen(struct sys *s);
/* Keeps what it holds as its latest revision, when it keeps any. NULL, or the revision's name. */
const char *volume_keep_revision(struct volume *v);
/* Gives it another content; the present one becomes a revision before. */
void volume_switch(struct volume *v, const struct content *c);
/* Its files go with the commit: the qube is about to be dropped. */
void volumes_drop(struct vm *v);

/* While the store is read: everything that is stored is forgotten; what is of the present run stays. */
void volumes_clear(struct vm *v);
void volumes_free(struct vm *v);
struct volume *volumes_alloc(struct vm *v);

/* ---- the store's commit (storage.c) ---- */

/* Makes STATE/dom0 and takes away the files that the store does not name. */
int storage_open(struct sys *s, struct err *err);
void storage_close(struct sys *s);
int storage_root(const struct sys *s); /* descriptor of STATE/dom0; -1 while there is none */
/* A word, for one use, that stands for a volume as a source; borrowed, until the next one is made. The volume of
 * such a word, or NULL. */
const char *storage_put_token(struct sys *s, const struct volume *v);
const struct volume *storage_take_token(struct sys *s, const char *token);
/* The file goes now. Takes path over. */
void storage_drop(struct sys *s, char *path);
/* The file goes when the turn's changes are saved; or when they are not. Takes path over. */
void storage_drop_later(struct sys *s, char *path);
void storage_drop_on_failure(struct sys *s, char *path);
/* store.c tells how the commit went. */
void storage_committed(struct sys *s);
void storage_rolled_back(struct sys *s);
/* store_load.c: this generation was seen in the store. */
void storage_saw(struct sys *s, int64_t gen);

/* ---- with the life of a qube (run.c) ---- */

/* It runs from now on: what its copies were made from is remembered. */
void volumes_up(struct vm *v);
/* The one of its volumes that a job works on, or NULL. */
const struct volume *volumes_busy(const struct vm *v);
/* How it went: err is NULL when it went well. Not called for a qube that is gone by then. */
typedef void volumes_fn(struct vm *v, const struct err *err);
/* Makes the working copies that the qube needs to run. 0: there is nothing to wait for; 1: done is called when they
 * are there; negative errno with err. */
int volumes_start(struct vm *v, volumes_fn *done, struct err *err);
/* It ends: its working copies are saved or go, and revisions are made. off is called before anything is changed in
 * the store, for the qube is off whether or not that can be saved; done behind it. Both may have been called at the
 * return of this. */
void volumes_stop(struct vm *v, void (*off)(struct vm *v), void (*done)(struct vm *v));
/* Its start has failed: the working copies go. */
void volumes_discard(struct vm *v);
