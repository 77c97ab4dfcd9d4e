/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-monitor-layout: tells qubes which monitors there are, by qubes.SetMonitorLayout (vm-interface 11). */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/perqube.h"
#include "cli/service.h"
#include "model/layout.h"
#include "os/io.h"
#include "os/spawn.h"

#define TEXT_MAX 65536
#define ANSWER_NS (30 * 1000000000ull)
#define OUTPUT_MAX 4096 /* of a service that is not to print anything */

static const struct opt options[] = {
	{"--from", OPT_VALUE, 0, "FILE", "what xrandr has printed, or lines of qubes.SetMonitorLayout; - is stdin",
	 .comp = COMP_FILE},
	{"--print", OPT_FLAG, 0, NULL, "print the lines that qubes get, and tell no qube", .exclusive = 1},
	{"--screen-size", OPT_FLAG, 0, NULL,
	 "print width, height, depth and memory (KiB) of the whole screen, and tell no qube",
	 .exclusive = 1},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE_RUNNING, NULL, "name of a qube, or a pattern"},
	POS_END,
};

/* ---- the layout ---- */

static int run_xrandr(struct ctx *c, struct buf *ret)
{
	char *const argv[] = {"xrandr", "-q", NULL};
	CLEANUP_CHILD struct child child = CHILD_INIT;
	int r = spawn(&child, argv, SPAWN_NULL_STDIN | SPAWN_STDOUT);

	if (r < 0)
		return fail(c, "cannot run xrandr: %s", strerror(-r));
	r = read_all(child.out, ret, TEXT_MAX);
	if (r < 0)
		return fail(c, "cannot read what xrandr prints: %s", strerror(-r));
	r = child_wait(&child);
	return r ? fail(c, "xrandr failed with status %d", r) : STATUS_OK;
}

static int read_text(struct ctx *c, const char *path, struct buf *ret)
{
	int r = streq(path, "-") ? read_all(fileno(c->in), ret, TEXT_MAX) : read_file(path, ret, TEXT_MAX);

	return r < 0 ? fail(c, "cannot read '%s': %s", path, strerror(-r)) : STATUS_OK;
}

static int read_layout(struct ctx *c, struct layout *ret)
{
	const char *path = arg_value(&c->args, "--from");
	CLEANUP_BUF struct buf text = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	int status = path ? read_text(c, path, &text) : run_xrandr(c, &text);

	if (status)
		return status;
	if (layout_parse(ret, buf_str(&text), text.len, &err) < 0)
		return fail(c, "%s", err.text);
	layout_blur(ret);
	return STATUS_OK;
}

/* ---- printing ---- */

static struct val known(uint32_t mm)
{
	return mm ? V_INT(mm) : V_NULL;
}

static int print_layout(struct ctx *c, const struct layout *l)
{
	static const char *const keys[] = {"name", "width", "height", "x", "y", "width_mm", "height_mm"};
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct json *j;

	if (c->format == FORMAT_TEXT) {
		layout_print(&b, l);
		put_text(c, buf_str(&b), b.len);
		return STATUS_OK;
	}
	j = json_begin(c, JSON_ARRAY);
	for (size_t i = 0; i < l->n; i++) {
		const struct monitor *m = &l->v[i];

		json_record(j, NULL, ARRAY_SIZE(keys), keys,
			    (struct val[]){*m->name ? V_STR(m->name) : V_NULL, V_INT(m->width), V_INT(m->height),
					   V_INT(m->x), V_INT(m->y), known(m->width_mm), known(m->height_mm)});
	}
	json_end(j);
	return STATUS_OK;
}

static int print_screen(struct ctx *c, const struct layout *l)
{
	static const char *const keys[] = {"width", "height", "depth", "memory_kib"};
	struct screen s = layout_screen(l);
	struct json *j;

	if (c->format == FORMAT_TEXT) {
		fprintf(c->out, "%u %u %u %u\n", s.width, s.height, s.depth, s.memory_kib);
		return STATUS_OK;
	}
	j = json_begin(c, JSON_SCALAR);
	json_record(j, NULL, ARRAY_SIZE(keys), keys,
		    (struct val[]){V_INT(s.width), V_INT(s.height), V_INT(s.depth), V_INT(s.memory_kib)});
	json_end(j);
	return STATUS_OK;
}

/* ---- qubes ---- */

/* One of the chosen qubes. */
struct target {
	const char *name; /* borrowed */
	const char *skip; /* why it is not told, or NULL */
	char *why;        /* what went wrong, or NULL */
};

