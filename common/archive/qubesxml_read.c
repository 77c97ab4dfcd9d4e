/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qubes.xml: reading what anybody may have written. */
#include <errno.h>

#include "archive/outer.h"
#include "archive/qubesxml_impl.h"
#include "base/chars.h"
#include "base/mem.h"
#include "base/num.h"

#define NAME_CHARS "A-Za-z0-9._-" /* of a call's argument, without the '+' that stands between its parts */
#define NAME_LEN_MAX ((size_t)65535) /* of a request, which nothing that has a name was made without */
#define QUBE_LEN_MAX 128u
#define QUBES_MAX (1u << 20)

int xml_bad(struct err *err, const char *what, const char *name)
{
	return err_set(err, -EBADMSG, "", "qubes.xml: %s%s%s", what, name ? ": " : "", name ? name : "");
}

/* ---- names ---- */

bool xml_is_argument(const char *s)
{
	return *s && strlen(s) <= NAME_LEN_MAX && chars_all(s, NAME_CHARS);
}

bool xml_is_device_id(const char *s)
{
	return *s && strlen(s) <= NAME_LEN_MAX && chars_all(s, "!-~");
}

bool xml_is_qube_name(const char *s)
{
	return xml_is_argument(s) && strlen(s) <= QUBE_LEN_MAX;
}

char *xml_checked(xmlNode *n, const char *name, struct err *err)
{
	CLEANUP_FREE char *value = xmldoc_attribute(n, name);

	if (value && xml_is_argument(value))
		return STEAL(value);
	xml_bad(err, "a name that is not allowed", value ? value : name);
	return NULL;
}

/* <ELEMENT KEY="NAME">TEXT</ELEMENT>, all of them. */
static int read_items(struct pairs *ret, xmlNode *parent, const char *element, const char *key, struct err *err)
{
	for XMLDOC_EACH (n, parent, element) {
		CLEANUP_FREE char *name = xml_checked(n, key, err);
		CLEANUP_FREE char *text = xmldoc_content(n);

		if (!name)
			return -EBADMSG;
		pairs_add(ret, name, text);
	}
	return 0;
}

/* ---- a qube ---- */

/* Other writers tell whether it is required, and no more. */
static const char *read_mode(xmlNode *n)
{
	static const char *const modes[] = { "required", "auto-attach", "ask-to-attach" };
	CLEANUP_FREE char *mode = xmldoc_attribute(n, "mode"), *required = xmldoc_attribute(n, "required");

	for (size_t i = 0; mode && i < ARRAY_SIZE(modes); i++)
		if (streq(mode, modes[i]))
			return modes[i];
	return required && (streq(required, "no") || streq(required, "False")) ? "auto-attach" : "required";
}

static int read_device(struct backup_qube *q, const char *class, xmlNode *n, struct err *err)
{
	CLEANUP_FREE char *backend = xml_checked(n, "backend-domain", err);
	CLEANUP_FREE char *id = xmldoc_attribute(n, "id");
	struct backup_device *d;

	if (!backend)
		return -EBADMSG;
	if (!id || !xml_is_device_id(id))
		return xml_bad(err, "a device's id that is not allowed", id);
	d = backup_qube_add_device(q, class, backend, id);
	d->mode = read_mode(n);
	return read_items(&d->options, n, "option", "name", err);
}

static int read_devices(struct backup_qube *q, xmlNode *domain, struct err *err)
{
	for XMLDOC_EACH (list, domain, "devices") {
		CLEANUP_FREE char *class = xml_checked(list, "class", err);

		if (!class)
			return -EBADMSG;
		for XMLDOC_EACH (n, list, "device")
			if (read_device(q, class, n, err) < 0)
				return -EBADMSG;
	}
	return 0;
}

static int read_tags(struct backup_qube *q, xmlNode *domain, struct err *err)
{
	for XMLDOC_EACH (n, xmldoc_next(domain->children, "tags"), "tag") {
		char *name = xml_checked(n, "name", err);

		if (!name)
			return -EBADMSG;
		strv_take(&q->tags, name);
	}
	return 0;
}

