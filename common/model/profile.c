/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backup profiles: reading. */
#include "model/profile.h"

#include <errno.h>
#include <regex.h>
#include <stdarg.h>
#include <stddef.h>
#include <yaml.h>

#include "base/mem.h"

#define DEPTH_MAX 4

void profile_release(struct profile *p)
{
	strv_release(&p->include);
	strv_release(&p->exclude);
	free(p->destination_vm);
	free(p->destination_path);
	free(p->filter);
	wipe_free(p->passphrase_text);
	free(p->passphrase_vm);
	*p = (struct profile){0};
}

/* ---- plain scalars ---- */

static const char other_scalars[] =
	"^([-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+"
	"|[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+"
	"|[-+]?[0-9][0-9_]*\\.[0-9_]*([eE][-+][0-9]+)?|\\.[0-9][0-9_]*([eE][-+][0-9]+)?"
	"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN)"
	"|[0-9]{4}-[0-9]{2}-[0-9]{2}"
	"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\\.[0-9]*)?"
	"([ \t]*(Z|[-+][0-9]{1,2}(:?[0-9]{2})?))?"
	"|=|<<)$";

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (streq(*words, text))
			return true;
	return false;
}

enum scalar scalar_kind(const char *text)
{
	static const char *const yes[] = { "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL };
	static const char *const no[] = { "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL };
	static const char *const null[] = { "", "~", "null", "Null", "NULL", NULL };
	enum scalar kind = SCALAR_STRING;
	regex_t re;

	if (is_one_of(text, yes))
		return SCALAR_TRUE;
	if (is_one_of(text, no))
		return SCALAR_FALSE;
	if (is_one_of(text, null))
		return SCALAR_NULL;
	if (regcomp(&re, other_scalars, REG_EXTENDED | REG_NOSUB) != 0)
		return kind;
	if (regexec(&re, text, 0, NULL, 0) == 0)
		kind = SCALAR_OTHER;
	regfree(&re);
	return kind;
}

/* ---- reading ---- */

struct reader {
	const char *name;
	yaml_parser_t parser;
	yaml_event_t event; /* the present one */
	struct profile *p;
	struct err *err;
};

enum key { INCLUDE, EXCLUDE, DESTINATION_VM, DESTINATION_PATH, COMPRESSION, PASSPHRASE_TEXT, PASSPHRASE_VM, KEYS };

static const char *const key_names[KEYS] = {
	"include", "exclude", "destination_vm", "destination_path", "compression", "passphrase_text",
	"passphrase_vm",
};

/* key may be NULL. */
static int bad(struct reader *rd, const char *key, const char *fmt, ...) PRINTF(3, 4);

static int bad(struct reader *rd, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(rd->err, -EINVAL, "QubesException", "%s:%zu: %s%s%s", rd->name,
		       rd->event.start_mark.line + 1, key ? key : "", key ? ": " : "", text);
}

static int next(struct reader *rd)
{
	const yaml_parser_t *p = &rd->parser;
	const char *tag = NULL;

	yaml_event_delete(&rd->event);
	if (!yaml_parser_parse(&rd->parser, &rd->event))
		return err_set(rd->err, -EINVAL, "QubesException", "%s:%zu: %s", rd->name,
			       p->problem_mark.line + 1, p->problem ? p->problem : "cannot be read");
	if (rd->event.type == YAML_ALIAS_EVENT)
		return bad(rd, NULL, "aliases are not accepted");
	if (rd->event.type == YAML_SCALAR_EVENT)
		tag = (const char *)rd->event.data.scalar.tag;
	else if (rd->event.type == YAML_SEQUENCE_START_EVENT)
		tag = (const char *)rd->event.data.sequence_start.tag;
	else if (rd->event.type == YAML_MAPPING_START_EVENT)
		tag = (const char *)rd->event.data.mapping_start.tag;
	if (tag && !streq(tag, "tag:yaml.org,2002:str") && !streq(tag, "tag:yaml.org,2002:seq") &&
	    !streq(tag, "tag:yaml.org,2002:map"))
		return bad(rd, NULL, "tags are not accepted");
	return 0;
}

static const char *text(const struct reader *rd)
{
	return (const char *)rd->event.data.scalar.value;
}

static enum scalar kind(const struct reader *rd)
{
	bool plain = rd->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !rd->event.data.scalar.tag;

	return plain ? scalar_kind(text(rd)) : SCALAR_STRING;
}

static int check_scalar(struct reader *rd, const char *key)
{
	if (rd->event.type != YAML_SCALAR_EVENT)
		return bad(rd, key, "a single value is expected");
	if (strlen(text(rd)) != rd->event.data.scalar.length)
		return bad(rd, key, "NUL bytes are not accepted");
	return 0;
}

/* Passes the node that begins with the present event. */
static int skip(struct reader *rd)
{
	unsigned depth = 0;

	for (;;) {
		yaml_event_type_t type = rd->event.type;

		if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT)
			depth++;
		else if (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT)
			depth--;
		if (depth >= DEPTH_MAX)
			return bad(rd, NULL, "nested too deep");
		if (depth == 0)
			return 0;
		if (next(rd) < 0)
			return -EINVAL;
	}
}

/* Any scalar but null is taken by its text. */
static int read_string(struct reader *rd, const char *key, char **ret)
{
	if (check_scalar(rd, key) < 0)
		return -EINVAL;
	if (kind(rd) != SCALAR_NULL)
		*ret = xstrdup(text(rd));
	return 0;
}

static int read_list(struct reader *rd, const char *key, struct strv *ret, bool *ret_null)
{
	if (rd->event.type == YAML_SCALAR_EVENT && kind(rd) == SCALAR_NULL) {
		*ret_null = true;
		return 0;
	}
	if (rd->event.type != YAML_SEQUENCE_START_EVENT)
		return bad(rd, key, "a list is expected");
	while (next(rd) == 0) {
		if (rd->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (check_scalar(rd, key) < 0)
			return -EINVAL;
		strv_add(ret, text(rd));
	}
	return -EINVAL;
}

static int read_compression(struct reader *rd)
{
	struct profile *p = rd->p;

	if (check_scalar(rd, "compression") < 0)
		return -EINVAL;
	switch (kind(rd)) {
	case SCALAR_TRUE:
		return 0;
	case SCALAR_FALSE:
	case SCALAR_NULL:
		p->compressed = false;
		return 0;
	default:
		p->compressed = *text(rd) != '\0';
		if (p->compressed)
			p->filter = xstrdup(text(rd));
		return 0;
	}
}

static int read_value(struct reader *rd, enum key key)
{
	struct profile *p = rd->p;
	bool unused = false;

	switch (key) {
	case INCLUDE:
		return read_list(rd, key_names[key], &p->include, &p->include_all);
	case EXCLUDE:
		return read_list(rd, key_names[key], &p->exclude, &unused);
	case DESTINATION_VM:
		return read_string(rd, key_names[key], &p->destination_vm);
	case DESTINATION_PATH:
		return read_string(rd, key_names[key], &p->destination_path);
	case PASSPHRASE_TEXT:
		return read_string(rd, key_names[key], &p->passphrase_text);
	case PASSPHRASE_VM:
		return read_string(rd, key_names[key], &p->passphrase_vm);
	case COMPRESSION:
		return read_compression(rd);
	case KEYS:
		break;
	}
	return skip(rd);
}

/* The mapping whose start is the present event. */
static int read_mapping(struct reader *rd, unsigned *seen)
{
	CLEANUP_STRV struct strv unknown = STRV_INIT;

	while (next(rd) == 0) {
		size_t key = 0;

		if (rd->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		if (check_scalar(rd, NULL) < 0)
			return -EINVAL;
		if (streq(text(rd), "<<") && rd->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
			return bad(rd, NULL, "merge keys are not accepted");
		while (key < KEYS && !streq(key_names[key], text(rd)))
			key++;
		if (key < KEYS ? *seen & 1u << key : strv_has(&unknown, text(rd)))
			return bad(rd, text(rd), "is given twice");
		if (key == KEYS)
			strv_add(&unknown, text(rd));
		else
			*seen |= 1u << key;
		if (next(rd) < 0 || read_value(rd, key) < 0)
			return -EINVAL;
	}
	return -EINVAL;
}

static int read_document(struct reader *rd, unsigned *seen)
{
	/* The start of the stream and of the document, then the node. */
	for (int i = 0; i < 3; i++) {
		if (next(rd) < 0)
			return -EINVAL;
		if (rd->event.type == YAML_STREAM_END_EVENT)
			return bad(rd, NULL, "the profile is empty");
	}
	if (rd->event.type != YAML_MAPPING_START_EVENT)
		return bad(rd, NULL, "a mapping is expected");
	if (read_mapping(rd, seen) < 0)
		return -EINVAL;
	if (next(rd) < 0 || next(rd) < 0)
		return -EINVAL;
	return rd->event.type == YAML_STREAM_END_EVENT ? 0 : bad(rd, NULL, "a second document begins");
}

static int check_complete(const struct profile *p, unsigned seen, struct err *err)
{
	const char *missing = !p->destination_vm	  ? "destination_vm" :
			      !p->destination_path	  ? "destination_path" :
			      !(seen & 1u << INCLUDE)	  ? "include" :
							    NULL;

	if (!missing)
		return 0;
	return err_set(err, -EINVAL, "QubesException", "Invalid backup profile - missing '%s'", missing);
}

int profile_parse(struct profile *ret, const char *name, const char *data, size_t len, struct err *err)
{
	CLEANUP_PROFILE struct profile p = { .compressed = true };
	struct reader rd = { .name = name, .p = &p, .err = err };
	unsigned seen = 0;
	int r;

	if (len > PROFILE_MAX)
		return err_set(err, -EINVAL, "QubesException", "%s: longer than %u bytes", name, PROFILE_MAX);
	if (!yaml_parser_initialize(&rd.parser))
		return err_set(err, -ENOMEM, "QubesException", "out of memory");
	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) { /* some editors begin with it */
		data += 3;
		len -= 3;
	}
	yaml_parser_set_encoding(&rd.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&rd.parser, (const unsigned char *)data, len);
	r = read_document(&rd, &seen);
	yaml_event_delete(&rd.event);
	yaml_parser_delete(&rd.parser);
	if (r < 0 || check_complete(&p, seen, err) < 0)
		return -EINVAL;
	*ret = p;
	p = (struct profile){0};
	return 0;
}

/* ---- selectors ---- */

bool profile_selects(const char *selector, const char *qube, const char *class, const struct strv *tags)
{
	CLEANUP_FREE char *s = xstrdup(selector);
	const char *rest;

	for (char *c = s; *c; c++)
		if (*c == '$')
			*c = '@';
	if ((rest = skip_prefix(s, "@type:")))
		return streq(rest, class);
	if ((rest = skip_prefix(s, "@tag:")))
		return strv_has(tags, rest);
	return streq(s, qube);
}
