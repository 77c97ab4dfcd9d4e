/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backup under way: the call, the events of its progress, and the signals that cancel it. */
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <signal.h>

#include "admin/stream.h"
#include "base/mem.h"
#include "os/io.h"
#include "qvm-backup/backup.h"

struct show {
	struct job *j;
	enum progress_kind kind;
	struct stream *events;
	struct table table;
	uint64_t start_ns;
	size_t width; /* of what the line showed last */
};

/* ---- progress ---- */

static void show_json(struct show *s, double percent, const char *qube)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "profile", json_object_new_string(s->j->name));
	json_object_object_add(o, "progress", json_object_new_double(percent));
	json_object_object_add(o, "qube", qube ? json_object_new_string(qube) : NULL);
	fprintf(s->j->c->err, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

/* "Making a backup... 42.50% work, 12.3 of 29.0 MiB, 1.2 MiB/s, 0:14 left" over what stood there. */
static void show_line(struct show *s, double percent, const char *qube)
{
	double seconds = (double)(now_ns() - s->start_ns) / 1e9, part = percent / 100;
	double mib = s->table.total / 1048576;
	CLEANUP_BUF struct buf b = BUF_INIT;

	buf_addf(&b, "Making a backup... %.2f%%", percent);
	if (qube && part > 0 && part <= 1 && seconds > 0) {
		unsigned left = (unsigned)(seconds / part - seconds);

		buf_addf(&b, " %.*s, %.1f of %.1f MiB, %.1f MiB/s, %u:%02u left", 40, qube, part * mib, mib,
			 part * mib / seconds, left / 60, left % 60);
	}
	fprintf(s->j->c->err, "\r%-*s", (int)s->width, buf_str(&b));
	s->width = b.len;
}

static void show(struct show *s, const struct event *ev)
{
	const char *profile = event_get(ev, "backup_profile"), *text = event_get(ev, "progress");
	double percent = text ? strtod(text, NULL) : 0;
	const char *qube;

	if (!streq(ev->name, "backup-progress") || !profile || !streq(profile, s->j->name) ||
	    !isfinite(percent) || percent < 0 || percent > 1e6)
		return;
	qube = table_qube_at(&s->table, percent / 100);
	if (s->kind == PROGRESS_JSON)
		show_json(s, percent, qube);
	else if (s->kind == PROGRESS_LINE)
		show_line(s, percent, qube);
	fflush(s->j->c->err);
}

/* ---- while the call is in flight ---- */

static void on_events(struct admin_watch *w)
{
	struct show *s = w->data;
	struct event ev;
	int r;

	while ((r = stream_next(s->events, 0, &ev, NULL)) > 0) {
		show(s, &ev);
		event_release(&ev);
	}
	/* A backup does not need somebody to look at it. */
	if (r < 0)
		w->fd = -1;
}

static void on_signal(struct admin_watch *w)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	struct show *s = w->data;

	if (!was_signalled(s->j))
		return;
	if (admin_call(&s->j->c->admin, &err, "dom0", "admin.backup.Cancel", s->j->name, NULL, NULL, NULL) < 0)
		say(s->j->c, "cannot cancel the backup: %s", err.text);
}

/* Nothing that happens from the call on is to be missed. */
static void subscribe(struct show *s)
{
	struct event ev;

	if (s->kind == PROGRESS_NONE || stream_open(&s->j->c->admin, "dom0", "admin.Events", &s->events, NULL) < 0)
		return;
	if (stream_next(s->events, 5000, &ev, NULL) == 1) {
		event_release(&ev);
		return;
	}
	stream_close(s->events);
	s->events = NULL;
}

int execute(struct job *j, enum progress_kind kind)
{
	struct show s = { .j = j, .kind = kind, .start_ns = now_ns() };
	struct admin_watch watches[2] = { { .fd = -1, .ready = on_events, .data = &s },
					  { .fd = j->signals, .ready = on_signal, .data = &s } };
	struct admin *a = &j->c->admin;
	uint64_t patience = a->timeout_ns;
	CLEANUP_ERR struct err err = ERR_INIT;
	int r;

	table_parse(&s.table, buf_str(&j->info));
	subscribe(&s);
	if (s.events) {
		watches[0].fd = stream_fd(s.events);
		on_events(&watches[0]); /* those that came along with the first one */
	}
	a->watches = watches;
	a->n_watches = ARRAY_SIZE(watches);
	a->timeout_ns = 0; /* it takes as long as it takes */
	r = admin_call(a, &err, "dom0", "admin.backup.Execute", j->name, NULL, NULL, NULL);
	a->watches = NULL;
	a->n_watches = 0;
	a->timeout_ns = patience;
	stream_close(s.events);
	table_release(&s.table);
	if (r < 0) {
		fputc('\n', j->c->err);
		say(j->c, "Backup error: %s", err.text);
	}
	fputs("\n\n", j->c->out);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}
