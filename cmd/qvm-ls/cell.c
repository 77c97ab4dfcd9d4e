/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value of a column for one qube (tools-config 2.3, 2.4). */
#include "ls.h"

#include "base/mem.h"
#include "base/num.h"

#define MIB 1048576

void cell_release(struct cell *cell)
{
	if (cell->type == VAL_LIST)
		strv_release(&cell->list);
	*cell = (struct cell){.type = VAL_NULL};
}

static enum known cell_str(struct cell *ret, const char *s)
{
	ret->type = VAL_STR;
	ret->str = s;
	return KNOWN;
}

static enum known cell_num(struct cell *ret, uint64_t n)
{
	ret->type = VAL_INT;
	ret->num = (int64_t)n;
	return KNOWN;
}

static enum known cell_list(struct cell *ret, const struct strv *list)
{
	*ret = (struct cell){.type = VAL_LIST};
	for (size_t i = 0; i < list->n; i++)
		strv_add(&ret->list, list->v[i]);
	return KNOWN;
}

char *cell_text(const struct cell *cell)
{
	switch (cell->type) {
	case VAL_NULL:
	case VAL_MAP:
		break;
	case VAL_STR:
		return xstrdup(*cell->str ? cell->str : "-");
	case VAL_INT:
		return xasprintf("%lld%s", (long long)cell->num, cell->percent ? "%" : "");
	case VAL_BOOL:
		return xstrdup(cell->num ? "True" : "False");
	case VAL_LIST:
		if (cell->list.n)
			return strv_join(&cell->list, ",");
		break;
	}
	return xstrdup("-");
}

/* ---- properties and references ---- */

static enum known prop_cell(const struct propval *p, struct cell *ret)
{
	int64_t n;

	if (propval_is_unset(p) || propval_is_none(p))
		return MISSING;
	if (p->type == PROP_INT && num_i64(p->value, &n) == 0) {
		ret->type = VAL_INT;
		ret->num = n;
		return KNOWN;
	}
	if (p->type == PROP_BOOL) {
		ret->type = VAL_BOOL;
		ret->num = streq(p->value, "True");
		return KNOWN;
	}
	return cell_str(ret, p->value);
}

/* True when a property that names a qube is this name. */
static bool names_qube(const struct propval *p, const char *name)
{
	return p->type == PROP_VM && streq(p->value, name);
}

/*
 * Marks the qubes whose property `prop` is qube i; with deep, those of the marked ones too. PENDING while
 * the properties of any qube are.
 */
static enum known mark_users(struct world *w, size_t i, const char *prop, bool deep, bool *marks)
{
	enum known all = KNOWN;

	for (size_t k = 0; k < w->n; k++) {
		struct propval p;
		enum known state = world_prop(w, k, prop, &p);

		if (state == PENDING)
			all = PENDING;
		if (state != KNOWN || marks[k] || !names_qube(&p, w->v[i].qube->name))
			continue;
		marks[k] = true;
		if (deep && k != i && mark_users(w, k, prop, deep, marks) == PENDING)
			all = PENDING;
	}
	return all;
}

static enum known users_cell(struct world *w, size_t i, const char *prop, bool deep, struct cell *ret)
{
	CLEANUP_FREE bool *marks = xcalloc(w->n, sizeof *marks);

	if (mark_users(w, i, prop, deep, marks) == PENDING)
		return PENDING;
	*ret = (struct cell){.type = VAL_LIST};
	for (size_t k = 0; k < w->n; k++)
		if (marks[k] && !w->v[k].gone)
			strv_add(&ret->list, w->v[k].qube->name);
	return KNOWN;
}

static enum known volume_names_cell(struct world *w, size_t i, struct cell *ret)
{
	const struct volume *volumes;
	size_t n;
	enum known state = world_volumes(w, i, &volumes, &n);

	if (state != KNOWN)
		return state;
	*ret = (struct cell){.type = VAL_LIST};
	for (size_t k = 0; k < n; k++)
		strv_add(&ret->list, volumes[k].name);
	return KNOWN;
}

