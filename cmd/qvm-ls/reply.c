/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One reply into the world: what it says, or what its refusal means for the listing. */
#include "ls.h"

#include "admin/exc.h"
#include "base/mem.h"
#include "base/num.h"

enum refusal {
	REFUSED, /* the cell is "-" */
	GONE,    /* the row is left out */
	FATAL,   /* the listing ends */
};

/* tools-config 1.5, 2.8: a removed qube is left out; trouble with the daemon itself ends everything. */
static enum refusal refusal_of(const struct err *e)
{
	if (err_is(e, "QubesVMNotFoundError"))
		return GONE;
	if (!e->type || !*e->type || (err_is_communication(e) && !err_is_access(e)))
		return FATAL;
	return REFUSED;
}

static void store_lines(struct strv *ret, const char *body)
{
	strv_split(ret, body, '\n');
}

static void store_volumes(struct entry *e, const char *body)
{
	CLEANUP_STRV struct strv names = STRV_INIT;

	store_lines(&names, body);
	e->volumes = xcalloc(names.n, sizeof *e->volumes);
	e->n_volumes = names.n;
	for (size_t i = 0; i < names.n; i++)
		e->volumes[i].name = STEAL(names.v[i]);
}

static bool store_volume(struct volume *v, const char *body)
{
	return volume_info_parse(&v->info, body, NULL) == 0;
}

/* Words in any order (admin-api 2.3). */
static bool store_mem(struct entry *e, const char *body)
{
	CLEANUP_STRV struct strv words = STRV_INIT;

	strv_split(&words, body, ' ');
	for (size_t i = 0; i < words.n; i++) {
		const char *value = skip_prefix(words.v[i], "mem=");

		if (value)
			return num_i64(value, &e->mem) == 0;
	}
	return false;
}

static enum known *state_of(struct world *w, const struct want *want)
{
	struct entry *e = &w->v[want->entry];

	switch (want->kind) {
	case WANT_GETALL:
		return &e->props_state;
	case WANT_GET:
		return &e->single.v[want->slot].state;
	case WANT_TAGS:
		return &e->tags_state;
	case WANT_FEATURES:
		return &e->features_state;
	case WANT_FEATURE:
		return &e->feature.v[want->slot].state;
	case WANT_MEM:
		return &e->mem_state;
	case WANT_VOLUMES:
		return &e->volumes_state;
	case WANT_VOLUME:
		return &e->volumes[want->slot].state;
	case WANT_COLOR:
		return &w->colors.v[want->slot].state;
	case WANT_INDEX:
		return &w->indexes.v[want->slot].state;
	}
	abort();
}

/* False when the body is none of its kind. */
static bool store_body(struct world *w, const struct want *want, const struct call *c)
{
	struct entry *e = &w->v[want->entry];

	switch (want->kind) {
	case WANT_GETALL:
		e->props = props_pack(c->body, c->body_len);
		return e->props != NULL;
	case WANT_GET:
		return propval_parse(&e->single.v[want->slot].prop, c->body, c->body_len, NULL) == 0;
	case WANT_TAGS:
		store_lines(&e->tags, c->body);
		return true;
	case WANT_FEATURES:
		store_lines(&e->features, c->body);
		return true;
	case WANT_FEATURE:
		e->feature.v[want->slot].text = xmemdup0(c->body, c->body_len);
		return true;
	case WANT_MEM:
		return store_mem(e, c->body);
	case WANT_VOLUMES:
		store_volumes(e, c->body);
		return true;
	case WANT_VOLUME:
		return store_volume(&e->volumes[want->slot], c->body);
	case WANT_COLOR:
		w->colors.v[want->slot].text = xmemdup0(c->body, c->body_len);
		return true;
	case WANT_INDEX:
		w->indexes.v[want->slot].text = xmemdup0(c->body, c->body_len);
		return true;
	}
	return false;
}

int reply_store(struct world *w, const struct want *want, const struct call *c)
{
	struct entry *e = &w->v[want->entry];
	enum known *state = state_of(w, want);

	if (c->result == 0) {
		*state = store_body(w, want, c) ? KNOWN : MISSING;
		/* One property of a type that is not known here must not hide the others. */
		if (want->kind == WANT_GETALL && *state == MISSING)
			e->props_single = true;
		return 0;
	}
	*state = MISSING;
	switch (refusal_of(&c->err)) {
	case GONE:
		if (want->kind != WANT_COLOR && want->kind != WANT_INDEX)
			e->gone = true;
		return 0;
	case REFUSED:
		if (want->kind != WANT_GETALL)
			return 0;
		if (!err_is_access(&c->err))
			return -1;
		e->props_single = true;
		return 0;
	case FATAL:
		break;
	}
	return -1;
}
