/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device calls of 4.3 (admin-api 2.11, 8.4-8.6). */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/interface.h"
#include "qvmd/device.h"
#include "qvmd/sandbox.h"
#include "qvmd/told.h"
#include "qvmd/device_call.h"

/* ---- lists ---- */

/* Line by line, sorted by the key that each begins with; the caller frees both. */
struct lines {
	struct strv keys, lines;
};

struct key_line {
	const char *key, *line;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct key_line *)a)->key, ((const struct key_line *)b)->key);
}

static void answer_lines(struct req *r, struct lines *l)
{
	struct key_line *v = xcalloc(l->keys.n + 1, sizeof *v);
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < l->keys.n; i++)
		v[i] = (struct key_line){l->keys.v[i], l->lines.v[i]};
	qsort(v, l->keys.n, sizeof *v, by_key);
	for (size_t i = 0; i < l->keys.n; i++)
		buf_addf(&b, "%s %s\n", v[i].key, v[i].line);
	req_ok_buf(r, &b);
	free(v);
	strv_release(&l->keys);
	strv_release(&l->lines);
}

static void add_present(struct lines *l, struct vm *v, enum devclass class, const struct device *d)
{
	static const char *const texts[] = {"vendor", "product", "manufacturer", "name", "serial"};
	static const char *const parents[] = {"parent_port_id", "parent_devclass"};
	const struct vm *holder = device_holder(v->sys, class, &d->ref);
	const char *interfaces = device_props_get(&d->props, "interfaces");
	CLEANUP_BUF struct buf b = BUF_INIT;

	device_prop_add(&b, "device_id", d->ref.id);
	device_prop_add(&b, "port_id", d->ref.port);
	device_prop_add(&b, "devclass", devclass_names[class]);
	device_prop_add(&b, "backend_domain", v->name);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (*device_text(d, texts[i]))
			device_prop_add(&b, texts[i], device_text(d, texts[i]));
	if (holder)
		device_prop_add(&b, "attachment", holder->name);
	device_prop_add(&b, "interfaces", interfaces ? interfaces : INTERFACE_UNKNOWN);
	for (size_t i = 0; i < ARRAY_SIZE(parents); i++)
		if (*device_text(d, parents[i]))
			device_prop_add(&b, parents[i], device_text(d, parents[i]));
	/* Size, mode and node of block devices are 4.2's (admin-api 8.5). */
	for (size_t i = 0; class != DEV_BLOCK && i < d->props.keys.n; i++)
		if (d->props.keys.v[i][0] == '_')
			device_prop_add(&b, d->props.keys.v[i], d->props.values.v[i]);
	strv_addf(&l->keys, "%s:%s", d->ref.port, d->ref.id);
	strv_add(&l->lines, buf_str(&b));
}

static void handle_available(struct req *r)
{
	int class = device_class(r);
	const struct vm_devices *d = r->dest->devices;
	struct lines l = {0};

	if (class < 0)
		return;
	if (r->sys->opt.compat == 42)
		return device_available_42(r, (enum devclass)class);
	for (size_t i = 0; d && i < d->n_present[class]; i++)
		if (!*r->arg || streq(d->present[class][i].ref.port, r->arg))
			add_present(&l, r->dest, (enum devclass)class, &d->present[class][i]);
	answer_lines(r, &l);
}

static void add_use(struct lines *l, const struct devuse *u, enum devmode mode, const struct kvs *options)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	device_prop_add(&b, "device_id", u->ref.id);
	device_prop_add(&b, "port_id", u->ref.port);
	device_prop_add(&b, "devclass", devclass_names[u->class]);
	device_prop_add(&b, "backend_domain", u->ref.backend);
	device_prop_add(&b, "mode", devmode_names[mode]);
	if (u->frontend)
		device_prop_add(&b, "frontend_domain", u->frontend);
	for (size_t i = 0; i < options->n; i++) {
		CLEANUP_FREE char *key = xasprintf("_%s", options->v[i].key);

		device_prop_add(&b, key, options->v[i].value);
	}
	strv_addf(&l->keys, "%s+%s:%s", u->ref.backend, u->ref.port, u->ref.id);
	strv_add(&l->lines, buf_str(&b));
}

