/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Create and CreateInPool: options, who may be whose template, the new qube (admin-api 2.4.1). */
#include "qvmd/create.h"

#include <errno.h>

#include "base/mem.h"
#include "model/names.h"
#include "qvmd/storage.h"

/* What the payload asks for. */
struct wish {
	char *name;
	char *label;
	char *pool;        /* for all volumes, or NULL */
	struct kvs pools;  /* volume -> pool */
};

static void wish_release(struct wish *w)
{
	free(w->name);
	free(w->label);
	free(w->pool);
	kvs_release(&w->pools);
}

/* ---- volumes ---- */

/* Copied from the template at each start, so it lies where its origin lies (admin-api 7.1). */
static bool is_copied(enum class class, const char *volume)
{
	return streq(volume, "root") ? class == CLASS_APP || class == CLASS_DISP :
				       streq(volume, "private") && class == CLASS_DISP;
}

/* One pool for all is one for each, but for the kernel, which is read-only and stays where kernels are. */
static void spread_pool(struct wish *w, enum class class)
{
	for (int id = 0; w->pool && id < VOLUME_COUNT; id++)
		if (!is_copied(class, volume_names[id]) && id != VOLUME_KERNEL)
			kvs_put(&w->pools, volume_names[id], w->pool, false);
}

/* ---- the payload ---- */

static int protocol(struct err *err, const char *text)
{
	return err_set(err, -EINVAL, "ProtocolError", "%s", text);
}

static int check_pool(struct sys *s, const char *pool, struct err *err)
{
	if (pool_find(s, pool))
		return 0;
	return err_set(err, -ENOENT, "QubesException", "Unknown storage pool %s", pool);
}

static int read_label(struct sys *s, struct wish *w, const char *value, struct err *err)
{
	if (name_check_label(value, true, err) < 0)
		return -EINVAL;
	if (!label_find(s, value))
		return err_set(err, -ENOENT, "QubesLabelNotFoundError", "Label does not exist: %s", value);
	w->label = xstrdup(value);
	return 0;
}

static int read_volume_pool(struct sys *s, struct wish *w, const char *volume, const char *value,
			    struct err *err)
{
	if (volume_from_name(volume) < 0)
		return protocol(err, "Volume must be one of: root, private, volatile, kernel");
	if (kvs_get(&w->pools, volume))
		return err_set(err, -EINVAL, "ProtocolError", "Option 'pool:%s' must be unique", volume);
	if (check_pool(s, value, err) < 0)
		return -EINVAL;
	kvs_put(&w->pools, volume, value, false);
	return 0;
}

static int read_option(struct sys *s, struct wish *w, bool allow_pool, char *word, struct err *err)
{
	char *value = strchr(word, '=');
	const char *volume = skip_prefix(word, "pool:");

	if (!value)
		return protocol(err, "Options must be words of the form key=value with one space between them");
	*value++ = '\0';
	if ((w->name && streq(word, "name")) || (w->label && streq(word, "label")) ||
	    (w->pool && streq(word, "pool")))
		return protocol(err, "Options must be unique");
	if (streq(word, "name")) {
		w->name = xstrdup(value);
		return name_check_qube(value, err);
	}
	if (streq(word, "label"))
		return read_label(s, w, value, err);
	if (!volume && !streq(word, "pool"))
		return protocol(err, "Options does not match: name, label, pool, pool:");
	if (!allow_pool)
		return protocol(err, "Pool option specified but 'allow_pool' is False");
	if (volume)
		return read_volume_pool(s, w, volume, value, err);
	w->pool = xstrdup(value);
	return check_pool(s, value, err);
}

static int read_wish(struct req *r, bool allow_pool, struct wish *w, struct err *err)
{
	CLEANUP_FREE char *text = xmemdup0(r->payload, r->payload_len);
	char *end = text;

	for (size_t i = 0; i < r->payload_len; i++)
		if (!text[i] || (unsigned char)text[i] >= 0x80)
			return protocol(err, "Parameters contains non-ASCII characters");
	for (char *word = text; end; word = end ? end + 1 : NULL) {
		end = strchr(word, ' ');
		if (end)
			*end = '\0';
		if (read_option(r->sys, w, allow_pool, word, err) < 0)
			return -EINVAL;
	}
	if (!w->name)
		return protocol(err, "Creation requested without key: name");
	if (!w->label)
		return protocol(err, "Creation requested without key: label");
	if (w->pool && w->pools.n)
		return protocol(err, "Conflicting options specified: 'pool=', 'pool:volume='");
	return 0;
}

/* ---- templates ---- */

bool is_dispvm_template(struct vm *v)
{
	return vm_has_prop(v, "template_for_dispvms") && prop_get_bool(v, "template_for_dispvms");
}

/* Whether t may be the template of a qube of this class. */
static int check_template(enum class class, struct vm *t, struct err *err)
{
	if (!t)
		return err_set(err, -EINVAL, "QubesValueError",
			       "Template for the qube not specified, nor default template set.");
	if (class == CLASS_APP && t->class != CLASS_TEMPLATE)
		return err_set(err, -EINVAL, "QubesPropertyValueError",
			       "wrong VM class: domains['%s'] is of type %s and not TemplateVM", t->name,
			       class_names[t->class]);
	if (class == CLASS_DISP && !is_dispvm_template(t))
		return err_set(err, -EINVAL, "QubesValueError",
			       "template for disposable (%s) needs to be an AppVM with template_for_dispvms=True",
			       t->name);
	return 0;
}

/* ---- the qube ---- */

