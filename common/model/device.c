/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device names, arguments, properties and lines. */
#include "model/device.h"

#include <errno.h>

#include "base/chars.h"
#include "base/mem.h"

#define ANY_INTERFACE "_______" /* INTERFACE_UNKNOWN in an argument */
#define BLANKS " \t\r\n"

/* ---- properties ---- */

void device_props_release(struct device_props *p)
{
	strv_release(&p->keys);
	strv_release(&p->values);
}

/* A value as written: \' stands for ', every other byte for itself. */
static void add_value(struct strv *values, const char *s, size_t n)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && i + 1 < n && s[i + 1] == '\'')
			i++;
		buf_addch(&b, s[i]);
	}
	strv_add(values, buf_str(&b));
}

int device_props_parse(struct device_props *ret, const char *text, struct err *err)
{
	struct device_props p = {0};
	const char *s = text + strspn(text, BLANKS);
	size_t len = strlen(s);

	while (len && strchr(BLANKS, s[len - 1]))
		len--;
	while (len) {
		const char *end = s + len;
		const char *eq = memmem(s, len, "='", 2);
		const char *next, *stop;

		if (!eq || eq == s || end[-1] != '\'' || end - eq < 3)
			goto bad;
		strv_addn(&p.keys, s, eq - s);
		s = eq + 2;
		/* The value ends at the last "' " before the next key, since a backslash may stand before it. */
		next = memmem(s, end - s, "='", 2);
		stop = end - 1;
		if (next) {
			for (stop = next; stop > s && !(stop[0] == ' ' && stop[-1] == '\''); stop--)
				;
			if (stop == s)
				goto bad;
			stop--;
		}
		add_value(&p.values, s, stop - s);
		s = next ? stop + 2 : end;
		len = end - s;
	}
	*ret = p;
	return 0;
bad:
	device_props_release(&p);
	return err_set(err, -EBADMSG, "ProtocolError", "Invalid device properties: %s", text);
}

/* Bytes of s outside low..0x7e or among those forbidden, as Python shows a set of them. */
static int check_chars(const char *s, unsigned char low, const char *forbidden, const char *what, struct err *err)
{
	CLEANUP_BUF struct buf bad = BUF_INIT;
	bool seen[256] = {false};

	for (; *s; s++)
		seen[(unsigned char)*s] |= (unsigned char)*s < low || *s > 0x7e || *s < 0 || strchr(forbidden, *s);
	for (int c = 1; c < 256; c++) {
		if (!seen[c])
			continue;
		buf_addstr(&bad, bad.len ? ", " : "");
		if (c == '\'')
			buf_addstr(&bad, "\"'\"");
		else if (c >= 0x20 && c <= 0x7e)
			buf_addf(&bad, "'%c'", c);
		else
			buf_addf(&bad, "'\\x%02x'", (unsigned)c);
	}
	if (!bad.len)
		return 0;
	return err_set(err, -EINVAL, "ProtocolError", "Invalid chars in property %s: {%s}", what, buf_str(&bad));
}

int device_props_check(const struct device_props *p, struct err *err)
{
	for (size_t i = 0; i < p->keys.n; i++)
		if (check_chars(p->keys.v[i], 0x21, "\"'=`", "name", err) < 0 ||
		    check_chars(p->values.v[i], 0x20, "", "value", err) < 0)
			return -EINVAL;
	return 0;
}

const char *device_props_get(const struct device_props *p, const char *key)
{
	for (size_t i = 0; i < p->keys.n; i++)
		if (streq(p->keys.v[i], key))
			return p->values.v[i];
	return NULL;
}

void device_props_put(struct device_props *p, const char *key, const char *value)
{
	for (size_t i = 0; i < p->keys.n; i++)
		if (streq(p->keys.v[i], key)) {
			char *copy = xstrdup(value);

			free(p->values.v[i]);
			p->values.v[i] = copy;
			return;
		}
	strv_add(&p->keys, key);
	strv_add(&p->values, value);
}

void device_prop_add(struct buf *b, const char *key, const char *value)
{
	buf_addf(b, "%s%s='", b->len ? " " : "", key);
	for (; *value; value++) {
		if (*value == '\'')
			buf_addch(b, '\\');
		buf_addch(b, *value);
	}
	buf_addch(b, '\'');
}

