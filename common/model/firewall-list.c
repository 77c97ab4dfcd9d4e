/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of firewall rules. */
#include <errno.h>

#include "base/mem.h"
#include "model/firewall.h"

void fw_rules_release(struct fw_rules *l)
{
	for (size_t i = 0; i < l->n; i++)
		fw_rule_release(&l->v[i]);
	free(l->v);
	*l = (struct fw_rules){0};
}

void fw_rules_copy(struct fw_rules *ret, const struct fw_rules *from)
{
	*ret = (struct fw_rules){0};
	for (size_t i = 0; i < from->n; i++) {
		struct fw_rule rule;

		fw_rule_copy(&rule, &from->v[i]);
		fw_rules_insert(ret, i, &rule);
	}
}

void fw_rules_insert(struct fw_rules *l, size_t i, struct fw_rule *r)
{
	GROW(l->v, l->n, l->cap);
	memmove(&l->v[i + 1], &l->v[i], (l->n - i) * sizeof *l->v);
	l->v[i] = *r;
	*r = (struct fw_rule){0};
	l->n++;
}

void fw_rules_remove(struct fw_rules *l, size_t i)
{
	fw_rule_release(&l->v[i]);
	l->n--;
	memmove(&l->v[i], &l->v[i + 1], (l->n - i) * sizeof *l->v);
}

int fw_rules_parse(struct fw_rules *ret, const char *text, size_t len, enum fw_form form, size_t *ret_line,
		   struct err *err)
{
	CLEANUP_FW_RULES struct fw_rules rules = {0};
	const char *end = text + len;

	*ret = (struct fw_rules){0};
	for (size_t line = 1; text < end; line++) {
		CLEANUP_FW_RULE struct fw_rule rule = {0};
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		*ret_line = line;
		if (fw_rule_parse(&rule, text, (size_t)(stop - text), form, err) < 0)
			return -EINVAL;
		fw_rules_insert(&rules, rules.n, &rule);
		text = newline ? newline + 1 : end;
	}
	*ret = rules;
	rules = (struct fw_rules){0};
	return 0;
}

void fw_rules_print(struct buf *b, const struct fw_rules *l, enum fw_form form)
{
	for (size_t i = 0; i < l->n; i++) {
		fw_rule_print(b, &l->v[i], form);
		buf_addch(b, '\n');
	}
}
