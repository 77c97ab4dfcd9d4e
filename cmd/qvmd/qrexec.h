/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of services: from dom0, at the socket beside that of the Admin API, and from qubes, at the socket that the
 * agent of each has handed over and that says who calls. The data of a service does not come here (vmif/call.h).
 */
#pragma once

#include "qvmd/qvmd.h"

/* dom0's socket. 0, or negative errno with err. */
int qrexec_open(struct sys *s, struct err *err);
/* Every call ends. To be followed by a turn of the loop. */
void qrexec_close(struct sys *s);

/* The path of dom0's socket, for threads that call; NULL: nothing runs in qubes. Lives as long as the daemon. */
const char *qrexec_socket(const struct sys *s);

/* ---- for the driver (sandbox.c, power.c) ---- */

/* Serves the clients of a qube from now on; takes over fd, at which its agent listens. */
void qrexec_listen(struct vm *v, int fd);
/* What the agent says of a call that it was sent. */
void qrexec_begun(struct vm *v, uint32_t id);
void qrexec_ended(struct vm *v, uint32_t id, int status);
/* Its sandbox is ready: calls that waited for that go on. */
void qrexec_up(struct vm *v);
/* It is off: all its calls end, those that it made as well. */
void qrexec_down(struct vm *v);