/* ---- names ---- */

void device_ref_release(struct device_ref *r)
{
	free(r->backend);
	free(r->port);
	free(r->id);
	*r = (struct device_ref){0};
}

struct device_ref device_ref_new(const char *backend, const char *port, const char *id)
{
	return (struct device_ref){xstrdup(backend), xstrdup(port), xstrdup(id)};
}

bool device_ref_eq(const struct device_ref *a, const struct device_ref *b)
{
	return streq(a->backend, b->backend) && streq(a->port, b->port) && streq(a->id, b->id);
}

static bool is_any(const char *part)
{
	return streq(part, "*");
}

bool device_ref_matches(const struct device_ref *pattern, const struct device_ref *device)
{
	return streq(pattern->backend, device->backend) &&
	       (is_any(pattern->port) || streq(pattern->port, device->port)) &&
	       (is_any(pattern->id) || streq(pattern->id, device->id));
}

int device_ref_rank(const struct device_ref *r)
{
	return (is_any(r->port) ? 0 : 2) + (is_any(r->id) ? 0 : 1);
}

char *device_ref_text(const struct device_ref *r)
{
	return xasprintf("%s:%s:%s", r->backend, r->port, r->id);
}

/* n bytes of a name as written by a person. */
static char *part(const char *s, size_t n)
{
	return n == 1 && *s == '_' ? xstrdup("*") : xstrndup(s, n);
}

int device_ref_parse(struct device_ref *ret, const char *text)
{
	const char *colon = strchr(text, ':');
	const char *port = colon ? colon + 1 : "";
	size_t n = strcspn(port, ":");
	const char *id = port[n] ? port + n + 1 : "";

	if (!colon || colon == text || !n)
		return -EINVAL;
	ret->backend = xstrndup(text, colon - text);
	ret->port = part(port, n);
	ret->id = *id ? part(id, strlen(id)) : xstrdup("*");
	return 0;
}

static void add_escaped(struct buf *b, const char *s)
{
	while (*s) {
		if (skip_prefix(s, INTERFACE_UNKNOWN)) {
			buf_addstr(b, ANY_INTERFACE);
			s += INTERFACE_LEN;
			continue;
		}
		buf_addch(b, (char)(*s == ':' ? '+' : *s == '*' ? '_' : *s));
		s++;
	}
}

char *device_arg(const char *backend, const char *port, const char *id)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%s+", backend);
	add_escaped(&b, port);
	buf_addch(&b, '+');
	add_escaped(&b, id);
	return buf_steal(&b);
}

/* The id of an argument, n bytes. */
static char *unescape_id(const char *s, size_t n)
{
	struct buf b = BUF_INIT;

	if (n == 1 && *s == '_')
		return xstrdup("*");
	for (size_t i = 0; i < n;) {
		if (n - i >= INTERFACE_LEN && memcmp(s + i, ANY_INTERFACE, INTERFACE_LEN) == 0) {
			buf_addstr(&b, INTERFACE_UNKNOWN);
			i += INTERFACE_LEN;
			continue;
		}
		buf_addch(&b, s[i++]);
	}
	if (b.len)
		chars_replace(b.data, '+', ':');
	return buf_steal(&b);
}

int device_arg_parse(struct device_ref *ret, const char *arg, struct err *err)
{
	const char *plus = strchr(arg, '+');
	const char *port = plus ? plus + 1 : "";
	size_t n = strcspn(port, "+:");
	const char *id = port[n] ? port + n + 1 : "";

	if (!plus || plus == arg || !n)
		return err_set(err, -EINVAL, "ProtocolError", "Invalid device argument: '%s'", arg);
	ret->backend = part(arg, plus - arg);
	ret->port = part(port, n);
	ret->id = *id ? unescape_id(id, strlen(id)) : xstrdup("*");
	return 0;
}

/* ---- lines ---- */

void device_release(struct device *d)
{
	device_ref_release(&d->ref);
	device_props_release(&d->props);
}

struct device device_copy(const struct device *d)
{
	struct device copy = {.ref = device_ref_new(d->ref.backend, d->ref.port, d->ref.id)};

	for (size_t i = 0; i < d->props.keys.n; i++)
		device_props_put(&copy.props, d->props.keys.v[i], d->props.values.v[i]);
	return copy;
}

