/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices on the wire: names, call arguments, key='value' properties and lines (admin-api 8.2-8.6). */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/* The id of a device nobody knows, and the interface that goes with it (admin-api 8.2). */
#define DEVICE_UNKNOWN_ID "0000:0000::?******"
#define INTERFACE_UNKNOWN "?******"
#define INTERFACE_LEN 7

/* ---- properties ---- */

struct device_props {
	struct strv keys;
	struct strv values; /* values.v[i] goes with keys.v[i] */
};

void device_props_release(struct device_props *p);
#define CLEANUP_DEVICE_PROPS CLEANUP(device_props_release)
/* Reads key='value' words; -EBADMSG with err when text is none. */
int device_props_parse(struct device_props *ret, const char *text, struct err *err);
/* The characters of admin-api 8.6: -EINVAL with the server's text when a key or a value has others. */
int device_props_check(const struct device_props *p, struct err *err);
/* NULL when absent. Borrowed. */
const char *device_props_get(const struct device_props *p, const char *key);
/* Sets key to value: a key that is there keeps its place. */
void device_props_put(struct device_props *p, const char *key, const char *value);

/* Adds key='value', with a blank before it unless b is empty. */
void device_prop_add(struct buf *b, const char *key, const char *value);

/* ---- names ---- */

/* Which device: port and id may be "*", any. */
struct device_ref {
	char *backend;
	char *port;
	char *id;
};

void device_ref_release(struct device_ref *r);
#define CLEANUP_DEVICE_REF CLEANUP(device_ref_release)
struct device_ref device_ref_new(const char *backend, const char *port, const char *id); /* copies */
/* Equal, part by part. */
bool device_ref_eq(const struct device_ref *a, const struct device_ref *b);
/* Matching of admin-api 8.2: same backend, each other part equal or "*" in the pattern. */
bool device_ref_matches(const struct device_ref *pattern, const struct device_ref *device);
/* How closely it names a device: 3 port and id, 2 port only, 1 id only, 0 neither (admin-api 8.2). */
int device_ref_rank(const struct device_ref *r);
/* BACKEND:PORT:ID of messages and events; the caller frees it. */
char *device_ref_text(const struct device_ref *r);

/* Reads it as people write it, BACKEND:PORT[:ID]; "_" is any, as is an id left out (tools-runtime 7.1). -EINVAL without
 * backend or port. */
int device_ref_parse(struct device_ref *ret, const char *text);

/* The argument BACKEND+PORT+ID of device calls, escaped; the caller frees it. "*" is any port or id. */
char *device_arg(const char *backend, const char *port, const char *id);
/* Reads it (admin-api 8.4). -EINVAL with err when there is no backend or port. */
int device_arg_parse(struct device_ref *ret, const char *arg, struct err *err);

/* ---- lines of Available, Attached and Assigned ---- */

/* What a reader has to know of the line that it reads. */
struct device_context {
	const char *class;
	const char *backend; /* of Available; NULL: the line begins with BACKEND+ */
};

/* One line: its head, and all its properties in the order received. */
struct device {
	struct device_ref ref;
	struct device_props props;
};

void device_release(struct device *d);
#define CLEANUP_DEVICE CLEANUP(device_release)
struct device device_copy(const struct device *d);
/*
 * Reads a line. -EBADMSG with err when it is none, or when its properties speak of another device than its head, or
 * when its interfaces are no codes; ret->ref then names the device if the head could be read (else its parts are NULL).
 */
int device_line_parse(struct device *ret, const struct device_context *c, const char *line, struct err *err);
/* The property, "" for one that is not there or "unknown". Borrowed. */
const char *device_text(const struct device *d, const char *key);
/* -EBADMSG with the server's text when properties that name a device disagree with ref (admin-api 8.6). A part of ref
 * that is "*" agrees with any. */
int device_props_agree(const struct device_props *p, const struct device_ref *ref, const char *class,
		       struct err *err);

/* ---- interfaces (admin-api 8.8) ---- */

/* -EINVAL with the server's text unless codes are as long as codes are. */
int interfaces_check(const char *codes, struct err *err);
/* True when the code at pattern, character by character, is code or '*'. */
bool interface_is_denied(const char *code, const char *pattern);
/* The first of the codes that one of the denied ones hits, or NULL; points into codes. */
const char *interfaces_denied(const char *codes, const char *denied);
