/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names with values. */
#include "base/pairs.h"

void pairs_release(struct pairs *p)
{
	strv_release(&p->names);
	strv_release(&p->values);
}

void pairs_add(struct pairs *p, const char *name, const char *value)
{
	strv_add(&p->names, name);
	strv_add(&p->values, value);
}

const char *pairs_get(const struct pairs *p, const char *name)
{
	for (size_t i = 0; i < p->names.n; i++)
		if (streq(p->names.v[i], name))
			return p->values.v[i];
	return NULL;
}
