/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading what a qube tells of its devices. */
#include "vmif/published.h"

#include "base/buf.h"
#include "base/chars.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"
#include "vmif/keys_format.h"

#define INTERFACES_MAX ((size_t)32)
#define CODE_LEN 6

static void published_release(struct published *p)
{
	free(p->port);
	free(p->serial);
	free(p->name);
	free(p->parent);
	free(p->parent_interface);
	free(p->vendor);
	free(p->product);
	free(p->interfaces);
	free(p->connected_to);
}

void published_list_release(struct published_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		published_release(&l->v[i]);
	free(l->v);
	*l = (struct published_list){0};
}

/* ---- the keys of one device ---- */

/* Entries of a list that are below the same device. */
struct group {
	const struct key_value *v;
	size_t n;
	size_t head; /* length of "qubes-block-devices/sda/" */
};

static const struct key_value *attribute(const struct group *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (streq(g->v[i].key + g->head, name))
			return &g->v[i];
	return NULL;
}

typedef bool read_device(struct published *p, const struct group *g, const char *name, enum vmif_gen gen);

/* Goes through all devices below root. */
static void read_all(const struct key_values *l, const char *root, enum vmif_gen gen, read_device *read,
		     struct published_list *ret)
{
	for (size_t i = 0; i < l->n;) {
		const char *name = skip_prefix(l->v[i].key, root), *slash = name ? strchr(name, '/') : NULL;
		struct group g = { .v = &l->v[i] };
		CLEANUP_FREE char *own = NULL;
		struct published p = {0};

		if (!slash) {
			i++;
			continue;
		}
		g.head = (size_t)(slash + 1 - l->v[i].key);
		while (i < l->n && strncmp(l->v[i].key, g.v->key, g.head) == 0) {
			g.n++;
			i++;
		}
		own = xstrndup(name, (size_t)(slash - name));
		if (ret->n < PUBLISHED_MAX && read(&p, &g, own, gen)) {
			GROW(ret->v, ret->n, ret->cap);
			ret->v[ret->n++] = p;
		} else {
			published_release(&p);
			ret->skipped++;
		}
	}
}

/* ---- texts ---- */

static bool is_one_of(char c, const char *others)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr(others, c));
}

static void add_or_underscore(struct buf *b, char c, bool may_be)
{
	if (!may_be)
		c = '_';
	buf_addch(b, c);
}

/* Drops what is no ASCII; of the rest letters, digits and the others stay, anything else becomes _. */
static char *sanitize(const struct key_value *kv, const char *others)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < kv->len && b.len < PUBLISHED_TEXT_MAX; i++)
		if ((unsigned char)kv->value[i] < 0x80)
			add_or_underscore(&b, kv->value[i], is_one_of(kv->value[i], others));
	return buf_steal(&b);
}

/* For people: _ stands for a blank, those around it are cut. NULL when nothing is left. */
static char *shown(const char *s, size_t n)
{
	CLEANUP_FREE char *text = xstrndup(s, n);
	char *begin = text, *end;

	chars_replace(text, '_', ' ');
	begin += strspn(begin, " ");
	for (end = begin + strlen(begin); end > begin && end[-1] == ' '; end--)
		;
	return end > begin ? xstrndup(begin, (size_t)(end - begin)) : NULL;
}

/* ---- block devices ---- */

/* "SANDISK_Ultra (DATA_1)" */
static void block_desc(struct published *p, const struct key_value *kv)
{
	CLEANUP_FREE char *text = sanitize(kv, "()+,-.:=_/ ");
	size_t first = strcspn(text, " "), rest = strlen(text) - first;

	p->serial = shown(text, first);
	/* the blank, and what ought to be parentheses */
	if (rest > 3)
		p->name = shown(text + first + 2, rest - 3);
}

static void block_parent(struct published *p, const struct key_value *kv)
{
	CLEANUP_FREE char *text = sanitize(kv, "()+,-.:=_/ "), *usb = NULL;
	char *colon = strchr(text, ':');

	if (!colon) {
		if (format_block_name.check(text, strlen(text)))
			p->parent = STEAL(text);
		return;
	}
	*colon = '\0';
	usb = xstrdup(text);
	chars_replace(usb, '.', '_');
	if (!format_usb_name.check(usb, strlen(usb)) || !colon[1] || !chars_all(colon + 1, "0-9."))
		return;
	p->parent = xstrdup(text);
	p->parent_interface = xstrdup(colon + 1);
}

static bool holds(const struct key_value *kv, const struct key_format *format)
{
	return kv && format->check(kv->value, kv->len);
}

