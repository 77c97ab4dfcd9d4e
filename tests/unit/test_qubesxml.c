/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qubes.xml: what is written is read again; what other writers say; what is refused (backup-policy-clock 2.10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "archive/qubesxml.h"
#include "base/mem.h"

static int parse(struct backup_qubes *q, const char *xml, struct err *err)
{
	return backup_qubes_parse(q, xml, strlen(xml), err);
}

static void make(struct backup_qubes *all)
{
	struct backup_qube *q = backup_qubes_add(all, "dom0", "AdminVM");
	struct backup_device *d;

	pairs_add(&all->labels, "label-1", "red");
	pairs_add(&all->globals, "default_netvm", "sys-net");
	q->included = true;
	q->path = xstrdup("dom0-home/user");
	backup_qube_add_file(q, "user", 0);
	q = backup_qubes_add(all, "work", "AppVM");
	q->id = 7;
	pairs_add(&q->props, "label", "label-1");
	pairs_add(&q->props, "netvm", "");
	pairs_add(&q->props, "kernelopts", "a <b> & \"c\"\n'\xc3\xa4'\r");
	pairs_add(&q->features, "gui", "");
	pairs_add(&q->features, "backup-note", "mine");
	pairs_add(&q->features, "backup-size", "1");
	pairs_add(&q->features, "backup-restore-of", "x");
	pairs_add(&q->features, "preload-dispvm", "x");
	pairs_add(&q->features, "preload-dispvm-max", "2");
	strv_add(&q->tags, "project-x");
	d = backup_qube_add_device(q, "pci", "dom0", "03_00.0");
	pairs_add(&d->options, "no-strict-reset", "True");
	d = backup_qube_add_device(q, "block", "sys-usb", "sda1:*");
	d->mode = "auto-attach";
	backup_qube_add_device(q, "usb", "sys-usb", "2-1:*")->mode = "ask-to-attach";
	q->included = true;
	q->path = xstrdup("vm7/");
	q->size = 212992;
	backup_qube_add_file(q, "private.img", 1048576);
	backup_qube_add_file(q, "notes.txt", 7);
	q = backup_qubes_add(all, "other", "TemplateVM");
	q->id = 8;
	pairs_add(&q->props, "label", "blue");
}

static void round_trip(void **state)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0}, again = {0};
	CLEANUP_BUF struct buf b = BUF_INIT, second = BUF_INIT;
	const struct backup_qube *q;

	make(&all);
	assert_int_equal(backup_qubes_print(&b, &all, NULL), 0);
	assert_int_equal(backup_qubes_parse(&again, b.data, b.len, NULL), 0);
	assert_int_equal(again.n, 3);
	assert_string_equal(again.v[0].name, "dom0");
	assert_string_equal(again.v[0].path, "dom0-home/user");
	assert_string_equal(pairs_get(&again.globals, "default_netvm"), "sys-net");
	q = backup_qubes_find(&again, "work");
	assert_non_null(q);
	assert_int_equal(q->id, 7);
	assert_string_equal(q->class, "AppVM");
	assert_null(pairs_get(&q->props, "name"));
	assert_string_equal(pairs_get(&q->props, "netvm"), "");
	assert_string_equal(pairs_get(&q->props, "kernelopts"), "a <b> & \"c\"\n'\xc3\xa4'\r");
	assert_string_equal(backup_qube_label(&again, q), "red");
	assert_string_equal(backup_qube_label(&again, backup_qubes_find(&again, "other")), "blue");
	assert_string_equal(pairs_get(&q->features, "backup-note"), "mine");
	assert_int_equal(q->features.names.n, 3); /* the markers are gone, and what preloads disposables */
	assert_string_equal(pairs_get(&q->features, "gui"), "");
	assert_string_equal(pairs_get(&q->features, "preload-dispvm-max"), "2");
	assert_true(strv_has(&q->tags, "project-x"));
	assert_int_equal(q->n_devices, 3);
	assert_string_equal(q->devices[0].mode, "required");
	assert_string_equal(q->devices[1].mode, "auto-attach");
	assert_string_equal(q->devices[2].mode, "ask-to-attach");
	assert_string_equal(pairs_get(&q->devices[0].options, "no-strict-reset"), "True");
	assert_string_equal(q->devices[1].id, "sda1:*");
	assert_true(q->included && q->files_are_all);
	assert_int_equal(q->size, 212992);
	assert_int_equal(backup_qube_file(q, "private.img")->size, 1048576);
	assert_false(backup_qubes_find(&again, "other")->included);
	assert_int_equal(backup_qubes_print(&second, &again, NULL), 0);
}

