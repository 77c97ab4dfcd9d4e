/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services that dom0 has for qubes of the lab: programs of lib/qvm-tools/qubes-rpc that run beside the daemon, as its
 * user, with the caller's descriptors. Only those of a list can be called, whatever a policy says.
 */
#pragma once

#include "qvmd/qvmd.h"

struct dom0rpc;

/* status is that of a shell. Called once, from the loop; what was started is gone by then. */
typedef void dom0rpc_fn(void *data, int status);

/* Starts NAME+ARGUMENT for the qube; fds (its stdin, stdout and stderr) are borrowed. NULL: there is no such service,
 * or it cannot be started. */
struct dom0rpc *dom0rpc_start(struct sys *s, const struct vm *caller, const char *service, const int fds[3],
			      dom0rpc_fn *done, void *data);
/* Nobody waits for it any more: it is ended, with all that it has started. NULL accepted. */
void dom0rpc_end(struct dom0rpc *d);
