/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program that stands in for the person at the screen: policy.Ask and policy.Notify (vm-interface 8.2). */
#pragma once

#include "qvmd/policy.h"

/* Why source cannot ask a person now, or NULL. */
const char *policy_agent_refuses(struct sys *s, const char *source);
/* Tells of a decision; the answer is not waited for. Nothing when there is no agent, or too much to tell. */
void policy_agent_notify(struct sys *s, const struct policy_call *c, const struct policy_answer *a);
/* Asks. choice is NULL for deny, borrowed; with ended the daemon ends and there is none. */
void policy_agent_ask(struct sys *s, const struct policy_call *c, const struct policy_answer *a,
		      void (*done)(void *data, const char *choice, bool ended), void *data);
