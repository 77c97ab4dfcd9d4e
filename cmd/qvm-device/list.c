/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list: what there is, who has it, and who is to have it (tools-runtime 7.4). */
#include "admin/exc.h"
#include "base/mem.h"
#include "cli/record.h"
#include "model/interface.h"
#include "qvm-device/device.h"

struct row {
	char *ident, *sbdf, *description, *used_by;
	const struct device *d;   /* as it is offered or attached; or an assignment */
	const struct qube *qube;  /* whose assignment; NULL: a device */
};

struct rows {
	struct row *v;
	size_t n, cap;
};

/* ---- asking ---- */

/* Lists the qubes and marks the chosen ones; without any word on the line all are. */
static int choose(struct world *w, bool **ret_chosen, bool *ret_named)
{
	CLEANUP_SELECTION struct selection s = {0};
	const struct args *a = &w->c->args;
	/* Without a command there are no words for it either. */
	bool words = a->sub && (arg_pos(a, "VMNAME") || arg_has(a, "--all") || arg_has(a, "--where"));
	int status;

	if (words && arg_pos(a, "VMNAME") && (arg_has(a, "--all") || arg_has(a, "--where"))) {
		args_blame_command(&w->c->args);
		return fail_usage(w->c, "argument VMNAME: not allowed with argument %s",
				  arg_has(a, "--all") ? "--all" : "--where");
	}
	if (a->sub && !words && arg_has(a, "--exclude"))
		return fail_usage(w->c, "--exclude can only be used with --all");
	if (words) {
		status = select_qubes(w->c, "VMNAME", &s);
		world_take(w, &s.all);
	} else {
		status = world_list(w);
	}
	*ret_named = words && arg_pos(a, "VMNAME");
	*ret_chosen = xcalloc(w->all.n + 1, sizeof **ret_chosen);
	for (size_t i = 0; i < w->all.n; i++)
		(*ret_chosen)[i] = !words;
	for (size_t i = 0; i < s.n; i++)
		(*ret_chosen)[world_index(w, s.v[i])] = true;
	return status;
}

int fail_no_class(struct world *w)
{
	return fail_plain(w->c,
			  "Failed to list '%s' devices, this device type either does not exist or you do not have "
			  "access to it.",
			  w->class);
}

static int report(struct world *w, size_t qube, enum which which, bool named)
{
	const struct err *e = &w->said[qube].call[which].err;

	if (w->said[qube].call[which].result == 0)
		return STATUS_OK;
	if (err_is_access(e))
		return fail_no_class(w);
	/* One that went away meanwhile has nothing any more. */
	if (!named && err_is(e, "QubesVMNotFoundError"))
		return STATUS_OK;
	return world_failed(w, qube, which);
}

/*
 * Halted qubes have and offer nothing, so only those that run are asked; about assignments all are. Offers are asked
 * of the chosen and, in a second round, of those whose devices the chosen have.
 */
static int ask_all(struct world *w, const bool *chosen, bool named, bool assignments)
{
	int status = STATUS_OK;

	for (size_t i = 0; i < w->all.n; i++) {
		/* A state that is not known may be any. */
		bool runs = !streq(w->all.v[i].state, "Halted");

		if (runs)
			world_want(w, i, ATTACHED);
		if (runs && chosen[i])
			world_want(w, i, AVAILABLE);
		if (assignments)
			world_want(w, i, ASSIGNED);
	}
	world_ask(w);
	for (size_t i = 0; i < w->all.n; i++)
		for (size_t k = 0; chosen[i] && k < w->said[i].of[ATTACHED].n; k++) {
			const struct device *d = &w->said[i].of[ATTACHED].v[k];
			const struct qube *backend = qubes_find(&w->all, d->ref.backend);

			if (backend)
				world_want(w, world_index(w, backend), AVAILABLE);
		}
	world_ask(w);
	for (size_t i = 0; i < w->all.n && status == STATUS_OK; i++)
		for (int k = 0; k < WHICH_COUNT && status == STATUS_OK; k++)
			status = report(w, i, (enum which)k, named && chosen[i]);
	return status;
}

