/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory and errors that qubes tell of. */
#include "qvmd/heard.h"

#include <unistd.h>

#include "base/escape.h"
#include "qvmd/server.h"
#include "vmif/meminfo.h"

/* A qube uses no more than this machine has (vm-interface 5.1). */
static int64_t capped(uint64_t kib)
{
	uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)(sysconf(_SC_PAGESIZE) / 1024);

	return (int64_t)(kib < all ? kib : all);
}

void heard_memory(struct vm *v, const char *value, size_t len)
{
	uint64_t kib;

	v->used_kib = value && meminfo_parse(value, len, &kib) == 0 ? capped(kib) : -1;
}

void heard_swap(struct vm *v, const char *value, size_t len)
{
	uint64_t kib;

	/* one number, not the six lines */
	if (value && len <= 20 && meminfo_parse(value, len, &kib) == 0)
		v->swap_kib = capped(kib);
	else
		v->swap_kib = -1;
}

void heard_firewall_error(struct vm *v, const char *value, size_t len)
{
	CLEANUP_BUF struct buf text = BUF_INIT;

	term_escape(&text, value ? value : "", len, false);
	if (text.len)
		log_line(v->sys, "%s: the firewall could not be set up: %s", v->name, buf_str(&text));
}
