/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-create: makes a new qube (tools-config 10). */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/exc.h"
#include "base/escape.h"
#include "base/mem.h"
#include "cli/clone.h"
#include "cli/tool.h"
#include "cli/volume-data.h"
#include "model/names.h"
#include "os/io.h"

#define POOLS 1
#define ROOT 2

static const struct opt options[] = {
	{"--class/-C", OPT_VALUE, 0, "CLS", "class of the new qube (default: AppVM)", NULL, COMP_CLASS},
	{"--standalone", OPT_FLAG, 0, NULL, "the same as --class StandaloneVM"},
	{"--disp", OPT_FLAG, 0, NULL, "the same as --class DispVM --label red"},
	{"--property/--prop", OPT_VALUE, OPT_REPEAT, "NAME=VALUE", "set this property too; may repeat", NULL,
	 COMP_NONE},
	{"--pool/-p", OPT_VALUE, OPT_REPEAT, "VOLUME=POOL", "pool for one volume; may repeat", NULL, COMP_POOL, POOLS},
	{"-P", OPT_VALUE, 0, "POOL", "pool for all volumes", NULL, COMP_POOL, POOLS},
	{"--template/-t", OPT_VALUE, 0, "VALUE", "template of the new qube", NULL, COMP_TEMPLATE},
	{"--label/-l", OPT_VALUE, 0, "VALUE", "label of the new qube (required)", NULL, COMP_LABEL},
	{"--help-classes", OPT_FLAG, 0, NULL, "list the classes of qubes and exit"},
	{"--root-copy-from/-r", OPT_VALUE, 0, "FILE", "fill the root volume from this file", NULL, COMP_FILE, ROOT},
	{"--root-move-from/-R", OPT_VALUE, 0, "FILE", "the same, then delete the file", NULL, COMP_FILE, ROOT},
	{"--no-root", OPT_FLAG, OPT_HIDDEN, NULL, "accepted for compatibility, without effect", NULL, COMP_UNSET, ROOT},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_OPTIONAL, COMP_NONE, NULL, "name of the new qube"},
	POS_END,
};

/* Properties of the new qube: name, label, template and --prop share one map, in order of first mention. */
struct create {
	struct ctx *c;
	struct strv keys;
	struct strv values;
	const char *class;
	char *pools; /* as in the call */
	const char *root;
};

static void create_release(struct create *k)
{
	strv_release(&k->keys);
	strv_release(&k->values);
	free(k->pools);
}

static void set(struct create *k, const char *key, size_t n, const char *value)
{
	for (size_t i = 0; i < k->keys.n; i++) {
		if (strlen(k->keys.v[i]) == n && strncmp(k->keys.v[i], key, n) == 0) {
			free(k->values.v[i]);
			k->values.v[i] = xstrdup(value);
			return;
		}
	}
	strv_addn(&k->keys, key, n);
	strv_add(&k->values, value);
}

static const char *get(const struct create *k, const char *key)
{
	for (size_t i = 0; i < k->keys.n; i++)
		if (streq(k->keys.v[i], key))
			return k->values.v[i];
	return "";
}

/* The command line in its order: the last mention of a property wins. */
static int read_properties(struct create *k)
{
	const struct args *a = &k->c->args;

	k->class = arg_has(a, "--class") ? arg_value(a, "--class") : "AppVM";
	for (size_t i = 0; i < a->n; i++) {
		const struct arg *arg = &a->v[i];

		if (!arg->opt) {
			set(k, "name", 4, arg->value);
		} else if (opt_is(arg->opt, "--label")) {
			set(k, "label", 5, arg->value);
		} else if (opt_is(arg->opt, "--template")) {
			set(k, "template", 8, arg->value);
		} else if (opt_is(arg->opt, "--property")) {
			const char *eq = strchr(arg->value, '=');
			CLEANUP_FREE char *quoted = quote_py(arg->value);

			if (!eq)
				return fail_usage(k->c, "Invalid property token: %s", quoted);
			set(k, arg->value, eq - arg->value, eq + 1);
		}
	}
	if (arg_has(a, "--disp")) {
		k->class = "DispVM";
		if (!strv_has(&k->keys, "label"))
			set(k, "label", 5, "red");
	}
	if (arg_has(a, "--standalone"))
		k->class = "StandaloneVM";
	return STATUS_OK;
}

static int help_classes(struct ctx *c)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STRV struct strv classes = STRV_INIT;
	CLEANUP_FREE char *body = NULL;

	if (admin_call(&c->admin, &err, "dom0", "admin.vmclass.List", NULL, NULL, &body, NULL) < 0)
		return fail_err(c, &err, "dom0", "admin.vmclass.List");
	strv_split(&classes, body, '\n');
	strv_sort(&classes);
	for (size_t i = 0; i < classes.n; i++) {
		put_text(c, classes.v[i], strlen(classes.v[i]));
		fputc('\n', c->out);
	}
	return STATUS_OK;
}

/* True when a label of the list has this number. */
static bool is_label_index(struct ctx *c, const struct strv *labels, const char *number)
{
	for (size_t i = 0; i < labels->n; i++) {
		CLEANUP_FREE char *index = NULL;

		if (admin_call(&c->admin, NULL, "dom0", "admin.label.Index", labels->v[i], NULL, &index, NULL) == 0 &&
		    streq(index, number))
			return true;
	}
	return false;
}

