/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backup under way: the call, the events of its progress, and the signals that cancel it. */
#include <errno.h>
#include <json-c/json.h>
#include <math.h>

#include "admin/stream.h"
#include "base/mem.h"
#include "cli/progress.h"
#include "qvm-backup/backup.h"

struct show {
	struct job *j;
	enum progress_kind kind;
	struct stream *events;
	struct table table;
	struct progress line;
	uint64_t done; /* bytes, as far as the events tell */
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
	fflush(s->j->c->err);
}

/* Between the events too: there is time to tell, and what is left of it. */
static void tick(void *data, uint64_t sent)
{
	struct show *s = data;

	progress_step(&s->line, s->done);
}

/* What a daemon says of sizes may be anything. */
static uint64_t to_bytes(double n)
{
	return n < 1e18 ? (uint64_t)n : (uint64_t)1e18;
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
	if (qube)
		s->line.what = qube;
	s->done = to_bytes(percent / 100 * s->table.total);
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

	if (!signals_came(&s->j->signals))
		return;
	progress_end(&s->line);
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

/* The call, with an eye on everything else. It takes as long as it takes. */
static int call_execute(struct show *s, struct err *err)
{
	struct admin_watch watches[2] = { { .fd = -1, .ready = on_events, .data = s },
					  { .fd = s->j->signals.fd, .ready = on_signal, .data = s } };
	struct admin *a = &s->j->c->admin;
	uint64_t patience = a->timeout_ns;
	int r;

	if (s->events) {
		watches[0].fd = stream_fd(s->events);
		on_events(&watches[0]); /* those that came along with the first one */
	}
	a->watches = watches;
	a->n_watches = ARRAY_SIZE(watches);
	a->on_progress = s->line.wanted ? tick : NULL;
	a->on_progress_data = s;
	a->timeout_ns = 0;
	r = admin_call(a, err, "dom0", "admin.backup.Execute", s->j->name, NULL, NULL, NULL);
	a->watches = NULL;
	a->n_watches = 0;
	a->on_progress = NULL;
	a->timeout_ns = patience;
	return r;
}

int execute(struct job *j, enum progress_kind kind)
{
	struct show s = { .j = j, .kind = kind };
	CLEANUP_ERR struct err err = ERR_INIT;
	int r;

	table_parse(&s.table, buf_str(&j->info));
	progress_begin(&s.line, j->c, j->name, to_bytes(s.table.total));
	s.line.wanted = kind == PROGRESS_LINE;
	subscribe(&s);
	r = call_execute(&s, &err);
	progress_end(&s.line);
	stream_close(s.events);
	table_release(&s.table);
	if (r < 0) {
		fputc('\n', j->c->err);
		say(j->c, "Backup error: %s", err.text);
	}
	fputs("\n\n", j->c->out);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}
