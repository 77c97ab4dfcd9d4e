/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cloning: menus, volumes and device assignments. */
#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "cli/clone.h"
#include "cli/each.h"
#include "cli/volume-data.h"
#include "model/device.h"
#include "os/io.h"
#include "os/spawn.h"

#define APPMENUS "qvm-appmenus"
#define OUTPUT_MAX 65536

static bool is_on_path(const char *program)
{
	CLEANUP_STRV struct strv dirs = STRV_INIT;
	const char *path = getenv("PATH");

	strv_split(&dirs, path ? path : "/usr/bin:/bin", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		CLEANUP_FREE char *file = xasprintf("%s/%s", dirs.v[i], program);

		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* Whose menus, when root asks: dom0 has no default_user, so the first member of group qubes. */
static char *local_user(void)
{
	const struct group *g = getgrnam("qubes");

	return g && g->gr_mem[0] ? xstrdup(g->gr_mem[0]) : NULL;
}

static int appmenus_failed(struct ctx *c, const char *output, struct err *err)
{
	log_warning(c, "app", "Failed to clone appmenus: %s", output);
	return err_set(err, -EIO, "", "Failed to clone appmenus");
}

int clone_appmenus(struct ctx *c, const struct clone *clone, struct err *err)
{
	CLEANUP_CHILD struct child child = CHILD_INIT;
	CLEANUP_BUF struct buf out = BUF_INIT;
	CLEANUP_STRV struct strv argv = STRV_INIT;
	int r;

	if (!is_on_path(APPMENUS)) {
		if (c->verbosity > 1)
			log_info(c, "app", APPMENUS " missing, menus are not cloned");
		return 0;
	}
	if (geteuid() == 0) {
		CLEANUP_FREE char *user = local_user();

		if (!user)
			return appmenus_failed(c, "Failed to find local user account", err);
		strv_add(&argv, "runuser");
		strv_add(&argv, "-u");
		strv_add(&argv, user);
		strv_add(&argv, "--");
	}
	strv_add(&argv, APPMENUS);
	strv_add(&argv, "--init");
	strv_add(&argv, "--update");
	strv_add(&argv, "--source");
	strv_add(&argv, clone->source);
	strv_add(&argv, clone->name);
	r = spawn(&child, argv.v, SPAWN_NULL_STDIN | SPAWN_STDOUT);
	if (r == 0)
		r = read_all(child.out, &out, OUTPUT_MAX);
	if (r < 0)
		return appmenus_failed(c, strerror(-r), err);
	while (out.len && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	return child_wait(&child) == 0 ? 0 : appmenus_failed(c, buf_str(&out), err);
}

static int copy_volume(struct ctx *c, const struct clone *clone, const char *volume, struct err *err)
{
	log_info(c, clone->name, "Cloning %s volume", volume);
	return volume_clone(c, clone->source, volume, clone->name, volume, err);
}

int clone_volumes(struct ctx *c, const struct clone *clone, struct err *err)
{
	CLEANUP_STRV struct strv volumes = STRV_INIT;
	int r = volumes_kept(c, clone->name, &volumes, err);

	for (size_t i = 0; i < volumes.n && r == 0; i++)
		if (!(clone->skip_volume && streq(volumes.v[i], clone->skip_volume)))
			r = copy_volume(c, clone, volumes.v[i], err);
	return r;
}

/* One line of Assigned, "BACKEND+PORT:ID properties", becomes an assignment of the new qube. */
static int copy_assignment(struct ctx *c, const struct clone *clone, const char *class, const char *line,
			   struct err *err)
{
	static const char *const own[] = {"device_id", "port_id", "devclass", "backend_domain", "mode"};
	CLEANUP_DEVICE_PROPS struct device_props props = {0};
	CLEANUP_BUF struct buf payload = BUF_INIT;
	CLEANUP_FREE char *arg = NULL;
	CLEANUP_FREE char *method = xasprintf("admin.vm.device.%s.Assign", class);
	const char *rest = strchr(line, ' ');
	const char *backend, *port, *id;
	int r = device_props_parse(&props, rest ? rest : "", err);

	if (r < 0)
		return r;
	backend = device_props_get(&props, "backend_domain");
	port = device_props_get(&props, "port_id");
	id = device_props_get(&props, "device_id");
	if (!backend || !port)
		return err_set(err, -EBADMSG, "", "Invalid device assignment: %s", line);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		const char *value = device_props_get(&props, own[i]);

		if (value)
			device_prop_add(&payload, own[i], value);
	}
	device_prop_add(&payload, "frontend_domain", clone->name);
	for (size_t i = 0; i < props.keys.n; i++)
		if (props.keys.v[i][0] == '_')
			device_prop_add(&payload, props.keys.v[i], props.values.v[i]);
	arg = device_arg(backend, port, id ? id : "*");
	return admin_call(&c->admin, err, clone->name, method, arg, buf_str(&payload), NULL, NULL);
}

int clone_devices(struct ctx *c, const struct clone *clone, struct err *err)
{
	CLEANUP_STRV struct strv classes = STRV_INIT;
	CLEANUP_FREE char *body = NULL;
	int r = admin_call(&c->admin, err, "dom0", "admin.deviceclass.List", NULL, NULL, &body, NULL);

	if (r < 0)
		return r;
	strv_split(&classes, body, '\n');
	strv_sort(&classes);
	for (size_t i = 0; i < classes.n && r == 0; i++) {
		CLEANUP_FREE char *method = xasprintf("admin.vm.device.%s.Assigned", classes.v[i]);
		CLEANUP_FREE char *assigned = NULL;
		CLEANUP_STRV struct strv lines = STRV_INIT;

		r = admin_call(&c->admin, err, clone->source, method, NULL, NULL, &assigned, NULL);
		if (r < 0)
			return r;
		strv_split(&lines, assigned, '\n');
		for (size_t k = 0; k < lines.n && r == 0; k++)
			r = copy_assignment(c, clone, classes.v[i], lines.v[k], err);
	}
	return r;
}
