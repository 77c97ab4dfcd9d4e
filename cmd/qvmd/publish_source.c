/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's memory as keys are derived from it. */
#include "base/mem.h"
#include "qvmd/publish.h"
#include "qvmd/property.h"
#include "vmif/derive.h"

static struct sys *sys_of(const struct key_source *src)
{
	return src->data;
}

static char *source_prop(const struct key_source *src, const char *qube, const char *prop)
{
	struct vm *v = vm_find(sys_of(src), qube);

	return v ? prop_get(v, prop, NULL) : xstrdup("");
}

static const char *source_feature(const struct key_source *src, const char *qube, const char *feature)
{
	const struct vm *v = vm_find(sys_of(src), qube);

	return v ? feature_get(v, feature) : NULL;
}

static void source_features(const struct key_source *src, const char *qube, struct strv *ret)
{
	const struct vm *v = vm_find(sys_of(src), qube);

	for (size_t i = 0; v && i < v->features.n; i++)
		strv_add(ret, v->features.v[i].key);
}

/* Asked of all qubes with each start: no property is looked for that a class has not. */
static struct vm *named_by(struct vm *v, const char *prop)
{
	if (streq(prop, "netvm"))
		return netvm_of(v);
	if (streq(prop, "relayvm") && v->class != CLASS_REMOTE)
		return NULL;
	return prop_get_vm(v, prop);
}

static void source_naming(const struct key_source *src, const char *prop, const char *qube, struct strv *ret)
{
	struct sys *s = sys_of(src);
	const struct vm *named = vm_find(s, qube);

	for (size_t i = 0; named && i < s->n_vms; i++)
		if (named_by(s->vms[i], prop) == named)
			strv_add(ret, s->vms[i]->name);
}

static char *source_rules(const struct key_source *src, const char *qube)
{
	const struct vm *v = vm_find(sys_of(src), qube);
	CLEANUP_BUF struct buf text = BUF_INIT;

	if (v)
		fw_rules_print(&text, firewall_rules(v), FW_SERVER);
	return buf_steal(&text);
}

void publish_source_init(struct key_source *ret, struct sys *s, const char *zone)
{
	*ret = (struct key_source){
		.data = s, .prop = source_prop, .feature = source_feature, .features = source_features,
		.rules = source_rules, .naming = source_naming,
		.zone = zone, .now = time(NULL),
	};
}
