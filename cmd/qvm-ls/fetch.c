/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The look-ups, which note the calls that are needed, and the rounds of calls. */
#include "ls.h"

#include "base/mem.h"
#include "model/names.h"
#include "os/io.h"

#define SPINNER_AFTER_NS UINT64_C(500000000)
/*
 * Calls are made in portions: what was read is put away between them, so that memory holds few whole replies,
 * and the spinner, when there is one, can turn.
 */
#define PORTION 1024
#define SPINNER_PORTION 256

void world_init(struct world *w, struct ctx *c, const struct qubes *qubes)
{
	*w = (struct world){.c = c, .qubes = qubes, .n = qubes->n};
	w->v = xcalloc(w->n, sizeof *w->v);
	for (size_t i = 0; i < w->n; i++)
		w->v[i].qube = &qubes->v[i];
	w->spinner.start_ns = now_ns();
}

static void items_release(struct items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		free(items->v[i].name);
		free(items->v[i].text);
		propval_release(&items->v[i].prop);
	}
	free(items->v);
}

void world_release(struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct entry *e = &w->v[i];

		free(e->props);
		items_release(&e->single);
		items_release(&e->feature);
		strv_release(&e->tags);
		strv_release(&e->features);
		for (size_t k = 0; k < e->n_volumes; k++) {
			free(e->volumes[k].name);
			volume_info_release(&e->volumes[k].info);
		}
		free(e->volumes);
	}
	free(w->v);
	items_release(&w->colors);
	items_release(&w->indexes);
	free(w->wants);
}

/* Notes a call the first time its answer is looked for. */
static enum known look(struct world *w, enum known *state, enum want_kind kind, size_t i, size_t slot)
{
	if (*state == UNASKED) {
		*state = PENDING;
		GROW(w->wants, w->n_wants, w->cap_wants);
		w->wants[w->n_wants++] = (struct want){kind, i, slot};
	}
	return *state;
}

static size_t items_slot(struct items *items, const char *name)
{
	for (size_t i = 0; i < items->n; i++)
		if (streq(items->v[i].name, name))
			return i;
	GROW(items->v, items->n, items->cap);
	items->v[items->n] = (struct item){.name = xstrdup(name)};
	return items->n++;
}

static enum known look_item(struct world *w, struct items *items, const char *name, enum want_kind kind,
			    size_t i, const struct item **ret)
{
	size_t slot = items_slot(items, name);
	enum known state = look(w, &items->v[slot].state, kind, i, slot);

	*ret = &items->v[slot];
	return state;
}

enum known world_prop(struct world *w, size_t i, const char *name, struct propval *ret)
{
	struct entry *e = &w->v[i];
	const struct item *item;
	enum known state;

	*ret = (struct propval){0};
	if (!e->props_single) {
		state = look(w, &e->props_state, WANT_GETALL, i, 0);
		if (state != KNOWN)
			return state;
		return props_packed_find(e->props, name, ret) ? KNOWN : MISSING;
	}
	if (!*name || !chars_all(name, "A-Za-z0-9_"))
		return MISSING;
	state = look_item(w, &e->single, name, WANT_GET, i, &item);
	*ret = item->prop;
	return state;
}

enum known world_tags(struct world *w, size_t i, const struct strv **ret)
{
	*ret = &w->v[i].tags;
	return look(w, &w->v[i].tags_state, WANT_TAGS, i, 0);
}

enum known world_features(struct world *w, size_t i, const struct strv **ret)
{
	*ret = &w->v[i].features;
	return look(w, &w->v[i].features_state, WANT_FEATURES, i, 0);
}

enum known world_feature(struct world *w, size_t i, const char *name, const char **ret)
{
	const struct item *item;
	enum known state = look_item(w, &w->v[i].feature, name, WANT_FEATURE, i, &item);

	*ret = item->text;
	return state;
}

enum known world_mem(struct world *w, size_t i, int64_t *ret_kib)
{
	enum known state = look(w, &w->v[i].mem_state, WANT_MEM, i, 0);

	*ret_kib = w->v[i].mem;
	return state;
}

