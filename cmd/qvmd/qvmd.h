/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The embedded daemon from the inside: the system in memory, one table of methods, events, and the
 * store that keeps every change. Memory is the truth while the daemon runs; each mutator below writes
 * the same change to the store, in the transaction of the present turn of the loop (store.c).
 */
#pragma once

#include <stdio.h>
#include <uv.h>

#include "admin/frame.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "model/firewall.h"
#include "model/propval.h"
#include "vmif/keys.h"

/* ---- the system ---- */

enum class {
	CLASS_ADMIN, CLASS_APP, CLASS_DISP, CLASS_REMOTE, CLASS_STANDALONE, CLASS_TEMPLATE, CLASS_COUNT
};
extern const char *const class_names[CLASS_COUNT];
/* -1 when there is no such class. */
int class_from_name(const char *name);

enum power {
	POWER_HALTED, POWER_TRANSIENT, POWER_RUNNING, POWER_PAUSED, POWER_SUSPENDED,
	POWER_HALTING, POWER_DYING, POWER_CRASHED, POWER_COUNT
};
extern const char *const power_names[POWER_COUNT];

/* Key and value, kept in order of first setting (features) or sorted by key (properties). */
struct kv {
	char *key;
	char *value;
};
struct kvs {
	struct kv *v;
	size_t n;
	size_t cap;
};
const char *kvs_get(const struct kvs *k, const char *key); /* NULL when absent; borrowed */
/* Replaces the value of key, or adds both (copies) at the end or, sorted, at their place. */
void kvs_put(struct kvs *k, const char *key, const char *value, bool sorted);
bool kvs_del(struct kvs *k, const char *key); /* false: was not there */
void kvs_release(struct kvs *k);

struct sys;

struct label {
	int64_t index;
	char *name;
	char *color; /* 0xrrggbb */
};

struct pool {
	struct sys *sys;
	int64_t id;
	char *name;
	char *driver;
	struct kvs config; /* sorted; without name and driver */
};

struct volume;  /* storage.h */

struct vm {
	struct sys *sys;
	char *name;
	enum class class;
	int64_t qid;
	char uuid[37];
	int64_t dispid;     /* DispVM only */
	struct kvs props;     /* set explicitly, canonical text, sorted; label too (by name) */
	struct kvs features;  /* in order of first setting */
	struct strv tags;     /* sorted */
	char *notes;          /* NULL: none */
	struct fw_rules *firewall; /* NULL: never set */
	struct volume *volumes; /* VOLUME_COUNT of them; NULL: this class has none */

	/* of the present run; never stored */
	enum power power;
	bool asleep;          /* suspended with the whole machine (internal.SuspendPre) */
	int64_t xid;          /* -1 while halted */
	int64_t stubdom_xid;  /* -1 */
	char start_time[32];  /* "" while halted */
	uint64_t started_ns;  /* monotonic */
	uv_timer_t *timer;    /* a transition under way (power.c) */
	int console;          /* the master side of its terminal (lifecycle.c); 0: none yet */
	int64_t used_kib, swap_kib; /* what it tells of its memory (heard.c); -1: nothing */
	bool published;       /* its keys are in the stores (publish.c) */
	struct waiter *waiters; /* requests to be answered when a transition ends (lifecycle.c) */
	struct sandbox *sandbox; /* what runs of it (sandbox.c); NULL: nothing */
	struct listener *calls; /* where its programs call services (qrexec.c); NULL: not yet */
	struct vm_devices *devices; /* assigned (stored), attached and offered ones (device.h); NULL: none yet */
};

/* What runs in qubes: sandboxes where they work, or have to; or nothing (sandbox.h). */
enum power_driver { POWER_BY_AUTO, POWER_BY_BWRAP, POWER_BY_NULL };

