/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attach and detach (tools-runtime 7.5, 7.6). */
#include "admin/exc.h"
#include "base/mem.h"
#include "qvm-device/device.h"

/* A port left open: the one device of this id. */
static int find_by_id(struct world *w, struct target *t)
{
	const struct devices *offered;
	int status;

	if (!t->id_typed || streq(t->ref.id, "*"))
		return STATUS_OK;
	offered = world_get(w, t->backend, AVAILABLE, &status);
	for (size_t i = 0; offered && i < offered->n; i++) {
		if (!device_ref_matches(&t->ref, &offered->v[i].ref))
			continue;
		if (t->found)
			return fail_plain(w->c, "Too many devices matches to assignment");
		t->found = &offered->v[i];
	}
	return status;
}

/* --persistent: what came of attaching does not matter (tools-runtime 7.5). */
static int attach_and_assign(struct world *w, const char *qube, const struct device_ref *ref, const char *text)
{
	CLEANUP_FREE char *method = xasprintf("admin.vm.device.%s.Attach", w->class);
	CLEANUP_FREE char *arg = device_arg(ref->backend, ref->port, ref->id);
	CLEANUP_FREE char *refused = assign_refusal(w->class, true);

	if (!streq(w->class, "pci"))
		admin_call(&w->c->admin, NULL, qube, method, arg, text, NULL, NULL);
	if (refused)
		return fail_plain(w->c, "%s", refused);
	return world_call(w, qube, "Assign", ref, text);
}

int attach_device(struct world *w)
{
	CLEANUP_DEVICE_PROPS struct device_props options = {0};
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_FREE char *text = NULL;
	bool persistent = arg_has(&w->c->args, "--persistent");
	size_t qube;
	int status = target_qube(w, &qube);

	if (status == STATUS_OK)
		status = target_read(w, arg_pos(&w->c->args, "DEVICE"), &t);
	if (status == STATUS_OK && streq(t.ref.port, "*"))
		status = find_by_id(w, &t);
	if (status == STATUS_OK && !t.found)
		status = target_not_exposed(w, &t);
	if (status == STATUS_OK)
		status = options_read(w, &options);
	if (status)
		return status;
	if (!persistent && streq(w->class, "pci"))
		return fail_plain(w->c, "PCI devices cannot be attached manually, "
					"did you mean `qvm-pci assign --required ...`");
	text = payload(w, &t.found->ref, persistent ? "required" : "manual", w->all.v[qube].name, &options);
	if (persistent)
		return attach_and_assign(w, w->all.v[qube].name, &t.found->ref, text);
	return world_call(w, w->all.v[qube].name, "Attach", &t.found->ref, text);
}

/* ---- detach ---- */

static int detach(struct world *w, size_t qube, const struct device_ref *ref)
{
	return world_call(w, w->all.v[qube].name, "Detach", ref, NULL);
}

/* Those attached to the qube that ref names (NULL: all), one after the other until one fails. */
static int detach_attached(struct world *w, size_t qube, const struct device_ref *ref)
{
	int status;
	const struct devices *attached = world_get(w, qube, ATTACHED, &status);
	bool any = false;

	for (size_t i = 0; attached && i < attached->n && status == STATUS_OK; i++)
		if (!ref || device_ref_matches(ref, &attached->v[i].ref)) {
			any = true;
			status = detach(w, qube, &attached->v[i].ref);
		}
	if (attached && ref && !any)
		return fail_plain(w->c, "%s:%s:%s is not attached.", ref->backend, ref->port, ref->id);
	return status;
}

/* Not in its port any more: the daemon may still know that the qube had it. */
static int detach_gone(struct world *w, size_t qube, const struct target *t)
{
	const struct device *d;

	world_want(w, qube, ATTACHED);
	world_ask(w);
	d = w->said[qube].call[ATTACHED].result < 0 ? NULL :
	    devices_port(&w->said[qube].of[ATTACHED], t->ref.backend, t->ref.port);
	if (d && (!t->id_typed || streq(d->ref.id, t->ref.id)))
		return detach(w, qube, &d->ref);
	return fail_plain(w->c, "%s:%s:%s not found.", t->ref.backend, t->ref.port, t->ref.id);
}

int detach_devices(struct world *w)
{
	const char *device = arg_pos(&w->c->args, "DEVICE");
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_DEVICE_REF struct device_ref ref = {0};
	size_t qube;
	int status = target_qube(w, &qube);

	if (status)
		return status;
	if (!device)
		return detach_attached(w, qube, NULL);
	/* Any device in one port: that port is all that the daemon needs. */
	if (device_ref_parse(&ref, device) == 0 && !streq(ref.port, "*") && qubes_find(&w->all, ref.backend)) {
		const char *id = strchr(strchr(device, ':') + 1, ':');

		if (id && (streq(id + 1, "*") || streq(id + 1, "_")))
			return detach(w, qube, &ref);
	}
	status = target_read(w, device, &t);
	if (status)
		return status;
	if (streq(t.ref.port, "*"))
		return detach_attached(w, qube, &t.ref);
	return t.found ? detach(w, qube, &t.ref) : detach_gone(w, qube, &t);
}
