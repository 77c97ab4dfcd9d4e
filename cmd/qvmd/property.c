/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and changing properties, of qubes and of the system, for the calls and for other modules. */
#include <errno.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/num.h"
#include "qvmd/property.h"

/* ---- reading ---- */

static const struct prop_def *find_in(const struct prop_def *defs, unsigned class_bit, const char *name)
{
	for (const struct prop_def *d = defs; d->name; d++)
		if (d->name[0] == name[0] && streq(d->name, name))
			return !class_bit || d->classes & class_bit ? d : NULL;
	return NULL;
}

const struct prop_def *prop_def_find(const struct vm *v, const char *name)
{
	return v ? find_in(vm_prop_defs, 1U << v->class, name) : find_in(global_prop_defs, 0, name);
}

static enum prop_mode mode_of(const struct vm *v, const struct prop_def *def)
{
	if (v && v->class == CLASS_ADMIN && (def->mode == MODE_ONCE || def->dom0_ro))
		return MODE_RO;
	return def->mode;
}

bool prop_has_default(const struct vm *v, const struct prop_def *def)
{
	return mode_of(v, def) != MODE_ONCE && (def->text || def->fallback);
}

static char *computed(struct sys *s, struct vm *v, const struct prop_def *def)
{
	if (def->fallback)
		return def->fallback(s, v, def);
	return def->text ? xstrdup(def->text) : NULL;
}

/* Types whose empty text means none keep NULL for it. */
static char *none_as_null(const struct prop_def *def, char *value)
{
	if (value && !*value && def->type != PROP_STR) {
		free(value);
		return NULL;
	}
	return value;
}

char *prop_default_value(struct sys *s, struct vm *v, const struct prop_def *def)
{
	return none_as_null(def, prop_has_default(v, def) ? computed(s, v, def) : NULL);
}

static const char *stored(const struct sys *s, const struct vm *v, const struct prop_def *def)
{
	return kvs_get(v ? &v->props : &s->globals, def->name);
}

char *prop_value(struct sys *s, struct vm *v, const struct prop_def *def, bool *ret_default)
{
	enum prop_mode mode = mode_of(v, def);
	const char *set = mode == MODE_RW ? stored(s, v, def) : NULL;

	if (ret_default)
		*ret_default = !set && mode != MODE_ONCE;
	return none_as_null(def, set ? xstrdup(set) : computed(s, v, def));
}

bool prop_at_default(const struct vm *v, const char *name)
{
	return prop_def_find(v, name) && !kvs_get(&v->props, name);
}

char *prop_get(struct vm *v, const char *prop, bool *ret_default)
{
	const struct prop_def *def = prop_def_find(v, prop);
	char *value;

	if (ret_default)
		*ret_default = true;
	value = def ? prop_value(v->sys, v, def, ret_default) : NULL;
	return value ? value : xstrdup("");
}

bool prop_get_bool(struct vm *v, const char *prop)
{
	CLEANUP_FREE char *value = prop_get(v, prop, NULL);

	return streq(value, "True");
}

int64_t prop_get_int(struct vm *v, const char *prop, int64_t unset)
{
	CLEANUP_FREE char *value = prop_get(v, prop, NULL);
	int64_t n;

	return num_i64(value, &n) == 0 ? n : unset;
}

struct vm *prop_get_vm(struct vm *v, const char *prop)
{
	CLEANUP_FREE char *value = prop_get(v, prop, NULL);

	return *value ? vm_find(v->sys, value) : NULL;
}

bool vm_has_prop(const struct vm *v, const char *prop)
{
	return prop_def_find(v, prop);
}

static bool refers(const struct kvs *props, const struct prop_def *defs, const char *name)
{
	for (size_t i = 0; i < props->n; i++) {
		const struct prop_def *def;

		if (!streq(props->v[i].value, name))
			continue;
		def = find_in(defs, 0, props->v[i].key);
		if (def && def->type == PROP_VM)
			return true;
	}
	return false;
}

bool vm_is_referenced(struct vm *v)
{
	struct sys *s = v->sys;

	if (refers(&s->globals, global_prop_defs, v->name))
		return true;
	for (size_t i = 0; i < s->n_vms; i++)
		if (s->vms[i] != v && refers(&s->vms[i]->props, vm_prop_defs, v->name))
			return true;
	return false;
}

/* ---- changing ---- */

static const char *shown(const char *value)
{
	return value ? value : "None";
}

