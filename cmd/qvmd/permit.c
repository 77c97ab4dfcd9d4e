/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may call a service: dom0, and no qube. */
#include "qvmd/permit.h"

void permit_ask(struct sys *s, const struct permit_call *c, permit_fn *done, void *data)
{
	const struct permit p = { c->target, c->user };

	done(data, c->source == s->dom0 ? &p : NULL);
}