static int not_a_line(const char *line, struct err *err)
{
	return err_set(err, -EBADMSG, "ProtocolError", "Invalid device line: %s", line);
}

/* [BACKEND+]PORT[:ID], up to the first blank. */
static int parse_head(struct device_ref *ret, const struct device_context *c, const char *line, size_t len)
{
	const char *plus = c->backend ? NULL : memchr(line, '+', len);
	const char *port = plus ? plus + 1 : line;
	const char *end = line + len;
	const char *colon = memchr(port, ':', end - port);
	const char *port_end = colon ? colon : end;

	if ((!c->backend && (!plus || plus == line)) || port_end == port)
		return -EBADMSG;
	ret->backend = c->backend ? xstrdup(c->backend) : xstrndup(line, plus - line);
	ret->port = xstrndup(port, port_end - port);
	ret->id = colon && colon + 1 < end ? xstrndup(colon + 1, end - colon - 1) : xstrdup("*");
	return 0;
}

int device_props_agree(const struct device_props *p, const struct device_ref *ref, const char *class,
		       struct err *err)
{
	const char *backend = device_props_get(p, "backend_domain"), *port = device_props_get(p, "port_id");
	const char *devclass = device_props_get(p, "devclass"), *id = device_props_get(p, "device_id");

	if (backend && !streq(backend, ref->backend))
		return err_set(err, -EBADMSG, "ProtocolError",
			       "Got device exposed by %s when expected devices from %s.", backend, ref->backend);
	if (port && !is_any(ref->port) && !streq(port, ref->port))
		return err_set(err, -EBADMSG, "ProtocolError", "Got device from port: %s when expected port: %s.", port,
			       ref->port);
	if (devclass && !streq(devclass, class))
		return err_set(err, -EBADMSG, "ProtocolError", "Got %s device when expected %s.", devclass, class);
	if (id && !is_any(ref->id) && !streq(id, ref->id))
		return err_set(err, -EBADMSG, "ProtocolError", "Unrecognized device identity '%s' expected '%s'", id,
			       ref->id);
	return 0;
}

int device_line_parse(struct device *ret, const struct device_context *c, const char *line, struct err *err)
{
	size_t len = strcspn(line, " ");
	const char *interfaces, *id;
	int r;

	*ret = (struct device){0};
	for (const char *p = line; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return not_a_line(line, err);
	if (parse_head(&ret->ref, c, line, len) < 0)
		return not_a_line(line, err);
	r = device_props_parse(&ret->props, line + len, err);
	if (r == 0)
		r = device_props_agree(&ret->props, &ret->ref, c->class, err);
	interfaces = r == 0 ? device_props_get(&ret->props, "interfaces") : NULL;
	if (interfaces)
		r = interfaces_check(interfaces, err);
	id = r == 0 ? device_props_get(&ret->props, "device_id") : NULL;
	if (id && *id && is_any(ret->ref.id)) {
		free(ret->ref.id);
		ret->ref.id = xstrdup(id);
	}
	return r < 0 ? -EBADMSG : 0;
}

const char *device_text(const struct device *d, const char *key)
{
	const char *value = device_props_get(&d->props, key);

	return value && !streq(value, "unknown") ? value : "";
}

/* ---- interfaces ---- */

int interfaces_check(const char *codes, struct err *err)
{
	size_t n = strlen(codes);

	if (n % INTERFACE_LEN == 0)
		return 0;
	return err_set(err, -EINVAL, "QubesValueError",
		       "Invalid length of interfaces='%s' (is %zu, expected multiple of %d)", codes, n, INTERFACE_LEN);
}

bool interface_is_denied(const char *code, const char *pattern)
{
	for (int i = 0; i < INTERFACE_LEN; i++)
		if (pattern[i] != '*' && pattern[i] != code[i])
			return false;
	return true;
}

const char *interfaces_denied(const char *codes, const char *denied)
{
	size_t n = strlen(codes), n_denied = strlen(denied);

	for (size_t i = 0; i + INTERFACE_LEN <= n; i += INTERFACE_LEN)
		for (size_t k = 0; k + INTERFACE_LEN <= n_denied; k += INTERFACE_LEN)
			if (interface_is_denied(codes + i, denied + k))
				return codes + i;
	return NULL;
}
