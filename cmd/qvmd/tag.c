/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tags and notes of qubes (admin-api 2.7, 6.5). */
#include "base/escape.h"
#include "base/mem.h"
#include "model/names.h"
#include "qvmd/qvmd.h"

#define NOTES_MAX 256000

/* ---- tags ---- */

/* What a managing qube asks, by its features, for all that it creates; done before the event goes out. */
static void react_created_by(struct vm *v, const char *creator)
{
	struct vm *by = vm_find(v->sys, creator);
	const char *with = by ? feature_get(by, "tag-created-vm-with") : NULL;
	const char *guivm = by ? feature_get(by, "set-created-guivm") : NULL;
	CLEANUP_STRV struct strv tags = STRV_INIT;

	if (with)
		strv_split(&tags, with, ' ');
	for (size_t i = 0; i < tags.n; i++)
		if (name_check_tag(tags.v[i], NULL) == 0)
			tag_add(v, tags.v[i]);
	/* A value that is no qube leaves the GUI qube as it is: the qube exists already. */
	if (guivm && *guivm && vm_has_prop(v, "guivm"))
		prop_set(v, "guivm", guivm, NULL);
}

void tag_add(struct vm *v, const char *tag)
{
	CLEANUP_FREE char *event = xasprintf("domain-tag-add:%s", tag);
	const char *creator = skip_prefix(tag, "created-by-");

	if (!vm_tag_put(v, tag))
		return;
	if (creator)
		react_created_by(v, creator);
	fire(v->sys, v, event, "tag", tag, NULL);
}

void tag_remove(struct vm *v, const char *tag)
{
	CLEANUP_FREE char *event = xasprintf("domain-tag-delete:%s", tag);

	if (vm_tag_del(v, tag))
		fire(v->sys, v, event, "tag", tag, NULL);
}

static bool refuse_tag(struct req *r)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (name_check_tag(r->arg, &err) == 0)
		return false;
	req_fail_err(r, &err);
	return true;
}

static bool refuse_created_by(struct req *r)
{
	if (!skip_prefix(r->arg, "created-by-") || r->source->class == CLASS_ADMIN)
		return false;
	req_fail(r, "PermissionDenied", "changing this tag is prohibited by qubes.ext.admin.AdminExtension");
	return true;
}

static void handle_tag_list(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < r->dest->tags.n; i++)
		buf_addf(&b, "%s\n", r->dest->tags.v[i]);
	req_ok_buf(r, &b);
}

static void handle_tag_get(struct req *r)
{
	/* Before next, no tag at all is just not set (admin-api 1.7). */
	if (r->sys->opt.compat && !*r->arg)
		return req_ok(r, "0");
	if (!refuse_tag(r))
		req_ok(r, strv_has(&r->dest->tags, r->arg) ? "1" : "0");
}

static void handle_tag_set(struct req *r)
{
	const char *creator = skip_prefix(r->arg, "created-by-");

	if (refuse_tag(r) || refuse_created_by(r))
		return;
	if (creator && !vm_find(r->sys, creator))
		return req_fail(r, "QubesVMNotFoundError", "No such domain: '%s'", creator);
	tag_add(r->dest, r->arg);
	req_ok(r, "");
}

static void handle_tag_remove(struct req *r)
{
	if (refuse_tag(r) || refuse_created_by(r))
		return;
	if (!strv_has(&r->dest->tags, r->arg))
		return req_fail(r, "QubesTagNotFoundError", "Tag not set for domain %s: %s", r->dest->name,
				r->arg);
	tag_remove(r->dest, r->arg);
	req_ok(r, "");
}

/* ---- notes ---- */

static void handle_notes_get(struct req *r)
{
	req_ok(r, r->dest->notes ? r->dest->notes : "");
}

/* Python's words for the first place where bytes stop being UTF-8. */
static void refuse_utf8(struct req *r)
{
	const char *why = "invalid start byte";
	unsigned char byte;
	size_t at = 0;
	uint32_t cp;

	for (size_t len; (len = utf8_next(r->payload + at, r->payload_len - at, &cp)) > 0;)
		at += len;
	byte = (unsigned char)r->payload[at];
	if (byte >= 0xc2 && byte <= 0xf4) {
		size_t wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
		size_t have = 1;

		while (have < wanted && at + have < r->payload_len &&
		       ((unsigned char)r->payload[at + have] & 0xc0) == 0x80)
			have++;
		why = have < wanted && at + have == r->payload_len ? "unexpected end of data" :
								     "invalid continuation byte";
	}
	req_fail(r, "ProtocolError",
		 "Unable to sanitise qube notes: 'utf-8' codec can't decode byte 0x%02x in position %zu: %s", byte,
		 at, why);
}

static void handle_notes_set(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (r->payload_len > NOTES_MAX)
		return req_fail(r, "ProtocolError", "Maximum note size is %d bytes (%zu bytes received)", NOTES_MAX,
				r->payload_len);
	if (!utf8_valid(r->payload, r->payload_len))
		return refuse_utf8(r);
	term_escape(&b, r->payload, r->payload_len, true);
	vm_notes_put(r->dest, buf_str(&b));
	req_ok(r, "");
}

#define TAG(name, arg_, access_, handle_) \
	{ "admin.vm.tag." name, "S23N", DEST_ANY, arg_, PART_NONE, access_, handle_ }

const struct method methods_tag[] = {
	TAG("List", PART_NONE, ACCESS_READ, handle_tag_list),
	TAG("Get", PART_NEEDED, ACCESS_READ, handle_tag_get),
	TAG("Set", PART_NEEDED, ACCESS_WRITE, handle_tag_set),
	TAG("Remove", PART_NEEDED, ACCESS_WRITE, handle_tag_remove),
	{ "admin.vm.notes.Get", "--3N", DEST_NOT_DOM0, PART_NONE, PART_NONE, ACCESS_READ, handle_notes_get },
	{ "admin.vm.notes.Set", "--3N", DEST_NOT_DOM0, PART_NONE, PART_OPTIONAL, ACCESS_WRITE, handle_notes_set },
	METHOD_END,
};
