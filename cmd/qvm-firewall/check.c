/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check: mistakes in a file of rules, or in the rules of qubes, each with its place. */
#include <search.h>
#include <time.h>

#include "admin/frame.h"
#include "base/mem.h"
#include "qvm-firewall/firewall.h"

struct checker {
	struct ctx *c;
	const struct selection *s; /* NULL: a file */
	const char *source;        /* name of the file, or of the qube */
	const struct file_rules *f;
	struct json *json;
	struct buf text;
	bool nested;
	size_t findings;
	bool errors;
	int64_t now;
};

/* ---- findings ---- */

static void put_text_finding(struct checker *k, const struct file_rule *r, const char *what)
{
	CLEANUP_BUF struct buf line = BUF_INIT;

	if (!k->s && r)
		buf_addf(&line, "%s:%zu: %s", k->source, r->line, what);
	else if (!k->s)
		buf_addf(&line, "%s: %s", k->source, what);
	else
		buf_addf(&line, "rule %zu: %s", r->line - 1, what);
	if (k->s)
		perqube_lines(&k->text, k->s, k->source, buf_str(&line), line.len);
	else
		buf_addf(&k->text, "%s\n", buf_str(&line));
}

/* r NULL: about the whole of a file. */
static void PRINTF(4, 5) found(struct checker *k, const struct file_rule *r, bool error, const char *fmt, ...)
{
	static const char *const keys[] = {"line", "number", "severity", "message", "rule"};
	const char *severity = error ? "error" : "warning";
	CLEANUP_FREE char *key = xasprintf("%zu", k->findings++);
	va_list ap;

	va_start(ap, fmt);
	CLEANUP_FREE char *message = xvasprintf(fmt, ap);
	va_end(ap);
	k->errors |= error;
	if (k->json) {
		const struct val vals[] = {
			r && !k->s ? V_INT((int64_t)r->line) : V_NULL, r ? V_INT(r - k->f->v) : V_NULL,
			V_STR(severity), V_STR(message), r ? V_STR(r->text) : V_NULL,
		};

		json_record(k->json, k->nested ? key : NULL, ARRAY_SIZE(keys), keys, vals);
	} else {
		CLEANUP_FREE char *what = xasprintf("%s: %s", severity, message);

		put_text_finding(k, r, what);
	}
}

/* "line 3" of a file, "rule 2" of a qube. The caller frees. */
static char *place(const struct checker *k, const struct file_rule *r)
{
	return k->s ? xasprintf("rule %zu", r->line - 1) : xasprintf("line %zu", r->line);
}

/* ---- one rule ---- */

/* Place of a part in an entry (vm-interface 7.3); 0: has none there. */
static size_t rank(const char *word)
{
	static const char *const order[] = {
		"action=", "dst4=", "dst6=", "dsthost=", "dstname=", "proto=", "specialtarget=", "dstports=",
		"icmptype=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (skip_prefix(word, order[i]))
			return i + 1;
	return 0;
}

static bool is_ordered(const char *text)
{
	const char *comment = strstr(text, "comment=");
	CLEANUP_FREE char *parts = comment ? xstrndup(text, (size_t)(comment - text)) : xstrdup(text);
	CLEANUP_STRV struct strv words = STRV_INIT;
	size_t last = 0;

	strv_split(&words, parts, ' ');
	for (size_t i = 0; i < words.n; i++) {
		size_t here = rank(words.v[i]);

		if (here && here < last)
			return false;
		last = here ? here : last;
	}
	return true;
}

static void check_rule(struct checker *k, const struct file_rule *r)
{
	const char *problem = r->rule.dst_kind == FW_DSTHOST ? host_problem(r->rule.dst) : NULL;

	if (problem)
		found(k, r, false, "host '%s' %s", r->rule.dst, problem);
	if (fw_rule_expiry(&r->rule) <= k->now)
		found(k, r, false, "its time is over");
	if (!is_ordered(r->text)) {
		CLEANUP_BUF struct buf b = BUF_INIT;

		fw_rule_print(&b, &r->rule, FW_SERVER);
		found(k, r, false, "parts are not in order; it is kept as: %s", buf_str(&b));
	}
}

/* ---- rules that come too late ---- */

/* The rule that was the longest with what it matches. */
struct seen {
	char *match;
	const struct file_rule *rule;
};

static int seen_cmp(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->match, ((const struct seen *)b)->match);
}

