/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of add and del as a rule (tools-runtime 11.3). */
#include <errno.h>
#include <time.h>

#include "base/mem.h"
#include "base/num.h"
#include "qvm-firewall/firewall.h"

/* What a word without a key is: the first of these that is free. */
enum slot { SLOT_ACTION, SLOT_HOST, SLOT_PROTO, SLOT_PORTS, SLOT_ICMP, SLOT_COUNT };
static const char *const slots[SLOT_COUNT] = {"action", "dsthost", "proto", "dstports", "icmptype"};

struct match {
	struct ctx *c;
	bool taken[SLOT_COUNT];
	struct strv keys, values; /* by pairs */
};

static void match_release(struct match *m)
{
	strv_release(&m->keys);
	strv_release(&m->values);
}

/* -1 for a key that stands for no slot. */
static int slot_of(const char *key)
{
	if (streq(key, "dst4") || streq(key, "dst6"))
		return SLOT_HOST;
	for (int i = 0; i < SLOT_COUNT; i++)
		if (streq(slots[i], key))
			return i;
	return -1;
}

static bool is_key(const char *key)
{
	return slot_of(key) >= 0 || streq(key, "specialtarget") || streq(key, "comment") || streq(key, "expire");
}

static void take(struct match *m, const char *key, const char *value)
{
	int slot = slot_of(key);

	if (slot >= 0)
		m->taken[slot] = true;
	if (slot == SLOT_PROTO && (streq(value, "tcp") || streq(value, "udp")))
		m->taken[SLOT_ICMP] = true;
	if (slot == SLOT_PROTO && streq(value, "icmp"))
		m->taken[SLOT_PORTS] = true;
	strv_add(&m->keys, key);
	strv_add(&m->values, value);
}

static int take_bare(struct match *m, const char *word)
{
	if (!*word)
		return fail(m->c, "invalid rule description: ");
	for (int i = 0; i < SLOT_COUNT; i++)
		if (!m->taken[i]) {
			take(m, slots[i], word);
			return STATUS_OK;
		}
	return fail(m->c, "too many rule elements: %s", word);
}

static int take_word(struct match *m, const char *word)
{
	const char *eq = strchr(word, '=');
	CLEANUP_FREE char *key = xstrndup(word, strcspn(word, "="));

	if (!eq)
		return take_bare(m, word);
	if (!eq[1] || (strchr(eq + 1, '=') && !streq(key, "comment")))
		return fail_command(m->c, "invalid rule description: %s", word);
	if (!is_key(key))
		return fail_command(m->c, "Invalid rule element: %s", word);
	take(m, key, eq + 1);
	return STATUS_OK;
}

/* A newline would begin another rule. */
static int check_bytes(struct ctx *c, const struct strv *values)
{
	for (size_t i = 0; i < values->n; i++)
		for (const char *p = values->v[i]; *p; p++) {
			if ((unsigned char)*p >= 0x80)
				return fail(c, "rule contains non-ASCII characters");
			if (*p < ' ' || *p == 0x7f)
				return fail(c, "rule contains control characters");
		}
	return STATUS_OK;
}

/* +SECONDS is from now. The caller frees. */
static char *absolute(const char *expire)
{
	uint64_t seconds;

	if (*expire != '+' || num_u64(expire + 1, &seconds) < 0 || seconds > INT64_MAX / 2)
		return xstrdup(expire);
	return xasprintf("%llu", (unsigned long long)time(NULL) + (unsigned long long)seconds);
}

static int fill(struct match *m, struct fw_rule *rule, struct err *err)
{
	for (size_t i = 0; i < m->keys.n; i++) {
		const char *key = m->keys.v[i], *value = m->values.v[i];
		CLEANUP_FREE char *time = streq(key, "expire") ? absolute(value) : NULL;

		if (fw_rule_set(rule, key, time ? time : value, err) < 0)
			return -EINVAL;
	}
	return fw_rule_check(rule, err);
}

int match_read(struct ctx *c, const struct strv *words, struct fw_rule *ret, bool *ret_any)
{
	CLEANUP(match_release) struct match m = {.c = c};
	CLEANUP_FW_RULE struct fw_rule rule = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	int status = STATUS_OK;

	*ret_any = words->n > 0;
	for (size_t i = 0; i < words->n && !status; i++)
		status = take_word(&m, words->v[i]);
	if (!status)
		status = check_bytes(c, &m.values);
	if (status || !words->n)
		return status;
	if (fill(&m, &rule, &err) < 0)
		return fail(c, "%s", err.text);
	*ret = rule;
	rule = (struct fw_rule){0};
	return STATUS_OK;
}
