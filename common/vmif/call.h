/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lab's qrexec: what clients, the daemon and the agents of qubes tell each other, one message of a SOCK_SEQPACKET
 * socket at a time. A service gets the descriptors of its caller, so that no data goes through the daemon.
 *
 * A client connects to the daemon's socket (that of its qube, which says who it is) and sends one CALL_RUN with three
 * descriptors. It gets CALL_BEGUN, from when on the service uses them, and CALL_EXIT; when it goes away before, its
 * service is ended. For a method of the Admin API it gets CALL_STREAM instead, with one descriptor: a connection that
 * takes the payload and gives the reply.
 *
 * An agent has a socket to the daemon. It sends CALL_READY, with the socket on which it listens for the clients of its
 * qube, and is sent CALL_RUN and the others; it answers with CALL_BEGUN and CALL_EXIT of the same id.
 */
#pragma once

#include <sys/types.h>

#include "base/attr.h"
#include "os/fdpass.h"

#define CALL_SERVICE_MAX 65000 /* vm-interface 8 */
#define CALL_NAME_MAX 255      /* of a qube, a target, a user */
#define CALL_MESSAGE_MAX (CALL_SERVICE_MAX + 1024)

/* Where a qube's clients find the daemon. */
#define CALL_QUBE_SOCKET "/run/qvm/qrexec.sock"
/* What the daemon's own socket adds to the name of that of the Admin API. */
#define CALL_SOCKET_SUFFIX ".qrexec"

/* Exit statuses of qrexec itself (vm-interface 8). */
enum { CALL_STATUS_PROBLEM = 125, CALL_STATUS_REFUSED = 126, CALL_STATUS_NO_SERVICE = 127 };

enum call_kind {
	CALL_RUN = 1,  /* name: the target (to an agent: the caller), user, service; descriptors 0, 1, 2 */
	CALL_BEGUN,
	CALL_EXIT,     /* value: status as a shell counts it; name: when it is one of qrexec, why, or "" */
	CALL_STREAM,
	CALL_READY,
	CALL_END,      /* the service of this id is to end */
	CALL_SHUTDOWN,
	CALL_PAUSE,
	CALL_RESUME,
	CALL_KINDS
};

enum { /* value of CALL_RUN */
	CALL_NO_WAIT = 1, /* the client goes once it has begun, and the service stays */
	CALL_START = 2,   /* from dom0: a target that is off is started */
};

struct call_msg {
	enum call_kind kind;
	uint32_t id;  /* between daemon and agent */
	int32_t value;
	/* Borrowed from what was decoded; never NULL. */
	const char *name, *user, *service;
};

/* 0, or -EMSGSIZE when a text is too long; -EAGAIN and the like as sendmsg. */
int call_send(int sock, const struct call_msg *m, const int *fds, size_t n_fds);
/* One message. 1; 0 at the end of the connection; negative errno, -EPROTO for one that is malformed. Its texts lie in
 * buffer, and the descriptors belong to the caller, those of a malformed one, too. */
int call_recv(int sock, char buffer[static CALL_MESSAGE_MAX], struct call_msg *ret, struct fdset *fds);
/* Checks and takes apart what a peer has sent: -EPROTO. */
int call_decode(const char *data, size_t len, struct call_msg *ret);

/* NAME or NAME+ARGUMENT of allowed characters, not too long (vm-interface 8). */
bool call_service_is_valid(const char *service);
