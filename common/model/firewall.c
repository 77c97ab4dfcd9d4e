/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Firewall rules: reading, checking, writing. */
#include "model/firewall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>

#include "base/chars.h"
#include "base/mem.h"
#include "base/num.h"

#define VALUE_CHARS "A-Za-z0-9:;,./_[]-"
#define COMMENT_CHARS "A-Za-z0-9:;,./_[] -"
#define HOST_CHARS "a-z0-9._-"
#define PORT_MAX 65535

static int bad(struct err *err, const char *fmt, ...) PRINTF(2, 3);

static int bad(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, -EINVAL, "QubesValueError", fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static void replace(char **p, char *value)
{
	free(*p);
	*p = value;
}

void fw_rule_release(struct fw_rule *r)
{
	free(r->dst);
	free(r->icmptype);
	free(r->expire);
	free(r->comment);
	free(r->dpi);
	*r = (struct fw_rule){0};
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

void fw_rule_copy(struct fw_rule *ret, const struct fw_rule *from)
{
	*ret = *from;
	ret->dst = copy(from->dst);
	ret->icmptype = copy(from->icmptype);
	ret->expire = copy(from->expire);
	ret->comment = copy(from->comment);
	ret->dpi = copy(from->dpi);
}

/* ---- parts ---- */

static int set_action(struct fw_rule *r, const char *value, struct err *err)
{
	if (!streq(value, "accept") && !streq(value, "drop"))
		return bad(err, "invalid action: %s", value);
	r->has_action = true;
	r->drop = streq(value, "drop");
	return 0;
}

static const char *const protos[] = { [FW_TCP] = "tcp", [FW_UDP] = "udp", [FW_ICMP] = "icmp" };

static int set_proto(struct fw_rule *r, const char *value, struct err *err)
{
	for (size_t i = FW_TCP; i < ARRAY_SIZE(protos); i++)
		if (streq(value, protos[i])) {
			r->proto = i;
			return 0;
		}
	return bad(err, "invalid proto: %s", value);
}

/* An address as inet_pton reads it: four numbers without leading zeros, or any spelling of IPv6. */
static enum fw_dst address_kind(const char *s)
{
	struct in6_addr a;

	return inet_pton(AF_INET6, s, &a) == 1 ? FW_DST6 : inet_pton(AF_INET, s, &a) == 1 ? FW_DST4 : FW_ANY_DST;
}

static int check_prefix(const char *digits, enum fw_dst kind, struct err *err)
{
	unsigned max = kind == FW_DST4 ? 32 : 128;
	uint64_t n = 0;

	if (*digits == '-' && num_u64(digits + 1, &n) == 0)
		return bad(err, "netmask must be non-negative");
	int r = num_u64(digits, &n);

	if (r < 0 && r != -ERANGE)
		return bad(err, "invalid netmask: %s", digits);
	if (r == -ERANGE || n > max)
		return bad(err, "netmask for IPv%d must be <= %u", kind == FW_DST4 ? 4 : 6, max);
	return 0;
}

static int set_dst(struct fw_rule *r, const char *value, struct err *err)
{
	size_t n = strcspn(value, "/");
	CLEANUP_FREE char *host = xstrndup(value, n);
	enum fw_dst kind = address_kind(host);

	if (!value[n] && kind == FW_ANY_DST) {
		if (!*value || !chars_all(value, HOST_CHARS))
			return bad(err, "Invalid hostname");
		kind = FW_DSTHOST;
	} else if (value[n]) {
		if (strchr(value + n + 1, '/'))
			return bad(err, "Too many /: %s", value);
		if (kind == FW_ANY_DST)
			return bad(err, "Invalid IP address: %s", host);
		if (check_prefix(value + n + 1, kind, err) < 0)
			return -EINVAL;
	}
	r->dst_kind = kind;
	replace(&r->dst, kind == FW_DSTHOST || value[n] ? xstrdup(value) :
			 xasprintf("%s/%d", value, kind == FW_DST4 ? 32 : 128));
	return 0;
}

static int read_port(const char *s, size_t n, uint32_t *ret, struct err *err)
{
	CLEANUP_FREE char *digits = xstrndup(s, n);
	uint64_t port;
	int r = num_u64(digits, &port);

	if (r < 0 && r != -ERANGE)
		return bad(err, "Invalid port range");
	if (r == -ERANGE || port > PORT_MAX)
		return bad(err, "Ports out of range");
	*ret = (uint32_t)port;
	return 0;
}

static int set_ports(struct fw_rule *r, const char *value, struct err *err)
{
	size_t n = strcspn(value, "-");
	const char *last = value[n] ? value + n + 1 : value;
	uint32_t from = 0, to = 0;

	if (read_port(value, n, &from, err) < 0 || read_port(last, strlen(last), &to, err) < 0)
		return -EINVAL;
	if (from > to)
		return bad(err, "Invalid port range");
	r->has_ports = true;
	r->port_first = from;
	r->port_last = to;
	return 0;
}

static int set_icmptype(struct fw_rule *r, const char *value, struct err *err)
{
	uint64_t type;

	if (num_u64(value, &type) < 0 || strlen(value) > 3 || type > 255)
		return bad(err, "ICMP type out of range");
	replace(&r->icmptype, xstrdup(value));
	return 0;
}

static int set_special(struct fw_rule *r, const char *value, struct err *err)
{
	if (!streq(value, "dns"))
		return bad(err, "invalid specialtarget: %s", value);
	r->dns = true;
	return 0;
}

static int set_expire(struct fw_rule *r, const char *value, struct err *err)
{
	uint64_t seconds;

	if (num_u64(value, &seconds) < 0 || seconds > INT64_MAX)
		return bad(err, "invalid expire: %s", value);
	replace(&r->expire, xstrdup(value));
	return 0;
}

static int set_comment(struct fw_rule *r, const char *value, struct err *err)
{
	replace(&r->comment, *value ? xstrdup(value) : NULL);
	return 0;
}

static int set_dpi(struct fw_rule *r, const char *value, struct err *err)
{
	if (!*value || !chars_all(value, "A-Za-z"))
		return bad(err, "invalid dpi: %s", value);
	replace(&r->dpi, xstrdup(value));
	return 0;
}

/* ---- the table of parts, in the order of an entry ---- */

enum part { ACTION, DST, PROTO, SPECIAL, PORTS, ICMP, DPI, EXPIRE, COMMENT, NONE };

#define IN_SERVER (1u << FW_SERVER)
#define IN_CLIENT (1u << FW_CLIENT)
#define IN_ENTRY (1u << FW_ENTRY)
#define IN_API (IN_SERVER | IN_CLIENT)

static const struct key {
	const char *name;
	unsigned forms; /* that know it */
	enum part part;
	int (*set)(struct fw_rule *r, const char *value, struct err *err);
} keys[] = {
	{ "action", IN_API | IN_ENTRY, ACTION, set_action },
	{ "dst4", IN_API | IN_ENTRY, DST, set_dst },
	{ "dst6", IN_API | IN_ENTRY, DST, set_dst },
	{ "dsthost", IN_API | IN_ENTRY, DST, set_dst },
	{ "dstname", IN_SERVER, DST, set_dst },
	{ "proto", IN_API | IN_ENTRY, PROTO, set_proto },
	{ "specialtarget", IN_API | IN_ENTRY, SPECIAL, set_special },
	{ "dstports", IN_API | IN_ENTRY, PORTS, set_ports },
	{ "icmptype", IN_API | IN_ENTRY, ICMP, set_icmptype },
	{ "dpi", IN_ENTRY, DPI, set_dpi },
	{ "expire", IN_API, EXPIRE, set_expire },
	{ "comment", IN_API, COMMENT, set_comment },
};

static const struct key *key_find(const char *name, size_t len, enum fw_form form)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].name) == len && memcmp(keys[i].name, name, len) == 0)
			return keys[i].forms & 1u << form ? &keys[i] : NULL;
	return NULL;
}

