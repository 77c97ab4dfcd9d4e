/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qubes.xml of any bytes: what is read has names that can be arguments, and is written and read again the same. And
 * firewall.xml: its rules are rules to the Admin API.
 */
#include "archive/firewallxml.h"
#include "archive/outer.h"
#include "archive/qubesxml.h"
#include "base/chars.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_names(const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (!*names->v[i] || !chars_all(names->v[i], "A-Za-z0-9._-"))
			abort();
}

static void check_qube(const struct backup_qubes *all, const struct backup_qube *q)
{
	check_names(&q->props.names);
	check_names(&q->features.names);
	check_names(&q->tags);
	if (!*q->name || backup_qubes_find(all, q->name) != q || q->included != (q->path != NULL))
		abort();
	for (size_t i = 0; i < q->n_files; i++)
		if (!outer_name_is_valid(q->files[i].name))
			abort();
	for (size_t i = 0; i < q->n_devices; i++)
		check_names(&q->devices[i].options.names);
	backup_qube_label(all, q);
}

static void check_again(const struct backup_qubes *all)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes again = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;

	if (backup_qubes_print(&b, all, &err) < 0)
		abort(); /* what XML held, it can hold */
	if (backup_qubes_parse(&again, b.data, b.len, &err) < 0 || again.n != all->n)
		abort();
	for (size_t i = 0; i < all->n; i++) {
		const struct backup_qube *x = &all->v[i], *y = &again.v[i];

		if (!streq(x->name, y->name) || !streq(x->class, y->class) || x->included != y->included ||
		    x->props.names.n != y->props.names.n || x->tags.n != y->tags.n || x->n_devices != y->n_devices ||
		    (x->included && !streq(x->path, y->path)))
			abort();
	}
}

static void check_firewall(const char *xml, size_t n)
{
	CLEANUP_FW_RULES struct fw_rules rules = {0}, again = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	size_t line;

	if (firewallxml_parse(&rules, xml, n, &err) < 0) {
		if (!err.text)
			abort();
		return;
	}
	fw_rules_print(&b, &rules, FW_CLIENT);
	if (fw_rules_parse(&again, buf_str(&b), b.len, FW_CLIENT, &line, &err) < 0 || again.n != rules.n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	check_firewall((const char *)data, size);
	if (backup_qubes_parse(&all, (const char *)data, size, &err) < 0) {
		if (!err.text)
			abort();
		return 0;
	}
	for (size_t i = 0; i < all.n; i++)
		check_qube(&all, &all.v[i]);
	check_again(&all);
	return 0;
}
