/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a qube that are of itself: who it is, services, settings, graphics (vm-interface 4.1-4.3, 4.7). */
#include "base/mem.h"
#include "base/num.h"
#include "vmif/base64.h"
#include "vmif/derive_impl.h"

#define TEMPLATES_MAX 8 /* a template of a template of...: no system has so many */

/* ---- looking ---- */

char *prop_of(const struct deriving *d, const char *qube, const char *prop)
{
	return d->src->prop(d->src, qube, prop);
}

bool prop_is(const struct deriving *d, const char *qube, const char *prop, const char *value)
{
	CLEANUP_FREE char *have = prop_of(d, qube, prop);

	return streq(have, value);
}

void naming(const struct deriving *d, const char *prop, struct strv *ret)
{
	if (d->src->naming) {
		d->src->naming(d->src, prop, d->qube, ret);
		return;
	}
	for (size_t i = 0; i < d->src->qubes->n; i++)
		if (prop_is(d, d->src->qubes->v[i], prop, d->qube))
			strv_add(ret, d->src->qubes->v[i]);
}

const char *own_feature(const struct deriving *d, const char *feature)
{
	return d->src->feature(d->src, d->qube, feature);
}

const char *template_feature(const struct deriving *d, const char *qube, const char *feature)
{
	CLEANUP_FREE char *at = xstrdup(qube);

	for (int i = 0; i < TEMPLATES_MAX && *at; i++) {
		const char *value = d->src->feature(d->src, at, feature);
		char *up;

		if (value)
			return value;
		up = prop_of(d, at, "template");
		free(at);
		at = up;
	}
	return NULL;
}

bool is_network(const struct deriving *d, const char *qube)
{
	return prop_is(d, qube, "provides_network", "True");
}

char *derive_netvm(const struct key_source *s, const char *qube)
{
	return s->prop(s, qube, "netvm");
}

int64_t derive_domid(const struct key_source *s, const char *qube)
{
	CLEANUP_FREE char *xid = s->prop(s, qube, "xid");
	int64_t n = -1;

	if (streq(qube, "dom0"))
		return 0;
	return num_i64(xid, &n) == 0 ? n : -1;
}

/* ---- writing ---- */

void put(const struct deriving *d, const char *key, const char *value)
{
	const struct key_def *def = key_find(key);

	if (def && key_in_gen(def, d->gen))
		key_values_addstr(d->ret, key, value);
}

void put_if(const struct deriving *d, const char *key, const char *value)
{
	if (value && *value)
		put(d, key, value);
}

void putf(const struct deriving *d, const char *key, const char *fmt, ...)
{
	CLEANUP_FREE char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	value = xvasprintf(fmt, ap);
	va_end(ap);
	put(d, key, value);
}

static void put_prop(const struct deriving *d, const char *key, const char *prop)
{
	CLEANUP_FREE char *value = prop_of(d, d->qube, prop);

	put(d, key, value);
}

/* ---- who it is ---- */

static const char *vm_type(const struct deriving *d)
{
	bool hvm = d->gen != VMIF_R4 && prop_is(d, d->qube, "virt_mode", "hvm");
	CLEANUP_FREE char *netvm = derive_netvm(d->src, d->qube);

	if (prop_is(d, d->qube, "klass", "TemplateVM"))
		return hvm ? "TemplateHVM" : "TemplateVM";
	if (hvm && prop_is(d, d->qube, "klass", "StandaloneVM"))
		return "HVM";
	if (is_network(d, d->qube))
		return *netvm ? "ProxyVM" : "NetVM";
	return "AppVM";
}

static bool is_hvm_type(const struct deriving *d)
{
	const char *type = vm_type(d);

	return streq(type, "HVM") || streq(type, "TemplateHVM");
}

static bool is_disposable(const struct deriving *d)
{
	return prop_is(d, d->qube, "klass", "DispVM");
}

