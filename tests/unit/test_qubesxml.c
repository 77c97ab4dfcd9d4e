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
	pairs_add(&q->features, "preload-dispvm", "x");
	pairs_add(&q->features, "preload-dispvm-max", "2");
	strv_add(&q->tags, "project-x");
	d = backup_qube_add_device(q, "pci", "dom0", "03_00.0");
	pairs_add(&d->options, "no-strict-reset", "True");
	d = backup_qube_add_device(q, "block", "sys-usb", "sda1:*");
	d->required = false;
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
	assert_int_equal(q->features.names.n, 2); /* the markers are gone, and what preloads disposables */
	assert_string_equal(pairs_get(&q->features, "gui"), "");
	assert_string_equal(pairs_get(&q->features, "preload-dispvm-max"), "2");
	assert_true(strv_has(&q->tags, "project-x"));
	assert_int_equal(q->n_devices, 2);
	assert_true(q->devices[0].required && !q->devices[1].required);
	assert_string_equal(pairs_get(&q->devices[0].options, "no-strict-reset"), "True");
	assert_string_equal(q->devices[1].id, "sda1:*");
	assert_true(q->included && q->files_are_all);
	assert_int_equal(q->size, 212992);
	assert_int_equal(backup_qube_file(q, "private.img")->size, 1048576);
	assert_false(backup_qubes_find(&again, "other")->included);
	assert_int_equal(backup_qubes_print(&second, &again, NULL), 0);
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
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;

	pairs_add(&backup_qubes_add(&all, "a", "AppVM")->props, "kernelopts", "\x1b");
	assert_int_equal(backup_qubes_print(&b, &all, &err), -EINVAL);
	assert_string_equal(err.text, "'kernelopts' holds characters that qubes.xml cannot hold");
	assert_int_equal(b.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(marker_texts),
		cmocka_unit_test(others),
		cmocka_unit_test(refused),
		cmocka_unit_test(deep),
		cmocka_unit_test(cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