/* Whatever the daemon takes is read back: one name must not be the end of a whole backup. */
static void long_names(void **state)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0}, again = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;
	char name[60001];
	struct backup_qube *q;

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	make(&all);
	q = backup_qubes_find(&all, "other");
	pairs_add(&q->features, name, "1");
	strv_add(&q->tags, name);
	pairs_add(&backup_qube_add_device(q, "block", "work", name)->options, name, "1");
	assert_int_equal(backup_qubes_print(&b, &all, NULL), 0);
	assert_int_equal(backup_qubes_parse(&again, b.data, b.len, NULL), 0);
	q = backup_qubes_find(&again, "other");
	assert_string_equal(pairs_get(&q->features, name), "1");
	assert_true(strv_has(&q->tags, name));
	assert_string_equal(q->devices[0].id, name);
	assert_string_equal(pairs_get(&q->devices[0].options, name), "1");
}

static void marker_texts(void **state)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;

	make(&all);
	assert_int_equal(backup_qubes_print(&b, &all, NULL), 0);
	assert_non_null(strstr(b.data, "<feature name=\"backup-content\">1</feature>"));
	assert_non_null(strstr(b.data, "<feature name=\"backup-path\">vm7/</feature>"));
	assert_non_null(strstr(b.data, "<feature name=\"backup-size\">212992</feature>"));
	assert_non_null(strstr(b.data, "<feature name=\"backup-content\"></feature>"));
	assert_null(strstr(b.data, "preload-dispvm\""));
}

#define DOMAINS(x) "<qubes><domains>" x "</domains></qubes>"
#define QUBE(name, x) "<domain class='AppVM'><properties><property name='name'>" name \
		      "</property></properties>" x "</domain>"
#define MARKED(path, x) "<features><feature name='backup-content'>True</feature>" \
			"<feature name='backup-path'>" path "</feature></features>" x

/* Other writers: content "True", a path without its slash, volumes from their settings. */
static void others(void **state)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	const struct backup_qube *q;

	assert_int_equal(parse(&all,
			       "<?xml version='1.0' encoding='utf-8'?>\n<qubes version='3.0'><labels><label "
			       "id='label-3' color='0x1'>yellow</label></labels>" "<domains>"
			       QUBE("a", MARKED("appvms/a", "<volume-config><volume name='root' snap_on_start='True'/>"
				    "<volume name='private' save_on_stop='True' size='5'/></volume-config>"))
			       QUBE("b", "<features><feature name='backup-content'></feature></features>")
			       QUBE("c", "<features><feature name='backup-content'>1</feature></features>")
			       "<!-- a comment --><unknown><x/></unknown></domains></qubes>", NULL),
			 0);
	assert_int_equal(all.n, 3);
	q = &all.v[0];
	assert_true(q->included);
	assert_string_equal(q->path, "appvms/a/");
	assert_int_equal(q->n_files, 1);
	assert_string_equal(q->files[0].name, "private.img");
	assert_false(q->files[0].has_size || q->files_are_all);
	assert_int_equal(q->features.names.n, 0);
	assert_false(all.v[1].included || all.v[2].included); /* both markers are needed */
}

static const char *prop(const struct backup_qubes *all, const char *qube, const char *name)
{
	const struct backup_qube *q = backup_qubes_find(all, qube);

	assert_non_null(q);
	return pairs_get(&q->props, name);
}