static void default_user(const struct deriving *d)
{
	CLEANUP_FREE char *mode = prop_of(d, d->qube, "bootmode");
	CLEANUP_FREE char *feature = xasprintf("boot-mode.default-user.%s", mode);
	const char *user = *mode && !streq(mode, "default") ? template_feature(d, d->qube, feature) : NULL;

	if (user)
		put(d, "default-user", user);
	else
		put_prop(d, "default-user", "default_user");
}

static void identity(const struct deriving *d)
{
	bool updateable = prop_is(d, d->qube, "updateable", "True");

	put(d, "name", d->qube);
	put_prop(d, "type", "klass");
	default_user(d);
	put(d, "qubes-vm-updateable", updateable ? "True" : "False");
	put(d, "qubes-vm-persistence", updateable ? "full" : "rw-only");
	put(d, "qubes-debug-mode", prop_is(d, d->qube, "debug", "True") ? "1" : "0");
	put_prop(d, "qubes-base-template", "template");
	put_if(d, "qubes-random-seed", d->src->seed);
}

static void zone(const struct deriving *d)
{
	const char *hidden = template_feature(d, d->qube, "anon-timezone");

	if (d->src->zone && !(hidden && *hidden))
		put(d, "qubes-timezone", d->src->zone);
	else
		key_values_add_gone(d->ret, "qubes-timezone");
}

/* ---- services ---- */

static void app_dispvm(const struct deriving *d, const char *id)
{
	CLEANUP_FREE char *hash = sha256_base64url(id);
	CLEANUP_FREE char *key = xasprintf("hash-app-dispvm/%s", hash);

	put(d, key, id);
}

static void service(const struct deriving *d, const char *name, const char *value)
{
	CLEANUP_FREE char *key = xasprintf("qubes-service/%s", name);
	const char *app = skip_prefix(name, "app-dispvm.");

	/* Not a service to be switched: it follows maxmem. */
	if (streq(name, "meminfo-writer"))
		return;
	if (strlen(name) <= 48)
		put(d, key, *value ? "1" : "0");
	if (app && *app && *value)
		app_dispvm(d, app);
}

/* Features by old names; they are looked at with the whole set only. */
static void old_services(const struct deriving *d)
{
	static const char *const names[][2] = {
		{ "service.ntpd", "qubes-service/ntpd" }, { "check-updates", "qubes-service/qubes-update-check" },
		{ "dvm", "qubes-service/qubes-dvm" }, { "updates-proxy-setup", "qubes-service/yum-proxy-setup" },
	};

	for (size_t i = 0; d->gen == VMIF_R4 && i < ARRAY_SIZE(names); i++) {
		const char *value = own_feature(d, names[i][0]);

		if (value)
			put(d, names[i][1], *value ? "1" : "0");
	}
}

/* Each feature of a family is a key of the same name in another. */
static void family(const struct deriving *d, const struct strv *features, const char *prefix, const char *dir)
{
	for (size_t i = 0; i < features->n; i++) {
		const char *name = skip_prefix(features->v[i], prefix);
		CLEANUP_FREE char *key = name ? xasprintf("%s/%s", dir, name) : NULL;

		if (name && *name)
			put(d, key, own_feature(d, features->v[i]));
	}
}

static void from_features(const struct deriving *d)
{
	CLEANUP_STRV struct strv features = STRV_INIT;

	d->src->features(d->src, d->qube, &features);
	for (size_t i = 0; i < features.n; i++) {
		const char *name = skip_prefix(features.v[i], "service.");

		if (name && *name)
			service(d, name, own_feature(d, features.v[i]));
	}
	put(d, "qubes-service/meminfo-writer", prop_is(d, d->qube, "maxmem", "0") ? "0" : "1");
	old_services(d);
	family(d, &features, "vm-config.", "vm-config");
	family(d, &features, "custom-persist.", "persist");
}