int fw_rule_set(struct fw_rule *r, const char *name, const char *value, struct err *err)
{
	const struct key *key = key_find(name, strlen(name), FW_CLIENT);

	if (!key)
		return err_set(err, -ENOENT, "QubesValueError", "Invalid rule element: %s=%s", name, value);
	return key->set(r, value, err);
}

/* What holds between parts. */
static int check_parts(const struct fw_rule *r, struct err *err)
{
	if (!r->has_action)
		return bad(err, "missing action=");
	if (r->has_ports && r->proto != FW_TCP && r->proto != FW_UDP)
		return bad(err, "dstports valid only for 'tcp' and 'udp' protocols");
	if (r->icmptype && r->proto != FW_ICMP)
		return bad(err, "icmptype valid only for 'icmp' protocol");
	return 0;
}

int fw_rule_check(const struct fw_rule *r, struct err *err)
{
	CLEANUP_BUF struct buf entry = BUF_INIT;

	if (check_parts(r, err) < 0)
		return -EINVAL;
	fw_rule_print(&entry, r, FW_ENTRY);
	if (entry.len > FW_ENTRY_MAX)
		return bad(err, "rule is longer than %d bytes", FW_ENTRY_MAX);
	return 0;
}

/* ---- reading ---- */

static const char *const dst_keys[] = { [FW_DST4] = "dst4", [FW_DST6] = "dst6", [FW_DSTHOST] = "dsthost" };

