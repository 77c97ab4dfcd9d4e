/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of qvm-vmconfig share: the keys of a qube, where they are, and how they are shown. */
#pragma once

#include "base/buf.h"
#include "cli/record.h"
#include "vmif/channel.h"

/* What the options say. */
struct settings {
	enum vmif_gen gen;
	bool use[KEY_STORES]; /* the stores to look at */
	bool live;            /* check: only keys that hold what is true now */
	bool chosen;          /* --channel was given: all that is there is of interest, ours or not */
};

/* STATUS_OK, or the usage error of an environment variable. */
int settings_read(struct ctx *c, struct settings *ret);
/* The part of a store in which keys of the generation can be: a prefix of their names. */
const char *settings_prefix(const struct settings *s, enum key_store store);
/* The row of a key that is found in a store; NULL when none is meant for it. */
const struct key_def *def_of(const struct settings *s, enum key_store store, const char *key);

/* ---- the running qube that the positional VMNAME names ---- */

struct qube_keys {
	char *name;
	int64_t domid;
};

void qube_keys_release(struct qube_keys *q);
#define CLEANUP_QUBE_KEYS CLEANUP(qube_keys_release)
/* One call. Prints the error itself, also that of a qube that does not run; returns an exit status. */
int find_qube(struct ctx *c, struct qube_keys *ret);
/* Opens the channel to a store. 0 or negative errno with err. */
int open_keys(const struct qube_keys *q, enum key_store store, struct channel **ret, struct err *err);

/* ---- showing ---- */

/*
 * A value on one line for people: newlines, backslashes, other control characters and what is no UTF-8 as \n, \\
 * and \xHH.
 */
void shown_value(struct buf *b, const char *value, size_t len);

/* A key with its value, and what the table of keys says of it. */
struct shown_key {
	const char *key;
	const char *value; /* NULL: the key is gone */
	size_t len;
	enum key_store store;
	const struct key_def *def; /* NULL: not known */
};

/* Who writes it, for people: "dom0", "qube", "-". */
const char *writer_of(const struct key_def *def);
/* The record of a key, as an element or as the document. */
void put_key(struct json *j, const struct shown_key *k);

/* ---- commands ---- */

int list_run(struct ctx *c, const struct settings *s);
int get_run(struct ctx *c, const struct settings *s);
int set_run(struct ctx *c, const struct settings *s);
int unset_run(struct ctx *c, const struct settings *s);
int watch_run(struct ctx *c, const struct settings *s);
int check_run(struct ctx *c, const struct settings *s);
