/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists, reads, sets and resets properties, of qubes or of the system (tools-config 3 and 4). */
#include "cli/prefs.h"

#include <strings.h>

#include "admin/exc.h"
#include "base/chars.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/perqube.h"
#include "cli/wrap.h"
#include "model/propval.h"

const struct opt prefs_opts[] = {
	{"--help-properties", OPT_FLAG, 0, NULL, "list the properties with a description of each"},
	{"--hide-default", OPT_FLAG, 0, NULL, "leave out properties that have their default value"},
	{"--get/-g", OPT_FLAG, 0, NULL, "does nothing; accepted for old scripts"},
	{"--set/-s", OPT_FLAG, 0, NULL, "does nothing; accepted for old scripts"},
	{"--default/-D", OPT_FLAG, 0, NULL, "reset PROPERTY to its default value"},
	{"--list/-l", OPT_FLAG, OPT_OURS, NULL, "does nothing; accepted for scripts of Qubes 3"},
	OPT_END,
};

struct prefs {
	struct ctx *c;
	const struct prefs_kind *kind;
	struct selection sel;
	char *property; /* NULL: all */
	bool hide_default;
};

/* ---- errors ---- */

static int no_such_property(struct prefs *p)
{
	CLEANUP_FREE char *quoted = quote_py(p->property);

	return fail_usage(p->c, "no such property: %s", quoted);
}

static int report(struct prefs *p, struct call *call)
{
	/* A name that was set once is answered with silence, and that is what is said (tools-config 3.4). */
	bool rename = call->arg && streq(call->arg, "name") && !streq(call->method, p->kind->get);

	if (err_is(&call->err, "QubesNoSuchPropertyError")) {
		if (!p->sel.many && p->property)
			return no_such_property(p);
	} else if (call->arg && !rename && !streq(call->method, p->kind->help) &&
		   (p->kind->global || !qube_is_missing(&call->err, call->dest))) {
		property_error(&call->err, call->arg);
	}
	if (p->kind->global)
		return fail_err(p->c, &call->err, NULL, call->method);
	return perqube_error(p->c, &p->sel, call);
}

/* ---- values ---- */

static struct val json_val(const struct propval *v)
{
	int64_t number;

	if (propval_is_unset(v) || propval_is_none(v))
		return V_NULL;
	if (v->type == PROP_BOOL)
		return V_BOOL(streq(v->value, "True"));
	if (v->type == PROP_INT && num_i64(v->value, &number) == 0)
		return V_INT(number);
	return V_STR(v->value);
}

/* As a listing shows it; with one value alone, None is nothing at all (tools-config 1.7). */
static const char *shown(const struct propval *v)
{
	if (v->type == PROP_BOOL)
		return streq(v->value, "True") ? "True" : "False";
	return propval_is_none(v) ? "None" : v->value;
}

static const char *const json_keys[] = {"value", "type", "default"};

static void json_vals(struct val ret[3], const struct propval *v)
{
	ret[0] = v ? json_val(v) : V_NULL;
	ret[1] = v ? V_STR(prop_type_name(v->type)) : V_NULL;
	ret[2] = v ? V_BOOL(v->is_default) : V_NULL;
}

/* ---- one property ---- */

struct output {
	struct json *json; /* NULL in text */
	struct buf text;
	bool answered;     /* some qube has a value, be it None or hidden */
};

static void put_value(struct prefs *p, struct output *o, const char *qube, const struct propval *v)
{
	struct val vals[3];

	if (!propval_is_unset(v))
		o->answered = true;
	if (p->hide_default && v->is_default) {
		if (o->json && !p->sel.many)
			json_value(o->json, NULL, V_NULL);
		return;
	}
	json_vals(vals, v);
	if (o->json)
		json_record(o->json, qube, 3, json_keys, vals);
	else if (!propval_is_unset(v) && !propval_is_none(v))
		perqube_lines(&o->text, &p->sel, qube, shown(v), strlen(shown(v)));
}

