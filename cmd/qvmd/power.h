/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power: states and their transitions (admin-api 5.1), with the events of 11.3. With sandboxes (sandbox.h) they
 * follow what happens to those; without, nothing runs, and how long a start and a shutdown take is set by the daemon's
 * options.
 */
#pragma once

#include "qvmd/qvmd.h"

/* False for dom0 and RemoteVM, whose power nobody switches. */
bool power_is_switched(const struct vm *v);
/* Makes it run at once and says nothing to anybody: for what is up when the daemon begins. */
void power_on(struct vm *v);
/* Starts it, its netvm first. Answers r (or nobody: NULL) when it is up or the start has failed. */
void power_start(struct vm *v, struct req *r);
/* Asks it to shut down. r is answered at once, or with wait when it is off. */
void power_shutdown(struct vm *v, struct req *r, bool wait);
/* Off, at once. r may be NULL. */
void power_kill(struct vm *v, struct req *r);
/* A start, or a shutdown that a request waits for, is under way. */
bool power_is_busy(const struct vm *v);
/* Does a start of its qube need a working copy of this volume? */
struct volume;
bool power_wants_copy(const struct volume *v);
/* Running to Paused (again, too) and back. */
void power_pause(struct vm *v);
void power_unpause(struct vm *v);

/* Has it started, or gives a qube that is up without one (which a fixture says) its sandbox, so that something can run
 * in it. qrexec_up follows, or qrexec_down. It may be gone afterwards. */
void power_wake(struct vm *v);
/* What has become of its sandbox: the agent is ready; it has ended, whoever wanted that. */
void power_sandbox_ready(struct vm *v);
void power_sandbox_gone(struct vm *v);

/* Running to Suspended (to Paused, when no agent is there to be told), and Suspended to Running. */
void power_suspend(struct vm *v);
void power_resume(struct vm *v);

/* What CurrentState and Stats tell of it; zeros while it is off. */
struct power_numbers {
	uint64_t mem_kb, max_kb;
	uint64_t cpu_ns; /* since its start */
};
struct power_numbers power_numbers(struct vm *v);
