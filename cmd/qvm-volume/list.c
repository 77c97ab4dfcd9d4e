/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-volume list: which volumes there are, in which pool, and whose (tools-runtime 8.1). */
#include "list.h"

#include "base/mem.h"
#include "cli/pools.h"

static void listing_release(struct listing *l)
{
	for (size_t i = 0; i < l->n_uses; i++) {
		free(l->uses[i].name);
		volume_info_release(&l->uses[i].info);
	}
	for (size_t i = 0; i < l->n_volumes; i++)
		strv_release(&l->volumes[i].revisions);
	free(l->uses);
	free(l->volumes);
	selection_release(&l->qubes);
}

void listing_complain(struct listing *l, const struct call *call, const char *what)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	err_set(&err, call->result, call->err.type, "%s: %s", what, call->err.text);
	l->status = fail_err(l->c, &err, call->dest, call->method);
}

/* ---- which qubes, which pools ---- */

/* Nothing given means all. */
static int choose_qubes(struct listing *l)
{
	const struct args *a = &l->c->args;
	struct selection *s = &l->qubes;
	int status;

	if (a->sub && (arg_pos(a, "VMNAME") || arg_has(a, "--all") || arg_has(a, "--where")))
		return select_qubes(l->c, "VMNAME", s);
	if (a->sub && arg_has(a, "--exclude"))
		return fail_usage(l->c, "--exclude can only be used with --all");
	status = list_qubes(l->c, &s->all);
	s->v = xcalloc(s->all.n + 1, sizeof *s->v);
	for (size_t i = 0; i < s->all.n; i++)
		s->v[s->n++] = &s->all.v[i];
	return status;
}

/* All pools of -p must be there. */
static int check_pools(struct ctx *c, const struct strv *pools)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STRV struct strv known = STRV_INIT;

	if (!pools->n)
		return STATUS_OK;
	if (pool_names(c, &known, &err) < 0)
		return fail_err(c, &err, "dom0", "admin.pool.List");
	return pools_check(c, pools, &known);
}

/* ---- asking: three rounds, each with all its calls in flight together ---- */

static void add_uses(struct listing *l, const char *qube, const char *body)
{
	CLEANUP_STRV struct strv names = STRV_INIT;

	strv_split(&names, body, '\n');
	for (size_t i = 0; i < names.n; i++) {
		GROW(l->uses, l->n_uses, l->cap_uses);
		l->uses[l->n_uses] = (struct use){.qube = qube, .name = STEAL(names.v[i]), .order = l->n_uses};
		l->n_uses++;
	}
}

/* dom0 has no volumes: it is not asked. */
static void ask_names(struct listing *l)
{
	const struct selection *s = &l->qubes;
	struct call *calls = xcalloc(s->n + 1, sizeof *calls);
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!streq(s->v[i]->class, "AdminVM"))
			calls[n++] = (struct call){.dest = s->v[i]->name, .method = "admin.vm.volume.List"};
	admin_run(&l->c->admin, calls, n);
	for (size_t i = 0; i < n; i++) {
		if (calls[i].result < 0)
			listing_complain(l, &calls[i], calls[i].dest);
		else
			add_uses(l, calls[i].dest, calls[i].body);
	}
	calls_free(calls, n);
}

/* False, and complained about, when the call or its body is no good. */
static bool take_info(struct listing *l, struct use *u, struct call *call)
{
	CLEANUP_FREE char *what = xasprintf("%s:%s", u->qube, u->name);

	if (call->result < 0)
		info_error(&call->err, "pool");
	else
		call->result = volume_info_parse(&u->info, call->body, &call->err);
	if (call->result < 0)
		listing_complain(l, call, what);
	return call->result == 0;
}

/* Keeps those that could be read and are in one of the pools. */
static void ask_infos(struct listing *l, const struct strv *pools)
{
	size_t n = l->n_uses, kept = 0;
	struct call *calls = xcalloc(n + 1, sizeof *calls);

	for (size_t i = 0; i < n; i++)
		calls[i] = (struct call){
			.dest = l->uses[i].qube, .method = "admin.vm.volume.Info", .arg = l->uses[i].name};
	admin_run(&l->c->admin, calls, n);
	for (size_t i = 0; i < n; i++) {
		struct use u = l->uses[i];

		if (take_info(l, &u, &calls[i]) && (!pools->n || strv_has(pools, u.info.pool))) {
			l->uses[kept++] = u;
		} else {
			volume_info_release(&u.info);
			free(u.name);
		}
	}
	l->n_uses = kept;
	calls_free(calls, n);
}

static int volume_cmp(const struct volume_info *a, const struct volume_info *b)
{
	int r = strcmp(a->pool, b->pool);

	return r ? r : strcmp(a->vid, b->vid);
}

static int use_cmp(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int r = volume_cmp(&x->info, &y->info);

	return r ? r : (x->order > y->order) - (x->order < y->order);
}

/* By pool and vid; of those who share a volume the last one comes first. */
static void group(struct listing *l)
{
	struct volume *v = NULL;

	if (l->n_uses)
		qsort(l->uses, l->n_uses, sizeof *l->uses, use_cmp);
	l->volumes = xcalloc(l->n_uses + 1, sizeof *l->volumes);
	for (size_t i = 0; i < l->n_uses; i++) {
		if (!v || volume_cmp(volume_facts(v), &l->uses[i].info) != 0) {
			v = &l->volumes[l->n_volumes++];
			v->uses = &l->uses[i];
		}
		v->n++;
	}
	for (size_t i = 0; i < l->n_volumes; i++) {
		struct use *first = &l->uses[l->volumes[i].uses - l->uses];
		size_t others = l->volumes[i].n - 1;
		struct use last = first[others];

		memmove(first + 1, first, others * sizeof *first);
		first[0] = last;
	}
}

