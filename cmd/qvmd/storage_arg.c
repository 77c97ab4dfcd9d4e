/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments and payloads of the calls about pools and volumes (admin-api 2.9, 2.10, 2.15). */
#include <ctype.h>
#include <errno.h>

#include "base/mem.h"
#include "base/num.h"
#include "qvmd/storage_call.h"

#define MOST_DIGITS 19

/* ---- whom it is about ---- */

struct pool *pool_of(struct req *r)
{
	struct pool *p = pool_find(r->sys, r->arg);

	if (!p)
		req_fail(r, "PermissionDenied", "Argument not in 'pools'");
	return p;
}

static bool find_in_pool(struct req *r, struct target *t)
{
	struct pool *p = pool_of(r);
	const char *space = memchr(r->payload, ' ', r->payload_len);
	size_t n = space ? (size_t)(space - r->payload) : r->payload_len;

	if (!p)
		return false;
	t->vid = xmemdup0(r->payload, n);
	t->rest = r->payload + n + (space != NULL);
	t->len = r->payload_len - n - (space != NULL);
	/* a NUL in it makes it no vid of ours */
	t->v = strlen(t->vid) == n ? volume_find_vid(r->sys, p, t->vid, &t->kernel) : NULL;
	if (!t->v)
		req_fail(r, "QubesVolumeNotFoundError", "No such volume: '%s'", t->vid);
	return t->v;
}

bool target_find(struct req *r, struct target *t)
{
	*t = (struct target){ .rest = r->payload, .len = r->payload_len };
	if (skip_prefix(r->method->name, "admin.pool."))
		return find_in_pool(r, t);
	t->v = volume_find(r->dest, r->arg);
	if (t->v)
		t->vid = volume_vid(t->v);
	else
		req_fail(r, "PermissionDenied", "Argument not in '%s volumes'", r->dest->name);
	return t->v;
}

bool refuse_busy(struct req *r, const struct target *t)
{
	if (t->v->busy)
		req_fail(r, "StoragePoolException", "Volume %s is busy with %s", t->vid, t->v->busy);
	return t->v->busy;
}

bool refuse_running(struct req *r, const struct target *t)
{
	bool running = volume_is_running(t->v);

	if (running)
		req_fail(r, "QubesVMNotHaltedError", "Domain is not powered off: '%s'", t->v->vm->name);
	return running;
}

bool refuse_fleeting(struct req *r, const struct target *t)
{
	bool fleeting = !volume_is_persistent(t->v);

	if (fleeting)
		req_fail(r, "StoragePoolException", "Can not import into save_on_stop=False volume %s", t->vid);
	return fleeting;
}

void target_release(struct target *t)
{
	free(t->vid);
}

/* ---- what it says ---- */

int payload_number(const char *name, const char *text, size_t len, bool negative, int64_t *ret, struct err *err)
{
	size_t sign = negative && len && text[0] == '-', digits = len - sign;
	CLEANUP_FREE char *copy = xmemdup0(text, len);
	const char *why = NULL;

	for (size_t i = sign; i < len && !why; i++)
		if (text[i] < '0' || text[i] > '9')
			why = "contains non ASCII digits";
	if (!why && !digits)
		why = "contains non ASCII digits";
	if (!why && digits > MOST_DIGITS)
		why = "is bigger than 19 decimal digits";
	if (!why && digits > 1 && text[sign] == '0')
		why = "contains spurious leading zeros";
	/* 19 digits hold more than the machine's numbers */
	if (!why && num_i64(copy, ret) < 0)
		why = "is too big";
	return why ? err_set(err, -EINVAL, "ProtocolError", "%s %s", name, why) : 0;
}

char *payload_trimmed(const char *text, size_t len)
{
	while (len && isspace((unsigned char)text[0])) {
		text++;
		len--;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	return memchr(text, '\0', len) ? NULL : xmemdup0(text, len);
}

int payload_bool(const char *text, size_t len)
{
	static const char *const words[][2] = { {"0", "1"}, {"no", "yes"}, {"false", "true"}, {"off", "on"} };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int truth = 0; truth < 2; truth++)
			if (strlen(words[i][truth]) == len && strncasecmp(words[i][truth], text, len) == 0)
				return truth;
	return -1;
}
