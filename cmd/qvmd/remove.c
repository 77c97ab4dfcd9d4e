/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.vm.Remove, and the end of a disposable (admin-api 2.4). */
#include "base/mem.h"
#include "qvmd/create.h"
#include "qvmd/device.h"
#include "qvmd/power.h"
#include "qvmd/storage.h"

/* From here on nothing refuses it. v is gone afterwards. */
static void drop(struct vm *v)
{
	struct sys *s = v->sys;

	fire(s, NULL, "domain-delete", "vm", v->name, NULL);
	fire(s, v, "domain-remove-from-disk", NULL);
	vm_drop(v);
}

void vm_remove(struct vm *v)
{
	CLEANUP_FREE char *ports = devices_assigned_elsewhere(v);

	fire(v->sys, NULL, "domain-pre-delete", "vm", v->name, NULL);
	/* What others name stays, as if Remove had been refused. */
	if (!vm_is_referenced(v) && !ports)
		drop(v);
}

void handle_remove(struct req *r)
{
	struct vm *v = r->dest;
	CLEANUP_FREE char *ports = devices_assigned_elsewhere(v);
	const struct volume *busy = volumes_busy(v);
	CLEANUP_FREE char *vid = busy ? volume_vid(busy) : NULL;

	if (v->class == CLASS_ADMIN)
		return req_fail(r, "QubesVMInUseError", "'%s' cannot be removed", v->name);
	if (power_is_busy(v) || (power_is_switched(v) && v->power != POWER_HALTED))
		return req_fail(r, "QubesVMNotHaltedError", "Domain is not powered off: '%s'", v->name);
	if (busy)
		return req_fail(r, "StoragePoolException", "Volume %s is busy with %s", vid, busy->busy);
	fire(r->sys, NULL, "domain-pre-delete", "vm", v->name, NULL);
	if (vm_has_prop(v, "installed_by_rpm") && prop_get_bool(v, "installed_by_rpm"))
		return req_fail(r, "QubesVMInUseError", "VM installed by package manager: %s", v->name);
	if (vm_is_referenced(v))
		return req_fail(r, "QubesVMInUseError",
				"Domain is in use: '%s';%s see 'journalctl -u qubesd -e' in dom0 for details", v->name,
				r->sys->opt.compat == 42 ? "" : " ");
	if (ports)
		return req_fail(r, "QubesVMInUseError", "VM has devices assigned to other VMs: %s", ports);
	drop(v);
	req_ok(r, "");
}
