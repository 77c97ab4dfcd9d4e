/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-events: prints what happens, as it happens (admin-api 1.6, 11). */
#include <time.h>

#include "admin/stream.h"
#include "base/num.h"
#include "cli/record.h"
#include "cli/select.h"
#include "model/glob.h"
#include "os/io.h"

static const struct opt options[] = {
	{"--event/-e", OPT_VALUE, OPT_REPEAT, "GLOB", "only events whose name matches; may be repeated", NULL,
	 COMP_NONE},
	{"--count/-n", OPT_VALUE, 0, "N", "end after N events", NULL, COMP_NONE},
	{"--until/-u", OPT_VALUE, OPT_REPEAT, "GLOB", "end after an event of such a name; may be repeated", NULL,
	 COMP_NONE},
	{"--timeout", OPT_VALUE, 0, "SECONDS", "end after this time", NULL, COMP_NONE},
	{"--time/-t", OPT_FLAG, 0, NULL, "tell when each event was received"},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE, NULL, "only events of these qubes: a name or a pattern"},
	POS_END,
};

struct watch {
	struct ctx *c;
	struct strv events, until, qubes, excluded;
	bool by_where;        /* qubes are the names that --where gave */
	uint64_t count;       /* events still to come; 0: no limit */
	uint64_t deadline_ns; /* 0: none */
	bool with_time;
	struct json *json;
};

static void watch_release(struct watch *w)
{
	strv_release(&w->events);
	strv_release(&w->until);
	strv_release(&w->qubes);
	strv_release(&w->excluded);
}

/* ---- which events ---- */

static bool matches_any(const struct strv *globs, const char *name)
{
	for (size_t i = 0; i < globs->n; i++)
		if (glob_match(globs->v[i], name))
			return true;
	return false;
}

/* The qube that an event is about: its subject, or the one that came or went. */
static const char *qube_of(const struct event *ev)
{
	const char *vm = !*ev->subject && skip_prefix(ev->name, "domain-") ? event_get(ev, "vm") : NULL;

	return vm ? vm : ev->subject;
}

static bool is_start(const struct event *ev)
{
	return !*ev->subject && streq(ev->name, "connection-established");
}

static bool is_wanted(const struct watch *w, const struct event *ev)
{
	const char *qube = qube_of(ev);

	if (w->events.n && !matches_any(&w->events, ev->name))
		return false;
	/* That the stream has begun is for everybody who waits for it. */
	if (is_start(ev))
		return true;
	if (w->by_where || w->qubes.n)
		return w->by_where ? strv_has(&w->qubes, qube) : matches_any(&w->qubes, qube);
	return !strv_has(&w->excluded, qube);
}

/* ---- output ---- */

/* A value with blanks, quotes or nothing in it stands in quotes. */
static void add_value(struct buf *b, const char *value)
{
	if (*value && !strpbrk(value, " \t\r\n\"'\\"))
		buf_addstr(b, value);
	else
		json_quote(b, value, strlen(value));
}

static void put_event(struct watch *w, const struct event *ev)
{
	static const char *const keys[] = {"qube", "event", "values", "time"};
	CLEANUP_BUF struct buf b = BUF_INIT;
	char when[32] = "";

	if (w->with_time) {
		time_t now = time(NULL);
		struct tm tm;

		strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S%z", localtime_r(&now, &tm));
	}
	if (w->json) {
		json_record(w->json, NULL, w->with_time ? 4 : 3, keys,
			    (const struct val[]){*ev->subject ? V_STR(ev->subject) : V_NULL, V_STR(ev->name),
						 V_MAP(&ev->keys, &ev->values), V_STR(when)});
	} else {
		buf_addf(&b, "%s%s%s %s", when, *when ? " " : "", *ev->subject ? ev->subject : "-", ev->name);
		for (size_t i = 0; i < ev->keys.n; i++) {
			buf_addf(&b, " %s=", ev->keys.v[i]);
			add_value(&b, ev->values.v[i]);
		}
		buf_addch(&b, '\n');
		put_text(w->c, b.data, b.len);
	}
	flush_out(w->c);
}