static void seen_free(void *p)
{
	struct seen *seen = p;

	free(seen->match);
	free(seen);
}

/* What it matches: an entry without its action. The caller frees. */
static char *match_text(const struct fw_rule *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	fw_rule_print(&b, r, FW_ENTRY);
	return xstrdup(strchrnul(buf_str(&b), ' '));
}

static bool outlives(const struct file_rule *a, const struct file_rule *b)
{
	return fw_rule_expiry(&a->rule) >= fw_rule_expiry(&b->rule);
}

static void check_late(struct checker *k, void **tree, const struct file_rule *catch_all, const struct file_rule *r)
{
	struct seen *one = xcalloc(1, sizeof *one);
	struct seen *was;

	*one = (struct seen){match_text(&r->rule), r};
	was = *(struct seen **)tsearch(one, tree, seen_cmp);
	if (was != one && outlives(was->rule, r)) {
		CLEANUP_FREE char *where = place(k, was->rule);

		if (was->rule->rule.drop == r->rule.drop)
			found(k, r, false, "the same as %s", where);
		else
			found(k, r, false, "never applies: %s matches the same", where);
	} else if (catch_all) {
		CLEANUP_FREE char *where = place(k, catch_all);

		found(k, r, false, "never applies: %s matches everything", where);
	}
	if (was == one)
		return;
	if (!outlives(was->rule, r))
		was->rule = r;
	seen_free(one);
}

/* ---- a list ---- */

static void check_list(struct checker *k)
{
	const struct file_rule *catch_all = NULL;
	void *tree = NULL;

	for (size_t i = 0; i < k->f->n; i++) {
		const struct file_rule *r = &k->f->v[i];

		if (r->problem) {
			found(k, r, true, "%s", r->problem);
			continue;
		}
		check_rule(k, r);
		check_late(k, &tree, catch_all, r);
		if (!catch_all && !r->rule.expire && fw_rule_matches_all(&r->rule))
			catch_all = r;
	}
	tdestroy(tree, seen_free);
}

/* Names of qubes have at most 31 characters. */
static void check_size(struct checker *k)
{
	size_t room = FRAME_REQUEST_MAX - strlen(FIREWALL_SET "+ dom0 name ") - 32, size = 0;

	for (size_t i = 0; i < k->f->n; i++) {
		CLEANUP_BUF struct buf b = BUF_INIT;

		fw_rule_print(&b, &k->f->v[i].rule, FW_SERVER);
		size += b.len + 1;
	}
	if (size > room)
		found(k, NULL, true, "%zu bytes of rules are too many: a call has room for %zu", size, room);
}

static int finish(struct checker *k, int status)
{
	if (k->json)
		json_end(k->json);
	put_text(k->c, buf_str(&k->text), k->text.len);
	buf_release(&k->text);
	return status ? status : k->errors ? STATUS_FAILED : STATUS_OK;
}

int check_file(struct ctx *c, const char *path)
{
	CLEANUP_FILE_RULES struct file_rules f = {0};
	struct checker k = {.c = c, .source = file_name(path), .f = &f, .now = time(NULL)};
	int status = file_read(c, path, &f);

	if (status)
		return status;
	if (c->format != FORMAT_TEXT)
		k.json = json_begin(c, JSON_ARRAY);
	check_list(&k);
	check_size(&k);
	return finish(&k, STATUS_OK);
}

int command_check(struct ctx *c, const struct selection *s)
{
	struct checker k = {.c = c, .s = s, .nested = s->many, .now = time(NULL)};
	struct call *calls = perqube_calls(s, FIREWALL_GET, NULL, NULL, 0);
	int status = STATUS_OK;

	if (c->format != FORMAT_TEXT)
		k.json = json_begin(c, s->many ? JSON_KEYED : JSON_ARRAY);
	admin_run(&c->admin, calls, s->n);
	for (size_t i = 0; i < s->n; i++) {
		CLEANUP_FILE_RULES struct file_rules f = {0};

		if (calls[i].result < 0) {
			status = perqube_error(c, s, &calls[i]);
			continue;
		}
		k.source = calls[i].dest;
		k.f = &f;
		file_parse(&f, calls[i].body, calls[i].body_len, false);
		if (k.json && k.nested)
			json_down(k.json, k.source);
		check_list(&k);
		if (k.json && k.nested)
			json_up(k.json);
	}
	calls_free(calls, s->n);
	return finish(&k, status);
}