static int get(struct prefs *p)
{
	struct call *calls = perqube_calls(&p->sel, p->kind->get, p->property, NULL, 0);
	struct output out = {.json = perqube_json(p->c, &p->sel)};
	size_t absent = 0;
	int status = STATUS_OK;

	admin_run(&p->c->admin, calls, p->sel.n);
	for (size_t i = 0; i < p->sel.n; i++) {
		CLEANUP_PROPVAL struct propval v = {0};
		struct call *k = &calls[i];

		if (k->result == 0)
			k->result = propval_parse(&v, k->body, k->body_len, &k->err);
		if (k->result == 0)
			put_value(p, &out, k->dest, &v);
		else if (p->sel.many && err_is(&k->err, "QubesNoSuchPropertyError"))
			absent++;
		else
			status = report(p, k);
	}
	if (out.json)
		json_end(out.json);
	put_text(p->c, buf_str(&out.text), out.text.len);
	buf_release(&out.text);
	calls_free(calls, p->sel.n);
	/* Of many qubes some may have no such property: templates have no template. */
	if (absent && absent == p->sel.n)
		return no_such_property(p);
	return !status && p->sel.n && !out.answered ? STATUS_FAILED : status;
}

static int change(struct prefs *p, const char *method, const char *value)
{
	size_t len = value ? strlen(value) : 0;
	struct call *calls;
	int status = STATUS_OK;

	for (const char *const *n = p->kind->none; value && *n; n++)
		if (streq(*n, p->property) && strcasecmp(value, "none") == 0)
			len = 0;
	calls = perqube_calls(&p->sel, method, p->property, value, len);
	admin_run(&p->c->admin, calls, p->sel.n);
	for (size_t i = 0; i < p->sel.n; i++)
		if (calls[i].result < 0)
			status = report(p, &calls[i]);
	calls_free(calls, p->sel.n);
	return status;
}

/* ---- all properties ---- */

/* What one qube answered. */
struct listing {
	struct strv names; /* sorted */
	struct props props;
	struct call *helps; /* names.n of them */
	bool failed;
};

static size_t widest(const struct listing *l, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < l[i].names.n; k++)
			if (strlen(l[i].names.v[k]) > width)
				width = strlen(l[i].names.v[k]);
	return width;
}

static void listing_free(struct listing *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (l[i].helps)
			calls_free(l[i].helps, l[i].names.n);
		strv_release(&l[i].names);
		props_release(&l[i].props);
	}
	free(l);
}

/* GetAll was refused: asks for each property; what is refused again has no value (tools-config 3.2). */
static void get_each(struct prefs *p, const char *qube, struct listing *l)
{
	struct call *calls = xcalloc(l->names.n + 1, sizeof *calls);

	for (size_t i = 0; i < l->names.n; i++)
		calls[i] = (struct call){.dest = qube, .method = p->kind->get, .arg = l->names.v[i]};
	admin_run(&p->c->admin, calls, l->names.n);
	for (size_t i = 0; i < l->names.n; i++) {
		GROW(l->props.v, l->props.n, l->props.cap);
		struct propval *v = &l->props.v[l->props.n];

		if (calls[i].result < 0 || propval_parse(v, calls[i].body, calls[i].body_len, NULL) < 0)
			continue;
		v->name = xstrdup(l->names.v[i]);
		l->props.n++;
	}
	calls_free(calls, l->names.n);
}

static int read_names(struct prefs *p, struct call *list, struct listing *l)
{
	if (list->result < 0) {
		l->failed = true;
		return report(p, list);
	}
	strv_split(&l->names, list->body, '\n');
	strv_sort(&l->names);
	return STATUS_OK;
}

