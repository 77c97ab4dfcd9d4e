/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rule of the policy from its words (backup-policy-clock 6.2, 6.3). */
#include <errno.h>
#include <stdarg.h>

#include "base/escape.h"
#include "base/mem.h"
#include "model/names.h"
#include "model/policy-parts.h"

#define ADMIN_UUID "uuid:00000000-0000-0000-0000-000000000000"

int policy_wrong(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, -EINVAL, "PolicySyntaxError", fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void policy_rule_release(struct policy_rule *r)
{
	free(r->service);
	free(r->arg);
	free(r->source);
	free(r->target);
	free(r->redirect);
	free(r->default_target);
	free(r->user);
	*r = (struct policy_rule){0};
}

/* ---- service and argument ---- */

static int cmp_codepoints(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The characters of s that are not in set, each once, sorted, as Python writes a tuple of them. */
static void add_bad_chars(struct buf *b, const char *s, const char *set)
{
	size_t n = strlen(s), bad = 0, shown = 0;
	uint32_t *chars CLEANUP_FREE = xreallocarray(NULL, n + 1, sizeof *chars);
	uint32_t cp;

	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_next(s + i, n - i, &cp);
		if (!len) {
			cp = 0xfffd;
			len = 1;
		}

		char one[2] = "\x80";

		if (len == 1)
			one[0] = s[i];
		if (!chars_all(one, set))
			chars[bad++] = cp;
	}
	qsort(chars, bad, sizeof *chars, cmp_codepoints);
	buf_addch(b, '(');
	for (size_t i = 0; i < bad; i++) {
		if (i && chars[i] == chars[i - 1])
			continue;
		if (shown++)
			buf_addstr(b, ", ");
		if (chars[i] < 0x80) {
			CLEANUP_FREE char *quoted = quote_py((char[]){(char)chars[i], '\0'});

			buf_addstr(b, quoted);
		} else {
			buf_addf(b, "'\\u%04x'", chars[i]);
		}
	}
	buf_addstr(b, shown == 1 ? ",)" : ")");
}

static int check_chars(const char *what, const char *s, const char *set, struct err *err)
{
	CLEANUP_BUF struct buf bad = BUF_INIT;
	CLEANUP_FREE char *quoted = NULL;

	if (chars_all(s, set))
		return 0;
	quoted = quote_py(s);
	add_bad_chars(&bad, s, set);
	return policy_wrong(err, "%s %s contains invalid characters: %s", what, quoted, buf_str(&bad));
}

int policy_check_service(const char *service, const char *arg, struct err *err)
{
	CLEANUP_FREE char *quoted = quote_py(arg);

	if (!streq(service, "*") && check_chars("service", service, POLICY_SERVICE_CHARS, err) < 0)
		return -EINVAL;
	if (streq(arg, "*"))
		return 0;
	if (check_chars("argument", arg, POLICY_ARG_CHARS, err) < 0)
		return -EINVAL;
	if (*arg != '+')
		return policy_wrong(err, "argument %s does not start with +", quoted);
	if (streq(service, "*"))
		return policy_wrong(err, "only * argument allowed for * service");
	return 0;
}

/* ---- tokens ---- */

enum kind { IN_SOURCE = 1, IN_TARGET = 2, IN_REDIRECT = 4 };

struct token {
	const char *text;
	unsigned kinds;
};

static const struct token whole[] = {
	{"*", IN_SOURCE | IN_TARGET},
	{"@anyvm", IN_SOURCE | IN_TARGET},
	{"@adminvm", IN_SOURCE | IN_TARGET | IN_REDIRECT},
	{"@default", IN_TARGET},
	{"@dispvm", IN_TARGET | IN_REDIRECT},
};

/* One that begins as another does stands in front of it. */
static const struct token prefixes[] = {
	{POLICY_DISPVM_TAG, IN_SOURCE | IN_TARGET},
	{POLICY_DISPVM, IN_SOURCE | IN_TARGET | IN_REDIRECT},
	{POLICY_TAG, IN_SOURCE | IN_TARGET},
	{POLICY_TYPE, IN_SOURCE | IN_TARGET},
};

static const char *kind_name(enum kind kind)
{
	return kind == IN_SOURCE ? "source" : kind == IN_TARGET ? "target" : "redirect";
}

/* True when text is a token of such a place; -EINVAL: it is a prefix with nothing behind. */
static int is_token(const char *text, enum kind kind, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (streq(text, whole[i].text))
			return (whole[i].kinds & kind) != 0;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		const char *rest = prefixes[i].kinds & kind ? skip_prefix(text, prefixes[i].text) : NULL;
		CLEANUP_FREE char *quoted = NULL;

		if (!rest)
			continue;
		if (*rest)
			return *rest != '@';
		quoted = quote_py(text);
		return policy_wrong(err, "invalid empty %s token: %s", prefixes[i].text, quoted);
	}
	return *text != '@';
}

static int read_token(char **ret, const char *text, enum kind kind, struct err *err)
{
	int r;

	if (!*text)
		return policy_wrong(err, "invalid empty %s token", kind_name(kind));
	if (streq(text, "dom0") || streq(text, ADMIN_UUID)) {
		*ret = xstrdup("@adminvm");
		return 0;
	}
	r = is_token(text, kind, err);
	if (r == 0) {
		CLEANUP_FREE char *quoted = quote_py(text);

		return policy_wrong(err, "invalid %s token: %s", kind_name(kind), quoted);
	}
	if (r > 0)
		*ret = xstrdup(text);
	return r < 0 ? r : 0;
}

