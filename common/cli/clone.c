/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cloning: creation and settings. */
#include "cli/clone.h"

#include <errno.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "model/propval.h"

/* One failed setting: log line, and whether the clone ends here (M in tools-config 11.1). */
static int mishap(const struct clone *clone, int r)
{
	return clone->ignore_errors ? 0 : r;
}

int create_check_name(const char *what, const char *name, struct err *err)
{
	if (!*name)
		return err_set(err, -EINVAL, "", "%s could not be empty", what);
	for (const char *p = name; *p; p++) {
		if (*p == ' ')
			return err_set(err, -EINVAL, "", "%s could not contain space: %s", what, name);
		if (*p == '\n')
			return err_set(err, -EINVAL, "", "%s could not contain newline: %s", what, name);
	}
	return 0;
}

char *create_payload(const char *name, const char *label, const char *pools)
{
	return xasprintf("name=%s label=%s%s", name, label, pools ? pools : "");
}

char *create_method(const char *class, const char *pools)
{
	return xasprintf("admin.vm.Create%s.%s", pools && *pools ? "InPool" : "", class);
}

static const char *property(const struct props *props, const char *name)
{
	const struct propval *p = props_find(props, name);

	return p ? p->value : "";
}

/* Classes that have no template (tools-config 11.1: the daemon refuses the argument). */
static bool takes_template(const char *class)
{
	return !streq(class, "StandaloneVM") && !streq(class, "TemplateVM") && !streq(class, "RemoteVM");
}

static int create(struct ctx *c, const struct clone *clone, const struct props *props, struct err *err)
{
	const char *class = clone->class ? clone->class : property(props, "klass");
	CLEANUP_FREE char *payload = create_payload(clone->name, property(props, "label"), clone->pools);
	CLEANUP_FREE char *method = create_method(class, clone->pools);
	const char *template = takes_template(class) ? property(props, "template") : "";

	return admin_call(&c->admin, err, "dom0", method, template, payload, NULL, NULL);
}

static bool is_copied(const struct propval *p)
{
	static const char *const kept[] = {"name", "qid", "template", "label", "uuid", "installed_by_rpm"};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (streq(p->name, kept[i]))
			return false;
	return !p->is_default;
}

/* In the server's order, which the sorted props have lost: body is GetAll's. */
static int clone_properties(struct ctx *c, const struct clone *clone, const struct props *props, const char *body,
			    struct err *err)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, body, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		const struct propval *p;
		int r;

		lines.v[i][strcspn(lines.v[i], " ")] = '\0';
		p = props_find(props, lines.v[i]);
		if (!p || !is_copied(p))
			continue;
		r = admin_call(&c->admin, err, clone->name, "admin.vm.property.Set", p->name, p->value, NULL, NULL);
		if (r == 0)
			continue;
		property_error(err, p->name);
		/* The new class may lack it, or policy forbid it. */
		if (err_is(err, "QubesNoSuchPropertyError") || err_is_access(err))
			continue;
		log_warning(c, clone->name, "Failed to set %s property: %s", p->name, err->text);
		r = mishap(clone, r);
		if (r < 0)
			return r;
	}
	return 0;
}