/* The options of an attachment as it turned out: a disk is not worth a word (admin-api 8.5). */
static struct kvs shown_options(const struct devuse *u)
{
	static const char *const block[] = {"read-only", "frontend-dev", "devtype"};
	struct kvs ret = {0};

	for (size_t i = 0; u->class == DEV_BLOCK && i < ARRAY_SIZE(block); i++) {
		const char *value = kvs_get(&u->options, block[i]);

		if (value && !streq(value, "disk"))
			kvs_put(&ret, block[i], value, false);
	}
	for (size_t i = 0; u->class != DEV_BLOCK && i < u->options.n; i++)
		kvs_put(&ret, u->options.v[i].key, u->options.v[i].value, false);
	return ret;
}

/* The filter BACKEND+PORT, or nothing. */
static bool is_asked_for(const struct req *r, const struct devuse *u)
{
	const char *rest = *r->arg ? skip_prefix(r->arg, u->ref.backend) : NULL;

	return !*r->arg || (rest && *rest == '+' && streq(rest + 1, u->ref.port));
}

static void list_uses(struct req *r, bool attached)
{
	int class = device_class(r);
	struct vm_devices *d = r->dest->devices;
	const struct devuses *uses = !d ? NULL : attached ? &d->attached : &d->assigned;
	struct lines l = {0};

	if (class < 0)
		return;
	for (size_t i = 0; uses && i < uses->n; i++) {
		const struct devuse *u = &uses->v[i];
		const struct devuse *a = attached ? devuses_fit(&d->assigned, u->class, &u->ref) : u;

		if ((int)u->class != class || !is_asked_for(r, u))
			continue;
		if (a) {
			/* What is assigned too is shown so (admin-api 8.5). */
			add_use(&l, u, a->mode, &a->options);
		} else {
			struct kvs options = shown_options(u);

			add_use(&l, u, u->mode, &options);
			kvs_release(&options);
		}
	}
	answer_lines(r, &l);
}

static void handle_assigned(struct req *r)
{
	list_uses(r, false);
}

static void handle_attached(struct req *r)
{
	list_uses(r, true);
}

/* ---- attaching ---- */

static const char *interfaces_of(const struct device *d)
{
	const char *codes = d ? device_props_get(&d->props, "interfaces") : NULL;

	return codes && *codes ? codes : INTERFACE_UNKNOWN;
}

/* The denied list of the frontend is asked before anything is looked at (admin-api 1.7). */
static int check_denied(struct vm *v, const struct devuse *u, const struct device *d, struct err *err)
{
	CLEANUP_FREE char *denied = vm_has_prop(v, "devices_denied") ? prop_get(v, "devices_denied", NULL) : NULL;
	CLEANUP_FREE char *name = NULL;
	const char *hit;

	if (!denied || !*denied)
		return 0;
	if (streq(u->ref.id, "*"))
		return err_set(err, -EACCES, "PermissionDenied",
			       "Could not load interfaces to verify against denied list");
	hit = interfaces_denied(interfaces_of(d), denied);
	if (!hit)
		return 0;
	name = interface_name(hit);
	return err_set(err, -EACCES, "PermissionDenied", "Device exposes a banned interface: %s", name);
}

static bool can_have_devices(const struct vm *v)
{
	return v->class != CLASS_REMOTE && vm_is_running(v);
}