static enum known label_cell(struct world *w, const char *label, const char *attr, struct cell *ret)
{
	bool index = streq(attr, "index");
	const char *text;
	enum known state;
	uint64_t n;

	if (streq(attr, "name"))
		return cell_str(ret, label);
	if (!index && !streq(attr, "color"))
		return MISSING;
	state = world_label(w, label, index, &text);
	if (state != KNOWN)
		return state;
	return index && num_u64(text, &n) == 0 ? cell_num(ret, n) : cell_str(ret, text);
}

static enum known reference_cell(struct world *w, size_t i, const char *attr, const char *dot,
				 struct cell *ret)
{
	CLEANUP_FREE char *name = xstrndup(attr, (size_t)(dot - attr));
	struct propval p;
	enum known state = world_prop(w, i, name, &p);

	if (state != KNOWN)
		return state;
	if (p.type == PROP_LABEL && *p.value)
		return label_cell(w, p.value, dot + 1, ret);
	if (p.type != PROP_VM)
		return MISSING;

	const struct qube *q = qubes_find(w->qubes, p.value);

	return q ? attr_cell(w, (size_t)(q - w->qubes->v), dot + 1, ret) : MISSING;
}

enum known attr_cell(struct world *w, size_t i, const char *attr, struct cell *ret)
{
	const struct qube *q = w->v[i].qube;
	const char *dot = strchr(attr, '.');
	const struct strv *list;
	struct propval p;
	enum known state;

	if (w->v[i].gone)
		return MISSING;
	if (dot)
		return reference_cell(w, i, attr, dot, ret);
	if (streq(attr, "name"))
		return cell_str(ret, q->name);
	if (streq(attr, "klass"))
		return cell_str(ret, q->class);
	if (streq(attr, "uuid") && *q->uuid)
		return cell_str(ret, q->uuid);
	if (streq(attr, "tags") || streq(attr, "features")) {
		state = *attr == 't' ? world_tags(w, i, &list) : world_features(w, i, &list);
		return state == KNOWN ? cell_list(ret, list) : state;
	}
	if (streq(attr, "volumes"))
		return volume_names_cell(w, i, ret);
	if (streq(attr, "appvms") || streq(attr, "derived_vms"))
		return users_cell(w, i, "template", *attr == 'd', ret);
	if (streq(attr, "connected_vms"))
		return users_cell(w, i, "netvm", false, ret);
	state = world_prop(w, i, attr, &p);
	return state == KNOWN ? prop_cell(&p, ret) : state;
}

/* ---- volumes ---- */

static enum known disk_cell(struct world *w, size_t i, struct cell *ret)
{
	const struct volume *volumes, *v;
	uint64_t sum = 0;
	size_t n;
	enum known all = world_volumes(w, i, &volumes, &n);

	if (all != KNOWN)
		return all;
	/* All are looked up, even when one is refused, so that they are in flight together. */
	for (size_t k = 0; k < n; k++) {
		enum known state = world_volume(w, i, k, &v);

		if (state == KNOWN)
			sum += v->info.usage;
		else if (all != PENDING)
			all = state;
	}
	return all == KNOWN ? cell_num(ret, sum / MIB) : all;
}

static enum known used_cell(uint64_t curr, uint64_t max, struct cell *ret)
{
	ret->percent = max != 0;
	return cell_num(ret, max ? curr * 100 / max : 0);
}

static enum known volume_cell(struct world *w, size_t i, const struct column *col, struct cell *ret)
{
	const struct volume *volumes, *v = NULL;
	size_t n;
	enum known state = world_volumes(w, i, &volumes, &n);

