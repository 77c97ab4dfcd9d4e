/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-pool: pools, what is known of one, and drivers. */
#include "pool.h"

#include <errno.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/pools.h"

void config_release(struct config *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->v[i].key);
		free(k->v[i].value);
	}
	free(k->v);
	*k = (struct config){0};
}

bool config_add(struct config *k, const char *pair)
{
	const char *eq = strchr(pair, '=');
	CLEANUP_FREE char *key = eq ? xstrndup(pair, (size_t)(eq - pair)) : NULL;
	size_t i = 0;

	if (!eq)
		return false;
	while (i < k->n && strcmp(k->v[i].key, key) < 0)
		i++;
	if (i < k->n && streq(k->v[i].key, key)) {
		free(k->v[i].value);
	} else {
		GROW(k->v, k->n, k->cap);
		memmove(&k->v[i + 1], &k->v[i], (k->n++ - i) * sizeof *k->v);
		k->v[i].key = STEAL(key);
	}
	k->v[i].value = xstrdup(eq + 1);
	return true;
}

const char *config_get(const struct config *k, const char *key)
{
	for (size_t i = 0; i < k->n; i++)
		if (streq(k->v[i].key, key))
			return k->v[i].value;
	return NULL;
}

/* The body of admin.pool.Info (admin-api 2.9). */
static void read_config(struct config *ret, const char *body)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, body, '\n');
	for (size_t i = 0; i < lines.n; i++)
		config_add(ret, lines.v[i]);
}

/* An empty reply names what was asked for (admin-api 3.3). */
static int info_failed(struct ctx *c, struct call *call)
{
	if (streq(call->err.type, EXC_ACCESS))
		err_set(&call->err, -EACCES, EXC_PROPERTY_ACCESS, "Failed to access 'config' property");
	return fail_err(c, &call->err, "dom0", call->method);
}

/* Numbers and truth values as such. */
static struct val json_val(const char *text)
{
	int64_t n;

	if (streq(text, "True") || streq(text, "False"))
		return V_BOOL(streq(text, "True"));
	return num_i64(text, &n) == 0 ? V_INT(n) : V_STR(text);
}

/* The name, then all other keys in their order. */
static void put_record(struct json *j, const char *name, const struct config *k)
{
	CLEANUP_FREE const char **keys = xcalloc(k->n + 1, sizeof *keys);
	CLEANUP_FREE struct val *vals = xcalloc(k->n + 1, sizeof *vals);
	size_t n = 1;

	keys[0] = "name";
	vals[0] = V_STR(name);
	for (size_t i = 0; i < k->n; i++) {
		if (streq(k->v[i].key, "name"))
			continue;
		keys[n] = k->v[i].key;
		vals[n++] = json_val(k->v[i].value);
	}
	json_record(j, NULL, n, keys, vals);
}

static void print_pools(struct ctx *c, const struct strv *names, const struct call *infos)
{
	CLEANUP_TABLE struct table *t = table_new(2);
	struct json *j = c->format == FORMAT_TEXT ? NULL : json_begin(c, JSON_ARRAY);

	table_row(t, (const char *[]){"NAME", "DRIVER"});
	for (size_t i = 0; i < names->n; i++) {
		CLEANUP_CONFIG struct config k = {0};
		const char *driver;

		read_config(&k, infos[i].body);
		driver = config_get(&k, "driver");
		if (j)
			put_record(j, names->v[i], &k);
		else
			table_row(t, (const char *[]){names->v[i], driver ? driver : "-"});
	}
	if (j)
		json_end(j);
	else
		table_print(t, c);
}

/* What is known of each, all asked together, goes to print. */
static int print_infos(struct ctx *c, const struct strv *names,
		       void (*print)(struct ctx *c, const struct strv *names, const struct call *infos))
{
	struct call *infos = xcalloc(names->n + 1, sizeof *infos);
	int status = STATUS_OK;

	for (size_t i = 0; i < names->n; i++)
		infos[i] = (struct call){.dest = "dom0", .method = "admin.pool.Info", .arg = names->v[i]};
	admin_run(&c->admin, infos, names->n);
	for (size_t i = 0; i < names->n && !status; i++)
		if (infos[i].result < 0)
			status = info_failed(c, &infos[i]);
	if (!status)
		print(c, names, infos);
	calls_free(infos, names->n);
	return status;
}

int list_pools(struct ctx *c)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STRV struct strv names = STRV_INIT;

	if (pool_names(c, &names, &err) < 0)
		return fail_err(c, &err, "dom0", "admin.pool.List");
	return print_infos(c, &names, print_pools);
}

int list_drivers(struct ctx *c)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_TABLE struct table *t = table_new(2);
	CLEANUP_STRV struct strv lines = STRV_INIT;
	CLEANUP_FREE char *body = NULL;
	struct json *j;

	if (admin_call(&c->admin, &err, "dom0", "admin.pool.ListDrivers", NULL, NULL, &body, NULL) < 0)
		return fail_err(c, &err, "dom0", "admin.pool.ListDrivers");
	j = c->format == FORMAT_TEXT ? NULL : json_begin(c, JSON_ARRAY);
	strv_split(&lines, body, '\n');
	strv_sort(&lines);
	table_row(t, (const char *[]){"DRIVER", "OPTIONS"});
	for (size_t i = 0; i < lines.n; i++) {
		static const char *const keys[] = {"name", "options"};
		CLEANUP_STRV struct strv options = STRV_INIT;
		CLEANUP_FREE char *joined = NULL;
		char *blank = strchr(lines.v[i], ' ');

		if (blank) {
			*blank = '\0';
			strv_split(&options, blank + 1, ' ');
		}
		joined = strv_join(&options, ", ");
		if (j)
			json_record(j, NULL, 2, keys, (const struct val[]){V_STR(lines.v[i]), V_LIST(&options)});
		else
			table_row(t, (const char *[]){lines.v[i], joined});
	}
	if (j)
		json_end(j);
	else
		table_print(t, c);
	return STATUS_OK;
}

int pools_exist(struct ctx *c, const struct strv *names)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STRV struct strv known = STRV_INIT;

	if (pool_names(c, &known, &err) < 0)
		return fail_usage(c, "%s", err.text);
	return pools_check(c, names, &known);
}

static void print_config(struct ctx *c, const char *name, const struct config *k)
{
	CLEANUP_TABLE struct table *t = table_new(2);

	table_row(t, (const char *[]){"name", name});
	for (size_t i = 0; i < k->n; i++)
		if (!streq(k->v[i].key, "name"))
			table_row(t, (const char *[]){k->v[i].key, k->v[i].value});
	table_print(t, c);
}

static void print_configs(struct ctx *c, const struct strv *names, const struct call *infos)
{
	struct json *j = c->format == FORMAT_TEXT ? NULL : json_begin(c, names->n == 1 ? JSON_SCALAR : JSON_ARRAY);

	for (size_t i = 0; i < names->n; i++) {
		CLEANUP_CONFIG struct config k = {0};

		read_config(&k, infos[i].body);
		if (j)
			put_record(j, names->v[i], &k);
		else
			print_config(c, names->v[i], &k);
	}
	if (j)
		json_end(j);
}

int show_pools(struct ctx *c, const struct strv *names)
{
	int status = pools_exist(c, names);

	return status ? status : print_infos(c, names, print_configs);
}
