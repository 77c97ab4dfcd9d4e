/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys derived from a small system that is a table: whole lists in the order of their writing (vm-interface 4). */
#include "base/buf.h"
#include "base/mem.h"
#include "vmif/derive_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* QUBE, property or "feature:NAME", value; what is not here is empty. */
static const char *const facts[][3] = {
	{ "tmpl", "klass", "TemplateVM" }, { "tmpl", "updateable", "True" }, { "tmpl", "qid", "1" },
	{ "tmpl", "virt_mode", "hvm" }, { "tmpl", "memory", "400" }, { "tmpl", "maxmem", "4000" },
	{ "net", "klass", "AppVM" }, { "net", "provides_network", "True" }, { "net", "qid", "2" },
	{ "net", "template", "tmpl" }, { "net", "memory", "300" }, { "net", "maxmem", "0" }, { "net", "xid", "3" },
	{ "fw", "klass", "AppVM" }, { "fw", "provides_network", "True" }, { "fw", "qid", "255" },
	{ "fw", "guivm", "dom0" }, { "fw", "keyboard_layout", "fr+oss+" },
	{ "fw", "netvm", "net" }, { "fw", "template", "tmpl" }, { "fw", "memory", "500" }, { "fw", "maxmem", "4000" },
	{ "app", "klass", "AppVM" }, { "app", "qid", "4" }, { "app", "netvm", "fw" }, { "app", "template", "tmpl" },
	{ "app", "memory", "400" }, { "app", "maxmem", "4000" }, { "app", "feature:service.cups", "" },
	{ "app", "feature:service.my.dotted", "1" }, { "app", "feature:vm-config.x", "y" },
	{ "app", "feature:check-updates", "1" }, { "app", "kernel", "6.12" },
	{ "hvm", "klass", "StandaloneVM" }, { "hvm", "qid", "5" }, { "hvm", "virt_mode", "hvm" },
	{ "hvm", "updateable", "True" }, { "hvm", "debug", "True" }, { "hvm", "memory", "10" },
	{ "hvm", "maxmem", "0" },
	{ "disp7", "klass", "DispVM" }, { "disp7", "qid", "6" }, { "disp7", "dispid", "300" },
	{ "disp7", "netvm", "net" }, { "disp7", "memory", "400" }, { "disp7", "maxmem", "0" },
};

static const char *fact(const char *qube, const char *what)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (streq(facts[i][0], qube) && streq(facts[i][1], what))
			return facts[i][2];
	return NULL;
}

static char *get_prop(const struct key_source *s, const char *qube, const char *prop)
{
	const char *value = fact(qube, prop);

	return xstrdup(value ? value : "");
}

static const char *get_feature(const struct key_source *s, const char *qube, const char *feature)
{
	CLEANUP_FREE char *name = xasprintf("feature:%s", feature);

	return fact(qube, name);
}

static void get_features(const struct key_source *s, const char *qube, struct strv *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (streq(facts[i][0], qube) && skip_prefix(facts[i][1], "feature:"))
			strv_add(ret, facts[i][1] + strlen("feature:"));
}

static char *get_rules(const struct key_source *s, const char *qube)
{
	return xstrdup("action=accept\n");
}

static const struct strv qubes = {
	.v = (char *[]){ "app", "disp7", "dom0", "fw", "hvm", "net", "tmpl", NULL }, .n = 7,
};

static const struct key_source source = {
	.prop = get_prop, .feature = get_feature, .features = get_features, .rules = get_rules, .qubes = &qubes,
	.zone = "Europe/Warsaw", .seed = "SEED", .now = 0,
};

/* All that a start writes, "key=value" or "-key" for what is removed, a line each. */
static void start_is(enum vmif_gen gen, const char *qube, const char *want)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;
	CLEANUP_BUF struct buf b = BUF_INIT;

	derive_memory(&source, gen, qube, &l);
	derive_set(&source, gen, qube, &l);
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].value)
			buf_addf(&b, "%s=%s\n", l.v[i].key, l.v[i].value);
		else
			buf_addf(&b, "-%s\n", l.v[i].key);
	assert_string_equal(buf_str(&b), want);
}

/* As "setxkbmap -print" writes it. */
#define MAP(keys, compat, symbols) \
	"xkb_keymap {\n\txkb_keycodes  { include \"evdev+aliases(" keys ")\"\t};\n" \
	"\txkb_types     { include \"complete\"\t};\n\txkb_compat    { include \"" compat "\"\t};\n" \
	"\txkb_symbols   { include \"" symbols "\"\t};\n\txkb_geometry  { include \"pc(pc105)\"\t};\n};\n"

#define ROOTS "qubes-block-devices=\nqubes-usb-devices=\n"
#define ZONE "qubes-timezone=Europe/Warsaw\n"
/* memory: most (static-max) and target, in KiB */
#define OLD_MEMORY(most, target) "memory=\ndevice=\nmemory/static-max=" most "\nmemory/target=" target "\n"

