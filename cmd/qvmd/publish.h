/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of qubes that run, from the system into the stores (vm-interface 4). What a key says is common/vmif/derive;
 * here is when it is written, and where: each store is a sink.
 */
#pragma once

#include "qvmd/qvmd.h"
#include "vmif/keys.h"

/* ---- for those who change the system ---- */

/* The end of a start's preparations, before the qube is unpaused: its keys, and those of its netvm. */
void publish_start(struct vm *v);
/* It runs: what waited for that. */
void publish_up(struct vm *v);
/* It has stopped: its keys go. v->xid is still what it was. */
void publish_stop(struct vm *v);

/* A property or feature ("property" or "feature", and its name) of v is about to change, v NULL: of the system. What
 * follows is written when the turn of the loop ends and its changes are saved. */
void publish_note(struct sys *s, struct vm *v, const char *what, const char *name);
/* The netvm of a running qube was set; old is the name of the former one, or NULL. */
void publish_netvm(struct vm *v, const char *old);
/* The firewall rules of v have changed. */
void publish_firewall(struct vm *v);
/* Writes what was noted. */
void publish_flush(struct sys *s);
/* The changes could not be saved: nothing follows from them. */
void publish_forget(struct sys *s);

/* ---- begin and end: before publish_open and after publish_close the others do nothing ---- */

void publish_open(struct sys *s);
/* Qubes that run when the daemon begins. */
void publish_running(struct sys *s);
/* dom0's time zone, now and when it changes; NULL: not known. */
void publish_zone(struct sys *s, const char *zone);
/* Closes the stores: all keys go. */
void publish_close(struct sys *s);

/* vmif.c: all of it, with the stores that the options ask for. vmif_close is to be followed by a turn of the loop. */
int vmif_open(struct sys *s, struct err *err);
void vmif_close(struct sys *s);

/* A qube (or an administrator) has written into a store, not the publisher. value is NULL when the key, or with a
 * final "/" all below it, is gone; hostile, with a NUL behind len bytes. */
void publish_heard(struct vm *v, const char *key, const char *value, size_t len);

/* ---- for stores ---- */

enum key_op_kind {
	KEY_OP_CREATE,  /* v starts: room for its keys, with nothing in it */
	KEY_OP_PUT,
	KEY_OP_REMOVE,  /* one key, or with a final "/" what lies below; that nothing is there is no error */
	KEY_OP_PERMIT,  /* who may read a key, if it is there, has changed; for stores that know permissions */
	KEY_OP_DESTROY, /* v has stopped: its keys and their room go */
};

struct key_op {
	enum key_op_kind kind;
	struct vm *vm;             /* v->xid is its domain number, in DESTROY too */
	const struct key_def *def; /* of PUT and PERMIT */
	const char *key;           /* logical name */
	const char *value;         /* of PUT; NUL behind len bytes */
	size_t len;
};

/*
 * A store. It gets every CREATE and DESTROY, and of the others those whose keys live there in the present generation
 * and which it can hold (key_fits), in the order in which they have to appear.
 */
struct key_sink {
	enum key_store store;
	/* All of it in one transaction, if the store has such. Does not block for long. Negative with err: nothing of
	 * it was done; the publisher logs it and the qubes go on without. */
	int (*apply)(struct key_sink *k, const struct key_op *ops, size_t n, struct err *err);
	void (*close)(struct key_sink *k);
	struct key_sink *next;
};

/* Belongs to the publisher from now on. */
void publish_add_sink(struct sys *s, struct key_sink *k);

/* qubesdb.c: a database with its sockets for each qube that runs, and one for dom0. NULL with err. */
struct key_sink *qubesdb_sink(struct sys *s, struct err *err);

/* xenstore.c: a xenstored at the socket of the options. NULL with err. */
struct key_sink *xenstore_sink(struct sys *s, struct err *err);

/* publish_source.c: the daemon's memory as a source of keys; borrows until the system changes. */
struct key_source;
void publish_source_init(struct key_source *ret, struct sys *s, const char *zone);
