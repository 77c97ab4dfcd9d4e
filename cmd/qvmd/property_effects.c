/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that look at other things than the value, and what follows from a change (admin-api 4.4, 11.3). */
#include <errno.h>

#include "base/mem.h"
#include "qvmd/property.h"

/* ---- rules ---- */

/* default_dispvm and management_dispvm, of a qube or of the system. */
int check_disposable_template(const struct prop_change *c, struct err *err)
{
	struct vm *t = c->new ? vm_find(c->sys, c->new) : NULL;
	CLEANUP_FREE char *holder = c->vm ? xasprintf("qube '%s'", c->vm->name) : xstrdup("system");

	if (!t || c->reset || prop_get_bool(t, "template_for_dispvms"))
		return 0;
	return err_set(err, -EINVAL, "QubesPropertyValueError",
		       "Cannot set invalid property to %s, %s '%s' has template_for_dispvms set to False",
		       holder, c->def->name, t->name);
}

/* kernel, and default_kernel of the system; an empty one boots the qube's own disk. */
int check_kernel(const struct prop_change *c, struct err *err)
{
	if (c->reset || !c->new || !*c->new || strv_has(&c->sys->kernels, c->new))
		return 0;
	return err_set(err, -EINVAL, "QubesPropertyValueError", "Kernel '%s' not installed", c->new);
}

int check_label(const struct prop_change *c, struct err *err)
{
	/* A qube without a label is of no use to anybody. */
	return c->reset ? err_set(err, -EINVAL, "QubesValueError", "Cannot unset label") : 0;
}

static bool memory_hotplug(struct vm *v)
{
	const char *feature = feature_check_template(v, "memory-hotplug");
	CLEANUP_FREE char *mode = prop_get(v, "virt_mode", NULL);
	CLEANUP_FREE char *kernel = prop_get(v, "kernel", NULL);

	if (feature)
		return *feature;
	if (streq(mode, "hvm"))
		return false;
	/* Every kernel that is packaged for qubes these days can do it. */
	if (*kernel)
		return true;
	feature = feature_check_template(v, "supported-feature.memory-hotplug");
	return feature && *feature;
}

int check_maxmem(const struct prop_change *c, struct err *err)
{
	if (c->vm->class == CLASS_ADMIN || streq(c->old, c->new))
		return 0;
	if (!vm_is_running(c->vm) || memory_hotplug(c->vm))
		return 0;
	return err_set(err, -EINVAL, "QubesVMNotHaltedError", "Domain is not powered off: '%s'", c->vm->name);
}

int check_template(const struct prop_change *c, struct err *err)
{
	if (c->reset) {
		bool disp = c->vm->class == CLASS_DISP;
		struct vm *t = global_get_vm(c->sys, disp ? "default_dispvm" : "default_template");

		if (!t)
			return err_set(err, -EINVAL, "QubesValueError", "Cannot unset template");
		return err_set(err, -EINVAL, "QubesValueError",
			       "Cannot unset template. You can set it to the current default (%s) instead",
			       t->name);
	}
	if (vm_is_running(c->vm))
		return err_set(err, -EINVAL, "QubesVMNotHaltedError",
			       "Cannot change template while qube is running");
	return 0;
}

static bool names(const struct kvs *props, const char *prop, const struct vm *v)
{
	const char *set = kvs_get(props, prop);

	return set && streq(set, v->name);
}

#define KEEP "Cannot change template_for_dispvms to False while it is "

int check_template_for_dispvms(const struct prop_change *c, struct err *err)
{
	const struct sys *s = c->sys;

	if (streq(c->new, "True"))
		return 0;
	if (names(&s->globals, "default_dispvm", c->vm) || names(&s->globals, "management_dispvm", c->vm))
		return err_set(err, -EINVAL, "QubesVMInUseError",
			       KEEP "in use by the system by any of these properties: default_dispvm, "
			       "management_dispvm");
	for (size_t i = 0; i < s->n_vms; i++) {
		const struct kvs *p = &s->vms[i]->props;

		if (names(p, "default_dispvm", c->vm) || names(p, "management_dispvm", c->vm) ||
		    names(p, "template", c->vm))
			return err_set(err, -EINVAL, "QubesVMInUseError",
				       KEEP "the disposable template of a qube by any of these properties: "
				       "default_dispvm, management_dispvm, template");
	}
	return 0;
}