/* ---- the stream ---- */

static void lost(void *data, const struct err *why)
{
	log_warning(data, "qubesadmin.events", "Connection to qubesd terminated, reconnecting in 1.0 seconds");
}

/* True when it was the last one. */
static bool take(struct watch *w, const struct event *ev)
{
	if (!is_wanted(w, ev))
		return false;
	put_event(w, ev);
	if (w->c->write_errno)
		return true;
	if (is_start(ev))
		return false;
	if (matches_any(&w->until, ev->name))
		return true;
	return w->count && --w->count == 0;
}

/* Whoever waited for something that did not come has failed. */
static int too_late(const struct watch *w)
{
	return w->count || w->until.n ? STATUS_FAILED : STATUS_OK;
}

static int follow(struct watch *w, struct stream **s)
{
	struct admin *a = &w->c->admin;
	bool done = false;

	while (!done) {
		CLEANUP_EVENT struct event ev = {0};

		if (!stream_follow(a, "dom0", "admin.Events", s, w->deadline_ns, lost, w->c, &ev))
			return too_late(w);
		done = take(w, &ev);
	}
	return STATUS_OK;
}

/* After the stream has begun, so that nothing is missed in between. */
static int choose_by_where(struct watch *w)
{
	CLEANUP_SELECTION struct selection sel = {0};
	int status = select_qubes(w->c, "VMNAME", &sel);

	for (size_t i = 0; i < sel.n; i++)
		strv_add(&w->qubes, sel.v[i]->name);
	w->by_where = true;
	return status;
}

static int read_options(struct watch *w)
{
	const struct args *a = &w->c->args;
	const char *count = arg_value(a, "--count");
	const char *timeout = arg_value(a, "--timeout");
	uint64_t ns;

	if (count && (num_u64(count, &w->count) < 0 || !w->count))
		return fail_usage(w->c, "argument --count/-n: not a number above 0: '%s'", count);
	if (timeout && num_seconds(timeout, &ns) < 0)
		return fail_usage(w->c, "argument --timeout: not a number of seconds: '%s'", timeout);
	if (timeout)
		w->deadline_ns = now_ns() + ns;
	w->with_time = arg_has(a, "--time");
	arg_values(a, "--event", &w->events);
	arg_values(a, "--until", &w->until);
	arg_values(a, "--exclude", &w->excluded);
	arg_poses(a, "VMNAME", &w->qubes);
	if (w->qubes.n && arg_has(a, "--all"))
		return fail_usage(w->c, "argument VMNAME: not allowed with argument --all");
	if (w->qubes.n && w->excluded.n)
		return fail_usage(w->c, "--exclude can only be used with --all");
	return STATUS_OK;
}

static int run(struct ctx *c)
{
	CLEANUP(watch_release) struct watch w = {.c = c};
	CLEANUP_STREAM struct stream *s = NULL;
	CLEANUP_EVENT struct event first = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	int status = read_options(&w), r;

	if (status)
		return status;
	r = stream_begin(&c->admin, "dom0", "admin.Events", &s, w.deadline_ns, &first, &err);
	if (r < 0)
		return fail_err(c, &err, "dom0", "admin.Events");
	if (r > 0 && arg_has(&c->args, "--where"))
		status = choose_by_where(&w);
	if (status)
		return status;
	if (c->format != FORMAT_TEXT)
		w.json = json_begin(c, JSON_ARRAY);
	if (r == 0)
		status = too_late(&w);
	else if (!take(&w, &first))
		status = follow(&w, &s);
	if (w.json)
		json_end(w.json);
	return status;
}

const struct tool tool = {
	.name = "qvm-events",
	.summary = "Print events as they happen.",
	.flags = TOOL_QUBES | TOOL_JSON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