void announce_set(const struct prop_change *c, const char *what)
{
	CLEANUP_FREE char *event = xasprintf("%s:%s", what, c->def->name);

	/* Without an old value its key ends the list. */
	fire(c->sys, c->vm, event, "name", c->def->name, "newvalue", shown(c->new),
	     c->has_old ? "oldvalue" : NULL, shown(c->old), NULL);
}

void announce_reset(const struct prop_change *c, const char *what)
{
	CLEANUP_FREE char *event = xasprintf("%s:%s", what, c->def->name);

	fire(c->sys, c->vm, event, "name", c->def->name, c->has_old ? "oldvalue" : NULL, shown(c->old), NULL);
}

void prop_changed(struct vm *v, const char *prop)
{
	CLEANUP_FREE char *event = xasprintf("property-reset:%s", prop);

	fire(v->sys, v, event, "name", prop, NULL);
}

static int refuse_mode(const struct prop_change *c, struct err *err)
{
	enum prop_mode mode = mode_of(c->vm, c->def);

	if (mode == MODE_ONCE)
		return err_set(err, -EINVAL, "QubesPropertyValueError",
			       "property '%s' is write-once and already set", c->def->name);
	if (mode == MODE_RO && !c->reset)
		return err_set(err, -EINVAL, "QubesPropertyValueError",
			       "property '%s' on %s instance cannot be set", c->def->name,
			       c->vm ? class_names[c->vm->class] : "Qubes");
	return 0;
}

static int no_such_property(const struct vm *v, const char *name, struct err *err)
{
	CLEANUP_FREE char *quoted = quote_py(name);

	return err_set(err, -EINVAL, "QubesNoSuchPropertyError", "Invalid property %s of %s", quoted,
		       v ? v->name : "Qubes");
}

/* Begins a change: the row of the table, and the old value. */
static int begin(struct sys *s, struct vm *v, const char *prop, struct prop_change *c, char **old,
		 struct err *err)
{
	*c = (struct prop_change){ .sys = s, .vm = v, .def = prop_def_find(v, prop) };
	if (!c->def)
		return no_such_property(v, prop, err);
	*old = prop_value(s, v, c->def, NULL);
	c->old = *old;
	c->has_old = *old || stored(s, v, c->def) || prop_has_default(v, c->def);
	return 0;
}

static void store(const struct prop_change *c, const char *value)
{
	if (c->vm && value)
		vm_prop_put(c->vm, c->def->name, value);
	else if (c->vm)
		vm_prop_del(c->vm, c->def->name);
	else if (value)
		global_put(c->sys, c->def->name, value);
	else
		global_del(c->sys, c->def->name);
}

static int change_set(struct sys *s, struct vm *v, const char *prop, const char *text, size_t len,
		      struct err *err)
{
	struct prop_change c;
	CLEANUP_FREE char *old = NULL;
	CLEANUP_FREE char *value = NULL;
	int r = begin(s, v, prop, &c, &old, err);

	if (r == 0)
		r = prop_parse(&c, text, len, &value, err);
	if (r == 0 && c.def->clean)
		r = c.def->clean(&c, &value, err);
	if (r == 0)
		r = refuse_mode(&c, err);
	if (r < 0)
		return r;
	c.new = *value || c.def->type == PROP_STR ? value : NULL;

	announce_set(&c, "property-pre-set");
	if (c.def->check) {
		r = c.def->check(&c, err);
		if (r < 0)
			return r;
	}
	store(&c, value);
	if (c.def->react)
		c.def->react(&c);
	announce_set(&c, "property-set");
	if (c.def->late)
		c.def->late(&c);
	return 0;
}

static int change_reset(struct sys *s, struct vm *v, const char *prop, struct err *err)
{
	struct prop_change c;
	CLEANUP_FREE char *old = NULL;
	CLEANUP_FREE char *value = NULL;
	int r = begin(s, v, prop, &c, &old, err);

	c.reset = true;
	if (r == 0)
		r = refuse_mode(&c, err);
	if (r < 0)
		return r;
	value = prop_default_value(s, v, c.def);
	c.new = value;

	announce_reset(&c, "property-pre-reset");
	if (c.def->check) {
		r = c.def->check(&c, err);
		if (r < 0)
			return r;
	}
	announce_reset(&c, "property-pre-del");
	store(&c, NULL);
	if (c.def->react)
		c.def->react(&c);
	announce_reset(&c, "property-reset");
	announce_reset(&c, "property-del");
	if (c.def->late)
		c.def->late(&c);
	return 0;
}