/* Format 3 (2.12): the qubes of release 3. */
static void core2(void **state)
{
	static const char xml[] =
		"<?xml version='1.0' encoding='UTF-8'?>\n<QubesVmCollection default_template='1' default_netvm='3' "
		"updatevm='3' clockvm='2' default_kernel='4.4.67-12'>"
		"<QubesAdminVm qid='0' name='dom0' label='black' backup_content='True' backup_path='dom0-home/user' "
		"backup_size='10'/>"
		"<QubesTemplateVm qid='1' name='fedora-23' label='black' template_qid='none' memory='400' "
		"backup_content='True' backup_path='vm-templates/fedora-23' backup_size='5' netvm_qid='3' "
		"uses_default_netvm='True' kernel='x' uses_default_kernel='True'/>"
		"<QubesNetVm qid='2' name='sys-net' label='red' template_qid='1' pcidevs=\"['00:19.0', '03:00.0']\" "
		"services=\"{'ntpd': False, 'meminfo-writer': False, 'crond': True}\" memory='300' "
		"kernelopts='iommu=soft' uses_default_kernelopts='False' backup_content='False' netvm_qid='none'/>"
		"<QubesProxyVm qid='3' name='sys-firewall' label='green' template_qid='1' netvm_qid='2' "
		"uses_default_netvm='False'/>"
		"<QubesAppVm qid='5' name='work' label='blue' template_qid='1' uses_default_netvm='False' "
		"netvm_qid='none' "
		"autostart='True' include_in_backups='False' maxmem='4000' vcpus='4' internal='False' mac='None' "
		"uses_default_dispvm_netvm='False' dispvm_netvm='2' backup_content='True' backup_path='appvms/work' "
		"backup_size='1000' default_user='user'/>"
		"<QubesHVm qid='6' name='win' label='yellow' template_qid='none' uses_default_netvm='True' "
		"uses_default_dispvm_netvm='False' dispvm_netvm='none' debug='True'/>"
		"<QubesTemplateHVm qid='7' name='win-t' label='yellow'/>"
		"<QubesDisposableVm qid='8' name='disp1' label='red'/></QubesVmCollection>";
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	const struct backup_qube *q;

	assert_int_equal(parse(&all, xml, NULL), 0);
	assert_int_equal(all.n, 9);
	q = backup_qubes_find(&all, "fedora-23");
	assert_string_equal(q->class, "TemplateVM");
	assert_string_equal(q->path, "vm-templates/fedora-23/");
	assert_int_equal(q->size, 5);
	assert_false(q->files_are_all);
	assert_null(prop(&all, "fedora-23", "memory"));
	assert_null(prop(&all, "fedora-23", "netvm"));
	assert_null(prop(&all, "fedora-23", "kernel"));
	assert_null(prop(&all, "fedora-23", "template"));
	q = backup_qubes_find(&all, "sys-net");
	assert_string_equal(q->class, "AppVM");
	assert_false(q->included);
	assert_int_equal(q->n_devices, 2);
	assert_string_equal(q->devices[1].id, "03_00.0");
	assert_string_equal(q->devices[1].backend, "dom0");
	assert_string_equal(pairs_get(&q->features, "service.ntpd"), "");
	assert_string_equal(pairs_get(&q->features, "service.meminfo-writer"), "");
	assert_string_equal(pairs_get(&q->features, "crond"), "1");
	assert_string_equal(prop(&all, "sys-net", "provides_network"), "True");
	assert_string_equal(prop(&all, "sys-net", "netvm"), "");
	assert_string_equal(prop(&all, "sys-net", "memory"), "300");
	assert_string_equal(prop(&all, "sys-net", "kernelopts"), "iommu=soft");
	assert_string_equal(prop(&all, "sys-firewall", "netvm"), "sys-net");
	assert_string_equal(prop(&all, "work", "template"), "fedora-23");
	assert_string_equal(prop(&all, "work", "netvm"), "");
	assert_string_equal(prop(&all, "work", "autostart"), "True");
	assert_string_equal(prop(&all, "work", "include_in_backups"), "False");
	assert_null(prop(&all, "work", "maxmem"));
	assert_null(prop(&all, "work", "mac"));
	assert_string_equal(prop(&all, "work", "vcpus"), "4");
	assert_string_equal(prop(&all, "work", "default_dispvm"), "disp-sys-net");
	assert_string_equal(prop(&all, "disp-sys-net", "netvm"), "sys-net");
	assert_string_equal(prop(&all, "disp-sys-net", "template_for_dispvms"), "True");
	assert_string_equal(backup_qubes_find(&all, "win")->class, "StandaloneVM");
	assert_string_equal(prop(&all, "win", "virt_mode"), "hvm");
	assert_string_equal(prop(&all, "win", "kernel"), "");
	assert_string_equal(prop(&all, "win", "default_dispvm"), "disp-no-netvm");
	assert_string_equal(pairs_get(&backup_qubes_find(&all, "win")->features, "linux-stubdom"), "");
	assert_string_equal(backup_qubes_find(&all, "win-t")->class, "TemplateVM");
	assert_string_equal(pairs_get(&all.globals, "default_netvm"), "sys-firewall");
	assert_true(backup_qubes_find(&all, "dom0")->included);
	assert_int_equal(backup_qubes_find(&all, "dom0")->n_files, 1);
}