static bool read_block(struct published *p, const struct group *g, const char *name, enum vmif_gen gen)
{
	const struct key_value *desc = attribute(g, "desc"), *size = attribute(g, "size");
	const struct key_value *mode = attribute(g, "mode"), *parent = attribute(g, "parent");
	const struct key_value *device = attribute(g, "device");
	bool good_size = size && strlen(size->value) == size->len && num_u64(size->value, &p->size) == 0;

	if (!format_block_name.check(name, strlen(name)))
		return false;
	if (gen != VMIF_R4 && (!good_size || !holds(desc, &format_desc) || !holds(mode, &format_mode)))
		return false;
	if (gen != VMIF_R4 && device && (!device->len || device->len > 64 || strlen(device->value) != device->len ||
					 !chars_all(device->value, "a-z0-9/-")))
		return false;
	p->port = xstrdup(name);
	p->mode = 'w';
	if (holds(mode, &format_mode))
		p->mode = mode->value[0];
	if (desc)
		block_desc(p, desc);
	if (parent)
		block_parent(p, parent);
	return true;
}

void published_block(const struct key_values *l, enum vmif_gen gen, struct published_list *ret)
{
	read_all(l, "qubes-block-devices/", gen, read_block, ret);
}

/* ---- USB devices ---- */

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* A word of a description: \xHH is that byte, then what cannot be shown is _. NULL when empty. */
static char *usb_text(const char *s)
{
	struct buf b = BUF_INIT;

	while (*s && b.len < PUBLISHED_TEXT_MAX) {
		char c = *s++;

		if (c == '\\' && s[0] == 'x' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			c = (char)(hex(s[1]) * 16 + hex(s[2]));
			s += 3;
		}
		add_or_underscore(&b, c, c >= 0x20 && c < 0x7f);
	}
	return b.len ? buf_steal(&b) : NULL;
}

static bool is_ids(const char *s)
{
	for (size_t i = 0; i < 9; i++)
		if (i == 4 ? s[i] != ':' : hex(s[i]) < 0)
			return false;
	return !s[9];
}

/* "1d6b:0104 Linux_Foundation Multi\x20Gadget CAFEBABE" */
static void usb_desc(struct published *p, const struct key_value *kv)
{
	CLEANUP_FREE char *text = xmemdup0(kv->value, kv->len);
	CLEANUP_STRV struct strv words = STRV_INIT;

	for (size_t i = 0; i < kv->len; i++)
		if (!text[i])
			text[i] = '_';
	strv_split(&words, text, ' ');
	if (words.n == 4 && text[kv->len - 1] != ' ' && is_ids(words.v[0])) {
		memcpy(p->ids, words.v[0], sizeof p->ids);
		p->vendor = usb_text(words.v[1]);
		p->product = usb_text(words.v[2]);
		p->serial = usb_text(words.v[3]);
		return;
	}
	chars_replace(text, ' ', '_');
	p->name = usb_text(text);
}

/* ":030102:080650:" */
static void usb_interfaces(struct published *p, const struct key_value *kv)
{
	CLEANUP_FREE char *text = sanitize(kv, ":");
	CLEANUP_STRV struct strv codes = STRV_INIT;
	struct buf b = BUF_INIT;

	strv_split(&codes, text, ':');
	for (size_t i = 0; i < codes.n && b.len < INTERFACES_MAX * (1 + CODE_LEN); i++) {
		if (strlen(codes.v[i]) != CODE_LEN)
			continue;
		buf_addch(&b, 'u');
		for (const char *c = codes.v[i]; *c; c++)
			add_or_underscore(&b, *c, hex(*c) >= 0);
	}
	p->interfaces = b.len ? buf_steal(&b) : NULL;
}

/* Of release 2 and 3: a port below one hub at most, and a description. */
static bool is_older_usb(const char *name, const struct key_value *desc, enum vmif_gen gen)
{
	const char *hub = strchr(name, '_');

	if ((hub && strchr(hub + 1, '_')) || !desc || !desc->len || desc->len > PUBLISHED_TEXT_MAX)
		return false;
	for (size_t i = 0; gen == VMIF_R3 && i < desc->len; i++)
		if (desc->value[i] < 0x20 || desc->value[i] >= 0x7f)
			return false;
	return true;
}

static bool read_usb(struct published *p, const struct group *g, const char *name, enum vmif_gen gen)
{
	const struct key_value *desc = attribute(g, "desc"), *version = attribute(g, "usb-ver");
	const struct key_value *interfaces = attribute(g, "interfaces"), *user = attribute(g, "connected-to");

	if (!format_usb_name.check(name, strlen(name)) || (gen != VMIF_R4 && !is_older_usb(name, desc, gen)))
		return false;
	p->port = xstrdup(name);
	chars_replace(p->port, '_', '.');
	memcpy(p->ids, "0000:0000", sizeof p->ids);
	if (desc && desc->len)
		usb_desc(p, desc);
	if (interfaces)
		usb_interfaces(p, interfaces);
	if (holds(version, &format_usb_version))
		p->usb_version = version->value[0] - '0';
	if (holds(user, &format_qube))
		p->connected_to = xstrdup(user->value);
	return true;
}

void published_usb(const struct key_values *l, enum vmif_gen gen, struct published_list *ret)
{
	read_all(l, "qubes-usb-devices/", gen, read_usb, ret);
}
