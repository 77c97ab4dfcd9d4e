/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixtures: a YAML document that says what a new system holds (admin-api chapter 10). The base that every
 * system has (labels, first pools, dom0) need not be written. The format is in qvm-lab(1).
 */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/num.h"
#include "model/names.h"
#include "os/io.h"
#include "qvmd/fixture.h"
#include "qvmd/power.h"
#include "qvmd/property.h"
#include "qvmd/storage.h"

#define FIRST_OWN_LABEL 9 /* admin-api 10.1 */
#define MOST_BASES 8

static FILE *open_fixture(const char *name, char **ret_path, struct err *err);
static int load_file(struct sys *s, FILE *f, const char *path, int depth, struct err *err);

/* ---- the parts of a system ---- */

static int load_label(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	CLEANUP_FREE char *color = NULL;
	CLEANUP_ERR struct err why = ERR_INIT;
	int64_t index = FIRST_OWN_LABEL;
	const struct label *last = l->sys->n_labels ? &l->sys->labels[l->sys->n_labels - 1] : NULL;

	if (fixture_text(l, val, key, &color) < 0)
		return -EINVAL;
	if (name_check_label(key, true, &why) < 0)
		return fixture_bad_check(l, at, key, &why);
	if (name_check_label_value(color, &why) < 0)
		return fixture_bad_check(l, val, key, &why);
	if (label_find(l->sys, key))
		return fixture_bad(l, at, key, "the label exists already");
	if (last && last->index >= index)
		index = last->index + 1;
	label_put(l->sys, index, key, color);
	return 0;
}

static int load_config(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	CLEANUP_FREE char *s = NULL;

	if (fixture_text(l, val, key, &s) < 0)
		return -EINVAL;
	kvs_put(data, key, s, true);
	return 0;
}

struct pool_entry {
	char *name, *driver;
	struct kvs config;
};

static int load_pool_key(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	struct pool_entry *p = data;

	if (streq(key, "name"))
		return fixture_text(l, val, key, &p->name);
	if (streq(key, "driver"))
		return fixture_text(l, val, key, &p->driver);
	if (streq(key, "config"))
		return each_pair(l, val, key, load_config, &p->config);
	return fixture_bad(l, at, key, "a pool has no such key");
}

static int load_pool(struct load *l, void *data, yaml_node_t *item)
{
	struct pool_entry p = {0};
	int r = each_pair(l, item, "pools", load_pool_key, &p);

	if (r == 0 && (!p.name || !p.driver))
		r = fixture_bad(l, item, "pools", "a pool needs name and driver");
	if (r == 0 && (!*p.name || !chars_all(p.name, "A-Za-z0-9_.-")))
		r = fixture_bad(l, item, "name", "'%s' is not a name of a pool", p.name);
	if (r == 0 && !driver_find(p.driver))
		r = fixture_bad(l, item, "driver", "there is no driver '%s'", p.driver);
	if (r == 0) {
		pool_complete(&p.config, driver_find(p.driver));
		pool_put(l->sys, p.name, p.driver, &p.config);
	}
	free(p.name);
	free(p.driver);
	kvs_release(&p.config);
	return r;
}

static int load_kernel(struct load *l, void *data, yaml_node_t *item)
{
	CLEANUP_FREE char *s = NULL;

	if (fixture_text(l, item, "kernels", &s) < 0)
		return -EINVAL;
	if (!*s || strchr(s, '/'))
		return fixture_bad(l, item, "kernels", "'%s' is not a version of a kernel", s);
	kernel_put(l->sys, s);
	return 0;
}

static int load_global(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	CLEANUP_FREE char *s = NULL;
	const struct prop_def *def = prop_def_find(NULL, key);

	if (!def || def->mode != MODE_RW)
		return fixture_bad(l, at, key, "there is no such property to set");
	if (fixture_value(l, NULL, val, key, &s) < 0)
		return -EINVAL;
	global_put(l->sys, key, s);
	return 0;
}

/* ---- qubes ---- */

static int load_prop(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	struct vm *v = data;
	CLEANUP_FREE char *s = NULL;
	const struct prop_def *def = prop_def_find(v, key);

	if (!def || def->mode != MODE_RW || (def->dom0_ro && v->class == CLASS_ADMIN))
		return fixture_bad(l, at, key, "%s has no such property to set", class_names[v->class]);
	if (fixture_value(l, v, val, key, &s) < 0)
		return -EINVAL;
	vm_prop_put(v, key, s);
	return 0;
}