struct options {
	const char *state_dir;
	const char *socket_path;
	const char *fixture;
	const char *log_path;
	const char *profile_dir; /* of backup profiles */
	bool foreground;
	bool debug;        /* fill the traceback field */
	int compat;        /* 0 next (default), 42, 43: admin-api 1.8 */
	uint64_t start_delay_ms, stop_delay_ms; /* null power driver */
	unsigned max_connections;
	unsigned idle_timeout; /* seconds that a request may take to come, or a reply to be taken on; 0: no limit */
	unsigned scrypt_logn;  /* work factor of backups; 0: the archive's default */
	size_t max_backlog;    /* bytes that a subscriber may leave unread */
	enum vmif_gen vmif; /* the generation of keys that qubes get */
	const char *qubesdb_dir; /* sockets of QubesDB */
	const char *xenstore;    /* socket of xenstored, or NULL: there is no XenStore */
	const char *localtime;   /* where dom0's time zone is told */
	const char *policy_dir;   /* what qubes may call (policy.h); NULL: nobody asks */
	const char *policy_agent; /* program that decides for a person, or NULL: deny */
	enum power_driver power;
	int parent_fd;     /* -1; else a pipe: its end means that the parent died, and the daemon goes */
};

struct sys {
	struct options opt;
	uv_loop_t *loop;
	struct store *store;
	struct vm **vms;    /* sorted by name; dom0 among them */
	struct vm **by_uuid; /* the same qubes, sorted by uuid; n_vms of them */
	size_t n_vms, cap_vms;
	unsigned char *qids; /* qids[q] is 1 when taken; n_qids of them (model.c) */
	size_t n_qids;
	struct vm *dom0;
	struct label *labels; /* by index */
	size_t n_labels, cap_labels;
	struct pool **pools;  /* order of adding */
	size_t n_pools, cap_pools;
	struct kvs globals;   /* global properties set explicitly, sorted */
	struct strv kernels;  /* installed kernel versions, sorted */
	uv_timer_t *expiry;   /* until the first firewall rule is over (firewall.c) */
	int64_t expiry_at;    /* when that timer ends, in ms since 1970; 0: it does not run */
	struct storage *storage; /* files of volumes (volume.c) */
	struct run *backups;  /* those under way (backup.c) */
	struct jobs *jobs;    /* what runs beside the loop (job.c) */
	struct asides *asides; /* and what nobody waits for (aside.c) */
	struct hub *hub;      /* subscribers (events.c) */
	int64_t next_xid;
	struct server *server; /* connections (server.c) */
	bool real;             /* qubes have sandboxes (sandbox.c) */
	unsigned n_children;   /* processes that the loop has to see the end of (sandbox.c, dom0rpc.c) */
	struct qrexec *qrexec; /* calls of services (qrexec.c) */
	struct publisher *publisher; /* keys of qubes (publish.c) */
	struct zone_watch *zone_watch; /* vmif.c */
	struct policy_state *policy; /* policy.c; NULL: there is none */
	struct talk *talks;    /* what --policy-agent is asked and told (policy_agent.c) */
	FILE *log;             /* --log, or NULL */
};

struct vm *vm_find(struct sys *s, const char *name);      /* NULL when absent */
struct vm *vm_find_uuid(struct sys *s, const char *uuid); /* 36 characters */
const struct label *label_find(const struct sys *s, const char *name);
struct pool *pool_find(struct sys *s, const char *name);

/* ---- mutators: memory and store together, no checks, no events (model.c) ---- */

/* Adds a qube with lowest free qid >= 1, random uuid (and dispid); label must exist. Never fails. A name of
 * NULL is for disposables: disp<dispid>. */
struct vm *vm_add(struct sys *s, enum class class, const char *name, const char *label);
/* Removes it from memory and store and frees it. */
void vm_drop(struct vm *v);
void vm_prop_put(struct vm *v, const char *prop, const char *value);
void vm_prop_del(struct vm *v, const char *prop);
void vm_feature_put(struct vm *v, const char *feature, const char *value);
bool vm_feature_del(struct vm *v, const char *feature); /* false: was not set */
bool vm_tag_put(struct vm *v, const char *tag);         /* false: was set already */
bool vm_tag_del(struct vm *v, const char *tag);         /* false: was not set */
void vm_notes_put(struct vm *v, const char *notes);     /* NULL or "" deletes */
void global_put(struct sys *s, const char *prop, const char *value);
void global_del(struct sys *s, const char *prop);
void label_put(struct sys *s, int64_t index, const char *name, const char *color);
void label_drop(struct sys *s, const char *name);
/* A new pool, or another configuration of the one of this name. */
void pool_put(struct sys *s, const char *name, const char *driver, const struct kvs *config);
void pool_drop(struct pool *p); /* no volume may lie in it */
/* An installed kernel version (kept sorted); one that is there already changes nothing. */
void kernel_put(struct sys *s, const char *version);
/* Fills an empty store with what admin-api 10.1-10.3 lists: labels, pools, dom0. Done before any fixture. */
void sys_seed(struct sys *s);