static int check_label(struct create *k)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STRV struct strv labels = STRV_INIT;
	CLEANUP_FREE char *body = NULL, *list = NULL, *quoted = NULL;
	const char *label = get(k, "label");

	if (admin_call(&k->c->admin, &err, "dom0", "admin.label.List", NULL, NULL, &body, NULL) < 0)
		return fail_err(k->c, &err, "dom0", "admin.label.List");
	strv_split(&labels, body, '\n');
	if (strv_has(&labels, label) || (chars_all(label, "0-9") && is_label_index(k->c, &labels, label)))
		return STATUS_OK;
	list = strv_join(&labels, ", ");
	quoted = quote_py(label);
	return fail_usage(k->c, "no such label: %s; available: %s", quoted, list);
}

/* Steps 2 to 7 of tools-config 10.1. */
static int check(struct create *k)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	const char *copy = arg_value(&k->c->args, "--root-copy-from");
	int status = create_pools(k->c, &k->pools);

	k->root = copy ? copy : arg_value(&k->c->args, "--root-move-from");
	if (status)
		return status;
	if (!*get(k, "label"))
		return fail_usage(k->c, "--label option is mandatory");
	if (!*get(k, "name"))
		return fail_usage(k->c, "VMNAME is mandatory");
	if (k->root && access(k->root, F_OK) < 0)
		return fail_usage(k->c, "File pointed by --root-copy-from/--root-move-from does not exist");
	if (k->root && (streq(k->class, "AppVM") || streq(k->class, "DispVM")))
		return fail_usage(k->c, "--root-copy-from/--root-move-from used but this qube does not have own 'root' "
					"volume (uses template's one)");
	status = check_label(k);
	if (status)
		return status;
	if (create_check_name("Qube name", get(k, "name"), &err) < 0 ||
	    create_check_name("Label", get(k, "label"), &err) < 0)
		return fail(k->c, "%s", err.text);
	return STATUS_OK;
}

static bool is_cloned(const struct create *k)
{
	return streq(k->class, "StandaloneVM") && *get(k, "template");
}

static int create(struct create *k, struct err *err)
{
	CLEANUP_FREE char *method = create_method(k->class, k->pools);
	CLEANUP_FREE char *payload = create_payload(get(k, "name"), get(k, "label"), k->pools);
	int r;

	if (is_cloned(k)) {
		const struct clone clone = {
			.source = get(k, "template"),
			.name = get(k, "name"),
			.class = k->class,
			.pools = k->pools,
			.skip_volume = "private",
		};

		r = clone_qube(k->c, &clone, err);
	} else {
		r = admin_call(&k->c->admin, err, "dom0", method, get(k, "template"), payload, NULL, NULL);
	}
	if (r < 0 && err_is(err, "QubesVMNotFoundError") && is_cloned(k)) {
		CLEANUP_FREE char *quoted = quote_py(get(k, "template"));

		return err_set(err, r, "", "no such domain: %s", quoted);
	}
	return r;
}

/* Step 9. A failure is reported and does not stop the rest. */
static bool set_property(struct create *k, const char *name, const char *value)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (admin_call(&k->c->admin, &err, get(k, "name"), "admin.vm.property.Set", name, value, NULL, NULL) == 0)
		return true;
	property_error(&err, name);
	log_warning(k->c, "app", "Error setting property %s (but VM created): %s", name, err.text);
	return false;
}

static int set_properties(struct create *k)
{
	bool ok = true;

	if (is_cloned(k))
		ok = set_property(k, "label", get(k, "label"));
	for (size_t i = 0; i < k->keys.n; i++) {
		const char *key = k->keys.v[i];

		if (!streq(key, "name") && !streq(key, "label") && !streq(key, "template"))
			ok = set_property(k, key, k->values.v[i]) && ok;
	}
	return ok ? STATUS_OK : STATUS_USAGE;
}

/* Step 10: the root volume from a file or block device. */
static int import_root(struct create *k, struct err *err)
{
	CLEANUP_CLOSE int fd = open(k->root, O_RDONLY | O_CLOEXEC);
	struct stat st;
	off_t size;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "", "%s: %s", k->root, strerror(errno));
	size = S_ISBLK(st.st_mode) ? lseek(fd, 0, SEEK_END) : st.st_size;
	if (S_ISBLK(st.st_mode))
		lseek(fd, 0, SEEK_SET);
	return volume_import(k->c, get(k, "name"), "root", fd, (uint64_t)size, true, err);
}

static int fill_root(struct create *k)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int r = import_root(k, &err);

	if (r == 0 && arg_has(&k->c->args, "--root-move-from") && unlink(k->root) < 0)
		r = err_set(&err, -errno, "", "%s: %s", k->root, strerror(errno));
	if (r == 0)
		return STATUS_OK;
	log_warning(k->c, "app", "Error importing root volume (but VM created): %s", err.text);
	return STATUS_PARTIAL;
}

static int run(struct ctx *c)
{
	CLEANUP(create_release) struct create k = {.c = c};
	CLEANUP_ERR struct err err = ERR_INIT;
	int status = read_properties(&k);

	if (status)
		return status;
	if (arg_has(&c->args, "--help-classes"))
		return help_classes(c);
	status = check(&k);
	if (status)
		return status;
	if (create(&k, &err) < 0) {
		log_warning(c, "app", "Error creating VM: %s", err.text);
		return STATUS_FAILED;
	}
	status = set_properties(&k);
	if (k.root) {
		int imported = fill_root(&k);

		status = imported ? imported : status;
	}
	return status;
}

const struct tool tool = {
	.name = "qvm-create",
	.summary = "Create a qube.",
	.opts = options,
	.pos = positionals,
	.run = run,
};
