/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices on the wire: call arguments and key='value' properties (admin-api 8.4, 8.6). */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

struct device_props {
	struct strv keys;
	struct strv values; /* values.v[i] goes with keys.v[i] */
};

void device_props_release(struct device_props *p);
#define CLEANUP_DEVICE_PROPS CLEANUP(device_props_release)
/* Reads key='value' words; -EBADMSG with err when text is none. */
int device_props_parse(struct device_props *ret, const char *text, struct err *err);
/* NULL when absent. Borrowed. */
const char *device_props_get(const struct device_props *p, const char *key);

/* Adds key='value', with a blank before it unless b is empty. */
void device_prop_add(struct buf *b, const char *key, const char *value);
/* The argument BACKEND+PORT+ID of device calls, escaped; the caller frees it. "*" is any port or id. */
char *device_arg(const char *backend, const char *port, const char *id);
