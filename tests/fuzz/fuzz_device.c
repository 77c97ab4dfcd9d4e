/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device properties, names, arguments and lines of any bytes: what is read and written again is read the same. */
#include "base/mem.h"
#include "model/interface.h"

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

/* A name without the signs that an argument uses up comes back as it was. */
static void names(const char *text)
{
	CLEANUP_DEVICE_REF struct device_ref ref = {0}, again = {0};
	CLEANUP_FREE char *arg = NULL;

	if (device_arg_parse(&again, text, NULL) == 0)
		free(device_ref_text(&again));
	device_ref_release(&again);
	if (device_ref_parse(&ref, text) < 0)
		return;
	if (!device_ref_eq(&ref, &ref) || !device_ref_matches(&ref, &ref) || device_ref_rank(&ref) > 3)
		abort();
	arg = device_arg(ref.backend, ref.port, ref.id);
	if (strpbrk(ref.backend, "+_*") || strchr(ref.port, '+') || strpbrk(ref.id, "+_*") || strpbrk(ref.port, "_*?"))
		return;
	if (device_arg_parse(&again, arg, NULL) < 0 || !device_ref_eq(&ref, &again))
		abort();
}

static void lines(const char *text, const char *backend)
{
	const struct device_context context = {"usb", backend};
	CLEANUP_DEVICE struct device d = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	const char *codes;

	if (device_line_parse(&d, &context, text, &err) < 0) {
		if (!err.text)
			abort();
		return;
	}
	if (!*d.ref.backend || !*d.ref.port || !*d.ref.id)
		abort();
	codes = device_text(&d, "interfaces");
	for (size_t i = 0; codes[i]; i += INTERFACE_LEN)
		interface_category(codes + i);
	interfaces_denied(codes, "u03****m******");
	free(device_description(&d, "usb"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = xmemdup0(data, size);
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_DEVICE_PROPS struct device_props p = {0};

	setenv("QVM_HWDATA_DIR", "/nowhere", 1);
	check_arg(text);
	names(text);
	lines(text, "sys-usb");
	lines(text, NULL);
	if (device_props_parse(&p, text, &err) == 0)
		check_props(&p);
	device_props_check(&p, NULL);
	return 0;
}