int device_attach_checked(struct vm *v, const struct devuse *u, struct err *err)
{
	struct vm *backend = vm_find(v->sys, u->ref.backend);
	const struct device *d = device_only(backend, u->class, &u->ref);
	const char *class = devclass_names[u->class];
	int r = check_denied(v, u, d, err);

	if (r < 0)
		return r;
	if (!can_have_devices(v))
		return err_set(err, -EINVAL, "QubesVMNotRunningError",
			       "VM not running, cannot attach device, do you mean `assign`?");
	if (!d && u->class == DEV_BLOCK && !vm_is_running(backend))
		return err_set(err, -EINVAL, "QubesVMNotRunningError",
			       "Domain %s needs to be running to attach device from it", backend->name);
	if (!d)
		return err_set(err, -ENODEV, "ProtocolError", "Cannot attach ambiguous %s device.", class);
	if (v->devices && devuses_find_port(&v->devices->attached, u->class, &d->ref)) {
		CLEANUP_FREE char *name = device_ref_text(&d->ref);

		return err_set(err, -EBUSY, "DeviceAlreadyAttached", "device %s of class %s already attached to %s",
			       name, class, v->name);
	}
	return device_attach(v, u->class, d, &u->options, false, err);
}

static void handle_attach(struct req *r)
{
	CLEANUP_DEVUSE struct devuse u = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	if (*r->payload && !strstr(r->payload, "='"))
		return device_attach_42(r);
	if (device_request(r, &u, &err) < 0 || device_attach_checked(r->dest, &u, &err) < 0)
		return device_refuse(r, &err);
	req_ok(r, "");
}

static void detach(struct req *r, struct devuse *attached)
{
	device_detach(r->dest, attached);
	req_ok(r, "");
}

/* Its driver has let go of it, or does not. */
static void on_unbound(void *data, const char *failed)
{
	struct req *r = *(struct req **)data;
	CLEANUP_DEVUSE struct devuse u = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	struct devuse *attached;

	if (device_request(r, &u, &err) < 0)
		return device_refuse(r, &err);
	attached = r->dest->devices ? devuses_find_port(&r->dest->devices->attached, u.class, &u.ref) : NULL;
	if (!attached)
		return device_not_attached(r, &u);
	detach(r, attached);
}

/* True when the qube was told that a PCI device goes, by the address where it sees it; r is answered when it has. */
static bool unbind(struct req *r, const struct devuse *u)
{
	const struct devuse *all = r->dest->devices->attached.v;
	CLEANUP_FREE char *address = NULL;
	struct req **data;
	unsigned slot = 5; /* of the first one; those before are the machine's own */

	if (u->class != DEV_PCI || !sandbox_is_ready(r->dest))
		return false;
	for (const struct devuse *other = all; other != u; other++)
		slot += other->class == DEV_PCI;
	address = xasprintf("00:%02x.0", slot & 31);
	data = xcalloc(1, sizeof(struct req *));
	*data = req_hold(r);
	return tell_qube(r->dest, "qubes.DetachPciDevice", address, on_unbound, data);
}

static void handle_detach(struct req *r)
{
	CLEANUP_DEVUSE struct devuse u = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	struct vm_devices *d = r->dest->devices;
	struct devuse *attached;
	const struct devuse *assigned;

	if (device_request(r, &u, &err) < 0)
		return device_refuse(r, &err);
	attached = d ? devuses_find_port(&d->attached, u.class, &u.ref) : NULL;
	if (!attached)
		return device_not_attached(r, &u);
	assigned = devuses_fit(&d->assigned, u.class, &attached->ref);
	if (assigned && assigned->mode == DEVMODE_REQUIRED)
		return req_fail(r, "QubesVMNotHaltedError",
				"Can not detach a required device from a non halted qube. "
				"You need to unassign device first.");
	if (!unbind(r, attached))
		detach(r, attached);
}

/* ---- assigning ---- */

static void handle_assign(struct req *r)
{
	CLEANUP_DEVUSE struct devuse u = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	struct vm *v = r->dest;
	CLEANUP_FREE char *name = NULL;

	if (device_request(r, &u, &err) < 0)
		return device_refuse(r, &err);
	if (u.mode == DEVMODE_MANUAL)
		return req_fail(r, "QubesValueError", "Only auto-attachable devices can be assigned.");
	name = device_ref_text(&u.ref);
	if (v->devices && devuses_find(&v->devices->assigned, u.class, &u.ref))
		return req_fail(r, "DeviceAlreadyAssigned", "%s device %s already assigned to %s",
				devclass_names[u.class], name, v->name);
	device_assign(v, &u);
	req_ok(r, "");
}