/* ---- rows ---- */

static struct row *add_row(struct rows *rows, const struct device *d)
{
	GROW(rows->v, rows->n, rows->cap);
	rows->v[rows->n] = (struct row){.d = d, .ident = xasprintf("%s:%s", d->ref.backend, d->ref.port)};
	return &rows->v[rows->n++];
}

static void add_user(struct buf *b, const char *mark, const char *qube, const char *how, const struct device *d)
{
	CLEANUP_FREE char *options = options_text(&d->props, ", ");

	buf_addf(b, "%s%s%s (%s%s%s)", b->len ? ", " : "", mark, qube, how, *options ? ": " : "", options);
}

/* Every qube but the backend that has the device. */
static char *attached_to(const struct world *w, const struct device *d)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < w->all.n; i++) {
		const struct device *a = devices_port(&w->said[i].of[ATTACHED], d->ref.backend, d->ref.port);

		if (a && !streq(w->all.v[i].name, d->ref.backend))
			add_user(&b, "", w->all.v[i].name, "attached", a);
	}
	return buf_steal(&b);
}

static bool is_listed(const struct rows *rows, const struct device_ref *ref)
{
	for (size_t i = 0; i < rows->n; i++)
		if (streq(rows->v[i].d->ref.backend, ref->backend) && streq(rows->v[i].d->ref.port, ref->port))
			return true;
	return false;
}

static void add_device(const struct world *w, struct rows *rows, const struct device *d)
{
	const struct device unknown = {.ref = d->ref};
	const struct qube *backend = qubes_find(&w->all, d->ref.backend);
	const struct devices *offered = backend ? &w->said[world_index(w, backend)].of[AVAILABLE] : NULL;
	const struct device *now = devices_port(offered, d->ref.backend, d->ref.port);
	struct row *r;

	if (is_listed(rows, &d->ref))
		return;
	r = add_row(rows, now ? now : d);
	r->description = device_description(now ? now : &unknown, w->class);
	r->sbdf = xstrdup(now ? device_text(now, "_sbdf") : "");
	r->used_by = attached_to(w, d);
}

/* Every qube with an assignment that covers this one. */
static char *assigned_to(const struct world *w, const struct device *d)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < w->all.n; i++) {
		const struct devices *l = &w->said[i].of[ASSIGNED];

		for (size_t k = 0; k < l->n; k++)
			if (device_ref_matches(&l->v[k].ref, &d->ref)) {
				const char *mode = device_props_get(&l->v[k].props, "mode");

				add_user(&b, "*", w->all.v[i].name, mode ? mode : "manual", &l->v[k]);
			}
	}
	return buf_steal(&b);
}

static void add_assignments(const struct world *w, struct rows *rows)
{
	size_t first = rows->n;

	for (size_t i = 0; i < w->all.n; i++)
		for (size_t k = 0; k < w->said[i].of[ASSIGNED].n; k++) {
			const struct device *d = &w->said[i].of[ASSIGNED].v[k];
			bool listed = false;
			struct row *r;

			/* In JSON each is a record of its own. */
			for (size_t n = first; n < rows->n && w->c->format == FORMAT_TEXT; n++)
				listed |= device_ref_eq(&rows->v[n].d->ref, &d->ref);
			if (listed)
				continue;
			r = add_row(rows, d);
			r->qube = &w->all.v[i];
			r->sbdf = xstrdup("");
			r->description = xstrdup(streq(d->ref.id, "*") ? "any device" : d->ref.id);
			r->used_by = assigned_to(w, d);
		}
}

static int by_text(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = strcmp(x->ident, y->ident);

	if (c == 0)
		c = strcmp(x->description, y->description);
	return c ? c : strcmp(x->used_by, y->used_by);
}

