/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What qubes may call: the policy of --policy-dir for this system (backup-policy-clock 6.4). Its files are read again
 * when they have changed; a policy that cannot be read allows nothing. Calls of dom0 are not its business.
 */
#pragma once

#include "model/policy.h"
#include "qvmd/qvmd.h"

/* Reads the policy. 0 also when none was asked for; else a negative errno with err. */
int policy_open(struct sys *s, struct err *err);
void policy_close(struct sys *s);
/* Without one nothing is allowed to qubes; but who may connect to the main socket may name any of them as source. */
bool policy_is_on(const struct sys *s);

/*
 * What the policy says about a call of a service, the Admin API's included. The answer is told to the program of
 * --policy-agent when its rule says notify. The caller releases ret; its rule is borrowed until the loop's next turn.
 * POLICY_ASK comes only when there is somebody to ask: by policy_ask().
 */
void policy_judge(struct sys *s, const struct policy_call *c, struct policy_answer *ret);
/*
 * Has the program of --policy-agent asked for a target. done is called once, from the loop: with what the policy says
 * now and, if that is still to ask, the answer (POLICY_ALLOW or POLICY_DENY; borrowed), or with NULL when the daemon
 * ends. c and a are borrowed for the time of this call only.
 */
void policy_ask(struct sys *s, const struct policy_call *c, const struct policy_answer *a,
		void (*done)(void *data, const struct policy_answer *a), void *data);

/* A call of the Admin API: allowed, and by dom0, which is where its services are. */
bool policy_is_admin(const struct policy_answer *a);
/* The policy lets source make this call about the qube (NULL: the system), without asking and telling anybody. For
 * parts of lists and for events. */
bool policy_lets(struct sys *s, const struct vm *source, const char *service, const char *arg, const struct vm *about);
