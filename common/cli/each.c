/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call per qube. */
#include "cli/each.h"

#include "admin/exc.h"
#include "base/mem.h"

struct call *each_call(struct ctx *c, const char *const *names, size_t n, const char *method, const char *arg)
{
	struct call *calls;

	if (n == 0)
		return NULL;
	calls = xcalloc(n, sizeof *calls);
	for (size_t i = 0; i < n; i++) {
		calls[i].dest = names[i];
		calls[i].method = method;
		calls[i].arg = arg;
	}
	admin_run(&c->admin, calls, n);
	return calls;
}

char *word_value(const char *body, const char *key)
{
	size_t n = strlen(key);

	while (*body) {
		size_t len = strcspn(body, " \n");

		if (len > n && strncmp(body, key, n) == 0 && body[n] == '=')
			return xstrndup(body + n + 1, len - n - 1);
		body += len;
		body += strspn(body, " \n");
	}
	return NULL;
}

char *call_state(const struct call *call)
{
	char *state;

	if (call->result < 0) {
		if (err_is_access(&call->err) || err_is(&call->err, "QubesVMNotFoundError"))
			return xstrdup("NA");
		return NULL;
	}
	state = word_value(call->body, "power_state");
	return state ? state : xstrdup("NA");
}