const char *policy_dispvm_of(const char *token)
{
	const char *name = skip_prefix(token, POLICY_DISPVM);

	return name && *name != '@' ? name : NULL;
}

/* ---- parameters ---- */

static const struct action {
	const char *word, *class;
	enum policy_action action;
	bool notify;      /* unless the rule says otherwise */
	const char *keys; /* that it takes */
} actions[] = {
	{"allow", "Allow", POLICY_ALLOW, false, " target user notify autostart "},
	{"ask", "Ask", POLICY_ASK, false, " target default_target user notify autostart "},
	{"deny", "Deny", POLICY_DENY, true, " notify "},
};

static const struct action *action_find(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (streq(word, actions[i].word))
			return &actions[i];
	return NULL;
}

/* Value of the parameter key of the words from first on, or NULL. Borrowed. */
static const char *param(const struct strv *words, size_t first, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = first; i < words->n; i++)
		if (strncmp(words->v[i], key, n) == 0 && words->v[i][n] == '=')
			return words->v[i] + n + 1;
	return NULL;
}

/* Each is KEY=VALUE, and no key comes twice. */
static int check_syntax(const struct strv *words, size_t first, struct err *err)
{
	for (size_t i = first; i < words->n; i++) {
		const char *eq = strchr(words->v[i], '=');
		CLEANUP_FREE char *key = xstrndup(words->v[i], eq ? (size_t)(eq - words->v[i]) : strlen(words->v[i]));
		CLEANUP_FREE char *quoted = quote_py(key);

		if (!eq)
			return policy_wrong(err, "invalid action parameter syntax: %s", quoted);
		if (param(words, first, key) != eq + 1)
			return policy_wrong(err, "parameter given twice: %s", quoted);
	}
	return 0;
}

static int read_bool(bool *ret, const struct strv *words, size_t first, const char *key, struct err *err)
{
	const char *value = param(words, first, key);
	CLEANUP_FREE char *quoted = value ? quote_py(value) : NULL;

	if (!value)
		return 0;
	*ret = streq(value, "yes");
	return *ret || streq(value, "no") ? 0 :
		       policy_wrong(err, "'%s' is %s, but can be only 'yes' or 'no'", key, quoted);
}

static bool takes(const struct action *a, const char *word)
{
	CLEANUP_FREE char *key = xasprintf(" %.*s ", (int)strcspn(word, "="), word);

	return strlen(key) > 2 && strstr(a->keys, key);
}

static int check_keys(const struct action *a, const struct strv *words, size_t first, struct err *err)
{
	CLEANUP_BUF struct buf list = BUF_INIT;
	bool known = true;

	for (size_t i = first; i < words->n; i++) {
		CLEANUP_FREE char *quoted = quote_py(words->v[i]);

		buf_addf(&list, "%s%s", i > first ? ", " : "", quoted);
		known = known && takes(a, words->v[i]);
	}
	return known ? 0 : policy_wrong(err, "invalid parameters for action %s: [%s]", a->class, buf_str(&list));
}

static int read_redirect(char **ret, const struct strv *words, size_t first, const char *key, struct err *err)
{
	const char *value = param(words, first, key);

	return value ? read_token(ret, value, IN_REDIRECT, err) : 0;
}

static int read_params(struct policy_rule *r, const struct action *a, const struct strv *words, size_t first,
		       struct err *err)
{
	const char *user;

	if (check_syntax(words, first, err) < 0 || read_bool(&r->notify, words, first, "notify", err) < 0 ||
	    read_bool(&r->autostart, words, first, "autostart", err) < 0 || check_keys(a, words, first, err) < 0 ||
	    read_redirect(&r->redirect, words, first, "target", err) < 0 ||
	    read_redirect(&r->default_target, words, first, "default_target", err) < 0)
		return -EINVAL;
	user = param(words, first, "user");
	if (user && *user)
		r->user = xstrdup(user);
	return 0;
}

/* ---- the rule ---- */

int policy_rule_parse(struct policy_rule *ret, const char *service, const char *arg, const struct strv *words,
		      struct err *err)
{
	size_t at = service ? 0 : 2; /* of SOURCE */
	const struct action *a;

	*ret = (struct policy_rule){.autostart = true};
	if (words->n < at + 3)
		return policy_wrong(err, "wrong number of fields");
	if (!service) {
		service = words->v[0];
		arg = words->v[1];
		if (policy_check_service(service, arg, err) < 0)
			return -EINVAL;
	}
	if (read_token(&ret->source, words->v[at], IN_SOURCE, err) < 0 ||
	    read_token(&ret->target, words->v[at + 1], IN_TARGET, err) < 0)
		return -EINVAL;
	a = action_find(words->v[at + 2]);
	if (!a)
		return policy_wrong(err, "invalid action: %s", words->v[at + 2]);
	ret->service = xstrdup(service);
	ret->arg = xstrdup(arg);
	ret->action = a->action;
	ret->notify = a->notify;
	if (read_params(ret, a, words, at + 3, err) < 0)
		return -EINVAL;
	if (a->action == POLICY_ALLOW && streq(ret->target, "@default") && !ret->redirect)
		return policy_wrong(err, "allow action for @default rule must specify target= option");
	return 0;
}
