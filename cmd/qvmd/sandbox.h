/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bwrap power driver: each qube that runs has a bubblewrap sandbox with an agent in it (cmd/agent). Where this
 * machine does not let us, the null driver stays: qubes have states and nothing runs.
 */
#pragma once

#include "qvmd/qvmd.h"
#include "vmif/call.h"

/* Finds out, by starting one, whether sandboxes work, unless the null driver is wanted. 0, with the reason in *ret_why
 * (NULL when they do, or are not wanted), which the caller frees; negative errno with err when they have to. */
int sandbox_open(struct sys *s, char **ret_why, struct err *err);
/* Qubes of this daemon are real. */
bool sandbox_is_real(const struct sys *s);

/* Starts it on the working copy of its private volume. power_sandbox_ready or power_sandbox_gone follow, in later
 * turns of the loop. 0, or negative errno with err. */
int sandbox_start(struct vm *v, struct err *err);
/* There is one, ready or not. */
bool sandbox_exists(const struct vm *v);
/* Its agent listens. */
bool sandbox_is_ready(const struct vm *v);
/* To its agent. 0 or negative errno; -ENOTCONN when it is not ready. */
int sandbox_send(struct vm *v, const struct call_msg *m, const int *fds, size_t n_fds);
/* The same for a message without anything beside its kind. */
void sandbox_tell(struct vm *v, enum call_kind kind);
/* Ends it at once; power_sandbox_gone follows. */
void sandbox_kill(struct vm *v);
/* Ends it, and nothing follows: the qube is off without it, or is about to be freed. */
void sandbox_drop(struct vm *v);
/* The daemon ends, all were dropped: waits until they are gone. */
void sandbox_close(struct sys *s);
