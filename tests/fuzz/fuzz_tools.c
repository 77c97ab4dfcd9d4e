/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every tool (the Makefile makes a table of all that there are) with any words and any replies. The first byte
 * says whether the tool talks to a terminal. Behind it stand the words of the line, the tool's name first, each
 * ends at a NUL; behind a byte 0xff the replies (replies.h). Parsing, help and completion are tried for all tools.
 */
#include <json-c/json.h>

#include "base/escape.h"
#include "base/mem.h"
#include "cli/comp.h"
#include "cli/help.h"
#include "cli/options.h"
#include "lib/replies.h"

#define WORDS_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made by the Makefile; ends with NULL. */
extern const struct tool *const fuzz_tools[];

/* A stream in memory. */
struct text {
	char *data;
	size_t len;
	FILE *f;
};

static void text_open(struct text *t)
{
	*t = (struct text){0};
	t->f = open_memstream(&t->data, &t->len);
	if (!t->f)
		abort();
}

static void text_close(struct text *t)
{
	if (t->f)
		fclose(t->f);
	free(t->data);
}
#define CLEANUP_TEXT CLEANUP(text_close)

/* A name that is none stands for some tool too. */
static const struct tool *choose(const char *name)
{
	size_t n = 0;

	for (; fuzz_tools[n]; n++)
		if (streq(fuzz_tools[n]->name, name))
			return fuzz_tools[n];
	return fuzz_tools[(unsigned char)name[0] % n];
}

/* Those that wait for ever are only run with a time limit, which stands in front and is the only one. */
static bool has_limit(const struct strv *words)
{
	if (words->n < 3 || !streq(words->v[1], "--timeout") || !streq(words->v[2], "5"))
		return false;
	for (size_t i = 3; i < words->n; i++)
		if (skip_prefix(words->v[i], "--t"))
			return false;
	return true;
}

static bool may_run(const struct tool *t, const struct strv *words)
{
	if (streq(t->name, "qvm-events") || streq(t->name, "qvm-wait"))
		return has_limit(words);
	return !streq(t->name, "qvm-lab"); /* forks and signals */
}

/* ---- what must hold ---- */

static void bad(const char *what, const struct strv *words, const struct text *t)
{
	CLEANUP_FREE char *line = strv_join(words, "' '");

	fprintf(stderr, "%s: '%s'\n%.*s\n", what, line, (int)t->len, t->data);
	abort();
}

/* A colour of qvm-run's own: how long it is. */
static size_t colour_len(const char *s, size_t n)
{
	size_t i = 2;

	if (n < 4 || s[0] != '\033' || s[1] != '[')
		return 0;
	while (i < n && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';'))
		i++;
	return i < n && s[i] == 'm' ? i + 1 : 0;
}

/* Nothing that a terminal would act on, but for colours. */
static void check_terminal(const struct strv *words, const struct text *t)
{
	if (!utf8_valid(t->data, t->len))
		bad("not UTF-8 on a terminal", words, t);
	for (size_t i = 0; i < t->len; i++) {
		unsigned char c = (unsigned char)t->data[i];

		if (streq(words->v[0], "qvm-run") && colour_len(t->data + i, t->len - i))
			continue;
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			bad("control characters on a terminal", words, t);
	}
}

/* The line asks for JSON, and not for help or what else is answered before the tool runs. */
static bool asks_for_json(const struct tool *t, const struct strv *words)
{
	CLEANUP_ARGS struct args a = {0};
	struct tool_grammar g;

	if (words->n < 2 || !streq(words->v[1], "--json") || !(t->flags & TOOL_JSON))
		return false;
	grammar_of(t, &g);
	return args_parse(&a, &g.g, (int)words->n, words->v, NULL) == 0 && !a.immediate;
}

static void check_json(const struct strv *words, const struct text *t)
{
	struct json_tokener *tok = json_tokener_new_ex(64);
	struct json_object *o;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
					    JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, t->data, (int)t->len + 1);
	if (json_tokener_get_error(tok) != json_tokener_success)
		bad("not JSON", words, t);
	json_object_put(o);
	json_tokener_free(tok);
}

