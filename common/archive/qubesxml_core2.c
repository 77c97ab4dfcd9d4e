/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qubes.xml of backups of format 3: the qubes of release 3, said in the words of today (backup-policy-clock 2.12). */
#include <errno.h>
#include <strings.h>

#include "archive/qubesxml_impl.h"
#include "base/chars.h"
#include "base/mem.h"
#include "base/num.h"

#define QUBES_MAX 10000u

static const struct kind {
	const char *element;
	bool is_template, hvm, network, never_netvm;
} kinds[] = {
	{ "QubesTemplateVm", true, false, false, false }, { "QubesTemplateHVm", true, true, false, false },
	{ "QubesAppVm", false, false, false, false },     { "QubesHVm", false, true, false, false },
	{ "QubesNetVm", false, false, true, true },       { "QubesProxyVm", false, false, true, false },
};

static bool is_true(const char *s)
{
	return s && strcasecmp(s, "true") == 0;
}

static bool is_none(const char *s)
{
	return !s || !*s || strcasecmp(s, "none") == 0;
}

static bool attribute_is_true(xmlNode *n, const char *name)
{
	CLEANUP_FREE char *value = xmldoc_attribute(n, name);

	return is_true(value);
}

/* ---- qids ---- */

/* The name of the qube with that number, NULL when there is none. The caller frees. */
static char *name_of(xmlNode *root, const char *qid)
{
	for (xmlNode *n = root->children; n; n = n->next) {
		CLEANUP_FREE char *other = n->type == XML_ELEMENT_NODE ? xmldoc_attribute(n, "qid") : NULL;

		if (other && streq(other, qid))
			return streq(qid, "0") ? xstrdup("dom0") : xmldoc_attribute(n, "name");
	}
	return NULL;
}

/* Sets a property to the qube that an attribute means by its number; none when it means nothing. */
static void set_by_qid(struct pairs *props, const char *prop, xmlNode *root, xmlNode *n, const char *attribute)
{
	CLEANUP_FREE char *qid = xmldoc_attribute(n, attribute);
	CLEANUP_FREE char *name = is_none(qid) ? NULL : name_of(root, qid);

	pairs_add(props, prop, name ? name : "");
}

/* ---- the texts of Python ---- */

/* The next 'text' or "text", as far as it needs no escapes; *at moves behind it. NULL at the end. The caller frees. */
static char *next_quoted(const char **at)
{
	const char *begin = *at + strcspn(*at, "'\""), *end;

	if (!*begin)
		return NULL;
	end = strchr(begin + 1, *begin);
	if (!end)
		return NULL;
	*at = end + 1;
	return xstrndup(begin + 1, (size_t)(end - begin - 1));
}

static const char *feature_of(const char *service)
{
	return streq(service, "ntpd")		   ? "service.ntpd" :
	       streq(service, "meminfo-writer")    ? "service.meminfo-writer" :
	       streq(service, "qubes-update-check") ? "check-updates" :
						      service;
}

/* {'ntpd': False, 'crond': True} */
static int read_services(struct backup_qube *q, xmlNode *n, struct err *err)
{
	CLEANUP_FREE char *text = xmldoc_attribute(n, "services");
	const char *at = text ? text : "";
	char *name;

	while ((name = next_quoted(&at))) {
		CLEANUP_FREE char *service = name;

		if (!xml_is_argument(service))
			return xml_bad(err, "a name that is not allowed", service);
		at += strspn(at, ": ");
		pairs_add(&q->features, feature_of(service), skip_prefix(at, "True") ? "1" : "");
	}
	return 0;
}

/* ['00:1f.2', '03:00.0'] */
static int read_pci(struct backup_qube *q, xmlNode *n, struct err *err)
{
	CLEANUP_FREE char *text = xmldoc_attribute(n, "pcidevs");
	const char *at = text ? text : "";
	char *name;

	while ((name = next_quoted(&at))) {
		CLEANUP_FREE char *id = name;

		if (!xml_is_device_id(id) || !chars_all(id, "0-9a-fA-F:."))
			return xml_bad(err, "a device's id that is not allowed", id);
		chars_replace(id, ':', '_');
		backup_qube_add_device(q, "pci", "dom0", id);
	}
	return 0;
}

/* ---- properties ---- */

