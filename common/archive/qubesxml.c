/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qubes.xml: the qubes in memory, and writing them. */
#include "archive/qubesxml.h"

#include <errno.h>
#include <libxml/xmlwriter.h>

#include "base/escape.h"
#include "base/mem.h"

/* ---- in memory ---- */

static void device_release(struct backup_device *d)
{
	free(d->devclass);
	free(d->backend);
	free(d->id);
	pairs_release(&d->options);
}

static void qube_release(struct backup_qube *q)
{
	free(q->name);
	free(q->class);
	pairs_release(&q->props);
	pairs_release(&q->features);
	strv_release(&q->tags);
	for (size_t i = 0; i < q->n_devices; i++)
		device_release(&q->devices[i]);
	free(q->devices);
	free(q->path);
	for (size_t i = 0; i < q->n_files; i++)
		free(q->files[i].name);
	free(q->files);
}

void backup_qubes_release(struct backup_qubes *q)
{
	for (size_t i = 0; i < q->n; i++)
		qube_release(&q->v[i]);
	free(q->v);
	pairs_release(&q->labels);
	pairs_release(&q->globals);
	*q = (struct backup_qubes){0};
}

struct backup_qube *backup_qubes_add(struct backup_qubes *q, const char *name, const char *class)
{
	GROW(q->v, q->n, q->cap);
	q->v[q->n] = (struct backup_qube){ .name = xstrdup(name), .class = xstrdup(class) };
	return &q->v[q->n++];
}

void backup_qube_add_file(struct backup_qube *q, const char *name, uint64_t size)
{
	q->files = xreallocarray(q->files, q->n_files + 1, sizeof *q->files);
	q->files[q->n_files++] = (struct backup_file){ .name = xstrdup(name), .has_size = true, .size = size };
}

struct backup_device *backup_qube_add_device(struct backup_qube *q, const char *devclass, const char *backend,
					     const char *id)
{
	q->devices = xreallocarray(q->devices, q->n_devices + 1, sizeof *q->devices);
	q->devices[q->n_devices] = (struct backup_device){
		.devclass = xstrdup(devclass), .backend = xstrdup(backend), .id = xstrdup(id), .mode = "required",
	};
	return &q->devices[q->n_devices++];
}

struct backup_qube *backup_qubes_find(const struct backup_qubes *q, const char *name)
{
	for (size_t i = 0; i < q->n; i++)
		if (streq(q->v[i].name, name))
			return &q->v[i];
	return NULL;
}

const struct backup_file *backup_qube_file(const struct backup_qube *q, const char *name)
{
	for (size_t i = 0; i < q->n_files; i++)
		if (streq(q->files[i].name, name))
			return &q->files[i];
	return NULL;
}

const char *backup_qube_label(const struct backup_qubes *all, const struct backup_qube *q)
{
	const char *label = pairs_get(&q->props, "label");
	const char *name = label ? pairs_get(&all->labels, label) : NULL;

	return name ? name : label;
}

/* ---- writing; libxml2 keeps in its writer whether one of its calls failed ---- */

struct out {
	xmlTextWriter *w;
	bool failed;
	const char *bad; /* a text that cannot be written */
};

static void check(struct out *o, int r)
{
	if (r < 0)
		o->failed = true;
}

/* What the reader would find not to be well-formed: U+FFFE and U+FFFF too. */
static bool can_be_written(const char *s)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 && !strchr("\t\n\r", *p))
			return false;
	return utf8_valid(s, strlen(s)) && !strstr(s, "\xef\xbf\xbe") && !strstr(s, "\xef\xbf\xbf");
}

static void begin(struct out *o, const char *element)
{
	check(o, xmlTextWriterStartElement(o->w, BAD_CAST element));
}

static void end(struct out *o)
{
	check(o, xmlTextWriterFullEndElement(o->w));
}

static void attribute(struct out *o, const char *name, const char *value)
{
	if (!can_be_written(value))
		o->bad = name;
	else
		check(o, xmlTextWriterWriteAttribute(o->w, BAD_CAST name, BAD_CAST value));
}

static void number(struct out *o, const char *name, uint64_t value)
{
	CLEANUP_FREE char *text = xasprintf("%llu", (unsigned long long)value);

	attribute(o, name, text);
}

/* <ELEMENT KEY="NAME">TEXT</ELEMENT> */
static void item(struct out *o, const char *element, const char *key, const char *name, const char *text)
{
	begin(o, element);
	attribute(o, key, name);
	if (!can_be_written(text))
		o->bad = name;
	else
		check(o, xmlTextWriterWriteString(o->w, BAD_CAST text));
	end(o);
}

