/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device properties of any bytes: what is read and written again is read the same. And device arguments. */
#include "base/mem.h"
#include "model/device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_props(const struct device_props *p)
{
	CLEANUP_DEVICE_PROPS struct device_props again = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (p->keys.n != p->values.n)
		abort();
	for (size_t i = 0; i < p->keys.n; i++) {
		if (!device_props_get(p, p->keys.v[i]))
			abort();
		device_prop_add(&b, p->keys.v[i], p->values.v[i]);
	}
	if (device_props_parse(&again, buf_str(&b), &err) < 0 || again.keys.n != p->keys.n)
		abort();
	for (size_t i = 0; i < p->keys.n; i++)
		if (!streq(p->keys.v[i], again.keys.v[i]) || !streq(p->values.v[i], again.values.v[i]))
			abort();
}

/* Neither of the characters that qrexec does not let through is left of port and id. */
static void check_arg(const char *text)
{
	CLEANUP_FREE char *arg = device_arg("work", text, text);

	if (!skip_prefix(arg, "work+") || strpbrk(arg, ":*"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = xmemdup0(data, size);
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_DEVICE_PROPS struct device_props p = {0};

	check_arg(text);
	if (device_props_parse(&p, text, &err) == 0)
		check_props(&p);
	return 0;
}
