/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What server.c (the socket, the turns of the loop) and conn.c (its connections) share. Not for others. */
#pragma once

#include "qvmd/backlog.h"
#include "qvmd/server.h"

enum conn_state {
	CONN_READ,   /* the request is not whole yet */
	CONN_BUSY,   /* it is being served */
	CONN_HELD,   /* the reply waits for the turn's commit */
	CONN_WRITE,  /* the rest of the reply waits for the peer */
	CONN_STREAM,
};

struct conn {
	struct sys *sys;
	struct conn *prev, *next;
	int fd;
	char source[37];   /* uuid of the qube that calls, "": dom0 */
	enum conn_state state;
	bool in_loop;      /* poll is initialised */
	bool pending;      /* a stream that is in server.streams */
	bool unread;       /* its request was run before the end of the payload */
	struct buf in, out;
	size_t out_done;   /* bytes of out that have left */
	uint64_t deadline; /* when we wait for the peer: for how long (loop time); streams wait for ever */
	struct backlog backlog; /* of a stream */
	struct req *kept;
	uv_poll_t poll;
};

struct conns {
	struct conn **v;
	size_t n, cap;
};

struct server {
	int fd;
	bool paused;
	bool broken;       /* memory was lost: nobody is served any more */
	unsigned n_conns;
	struct conn *first;
	struct conns held, streams; /* to be looked after when the turn ends */
	struct chunk *latest; /* what was added to a stream last: most get the same */
	uv_poll_t listener;
	uv_timer_t retry;
	uv_timer_t idle;   /* until the first deadline */
	uv_prepare_t prepare;
	uv_check_t check;
	char scratch[FRAME_REQUEST_MAX + 2]; /* one byte to see too much, one for a NUL */
};

/* conn.c */

/* Takes what is there; runs the request when its end was seen. The connection may be freed by this. */
void conn_read(struct conn *c);
/* Brings the rest of a reply out and then closes and frees. */
void conn_finish(struct conn *c);
/* Closes at once, whatever is under way. */
void conn_free(struct conn *c);
/* Sends what was added to streams in this turn. */
void streams_flush(struct server *sv);

/* server.c: accepts anew when it had stopped, because a connection has gone. */
void server_listen_again(struct server *sv);