static int load_feature(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	CLEANUP_FREE char *s = NULL;
	CLEANUP_ERR struct err why = ERR_INIT;

	if (name_check_feature(key, &why) < 0)
		return fixture_bad_check(l, at, key, &why);
	if (fixture_text(l, val, key, &s) < 0)
		return -EINVAL;
	for (const char *p = s; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return fixture_bad(l, val, key, "%s value contains illegal characters", key);
	vm_feature_put(data, key, s);
	return 0;
}

static int load_tag(struct load *l, void *data, yaml_node_t *item)
{
	CLEANUP_FREE char *s = NULL;
	CLEANUP_ERR struct err why = ERR_INIT;

	if (fixture_text(l, item, "tags", &s) < 0)
		return -EINVAL;
	if (name_check_tag(s, &why) < 0)
		return fixture_bad_check(l, item, "tags", &why);
	vm_tag_put(data, s);
	return 0;
}

static int load_state(struct load *l, struct vm *v, yaml_node_t *val)
{
	CLEANUP_FREE char *s = NULL;
	int power = 0;

	if (fixture_text(l, val, "state", &s) < 0)
		return -EINVAL;
	while (power < POWER_COUNT && !streq(power_names[power], s))
		power++;
	if (power == POWER_COUNT)
		return fixture_bad(l, val, "state", "there is no state '%s'", s);
	v->power = (enum power)power;
	return 0;
}

static int load_qube_key(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	struct vm *v = data;
	CLEANUP_FREE char *s = NULL;

	static const char *const others[] = {"name", "class", "label", "repeat", "pools", "volumes"};

	/* add_qube(), each_round() and fixture_volumes() read them */
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (streq(others[i], key))
			return 0;
	if (streq(key, "template") || streq(key, "netvm"))
		return load_prop(l, v, key, at, val);
	if (streq(key, "properties"))
		return each_pair(l, val, key, load_prop, v);
	if (streq(key, "features"))
		return each_pair(l, val, key, load_feature, v);
	if (streq(key, "tags"))
		return each_item(l, val, key, load_tag, v);
	if (streq(key, "firewall"))
		return load_firewall(l, v, val);
	if (streq(key, "state"))
		return load_state(l, v, val);
	if (streq(key, "devices"))
		return each_item(l, val, key, load_device, v);
	if (streq(key, "assigned"))
		return each_item(l, val, key, load_assigned, v);
	if (!streq(key, "notes"))
		return fixture_bad(l, at, key, "a qube has no such key");
	if (fixture_text(l, val, key, &s) < 0)
		return -EINVAL;
	vm_notes_put(v, s);
	return 0;
}

/* What Create would have added (admin-api 2.4.1, 6.5). */
static void created_tags(struct vm *v)
{
	static const char *const follow[] = {"guivm", "audiovm", "relayvm"};

	if (v->class == CLASS_ADMIN)
		return;
	vm_tag_put(v, "created-by-dom0");
	for (size_t i = 0; i < ARRAY_SIZE(follow); i++) {
		const struct vm *other = vm_has_prop(v, follow[i]) ? prop_get_vm(v, follow[i]) : NULL;

		if (other) {
			CLEANUP_FREE char *tag = xasprintf("%s-%s", follow[i], other->name);

			vm_tag_put(v, tag);
		}
	}
}

/* AppVM and DispVM always have a template set; without one in the file it is the system's. */
static int ensure_template(struct load *l, struct vm *v, yaml_node_t *at)
{
	const char *t = kvs_get(&v->props, "template"), *global;
	const struct vm *other;

	if (v->class != CLASS_APP && v->class != CLASS_DISP)
		return 0;
	global = kvs_get(&l->sys->globals, v->class == CLASS_APP ? "default_template" : "default_dispvm");
	if ((!t || !*t) && global && *global) {
		vm_prop_put(v, "template", global);
		t = global;
	}
	other = t ? vm_find(l->sys, t) : NULL;
	if (!other)
		return fixture_bad(l, at, v->name, "a template is needed, and the system has no default one");
	if (v->class == CLASS_APP ? other->class != CLASS_TEMPLATE
				  : other->class != CLASS_APP && other->class != CLASS_STANDALONE)
		return fixture_bad(l, at, v->name, "%s cannot be the template of %s", t, class_names[v->class]);
	return 0;
}

static int add_qube(struct load *l, yaml_node_t *item, const char *name)
{
	CLEANUP_FREE char *class = NULL, *label = NULL;
	CLEANUP_ERR struct err why = ERR_INIT;
	yaml_node_t *class_at = fixture_get(l, item, "class"), *label_at = fixture_get(l, item, "label");
	int c;

	if (streq(name, "dom0"))
		return class_at ? fixture_bad(l, class_at, "class", "that of dom0 is fixed") : 0;
	if (name_check_qube(name, &why) < 0)
		return fixture_bad_check(l, item, name, &why);
	if (vm_find(l->sys, name))
		return fixture_bad(l, item, name, "the qube exists already");
	if (class_at ? fixture_text(l, class_at, "class", &class) < 0 : !(class = xstrdup("AppVM")))
		return -EINVAL;
	if (label_at ? fixture_text(l, label_at, "label", &label) < 0 : !(label = xstrdup("red")))
		return -EINVAL;
	c = class_from_name(class);
	if (c < 0 || c == CLASS_ADMIN)
		return fixture_bad(l, class_at, "class", "'%s' is not the class of a new qube", class);
	if (!label_find(l->sys, label))
		return fixture_bad(l, label_at ? label_at : item, "label", "there is no label '%s'", label);
	vm_add(l->sys, (enum class)c, name, label);
	return 0;
}

static int set_qube(struct load *l, yaml_node_t *item, const char *name)
{
	struct vm *v = vm_find(l->sys, name);
	yaml_node_t *label_at = fixture_get(l, item, "label");
	CLEANUP_FREE char *label = NULL;
	int r = each_pair(l, item, "qubes", load_qube_key, v);

	if (r == 0 && v->class == CLASS_ADMIN && label_at) {
		r = fixture_text(l, label_at, "label", &label);
		if (r == 0 && !label_find(l->sys, label))
			r = fixture_bad(l, label_at, "label", "there is no label '%s'", label);
		if (r == 0)
			vm_prop_put(v, "label", label);
	}
	if (r == 0)
		r = ensure_template(l, v, item);
	return r == 0 ? fixture_volumes(l, v, item) : r;
}

/* Needs all qubes with their properties: what one says about another. */
static int finish_qube(struct load *l, yaml_node_t *item, const char *name)
{
	struct vm *v = vm_find(l->sys, name);
	const struct vm *other;

	other = vm_has_prop(v, "netvm") ? prop_get_vm(v, "netvm") : NULL;
	if (other) {
		const char *provides = kvs_get(&other->props, "provides_network");

		if (!provides || !streq(provides, "True"))
			return fixture_bad(l, item, v->name, "its netvm %s does not provide network", other->name);
	}
	created_tags(v);
	if (power_is_switched(v) && v->power != POWER_HALTED) {
		enum power power = v->power;

		power_on(v);
		v->power = power;
	}
	return 0;
}

typedef int (*qube_fn)(struct load *l, yaml_node_t *item, const char *name);

/* Calls fn for an entry, or for each of those that it stands for. */
static int each_round(struct load *l, void *data, yaml_node_t *item)
{
	qube_fn fn = *(qube_fn *)data;
	CLEANUP_FREE char *count = NULL;
	yaml_node_t *name_at, *repeat_at;
	uint64_t n = 1;
	int r = 0;

	if (item->type != YAML_MAPPING_NODE)
		return fixture_bad(l, item, "qubes", "keys and values are expected");
	name_at = fixture_get(l, item, "name");
	repeat_at = fixture_get(l, item, "repeat");
	if (!name_at)
		return fixture_bad(l, item, "qubes", "a qube needs a name");
	if (repeat_at && fixture_text(l, repeat_at, "repeat", &count) < 0)
		return -EINVAL;
	if (count && (num_u64(count, &n) < 0 || n > 10000))
		return fixture_bad(l, repeat_at, "repeat", "a number up to 10000 is expected");
	l->repeated = count != NULL;
	for (l->round = 1; r == 0 && l->round <= (int64_t)n; l->round++) {
		CLEANUP_FREE char *name = NULL;

		r = fixture_text(l, name_at, "name", &name);
		if (r == 0)
			r = fn(l, item, name);
	}
	l->repeated = false;
	return r;
}

/* ---- the document ---- */

static int check_key(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	static const char *const keys[] = {"base", "labels", "pools", "kernels", "globals", "qubes"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (streq(keys[i], key))
			return 0;
	return fixture_bad(l, at, key, "a fixture has no such key");
}

/* The fixture that this one begins with. */
static int load_base(struct load *l, yaml_node_t *n, int depth)
{
	CLEANUP_FREE char *base = NULL;
	CLEANUP_FREE char *path = NULL;
	CLEANUP_ERR struct err why = ERR_INIT;
	FILE *f;

	if (!depth)
		return fixture_bad(l, n, "base", "too many levels");
	if (fixture_text(l, n, "base", &base) < 0)
		return -EINVAL;
	f = open_fixture(base, &path, &why);
	return f ? load_file(l->sys, f, path, depth - 1, l->err) : fixture_bad_check(l, n, "base", &why);
}

static int load_document(struct load *l, yaml_node_t *root, int depth)
{
	static const qube_fn passes[] = {add_qube, set_qube, finish_qube};
	yaml_node_t *n;
	int r = each_pair(l, root, "fixture", check_key, NULL);

	if (r < 0 || root->type != YAML_MAPPING_NODE)
		return r;
	if ((n = fixture_get(l, root, "base")))
		r = load_base(l, n, depth);
	if (r == 0 && (n = fixture_get(l, root, "labels")))
		r = each_pair(l, n, "labels", load_label, NULL);
	if (r == 0 && (n = fixture_get(l, root, "pools")))
		r = each_item(l, n, "pools", load_pool, NULL);
	if (r == 0 && (n = fixture_get(l, root, "kernels")))
		r = each_item(l, n, "kernels", load_kernel, NULL);
	/* Every qube is there before anything refers to one. */
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(passes); i++) {
		qube_fn fn = passes[i];

		if (i == 1 && (n = fixture_get(l, root, "globals")))
			r = each_pair(l, n, "globals", load_global, NULL);
		if (r == 0 && (n = fixture_get(l, root, "qubes")))
			r = each_item(l, n, "qubes", each_round, &fn);
	}
	return r;
}

static FILE *open_fixture(const char *name, char **ret_path, struct err *err)
{
	CLEANUP_FREE char *beside = program_beside("share/qvm-tools/fixtures");
	const char *dirs[] = {getenv("QVM_FIXTURE_DIR"), beside, QVM_DATADIR "/fixtures"};
	size_t n = strlen(name);
	bool is_path = strchr(name, '/') || (n > 5 && streq(name + n - 5, ".yaml"));
	FILE *f = NULL;

	for (size_t i = 0; !f && i < (is_path ? 1 : ARRAY_SIZE(dirs)); i++) {
		CLEANUP_FREE char *path = NULL;

		if (!is_path && !dirs[i])
			continue;
		path = is_path ? xstrdup(name) : xasprintf("%s/%s.yaml", dirs[i], name);
		f = fopen(path, "re");
		if (f)
			*ret_path = STEAL(path);
	}
	if (!f && is_path)
		err_set(err, -errno, "", "cannot read %s: %s", name, strerror(errno));
	else if (!f)
		err_set(err, -ENOENT, "", "there is no fixture '%s' (a path has a slash or ends in .yaml)", name);
	return f;
}

/* Reads f to its end and closes it. */
static int load_file(struct sys *s, FILE *f, const char *path, int depth, struct err *err)
{
	struct load l = {.sys = s, .path = path, .err = err};
	yaml_parser_t parser;
	yaml_node_t *root;
	int r;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_file(&parser, f);
	if (yaml_parser_load(&parser, &l.doc)) {
		root = yaml_document_get_root_node(&l.doc);
		r = root ? load_document(&l, root, depth) : 0;
		yaml_document_delete(&l.doc);
	} else {
		r = err_set(err, -EINVAL, "", "%s:%zu:%zu: %s", path, parser.problem_mark.line + 1,
			    parser.problem_mark.column + 1, parser.problem ? parser.problem : "unreadable");
	}
	yaml_parser_delete(&parser);
	fclose(f);
	return r;
}

int fixture_load(struct sys *s, const char *name_or_path, struct err *err)
{
	CLEANUP_FREE char *path = NULL;
	FILE *f = open_fixture(name_or_path, &path, err);

	return f ? load_file(s, f, path, MOST_BASES, err) : -ENOENT;
}
