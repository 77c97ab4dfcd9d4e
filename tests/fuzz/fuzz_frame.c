/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests, replies and events of any bytes; what decodes must encode to the same again. */
#include "admin/frame.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_request(const char *data, size_t size)
{
	CLEANUP_FREE char *copy = xmemdup0(data, size);
	CLEANUP_BUF struct buf again = BUF_INIT;
	struct request r, r2;

	if (request_decode(copy, size, &r) < 0)
		return;
	request_encode(&again, r.method, r.arg, r.source, r.dest, r.payload, r.payload_len);
	if (request_decode(again.data, again.len, &r2) < 0 || !streq(r2.arg, r.arg) || !streq(r2.dest, r.dest))
		abort();
}

static void try_reply(const char *data, size_t size)
{
	CLEANUP_FREE char *copy = xmemdup0(data, size);
	CLEANUP_ERR struct err err = ERR_INIT;
	size_t off = 0;

	if (reply_decode(copy, size, &off, &err) == 0 && off != 2)
		abort();
}

static void try_events(const char *data, size_t size)
{
	while (size) {
		CLEANUP_EVENT struct event e = {0};
		size_t used = 0;

		if (event_decode(data, size, &e, &used) <= 0)
			return;
		if (!used || used > size || e.keys.n != e.values.n)
			abort();
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