/* ---- reactions ---- */

static bool same(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

/* Tells every AppVM of a template, by name, that the default of prop is another now. */
static void tell_appvms(const struct prop_change *c, const char *prop)
{
	for (size_t i = 0; i < c->sys->n_vms; i++) {
		struct vm *v = c->sys->vms[i];

		if (v->class == CLASS_APP && template_of(v) == c->vm && prop_at_default(v, prop))
			prop_changed(v, prop);
	}
}

void react_appvm_bootmode(const struct prop_change *c)
{
	if (!same(c->old, c->new))
		tell_appvms(c, "bootmode");
}

void react_inherited(const struct prop_change *c)
{
	if (c->vm->class == CLASS_TEMPLATE && !same(c->old, c->new))
		tell_appvms(c, c->def->name);
}

void react_icon(const struct prop_change *c)
{
	prop_changed(c->vm, "icon");
}

/* The tag that follows guivm, audiovm or relayvm: <property>-<qube>, at most one of them. */
static void follow_with_tag(struct vm *v, const char *prop, const char *name)
{
	CLEANUP_FREE char *prefix = xasprintf("%s-", prop);
	CLEANUP_FREE char *wanted = name ? xasprintf("%s-%s", prop, name) : NULL;
	CLEANUP_STRV struct strv old = STRV_INIT;

	for (size_t i = 0; i < v->tags.n; i++)
		if (skip_prefix(v->tags.v[i], prefix) && !same(v->tags.v[i], wanted))
			strv_add(&old, v->tags.v[i]);
	for (size_t i = 0; i < old.n; i++)
		tag_remove(v, old.v[i]);
	if (wanted && !strv_has(&v->tags, wanted))
		tag_add(v, wanted);
}

void react_tag(const struct prop_change *c)
{
	follow_with_tag(c->vm, c->def->name, c->new);
}

void react_default_tag(const struct prop_change *c)
{
	const char *prop = skip_prefix(c->def->name, "default_");

	for (size_t i = 0; i < c->sys->n_vms; i++) {
		struct prop_change n = *c;

		n.vm = c->sys->vms[i];
		if (!prop_at_default(n.vm, prop))
			continue;
		n.def = prop_def_find(n.vm, prop);
		follow_with_tag(n.vm, prop, c->new);
		announce_set(&n, "property-set");
	}
}

static void tell_default_dispvm(const struct prop_change *c, struct vm *v)
{
	struct prop_change n = *c;

	if (!prop_at_default(v, "default_dispvm"))
		return;
	n.vm = v;
	n.def = prop_def_find(v, "default_dispvm");
	announce_reset(&n, "property-reset");
}

void react_default_dispvm(const struct prop_change *c)
{
	tell_default_dispvm(c, c->sys->dom0);
	for (size_t i = 0; i < c->sys->n_vms; i++)
		if (c->sys->vms[i] != c->sys->dom0)
			tell_default_dispvm(c, c->sys->vms[i]);
}

void react_clockvm(const struct prop_change *c)
{
	static const char feature[] = "service.clocksync";
	struct vm *new = c->new ? vm_find(c->sys, c->new) : NULL;
	struct vm *old = c->old ? vm_find(c->sys, c->old) : NULL;
	CLEANUP_ERR struct err ignored = ERR_INIT;

	if (new == old)
		return;
	if (new)
		feature_set(new, feature, "1", &ignored);
	if (old && feature_get(old, feature))
		feature_remove(old, feature);
}
