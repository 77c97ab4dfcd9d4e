/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits for a transition of a qube, and timers. */
#include "qvmd/power_wait.h"

#include "base/mem.h"

/* ---- timers ---- */

static void timer_freed(uv_handle_t *h)
{
	free(h);
}

void timer_drop(uv_timer_t **t)
{
	if (!*t)
		return;
	uv_close((uv_handle_t *)STEAL(*t), timer_freed);
}

uv_timer_t *timer_new(struct sys *s, uint64_t ms, uv_timer_cb cb, void *data)
{
	uv_timer_t *t = xcalloc(1, sizeof *t);

	uv_timer_init(s->loop, t);
	t->data = data;
	uv_timer_start(t, cb, ms, 0);
	return t;
}

struct waiter *waiter_add(struct vm *v, enum wait wait, struct req *r, const struct vm *dependent)
{
	struct waiter **at = &v->waiters;
	struct waiter *w = xcalloc(1, sizeof *w);

	while (*at)
		at = &(*at)->next;
	*w = (struct waiter){ .wait = wait, .req = r, .vm = v };
	if (dependent)
		memcpy(w->dependent, dependent->uuid, sizeof w->dependent);
	*at = w;
	return w;
}

void waiter_free(struct waiter *w)
{
	timer_drop(&w->timer);
	free(w);
}

bool somebody_waits(const struct vm *v, enum wait wait)
{
	for (const struct waiter *w = v->waiters; w; w = w->next)
		if (w->wait == wait)
			return true;
	return false;
}

struct waiter *waiters_take(struct vm *v, enum wait wait)
{
	struct waiter *taken = NULL, **to = &taken;

	for (struct waiter **at = &v->waiters; *at;) {
		if ((*at)->wait != wait) {
			at = &(*at)->next;
			continue;
		}
		*to = *at;
		*at = (*at)->next;
		to = &(*to)->next;
		*to = NULL;
	}
	return taken;
}