/* Attributes of one value each, which are left out when they are what used to be the default. */
static void read_simple(struct backup_qube *q, xmlNode *n)
{
	static const char *const simple[][2] = {
		{ "memory", "400" }, { "maxmem", "4000" }, { "vcpus", "2" }, { "debug", "False" },
		{ "autostart", "False" }, { "include_in_backups", "True" }, { "mac", "" }, { "default_user", "user" },
		{ "qrexec_timeout", "60" },
	};
	static const char *const kernel[][2] = {
		{ "kernel", "uses_default_kernel" }, { "kernelopts", "uses_default_kernelopts" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(simple); i++) {
		CLEANUP_FREE char *value = xmldoc_attribute(n, simple[i][0]);

		if (!is_none(value) && !streq(value, simple[i][1]))
			pairs_add(&q->props, simple[i][0], value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kernel); i++) {
		CLEANUP_FREE char *value = xmldoc_attribute(n, kernel[i][0]);
		CLEANUP_FREE char *is_default = xmldoc_attribute(n, kernel[i][1]);

		if (is_default && !is_true(is_default) && !pairs_get(&q->props, kernel[i][0]))
			pairs_add(&q->props, kernel[i][0], is_none(value) ? "" : value);
	}
	if (attribute_is_true(n, "internal"))
		pairs_add(&q->features, "internal", "1");
}

static void read_network(struct backup_qube *q, const struct kind *kind, xmlNode *root, xmlNode *n)
{
	if (kind->network)
		pairs_add(&q->props, "provides_network", "True");
	if (kind->never_netvm)
		pairs_add(&q->props, "netvm", "");
	else if (!attribute_is_true(n, "uses_default_netvm"))
		set_by_qid(&q->props, "netvm", root, n, "netvm_qid");
}

/* ---- disposables with a network of their own ---- */

/* A qube whose disposables had another network than itself: a template for disposables of today has it. */
static int add_disposable(struct backup_qubes *all, size_t at, xmlNode *root, xmlNode *n, struct err *err)
{
	CLEANUP_FREE char *is_default = xmldoc_attribute(n, "uses_default_dispvm_netvm");
	CLEANUP_FREE char *qid = xmldoc_attribute(n, "dispvm_netvm");
	CLEANUP_FREE char *netvm = is_none(qid) ? NULL : name_of(root, qid);
	CLEANUP_FREE char *name = netvm ? xasprintf("disp-%s", netvm) : xstrdup("disp-no-netvm");
	struct backup_qube *q;

	if (!is_default || is_true(is_default))
		return 0;
	if (!xml_is_qube_name(name))
		return xml_bad(err, "a name that is not allowed", name);
	pairs_add(&all->v[at].props, "default_dispvm", name);
	if (backup_qubes_find(all, name))
		return 0;
	q = backup_qubes_add(all, name, "AppVM");
	pairs_add(&q->props, "label", "red");
	pairs_add(&q->props, "template_for_dispvms", "True");
	pairs_add(&q->props, "netvm", netvm ? netvm : "");
	return 0;
}

/* ---- a qube ---- */

static int read_included(struct backup_qube *q, xmlNode *n, struct err *err)
{
	CLEANUP_FREE char *path = xmldoc_attribute(n, "backup_path");
	CLEANUP_FREE char *size = xmldoc_attribute(n, "backup_size");

	if (!attribute_is_true(n, "backup_content") || is_none(path))
		return 0;
	return xml_include(q, path, is_none(size) ? NULL : size, err);
}

static int read_qube(struct backup_qubes *all, const struct kind *kind, xmlNode *root, xmlNode *n, struct err *err)
{
	CLEANUP_FREE char *name = xml_checked(n, "name", err);
	CLEANUP_FREE char *label = name ? xml_checked(n, "label", err) : NULL;
	CLEANUP_FREE char *qid = xmldoc_attribute(n, "qid");
	CLEANUP_FREE char *template = xmldoc_attribute(n, "template_qid");
	struct backup_qube *q;
	uint64_t id;
	int r;

	if (!label)
		return -EBADMSG;
	if (!xml_is_qube_name(name))
		return xml_bad(err, "a qube's name that is not allowed", name);
	q = backup_qubes_add(all, name,
			     kind->is_template ? "TemplateVM" : is_none(template) ? "StandaloneVM" : "AppVM");
	q->id = qid && num_u64(qid, &id) == 0 && id <= UINT32_MAX ? (unsigned)id : 0;
	pairs_add(&q->props, "label", label);
	if (streq(q->class, "AppVM"))
		set_by_qid(&q->props, "template", root, n, "template_qid");
	if (kind->hvm) {
		pairs_add(&q->props, "virt_mode", "hvm");
		pairs_add(&q->props, "kernel", "");
		pairs_add(&q->features, "linux-stubdom", "");
	}
	read_simple(q, n);
	read_network(q, kind, root, n);
	r = read_services(q, n, err);
	if (r == 0)
		r = read_pci(q, n, err);
	if (r == 0)
		r = read_included(q, n, err);
	return r < 0 ? r : add_disposable(all, all->n - 1, root, n, err);
}

int core2_read(struct backup_qubes *all, xmlNode *root, struct err *err)
{
	for (xmlNode *n = root->children; n; n = n->next) {
		const char *element = n->type == XML_ELEMENT_NODE ? (const char *)n->name : "";
		int r = all->n < QUBES_MAX ? 0 : xml_bad(err, "too many qubes", NULL);

		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++)
			if (streq(element, kinds[i].element))
				r = read_qube(all, &kinds[i], root, n, err);
		if (r == 0 && streq(element, "QubesAdminVm"))
			r = read_included(backup_qubes_add(all, "dom0", "AdminVM"), n, err);
		if (r < 0)
			return r;
	}
	set_by_qid(&all->globals, "default_template", root, root, "default_template");
	set_by_qid(&all->globals, "default_netvm", root, root, "default_netvm");
	set_by_qid(&all->globals, "clockvm", root, root, "clockvm");
	set_by_qid(&all->globals, "updatevm", root, root, "updatevm");
	return 0;
}