void device_assign(struct vm *v, struct devuse *u)
{
	CLEANUP_DEVUSE struct devuse told = devuse_copy(u);

	device_event(v, "pre-assign", u->class, &u->ref, &u->options);
	vm_assign(v, u);
	device_event(v, "assign", told.class, &told.ref, &told.options);
}

void device_unassign(struct vm *v, struct devuse *u)
{
	CLEANUP_DEVUSE struct devuse told = devuse_copy(u);

	vm_unassign(v, u);
	device_event(v, "unassign", told.class, &told.ref, NULL);
}

static void handle_unassign(struct req *r)
{
	CLEANUP_DEVUSE struct devuse u = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *name = NULL;
	struct vm *v = r->dest;
	struct devuse *assigned;

	if (device_request(r, &u, &err) < 0)
		return device_refuse(r, &err);
	name = device_ref_text(&u.ref);
	assigned = v->devices ? devuses_find(&v->devices->assigned, u.class, &u.ref) : NULL;
	if (!assigned)
		return req_fail(r, "DeviceNotAssigned", "%s device %s not assigned to %s", devclass_names[u.class],
				name, v->name);
	device_unassign(v, assigned);
	req_ok(r, "");
}

static void handle_set_assignment(struct req *r)
{
	int mode = strlen(r->payload) == r->payload_len ? devmode_from_name(r->payload) : -1;
	CLEANUP_DEVUSE struct devuse u = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *name = NULL;
	struct vm *v = r->dest;
	struct devuse *assigned;

	/* The payload is a word here, no properties. */
	r->payload = "";
	if (device_request(r, &u, &err) < 0)
		return device_refuse(r, &err);
	if (mode <= DEVMODE_MANUAL)
		return req_fail(r, "QubesUnrecognizedDeviceAssignmentMode", "Invalid assignment mode");
	name = device_ref_text(&u.ref);
	assigned = v->devices ? devuses_find(&v->devices->assigned, u.class, &u.ref) : NULL;
	if (!assigned)
		return req_fail(r, "QubesValueError", "Device %s not assigned to %s", name, v->name);
	device_event(v, "pre-assign", u.class, &u.ref, &assigned->options);
	vm_assign_mode(v, assigned, (enum devmode)mode);
	device_event(v, "assignment-changed", u.class, &u.ref, NULL);
	req_ok(r, "");
}

#define CALL(name, versions_, arg_, payload_, access_, handle_) \
	{ "admin.vm.device.*." name, versions_, DEST_ANY, arg_, payload_, access_, handle_ }

const struct method methods_device[] = {
	CALL("Available", "S23N", PART_OPTIONAL, PART_NONE, ACCESS_READ, handle_available),
	CALL("Assigned", "--3N", PART_OPTIONAL, PART_NONE, ACCESS_READ, handle_assigned),
	CALL("Attached", "--3N", PART_OPTIONAL, PART_NONE, ACCESS_READ, handle_attached),
	CALL("Assign", "--3N", PART_NEEDED, PART_NEEDED, ACCESS_WRITE, handle_assign),
	CALL("Unassign", "--3N", PART_NEEDED, PART_NONE, ACCESS_WRITE, handle_unassign),
	CALL("Attach", "S23N", PART_NEEDED, PART_OPTIONAL, ACCESS_WRITE, handle_attach),
	CALL("Detach", "S23N", PART_NEEDED, PART_NONE, ACCESS_EXECUTE, handle_detach),
	CALL("Set.assignment", "--3N", PART_NEEDED, PART_NEEDED, ACCESS_WRITE, handle_set_assignment),
	CALL("List", "S2--", PART_OPTIONAL, PART_NONE, ACCESS_READ, handle_list_42),
	CALL("Set.persistent", "S2--", PART_NEEDED, PART_NEEDED, ACCESS_WRITE, handle_set_persistent_42),
	METHOD_END,
};