enum known world_volumes(struct world *w, size_t i, const struct volume **ret, size_t *ret_n)
{
	enum known state = look(w, &w->v[i].volumes_state, WANT_VOLUMES, i, 0);

	*ret = w->v[i].volumes;
	*ret_n = w->v[i].n_volumes;
	return state;
}

enum known world_volume(struct world *w, size_t i, size_t slot, const struct volume **ret)
{
	*ret = &w->v[i].volumes[slot];
	return look(w, &w->v[i].volumes[slot].state, WANT_VOLUME, i, slot);
}

enum known world_label(struct world *w, const char *label, bool index, const char **ret)
{
	const struct item *item;
	enum known state = look_item(w, index ? &w->indexes : &w->colors, label,
				     index ? WANT_INDEX : WANT_COLOR, 0, &item);

	*ret = item->text;
	return state;
}

/* ---- rounds ---- */

static void want_call(const struct world *w, const struct want *want, struct call *c)
{
	static const char *const methods[] = {
		[WANT_GETALL] = "admin.vm.property.GetAll",  [WANT_GET] = "admin.vm.property.Get",
		[WANT_TAGS] = "admin.vm.tag.List",           [WANT_FEATURES] = "admin.vm.feature.List",
		[WANT_FEATURE] = "admin.vm.feature.Get",     [WANT_MEM] = "admin.vm.CurrentState",
		[WANT_VOLUMES] = "admin.vm.volume.List",     [WANT_VOLUME] = "admin.vm.volume.Info",
		[WANT_COLOR] = "admin.label.Get",            [WANT_INDEX] = "admin.label.Index",
	};
	const struct entry *e = &w->v[want->entry];

	c->method = methods[want->kind];
	c->dest = e->qube->name;
	switch (want->kind) {
	case WANT_GET:
		c->arg = e->single.v[want->slot].name;
		break;
	case WANT_FEATURE:
		c->arg = e->feature.v[want->slot].name;
		break;
	case WANT_VOLUME:
		c->arg = e->volumes[want->slot].name;
		break;
	case WANT_COLOR:
	case WANT_INDEX:
		c->dest = "dom0";
		c->arg = (want->kind == WANT_COLOR ? &w->colors : &w->indexes)->v[want->slot].name;
		break;
	default:
		break;
	}
}

/* tools-config 1.9, with its "drop" remarks: only on a terminal, and only when it takes long. */
static void spinner_turn(struct world *w)
{
	struct spinner *s = &w->spinner;

	if (!s->allowed || now_ns() - s->start_ns < SPINNER_AFTER_NS)
		return;
	if (s->shown)
		fprintf(w->c->err, "\b%c", "-\\|/"[++s->step % 4]);
	else
		fputs("please wait... -", w->c->err);
	s->shown = true;
	fflush(w->c->err);
}

void spinner_wipe(struct world *w)
{
	if (!w->spinner.shown)
		return;
	fprintf(w->c->err, "\r%*s\r", (int)strlen("please wait... -"), "");
	w->spinner.shown = false;
	fflush(w->c->err);
}

static int store_all(struct world *w, const struct want *wants, const struct call *calls, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		if (reply_store(w, &wants[k], &calls[k]) < 0) {
			spinner_wipe(w);
			return fail_err(w->c, &calls[k].err, calls[k].dest, calls[k].method);
		}
	}
	return STATUS_OK;
}

int world_run(struct world *w)
{
	CLEANUP_FREE struct want *wants = STEAL(w->wants);
	size_t n = w->n_wants;
	size_t portion = w->spinner.allowed ? SPINNER_PORTION : PORTION;
	int status = STATUS_OK;

	w->n_wants = w->cap_wants = 0;
	for (size_t done = 0; done < n && status == STATUS_OK; done += portion) {
		size_t m = n - done < portion ? n - done : portion;
		struct call *calls = xcalloc(m, sizeof *calls);

		for (size_t k = 0; k < m; k++)
			want_call(w, &wants[done + k], &calls[k]);
		spinner_turn(w);
		admin_run(&w->c->admin, calls, m);
		status = store_all(w, wants + done, calls, m);
		calls_free(calls, m);
	}
	return status;
}
