/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixtures of any bytes, on a store in memory: refused with a place in the file, or a system that is whole. */
#include <fnmatch.h>
#include <stdio.h>

#include "base/mem.h"
#include "lib/inmem.h"
#include "model/qubes.h"
#include "qvmd/property.h"
#include "qvmd/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Hundreds of rounds teach no more than some do. */
static bool is_slow(const char *p, size_t n)
{
	int digits = 0;

	if (!memmem(p, n, "repeat", 6))
		return false;
	for (size_t i = 0; i < n; i++) {
		digits = p[i] >= '0' && p[i] <= '9' ? digits + 1 : 0;
		if (digits > 2)
			return true;
	}
	return false;
}

static void check(struct sys *s)
{
	CLEANUP_QUBES struct qubes q = {0};
	size_t len = 0;
	CLEANUP_FREE char *list = inmem_ask(s, "dom0", "admin.vm.List", NULL, &len);

	if (!list || qubes_parse(&q, list, len, NULL) < 0 || q.n != s->n_vms)
		abort();
	for (size_t i = 0; i < s->n_vms; i++) {
		CLEANUP_PROPS struct props p = {0};
		CLEANUP_FREE char *all = inmem_ask(s, s->vms[i]->name, "admin.vm.property.GetAll", NULL, &len);

		if (!all || props_parse(&p, all, len, NULL) < 0)
			abort();
		for (size_t k = 0; k < p.n; k++)
			if (p.v[k].type == PROP_VM && *p.v[k].value && !qubes_find(&q, p.v[k].value))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ERR struct err e = ERR_INIT;
	struct sys s = {0};

	if (is_slow((const char *)data, size) || size == 0)
		return -1;
	if (inmem_open(&s, (const char *)data, size, &e) == 0) {
		inmem_turn_end(&s);
		check(&s);
		/* What was stored can be read. */
		if (store_load(&s, &e) < 0)
			abort();
		check(&s);
	} else if (!e.text || fnmatch("*:[0-9]*:[0-9]*: ?*", e.text, 0) != 0) {
		fprintf(stderr, "error without a place: %s\n", e.text ? e.text : "(none)");
		abort();
	}
	inmem_close(&s);
	return 0;
}
