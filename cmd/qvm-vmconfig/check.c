/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-vmconfig check: what the channels hold against what the Admin API says that they should hold. */
#include "qvm-vmconfig/check.h"

#include "base/mem.h"

/* So many qubes at once: each costs a descriptor. */
#define PORTION 256
/* What was asked for makes known what is to be asked for next, along chains that are never so long. */
#define ROUNDS 32

struct check {
	struct ctx *c;
	const struct settings *s;
	struct world world;
	struct table *table;
	struct json *json; /* NULL: text */
	size_t found;
	const struct subject *q; /* the one that is compared */
};

/* ---- what they should hold ---- */

/* Again when something was not known yet. */
static void derive(struct check *k, struct subject *q)
{
	struct key_source *src = &k->world.src;

	key_values_release(&q->want);
	k->world.noted = k->world.failed = false;
	derive_memory(src, k->s->gen, q->qube->name, &q->want);
	derive_set(src, k->s->gen, q->qube->name, &q->want);
	key_values_settle(&q->want);
	q->domid = derive_domid(src, q->qube->name);
	q->derived = !k->world.noted;
	q->unreadable |= k->world.failed;
}

static int derive_all(struct check *k, struct subject *v, size_t n)
{
	int status = STATUS_OK;

	for (int round = 0; round < ROUNDS; round++) {
		bool all = true;
		int r;

		for (size_t i = 0; i < n; i++) {
			if (!v[i].derived)
				derive(k, &v[i]);
			all &= v[i].derived;
		}
		if (all)
			return status;
		r = world_ask(&k->world);
		status = r ? r : status;
	}
	return fail(k->c, "templates of templates without end");
}

/* ---- what is found ---- */

static const char *when(const struct key_def *def)
{
	return !def->live ? "at start" : def->flags & KEY_LATE ? "at some" : "at changes";
}

static void put_row(struct check *k, const struct drift *d)
{
	CLEANUP_BUF struct buf have = BUF_INIT, want = BUF_INIT;
	const char *key = (d->have ? d->have : d->want)->key;

	if (d->have)
		shown_value(&have, d->have->value, d->have->len);
	if (d->want)
		shown_value(&want, d->want->value, d->want->len);

	const char *cells[] = {
		k->q->qube->name, key, difference_names[d->what], when(d->def), buf_str(&have), buf_str(&want),
	};

	if (k->found == 0) {
		static const char *const heads[] = {"NAME", "KEY", "PROBLEM", "WRITTEN", "VALUE", "EXPECTED"};

		table_row(k->table, heads);
	}
	table_row(k->table, cells);
}

static struct val val_of(const struct key_value *v)
{
	return v ? V_BYTES(v->value, v->len) : V_NULL;
}

static void put_json(struct check *k, const struct drift *d)
{
	static const char *const names[] = {"name", "key", "channel", "problem", "written", "value", "expected"};
	const struct val vals[] = {
		V_STR(k->q->qube->name), V_STR((d->have ? d->have : d->want)->key), V_STR(key_store_names[d->store]),
		V_STR(difference_names[d->what]), V_STR(when(d->def)), val_of(d->have), val_of(d->want),
	};

	json_record(k->json, NULL, ARRAY_SIZE(names), names, vals);
}

static void found(void *data, const struct drift *d)
{
	struct check *k = data;

	if (k->json)
		put_json(k, d);
	else
		put_row(k, d);
	k->found++;
}

/* ---- the work ---- */

/* A remote qube counts as running, but not here. */
static bool has_keys(const struct qube *q)
{
	return !streq(q->class, "AdminVM") && !streq(q->class, "RemoteVM");
}

/* Those that run. Who names one that does not wants to know that. */
static int subjects_of(struct ctx *c, const struct selection *s, struct subject **ret, size_t *ret_n)
{
	bool named = !arg_has(&c->args, "--all") && !arg_has(&c->args, "--where");
	struct subject *v = xcalloc(s->n + 1, sizeof *v);
	int status = STATUS_OK;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct qube *q = s->v[i];
		bool runs = state_is_running(q->state);

		if (has_keys(q) && runs)
			v[n++].qube = q;
		else if (named)
			status = runs ? fail(c, "%s has no keys that could be compared", q->name) :
					fail(c, "%s is not running: it has no keys", q->name);
	}
	*ret = v;
	*ret_n = n;
	return status;
}

/* The sockets are asked before the Admin API is, and answer while it does. */
static int check_portion(struct check *k, struct subject *v, size_t n)
{
	int status = read_begin(k->c, k->s, v, n), r = derive_all(k, v, n);

	status = r ? r : status;
	r = read_end(k->c, k->s, v, n);
	status = r ? r : status;
	for (size_t i = 0; i < n; i++) {
		k->q = &v[i];
		/* It has stopped since it was listed, or there is nothing to compare with. */
		if (v[i].domid >= 0 && !v[i].unreadable)
			compare(k->s, &v[i], found, k);
		for (int store = 0; store < KEY_STORES; store++)
			key_values_release(&v[i].have[store]);
		key_values_release(&v[i].want);
	}
	return status;
}

static int check_all(struct check *k, struct subject *v, size_t n)
{
	int status = STATUS_OK;

	for (size_t done = 0; done < n; done += PORTION) {
		int r = check_portion(k, v + done, n - done < PORTION ? n - done : PORTION);

		status = r ? r : status;
	}
	return status;
}

int check_run(struct ctx *c, const struct settings *s)
{
	const char *path = arg_value(&c->args, "--localtime"), *env = getenv("QVM_LOCALTIME");
	CLEANUP_FREE char *zone = zone_of(path ? path : env && *env ? env : "/etc/localtime");
	CLEANUP_SELECTION struct selection sel = {0};
	CLEANUP_TABLE struct table *table = table_new(6);
	CLEANUP_FREE struct subject *v = NULL;
	struct check k = {.c = c, .s = s, .table = table};
	int status = select_qubes(c, "VMNAME", &sel), r;
	size_t n;

	if (status)
		return status;
	status = subjects_of(c, &sel, &v, &n);
	world_init(&k.world, c, &sel.all, zone);
	k.json = c->format == FORMAT_TEXT ? NULL : json_begin(c, JSON_ARRAY);
	r = check_all(&k, v, n);
	if (k.json)
		json_end(k.json);
	else
		table_print(table, c);
	world_release(&k.world);
	return r ? r : status ? status : k.found ? STATUS_FAILED : STATUS_OK;
}