/* ---- store (store.c): SQLite, WAL, synchronous=FULL ---- */

int store_open(struct sys *s, struct err *err);  /* loads everything into memory; locks the directory */
void store_close(struct sys *s);
bool store_is_new(const struct sys *s);           /* nothing was in it: a fixture is to be loaded */
/* Begins the turn's transaction when none is open; every mutator calls it. */
void store_touch(struct sys *s);
/* Commits and syncs the turn's transaction (called by the server before any held reply leaves). On failure
 * memory is loaded again from the store and every held reply becomes an exception with err's text. */
int store_commit(struct sys *s, struct err *err);

/* ---- fixture (fixture.c): YAML; called on the empty system of sys_seed(), and only on a new store ---- */
int fixture_load(struct sys *s, const char *name_or_path, struct err *err);

/* ---- requests ---- */

enum dest_rule { DEST_DOM0, DEST_NOT_DOM0, DEST_ANY };
enum part_rule { PART_NONE, PART_NEEDED, PART_OPTIONAL };
enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE };

struct req;

struct method {
	const char *name;    /* whole name; a star stands for one word: admin.vm.Create.* */
	const char *versions; /* column V of admin-api chapter 2: "S23N"; '-' where a generation lacks it */
	enum dest_rule dest;
	enum part_rule arg;
	enum part_rule payload;
	enum access access;
	void (*handle)(struct req *r);
	/* Not NULL: the payload has no limit, and the handler reads most of it (conn_input). It is run when the end of
	 * the payload's head has come, one of these characters; with "" there is no head. */
	const char *head_end;
};
#define METHOD_END {0}

/* A request while it is served. A handler answers with exactly one of req_ok*, req_fail, req_event..., or
 * keeps r (req_hold) and answers later from the loop. */
struct req {
	struct sys *sys;
	const struct method *method;
	const char *suffix; /* what stands for "*" in the method's name, or "" */
	const char *arg;    /* "" when absent */
	const char *payload; /* NUL behind payload_len bytes */
	size_t payload_len;
	struct vm *source;
	struct vm *dest;
	struct conn *conn;  /* conn.c */
	bool answered, held;
};

void req_ok(struct req *r, const char *text);                   /* body = text; "" for empty */
void req_ok_buf(struct req *r, const struct buf *b);
/* EXCEPTION (or an empty reply, when compat says so for ProtocolError and PermissionDenied families).
 * The quotes of admin-api 3.2 are added here. */
void req_fail(struct req *r, const char *type, const char *fmt, ...) PRINTF(3, 4);
void req_fail_err(struct req *r, const struct err *e);
/* Nothing at all, which is what a failure inside of upstream's daemon looks like (admin-api 1.8). */
void req_refuse(struct req *r);
/* "no such method" for a suffix that names nothing. */
void req_no_method(struct req *r);
/* Keeps the request past the handler's return: a copy that lives until it is answered. */
struct req *req_hold(struct req *r);

/* Tables, one per subject; the dispatcher knows them all (dispatch.c). */
extern const struct method methods_list[];      /* 2.2, internal.GetSystemInfo: query.c */
extern const struct method methods_lifecycle[]; /* 2.3: lifecycle.c */
extern const struct method methods_create[];    /* 2.4: create.c */
extern const struct method methods_property[];  /* 2.5: property.c */
extern const struct method methods_feature[];   /* 2.6: feature.c */
extern const struct method methods_tag[];       /* 2.7: tag.c (tags and notes) */
extern const struct method methods_label[];     /* 2.8: label.c */
extern const struct method methods_events[];    /* 2.14 admin.Events: events.c */
extern const struct method methods_notify[];    /* 2.16 sleep of the machine, update counts: notify.c */
extern const struct method methods_stats[];     /* 2.14 admin.vm.Stats: stats.c */
extern const struct method methods_device[];    /* 2.11: device.c */
extern const struct method methods_denied[];    /* 2.11: device_denied.c */
extern const struct method methods_lab[];       /* of this daemon alone: device_lab.c */
extern const struct method methods_firewall[];  /* 2.12: firewall.c */
extern const struct method methods_pool[];      /* 2.9: pool.c */
extern const struct method methods_volume[];    /* 2.10, 2.15: volume_call.c */
extern const struct method methods_import[];    /* 2.10, 2.15 Import: import.c */
extern const struct method methods_clone[];     /* 2.10, 2.15 Clone, Clear: clone.c */
extern const struct method methods_backup[];    /* 2.13: backup.c */
extern const struct method methods_policy[];    /* 12: policy_call.c */
extern const struct method *const all_methods[]; /* NULL-terminated */

