/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What else a tool attends to while its calls are in flight. */
#include <poll.h>

#include "admin/call.h"

#define PROGRESS_MS 200

void call_progress(struct admin *a, uint64_t sent)
{
	void (*f)(void *data, uint64_t sent) = STEAL(a->on_progress);

	if (f)
		f(a->on_progress_data, sent);
	a->on_progress = f;
}

int call_patience(const struct admin *a, int timeout_ms)
{
	return a->on_progress && (timeout_ms < 0 || timeout_ms > PROGRESS_MS) ? PROGRESS_MS : timeout_ms;
}

size_t call_watch(const struct admin *a, struct pollfd *pfd)
{
	for (size_t i = 0; i < a->n_watches; i++)
		pfd[i] = (struct pollfd){.fd = a->watches[i].fd, .events = POLLIN};
	return a->n_watches;
}

void call_watched(struct admin *a, const struct pollfd *pfd)
{
	struct admin_watch *w = a->watches;
	size_t n = a->n_watches;

	a->n_watches = 0;
	for (size_t i = 0; i < n; i++)
		if (pfd[i].fd >= 0 && pfd[i].revents)
			w[i].ready(&w[i]);
	a->n_watches = n;
}
