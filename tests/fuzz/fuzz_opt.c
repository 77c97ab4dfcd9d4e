/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds command lines to the parser and to completion, which has no daemon to ask: the first byte chooses the
 * grammar, the words behind it end at NUL bytes.
 */
#include <stdint.h>

#include "base/mem.h"
#include "cli/comp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct opt common[] = {
	{"--help/-h", OPT_FLAG, OPT_IMMEDIATE},
	{"--verbose/-v", OPT_FLAG},
	{"--version", OPT_FLAG, OPT_IMMEDIATE},
	{"--force-root", OPT_FLAG, OPT_HIDDEN},
	{"--where", OPT_VALUE, OPT_OURS | OPT_REPEAT, "KEY=GLOB", NULL, NULL, COMP_WHERE},
	OPT_END,
};
static const struct opt opts[] = {
	{"--all", OPT_FLAG},
	{"--format/-o", OPT_VALUE, 0, "FORMAT", NULL, "simple network", COMP_WORDS, 1},
	{"--disk/-d", OPT_FLAG, .exclusive = 1},
	{"--raw-data", OPT_FLAG},
	{"--raw-list", OPT_FLAG},
	{"--tags", OPT_LIST, 0, "TAG", NULL, NULL, COMP_TAG},
	{"--size/-s", OPT_VALUE, OPT_INT, "N", NULL, NULL, COMP_NONE},
	{"--dispvm", OPT_OPTVALUE, OPT_NO_QUBE, "VM", NULL, NULL, COMP_QUBE},
	OPT_END,
};
static const struct opt *const shared[] = {common, NULL};
static const struct pos one[] = {{"VMNAME", POS_ONE, COMP_QUBE}, POS_END};
static const struct pos three[] = {
	{"VMNAME", POS_ONE, COMP_QUBE},
	{"P", POS_OPTIONAL, COMP_PROPERTY},
	{"V", POS_ANY, COMP_PROPVALUE},
	POS_END,
};
static const struct pos mixed[] = {
	{"A", POS_ANY, COMP_NONE}, {"M", POS_ONE, COMP_WORDS, "on off"}, {"S", POS_SOME, COMP_NONE}, POS_END,
};
static const struct pos rest[] = {
	{"VMNAME", POS_ONE, COMP_QUBE},
	{"COMMAND", POS_REST, COMP_COMMAND},
	POS_END,
};
static const struct sub subs[] = {
	{"list/ls", NULL, NULL, NULL}, {"add/a", NULL, opts, mixed}, {"run", NULL, NULL, rest}, SUB_END,
};
static const struct grammar grammars[] = {
	{"a", "a", opts, three, NULL, shared},   {"b", "b", opts, mixed, NULL, shared},
	{"c", "c", opts, rest, NULL, shared},    {"d", "d", opts, one, subs, shared},
	{"e", "e", NULL, NULL, subs, shared, NULL, true},
};

/* Completes every place of the line. */
static void complete_all(const struct grammar *g, const struct strv *words)
{
	static FILE *out; /* libFuzzer calls again and again: opened once */

	if (!out) {
		out = fopen("/dev/null", "w");
		setenv("QVM_ENDPOINT", "nothing", 1);
	}
	for (size_t i = 1; i <= words->n; i++) {
		char *index CLEANUP_FREE = xasprintf("%zu", i);
		char **argv CLEANUP_FREE = xcalloc(words->n + 4, sizeof *argv);
		struct ctx c = {.out = out, .err = stderr};

		argv[0] = words->v[0];
		argv[1] = argv[0];
		argv[2] = index;
		memcpy(argv + 3, words->v, words->n * sizeof *argv);
		if (complete(&c, g, (int)words->n + 3, argv) != STATUS_OK)
			abort();
		admin_release(&c.admin);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct args a CLEANUP_ARGS = {0};
	struct err err CLEANUP_ERR = ERR_INIT;
	struct strv argv CLEANUP_STRV = STRV_INIT;
	const struct grammar *g;
	size_t words = 0;
	int r;

	if (size == 0)
		return 0;
	g = &grammars[data[0] % ARRAY_SIZE(grammars)];
	strv_add(&argv, g->prog);
	for (size_t i = 1; i < size;) {
		size_t n = strnlen((const char *)data + i, size - i);

		strv_addn(&argv, (const char *)data + i, n);
		i += n + 1;
	}
	r = args_parse(&a, g, (int)argv.n, argv.v, &err);
	/* A failure has a text, and success leaves no word without its positional. */
	if (r < 0 && (!err.text || !*err.text))
		abort();
	for (size_t i = 0; i < a.n; i++) {
		words += !a.v[i].opt;
		if (r == 0 && !a.immediate && !a.v[i].opt && !a.v[i].pos)
			abort();
		if (a.v[i].at < 1 || (size_t)a.v[i].at >= argv.n)
			abort();
	}
	if (words >= argv.n)
		abort();
	if (argv.n < 20)
		complete_all(g, &argv);
	return 0;
}
