/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The member qubes.xml: the qubes of the system that was backed up, saved or not (backup-policy-clock 2.10). What is
 * read has passed a check: names are such that they can be arguments of calls, no text holds control characters but
 * blanks. Whether values mean anything is for the daemon to say.
 */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/pairs.h"

#define QUBES_XML_MAX (64u << 20) /* bytes */

struct backup_device {
	char *devclass; /* "pci", "block", ... */
	char *backend;  /* name of a qube */
	char *id;       /* "03_00.0", or "port:id" of later writers */
	const char *mode; /* "required", "auto-attach" or "ask-to-attach"; not to be freed */
	struct pairs options;
};

/*
 * One file of a qube. Archives of ours say in qubes.xml which files a qube has (an element that other readers pass
 * over), so that a missing one is noticed; in others, volumes that are saved are known from the volume's settings.
 */
struct backup_file {
	char *name;    /* "private.img", "firewall.xml"; of dom0: the last part of its path */
	bool has_size; /* volumes that other writers saved have none */
	uint64_t size; /* expanded; of dom0's home: an estimate that proves nothing */
};

struct backup_qube {
	char *name;
	char *class;          /* "AppVM", ..., "AdminVM" for dom0 */
	unsigned id;          /* number of the element domain; 0 for dom0 */
	struct pairs props;   /* without name; an empty value means none */
	struct pairs features; /* without the markers of 2.10; an empty value means false */
	struct strv tags;
	struct backup_device *devices;
	size_t n_devices;
	/* What the markers say: */
	bool included;        /* its data are in the archive */
	char *path;           /* "vm7/", "dom0-home/USER"; NULL unless included */
	uint64_t size;        /* estimate, bytes */
	struct backup_file *files;
	size_t n_files;
	bool files_are_all;   /* files is the whole list, in the order of the archive */
};

struct backup_qubes {
	struct pairs labels;  /* "label-6" (or another id) to "blue" */
	struct pairs globals; /* properties of the system */
	struct backup_qube *v;
	size_t n, cap;
};

void backup_qubes_release(struct backup_qubes *q);
#define CLEANUP_BACKUP_QUBES CLEANUP(backup_qubes_release)

/* To build one: adds an empty qube of that name and class, borrowed until the next one is added. */
struct backup_qube *backup_qubes_add(struct backup_qubes *q, const char *name, const char *class);
void backup_qube_add_file(struct backup_qube *q, const char *name, uint64_t size);
/* Adds a device to which the caller adds options; borrowed until the next one is added. */
struct backup_device *backup_qube_add_device(struct backup_qube *q, const char *devclass, const char *backend,
					     const char *id);

/* NULL when there is no such qube. Borrowed. */
struct backup_qube *backup_qubes_find(const struct backup_qubes *q, const char *name);
const struct backup_file *backup_qube_file(const struct backup_qube *q, const char *name);
/* The name of its label, whether its property holds that or an id; NULL without one. Borrowed. */
const char *backup_qube_label(const struct backup_qubes *all, const struct backup_qube *q);

/*
 * Adds the document. Features that are of backups alone, and those that begin with preload-dispvm but for
 * preload-dispvm-max, are left out. -EINVAL for text that XML cannot hold (control characters, bytes that are not
 * UTF-8), with where it is.
 */
int backup_qubes_print(struct buf *b, const struct backup_qubes *q, struct err *err);
/*
 * Reads it: no document type, no entities but the five of XML, nothing is fetched; size, depth and names are bounded.
 * -EBADMSG with err. Hostile text is accepted.
 */
int backup_qubes_parse(struct backup_qubes *ret, const char *xml, size_t len, struct err *err);
