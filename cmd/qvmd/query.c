/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Enumerations (admin-api 2.2) and the overview for other daemons (2.16). */
#include <json-c/json.h>

#include "qvmd/policy.h"

static void add_line(struct buf *b, const struct vm *v, bool with_uuid)
{
	buf_addstr(b, v->name);
	buf_add(b, " class=", 7);
	buf_addstr(b, class_names[v->class]);
	buf_add(b, " state=", 7);
	buf_addstr(b, power_names[v->power]);
	if (with_uuid) {
		buf_add(b, " uuid=", 6);
		buf_add(b, v->uuid, 36);
	}
	buf_addch(b, '\n');
}

/* A qube sees those about which policy lets it make this call (admin-api 2.14). */
static bool may_see(const struct req *r, const struct vm *v)
{
	return r->source == r->sys->dom0 || !policy_is_on(r->sys) ||
	       policy_lets(r->sys, r->source, "admin.vm.List", r->arg, v);
}

static void vm_list(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct sys *s = r->sys;
	bool with_uuid = s->opt.compat != 42;

	if (r->dest != s->dom0) {
		add_line(&b, r->dest, with_uuid);
	} else {
		buf_reserve(&b, s->n_vms * 112);
		if (may_see(r, s->dom0))
			add_line(&b, s->dom0, with_uuid);
		for (size_t i = 0; i < s->n_vms; i++)
			if (s->vms[i] != s->dom0 && may_see(r, s->vms[i]))
				add_line(&b, s->vms[i], with_uuid);
	}
	req_ok_buf(r, &b);
}

static void vmclass_list(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (int i = 0; i < CLASS_COUNT; i++)
		if (i != CLASS_REMOTE || r->sys->opt.compat != 42)
			buf_addf(&b, "%s\n", class_names[i]);
	req_ok_buf(r, &b);
}

static void deviceclass_list(struct req *r)
{
	req_ok(r, "block\nmic\npci\nusb\n");
}

/* ---- internal.GetSystemInfo ---- */

/* Takes a text for a member; NULL and "" become null. */
static void put(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, text && *text ? json_object_new_string(text) : NULL);
}

static void put_prop(struct json_object *o, struct vm *v, const char *prop)
{
	CLEANUP_FREE char *value = vm_has_prop(v, prop) ? prop_get(v, prop, NULL) : NULL;

	put(o, prop, value);
}

static struct json_object *domain_info(struct vm *v)
{
	struct json_object *o = json_object_new_object();
	struct json_object *tags = json_object_new_array();
	const char *label = kvs_get(&v->props, "label");
	const struct label *l = label ? label_find(v->sys, label) : NULL;
	CLEANUP_BUF struct buf icon = BUF_INIT;

	for (size_t i = 0; i < v->tags.n; i++)
		json_object_array_add(tags, json_object_new_string(v->tags.v[i]));
	put(o, "internal", kvs_get(&v->features, "internal"));
	json_object_object_add(o, "tags", tags);
	put(o, "type", class_names[v->class]);
	json_object_object_add(o, "template_for_dispvms",
			       json_object_new_boolean(vm_has_prop(v, "template_for_dispvms") &&
						       prop_get_bool(v, "template_for_dispvms")));
	put_prop(o, v, "default_dispvm");
	if (label)
		buf_addf(&icon, "appvm-%s", label);
	put(o, "icon", buf_str(&icon));
	put(o, "label", l ? l->color : NULL);
	put_prop(o, v, "guivm");
	put_prop(o, v, "relayvm");
	put_prop(o, v, "transport_rpc");
	put(o, "power_state", power_names[v->power]);
	put(o, "uuid", v->uuid);
	return o;
}

static void system_info(struct req *r)
{
	struct json_object *top = json_object_new_object();
	struct json_object *domains = json_object_new_object();

	json_object_object_add(top, "domains", domains);
	for (size_t i = 0; i < r->sys->n_vms; i++)
		json_object_object_add(domains, r->sys->vms[i]->name, domain_info(r->sys->vms[i]));
	req_ok(r, json_object_to_json_string_ext(top, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(top);
}

const struct method methods_list[] = {
	{"admin.vm.List", "S23N", DEST_ANY, PART_NONE, PART_NONE, ACCESS_READ, vm_list},
	{"admin.vmclass.List", "S23N", DEST_DOM0, PART_NONE, PART_NONE, ACCESS_READ, vmclass_list},
	{"admin.deviceclass.List", "-23N", DEST_DOM0, PART_NONE, PART_NONE, ACCESS_READ, deviceclass_list},
	{"internal.GetSystemInfo", "-23N", DEST_DOM0, PART_NONE, PART_NONE, ACCESS_READ, system_info},
	METHOD_END,
};