/* Our list of files. */
static int read_files(struct backup_qube *q, xmlNode *list, struct err *err)
{
	q->files_are_all = true;
	for XMLDOC_EACH (n, list, "file") {
		CLEANUP_FREE char *name = xml_checked(n, "name", err);
		CLEANUP_FREE char *size = xmldoc_attribute(n, "size");
		uint64_t bytes;

		if (!name)
			return -EBADMSG;
		if (!outer_name_is_valid(name)) /* "." and ".." */
			return xml_bad(err, "a name that is not allowed", name);
		if (!size || num_u64(size, &bytes) < 0)
			return xml_bad(err, "a file's size is no number", name);
		if (backup_qube_file(q, name))
			return xml_bad(err, "a file is listed twice", name);
		backup_qube_add_file(q, name, bytes);
	}
	return 0;
}

static bool is_true(const char *s)
{
	return s && (streq(s, "True") || streq(s, "true") || streq(s, "1") || streq(s, "yes"));
}

/* Other writers list no files; volumes that are saved are known from their settings. */
static int read_volumes(struct backup_qube *q, xmlNode *list, struct err *err)
{
	for XMLDOC_EACH (n, list, "volume") {
		CLEANUP_FREE char *name = xml_checked(n, "name", err);
		CLEANUP_FREE char *saved = xmldoc_attribute(n, "save_on_stop");

		if (!name)
			return -EBADMSG;
		if (!is_true(saved))
			continue;

		CLEANUP_FREE char *file = xasprintf("%s.img", name);

		backup_qube_add_file(q, file, 0);
		q->files[q->n_files - 1].has_size = false;
	}
	return 0;
}

/* A file for dom0: its home, which is one archive. */
static void read_home(struct backup_qube *q)
{
	const char *slash = strrchr(q->path, '/');

	backup_qube_add_file(q, slash ? slash + 1 : q->path, q->size);
	q->files_are_all = true;
}

int xml_include(struct backup_qube *q, const char *path, const char *size, struct err *err)
{
	bool home = streq(q->class, "AdminVM");
	size_t n = strlen(path);

	q->included = true;
	if (size && (num_u64(size, &q->size) < 0 || q->size > INT64_MAX))
		return xml_bad(err, "backup-size is no number", q->name);
	q->path = home || path[n - 1] == '/' ? xstrdup(path) : xasprintf("%s/", path);
	if (home && q->path[n - 1] == '/')
		q->path[n - 1] = '\0';

	CLEANUP_FREE char *example = xasprintf("%s%s", q->path, home ? "" : "x");

	if (!outer_name_is_valid(example))
		return xml_bad(err, "a path that is not allowed", path);
	if (home)
		read_home(q);
	return 0;
}

/* Takes the markers of 2.10 out of the features. */
static int read_markers(struct backup_qube *q, struct err *err)
{
	const char *content_mark = pairs_get(&q->features, "backup-content");
	const char *path = pairs_get(&q->features, "backup-path");
	const char *size = pairs_get(&q->features, "backup-size");

	if (content_mark && *content_mark && path && *path && xml_include(q, path, size, err) < 0)
		return -EBADMSG;
	for (size_t i = q->features.names.n; i-- > 0;) {
		const char *mark = skip_prefix(q->features.names.v[i], "backup-");

		if (mark && (streq(mark, "content") || streq(mark, "path") || streq(mark, "size"))) {
			strv_remove(&q->features.names, i);
			strv_remove(&q->features.values, i);
		}
	}
	return 0;
}

/* The name is a property like others. */
static int read_name(struct backup_qube *q, struct err *err)
{
	const char *name = streq(q->class, "AdminVM") ? "dom0" : pairs_get(&q->props, "name");

	if (!name || !xml_is_qube_name(name))
		return xml_bad(err, "a qube's name that is not allowed", name);
	free(q->name);
	q->name = xstrdup(name);
	for (size_t i = q->props.names.n; i-- > 0;) {
		if (streq(q->props.names.v[i], "name")) {
			strv_remove(&q->props.names, i);
			strv_remove(&q->props.values, i);
		}
	}
	return 0;
}

