/* SPDX-License-Identifier: GPL-2.0-or-later */
/* assign and unassign, with what they say about devices that are there (tools-runtime 7.7, 7.8). */
#include "base/mem.h"
#include "cli/qrexec.h"
#include "model/propval.h"
#include "qvm-device/device.h"

static bool is_one_of(const char *class, const char *const *list)
{
	for (; *list; list++)
		if (streq(class, *list))
			return true;
	return false;
}

char *assign_refusal(const char *class, bool required)
{
	static const char *const can_require[] = {"pci", "block", "testclass", NULL};
	static const char *const can_assign[] = {"testclass", "usb", "block", "mic", "pci", NULL};

	if (required && !is_one_of(class, can_require))
		return xstrdup("Only pci and block devices can be assigned as required.");
	if (!required && streq(class, "pci"))
		return xstrdup("PCI devices cannot be assigned as not required.");
	if (!is_one_of(class, can_assign))
		return xasprintf("%s devices cannot be assigned to be automatically attached.", class);
	return NULL;
}

/* The parts of the name that --port and --device leave out. */
static void widen(struct world *w, struct target *t)
{
	char **part = arg_has(&w->c->args, "--port")     ? &t->ref.id :
		      arg_has(&w->c->args, "--device")   ? &t->ref.port : NULL;

	if (!part)
		return;
	free(*part);
	*part = xstrdup("*");
}

/* The command that a person may run: words that a shell would act on are quoted. */
static void add_command(struct buf *b, const struct world *w, const char *verb, const struct device_props *options,
			const char *qube, const struct device_ref *ref)
{
	CLEANUP_FREE char *device = xasprintf("%s:%s", ref->backend, ref->port);
	CLEANUP_STRV struct strv words = STRV_INIT;

	strv_addf(&words, "qvm-%s", w->class);
	strv_add(&words, verb);
	for (size_t i = 0; options && i < options->keys.n; i++) {
		strv_add(&words, "-o");
		strv_addf(&words, "%s=%s", options->keys.v[i] + 1, options->values.v[i]);
	}
	strv_add(&words, qube);
	strv_add(&words, device);
	shell_quote(b, (const char *const *)words.v);
	buf_addch(b, '\n');
}

/* ---- assign ---- */

static void warn_denied(struct world *w, const struct target *t, const struct call *denied)
{
	static const char text[] = "Warning: The assigned device is on the denied list.\n"
				   "           Auto-attach will work, but make sure that the assignment is correct.\n";
	CLEANUP_PROPVAL struct propval value = {0};
	const char *codes = t->found ? device_props_get(&t->found->props, "interfaces") : NULL;

	if (denied->result < 0 || propval_parse(&value, denied->body, denied->body_len, NULL) < 0)
		return;
	if (interfaces_denied(codes && *codes ? codes : INTERFACE_UNKNOWN, value.value))
		put_text(w->c, text, strlen(text));
}

/* How to attach now what was assigned. */
static void tell_attach(struct world *w, size_t qube, const struct target *t, const struct device_props *options)
{
	const struct devices *offered = &w->said[t->backend].of[AVAILABLE];
	const struct devices *attached = &w->said[qube].of[ATTACHED];
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < offered->n; i++) {
		const struct device_ref *d = &offered->v[i].ref;

		if (!device_ref_matches(&t->ref, d) || devices_port(attached, d->backend, d->port))
			continue;
		if (!b.len)
			buf_addstr(&b, "Assigned. To attach you can now restart domain or run: \n");
		buf_addch(&b, '\t');
		add_command(&b, w, "attach", options, w->all.v[qube].name, d);
	}
	put_text(w->c, buf_str(&b), b.len);
}

static void comment(struct world *w, size_t qube, const struct target *t, const struct device_props *options)
{
	CLEANUP_CALL struct call denied = {
		.dest = w->all.v[qube].name, .method = "admin.vm.property.Get", .arg = "devices_denied"};
	bool attachable = state_is_running(w->all.v[qube].state) && !streq(w->class, "pci");

	admin_run(&w->c->admin, &denied, 1);
	warn_denied(w, t, &denied);
	if (!attachable)
		return;
	world_want(w, qube, ATTACHED);
	world_want(w, t->backend, AVAILABLE);
	world_ask(w);
	tell_attach(w, qube, t, options);
}