/* The settings of a disposable's template which may be copied (admin-api 4.6), without any event. */
static void inherit(struct vm *v, const struct vm *t)
{
	static const char *const own[] = { "name", "qid", "uuid", "dispid", "template", "label" };

	for (size_t i = 0; i < t->props.n; i++) {
		const struct kv *p = &t->props.v[i];
		bool skip = !vm_has_prop(v, p->key);

		for (size_t k = 0; k < ARRAY_SIZE(own) && !skip; k++)
			skip = streq(own[k], p->key);
		if (!skip)
			vm_prop_put(v, p->key, p->value);
	}
	for (size_t i = 0; i < t->features.n; i++)
		if (!skip_prefix(t->features.v[i].key, "preload-dispvm"))
			vm_feature_put(v, t->features.v[i].key, t->features.v[i].value);
	for (size_t i = 0; i < t->tags.n; i++)
		vm_tag_put(v, t->tags.v[i]);
	firewall_copy(v, t);
}

/* The tag which follows a property; the qube is not announced yet, so nobody hears of it. */
static void put_follower(struct vm *v, const char *prop)
{
	struct vm *of = vm_has_prop(v, prop) ? prop_get_vm(v, prop) : NULL;
	CLEANUP_FREE char *tag = of ? xasprintf("%s-%s", prop, of->name) : NULL;

	if (tag)
		vm_tag_put(v, tag);
}

struct vm *create_qube(struct sys *s, enum class class, const char *name, const char *label,
		       struct vm *template)
{
	struct vm *v = vm_add(s, class, name, label);
	CLEANUP_FREE char *updates = global_get(s, "check_updates_vm", NULL);

	if (template)
		vm_prop_put(v, "template", template->name);
	if (template && class == CLASS_DISP)
		inherit(v, template);
	if (streq(updates, "False") && class != CLASS_REMOTE)
		vm_feature_put(v, "check-updates", "");
	put_follower(v, "guivm");
	put_follower(v, "audiovm");
	fire(s, NULL, "domain-add", "vm", v->name, NULL);
	return v;
}

/* ---- the calls ---- */

static void fail_template(struct req *r, enum class class)
{
	req_fail(r, r->sys->opt.compat ? "QubesValueError" : "ProtocolError", "%s cannot be based on template",
		 class_names[class]);
}

static void fail_taken(struct req *r, const char *name)
{
	if (r->sys->opt.compat)
		req_fail(r, "QubesValueError", "VM %s already exists", name);
	else
		req_fail(r, "QubesVMAlreadyExistsError", "Qube already exists: %s", name);
}

/* The template of the argument, else the default one. */
static struct vm *choose_template(struct req *r, enum class class)
{
	if (*r->arg)
		return vm_find(r->sys, r->arg);
	return global_get_vm(r->sys, class == CLASS_APP ? "default_template" : "default_dispvm");
}

static void create(struct req *r, bool allow_pool)
{
	int class = class_from_name(r->suffix);
	bool based = class == CLASS_APP || class == CLASS_DISP;
	CLEANUP(wish_release) struct wish w = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	struct vm *v, *t = NULL;

	if (class < 0 || (class == CLASS_REMOTE && r->sys->opt.compat == 42))
		return req_no_method(r);
	if (*r->arg && !based)
		return fail_template(r, class);
	if (*r->arg && !vm_find(r->sys, r->arg))
		return req_fail(r, "QubesVMNotFoundError", "No such domain: '%s'", r->arg);
	if (read_wish(r, allow_pool, &w, &err) < 0)
		return req_fail_err(r, &err);
	if (vm_find(r->sys, w.name))
		return fail_taken(r, w.name);
	if (class == CLASS_ADMIN)
		return req_fail(r, "QubesPropertyValueError", "property 'qid' on AdminVM instance cannot be set");
	if (based) {
		t = choose_template(r, class);
		if (check_template(class, t, &err) < 0)
			return req_fail_err(r, &err);
	}
	for (size_t i = 0; i < w.pools.n; i++)
		if (is_copied(class, w.pools.v[i].key))
			return req_fail(r, "QubesException", "Snapshot volume '%s' must be in the pool of its origin",
					w.pools.v[i].key);

	spread_pool(&w, class);
	if (volumes_check(r->sys, class, &w.pools, &err) < 0)
		return req_fail_err(r, &err);

	CLEANUP_FREE char *by = xasprintf("created-by-%s", r->source->name);

	v = create_qube(r->sys, class, w.name, w.label, t);
	volumes_create(v, &w.pools);
	tag_add(v, by);
	fire(r->sys, v, "domain-create-on-disk", NULL);
	req_ok(r, "");
}

static void handle_create(struct req *r)
{
	create(r, false);
}

static void handle_create_in_pool(struct req *r)
{
	create(r, true);
}

#define CALL(name, dest_, arg_, payload_, handle_) \
	{ "admin.vm." name, "S23N", dest_, arg_, payload_, ACCESS_WRITE, handle_ }

const struct method methods_create[] = {
	CALL("Create.*", DEST_DOM0, PART_OPTIONAL, PART_NEEDED, handle_create),
	CALL("CreateInPool.*", DEST_DOM0, PART_OPTIONAL, PART_NEEDED, handle_create_in_pool),
	CALL("CreateDisposable", DEST_ANY, PART_OPTIONAL, PART_OPTIONAL, handle_create_disposable),
	CALL("Remove", DEST_ANY, PART_NONE, PART_NONE, handle_remove),
	METHOD_END,
};
