/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device arguments and properties. */
#include "model/device.h"

#include <errno.h>

#define ANY_INTERFACE "?******"

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
	const char *s = text + strspn(text, " \t\r\n");
	size_t len = strlen(s);

	while (len && strchr(" \t\r\n", s[len - 1]))
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
	return err_set(err, -EBADMSG, "", "Invalid device properties: %s", text);
}

const char *device_props_get(const struct device_props *p, const char *key)
{
	for (size_t i = 0; i < p->keys.n; i++)
		if (streq(p->keys.v[i], key))
			return p->values.v[i];
	return NULL;
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

static void add_escaped(struct buf *b, const char *s)
{
	while (*s) {
		if (skip_prefix(s, ANY_INTERFACE)) {
			buf_addstr(b, "_______");
			s += strlen(ANY_INTERFACE);
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