int prop_set(struct vm *v, const char *prop, const char *value, struct err *err)
{
	return change_set(v->sys, v, prop, value, strlen(value), err);
}

int prop_reset(struct vm *v, const char *prop, struct err *err)
{
	return change_reset(v->sys, v, prop, err);
}

/* ---- the calls (admin-api 2.5) ---- */

/* The qube a call is about; NULL when it is about the system. */
static struct vm *holder(const struct req *r)
{
	return skip_prefix(r->method->name, "admin.vm.") ? r->dest : NULL;
}

/* The property named by the argument; NULL after an answer. */
static const struct prop_def *wanted(struct req *r)
{
	const struct prop_def *def = prop_def_find(holder(r), r->arg);
	CLEANUP_ERR struct err err = ERR_INIT;

	if (!def) {
		no_such_property(holder(r), r->arg, &err);
		req_fail_err(r, &err);
	}
	return def;
}

/* The rows of one holder, in the order of List. */
static const struct prop_def *next_def(const struct vm *v, const struct prop_def *d)
{
	if (!d)
		d = v ? vm_prop_defs : global_prop_defs;
	else
		d++;
	while (d->name && v && !(d->classes & 1U << v->class))
		d++;
	return d->name ? d : NULL;
}

static void list(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct vm *v = holder(r);

	for (const struct prop_def *d = next_def(v, NULL); d; d = next_def(v, d))
		buf_addf(&b, "%s\n", d->name);
	req_ok_buf(r, &b);
}

static const char *text_of(const char *value)
{
	return value ? value : "";
}

static void get(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_FREE char *value = NULL;
	const struct prop_def *def = wanted(r);
	bool is_default;

	if (!def)
		return;
	value = prop_value(r->sys, holder(r), def, &is_default);
	propval_encode(&b, is_default, def->type, text_of(value));
	req_ok_buf(r, &b);
}

static void get_all(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct vm *v = holder(r);

	for (const struct prop_def *d = next_def(v, NULL); d; d = next_def(v, d)) {
		bool is_default;
		CLEANUP_FREE char *value = prop_value(r->sys, v, d, &is_default);

		propval_encode_line(&b, d->name, is_default, d->type, text_of(value));
	}
	req_ok_buf(r, &b);
}

static void get_default(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_FREE char *value = NULL;
	const struct prop_def *def = wanted(r);

	if (!def)
		return;
	if (prop_has_default(holder(r), def)) {
		value = prop_default_value(r->sys, holder(r), def);
		buf_addf(&b, "type=%s %s", prop_type_name(def->type), text_of(value));
	}
	req_ok_buf(r, &b);
}

static void finish(struct req *r, int result, const struct err *err)
{
	if (result < 0)
		req_fail_err(r, err);
	else
		req_ok(r, "");
}

static void set(struct req *r)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	finish(r, change_set(r->sys, holder(r), r->arg, r->payload, r->payload_len, &err), &err);
}

static void reset(struct req *r)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	finish(r, change_reset(r->sys, holder(r), r->arg, &err), &err);
}

/* The texts hold nothing that reStructuredText would read as markup, so both calls send the same. */
static void help(struct req *r)
{
	const struct prop_def *def = wanted(r);

	if (def)
		req_ok(r, def->help);
}

#define SAME_CALLS(prefix, dest)                                                                            \
	{ prefix "List", "S23N", dest, PART_NONE, PART_NONE, ACCESS_READ, list },                          \
	{ prefix "Get", "S23N", dest, PART_NEEDED, PART_NONE, ACCESS_READ, get },                          \
	{ prefix "GetAll", "S23N", dest, PART_NONE, PART_NONE, ACCESS_READ, get_all },                     \
	{ prefix "GetDefault", "S23N", dest, PART_NEEDED, PART_NONE, ACCESS_READ, get_default },           \
	{ prefix "Set", "S23N", dest, PART_NEEDED, PART_OPTIONAL, ACCESS_WRITE, set },                     \
	{ prefix "Reset", "S23N", dest, PART_NEEDED, PART_NONE, ACCESS_WRITE, reset },                     \
	{ prefix "Help", "S23N", dest, PART_NEEDED, PART_NONE, ACCESS_READ, help },                        \
	{ prefix "HelpRst", "S---", dest, PART_NEEDED, PART_NONE, ACCESS_READ, help }

const struct method methods_property[] = {
	SAME_CALLS("admin.vm.property.", DEST_ANY),
	SAME_CALLS("admin.property.", DEST_DOM0),
	METHOD_END,
};