struct reader {
	enum fw_form form;
	struct fw_rule *rule;
	unsigned seen;   /* a bit for each part */
	enum part last;
};

/* In an entry the parts have their order, and the key of an address tells its family. */
static int check_entry(const struct reader *rd, const struct key *key, struct err *err)
{
	if (rd->seen ? key->part < rd->last : key->part != ACTION)
		return bad(err, "%s is out of order", key->name);
	if (key->part == DST && !streq(key->name, dst_keys[rd->rule->dst_kind]))
		return bad(err, "invalid %s: %s", key->name, rd->rule->dst);
	return 0;
}

static int read_word(struct reader *rd, const char *word, size_t len, struct err *err)
{
	const char *eq = memchr(word, '=', len);
	const struct key *key = eq ? key_find(word, (size_t)(eq - word), rd->form) : NULL;

	if (!eq)
		return bad(err, "invalid rule description: %.*s", (int)len, word);
	if (!key)
		return bad(err, "Unknown rule elements: %.*s", (int)(eq - word), word);

	CLEANUP_FREE char *value = xstrndup(eq + 1, len - (size_t)(eq + 1 - word));

	if (!chars_all(value, VALUE_CHARS))
		return bad(err, "invalid characters in %s", key->name);
	if (rd->seen & 1u << key->part)
		return bad(err, "%s is given twice", key->name);
	if (key->set(rd->rule, value, err) < 0 || (rd->form == FW_ENTRY && check_entry(rd, key, err) < 0))
		return -EINVAL;
	rd->seen |= 1u << key->part;
	rd->last = key->part;
	return 0;
}

