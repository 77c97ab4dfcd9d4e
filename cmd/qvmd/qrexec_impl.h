/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What calls of services (qrexec.c) and the sockets of those who call (qrexec_client.c) share. */
#pragma once

#include "qvmd/qrexec.h"
#include "vmif/call.h"

enum call_state {
	CALL_READS,    /* the client has not said yet what it wants */
	CALL_RECEIVES, /* it says it */
	CALL_ASKS,     /* whether it may */
	CALL_WAITS,    /* for its target to be up */
	CALL_RUNS,
};

/* One client. */
struct call {
	struct call *prev, *next;
	struct sys *sys;
	struct listener *from;
	int sock;
	uv_poll_t poll;
	bool gone;        /* ended while it was received */
	enum call_state state;
	bool begun;       /* the agent has said so */
	bool stays;       /* the service outlives the client */
	bool starts;      /* and the target is started for it */
	bool disposable;  /* the target goes with the call */
	uint32_t id;
	char target[37];  /* uuid */
	char *service, *user;
	struct fdset fds; /* for the service: of a qube's, pipes only */
	struct dom0rpc *in_dom0; /* the service, when it runs there */
};

struct qrexec {
	struct call *first;
	struct listener *dom0;
	char *path;
	uint32_t last_id;
};

/* ---- qrexec.c ---- */

/* The client has said what it wants; takes the descriptors. */
void call_begin(struct call *c, const struct call_msg *m, struct fdset *fds);
/* Ends it, and tells the client; why may be NULL. */
void call_end(struct call *c, int status, const char *why);
/* Ends it; nobody is there who would hear of that. */
void call_abandon(struct call *c);

/* ---- qrexec_client.c ---- */

/* Serves clients of this source (a uuid) from now on; takes over fd. NULL: it cannot be watched, and is closed. */
struct listener *listener_new(struct sys *s, const char *source, int fd);
/* Ends it and the calls that were made there; NULL is none. */
void listener_free(struct listener *l);
/* The uuid of who calls there. */
const char *listener_source(const struct listener *l);
/* Closes the socket, and frees the call, of which nothing else is left. */
void client_close(struct call *c);