int assign_device(struct world *w)
{
	const struct args *a = &w->c->args;
	bool required = arg_has(a, "--required");
	CLEANUP_DEVICE_PROPS struct device_props options = {0};
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_FREE char *text = NULL, *refused = NULL;
	size_t qube;
	int status = target_qube(w, &qube);

	if (status == STATUS_OK)
		status = target_read(w, arg_pos(a, "DEVICE"), &t);
	if (status == STATUS_OK)
		status = options_read(w, &options);
	if (status)
		return status;
	if (!t.id_typed && !t.found && !arg_has(a, "--port"))
		return fail_plain(w->c, "backend vm %s doesn't expose %s device '%s'", t.ref.backend, w->class,
				  t.ref.port);
	refused = assign_refusal(w->class, required);
	if (refused)
		return fail_plain(w->c, "%s", refused);
	widen(w, &t);
	text = payload(w, &t.ref, required ? "required" : arg_has(a, "--ask") ? "ask-to-attach" : "auto-attach",
		       w->all.v[qube].name, &options);
	status = world_call(w, w->all.v[qube].name, "Assign", &t.ref, text);
	if (status == STATUS_OK && w->c->verbosity >= 1)
		comment(w, qube, &t, &options);
	return status;
}

/* ---- unassign ---- */

static void tell_detach(struct world *w, size_t qube, const struct device_ref *ref)
{
	const struct devices *attached = &w->said[qube].of[ATTACHED];
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < attached->n; i++) {
		if (!device_ref_matches(ref, &attached->v[i].ref))
			continue;
		buf_addstr(&b, b.len ? "\t" : "Unassigned. To detach you can now restart domain or run: \n \t");
		add_command(&b, w, "detach", NULL, w->all.v[qube].name, &attached->v[i].ref);
	}
	put_text(w->c, buf_str(&b), b.len);
}

static int unassign(struct world *w, size_t qube, const struct device_ref *ref)
{
	int status = world_call(w, w->all.v[qube].name, "Unassign", ref, NULL);

	if (status || w->c->verbosity < 1 || !state_is_running(w->all.v[qube].state))
		return status;
	world_want(w, qube, ATTACHED);
	world_ask(w);
	tell_detach(w, qube, ref);
	return STATUS_OK;
}

/* Nothing is in the port: the one assignment that there is for it is meant (tools-runtime 7.8). */
static int find_assigned(struct world *w, size_t qube, struct target *t)
{
	const struct device *only = NULL;
	int status;
	const struct devices *assigned = world_get(w, qube, ASSIGNED, &status);

	for (size_t i = 0; assigned && i < assigned->n; i++) {
		const struct device_ref *r = &assigned->v[i].ref;

		if (!streq(r->backend, t->ref.backend) || !streq(r->port, t->ref.port))
			continue;
		if (only)
			return STATUS_OK;
		only = &assigned->v[i];
	}
	if (only) {
		free(t->ref.id);
		t->ref.id = xstrdup(only->ref.id);
	}
	return status;
}

int unassign_devices(struct world *w)
{
	const char *device = arg_pos(&w->c->args, "DEVICE");
	CLEANUP_TARGET struct target t = {0};
	const struct devices *assigned;
	size_t qube;
	int status = target_qube(w, &qube);

	if (status == STATUS_OK && device) {
		status = target_read(w, device, &t);
		widen(w, &t);
		if (status == STATUS_OK && !t.found && !t.id_typed && !streq(t.ref.port, "*") &&
		    !arg_has(&w->c->args, "--port"))
			status = find_assigned(w, qube, &t);
		return status ? status : unassign(w, qube, &t.ref);
	}
	if (status)
		return status;
	assigned = world_get(w, qube, ASSIGNED, &status);
	for (size_t i = 0; assigned && i < assigned->n && status == STATUS_OK; i++)
		status = unassign(w, qube, &assigned->v[i].ref);
	return status;
}