/* Decodes, checks (1.2, 1.3, 1.7) and runs one request; answers it unless it is held. */
void dispatch(struct sys *s, struct conn *c, char *data, size_t len);

/* ---- events (events.c) ---- */

/* Sends to every subscriber of the system, and of subject when it is not NULL. Key, value..., NULL. */
void fire(struct sys *s, const struct vm *subject, const char *event, ...) __attribute__((sentinel));

/* ---- properties (property.c and its tables), for use by other modules ---- */

/* The value as Get shows it, default included; "" for none. The caller frees. *ret_default may be NULL. */
char *prop_get(struct vm *v, const char *prop, bool *ret_default);
bool prop_get_bool(struct vm *v, const char *prop);
int64_t prop_get_int(struct vm *v, const char *prop, int64_t unset);
/* The qube a property names, or NULL. */
struct vm *prop_get_vm(struct vm *v, const char *prop);
char *global_get(struct sys *s, const char *prop, bool *ret_default);
struct vm *global_get_vm(struct sys *s, const char *prop);
bool vm_has_prop(const struct vm *v, const char *prop);
/* The whole of property.Set with checks, events and side effects, as another call's part. 0, or -EINVAL with
 * err. */
int prop_set(struct vm *v, const char *prop, const char *value, struct err *err);
int prop_reset(struct vm *v, const char *prop, struct err *err);
/* Fires property-reset:<prop> with the name only (a computed default changed). */
void prop_changed(struct vm *v, const char *prop);
/* True when a global property, or a property that another qube has set, names v, as 2.4 Remove counts them. */
bool vm_is_referenced(struct vm *v);

/* ---- features (feature.c), for use by other modules ---- */

const char *feature_get(const struct vm *v, const char *feature); /* own; NULL when absent */
const char *feature_check_template(struct vm *v, const char *feature); /* own, template, its template */
/* Set / Remove with events and reactions but without the caller's permission checks. */
int feature_set(struct vm *v, const char *feature, const char *value, struct err *err);
void feature_remove(struct vm *v, const char *feature);
/* Tags with their events. */
void tag_add(struct vm *v, const char *tag);
void tag_remove(struct vm *v, const char *tag);

/* ---- firewall (firewall.c) ---- */

/* The rules of a qube: what was set, or the one rule of admin-api 9.4. Those whose time is over may still be among
 * them. Borrowed until the next change. */
const struct fw_rules *firewall_rules(const struct vm *v);
/* Memory and store; takes over what rules holds, which is empty afterwards. No event. */
void firewall_put(struct vm *v, struct fw_rules *rules);
/* The rules of a disposable's template (admin-api 4.6). No event. */
void firewall_copy(struct vm *v, const struct vm *from);
/* Every change, every reload and every expiry comes through here, after memory and store have it. */
void firewall_changed(struct vm *v);
/* From here on rules vanish when their time is over, those of the past at once. Until firewall_stop. */
void firewall_start(struct sys *s);
void firewall_stop(struct sys *s);

/* ---- creating and removing (create.c), life cycle (lifecycle.c) ---- */

/* Events of a removal, and the removal; used by Remove and for disposables after shutdown. */
void vm_remove(struct vm *v);
/* When the daemon begins: disposables of an earlier run that clean up after themselves go, as at their shutdown. */
void disposables_forget(struct sys *s);
bool vm_is_running(const struct vm *v); /* not Halted */
/* Sends the daemon's end: halts nothing, answers nobody. */
void lifecycle_forget(struct vm *v); /* before v is freed: timers and waiters go */