static unsigned read_id(xmlNode *domain)
{
	CLEANUP_FREE char *id = xmldoc_attribute(domain, "id");
	const char *digits = id ? skip_prefix(id, "domain-") : NULL;
	uint64_t n;

	return digits && num_u64(digits, &n) == 0 && n <= UINT32_MAX ? (unsigned)n : 0;
}

static int read_qube(struct backup_qubes *all, xmlNode *domain, struct err *err)
{
	CLEANUP_FREE char *class = xml_checked(domain, "class", err);
	struct backup_qube *q;
	int r;

	if (!class)
		return -EBADMSG;
	q = backup_qubes_add(all, "", class);
	q->id = read_id(domain);
	r = read_items(&q->props, xmldoc_next(domain->children, "properties"), "property", "name", err);
	if (r == 0)
		r = read_name(q, err);
	if (r == 0)
		r = read_items(&q->features, xmldoc_next(domain->children, "features"), "feature", "name", err);
	if (r == 0)
		r = read_tags(q, domain, err);
	if (r == 0)
		r = read_devices(q, domain, err);
	if (r == 0)
		r = read_markers(q, err);
	if (r < 0 || !q->included)
		return r;

	xmlNode *files = xmldoc_next(domain->children, "backup-files");

	if (files && !streq(class, "AdminVM"))
		return read_files(q, files, err);
	return read_volumes(q, xmldoc_next(domain->children, "volume-config"), err);
}

/* ---- the document ---- */

static int by_text(const void *a, const void *b)
{
	const struct backup_qube *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int by_path(const void *a, const void *b)
{
	const struct backup_qube *const *x = a, *const *y = b;

	return strcmp((*x)->path ? (*x)->path : "", (*y)->path ? (*y)->path : "");
}

/* No two qubes have one name, or data in one place or below that of another. */
static int check_distinct(const struct backup_qubes *all, struct err *err)
{
	CLEANUP_FREE const struct backup_qube **q = xreallocarray(NULL, all->n + 1, sizeof(struct backup_qube *));

	for (size_t i = 0; i < all->n; i++)
		q[i] = &all->v[i];
	qsort(q, all->n, sizeof *q, by_text);
	for (size_t i = 1; i < all->n; i++)
		if (streq(q[i - 1]->name, q[i]->name))
			return xml_bad(err, "two qubes with one name", q[i]->name);
	qsort(q, all->n, sizeof *q, by_path);
	for (size_t i = 1; i < all->n; i++)
		if (q[i - 1]->path && skip_prefix(q[i]->path, q[i - 1]->path))
			return xml_bad(err, "two qubes with one path", q[i]->path);
	return 0;
}

static int read_document(struct backup_qubes *all, xmlNode *root, struct err *err)
{
	int r;

	if (root && xmldoc_is(root, "QubesVmCollection")) {
		r = core2_read(all, root, err);
		return r < 0 ? r : check_distinct(all, err);
	}
	if (!root || !xmldoc_is(root, "qubes"))
		return xml_bad(err, "not a list of qubes", NULL);
	r = read_items(&all->globals, xmldoc_next(root->children, "properties"), "property", "name", err);
	if (r == 0)
		r = read_items(&all->labels, xmldoc_next(root->children, "labels"), "label", "id", err);
	if (r < 0)
		return r;
	for XMLDOC_EACH (n, xmldoc_next(root->children, "domains"), "domain") {
		if (all->n == QUBES_MAX)
			return xml_bad(err, "too many qubes", NULL);
		if (read_qube(all, n, err) < 0)
			return -EBADMSG;
	}
	return check_distinct(all, err);
}

int backup_qubes_parse(struct backup_qubes *ret, const char *xml, size_t len, struct err *err)
{
	CLEANUP_BACKUP_QUBES struct backup_qubes all = {0};
	CLEANUP_XMLDOC xmlDoc *doc = xmldoc_read("qubes.xml", xml, len, QUBES_XML_MAX, err);
	int r = doc ? read_document(&all, xmlDocGetRootElement(doc), err) : -EBADMSG;

	if (r < 0)
		return r;
	*ret = all;
	all = (struct backup_qubes){0};
	return 0;
}
