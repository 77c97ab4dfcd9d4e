/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections: how the dispatcher and the events reach their peers. Not for handlers. */
#pragma once

#include "qvmd/qvmd.h"

struct conn;

int server_start(struct sys *s, struct err *err);
/* Closes the socket, removes it, and drops every connection. */
void server_stop(struct sys *s);

/* Serves another connection, fd, from the qube with that uuid. The beginning of its request is known: head, which is
 * taken over. 0; -EMFILE when the qube has too many, and then both stay with the caller. */
int server_adopt(struct sys *s, int fd, const char *source, struct buf *head);

/* What was fired so far is true whatever becomes of the changes to come. Nothing, while some are under way. */
void server_stand(struct sys *s);
/* Commits what this turn has changed so far. What a call of the life cycle does cannot be taken back, so it may
 * not rest on a change that could still fail. False: memory was lost, nothing can be served. Qubes that were
 * found before may be gone. */
bool server_settle(struct sys *s);
/* Memory was lost: the loop has been told to stop. */
bool server_is_broken(const struct sys *s);

/* Takes the reply, head and body (either may be NULL with length 0), and closes the connection behind it. It
 * leaves at once, or, when something changed in this turn of the loop, after the turn's commit. */
void conn_reply(struct conn *c, const void *head, size_t head_len, const void *body, size_t body_len);
/* Closes without a byte. */
void conn_refuse(struct conn *c);
/* The rest of a payload that has no limit: another descriptor of the connection, blocking, which the caller closes.
 * -1 when none could be had. */
int conn_input(struct conn *c);
/* A request that outlives its handler; freed with the connection. */
void conn_keep(struct conn *c, struct req *r);
struct req *conn_kept(const struct conn *c);
void conn_unkeep(struct conn *c);

/* The connection is a stream of events from now on: it ends only when its peer or the daemon does. The first of
 * them comes even when the turn's changes fail. */
void conn_stream(struct conn *c, const void *first, size_t len);
/* Adds to a stream; it leaves at the turn's end, or before the next reply. */
void conn_stream_add(struct conn *c, const void *data, size_t len);

/* events.c: makes the connection of r a stream, with connection-established first. stats is NULL for events; else
 * the stream has no events but what stats.c adds. r is answered by this. */
struct stats;
void hub_add(struct req *r, struct stats *stats);
/* stats.c */
void stats_free(struct stats *st);

/* events.c: a stream's connection is gone. */
void hub_forget(struct sys *s, const struct conn *c);
void hub_free(struct sys *s);

/* dispatch.c: what has come of a request, NUL behind, is enough to run it: its payload is read by its handler. */
bool dispatch_is_ready(const char *data, size_t len);
/* dispatch.c: frees what req_hold made. */
void req_free(struct req *r);
/* A line to --log. */
void log_line(struct sys *s, const char *fmt, ...) PRINTF(2, 3);
