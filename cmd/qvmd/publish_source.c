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
	struct vm *netvm;

	if (!v)
		return xstrdup("");
	/* asked of every qube, to find the clients of one */
	if (streq(prop, "netvm")) {
		netvm = netvm_of(v);
		return xstrdup(netvm ? netvm->name : "");
	}
	return prop_get(v, prop, NULL);
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
	struct strv *names = xcalloc(1, sizeof *names);

	/* borrowed names: only the vector is ours */
	names->v = xcalloc(s->n_vms + 1, sizeof *names->v);
	for (size_t i = 0; i < s->n_vms; i++)
		names->v[i] = s->vms[i]->name;
	names->n = s->n_vms;
	*ret = (struct key_source){
		.data = s, .prop = source_prop, .feature = source_feature, .features = source_features,
		.rules = source_rules,
		.qubes = names, .zone = zone, .now = time(NULL),
	};
}

void publish_source_release(struct key_source *src)
{
	struct strv *names = (struct strv *)src->qubes;

	free(names->v);
	free(names);
	src->qubes = NULL;
}