static void release_2(void **state)
{
	start_is(VMIF_R2, "app", OLD_MEMORY("4096000", "393216")
		 "qubes-vm-updateable=False\nqubes-debug-mode=0\n"
		 /* netid of qid 255: (255 - 1) mod 253 + 1 = 2 */
		 "qubes-ip=10.137.2.6\nqubes-netmask=255.255.255.0\nqubes-gateway=10.137.2.1\n"
		 "qubes-secondary-dns=10.137.2.254\n" ZONE ROOTS
		 "qubes-service/cups=0\nqubes-service/my.dotted=1\n"
		 "qubes-vm-type=AppVM\nqubes-vm-updatable=False\n");
	start_is(VMIF_R2, "net", OLD_MEMORY("307200", "290816")
		 "qubes-vm-updateable=False\nqubes-debug-mode=0\n"
		 "qubes-netvm-network=10.137.2.0\nqubes-netvm-gateway=10.137.2.1\n"
		 "qubes-netvm-netmask=255.255.255.0\nqubes-netvm-secondary-dns=10.137.2.254\n" ZONE ROOTS
		 "qubes-netvm-external-ip=\nqubes-vm-type=NetVM\nqubes-vm-updatable=False\n");
	start_is(VMIF_R2, "hvm", OLD_MEMORY("10240", "0")
		 "qubes-vm-updateable=True\nqubes-debug-mode=1\n" ZONE ROOTS "qubes-tools=\n"
		 "qubes-vm-type=HVM\nqubes-vm-updatable=True\n");
	start_is(VMIF_R2, "tmpl", OLD_MEMORY("4096000", "393216")
		 "qubes-vm-updateable=True\nqubes-debug-mode=0\n" ZONE ROOTS "qubes-tools=\n"
		 "qubes-vm-type=TemplateHVM\nqubes-vm-updatable=True\n");
	start_is(VMIF_R2, "disp7", OLD_MEMORY("409600", "393216")
		 "qubes-vm-updateable=False\nqubes-debug-mode=0\n"
		 "qubes-ip=10.138.2.47\nqubes-netmask=255.255.255.0\nqubes-gateway=10.137.2.1\n"
		 "qubes-secondary-dns=10.137.2.254\n" ZONE ROOTS
		 "qubes-vm-type=AppVM\nqubes-vm-updatable=False\n");
}

static void release_3(void **state)
{
	start_is(VMIF_R3, "fw", "memory=\nmemory/static-max=4096000\nmemory/target=495616\n"
		 "qubes-vm-updateable=False\nqubes-vm-persistence=rw-only\nqubes-debug-mode=0\n"
		 "qubes-netvm-network=10.137.2.0\nqubes-netvm-gateway=10.137.2.1\n"
		 "qubes-netvm-netmask=255.255.255.0\nqubes-netvm-primary-dns=10.137.2.1\n"
		 "qubes-netvm-secondary-dns=10.137.2.254\n"
		 "qubes-ip=10.137.2.4\nqubes-netmask=255.255.255.0\nqubes-gateway=10.137.2.1\n"
		 "qubes-primary-dns=10.137.2.1\nqubes-secondary-dns=10.137.2.254\nqubes-netvm-domid=3\n" ZONE ROOTS
		 "qubes-vm-type=ProxyVM\nqubes-vm-updatable=False\nqubes-iptables-error=\n"
		 "qubes-keyboard=" MAP("azerty", "complete", "pc+fr(oss)+inet(evdev)") "\n"
		 "-qubes-iptables-domainrules/\n"
		 "qubes-iptables-header=# Generated by qvmd on Thu Jan  1 00:00:00 1970\n*filter\n"
		 ":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
		 "-A INPUT -i vif+ -p udp -m udp --dport 68 -j DROP\n"
		 "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
		 "-A INPUT -p icmp -j ACCEPT\n-A INPUT -i lo -j ACCEPT\n"
		 "-A INPUT -j REJECT --reject-with icmp-host-prohibited\n"
		 "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
		 "-A FORWARD -i vif0.0 -j ACCEPT\n-A FORWARD -i vif+ -o vif+ -j DROP\nCOMMIT\n\n"
		 "qubes-iptables=reload\n");
	/* a disposable is told last that nothing stays */
	start_is(VMIF_R3, "disp7", "memory=\nmemory/static-max=409600\nmemory/target=393216\n"
		 "qubes-vm-updateable=False\nqubes-vm-persistence=rw-only\nqubes-debug-mode=0\n"
		 "qubes-ip=10.138.2.47\nqubes-netmask=255.255.255.0\nqubes-gateway=10.137.2.1\n"
		 "qubes-primary-dns=10.137.2.1\nqubes-secondary-dns=10.137.2.254\n" ZONE ROOTS
		 "qubes-vm-type=AppVM\nqubes-vm-updatable=False\nqubes-restore-complete=1\n"
		 "qubes-vm-persistence=none\n");
}

