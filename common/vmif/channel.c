/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all channels have in common: waiting. */
#include "vmif/channel.h"

#include <errno.h>
#include <poll.h>

#include "os/io.h"

#define PATIENCE_MS 10000 /* silence of a server that owes an answer */

/* 1: readable, 0: time is over. */
static int readable(const struct channel *c, int timeout_ms, struct err *err)
{
	struct pollfd p = { .fd = c->ops->fd(c), .events = POLLIN };
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	return r < 0 ? err_set(err, -errno, "", "cannot wait for %s: %s", key_store_names[c->ops->store],
			       strerror(errno)) : r;
}

int channel_dump(struct channel *c, const char *prefix, struct key_values *ret, struct err *err)
{
	int r = c->ops->dump_begin(c, prefix, err);

	while (r == 0) {
		r = c->ops->dump_step(c, ret, err);
		if (r > 0)
			return 0;
		if (r == 0)
			r = readable(c, PATIENCE_MS, err);
		if (r == 0)
			return err_set(err, -ETIMEDOUT, "", "%s does not answer", key_store_names[c->ops->store]);
		r = r > 0 ? 0 : r;
	}
	return r;
}

int channel_wait(struct channel *c, char **ret_key, int timeout_ms, struct err *err)
{
	uint64_t end = timeout_ms < 0 ? 0 : now_ns() / 1000000 + (uint64_t)timeout_ms;

	for (;;) {
		int r = c->ops->event(c, ret_key, err);
		uint64_t now = now_ns() / 1000000;

		if (r != 0)
			return r;
		if (timeout_ms >= 0 && now >= end)
			return 0;
		r = readable(c, timeout_ms < 0 ? -1 : (int)(end - now), err);
		if (r < 0)
			return r;
	}
}

void channel_close(struct channel *c)
{
	if (c)
		c->ops->close(c);
}
