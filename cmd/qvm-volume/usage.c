/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-volume list --usage: what uses the disk. Every volume counts once, whoever shares it. */
#include "list.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/num.h"
#include "model/size.h"

struct pool {
	const char *name; /* borrowed */
	uint64_t volumes, size, usage;	/* sums over the listed volumes */
	bool known;			/* what follows is */
	uint64_t pool_size, pool_usage; /* of the pool itself, whatever is in it */
};

struct pools {
	struct pool *v;
	size_t n, cap;
};

static struct pool *pool_of(struct pools *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (streq(p->v[i].name, name))
			return &p->v[i];
	GROW(p->v, p->n, p->cap);
	p->v[p->n] = (struct pool){.name = name};
	return &p->v[p->n++];
}

/* "data_size=BYTES" of admin.pool.UsageDetails (admin-api 2.9). */
static bool detail(const struct strv *lines, const char *key, uint64_t *ret)
{
	for (size_t i = 0; i < lines->n; i++) {
		const char *value = skip_prefix(lines->v[i], key);

		if (value && *value == '=')
			return num_u64(value + 1, ret) == 0;
	}
	return false;
}

/* A pool that does not tell is no failure: its own volumes are known. */
static void ask_pools(struct ctx *c, struct pools *p)
{
	struct call *calls = xcalloc(p->n + 1, sizeof *calls);

	for (size_t i = 0; i < p->n; i++)
		calls[i] = (struct call){.dest = "dom0", .method = "admin.pool.UsageDetails", .arg = p->v[i].name};
	admin_run(&c->admin, calls, p->n);
	for (size_t i = 0; i < p->n; i++) {
		CLEANUP_STRV struct strv lines = STRV_INIT;

		if (calls[i].result < 0)
			continue;
		strv_split(&lines, calls[i].body, '\n');
		p->v[i].known = detail(&lines, "data_size", &p->v[i].pool_size) &&
				detail(&lines, "data_usage", &p->v[i].pool_usage);
	}
	calls_free(calls, p->n);
}

static int pool_cmp(const void *a, const void *b)
{
	const struct pool *x = a, *y = b;

	return x->usage != y->usage ? (x->usage < y->usage) - (x->usage > y->usage) : strcmp(x->name, y->name);
}

static void sum_up(struct listing *l, struct pools *ret)
{
	for (size_t i = 0; i < l->n_volumes; i++) {
		const struct volume_info *v = volume_facts(&l->volumes[i]);
		struct pool *p = pool_of(ret, v->pool);

		p->volumes++;
		p->size += v->size;
		p->usage += v->usage;
	}
	ask_pools(l->c, ret);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof *ret->v, pool_cmp);
}

static char *percent(uint64_t part, uint64_t whole)
{
	return whole ? xasprintf("%.0f%%", 100.0 * (double)part / (double)whole) : xstrdup("-");
}

static void print_volumes(struct listing *l)
{
	CLEANUP_TABLE struct table *t = table_new(7);

	table_row(t, (const char *[]){"POOL:VOLUME", "VMNAME", "VOLUME_NAME", "SIZE", "USED", "USE%", "REVISIONS"});
	for (size_t i = 0; i < l->n_volumes; i++) {
		const struct volume *v = &l->volumes[i];
		const struct volume_info *facts = volume_facts(v);
		CLEANUP_FREE char *id = xasprintf("%s:%s", facts->pool, facts->vid);
		CLEANUP_FREE char *more = v->n > 1 ? xasprintf(" +%zu", v->n - 1) : xstrdup("");
		CLEANUP_FREE char *user = xasprintf("%s%s", v->uses[0].qube, more);
		CLEANUP_FREE char *size = size_text(facts->size), *used = size_text(facts->usage);
		CLEANUP_FREE char *share = percent(facts->usage, facts->size);
		CLEANUP_FREE char *revisions = xasprintf("%zu", v->revisions.n);

		table_row(t, (const char *[]){id, user, v->uses[0].name, size, used, share, revisions});
	}
	table_print(t, l->c);
}

static void print_pools(struct ctx *c, const struct pools *p)
{
	CLEANUP_TABLE struct table *t = table_new(7);

	if (!p->n)
		return;
	fputc('\n', c->out);
	table_row(t, (const char *[]){"POOL", "VOLUMES", "SIZE", "USED", "POOL_SIZE", "POOL_USED", "USE%"});
	for (size_t i = 0; i < p->n; i++) {
		const struct pool *v = &p->v[i];
		CLEANUP_FREE char *n = xasprintf("%" PRIu64, v->volumes);
		CLEANUP_FREE char *size = size_text(v->size), *used = size_text(v->usage);
		CLEANUP_FREE char *all = v->known ? size_text(v->pool_size) : xstrdup("-");
		CLEANUP_FREE char *taken = v->known ? size_text(v->pool_usage) : xstrdup("-");
		CLEANUP_FREE char *share = percent(v->pool_usage, v->pool_size);

		table_row(t, (const char *[]){v->name, n, size, used, all, taken, share});
	}
	table_print(t, c);
}

static void volume_record(struct json *j, const struct volume *v)
{
	CLEANUP_STRV struct strv info_keys = STRV_INIT, qubes = STRV_INIT;
	const char *keys[N_INFO_KEYS + 4] = {"kind", "qubes", "volume"};
	struct val vals[N_INFO_KEYS + 4] = {V_STR("volume"), V_LIST(&qubes), V_STR(v->uses[0].name)};

	for (size_t i = 0; i < v->n; i++)
		strv_add(&qubes, v->uses[i].qube);
	strv_split(&info_keys, INFO_KEYS, ' ');
	memcpy(keys + 3, info_keys.v, N_INFO_KEYS * sizeof *keys);
	keys[N_INFO_KEYS + 3] = "revisions";
	info_vals(volume_facts(v), vals + 3);
	vals[N_INFO_KEYS + 3] = V_LIST(&v->revisions);
	json_record(j, NULL, ARRAY_SIZE(vals), keys, vals);
}

static void pool_record(struct json *j, const struct pool *p)
{
	static const char *const keys[] = {"kind", "pool", "volumes", "size", "usage", "pool_size", "pool_usage"};
	const struct val vals[] = {
		V_STR("pool"),
		V_STR(p->name),
		V_INT((int64_t)p->volumes),
		V_INT((int64_t)p->size),
		V_INT((int64_t)p->usage),
		p->known ? V_INT((int64_t)p->pool_size) : V_NULL,
		p->known ? V_INT((int64_t)p->pool_usage) : V_NULL,
	};

	json_record(j, NULL, ARRAY_SIZE(keys), keys, vals);
}

void print_usage(struct listing *l)
{
	struct pools pools = {0};

	sum_up(l, &pools);
	if (l->c->format == FORMAT_TEXT) {
		print_volumes(l);
		print_pools(l->c, &pools);
	} else {
		struct json *j = json_begin(l->c, JSON_ARRAY);

		for (size_t i = 0; i < l->n_volumes; i++)
			volume_record(j, &l->volumes[i]);
		for (size_t i = 0; i < pools.n; i++)
			pool_record(j, &pools.v[i]);
		json_end(j);
	}
	free(pools.v);
}
