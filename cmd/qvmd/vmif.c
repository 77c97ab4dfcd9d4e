/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of qubes in the real world: which stores there are, and dom0's time zone. */
#include <errno.h>

#include "base/mem.h"
#include "qvmd/publish.h"
#include "qvmd/server.h"
#include "vmif/derive.h"

struct zone_watch {
	uv_fs_event_t handle;
	struct sys *sys;
};

static void look(struct sys *s)
{
	CLEANUP_FREE char *zone = zone_of(s->opt.localtime);

	publish_zone(s, zone);
}

static void on_change(uv_fs_event_t *h, const char *file, int events, int status)
{
	struct sys *s = ((struct zone_watch *)h->data)->sys;
	const char *name = strrchr(s->opt.localtime, '/') + 1; /* the path is absolute */

	if (status == 0 && (!file || streq(file, name)))
		look(s);
}

static void watch_closed(uv_handle_t *h)
{
	free(h->data);
}

/* The link is replaced, not written: its directory tells. */
static void watch(struct sys *s)
{
	struct zone_watch *w = xcalloc(1, sizeof *w);
	size_t n = (size_t)(strrchr(s->opt.localtime, '/') - s->opt.localtime);
	CLEANUP_FREE char *dir = n ? xstrndup(s->opt.localtime, n) : xstrdup("/");

	w->sys = s;
	w->handle.data = w;
	s->zone_watch = w;
	uv_fs_event_init(s->loop, &w->handle);
	if (uv_fs_event_start(&w->handle, on_change, dir, 0) < 0)
		log_line(s, "cannot watch '%s' for changes of the time zone", s->opt.localtime);
}

/* The qubes do without one that is not there. */
static void add_xenstore(struct sys *s)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	struct key_sink *sink = xenstore_sink(s, &err);

	if (sink)
		publish_add_sink(s, sink);
	else
		log_line(s, "there is no XenStore: %s", err.text);
}

int vmif_open(struct sys *s, struct err *err)
{
	struct key_sink *qubesdb = NULL;

	publish_open(s);
	/* Release 2 has XenStore only. */
	if (s->opt.vmif != VMIF_R2) {
		qubesdb = qubesdb_sink(s, err);
		if (!qubesdb)
			return -EIO;
		publish_add_sink(s, qubesdb);
	}
	if (s->opt.xenstore)
		add_xenstore(s);
	look(s);
	watch(s);
	publish_running(s);
	return 0;
}

void vmif_close(struct sys *s)
{
	publish_close(s);
	if (s->zone_watch)
		uv_close((uv_handle_t *)&STEAL(s->zone_watch)->handle, watch_closed);
}