static void remotes(const struct deriving *d)
{
	CLEANUP_STRV struct strv names = STRV_INIT;

	naming(d, "relayvm", &names);
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP_FREE char *key = xasprintf("remote/%s", names.v[i]);
		CLEANUP_FREE char *name = prop_of(d, names.v[i], "remote_name");

		put(d, key, name);
	}
}

/* ---- graphics and sound ---- */

/* The domain number of a qube that serves this one, when it is another and runs. */
static void put_server(const struct deriving *d, const char *key, const char *server)
{
	int64_t domid = *server && !streq(server, d->qube) ? derive_domid(d->src, server) : -1;

	if (domid >= 0)
		putf(d, key, "%jd", (intmax_t)domid);
	else
		key_values_add_gone(d->ret, key);
}

static const char *from_anywhere(const struct deriving *d, const char *feature)
{
	const char *value = template_feature(d, d->qube, feature);

	return value ? value : d->src->feature(d->src, "dom0", feature);
}

/* Of releases 2 and 3 the GUI daemon in dom0, when it shows the qube; there is none but that one. */
static void old_keyboard(const struct deriving *d, const char *guivm)
{
	CLEANUP_FREE char *layout = NULL, *map = NULL;

	if (!streq(guivm, "dom0"))
		return;
	layout = prop_of(d, d->qube, "keyboard_layout");
	map = keyboard_map(layout);
	put(d, "qubes-keyboard", map);
}

static void graphics(const struct deriving *d)
{
	CLEANUP_FREE char *guivm = prop_of(d, d->qube, "guivm"), *audiovm = prop_of(d, d->qube, "audiovm");
	const char *gui = own_feature(d, "gui"), *is_guivm = own_feature(d, "service.guivm");
	const char *prefix = own_feature(d, "guivm-windows-prefix");
	const char *overhead = from_anywhere(d, "gui-videoram-overhead");
	const char *least = from_anywhere(d, "gui-videoram-min");
	bool shown = *guivm && (!gui || *gui);

	if (shown)
		old_keyboard(d, guivm);
	if (d->gen != VMIF_R4)
		return;
	put_server(d, "qubes-audio-domain-xid", audiovm);
	put(d, "qubes-gui-enabled", shown ? "True" : "False");
	put_server(d, "qubes-gui-domain-xid", guivm);
	if (overhead)
		put(d, "qubes-gui-videoram-overhead", overhead);
	if (least)
		put(d, "qubes-gui-videoram-min", least);
	if (is_guivm && *is_guivm)
		put(d, "guivm-windows-prefix", prefix ? prefix : "GuiVM");
	if (*guivm && !streq(guivm, d->qube))
		put_prop(d, "keyboard-layout", "keyboard_layout");
}

/* ---- memory ---- */

static bool has_hotplug(const struct deriving *d)
{
	const char *feature = template_feature(d, d->qube, "memory-hotplug");
	const char *supported = template_feature(d, d->qube, "supported-feature.memory-hotplug");

	if (feature)
		return *feature;
	if (prop_is(d, d->qube, "virt_mode", "hvm"))
		return false;
	return !prop_is(d, d->qube, "kernel", "") || (supported && *supported);
}

#define BALLOON_RESERVE 16384 /* KiB less than what is wanted (vm-interface 4.2) */

void derive_memory(const struct key_source *s, enum vmif_gen gen, const char *qube, struct key_values *ret)
{
	const struct deriving d = { s, gen, qube, ret };
	CLEANUP_FREE char *memory = prop_of(&d, qube, "memory"), *maxmem = prop_of(&d, qube, "maxmem");
	uint64_t mem = 0, most = 0;

	if (num_u64(memory, &mem) < 0 || num_u64(maxmem, &most) < 0 || (mem | most) >> 32)
		mem = most = 0;
	put(&d, "memory", "");
	put(&d, "device", "");
	putf(&d, "memory/static-max", "%ju", (uintmax_t)(most ? most : mem) * 1024);
	putf(&d, "memory/target", "%ju", (uintmax_t)(mem * 1024 > BALLOON_RESERVE ? mem * 1024 - BALLOON_RESERVE : 0));
	if (most && has_hotplug(&d))
		putf(&d, "memory/hotplug-max", "%ju", (uintmax_t)most * 1024);
	if (most && gen == VMIF_R4) {
		put(&d, "memory/meminfo", "");
		put(&d, "memory/swapinfo", "");
	}
}

