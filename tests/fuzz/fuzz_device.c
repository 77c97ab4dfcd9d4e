/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device properties of any bytes: what is read and written again is read the same. */
#include "base/mem.h"
#include "model/device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = xmemdup0(data, size);
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_DEVICE_PROPS struct device_props p = {0}, again = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;

	free(device_arg(text, text, text));
	if (device_props_parse(&p, text, &err) < 0)
		return 0;
	for (size_t i = 0; i < p.keys.n; i++)
		device_prop_add(&b, p.keys.v[i], p.values.v[i]);
	if (device_props_parse(&again, buf_str(&b), &err) < 0 || again.keys.n != p.keys.n)
		abort();
	for (size_t i = 0; i < p.keys.n; i++)
		if (!streq(p.keys.v[i], again.keys.v[i]) || !streq(p.values.v[i], again.values.v[i]))
			abort();
	return 0;
}