static void release_4(void **state)
{
	/* no class has memory/meminfo without memory balancing, and none has hotplug without a kernel for it */
	start_is(VMIF_R4, "hvm", "memory/static-max=10240\nmemory/target=0\n"
		 "name=hvm\ntype=StandaloneVM\ndefault-user=\nqubes-vm-updateable=True\n"
		 "qubes-vm-persistence=full\nqubes-debug-mode=1\nqubes-base-template=\nqubes-random-seed=SEED\n" ZONE
		 ROOTS "qubes-service/meminfo-writer=0\nqubes-vm-type=AppVM\nqubes-vm-updatable=True\n"
		 "-qubes-audio-domain-xid\nqubes-gui-enabled=False\n-qubes-gui-domain-xid\n");
	start_is(VMIF_R4, "app", "memory/static-max=4096000\nmemory/target=393216\nmemory/hotplug-max=4096000\n"
		 "memory/meminfo=\nmemory/swapinfo=\n"
		 "name=app\ntype=AppVM\ndefault-user=\nqubes-vm-updateable=False\n"
		 "qubes-vm-persistence=rw-only\nqubes-debug-mode=0\nqubes-base-template=tmpl\n"
		 "qubes-random-seed=SEED\n" ZONE ROOTS
		 "qubes-service/cups=0\nqubes-service/my.dotted=1\nqubes-service/meminfo-writer=1\n"
		 "qubes-service/qubes-update-check=1\nvm-config/x=y\n"
		 "qubes-vm-type=AppVM\nqubes-vm-updatable=False\n"
		 "-qubes-audio-domain-xid\nqubes-gui-enabled=False\n-qubes-gui-domain-xid\n");
}

static void one_change(void **state)
{
	static const struct {
		enum vmif_gen gen;
		const char *change, *want;
	} cases[] = {
		{ VMIF_R4, "feature:service.cups", "qubes-service/cups=0;" },
		{ VMIF_R4, "feature:service.gone", "-qubes-service/gone;" },
		{ VMIF_R4, "feature:vm-config.x", "vm-config/x=y;" },
		{ VMIF_R3, "feature:vm-config.x", "" },
		{ VMIF_R4, "feature:check-updates", "" },
		{ VMIF_R2, "zone", "qubes-timezone=Europe/Warsaw;" },
		{ VMIF_R4, "property:debug", "" },
		{ VMIF_R4, "property:keyboard_layout", "-keyboard-layout;" },
		{ VMIF_R3, "property:keyboard_layout", "-qubes-keyboard;" },
		{ VMIF_R4, "remote:far", "-remote/far;" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;
		CLEANUP_BUF struct buf b = BUF_INIT;

		derive_change(&source, cases[i].gen, "app", cases[i].change, &l);
		for (size_t k = 0; k < l.n; k++)
			if (l.v[k].value)
				buf_addf(&b, "%s=%s;", l.v[k].key, l.v[k].value);
			else
				buf_addf(&b, "-%s;", l.v[k].key);
		assert_string_equal(buf_str(&b), cases[i].want);
	}
}

static void keyboard_maps(void **state)
{
	static const char *const cases[][2] = {
		{ "us++", MAP("qwerty", "complete", "pc+us+inet(evdev)") },
		{ "", MAP("qwerty", "complete", "pc+us+inet(evdev)") },
		{ "de", MAP("qwertz", "complete", "pc+de+inet(evdev)") },
		{ "jp++", MAP("qwerty", "complete+japan", "pc+jp+inet(evdev)") },
		{ "pl++compose:caps", MAP("qwerty", "complete", "pc+pl+inet(evdev)+compose(caps)") },
		{ "de+nodeadkeys+grp:toggle,lv3:ralt_switch,caps:escape",
		  MAP("qwertz", "complete",
		      "pc+de(nodeadkeys)+inet(evdev)+group(toggle)+level3(ralt_switch)+capslock(escape)") },
		{ "us++ctrl,ctrl:,:x,ctrlx:y,no:such,ctrl:nocaps",
		  MAP("qwerty", "complete", "pc+us+inet(evdev)+ctrl(nocaps)") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_FREE char *map = keyboard_map(cases[i][0]);

		assert_string_equal(map, cases[i][1]);
	}
}

/* Every key that is written is in the table, for its generation, and looks as the table says. */
static void all_are_in_the_table(void **state)
{
	for (enum vmif_gen gen = 0; gen < VMIF_GENS; gen++)
		for (size_t q = 0; q < qubes.n; q++) {
			CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;

			derive_memory(&source, gen, qubes.v[q], &l);
			derive_set(&source, gen, qubes.v[q], &l);
			for (size_t i = 0; i < l.n; i++) {
				const struct key_def *def = key_find(l.v[i].key);

				if (!l.v[i].value || streq(qubes.v[q], "dom0") || streq(l.v[i].value, "SEED"))
					continue;
				assert_non_null(def);
				assert_true(key_in_gen(def, gen));
				if (!key_check(l.v[i].key, l.v[i].value, l.v[i].len))
					fail_msg("%s=%s", l.v[i].key, l.v[i].value);
			}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(release_2), cmocka_unit_test(release_3), cmocka_unit_test(release_4),
		cmocka_unit_test(one_change), cmocka_unit_test(keyboard_maps),
		cmocka_unit_test(all_are_in_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