/* Words with one blank between; only what a client reads may have more of them, anywhere. */
static int read_words(struct reader *rd, const char *s, const char *end, struct err *err)
{
	while (true) {
		const char *blank = memchr(s, ' ', (size_t)(end - s));
		const char *stop = blank ? blank : end;

		if ((stop > s || rd->form != FW_CLIENT) && read_word(rd, s, (size_t)(stop - s), err) < 0)
			return -EINVAL;
		if (!blank)
			return 0;
		s = blank + 1;
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(const char **s, const char **end)
{
	while (*s < *end && is_blank(**s))
		(*s)++;
	while (*end > *s && is_blank((*end)[-1]))
		(*end)--;
}

/* The comment takes the rest of the line, wherever the word stands. *end: where the other options end. */
static int read_comment(struct reader *rd, const char *s, const char **end, struct err *err)
{
	static const char word[] = "comment=";
	const char *at = memmem(s, (size_t)(*end - s), word, strlen(word));

	if (!at)
		return 0;

	CLEANUP_FREE char *text = xstrndup(at + strlen(word), (size_t)(*end - at) - strlen(word));

	if (rd->form == FW_SERVER && !chars_all(text, COMMENT_CHARS))
		return bad(err, "invalid characters in comment");
	*end = at;
	return set_comment(rd->rule, text, err);
}

static int parse(struct fw_rule *rule, const char *line, size_t len, enum fw_form form, struct err *err)
{
	struct reader rd = { .form = form, .rule = rule };
	const char *end = line + len;

	if (memchr(line, '\0', len))
		return bad(err, "a rule holds a zero byte");
	if (form == FW_ENTRY && len > FW_ENTRY_MAX)
		return bad(err, "rule is longer than %d bytes", FW_ENTRY_MAX);
	if (form == FW_SERVER)
		trim(&line, &end);
	if (form != FW_ENTRY && read_comment(&rd, line, &end, err) < 0)
		return -EINVAL;
	if (form == FW_SERVER)
		trim(&line, &end);
	if (line == end)
		return bad(err, "missing action=");
	if (read_words(&rd, line, end, err) < 0)
		return -EINVAL;
	/* What a client is told is listed even where it could not be set. */
	return form == FW_CLIENT ? check_parts(rule, err) : fw_rule_check(rule, err);
}

int fw_rule_parse(struct fw_rule *ret, const char *line, size_t len, enum fw_form form, struct err *err)
{
	int r;

	*ret = (struct fw_rule){0};
	r = parse(ret, line, len, form, err);
	if (r < 0)
		fw_rule_release(ret);
	return r;
}

/* ---- writing ---- */

static const enum part orders[][9] = {
	[FW_SERVER] = { ACTION, EXPIRE, DST, PROTO, SPECIAL, PORTS, ICMP, COMMENT, NONE },
	[FW_CLIENT] = { ACTION, PROTO, DST, PORTS, ICMP, SPECIAL, EXPIRE, COMMENT, NONE },
	[FW_ENTRY] = { ACTION, DST, PROTO, SPECIAL, PORTS, ICMP, DPI, NONE },
};

/* Prefix 0 is any address. */
static bool is_any_address(const struct fw_rule *r)
{
	const char *prefix = r->dst && r->dst_kind != FW_DSTHOST ? strchr(r->dst, '/') : NULL;

	return prefix && prefix[1 + strspn(prefix + 1, "0")] == '\0';
}

/* Elsewhere than at the client, the number that the digits are. */
static void add_icmptype(struct buf *b, const char *digits, enum fw_form form)
{
	size_t zeros = form == FW_CLIENT ? 0 : strspn(digits, "0");

	buf_addf(b, " icmptype=%s", zeros && !digits[zeros] ? "0" : digits + zeros);
}

static void add_part(struct buf *b, const struct fw_rule *r, enum part part, enum fw_form form)
{
	if (part == ACTION)
		buf_addf(b, "action=%s", r->drop ? "drop" : "accept");
	else if (part == DST && r->dst && !(form == FW_CLIENT && is_any_address(r)))
		buf_addf(b, " %s=%s", dst_keys[r->dst_kind], r->dst);
	else if (part == PROTO && r->proto)
		buf_addf(b, " proto=%s", protos[r->proto]);
	else if (part == SPECIAL && r->dns)
		buf_addstr(b, " specialtarget=dns");
	else if (part == PORTS && r->has_ports)
		buf_addf(b, " dstports=%u-%u", r->port_first, r->port_last);
	else if (part == ICMP && r->icmptype)
		add_icmptype(b, r->icmptype, form);
	else if (part == DPI && r->dpi)
		buf_addf(b, " dpi=%s", r->dpi);
	else if (part == EXPIRE && r->expire)
		buf_addf(b, " expire=%s", r->expire);
	else if (part == COMMENT && r->comment)
		buf_addf(b, " comment=%s", r->comment);
}

void fw_rule_print(struct buf *b, const struct fw_rule *r, enum fw_form form)
{
	for (const enum part *part = orders[form]; *part != NONE; part++)
		add_part(b, r, *part, form);
}

bool fw_rule_equal(const struct fw_rule *a, const struct fw_rule *b, enum fw_form form)
{
	CLEANUP_BUF struct buf x = BUF_INIT;
	CLEANUP_BUF struct buf y = BUF_INIT;

	fw_rule_print(&x, a, form);
	fw_rule_print(&y, b, form);
	return streq(buf_str(&x), buf_str(&y));
}

bool fw_rule_matches_all(const struct fw_rule *r)
{
	return (!r->dst || is_any_address(r)) && !r->proto && !r->dns && !r->has_ports && !r->icmptype;
}

const char *fw_rule_proto(const struct fw_rule *r)
{
	return protos[r->proto];
}

int64_t fw_rule_expiry(const struct fw_rule *r)
{
	int64_t when = INT64_MAX;

	if (r->expire)
		num_i64(r->expire, &when);
	return when;
}

int fw_rule_family(const struct fw_rule *r)
{
	return r->dst_kind == FW_DST4 ? 4 : r->dst_kind == FW_DST6 ? 6 : 0;
}