	if (state != KNOWN)
		return state;
	for (size_t k = 0; k < n && !v; k++) {
		if (!streq(volumes[k].name, col->volume))
			continue;
		state = world_volume(w, i, k, &v);
		if (state != KNOWN)
			return state;
	}
	switch (col->kind) {
	case COLUMN_CURR:
		return cell_num(ret, v ? v->info.usage / MIB : 0);
	case COLUMN_MAX:
		return cell_num(ret, v ? v->info.size / MIB : 0);
	case COLUMN_USED:
		return used_cell(v ? v->info.usage / MIB : 0, v ? v->info.size / MIB : 0, ret);
	default:
		return v && v->info.pool ? cell_str(ret, v->info.pool) : MISSING;
	}
}

/* ---- the rest ---- */

static enum known memory_cell(struct world *w, size_t i, struct cell *ret)
{
	enum known state;
	int64_t kib;

	if (!state_is_running(w->v[i].qube->state))
		return MISSING;
	state = world_mem(w, i, &kib);
	return state == KNOWN ? cell_num(ret, kib > 0 ? (uint64_t)kib / 1024 : 0) : state;
}

static char class_letter(const char *class)
{
	static const struct {
		const char *class;
		char letter;
	} letters[] = {
		{"AdminVM", '0'}, {"TemplateVM", 't'}, {"AppVM", 'a'}, {"StandaloneVM", 's'}, {"DispVM", 'd'},
	};

	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		if (streq(letters[i].class, class))
			return letters[i].letter;
	return '-';
}

static char state_letter(const char *state)
{
	static const char *const states[] = {
		"running", "transient", "paused", "suspended", "halting", "dying", "crashed",
	};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcasecmp(states[i], state) == 0)
			return *states[i];
	return strcasecmp(state, "unknown") == 0 ? '?' : '-';
}

static enum known flags_cell(struct world *w, size_t i, struct cell *ret)
{
	static const struct {
		const char *prop;
		char letter;
	} flags[] = {
		{"updateable", 'U'}, {"provides_network", 'N'}, {"installed_by_rpm", 'R'},
		{"internal", 'i'},   {"debug", 'D'},            {"autostart", 'A'},
	};
	char *text = w->v[i].flags;
	enum known all = KNOWN;
	struct propval p;

	text[0] = class_letter(w->v[i].qube->class);
	text[1] = state_letter(w->v[i].qube->state);
	for (size_t k = 0; k < ARRAY_SIZE(flags); k++) {
		enum known state = world_prop(w, i, flags[k].prop, &p);

		if (state == PENDING)
			all = PENDING;
		text[2 + k] = state == KNOWN && streq(p.value, "True") ? flags[k].letter : '-';
	}
	switch (world_prop(w, i, "virt_mode", &p)) {
	case KNOWN:
		if (streq(p.value, "hvm") && text[0] >= 'a' && text[0] <= 'z')
			text[0] = (char)(text[0] - 'a' + 'A');
		break;
	case PENDING:
		return PENDING;
	default:
		break;
	}
	return all == KNOWN ? cell_str(ret, text) : all;
}

enum known column_cell(struct world *w, size_t i, const struct column *col, struct cell *ret)
{
	enum known state = MISSING;

	*ret = (struct cell){.type = VAL_NULL};
	switch (col->kind) {
	case COLUMN_EMPTY:
		break;
	case COLUMN_PROPERTY:
		state = attr_cell(w, i, col->attr, ret);
		break;
	case COLUMN_STATE:
		return cell_str(ret, w->v[i].qube->state);
	case COLUMN_CLASS:
		return cell_str(ret, w->v[i].qube->class);
	case COLUMN_MEMORY:
		state = memory_cell(w, i, ret);
		break;
	case COLUMN_DISK:
		state = disk_cell(w, i, ret);
		break;
	case COLUMN_FLAGS:
		state = flags_cell(w, i, ret);
		break;
	case COLUMN_CURR:
	case COLUMN_MAX:
	case COLUMN_USED:
	case COLUMN_POOL:
		state = volume_cell(w, i, col, ret);
		break;
	}
	return state == PENDING ? PENDING : KNOWN;
}
