/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents of libxml2, read with care. */
#include "archive/xmldoc.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "base/mem.h"

/* A document type is the way to entities and to other files: it ends the parsing. */
static void on_doctype(void *data, const xmlChar *name, const xmlChar *external, const xmlChar *id)
{
	xmlParserCtxt *p = data;
	bool *refused = p->_private;

	*refused = true;
	xmlStopParser(p);
}

xmlDoc *xmldoc_read(const char *what, const char *xml, size_t len, size_t max, struct err *err)
{
	xmlParserCtxt *p = len && len <= max ? xmlNewParserCtxt() : NULL;
	bool doctype = false;
	xmlDoc *doc;

	if (!p) {
		err_set(err, -EBADMSG, "", "%s: %s", what, len ? "too long" : "empty");
		return NULL;
	}
	p->_private = &doctype;
	p->sax->internalSubset = on_doctype;
	doc = xmlCtxtReadMemory(p, xml, (int)len, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR |
				XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	xmlFreeParserCtxt(p);
	if (doc && !doctype)
		return doc;
	xmlFreeDoc(doc);
	err_set(err, -EBADMSG, "", "%s: %s", what, doctype ? "a document type is not accepted" : "is not well-formed");
	return NULL;
}

bool xmldoc_is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && streq((const char *)n->name, name);
}

xmlNode *xmldoc_next(xmlNode *n, const char *name)
{
	while (n && !xmldoc_is(n, name))
		n = n->next;
	return n;
}

char *xmldoc_attribute(xmlNode *n, const char *name)
{
	return (char *)xmlGetNoNsProp(n, BAD_CAST name);
}

char *xmldoc_content(xmlNode *n)
{
	char *text = (char *)xmlNodeGetContent(n);

	return text ? text : xstrdup("");
}