#define CORE2(x) "<QubesVmCollection>" x "</QubesVmCollection>"
#define LONG8 "00000000"
#define LONG32 LONG8 LONG8 LONG8 LONG8
#define LONG LONG32 LONG32 LONG32 LONG32 /* as long as a qube's name may be */

static void refused(void **state)
{
	static const struct {
		const char *xml, *why;
	} cases[] = {
		{ "", "qubes.xml: empty" },
		{ "<qubes>", "qubes.xml: is not well-formed" },
		{ "<a/>", "qubes.xml: not a list of qubes" },
		{ "<!DOCTYPE qubes><qubes/>", "qubes.xml: a document type is not accepted" },
		{ "<!DOCTYPE q [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>" DOMAINS(QUBE("&b;", "")),
		  "qubes.xml: a document type is not accepted" },
		{ "<!DOCTYPE q SYSTEM 'file:///etc/passwd'><qubes/>", "qubes.xml: a document type is not accepted" },
		{ "<qubes>&undefined;</qubes>", "qubes.xml: is not well-formed" },
		{ "<qubes>\x01</qubes>", "qubes.xml: is not well-formed" },
		{ DOMAINS("<domain/>"), "qubes.xml: a name that is not allowed: class" },
		{ DOMAINS("<domain class='AppVM'/>"), "qubes.xml: a qube's name that is not allowed" },
		{ DOMAINS(QUBE("a b", "")), "qubes.xml: a qube's name that is not allowed: a b" },
		{ DOMAINS(QUBE("a+b", "")), "qubes.xml: a qube's name that is not allowed: a+b" },
		{ DOMAINS(QUBE("a", "<tags><tag name='x y'/></tags>")), "qubes.xml: a name that is not allowed: x y" },
		{ DOMAINS(QUBE("a", "<features><feature name='x+y'/></features>")),
		  "qubes.xml: a name that is not allowed: x+y" },
		{ DOMAINS(QUBE("a", "<devices class='pci'><device backend-domain='x' id='a b'/></devices>")),
		  "qubes.xml: a device's id that is not allowed: a b" },
		{ DOMAINS(QUBE("a", "<devices class='pci'><device id='a'/></devices>")),
		  "qubes.xml: a name that is not allowed: backend-domain" },
		{ DOMAINS(QUBE("a", MARKED("../x", ""))), "qubes.xml: a path that is not allowed: ../x" },
		{ DOMAINS(QUBE("a", MARKED("/etc/", ""))), "qubes.xml: a path that is not allowed: /etc/" },
		{ DOMAINS(QUBE("a", "") QUBE("b", "") QUBE("a", "")), "qubes.xml: two qubes with one name: a" },
		{ DOMAINS(QUBE("a", MARKED("vm1/", "")) QUBE("b", MARKED("vm1/", ""))),
		  "qubes.xml: two qubes with one path: vm1/" },
		{ DOMAINS(QUBE("a", MARKED("vm1/", "")) QUBE("b", MARKED("vm1/x/", ""))),
		  "qubes.xml: two qubes with one path: vm1/x/" },
		{ DOMAINS(QUBE("a", MARKED("vm1/", "<backup-files><file name='a/b' size='1'/></backup-files>"))),
		  "qubes.xml: a name that is not allowed: a/b" },
		{ DOMAINS(QUBE("a", MARKED("vm1/", "<backup-files><file name='..' size='1'/></backup-files>"))),
		  "qubes.xml: a name that is not allowed: .." },
		{ CORE2("<QubesAppVm name='a b' label='red'/>"), "qubes.xml: a name that is not allowed: a b" },
		{ CORE2("<QubesAppVm name='a'/>"), "qubes.xml: a name that is not allowed: label" },
		{ CORE2("<QubesAppVm name='a' label='x' services=\"{'a+b': True}\"/>"),
		  "qubes.xml: a name that is not allowed: a+b" },
		{ CORE2("<QubesNetVm qid='2' name='" LONG "' label='x'/><QubesAppVm name='a' label='x' "
			"uses_default_dispvm_netvm='False' dispvm_netvm='2'/>"),
		  "qubes.xml: a name that is not allowed: disp-" LONG },
		{ CORE2("<QubesAppVm name='" LONG "a' label='x'/>"),
		  "qubes.xml: a qube's name that is not allowed: " LONG "a" },
		{ CORE2("<QubesAppVm name='a' label='x' pcidevs=\"['../..']\"/>"),
		  "qubes.xml: a device's id that is not allowed: ../.." },
		{ CORE2("<QubesAppVm name='a' label='x' backup_content='True' backup_path='/x'/>"),
		  "qubes.xml: a path that is not allowed: /x" },
		{ CORE2("<QubesAppVm name='a' label='x' backup_content='True' backup_path='x' backup_size='y'/>"),
		  "qubes.xml: backup-size is no number: a" },
		{ CORE2("<QubesAppVm name='a' label='x' backup_content='True' backup_path='x' "
			"backup_size='9223372036854775808'/>"), "qubes.xml: backup-size is no number: a" },
		{ CORE2("<QubesAppVm name='a' label='x'/><QubesAppVm name='a' label='x'/>"),
		  "qubes.xml: two qubes with one name: a" },
		{ DOMAINS(QUBE("a", MARKED("vm1/", "<backup-files><file name='x' size='-1'/></backup-files>"))),
		  "qubes.xml: a file's size is no number: x" },
		{ DOMAINS(QUBE("a", MARKED("vm1/", "<backup-files><file name='x' size='1'/><file name='x' size='1'/>"
				   "</backup-files>"))), "qubes.xml: a file is listed twice: x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
		CLEANUP_ERR struct err err = ERR_INIT;

		assert_int_equal(parse(&all, cases[i].xml, &err), -EBADMSG);
		assert_string_equal(err.text, cases[i].why);
	}
}

/* Depth is bounded by the library, and a document may be no tower. */
static void deep(void **state)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (int i = 0; i < 100000; i++)
		buf_addstr(&b, "<qubes>");
	assert_int_equal(backup_qubes_parse(&all, b.data, b.len, NULL), -EBADMSG);
}

static void cannot_be_written(void **state)
{
	static const char *const texts[] = { "\x1b", "\xff", "\xef\xbf\xbe", "a\xef\xbf\xbf" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
		CLEANUP_BUF struct buf b = BUF_INIT;
		CLEANUP_ERR struct err err = ERR_INIT;

		pairs_add(&backup_qubes_add(&all, "a", "AppVM")->props, "kernelopts", texts[i]);
		assert_int_equal(backup_qubes_print(&b, &all, &err), -EINVAL);
		assert_string_equal(err.text, "'kernelopts' holds characters that qubes.xml cannot hold");
		assert_int_equal(b.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(long_names),
		cmocka_unit_test(marker_texts),
		cmocka_unit_test(others),
		cmocka_unit_test(core2),
		cmocka_unit_test(refused),
		cmocka_unit_test(deep),
		cmocka_unit_test(cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
