/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Encoding and decoding of requests, replies and events. */
#include "admin/frame.h"

#include <errno.h>

#include "admin/exc.h"
#include "base/mem.h"

void request_encode(struct buf *b, const char *method, const char *arg, const char *source,
		    const char *dest, const void *payload, size_t payload_len)
{
	buf_addf(b, "%s+%s %s name %s", method, arg ? arg : "", source, dest);
	buf_addch(b, '\0');
	buf_add(b, payload, payload_len);
}

int request_decode(char *data, size_t len, struct request *ret)
{
	char *nul = memchr(data, '\0', len);
	char *part[4];

	if (!nul)
		return -EBADMSG;
	for (char *p = data; p < nul; p++)
		if ((unsigned char)*p >= 0x80)
			return -EBADMSG;

	/* Split at the first three spaces: a fourth belongs to the destination (admin-api 1.2). */
	part[0] = data;
	for (int i = 1; i < 4; i++) {
		char *space = strchr(part[i - 1], ' ');

		if (!space)
			return -EBADMSG;
		*space = '\0';
		part[i] = space + 1;
	}

	char *plus = strchr(part[0], '+');

	if (plus)
		*plus = '\0';
	*ret = (struct request){
		.method = part[0],
		.arg = plus ? plus + 1 : "",
		.source = part[1],
		.dest = part[3],
		.payload = nul + 1,
		.payload_len = len - (size_t)(nul + 1 - data),
	};
	if (streq(part[2], "keyword") && streq(part[3], "adminvm"))
		ret->dest = "dom0";
	else if (!streq(part[2], "name"))
		return -EBADMSG;
	return 0;
}

void reply_encode_ok(struct buf *b, const void *body, size_t len)
{
	buf_add(b, "0", 2);
	buf_add(b, body, len);
}

static void add_field(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);
}

void reply_encode_exception(struct buf *b, const char *type, const char *traceback, const char *text)
{
	buf_add(b, "2", 2);
	add_field(b, type);
	add_field(b, traceback ? traceback : "");
	add_field(b, text);
}

char *reply_format(const char *format, const struct strv *fields)
{
	struct buf b = BUF_INIT;
	size_t next = 0;

	for (const char *p = format; *p; p++) {
		if (p[0] == '%' && p[1] == '%') {
			buf_addch(&b, '%');
			p++;
		} else if (p[0] == '%' && (p[1] == 's' || p[1] == 'd') && next < fields->n &&
			   (p[1] == 's' || fields->v[next][strspn(fields->v[next], "0123456789")] == '\0')) {
			buf_addstr(&b, fields->v[next++]);
			p++;
		} else {
			buf_addch(&b, *p);
		}
	}
	return buf_steal(&b);
}

/* One outer pair of quotes goes, as the server put it there (admin-api 3.2). */
static void unquote(char *text)
{
	size_t n = strlen(text);

	if (n >= 2 && (text[0] == '\'' || text[0] == '"') && text[n - 1] == text[0]) {
		memmove(text, text + 1, n - 2);
		text[n - 2] = '\0';
	}
}

static int decode_exception(const char *data, size_t len, struct err *err)
{
	CLEANUP_STRV struct strv fields = STRV_INIT;
	const char *part[3]; /* type, traceback, format */
	const char *p = data, *end = data + len;

	for (int i = 0; i < 3; i++) {
		if (p >= end && i < 2)
			return err_set(err, -EBADMSG, EXC_COMMUNICATION, "Invalid response format");
		part[i] = p < end ? p : "";
		if (p < end)
			p += strlen(p) + 1; /* the last part may end with the reply, at the NUL behind it */
	}
	while (p < end) {
		strv_add(&fields, p);
		p += strlen(p) + 1;
	}

	CLEANUP_FREE char *text = reply_format(part[2], &fields);

	if (exc_is_quoted(part[0]))
		unquote(text);
	return err_set(err, -EREMOTEIO, part[0], "%s", text);
}

int reply_decode(const char *data, size_t len, size_t *ret_off, struct err *err)
{
	if (len == 0)
		return err_set(err, -EACCES, EXC_ACCESS,
			       "Got empty response from qubesd. See journalctl in dom0 for details.");
	if (len >= 2 && data[0] == '0' && data[1] == '\0' && !memchr(data + 2, '\0', len - 2)) {
		*ret_off = 2;
		return 0;
	}
	if (len >= 2 && data[0] == '2' && data[1] == '\0')
		return decode_exception(data + 2, len - 2, err);
	return err_set(err, -EBADMSG, EXC_COMMUNICATION, "Invalid response format");
}

void event_release(struct event *e)
{
	free(e->subject);
	free(e->name);
	strv_release(&e->keys);
	strv_release(&e->values);
	*e = (struct event){0};
}

const char *event_get(const struct event *e, const char *key)
{
	for (size_t i = 0; i < e->keys.n; i++)
		if (streq(e->keys.v[i], key))
			return e->values.v[i];
	return NULL;
}

void event_encode(struct buf *b, const char *subject, const char *name, const char *const *kv)
{
	buf_add(b, "1", 2);
	add_field(b, subject);
	add_field(b, name);
	for (; kv && kv[0]; kv += 2) {
		add_field(b, kv[0]);
		add_field(b, kv[1]);
	}
	buf_addch(b, '\0');
}

/* The text at *p up to its NUL, and steps behind it; NULL when the NUL has not arrived. */
static const char *take_field(const char **p, const char *end)
{
	const char *start = *p;
	const char *nul = start < end ? memchr(start, '\0', (size_t)(end - start)) : NULL;

	if (!nul)
		return NULL;
	*p = nul + 1;
	return start;
}

int event_decode(const char *data, size_t len, struct event *ret, size_t *ret_used)
{
	CLEANUP_EVENT struct event e = {0};
	const char *p = data + 2, *end = data + len, *s;

	if ((len >= 1 && data[0] != '1') || (len >= 2 && data[1] != '\0'))
		return -EBADMSG;
	if (len < 2 || !(s = take_field(&p, end)))
		return 0;
	e.subject = xstrdup(s);
	if (!(s = take_field(&p, end)))
		return 0;
	e.name = xstrdup(s);
	for (;;) {
		if (!(s = take_field(&p, end)))
			return 0;
		if (!*s)
			break;
		strv_add(&e.keys, s);
		if (!(s = take_field(&p, end)))
			return 0;
		strv_add(&e.values, s);
	}
	*ret = e;
	e = (struct event){0};
	*ret_used = (size_t)(p - data);
	return 1;
}
