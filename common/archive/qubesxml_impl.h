/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of qubes.xml's two generations share. */
#pragma once

#include "archive/qubesxml.h"
#include "archive/xmldoc.h"

/* -EBADMSG with "qubes.xml: WHAT: NAME"; name may be NULL. */
int xml_bad(struct err *err, const char *what, const char *name);
/* The text can be an argument of a call: characters that names have, not more than a request holds. */
bool xml_is_argument(const char *s);
/* The text can be a part of a port: as many characters that are seen. */
bool xml_is_device_id(const char *s);
/* The text can be the name of a qube for the reader, if not for the daemon: such an argument of at most 128 bytes. */
bool xml_is_qube_name(const char *s);
/* An attribute that has to be able to be an argument of a call. NULL with err. The caller frees. */
char *xml_checked(xmlNode *n, const char *name, struct err *err);
/* The qube's data are in the archive, at that path. size (may be NULL) is text. -EBADMSG for an invalid path. */
int xml_include(struct backup_qube *q, const char *path, const char *size, struct err *err);

/* The document of format 3 (2.12), as qubes of today. */
int core2_read(struct backup_qubes *all, xmlNode *root, struct err *err);