static int read_values(struct prefs *p, struct call *all, struct listing *l)
{
	if (l->failed)
		return STATUS_OK;
	if (all->result == 0)
		all->result = props_parse(&l->props, all->body, all->body_len, &all->err);
	else if (err_is_access(&all->err)) {
		get_each(p, all->dest, l);
		return STATUS_OK;
	}
	if (all->result == 0)
		return STATUS_OK;
	l->failed = true;
	return report(p, all);
}

static void put_listing(struct prefs *p, struct buf *text, const char *qube, const struct listing *l,
			int width)
{
	CLEANUP_BUF struct buf line = BUF_INIT;

	for (size_t i = 0; i < l->names.n; i++) {
		const char *name = l->names.v[i];
		const struct propval *v = props_find(&l->props, name);

		buf_reset(&line);
		if (!v || propval_is_unset(v))
			buf_addf(&line, "%-*s  U", width, name);
		else if (p->hide_default && v->is_default)
			continue;
		else
			buf_addf(&line, "%-*s  %c  %s", width, name, v->is_default ? 'D' : '-', shown(v));
		perqube_lines(text, &p->sel, qube, buf_str(&line), line.len);
	}
}

static void json_listing(struct prefs *p, struct json *j, const char *qube, const struct listing *l)
{
	if (p->sel.many)
		json_down(j, qube);
	for (size_t i = 0; i < l->names.n; i++) {
		const struct propval *v = props_find(&l->props, l->names.v[i]);
		struct val vals[3];

		if (v && p->hide_default && v->is_default && !propval_is_unset(v))
			continue;
		json_vals(vals, v);
		json_record(j, l->names.v[i], 3, json_keys, vals);
	}
	if (p->sel.many)
		json_up(j);
}

static void print_listings(struct prefs *p, const struct listing *l)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct json *j = p->c->format == FORMAT_TEXT ? NULL : json_begin(p->c, JSON_KEYED);
	int width = (int)widest(l, p->sel.n);

	for (size_t i = 0; i < p->sel.n; i++) {
		if (l[i].failed)
			continue;
		if (j)
			json_listing(p, j, p->sel.v[i]->name, &l[i]);
		else
			put_listing(p, &text, p->sel.v[i]->name, &l[i], width);
	}
	if (j)
		json_end(j);
	put_text(p->c, buf_str(&text), text.len);
}

static int list(struct prefs *p)
{
	size_t n = p->sel.n;
	struct listing *l = xcalloc(n + 1, sizeof *l);
	struct call *calls = xcalloc(2 * n + 1, sizeof *calls);
	int status = STATUS_OK, r;

	for (size_t i = 0; i < n; i++) {
		calls[2 * i] = (struct call){.dest = p->sel.v[i]->name, .method = p->kind->list};
		calls[2 * i + 1] = (struct call){.dest = p->sel.v[i]->name, .method = p->kind->get_all};
	}
	admin_run(&p->c->admin, calls, 2 * n);
	for (size_t i = 0; i < n; i++) {
		r = read_names(p, &calls[2 * i], &l[i]);
		status = r ? r : status;
		r = read_values(p, &calls[2 * i + 1], &l[i]);
		status = r ? r : status;
	}
	calls_free(calls, 2 * n);
	if (!status || p->sel.many)
		print_listings(p, l);
	listing_free(l, n);
	return status;
}

/* ---- help ---- */

/* White space around line breaks becomes one blank. */
static void add_paragraph(struct buf *b, const char *s)
{
	while (*s) {
		size_t n = strspn(s, " \t\r\n");

		if (n && memchr(s, '\n', n))
			buf_addch(b, ' ');
		else
			buf_add(b, s, n);
		s += n;
		n = strcspn(s, " \t\r\n");
		buf_add(b, s, n);
		s += n;
	}
}

static void put_help(struct prefs *p, struct buf *text, const char *qube, const struct call *help,
		     size_t width)
{
	CLEANUP_BUF struct buf paragraph = BUF_INIT, lines = BUF_INIT;

	buf_addf(&paragraph, "%-*s  ", (int)width, help->arg);
	add_paragraph(&paragraph, help->body);
	wrap_text(&lines, buf_str(&paragraph), 80, 2, width + 6);
	perqube_lines(text, &p->sel, qube, buf_str(&lines), lines.len);
}

