/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests, replies and events of any bytes; what decodes must encode to the same again. */
#include <errno.h>

#include "admin/frame.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(const struct request *r)
{
	CLEANUP_BUF struct buf again = BUF_INIT;
	struct request r2;

	if (strchr(r->method, '+') || strchr(r->method, ' ') || r->payload[r->payload_len])
		abort();
	request_encode(&again, r->method, r->arg, r->source, r->dest, r->payload, r->payload_len);
	if (request_decode(again.data, again.len, &r2) < 0 || !streq(r2.method, r->method) || !streq(r2.arg, r->arg) ||
	    !streq(r2.source, r->source) || !streq(r2.dest, r->dest) || r2.payload_len != r->payload_len ||
	    memcmp(r2.payload, r->payload, r->payload_len) != 0)
		abort();
}

static void try_request(const char *data, size_t size)
{
	CLEANUP_FREE char *copy = xmemdup0(data, size);
	struct request r;

	if (request_decode(copy, size, &r) == 0)
		check_request(&r);
}

static void check_ok(const char *reply, size_t off)
{
	if (off != 2 || memcmp(reply, "0", 2) != 0)
		abort();
}

/* Its text, sent once more without fields, is the same. */
static void check_exception(const struct err *e)
{
	CLEANUP_BUF struct buf format = BUF_INIT, again = BUF_INIT;
	CLEANUP_ERR struct err e2 = ERR_INIT;
	size_t off = 0;

	/* Quotes that are left would be taken for those of the server. */
	if (*e->text == '\'' || *e->text == '"')
		return;
	for (const char *p = e->text; *p; p++)
		buf_addf(&format, *p == '%' ? "%%%%" : "%c", *p);
	reply_encode_exception(&again, e->type, NULL, buf_str(&format));
	if (reply_decode(again.data, again.len, &off, &e2) != -EREMOTEIO || !streq(e2.type, e->type) ||
	    !streq(e2.text, e->text))
		abort();
}

static void try_reply(const char *data, size_t size)
{
	CLEANUP_FREE char *copy = xmemdup0(data, size);
	CLEANUP_ERR struct err err = ERR_INIT;
	size_t off = 0;
	int r = reply_decode(copy, size, &off, &err);

	if (r == 0)
		check_ok(copy, off);
	else if (r == -EREMOTEIO)
		check_exception(&err);
	else if (r > 0 || !*err.text)
		abort();
}

static void check_event(const struct event *e, const char *data, size_t used)
{
	CLEANUP_BUF struct buf again = BUF_INIT;
	CLEANUP_FREE const char **kv = xcalloc(2 * e->keys.n + 1, sizeof *kv);

	if (e->keys.n != e->values.n)
		abort();
	for (size_t i = 0; i < e->keys.n; i++) {
		kv[2 * i] = e->keys.v[i];
		kv[2 * i + 1] = e->values.v[i];
		if (!event_get(e, e->keys.v[i]))
			abort();
	}
	event_encode(&again, e->subject, e->name, kv);
	if (again.len != used || memcmp(again.data, data, used) != 0)
		abort();
}

static void try_events(const char *data, size_t size)
{
	while (size) {
		CLEANUP_EVENT struct event e = {0};
		size_t used = 0;

		if (event_decode(data, size, &e, &used) <= 0)
			return;
		if (used > size)
			abort();
		check_event(&e, data, used);
		data += used;
		size -= used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_request((const char *)data, size);
	try_reply((const char *)data, size);
	try_events((const char *)data, size);
	return 0;
}