/* ---- the input ---- */

static void parse(const struct tool *t, const struct strv *words)
{
	CLEANUP_ARGS struct args a = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct tool_grammar tg;
	int r;

	grammar_of(t, &tg);
	r = args_parse(&a, &tg.g, (int)words->n, words->v, &err);
	/* A failure has a text, and success leaves no word without its positional. */
	if (r < 0 && (!err.text || !*err.text))
		abort();
	for (size_t i = 0; i < a.n; i++) {
		if (a.v[i].at < 1 || (size_t)a.v[i].at >= words->n)
			abort();
		if (r == 0 && !a.immediate && !a.v[i].opt && !a.v[i].pos)
			abort();
	}
	help_usage(&b, &tg.g, a.sub, words->v[0], 80);
}

/* Completes every place of the line. */
static void complete_all(const struct tool *t, const struct strv *words)
{
	struct tool_grammar tg;

	grammar_of(t, &tg);
	for (size_t i = 1; i <= words->n; i++) {
		CLEANUP_TEXT struct text out;
		char *index CLEANUP_FREE = xasprintf("%zu", i);
		char **argv CLEANUP_FREE = xcalloc(words->n + 4, sizeof *argv);
		struct ctx c = {.tool = t, .err = stderr};

		text_open(&out);
		c.out = out.f;
		argv[0] = argv[1] = words->v[0];
		argv[2] = index;
		memcpy(argv + 3, words->v, words->n * sizeof *argv);
		if (complete(&c, &tg.g, (int)words->n + 3, argv) != STATUS_OK)
			abort();
		fflush(out.f);
		admin_release(&c.admin);
	}
}

static void run(const struct tool *t, const struct strv *words, bool tty)
{
	CLEANUP_TEXT struct text out, err;
	FILE *in = fmemopen((void *)"y\nyes\n", 6, "r");
	int status;

	text_open(&out);
	text_open(&err);
	replies_tty(tty);
	status = tool_main(t, (int)words->n, words->v, in, out.f, err.f);
	fflush(out.f);
	fflush(err.f);
	replies_tty(false);
	if (status < STATUS_OK || status > (streq(t->name, "qvm-run") ? 255 : STATUS_PARTIAL))
		abort();
	if (tty) {
		if (!streq(t->name, "qubesd-query")) /* prints the reply as it is (admin-api 1.14) */
			check_terminal(words, &out);
		check_terminal(words, &err);
	}
	if (out.len && asks_for_json(t, words))
		check_json(words, &out);
	fclose(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STRV struct strv words = STRV_INIT;
	const struct tool *t;
	const char *p = (const char *)data + 1, *sep;
	size_t n;

	if (size < 2)
		return 0;
	setenv("QVM_ENDPOINT", "unix:/nonexistent", 1);
	setenv("QVM_QUBESDB_DIR", "/nonexistent", 1);
	setenv("XENSTORED_PATH", "/nonexistent", 1);
	size--;
	sep = size ? memchr(p, REPLY_SEPARATOR, size) : NULL;
	n = sep ? (size_t)(sep - p) : size;
	for (size_t i = 0; i < n && words.n < WORDS_MAX;) {
		size_t len = strnlen(p + i, n - i);

		strv_addn(&words, p + i, len);
		i += len + 1;
	}
	if (!words.n)
		return 0;
	t = choose(words.v[0]);
	free(words.v[0]);
	words.v[0] = xstrdup(t->name);
	replies_set(sep ? sep + 1 : p, sep ? size - n - 1 : 0);
	parse(t, &words);
	complete_all(t, &words);
	replies_set(sep ? sep + 1 : p, sep ? size - n - 1 : 0);
	if (may_run(t, &words))
		run(t, &words, data[0] & 1);
	return 0;
}
