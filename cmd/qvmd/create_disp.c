/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.vm.CreateDisposable: disposables on demand, and those made beforehand (admin-api 2.4). */
#include <errno.h>

#include "base/mem.h"
#include "base/num.h"
#include "qvmd/create.h"
#include "qvmd/power.h"
#include "qvmd/storage.h"

/* Names, blanks between, of the disposables that wait, running and paused: a feature of their template. */
static const char queue_feature[] = "preload-dispvm";

static void tag_creator(struct vm *v, const struct vm *source)
{
	CLEANUP_FREE char *by = xasprintf("created-by-%s", source->name);
	CLEANUP_FREE char *disp_by = xasprintf("disp-created-by-%s", source->name);

	tag_add(v, by);
	tag_add(v, disp_by);
}

static struct vm *make(struct vm *template)
{
	struct vm *v = create_qube(template->sys, CLASS_DISP, NULL, kvs_get(&template->props, "label"), template);

	volumes_create(v, NULL);
	vm_prop_put(v, "auto_cleanup", "True");
	fire(v->sys, v, "domain-create-on-disk", NULL);
	return v;
}

/* ---- the queue ---- */

static void queue_read(struct vm *template, struct strv *ret)
{
	const char *names = feature_get(template, queue_feature);

	if (names)
		strv_split(ret, names, ' ');
	/* A disposable that was removed or killed is no longer waiting. */
	for (size_t i = ret->n; i > 0; i--) {
		struct vm *v = vm_find(template->sys, ret->v[i - 1]);

		if (!v || v->class != CLASS_DISP || (v->power == POWER_HALTED && !power_is_busy(v)))
			strv_remove(ret, i - 1);
	}
}

static void queue_write(struct vm *template, const struct strv *queue)
{
	CLEANUP_FREE char *names = strv_join(queue, " ");

	if (queue->n)
		feature_set(template, queue_feature, names, NULL);
	else
		feature_remove(template, queue_feature);
}

/* For the default template of disposables, what dom0 says goes before what the template says. */
static uint64_t queue_wanted(struct vm *template)
{
	const char *max = NULL;
	uint64_t n = 0;

	if (global_get_vm(template->sys, "default_dispvm") == template)
		max = feature_get(template->sys->dom0, "preload-dispvm-max");
	if (!max)
		max = feature_get(template, "preload-dispvm-max");
	return max && num_u64(max, &n) == 0 ? n : 0;
}

/* Paused while it waits; when starting takes time it is found running. */
static void queue_fill(struct vm *template)
{
	uint64_t wanted = queue_wanted(template);
	CLEANUP_STRV struct strv queue = STRV_INIT;

	queue_read(template, &queue);
	while (queue.n < wanted) {
		struct vm *v = make(template);
		CLEANUP_FREE char *name = xstrdup(v->name);

		strv_add(&queue, name);
		queue_write(template, &queue);
		power_start(v, NULL);
		v = vm_find(template->sys, name);
		if (!v)
			break; /* it could not start, and the next one could not either */
		if (v->power == POWER_RUNNING)
			power_pause(v);
	}
}

/* One that waits already, made ready; NULL when there is none. */
static struct vm *queue_take(struct vm *template)
{
	CLEANUP_STRV struct strv queue = STRV_INIT;
	struct vm *v;

	queue_read(template, &queue);
	if (!queue.n)
		return NULL;
	v = vm_find(template->sys, queue.v[0]);
	strv_remove(&queue, 0);
	queue_write(template, &queue);
	if (v->power == POWER_PAUSED)
		power_unpause(v);
	fire(template->sys, template, "domain-preload-dispvm-used", "dispvm", v->name, "delay", "0", NULL);
	return v;
}

void disposables_forget(struct sys *s)
{
	for (size_t i = s->n_vms; i > 0; i--) {
		struct vm *v = s->vms[i - 1];

		if (v->class == CLASS_DISP && v->power == POWER_HALTED && prop_get_bool(v, "auto_cleanup"))
			vm_remove(v);
	}
	for (size_t i = 0; i < s->n_vms; i++)
		vm_feature_del(s->vms[i], queue_feature);
}

/* ---- the call ---- */

struct vm *disposable_new(struct vm *template, const struct vm *creator, struct err *err)
{
	struct vm *v;

	if (!template || !is_dispvm_template(template)) {
		err_set(err, -EINVAL, "QubesException",
			"Refusing to create disposable out of app qube which has template_for_dispvms=False");
		return NULL;
	}
	if (volumes_check(template->sys, CLASS_DISP, NULL, err) < 0)
		return NULL;
	v = queue_take(template);
	if (!v)
		v = make(template);
	tag_creator(v, creator);
	return v;
}

void handle_create_disposable(struct req *r)
{
	struct vm *t = r->dest, *v;
	bool preload = streq(r->arg, "preload");
	CLEANUP_FREE char *uuid = NULL;
	CLEANUP_ERR struct err err = ERR_INIT;

	if (r->payload_len && !(r->payload_len == 4 && streq(r->payload, "uuid")))
		return req_fail(r, "ProtocolError", "Invalid payload, expected empty string or 'uuid'");
	if (*r->arg && !preload)
		return req_fail(r, "PermissionDenied", "Argument not in \"'', 'preload'\"");
	if (t->class == CLASS_ADMIN)
		t = vm_has_prop(r->source, "default_dispvm") ? prop_get_vm(r->source, "default_dispvm") : NULL;
	if (preload && t && is_dispvm_template(t) && volumes_check(r->sys, CLASS_DISP, NULL, &err) == 0) {
		queue_fill(t);
		return req_ok(r, "");
	}
	v = err.text ? NULL : disposable_new(t, r->source, &err);
	if (!v)
		return req_fail_err(r, &err);
	uuid = xasprintf("uuid:%s", v->uuid);
	req_ok(r, r->payload_len ? uuid : v->name);
}