/* The texts of one qube, up to the first that was refused. */
static int show_helps(struct prefs *p, struct json *j, struct buf *text, struct listing *l, size_t width)
{
	int status = STATUS_OK;

	for (size_t i = 0; i < l->names.n && !status; i++) {
		struct call *help = &l->helps[i];

		if (help->result < 0)
			status = report(p, help);
		else if (j)
			json_value(j, l->names.v[i], V_STR(help->body));
		else
			put_help(p, text, help->dest, help, width);
	}
	return status;
}

static void ask_helps(struct prefs *p, const char *qube, struct listing *l)
{
	l->helps = xcalloc(l->names.n + 1, sizeof *l->helps);
	for (size_t i = 0; i < l->names.n; i++)
		l->helps[i] = (struct call){.dest = qube, .method = p->kind->help, .arg = l->names.v[i]};
	admin_run(&p->c->admin, l->helps, l->names.n);
}

static int help_properties(struct prefs *p)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	size_t n = p->sel.n;
	struct listing *l = xcalloc(n + 1, sizeof *l);
	struct call *lists = perqube_calls(&p->sel, p->kind->list, NULL, NULL, 0);
	struct json *j;
	int status = STATUS_OK, r;

	admin_run(&p->c->admin, lists, n);
	for (size_t i = 0; i < n; i++) {
		r = read_names(p, &lists[i], &l[i]);
		status = r ? r : status;
		if (!r)
			ask_helps(p, p->sel.v[i]->name, &l[i]);
	}
	calls_free(lists, n);
	j = (!status || p->sel.many) && p->c->format != FORMAT_TEXT ? json_begin(p->c, JSON_KEYED) : NULL;
	for (size_t i = 0; i < n; i++) {
		if (j && p->sel.many)
			json_down(j, p->sel.v[i]->name);
		r = l[i].failed ? STATUS_OK : show_helps(p, j, &text, &l[i], widest(l, n));
		status = r ? r : status;
		if (j && p->sel.many)
			json_up(j);
	}
	if (j)
		json_end(j);
	put_text(p->c, buf_str(&text), text.len);
	listing_free(l, n);
	return status;
}

/* ---- the decision ---- */

static void choose_system(struct selection *s)
{
	*s = (struct selection){.all = {.v = xcalloc(1, sizeof *s->all.v), .n = 1, .cap = 1}, .n = 1};
	s->all.v[0] = (struct qube){"dom0", "AdminVM", "Running", ""};
	s->v = xcalloc(1, sizeof *s->v);
	s->v[0] = &s->all.v[0];
}

static int decide(struct prefs *p)
{
	const char *value = arg_pos(&p->c->args, "VALUE");

	if (arg_has(&p->c->args, "--help-properties")) {
		free(STEAL(p->property));
		return help_properties(p);
	}
	if (!p->property)
		return list(p);
	if (*p->property == '_')
		return no_such_property(p);
	if (value)
		return change(p, p->kind->set, value);
	if (arg_has(&p->c->args, "--default"))
		return change(p, p->kind->reset, NULL);
	return get(p);
}

int prefs_run(struct ctx *c, const struct prefs_kind *kind)
{
	const char *property = arg_pos(&c->args, "PROPERTY");
	struct prefs p = {
		.c = c,
		.kind = kind,
		.property = property ? xstrdup(property) : NULL,
		.hide_default = arg_has(&c->args, "--hide-default"),
	};
	int status = STATUS_OK;

	if (p.property)
		chars_replace(p.property, '-', '_');
	if (kind->global)
		choose_system(&p.sel);
	else
		status = select_qube(c, "VMNAME", &p.sel);
	if (!status)
		status = decide(&p);
	selection_release(&p.sel);
	free(p.property);
	return status;
}