/* The features that keep a qube from being told: each of them is asked for of its template, too. */
static void ask_features(struct ctx *c, struct target *t, size_t n)
{
	struct call *calls = xcalloc(2 * n + 1, sizeof *calls);
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		for (int k = 0; !t[i].skip && k < 2; k++)
			calls[used++] = (struct call){.dest = t[i].name,
						      .method = "admin.vm.feature.CheckWithTemplate",
						      .arg = k ? "gui" : "no-monitor-layout"};
	admin_run(&c->admin, calls, used);
	used = 0;
	/* What cannot be told is taken for not set. */
	for (size_t i = 0; i < n; i++) {
		const struct call *pair = &calls[used];

		if (t[i].skip)
			continue;
		if (pair[0].result == 0 && pair[0].body_len)
			t[i].skip = "it has the feature no-monitor-layout";
		else if (pair[1].result == 0 && !pair[1].body_len)
			t[i].skip = "it has no feature gui";
		used += 2;
	}
	calls_free(calls, used);
}

static void tell(struct ctx *c, struct target *t, size_t n, const char *lines)
{
	struct service_call *calls = xcalloc(n + 1, sizeof *calls);
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (!t[i].skip)
			calls[used++] = (struct service_call){.qube = t[i].name, .service = "qubes.SetMonitorLayout",
							      .input = lines, .max = OUTPUT_MAX};
	services_run(c, calls, used, ANSWER_NS);
	used = 0;
	for (size_t i = 0; i < n; i++) {
		struct service_call *call = &calls[used];

		if (t[i].skip)
			continue;
		if (call->result < 0 || call->status)
			t[i].why = service_why(c, call, ANSWER_NS);
		service_call_release(call);
		used++;
	}
	free(calls);
}

static const char *skip_reason(const struct qube *q)
{
	if (streq(q->class, "AdminVM"))
		return "it is not told by a service";
	return streq(q->state, "Running") ? NULL : "it does not run";
}

/* Those that were left out of a selection are no failure; one that was named is. */
static int report(struct ctx *c, const struct target *t, size_t n, bool named)
{
	static const char *const keys[] = {"result", "reason"};
	struct json *j = c->format == FORMAT_TEXT ? NULL : json_begin(c, JSON_KEYED);
	int status = STATUS_OK;

	for (size_t i = 0; i < n; i++) {
		const char *why = t[i].why ? t[i].why : t[i].skip;

		if (j)
			json_record(j, t[i].name, ARRAY_SIZE(keys), keys,
				    (struct val[]){V_STR(t[i].why ? "failed" : t[i].skip ? "skipped" : "set"),
						   why ? V_STR(why) : V_NULL});
		if (t[i].why || (t[i].skip && named))
			status = fail_prog(c, "%s: %s", t[i].name, why);
		else if (t[i].skip && c->verbosity > 1)
			say(c, "%s: left out: %s", t[i].name, t[i].skip);
	}
	if (j)
		json_end(j);
	return status;
}

static int push(struct ctx *c, const struct layout *l)
{
	CLEANUP_SELECTION struct selection sel = {0};
	CLEANUP_BUF struct buf lines = BUF_INIT;
	int status = select_qubes(c, "VMNAME", &sel);
	struct target *t;

	if (status)
		return status;
	/* No layout is nothing to tell. */
	if (!l->n)
		return report(c, NULL, 0, false);
	layout_print(&lines, l);
	t = xcalloc(sel.n + 1, sizeof *t);
	for (size_t i = 0; i < sel.n; i++)
		t[i] = (struct target){.name = sel.v[i]->name, .skip = skip_reason(sel.v[i])};
	ask_features(c, t, sel.n);
	tell(c, t, sel.n, buf_str(&lines));
	status = report(c, t, sel.n, arg_pos(&c->args, "VMNAME"));
	for (size_t i = 0; i < sel.n; i++)
		free(t[i].why);
	free(t);
	return status;
}

static int run(struct ctx *c)
{
	CLEANUP_LAYOUT struct layout l = {0};
	int status = read_layout(c, &l);

	if (status)
		return status;
	if (arg_has(&c->args, "--print"))
		return print_layout(c, &l);
	if (arg_has(&c->args, "--screen-size"))
		return print_screen(c, &l);
	return push(c, &l);
}

const struct tool tool = {
	.name = "qvm-monitor-layout",
	.summary = "Tell qubes which monitors there are.",
	.flags = TOOL_QUBES | TOOL_JSON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