/* ---- the whole ---- */

static void what_the_qube_fills(const struct deriving *d)
{
	put(d, "qubes-block-devices", "");
	put(d, "qubes-usb-devices", "");
	if (d->gen == VMIF_R2 && streq(vm_type(d), "NetVM"))
		put(d, "qubes-netvm-external-ip", "");
	if (is_hvm_type(d))
		put(d, "qubes-tools", "");
}

/* The firewall of releases 2 and 3 is a thing of ProxyVMs. */
static void iptables_error(const struct deriving *d)
{
	if (d->gen == VMIF_R4 ? is_network(d, d->qube) : streq(vm_type(d), "ProxyVM"))
		put(d, "qubes-iptables-error", "");
}

static void clients(const struct deriving *d)
{
	CLEANUP_STRV struct strv names = STRV_INIT;

	derive_connected(d->src, d->gen, d->qube, d->ret);
	naming(d, "netvm", &names);
	for (size_t i = 0; i < names.n; i++) {
		if (derive_domid(d->src, names.v[i]) < 0)
			continue;
		derive_client(d->src, d->gen, d->qube, names.v[i], d->ret);
		derive_rules(d->src, d->gen, d->qube, names.v[i], d->ret);
	}
	derive_iptables(d->src, d->gen, d->qube, d->ret);
}

void derive_set(const struct key_source *s, enum vmif_gen gen, const char *qube, struct key_values *ret)
{
	const struct deriving d = { s, gen, qube, ret };

	identity(&d);
	derive_own_network(&d);
	derive_uplink(&d);
	zone(&d);
	what_the_qube_fills(&d);
	from_features(&d);
	put(&d, "qubes-vm-type", vm_type(&d));
	put(&d, "qubes-vm-updatable", prop_is(&d, qube, "updateable", "True") ? "True" : "False");
	iptables_error(&d);
	graphics(&d);
	remotes(&d);
	if (is_network(&d, qube))
		clients(&d);
	if (is_disposable(&d)) {
		put(&d, "qubes-restore-complete", "1");
		/* Nothing of a disposable stays; told last (vm-interface 4.7). */
		put(&d, "qubes-vm-persistence", "none");
	}
}

/* ---- one change ---- */

/* The name of the key that a row stands for; star may be NULL. Caller frees. */
static char *key_of(const struct key_def *def, const char *star)
{
	const char *at = strchr(def->name, '*');
	CLEANUP_FREE char *hash = NULL;

	if (!at)
		return xstrdup(def->name);
	if (skip_prefix(def->name, "hash-app-dispvm/"))
		star = hash = sha256_base64url(star);
	return xasprintf("%.*s%s", (int)(at - def->name), def->name, star);
}

void derive_change(const struct key_source *s, enum vmif_gen gen, const char *qube, const char *change,
		   struct key_values *ret)
{
	CLEANUP_KEY_VALUES struct key_values set = KEY_VALUES_INIT;

	derive_set(s, gen, qube, &set);
	key_values_settle(&set);
	for (const struct key_def *def = key_defs; def->name; def++) {
		const char *star;
		CLEANUP_FREE char *key = NULL;
		const struct key_value *now;

		if (!key_in_gen(def, gen) || !key_follows(def, change, &star))
			continue;
		key = key_of(def, star);
		now = key_values_get(&set, key);
		if (now)
			key_values_add(ret, key, now->value, now->len);
		else
			key_values_add_gone(ret, key);
	}
}