static void items(struct out *o, const char *element, const struct pairs *p)
{
	for (size_t i = 0; i < p->names.n; i++)
		item(o, element, "name", p->names.v[i], p->values.v[i]);
}

/* The markers of 2.10, and the one of a restore that is not over. */
static bool is_of_backups(const char *feature)
{
	const char *mark = skip_prefix(feature, "backup-");

	return mark && (streq(mark, "content") || streq(mark, "path") || streq(mark, "size") ||
			streq(mark, "restore-of"));
}

static void write_features(struct out *o, const struct backup_qube *q)
{
	begin(o, "features");
	for (size_t i = 0; i < q->features.names.n; i++) {
		const char *name = q->features.names.v[i];

		if (!is_of_backups(name) &&
		    (!skip_prefix(name, "preload-dispvm") || streq(name, "preload-dispvm-max")))
			item(o, "feature", "name", name, q->features.values.v[i]);
	}
	item(o, "feature", "name", "backup-content", q->included ? "1" : "");
	if (q->included) {
		CLEANUP_FREE char *size = xasprintf("%llu", (unsigned long long)q->size);

		item(o, "feature", "name", "backup-path", q->path);
		item(o, "feature", "name", "backup-size", size);
	}
	end(o);
}

static void write_devices(struct out *o, const struct backup_qube *q)
{
	for (size_t i = 0; i < q->n_devices; i++) {
		const struct backup_device *d = &q->devices[i];

		begin(o, "devices");
		attribute(o, "class", d->devclass);
		begin(o, "device");
		attribute(o, "backend-domain", d->backend);
		attribute(o, "id", d->id);
		attribute(o, "required", streq(d->mode, "required") ? "yes" : "no");
		/* What other readers pass over. */
		if (streq(d->mode, "ask-to-attach"))
			attribute(o, "mode", d->mode);
		items(o, "option", &d->options);
		end(o);
		end(o);
	}
}

static void write_files(struct out *o, const struct backup_qube *q)
{
	if (!q->included)
		return;
	begin(o, "backup-files");
	for (size_t i = 0; i < q->n_files; i++) {
		begin(o, "file");
		attribute(o, "name", q->files[i].name);
		number(o, "size", q->files[i].size);
		end(o);
	}
	end(o);
}

static void write_qube(struct out *o, const struct backup_qube *q)
{
	CLEANUP_FREE char *id = xasprintf("domain-%u", q->id);

	begin(o, "domain");
	attribute(o, "id", id);
	attribute(o, "class", q->class);
	begin(o, "properties");
	item(o, "property", "name", "name", q->name);
	items(o, "property", &q->props);
	end(o);
	write_features(o, q);
	write_devices(o, q);
	begin(o, "tags");
	for (size_t i = 0; i < q->tags.n; i++) {
		begin(o, "tag");
		attribute(o, "name", q->tags.v[i]);
		end(o);
	}
	end(o);
	write_files(o, q);
	end(o);
}

static void write_document(struct out *o, const struct backup_qubes *q)
{
	check(o, xmlTextWriterSetIndent(o->w, 1));
	check(o, xmlTextWriterStartDocument(o->w, NULL, "utf-8", NULL));
	begin(o, "qubes");
	begin(o, "properties");
	items(o, "property", &q->globals);
	end(o);
	begin(o, "labels");
	for (size_t i = 0; i < q->labels.names.n; i++)
		item(o, "label", "id", q->labels.names.v[i], q->labels.values.v[i]);
	end(o);
	begin(o, "domains");
	for (size_t i = 0; i < q->n; i++)
		write_qube(o, &q->v[i]);
	end(o);
	end(o);
	check(o, xmlTextWriterEndDocument(o->w));
}

int backup_qubes_print(struct buf *b, const struct backup_qubes *q, struct err *err)
{
	xmlBuffer *xml = xmlBufferCreate();
	struct out o = { .w = xml ? xmlNewTextWriterMemory(xml, 0) : NULL };

	if (o.w)
		write_document(&o, q);
	else
		o.failed = true;
	xmlFreeTextWriter(o.w);
	if (!o.failed && !o.bad)
		buf_add(b, xmlBufferContent(xml), (size_t)xmlBufferLength(xml));
	xmlBufferFree(xml);
	if (o.bad)
		return err_set(err, -EINVAL, "", "'%s' holds characters that qubes.xml cannot hold", o.bad);
	return o.failed ? err_set(err, -ENOMEM, "", "qubes.xml cannot be written") : 0;
}
