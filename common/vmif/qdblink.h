/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's connection to a server of QubesDB: bytes to messages that may be, events put aside. For qdbclient.c. */
#pragma once

#include "vmif/qubesdb.h"

struct qdb_link {
	int fd;             /* nonblocking; -1: none */
	struct buf in;
	size_t at;          /* what of in is used up */
	struct strv events; /* logical names */
	size_t events_at;   /* the first that was not handed out */
};

void qdb_link_release(struct qdb_link *l);
/* Takes over a connected descriptor in place of the one there was. */
void qdb_link_use(struct qdb_link *l, int fd);
/* Waits where it has to. */
int qdb_link_send(struct qdb_link *l, const struct buf *b, struct err *err);
/* Takes what is there. 1: something, 0: nothing at present. */
int qdb_link_fill(struct qdb_link *l, struct err *err);
/* The next message that is no event, from what was taken. 1: there is one, *ret_data (borrowed until the next fill)
 * belongs to it; 0: it is not whole yet. -EPROTO: what came can be no message to a client. */
int qdb_link_next(struct qdb_link *l, struct qdb_msg *ret, const char **ret_data, struct err *err);
/* The same, but waits for it: 0. */
int qdb_link_receive(struct qdb_link *l, struct qdb_msg *ret, const char **ret_data, struct err *err);
/* An event that was put aside: 1 and its logical name (caller frees), or 0. */
int qdb_link_event(struct qdb_link *l, char **ret_key);
/* -EPROTO with its text. */
int qdb_broken(struct err *err);
