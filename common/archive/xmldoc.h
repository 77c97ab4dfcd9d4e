/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XML that anybody may have written: no document type, no entities but the five of XML, nothing is fetched. */
#pragma once

#include <libxml/tree.h>

#include "base/attr.h"
#include "base/err.h"

/* what is the document's name in errors. NULL with err (-EBADMSG) for one that is longer than max or is none. */
xmlDoc *xmldoc_read(const char *what, const char *xml, size_t len, size_t max, struct err *err);
static inline void xmldoc_freep(xmlDoc **d)
{
	xmlFreeDoc(*d);
}
#define CLEANUP_XMLDOC CLEANUP(xmldoc_freep)

bool xmldoc_is(const xmlNode *n, const char *name);
/* The first element of that name among n and what follows it; NULL when there is none. */
xmlNode *xmldoc_next(xmlNode *n, const char *name);
/* Goes through the elements of a name below a parent, which may be NULL. */
#define XMLDOC_EACH(child, parent, name)                                                                     \
	(xmlNode *child = (parent) ? xmldoc_next((parent)->children, name) : NULL; child;                    \
	 child = xmldoc_next(child->next, name))
/* NULL when it is not there. The caller frees. */
char *xmldoc_attribute(xmlNode *n, const char *name);
/* The text below an element. The caller frees. */
char *xmldoc_content(xmlNode *n);
