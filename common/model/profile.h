/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backup profiles: YAML files that say what is backed up, where to, and with which passphrase
 * (backup-policy-clock 1.1-1.4, 1.11). */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define PROFILE_MAX (64u << 10) /* bytes of a file */

struct profile {
	bool include_all;       /* include is null: every qube whose include_in_backups is true */
	struct strv include;    /* selectors, when not include_all */
	struct strv exclude;
	char *destination_vm;
	char *destination_path;
	bool compressed;
	char *filter;           /* name of a program that compresses; NULL: gzip */
	char *passphrase_text;  /* NULL: not there */
	char *passphrase_vm;
};

void profile_release(struct profile *p); /* wipes the passphrase */
#define CLEANUP_PROFILE CLEANUP(profile_release)

/*
 * Reads the text of a profile; name is the file's, for messages: "NAME:LINE: KEY: what is wrong". Missing keys are
 * told as the daemon tells them (1.2). -EINVAL with err.
 */
int profile_parse(struct profile *ret, const char *name, const char *text, size_t len, struct err *err);
/* A file of YAML cannot hold bytes that are not UTF-8: -EINVAL with the key of a value that has some. */
int profile_check(const struct profile *p, struct err *err);
/* Adds the text of a file that holds p, which profile_check has passed: keys sorted, scalars quoted where they would be
 * read as something else. */
void profile_print(struct buf *b, const struct profile *p);

/*
 * The profile DIR/NAME.conf. A name with a '/' is refused; -ENOENT with QubesBackupProfileNotFoundError when there is
 * none. *ret_mode (may be NULL) gets the file's permission bits, so that a caller can warn.
 */
int profile_load(struct profile *ret, const char *dir, const char *name, unsigned *ret_mode, struct err *err);
/*
 * Checks it, writes it under a temporary name and renames it into place. Its mode is 0600, or 0660 in a directory of
 * the group qubes (backup-policy-clock 1.1).
 */
int profile_save(const struct profile *p, const char *dir, const char *name, struct err *err);
/* DIR/NAME.conf, or NULL with err for a name that cannot be one. The caller frees. */
char *profile_path(const char *dir, const char *name, struct err *err);

/* True when the selector means this qube: its name, @type:CLASS, @tag:TAG; every '$' is read as '@' (1.3). */
bool profile_selects(const char *selector, const char *qube, const char *class, const struct strv *tags);

/* What a plain YAML 1.1 scalar is (1.4). */
enum scalar { SCALAR_STRING, SCALAR_TRUE, SCALAR_FALSE, SCALAR_NULL, SCALAR_OTHER /* number, date, "=", "<<" */ };
enum scalar scalar_kind(const char *text);
