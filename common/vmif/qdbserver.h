/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's side of QubesDB without sockets (vm-interface 3.3): a database, and for each connection a peer that
 * takes bytes and gives bytes. Peers are hostile: what they can make us keep is bounded.
 */
#pragma once

#include "base/buf.h"
#include "vmif/qubesdb.h"

#define QDB_BYTES_MAX ((size_t)16 * 1024 * 1024) /* of all entries and what we need for them; peers get no more */
#define QDB_WATCHES_MAX 1024             /* of one peer */
#define QDB_OUT_ENOUGH 65536             /* of one peer's output: its next request waits until less is left */

struct qdb;
struct qdb_peer;

struct qdb_hooks {
	void *data;
	/* A peer got something to send outside of its own qdb_peer_feed(): an event. No peer may be freed here. */
	void (*wake)(void *data, struct qdb_peer *p);
	/* A peer has written or removed; a final "/" stands for all below. Not called for qdb_put and qdb_remove. */
	void (*changed)(void *data, const char *path);
};

struct qdb *qdb_new(const struct qdb_hooks *hooks);
/* Its peers have to be gone. NULL is accepted. */
void qdb_free(struct qdb *db);

/* The owner's own writing and removing, with the events of any other. -EINVAL: no such path or value can be. */
int qdb_put(struct qdb *db, const char *path, const void *value, size_t len);
/* With a final "/" all below. -ENOENT: nothing was there. */
int qdb_remove(struct qdb *db, const char *path);
/* NULL when absent; borrowed until the next change; a NUL behind *ret_len bytes. */
const char *qdb_get(const struct qdb *db, const char *path, size_t *ret_len);
/* Copies of all entries below a directory ("/a/"), by their logical names, sorted. More than max: -EOVERFLOW. */
int qdb_below(const struct qdb *db, const char *dir, size_t max, struct key_values *ret);

/* read_only: the peer came over the socket that only reads. user is the owner's, see qdb_peer_user. */
struct qdb_peer *qdb_peer_new(struct qdb *db, bool read_only, void *user);
void qdb_peer_free(struct qdb_peer *p);
void *qdb_peer_user(const struct qdb_peer *p);

/*
 * Takes n bytes (0: go on with what is there, after output has left) and answers into the peer's output. A peer whose
 * output is QDB_OUT_ENOUGH or more has to be brought below that first, and fed no more until then. 0, or -EPROTO: send
 * what is in the output and close.
 */
int qdb_peer_feed(struct qdb_peer *p, const char *data, size_t n);
/* What is to be sent; the owner takes off what has left (buf_consume), then calls qdb_peer_feed(p, NULL, 0). */
struct buf *qdb_peer_out(struct qdb_peer *p);
/* Requests or parts of replies wait for the output to become shorter. */
bool qdb_peer_waits(const struct qdb_peer *p);
