/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a qube writes of its memory and devices: lines "KEY=VALUE" of any bytes, and the whole as a value. */
#include "base/chars.h"
#include "base/mem.h"
#include "vmif/meminfo.h"
#include "vmif/published.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s)
{
	if (!s)
		return;
	if (!*s || strlen(s) > PUBLISHED_TEXT_MAX)
		abort();
	for (; *s; s++)
		if (*s < 0x20 || *s >= 0x7f)
			abort();
}

static void check(const struct published_list *l, const char *port_set)
{
	if (l->n > PUBLISHED_MAX)
		abort();
	for (size_t i = 0; i < l->n; i++) {
		const struct published *p = &l->v[i];

		if (!chars_all(p->port, port_set))
			abort();
		check_text(p->port);
		check_text(p->serial);
		check_text(p->name);
		check_text(p->parent);
		check_text(p->parent_interface);
		check_text(p->vendor);
		check_text(p->product);
		check_text(p->interfaces);
		check_text(p->connected_to);
		if (p->interfaces && strlen(p->interfaces) % 7)
			abort();
	}
}

static void add_line(struct key_values *l, const char *root, const char *line, size_t n)
{
	const char *eq = memchr(line, '=', n);
	CLEANUP_FREE char *name = xstrndup(line, eq ? (size_t)(eq - line) : n);
	CLEANUP_FREE char *key = xasprintf("%s/%s", root, name);

	key_values_add(l, key, eq ? eq + 1 : "", eq ? n - (size_t)(eq + 1 - line) : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *value = xmemdup0(data, size);
	uint64_t kib;

	if (meminfo_parse(value, size, &kib) == 0 && kib > UINT64_C(1) << 51)
		abort();
	for (int gen = 0; gen < VMIF_GENS; gen++) {
		CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;
		CLEANUP_PUBLISHED struct published_list block = {0}, usb = {0};

		for (size_t at = 0, n; at < size; at += n + 1) {
			const char *end = memchr(value + at, '\n', size - at);

			n = end ? (size_t)(end - value) - at : size - at;
			add_line(&l, "qubes-block-devices", value + at, n);
			add_line(&l, "qubes-usb-devices", value + at, n);
		}
		key_values_settle(&l);
		published_block(&l, (enum vmif_gen)gen, &block);
		published_usb(&l, (enum vmif_gen)gen, &usb);
		check(&block, "a-z0-9-");
		check(&usb, "0-9.-");
	}
	return 0;
}