static int clone_tags(struct ctx *c, const struct clone *clone, struct err *err)
{
	CLEANUP_STRV struct strv tags = STRV_INIT;
	CLEANUP_FREE char *body = NULL;
	int r = admin_call(&c->admin, err, clone->source, "admin.vm.tag.List", NULL, NULL, &body, NULL);

	if (r < 0)
		return mishap(clone, r);
	strv_split(&tags, body, '\n');
	for (size_t i = 0; i < tags.n; i++) {
		if (skip_prefix(tags.v[i], "created-by-"))
			continue;
		r = admin_call(&c->admin, err, clone->name, "admin.vm.tag.Set", tags.v[i], NULL, NULL, NULL);
		if (r == 0)
			continue;
		log_warning(c, clone->name, "Failed to add %s tag: %s", tags.v[i], err->text);
		r = mishap(clone, r);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The queue of preloaded disposables is the source's own; only its size is a setting. */
static bool is_feature_copied(const char *name)
{
	return !skip_prefix(name, "preload-dispvm") || streq(name, "preload-dispvm-max");
}

static int set_feature(struct ctx *c, const struct clone *clone, struct call *got, struct err *err)
{
	struct call set = {.dest = clone->name, .method = "admin.vm.feature.Set", .arg = got->arg,
			   .payload = got->body, .payload_len = got->body_len};
	int r = got->result;

	if (r < 0) {
		err_move(err, &got->err);
	} else {
		r = admin_run(&c->admin, &set, 1);
		if (r < 0)
			err_move(err, &set.err);
		call_release(&set);
	}
	if (r < 0)
		log_warning(c, clone->name, "Failed to set %s feature: %s", got->arg, err->text);
	return mishap(clone, r);
}

static int clone_features(struct ctx *c, const struct clone *clone, struct err *err)
{
	CLEANUP_STRV struct strv names = STRV_INIT;
	CLEANUP_FREE char *body = NULL;
	struct call *calls;
	size_t n = 0;
	int r = admin_call(&c->admin, err, clone->source, "admin.vm.feature.List", NULL, NULL, &body, NULL);

	if (r < 0)
		return mishap(clone, r);
	strv_split(&names, body, '\n');
	calls = xcalloc(names.n + 1, sizeof *calls);
	for (size_t i = 0; i < names.n; i++)
		if (is_feature_copied(names.v[i]))
			calls[n++] = (struct call){
				.dest = clone->source, .method = "admin.vm.feature.Get", .arg = names.v[i]};
	if (n)
		admin_run(&c->admin, calls, n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = set_feature(c, clone, &calls[i], err);
	calls_free(calls, n);
	return r;
}

/* Reads one text of the source and writes it to the new qube; an empty one only if `empty_too`. */
static int copy_text(struct ctx *c, const struct clone *clone, const char *get, const char *set, bool empty_too,
		     struct err *err)
{
	CLEANUP_FREE char *body = NULL;
	size_t len = 0;
	int r = admin_call(&c->admin, err, clone->source, get, NULL, NULL, &body, &len);

	if (r < 0 || (!len && !empty_too))
		return r;
	return admin_call(&c->admin, err, clone->name, set, NULL, body, NULL, NULL);
}

static int clone_notes(struct ctx *c, const struct clone *clone, struct err *err)
{
	int r = copy_text(c, clone, "admin.vm.notes.Get", "admin.vm.notes.Set", false, err);

	if (r < 0)
		log_warning(c, clone->name, "Failed to clone qube notes: %s", err->text);
	return mishap(clone, r);
}

static int clone_firewall(struct ctx *c, const struct clone *clone, struct err *err)
{
	int r = copy_text(c, clone, "admin.vm.firewall.Get", "admin.vm.firewall.Set", true, err);

	if (r < 0)
		log_warning(c, "app", "Failed to set firewall: %s", err->text);
	return mishap(clone, r);
}

static int copy_all(struct ctx *c, const struct clone *clone, const struct props *props, const char *body,
		    struct err *err)
{
	int r = clone_properties(c, clone, props, body, err);

	if (r == 0)
		r = clone_tags(c, clone, err);
	if (r == 0)
		r = clone_features(c, clone, err);
	if (r == 0)
		r = clone_notes(c, clone, err);
	if (r == 0)
		r = clone_firewall(c, clone, err);
	if (r == 0)
		r = mishap(clone, clone_appmenus(c, clone, err));
	if (r == 0)
		r = clone_volumes(c, clone, err);
	if (r == 0)
		r = mishap(clone, clone_devices(c, clone, err));
	return r;
}

int clone_qube(struct ctx *c, const struct clone *clone, struct err *err)
{
	CLEANUP_PROPS struct props props = {0};
	CLEANUP_FREE char *body = NULL;
	size_t len = 0;
	int r = create_check_name("Qube name", clone->name, err);

	if (r == 0)
		r = admin_call(&c->admin, err, clone->source, "admin.vm.property.GetAll", NULL, NULL, &body, &len);
	if (r == 0)
		r = props_parse(&props, body, len, err);
	if (r == 0)
		r = create(c, clone, &props, err);
	if (r < 0)
		return r;
	r = copy_all(c, clone, &props, body, err);
	if (r < 0)
		admin_call(&c->admin, NULL, clone->name, "admin.vm.Remove", NULL, NULL, NULL, NULL);
	else
		err_release(err);
	return r;
}