/* Only volumes that are kept when the qube stops have revisions (admin-api 7.4). */
static void ask_revisions(struct listing *l)
{
	struct call *calls = xcalloc(l->n_volumes + 1, sizeof *calls);
	CLEANUP_FREE struct volume **of = xcalloc(l->n_volumes + 1, sizeof(struct volume *));
	size_t n = 0;

	for (size_t i = 0; i < l->n_volumes; i++) {
		const struct use *u = l->volumes[i].uses;

		if (!u->info.save_on_stop)
			continue;
		of[n] = &l->volumes[i];
		calls[n++] = (struct call){.dest = u->qube, .method = "admin.vm.volume.ListSnapshots", .arg = u->name};
	}
	admin_run(&l->c->admin, calls, n);
	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *what = xasprintf("%s:%s", calls[i].dest, calls[i].arg);

		if (calls[i].result < 0)
			listing_complain(l, &calls[i], what);
		else
			strv_split(&of[i]->revisions, calls[i].body, '\n');
	}
	calls_free(calls, n);
}

/* ---- order ---- */

static int biggest(uint64_t a, uint64_t b, const struct volume *x, const struct volume *y)
{
	return a != b ? (a < b) - (a > b) : volume_cmp(volume_facts(x), volume_facts(y));
}

static int by_size(const void *a, const void *b)
{
	return biggest(volume_facts(a)->size, volume_facts(b)->size, a, b);
}

static int by_usage(const void *a, const void *b)
{
	return biggest(volume_facts(a)->usage, volume_facts(b)->usage, a, b);
}

static int by_revisions(const void *a, const void *b)
{
	const struct volume *x = a, *y = b;

	return biggest(x->revisions.n, y->revisions.n, x, y);
}

static void sort(struct listing *l, const char *key)
{
	int (*cmp)(const void *, const void *) = streq(key, "size")	 ? by_size
						 : streq(key, "usage")	 ? by_usage
						 : streq(key, "revisions") ? by_revisions
									   : NULL;

	if (cmp && l->n_volumes)
		qsort(l->volumes, l->n_volumes, sizeof *l->volumes, cmp);
}

/* ---- printing ---- */

static void print_table(struct listing *l, bool full)
{
	CLEANUP_TABLE struct table *t = table_new(4);

	table_row(t, (const char *[]){"POOL:VOLUME", "VMNAME", "VOLUME_NAME", "REVERT_POSSIBLE"});
	for (size_t i = 0; i < l->n_volumes; i++) {
		const struct volume *v = &l->volumes[i];
		CLEANUP_FREE char *id = xasprintf("%s:%s", volume_facts(v)->pool, volume_facts(v)->vid);

		for (size_t k = 0; k < v->n; k++)
			table_row(t, (const char *[]){k && !full ? "" : id, v->uses[k].qube, v->uses[k].name,
						      v->revisions.n ? "Yes" : "No"});
	}
	table_print(t, l->c);
}

static void print_json(struct listing *l)
{
	CLEANUP_STRV struct strv info_keys = STRV_INIT;
	struct json *j = json_begin(l->c, JSON_ARRAY);
	const char *keys[N_INFO_KEYS + 3] = {"qube", "volume"};

	strv_split(&info_keys, INFO_KEYS, ' ');
	memcpy(keys + 2, info_keys.v, N_INFO_KEYS * sizeof *keys);
	keys[N_INFO_KEYS + 2] = "revisions";
	for (size_t i = 0; i < l->n_volumes; i++) {
		const struct volume *v = &l->volumes[i];

		for (size_t k = 0; k < v->n; k++) {
			struct val vals[N_INFO_KEYS + 3] = {V_STR(v->uses[k].qube), V_STR(v->uses[k].name)};

			info_vals(&v->uses[k].info, vals + 2);
			vals[N_INFO_KEYS + 2] = V_LIST(&v->revisions);
			json_record(j, NULL, ARRAY_SIZE(vals), keys, vals);
		}
	}
	json_end(j);
}

static int list(struct listing *l)
{
	const struct args *a = &l->c->args;
	bool usage = a->sub && arg_has(a, "--usage");
	const char *key = a->sub ? arg_value(a, "--sort") : NULL;
	CLEANUP_STRV struct strv pools = STRV_INIT;
	int status;

	if (a->sub)
		arg_values(a, "--pool", &pools);
	status = check_pools(l->c, &pools);
	if (!status)
		status = choose_qubes(l);
	if (status)
		return status;
	ask_names(l);
	ask_infos(l, &pools);
	group(l);
	ask_revisions(l);
	sort(l, key ? key : usage ? "usage" : "volume");
	if (usage)
		print_usage(l);
	else if (l->c->format != FORMAT_TEXT)
		print_json(l);
	else
		print_table(l, !l->c->out_tty || (a->sub && arg_has(a, "--full")));
	return l->status;
}

int list_volumes(struct ctx *c)
{
	CLEANUP(listing_release) struct listing l = {.c = c};

	return list(&l);
}
