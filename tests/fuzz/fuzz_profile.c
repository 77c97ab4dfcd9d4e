/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backup profiles of any bytes: what is read is written and read again the same; selectors of any text. */
#include "base/escape.h"
#include "base/mem.h"
#include "model/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const char *a, const char *b)
{
	if (!a != !b || (a && !streq(a, b)))
		abort();
}

static void same_list(const struct strv *a, const struct strv *b)
{
	if (a->n != b->n)
		abort();
	for (size_t i = 0; i < a->n; i++)
		same(a->v[i], b->v[i]);
}

static void check_again(const struct profile *p)
{
	CLEANUP_PROFILE struct profile again = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;

	profile_print(&b, p);
	if (profile_parse(&again, "x", buf_str(&b), b.len, &err) < 0)
		abort();
	if (again.include_all != p->include_all || again.compressed != p->compressed)
		abort();
	if (!p->include_all)
		same_list(&again.include, &p->include);
	same_list(&again.exclude, &p->exclude);
	same(again.destination_vm, p->destination_vm);
	same(again.destination_path, p->destination_path);
	same(again.filter, p->filter);
	same(again.passphrase_vm, p->passphrase_vm);
	if (p->passphrase_text && *p->passphrase_text)
		same(again.passphrase_text, p->passphrase_text);
}

static void check_selectors(const struct profile *p)
{
	CLEANUP_STRV struct strv tags = STRV_INIT;

	strv_add(&tags, "x");
	for (size_t i = 0; i < p->include.n; i++)
		if (profile_selects(p->include.v[i], "work", "AppVM", &tags) && streq(p->include.v[i], "@tag:"))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_PROFILE struct profile p = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	if (profile_parse(&p, "profile", (const char *)data, size, &err) < 0) {
		if (!err.text || !err.type)
			abort();
		return 0;
	}
	check_again(&p);
	check_selectors(&p);
	return 0;
}