/* ---- printing ---- */

static void print_table(struct world *w, const struct rows *rows)
{
	bool sbdf = w->c->args.sub && arg_has(&w->c->args, "--with-sbdf") && streq(w->class, "pci");
	CLEANUP_TABLE struct table *t = table_new(sbdf ? 4 : 3);

	if (w->c->out_tty)
		table_row(t, sbdf ? (const char *[]){"BACKEND:DEVID", "SBDF", "DESCRIPTION", "USED BY"} :
				    (const char *[]){"BACKEND:DEVID", "DESCRIPTION", "USED BY"});
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->v[i];

		table_row(t, sbdf ? (const char *[]){r->ident, r->sbdf, r->description, r->used_by} :
				    (const char *[]){r->ident, r->description, r->used_by});
	}
	table_print(t, w->c);
}

static struct val any_or(const char *part)
{
	return streq(part, "*") ? V_NULL : V_STR(part);
}

static void print_json(struct world *w, const struct rows *rows)
{
	static const char *const keys[] = {
		"kind", "backend", "port", "id", "description", "interfaces", "sbdf", "qube", "mode", "options",
	};
	struct json *j = json_begin(w->c, JSON_ARRAY);

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->v[i];
		const struct device *d = r->d, *use = r->qube ? d : NULL;
		const char *interfaces = device_props_get(&d->props, "interfaces"), *mode = NULL;
		const struct qube *qube = r->qube;
		CLEANUP_STRV struct strv options = STRV_INIT;

		for (size_t k = 0; k < w->all.n && !use; k++)
			if ((use = devices_port(&w->said[k].of[ATTACHED], d->ref.backend, d->ref.port)))
				qube = &w->all.v[k];
		mode = use ? device_props_get(&use->props, "mode") : NULL;
		for (size_t k = 0; use && k < use->props.keys.n; k++)
			if (use->props.keys.v[k][0] == '_')
				strv_addf(&options, "%s=%s", use->props.keys.v[k] + 1, use->props.values.v[k]);

		const struct val vals[] = {
			V_STR(r->qube ? "assignment" : "device"),
			V_STR(d->ref.backend),
			any_or(d->ref.port),
			any_or(d->ref.id),
			r->qube ? V_NULL : V_STR(r->description),
			interfaces ? V_STR(interfaces) : V_NULL,
			*r->sbdf ? V_STR(r->sbdf) : V_NULL,
			qube ? V_STR(qube->name) : V_NULL,
			mode ? V_STR(mode) : V_NULL,
			V_LIST(&options),
		};

		json_record(j, NULL, ARRAY_SIZE(keys), keys, vals);
	}
	json_end(j);
}

int list_devices(struct world *w)
{
	CLEANUP_FREE bool *chosen = NULL;
	bool assignments = w->c->args.sub && arg_has(&w->c->args, "--assignments");
	bool named = false;
	struct rows rows = {0};
	int status = choose(w, &chosen, &named);

	if (status == STATUS_OK)
		status = ask_all(w, chosen, named, assignments);
	if (status)
		return status;
	for (size_t i = 0; i < w->all.n; i++)
		for (int k = AVAILABLE; k <= ATTACHED && chosen[i]; k++)
			for (size_t n = 0; n < w->said[i].of[k].n; n++)
				add_device(w, &rows, &w->said[i].of[k].v[n]);
	if (assignments)
		add_assignments(w, &rows);
	if (rows.n)
		qsort(rows.v, rows.n, sizeof *rows.v, by_text);
	if (w->c->format == FORMAT_TEXT)
		print_table(w, &rows);
	else
		print_json(w, &rows);
	for (size_t i = 0; i < rows.n; i++) {
		free(rows.v[i].ident);
		free(rows.v[i].sbdf);
		free(rows.v[i].description);
		free(rows.v[i].used_by);
	}
	free(rows.v);
	return STATUS_OK;
}
