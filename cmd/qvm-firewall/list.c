/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list and dump (tools-runtime 11.5). */
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "base/num.h"
#include "qvm-firewall/firewall.h"

enum column { NO, ACTION, HOST, PROTOCOL, PORTS, SPECIAL, ICMP, EXPIRE, COMMENT, COLUMNS };

static const char *const headers[COLUMNS] = {
	"NO", "ACTION", "HOST", "PROTOCOL", "PORT(S)", "SPECIAL TARGET", "ICMP TYPE", "EXPIRE", "COMMENT",
};
static const char *const keys[] = {
	"number", "action", "host", "protocol", "ports", "special_target", "icmp_type", "expire", "comment", "rule",
};

struct output {
	struct ctx *c;
	const struct selection *s;
	struct table *table; /* one of these three */
	struct json *json;
	struct buf raw;
	double now;          /* seconds since 1970 */
	bool begun;
};

/* One number when both ends are the same; NULL without ports. The caller frees. */
static char *ports_text(const struct fw_rule *r)
{
	if (!r->has_ports)
		return NULL;
	if (r->port_first == r->port_last)
		return xasprintf("%u", r->port_first);
	return xasprintf("%u-%u", r->port_first, r->port_last);
}

/* Seconds from now, rounded half to even, never "-0". NULL when there is no end. The caller frees. */
static char *expire_text(const struct fw_rule *r, double now)
{
	CLEANUP_FREE char *text = NULL;

	if (!r->expire)
		return NULL;
	text = xasprintf("%+.0fs", (double)fw_rule_expiry(r) - now);
	return streq(text, "-0s") ? xstrdup("+0s") : STEAL(text);
}

static void put_cells(struct output *o, const char *qube, size_t number, const struct fw_rule *r)
{
	CLEANUP_FREE char *no = xasprintf("%zu", number), *ports = ports_text(r), *expire = expire_text(r, o->now);
	const char *cells[1 + COLUMNS] = {qube};
	const char **cell = cells + 1;

	cell[NO] = no;
	cell[ACTION] = r->drop ? "drop" : "accept";
	cell[HOST] = r->dst;
	cell[PROTOCOL] = fw_rule_proto(r);
	cell[PORTS] = ports;
	cell[SPECIAL] = r->dns ? "dns" : NULL;
	cell[ICMP] = r->icmptype;
	cell[EXPIRE] = expire;
	cell[COMMENT] = r->comment;
	for (size_t i = 0; i < COLUMNS; i++)
		if (!cell[i])
			cell[i] = "-";
	table_row(o->table, o->s->many ? cells : cell);
}

static struct val text_or_null(const char *s)
{
	return s ? V_STR(s) : V_NULL;
}

static void put_record(struct output *o, size_t number, const struct fw_rule *r)
{
	CLEANUP_FREE char *name = xasprintf("%zu", number), *ports = ports_text(r);
	CLEANUP_BUF struct buf rule = BUF_INIT;

	fw_rule_print(&rule, r, FW_CLIENT);

	const struct val vals[ARRAY_SIZE(keys)] = {
		V_INT((int64_t)number), V_STR(r->drop ? "drop" : "accept"), text_or_null(r->dst),
		text_or_null(fw_rule_proto(r)), text_or_null(ports), text_or_null(r->dns ? "dns" : NULL),
		text_or_null(r->icmptype), r->expire ? V_INT(fw_rule_expiry(r)) : V_NULL, text_or_null(r->comment),
		V_STR(buf_str(&rule)),
	};

	json_record(o->json, o->s->many ? name : NULL, ARRAY_SIZE(keys), keys, vals);
}

static void put_raw(struct output *o, const char *qube, const struct fw_rule *r, enum fw_form form)
{
	CLEANUP_BUF struct buf rule = BUF_INIT;

	fw_rule_print(&rule, r, form);
	perqube_lines(&o->raw, o->s, qube, buf_str(&rule), rule.len);
}

static void put_rules(struct output *o, const char *qube, const struct fw_rules *rules)
{
	if (o->json && o->s->many)
		json_down(o->json, qube);
	for (size_t i = 0; i < rules->n; i++) {
		if (o->json)
			put_record(o, i, &rules->v[i]);
		else if (o->table)
			put_cells(o, qube, i, &rules->v[i]);
		else
			put_raw(o, qube, &rules->v[i], FW_CLIENT);
	}
	if (o->json && o->s->many)
		json_up(o->json);
}

static void begin(struct output *o)
{
	const char *cells[1 + COLUMNS] = {"NAME"};
	struct ctx *c = o->c;
	struct timespec t;

	if (o->begun)
		return;
	o->begun = true;
	clock_gettime(CLOCK_REALTIME, &t);
	o->now = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	if (c->format != FORMAT_TEXT) {
		o->json = json_begin(c, o->s->many ? JSON_KEYED : JSON_ARRAY);
	} else if (!arg_has(&c->args, "--raw")) {
		o->table = table_new(o->s->many + COLUMNS);
		memcpy(cells + 1, headers, sizeof headers);
		table_row(o->table, o->s->many ? cells : cells + 1);
	}
}

static void end(struct output *o)
{
	if (o->json)
		json_end(o->json);
	if (o->table)
		table_print(o->table, o->c);
	table_free(o->table);
	put_text(o->c, buf_str(&o->raw), o->raw.len);
	buf_release(&o->raw);
}

int command_list(struct ctx *c, const struct selection *s)
{
	struct output o = {.c = c, .s = s};
	struct call *calls = perqube_calls(s, FIREWALL_GET, NULL, NULL, 0);
	int status = STATUS_OK;

	admin_run(&c->admin, calls, s->n);
	/* Of one qube alone nothing is printed when it fails. */
	for (size_t i = 0; i < s->n; i++) {
		CLEANUP_FW_RULES struct fw_rules rules = {0};
		int r = read_rules(c, s, &calls[i], &rules);

		if (r)
			status = r;
		if (r && !s->many)
			break;
		begin(&o);
		if (!r)
			put_rules(&o, calls[i].dest, &rules);
	}
	if (s->many)
		begin(&o);
	end(&o);
	calls_free(calls, s->n);
	if (status || !arg_has(&c->args, "--reload"))
		return status;
	flush_out(c);
	return perqube_change(c, s, FIREWALL_RELOAD, NULL, NULL, 0, NULL);
}

/* JSON of dump: the lines. */
static void put_list(struct output *o, const char *qube, const struct fw_rules *rules)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;
	CLEANUP_BUF struct buf text = BUF_INIT;

	fw_rules_print(&text, rules, FW_SERVER);
	strv_split(&lines, buf_str(&text), '\n');
	json_value(o->json, qube, V_LIST(&lines));
}

int command_dump(struct ctx *c, const struct selection *s)
{
	struct output o = {.c = c, .s = s, .json = perqube_json(c, s)};
	struct call *calls = perqube_calls(s, FIREWALL_GET, NULL, NULL, 0);
	int status = STATUS_OK;

	admin_run(&c->admin, calls, s->n);
	for (size_t i = 0; i < s->n; i++) {
		CLEANUP_FW_RULES struct fw_rules rules = {0};
		int r = read_rules(c, s, &calls[i], &rules);

		status = r ? r : status;
		if (!r && o.json)
			put_list(&o, calls[i].dest, &rules);
		for (size_t k = 0; !r && !o.json && k < rules.n; k++)
			put_raw(&o, calls[i].dest, &rules.v[k], FW_SERVER);
	}
	end(&o);
	calls_free(calls, s->n);
	return status;
}
