/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same call on several qubes, all in flight together, reported in argument order (tools-runtime 1.6). */
#pragma once

#include "cli/select.h"
#include "cli/tool.h"

/*
 * Calls method on each of the n names; for a whole selection see perqube_calls(). Element i of the result
 * belongs to names[i]; the caller frees it with calls_free(). NULL only when n is 0.
 */
struct call *each_call(struct ctx *c, const char *const *names, size_t n, const char *method, const char *arg);

/* The value of key in "key=value key=value ..."; the caller frees it; NULL when absent. */
char *word_value(const char *body, const char *key);
/*
 * power_state from a call of admin.vm.CurrentState: "NA" when access was refused or the qube is gone
 * (tools-runtime 1.7). NULL when the call failed otherwise: call->err tells. The caller frees it.
 */
char *call_state(const struct call *call);

/* Exit status that counts failures, without wrapping to 0. */
static inline int count_status(size_t failures)
{
	return failures > 255 ? 255 : (int)failures;
}
