/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall.xml, version 2: the rules of a qube as a backup has them (backup-policy-clock 3.9). */
#include "base/mem.h"
#include "qvmd/backup.h"

/* What can be in a rule is printable. */
static void add_escaped(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		switch (s[i]) {
		case '&': buf_addstr(b, "&amp;"); break;
		case '<': buf_addstr(b, "&lt;"); break;
		case '>': buf_addstr(b, "&gt;"); break;
		default: buf_addch(b, s[i]);
		}
}

/* "key=value"; of the three kinds of destination a backup knows one. */
static void add_property(struct buf *b, const char *part, size_t n)
{
	size_t key = strcspn(part, "=");
	bool dst = strncmp(part, "dst4=", 5) == 0 || strncmp(part, "dst6=", 5) == 0;

	buf_addf(b, "<property name=\"%.*s\">", dst ? 7 : (int)key, dst ? "dsthost" : part);
	add_escaped(b, part + key + 1, n - key - 1);
	buf_addstr(b, "</property>");
}

static void add_rule(struct buf *b, const struct fw_rule *rule)
{
	CLEANUP_BUF struct buf line = BUF_INIT;
	const char *at;

	fw_rule_print(&line, rule, FW_SERVER);
	buf_addstr(b, "<rule><properties>");
	for (at = buf_str(&line); *at;) {
		/* a comment is the last one, and may hold blanks */
		size_t n = skip_prefix(at, "comment=") ? strlen(at) : strcspn(at, " ");

		add_property(b, at, n);
		at += n + (at[n] == ' ');
	}
	buf_addstr(b, "</properties></rule>\n");
}

char *backup_firewall(const struct fw_rules *rules)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	buf_addstr(&b, "<firewall version=\"2\"><rules>\n");
	for (size_t i = 0; i < rules->n; i++)
		add_rule(&b, &rules->v[i]);
	buf_addstr(&b, "</rules></firewall>\n");
	return buf_steal(&b);
}
