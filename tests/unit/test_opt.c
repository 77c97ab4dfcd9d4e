/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command-line parser against the rules and messages of tools-config 1.1 and tools-runtime 1.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/help.h"
#include "cli/opt.h"

static const struct opt common[] = {
	{"--help/-h", OPT_FLAG, OPT_IMMEDIATE, NULL, "show this help"},
	{"--version", OPT_FLAG, OPT_IMMEDIATE, NULL, "show the version"},
	{"--verbose/-v", OPT_FLAG, 0, NULL, "more"},
	{"--quiet/-q", OPT_FLAG, 0, NULL, "less"},
	{"--force-root", OPT_FLAG, OPT_HIDDEN},
	{"--json", OPT_FLAG, OPT_OURS, NULL, "print JSON"},
	OPT_END,
};
static const struct opt where[] = {
	{"--where", OPT_VALUE, OPT_OURS | OPT_REPEAT, "KEY=GLOB", "choose qubes", NULL, COMP_WHERE},
	{"--all", OPT_FLAG, OPT_OURS, NULL, "all qubes"},
	OPT_END,
};
static const struct opt *const shared[] = {common, NULL};
static const struct opt *const shared_one[] = {common, where, NULL};

/* As qvm-ls. */
static const struct opt ls_opts[] = {
	{"--all", OPT_FLAG, 0, NULL, "all qubes"},
	{"--exclude", OPT_VALUE, OPT_REPEAT, "VM", "but not this one", NULL, COMP_QUBE},
	{"--format/-o", OPT_VALUE, 0, "FORMAT", "layout", "simple network full", COMP_WORDS, 1},
	{"--fields/-O", OPT_VALUE, 0, "FIELD,...", "columns", "NAME STATE", COMP_COLUMN, 1},
	{"--disk/-d", OPT_FLAG, 0, NULL, "disk usage", .exclusive = 1},
	{"--network/-n", OPT_FLAG, 0, NULL, "network", .exclusive = 1},
	{"--tree/-t", OPT_FLAG, 0, NULL, "tree"},
	{"--raw-data", OPT_FLAG, 0, NULL, "raw"},
	{"--raw-list", OPT_FLAG, 0, NULL, "names"},
	{"--tags", OPT_LIST, 0, "TAG", "with a tag", NULL, COMP_TAG},
	{"--sort", OPT_VALUE, 0, "COLUMN", "order", NULL, COMP_COLUMN},
	{"--size", OPT_VALUE, OPT_INT, "N", "a number", NULL, COMP_NONE},
	{"--dispvm", OPT_OPTVALUE, 0, "VM", "a disposable", NULL, COMP_QUBE},
	{"--label/-l", OPT_VALUE, 0, "LABEL", "colour", NULL, COMP_LABEL},
	{"--unset/--default/--delete/-D", OPT_FLAG, 0, NULL, "remove"},
	OPT_END,
};
static const struct pos ls_pos[] = {{"VMNAME", POS_ANY, COMP_QUBE, NULL, "a qube"}, POS_END};
static const struct grammar ls = {"qvm-ls", "List qubes.", ls_opts, ls_pos, NULL, shared};

/* As qvm-prefs. */
static const struct opt prefs_opts[] = {
	{"--set/-s", OPT_FLAG, 0, NULL, "ignored"},
	{"--get/-g", OPT_FLAG, 0, NULL, "ignored"},
	{"--pool/-P", OPT_VALUE, OPT_REPEAT, "POOL", "a pool", NULL, COMP_POOL},
	OPT_END,
};
static const struct pos prefs_pos[] = {
	{"VMNAME", POS_ONE, COMP_QUBE, NULL, "the qube"},
	{"PROPERTY", POS_OPTIONAL, COMP_PROPERTY, NULL, "the property"},
	{"VALUE", POS_OPTIONAL, COMP_PROPVALUE, NULL, "the new value"},
	POS_END,
};
static const struct grammar prefs = {"qvm-prefs", "Properties.", prefs_opts, prefs_pos, NULL, shared_one};

/* As qvm-tags. */
static const struct pos tags_pos[] = {{"VMNAME", POS_ONE, COMP_QUBE}, POS_END};
static const struct pos tag_opt[] = {{"tag", POS_OPTIONAL, COMP_TAG}, POS_END};
static const struct pos tag_some[] = {{"tag", POS_SOME, COMP_TAG}, POS_END};
static const struct opt add_opts[] = {
	{"--required/-r", OPT_FLAG, 0, NULL, "required", .exclusive = 1},
	{"--ask/--ask-to-attach", OPT_FLAG, 0, NULL, "ask", .exclusive = 1},
	{"--before", OPT_VALUE, OPT_INT, "N", "where", NULL, COMP_NONE},
	OPT_END,
};
static const struct sub tags_subs[] = {
	{"list/ls/l", "list tags", NULL, tag_opt},
	{"add/a/set", "add tags", add_opts, tag_some},
	SUB_END,
};
static const struct grammar tags = {"qvm-tags", "Tags.", NULL, tags_pos, tags_subs, shared_one, NULL, true};

/* As qvm-volume: a command is needed, and messages call it COMMAND. */
static const struct pos volume_pos[] = {{"COMMAND", POS_ONE, COMP_WORDS}, POS_END};
static const struct grammar volume = {"qvm-volume", "Volumes.", ls_opts, volume_pos, tags_subs, shared};

/* As qvm-run. */
static const struct opt run_opts[] = {
	{"--user/-u", OPT_VALUE, 0, "USER", "user", NULL, COMP_NONE},
	{"--pass-io/-p", OPT_FLAG, 0, NULL, "streams"},
	{"--all", OPT_FLAG, OPT_NO_QUBE, NULL, "everywhere"},
	{"--dispvm", OPT_OPTVALUE, OPT_NO_QUBE, "BASE", "in a disposable", NULL, COMP_QUBE},
	OPT_END,
};
static const struct pos run_pos[] = {
	{"VMNAME", POS_ONE, COMP_QUBE}, {"COMMAND", POS_REST, COMP_COMMAND}, POS_END,
};
static const struct grammar run = {"qvm-run", "Run.", run_opts, run_pos, NULL, shared};

/* Choices for a positional; several kinds of them together. */
static const struct pos mixed_pos[] = {
	{"MODE", POS_ONE, COMP_WORDS, "on off"},
	{"NAME", POS_ANY, COMP_NONE},
	{"LAST", POS_ONE, COMP_NONE},
	POS_END,
};
static const struct grammar mixed = {"mixed", "Mixed.", NULL, mixed_pos, NULL, shared};

/*
 * What came out, in one line: "--label/-l=red VMNAME=work", the command in angle brackets where it was met;
 * "?" for words that were not dealt out because the parser stopped.
 */
static char *parse(const struct grammar *g, const char *line)
{
	struct args a CLEANUP_ARGS = {0};
	struct err err CLEANUP_ERR = ERR_INIT;
	struct strv argv CLEANUP_STRV = STRV_INIT;
	struct buf out = BUF_INIT;
	bool sub_shown = false;
	int r;

	strv_add(&argv, g->prog);
	/* Words are separated by blanks; '_' stands for a blank, "''" for an empty word. */
	strv_split(&argv, line, ' ');
	for (size_t i = 1; i < argv.n; i++) {
		if (streq(argv.v[i], "''"))
			argv.v[i][0] = '\0';
		for (char *c = argv.v[i]; *c; c++)
			*c = *c == '_' ? ' ' : *c;
	}
	r = args_parse(&a, g, (int)argv.n, argv.v, &err);
	if (r < 0) {
		buf_addf(&out, "%s: error: %s", a.usage_prog ? a.usage_prog : g->prog, err.text);
		return buf_steal(&out);
	}
	for (size_t i = 0; i < a.n; i++) {
		const struct arg *arg = &a.v[i];

		if (arg->in_sub && !sub_shown) {
			buf_addf(&out, "<%s> ", a.sub->names);
			sub_shown = true;
		}
		buf_addf(&out, "%s", arg->opt ? arg->opt->names : arg->pos ? arg->pos->name : "?");
		if (arg->value)
			buf_addf(&out, "=%s", arg->value);
		buf_addch(&out, ' ');
	}
	if (a.sub && !sub_shown)
		buf_addf(&out, "<%s> ", a.sub->names);
	if (out.len)
		out.data[--out.len] = '\0';
	return buf_steal(&out);
}

struct row {
	const struct grammar *g;
	const char *line;
	const char *expected;
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *got CLEANUP_FREE = parse(rows[i].g, rows[i].line);

		if (!streq(got, rows[i].expected))
			print_message("%s %s\n", rows[i].g->prog, rows[i].line);
		assert_string_equal(got, rows[i].expected);
	}
}
#define CHECK_ROWS(rows) check_rows(rows, ARRAY_SIZE(rows))

static void test_kinds(void **state)
{
	static const struct row rows[] = {
		{&ls, "", ""},
		{&ls, "a b", "VMNAME=a VMNAME=b"},
		{&ls, "''", "VMNAME="},
		{&ls, "-", "VMNAME=-"},
		{&ls, "--format full", "--format/-o=full"},
		{&ls, "--format=full", "--format/-o=full"},
		{&ls, "-o full", "--format/-o=full"},
		{&ls, "-ofull", "--format/-o=full"},
		{&ls, "-l=red", "--label/-l=red"},
		{&ls, "-lred", "--label/-l=red"},
		{&ls, "--la red", "--label/-l=red"},
		{&ls, "--la=red", "--label/-l=red"},
		{&ls, "-l=", "--label/-l="},
		{&ls, "--label=a=b", "--label/-l=a=b"},
		{&ls, "-la=b", "--label/-l=a=b"},
		{&ls, "--label ''", "--label/-l="},
		{&ls, "--label -", "--label/-l=-"},
		{&ls, "--label -1", "--label/-l=-1"},
		{&ls, "--label=--all", "--label/-l=--all"},
		{&ls, "--label -x_y", "--label/-l=-x y"},
		{&ls, "-td", "--tree/-t --disk/-d"},
		{&ls, "-tdlred", "--tree/-t --disk/-d --label/-l=red"},
		{&ls, "-tl=red", "--tree/-t --label/-l=red"},
		{&ls, "-tl red", "--tree/-t --label/-l=red"},
		{&ls, "-vvq", "--verbose/-v --verbose/-v --quiet/-q"},
		{&prefs, "work xid -1", "VMNAME=work PROPERTY=xid VALUE=-1"},
		{&prefs, "work xid -.5", "VMNAME=work PROPERTY=xid VALUE=-.5"},
		{&prefs, "work xid -1.5", "VMNAME=work PROPERTY=xid VALUE=-1.5"},
		{&prefs, "work xid -1.", "qvm-prefs: error: unrecognized arguments: -1."},
		{&prefs, "work kernelopts -foo_bar", "VMNAME=work PROPERTY=kernelopts VALUE=-foo bar"},
		{&ls, "-x --bogus y", "qvm-ls: error: unrecognized arguments: -x --bogus"},
		{&ls, "--bogus=1", "qvm-ls: error: unrecognized arguments: --bogus=1"},
		{&ls, "-x --help", "--help/-h"},
		{&ls, "-h --bogus", "--help/-h"},
		{&ls, "--vers --raw", "--version"},
		{&ls, "-- --all -x", "VMNAME=--all VMNAME=-x"},
		{&ls, "a -- b -- c", "VMNAME=a VMNAME=b VMNAME=-- VMNAME=c"},
		{&ls, "--label red --label blue", "--label/-l=blue"},
		{&ls, "--exclude a --exclude b", "--exclude=a --exclude=b"},
		{&ls, "--dispvm", "--dispvm"},
		{&ls, "--dispvm a b", "--dispvm=a VMNAME=b"},
		{&ls, "--dispvm=a b", "--dispvm=a VMNAME=b"},
		{&ls, "--dispvm -t a", "--dispvm --tree/-t VMNAME=a"},
		{&ls, "--dispvm -- a", "--dispvm VMNAME=a"},
		{&ls, "--fields nope", "--fields/-O=nope"},
	};

	CHECK_ROWS(rows);
}

static void test_lists(void **state)
{
	static const struct row rows[] = {
		{&ls, "--tags a b -t c", "--tags=a --tags=b --tree/-t VMNAME=c"},
		{&ls, "--tags a -- b", "--tags=a VMNAME=b"},
		{&ls, "--tags=a b", "--tags=a VMNAME=b"},
		{&ls, "--tags a --tags b c", "--tags=b --tags=c"},
		{&ls, "--tags -t", "qvm-ls: error: argument --tags: expected at least one argument"},
		{&ls, "--tags", "qvm-ls: error: argument --tags: expected at least one argument"},
		{&ls, "--tags -- b", "qvm-ls: error: argument --tags: expected at least one argument"},
	};

	CHECK_ROWS(rows);
}

static void test_prefixes(void **state)
{
	static const struct row rows[] = {
		{&ls, "--raw", "qvm-ls: error: ambiguous option: --raw could match --raw-data, --raw-list"},
		{&ls, "--raw=1", "qvm-ls: error: ambiguous option: --raw could match --raw-data, --raw-list"},
		{&ls, "--ver", "qvm-ls: error: ambiguous option: --ver could match --version, --verbose"},
		{&ls, "--raw-d", "--raw-data"},
		/* Spellings of one option are never ambiguous; hidden options and ours count in full only. */
		{&ls, "--de", "--unset/--default/--delete/-D"},
		{&ls, "--fo full", "--format/-o=full"},
		{&ls, "--force-root", "--force-root"},
		{&ls, "--force", "qvm-ls: error: unrecognized arguments: --force"},
		{&ls, "--json", "--json"},
		{&ls, "--jso", "qvm-ls: error: unrecognized arguments: --jso"},
	};

	CHECK_ROWS(rows);
}

static void test_messages(void **state)
{
	static const struct row rows[] = {
		{&ls, "--all=1", "qvm-ls: error: argument --all: ignored explicit argument '1'"},
		{&ls, "--all=", "qvm-ls: error: argument --all: ignored explicit argument ''"},
		{&ls, "-d=1", "qvm-ls: error: argument --disk/-d: ignored explicit argument '1'"},
		{&ls, "-tx", "qvm-ls: error: argument --tree/-t: ignored explicit argument 'x'"},
		{&ls, "-tdxy", "qvm-ls: error: argument --disk/-d: ignored explicit argument 'xy'"},
		{&prefs, "-sx w", "qvm-prefs: error: argument --set/-s: ignored explicit argument 'x'"},
		{&prefs, "-hx", "qvm-prefs: error: argument --help/-h: ignored explicit argument 'x'"},
		{&ls, "--sort", "qvm-ls: error: argument --sort: expected one argument"},
		{&ls, "--sort -t", "qvm-ls: error: argument --sort: expected one argument"},
		{&ls, "--sort --tre", "qvm-ls: error: argument --sort: expected one argument"},
		{&ls, "--sort -tq", "qvm-ls: error: argument --sort: expected one argument"},
		{&ls, "--sort -x", "qvm-ls: error: argument --sort: expected one argument"},
		{&ls, "--sort -- x", "qvm-ls: error: argument --sort: expected one argument"},
		{&ls, "-o nope", "qvm-ls: error: argument --format/-o: invalid choice: 'nope' "
				 "(choose from 'simple', 'network', 'full')"},
		{&ls, "-o it's", "qvm-ls: error: argument --format/-o: invalid choice: \"it's\" "
				 "(choose from 'simple', 'network', 'full')"},
		{&ls, "-d -n", "qvm-ls: error: argument --network/-n: not allowed with argument --disk/-d"},
		{&ls, "-O a -o full",
		 "qvm-ls: error: argument --format/-o: not allowed with argument --fields/-O"},
		{&ls, "-d -d", "--disk/-d --disk/-d"},
		{&ls, "--size 1G", "qvm-ls: error: argument --size: invalid int value: '1G'"},
		{&ls, "--size -12", "--size=-12"},
		{&ls, "--size +12", "--size=+12"},
		{&prefs, "", "qvm-prefs: error: the following arguments are required: VMNAME"},
		{&prefs, "a b c d e", "qvm-prefs: error: unrecognized arguments: d e"},
		{&prefs, "a -x b c d", "qvm-prefs: error: unrecognized arguments: -x d"},
		{&prefs, "a a a a", "qvm-prefs: error: unrecognized arguments: a"},
		{&prefs, "-x", "qvm-prefs: error: the following arguments are required: VMNAME"},
		{&mixed, "", "mixed: error: the following arguments are required: MODE, LAST"},
		{&mixed, "on", "mixed: error: the following arguments are required: LAST"},
		{&mixed, "on x", "MODE=on LAST=x"},
		{&mixed, "off x y z", "MODE=off NAME=x NAME=y LAST=z"},
		{&mixed, "maybe x",
		 "mixed: error: argument MODE: invalid choice: 'maybe' (choose from 'on', 'off')"},
	};

	CHECK_ROWS(rows);
}

static void test_interleaving(void **state)
{
	static const struct row rows[] = {
		{&prefs, "VM -s netvm x", "VMNAME=VM --set/-s PROPERTY=netvm VALUE=x"},
		{&prefs, "VM netvm -s x -g", "VMNAME=VM PROPERTY=netvm --set/-s VALUE=x --get/-g"},
		{&ls, "a -t b", "VMNAME=a --tree/-t VMNAME=b"},
		{&prefs, "-s -- VM -x y", "--set/-s VMNAME=VM PROPERTY=-x VALUE=y"},
	};

	CHECK_ROWS(rows);
}

static void test_without_the_qube(void **state)
{
	static const struct row rows[] = {
		{&prefs, "--where class=AppVM netvm", "--where=class=AppVM PROPERTY=netvm"},
		{&prefs, "netvm x --where class=AppVM", "PROPERTY=netvm VALUE=x --where=class=AppVM"},
		{&prefs, "--all", "--all"},
		{&prefs, "--al", "qvm-prefs: error: the following arguments are required: VMNAME"},
		{&prefs, "--where a=b --where c=d", "--where=a=b --where=c=d"},
		{&prefs, "-- --all x", "VMNAME=--all PROPERTY=x"},
		{&tags, "--all", "--all"},
		{&tags, "add foo --where label=red", "<add/a/set> tag=foo --where=label=red"},
	};

	CHECK_ROWS(rows);
}

static void test_commands(void **state)
{
	static const struct row rows[] = {
		{&tags, "work", "VMNAME=work"},
		{&tags, "work list", "VMNAME=work <list/ls/l>"},
		{&tags, "work l x", "VMNAME=work <list/ls/l> tag=x"},
		{&tags, "work set x y", "VMNAME=work <add/a/set> tag=x tag=y"},
		{&tags, "-v work add -q x -r y",
		 "--verbose/-v VMNAME=work <add/a/set> --quiet/-q tag=x --required/-r tag=y"},
		{&tags, "work add x -h", "?=work <add/a/set> ?=x --help/-h"},
		{&tags, "work add -- -x", "VMNAME=work <add/a/set> tag=-x"},
		{&tags, "work -r add x", "qvm-tags: error: unrecognized arguments: -r"},
		{&tags, "", "qvm-tags: error: the following arguments are required: VMNAME"},
		{&tags, "work bogus", "qvm-tags: error: argument command: invalid choice: 'bogus' "
				      "(choose from 'list', 'ls', 'l', 'add', 'a', 'set')"},
		{&tags, "work li", "qvm-tags: error: argument command: invalid choice: 'li' "
				   "(choose from 'list', 'ls', 'l', 'add', 'a', 'set')"},
		{&tags, "work add", "qvm-tags VMNAME add: error: the following arguments are required: tag"},
		{&tags, "work a --re --ask x", "qvm-tags VMNAME add: error: argument --ask/--ask-to-attach: "
					       "not allowed with argument --required/-r"},
		{&tags, "work a --before x",
		 "qvm-tags VMNAME add: error: argument --before: invalid int value: 'x'"},
		{&tags, "work list a b", "qvm-tags: error: unrecognized arguments: b"},
		{&tags, "work list -x", "qvm-tags: error: unrecognized arguments: -x"},
		{&volume, "", "qvm-volume: error: the following arguments are required: COMMAND"},
		{&volume, "bogus", "qvm-volume: error: argument COMMAND: invalid choice: 'bogus' "
				   "(choose from 'list', 'ls', 'l', 'add', 'a', 'set')"},
		{&volume, "add", "qvm-volume add: error: the following arguments are required: tag"},
		{&volume, "add --before 1G x",
		 "qvm-volume add: error: argument --before: invalid int value: '1G'"},
		{&volume, "-t add x", "--tree/-t <add/a/set> tag=x"},
		{&volume, "add -t x", "qvm-volume: error: unrecognized arguments: -t"},
	};

	CHECK_ROWS(rows);
}

/* Every row of tools-runtime 6.2 that the parser decides. */
static void test_rest(void **state)
{
	static const struct row rows[] = {
		{&run, "work ls -a", "VMNAME=work COMMAND=ls COMMAND=-a"},
		{&run, "work ls --help", "VMNAME=work COMMAND=ls COMMAND=--help"},
		{&run, "work -- ls -a", "VMNAME=work COMMAND=ls COMMAND=-a"},
		{&run, "work ls -- -a", "VMNAME=work COMMAND=ls COMMAND=-a"},
		{&run, "work ls a -- b", "VMNAME=work COMMAND=ls COMMAND=a COMMAND=-- COMMAND=b"},
		{&run, "-- work ls", "VMNAME=work COMMAND=ls"},
		{&run, "-- work -- ls", "VMNAME=work COMMAND=-- COMMAND=ls"},
		{&run, "work -- --", "VMNAME=work COMMAND=--"},
		{&run, "work --", "VMNAME=work"},
		{&run, "work -u root id", "qvm-run: error: unrecognized arguments: -u"},
		{&run, "-u root work id", "--user/-u=root VMNAME=work COMMAND=id"},
		{&run, "-pu root work id -p",
		 "--pass-io/-p --user/-u=root VMNAME=work COMMAND=id COMMAND=-p"},
		{&run, "--dispvm dvm ls x", "--dispvm=dvm COMMAND=ls COMMAND=x"},
		{&run, "--dispvm=dvm ls x", "--dispvm=dvm COMMAND=ls COMMAND=x"},
		{&run, "--dispvm -p ls x", "--dispvm --pass-io/-p COMMAND=ls COMMAND=x"},
		{&run, "--dispvm -- ls x", "--dispvm COMMAND=ls COMMAND=x"},
		{&run, "--all ls x", "--all COMMAND=ls COMMAND=x"},
		{&run, "--all ls -- -l", "--all COMMAND=ls COMMAND=-l"},
		{&run, "--all -- ls -l", "--all COMMAND=ls COMMAND=-l"},
		{&run, "work ls --all", "VMNAME=work COMMAND=ls COMMAND=--all"},
		{&run, "", "qvm-run: error: the following arguments are required: VMNAME, COMMAND"},
	};

	CHECK_ROWS(rows);
}

static void test_lookups(void **state)
{
	char *argv[] = {"qvm-ls", "-vv", "--label=red", "--exclude", "a", "x", "--exclude", "b", "y", NULL};
	char *tag_argv[] = {"qvm-tags", "work", "l", "x", NULL};
	struct args a CLEANUP_ARGS = {0}, b CLEANUP_ARGS = {0};
	struct strv v CLEANUP_STRV = STRV_INIT, p CLEANUP_STRV = STRV_INIT;
	char *sub CLEANUP_FREE = NULL;

	assert_int_equal(args_parse(&a, &ls, 9, argv, NULL), 0);
	assert_int_equal(arg_count(&a, "--verbose"), 2);
	assert_true(arg_has(&a, "-v"));
	assert_false(arg_has(&a, "--quiet"));
	assert_string_equal(arg_value(&a, "-l"), "red");
	assert_null(arg_value(&a, "--sort"));
	arg_values(&a, "--exclude", &v);
	assert_int_equal(v.n, 2);
	assert_string_equal(v.v[1], "b");
	arg_poses(&a, "VMNAME", &p);
	assert_int_equal(p.n, 2);
	assert_string_equal(p.v[0], "x");
	assert_string_equal(arg_pos(&a, "VMNAME"), "x");
	assert_null(arg_sub_name(&a));

	assert_int_equal(args_parse(&b, &tags, 4, tag_argv, NULL), 0);
	assert_string_equal(arg_pos(&b, "VMNAME"), "work");
	assert_string_equal(arg_pos(&b, "tag"), "x");
	assert_false(arg_has(&b, "--required"));
	sub = arg_sub_name(&b);
	assert_string_equal(sub, "list");
}

static void test_help(void **state)
{
	struct buf usage CLEANUP_BUF = BUF_INIT, full CLEANUP_BUF = BUF_INIT, dump CLEANUP_BUF = BUF_INIT;

	help_usage(&usage, &tags, &tags_subs[1], "qvm-tags", 60);
	assert_string_equal(buf_str(&usage),
			    "usage: qvm-tags VMNAME add [--help] [--version] [--verbose]\n"
			    "                [--quiet] [--json] [--where KEY=GLOB]\n"
			    "                [--all] [--required | --ask] [--before N]\n"
			    "                tag [tag ...]\n");
	help_full(&full, &tags, NULL, "qvm-tags", 200);
	assert_string_equal(buf_str(&full),
			    "usage: qvm-tags [--help] [--version] [--verbose] [--quiet] [--json] "
			    "[--where KEY=GLOB] [--all] VMNAME [command ...]\n"
			    "\nTags.\n"
			    "\npositional arguments:\n"
			    "  VMNAME\n"
			    "\ncommands:\n"
			    "  list, ls, l           list tags\n"
			    "  add, a, set           add tags\n"
			    "\noptions:\n"
			    "  --help, -h            show this help\n"
			    "  --version             show the version\n"
			    "  --verbose, -v         more\n"
			    "  --quiet, -q           less\n"
			    "  --json                print JSON\n"
			    "  --where KEY=GLOB      choose qubes\n"
			    "  --all                 all qubes\n"
			    "\nCommand 'list':\n"
			    "  usage: qvm-tags VMNAME list [--help] [--version] [--verbose] [--quiet] "
			    "[--json] [--where KEY=GLOB] [--all] [tag]\n"
			    "\n\nCommand 'add':\n"
			    "  usage: qvm-tags VMNAME add [--help] [--version] [--verbose] [--quiet] "
			    "[--json] [--where KEY=GLOB] [--all] [--required | --ask] [--before N] "
			    "tag [tag ...]\n\n");
	help_dump(&dump, &tags);
	assert_non_null(strstr(buf_str(&dump), "value\t--where\tKEY=GLOB\twhere\t-\tshown\n"));
	assert_non_null(strstr(buf_str(&dump), "flag\t--force-root\t-\t-\t-\thidden\n"));
	assert_non_null(strstr(buf_str(&dump), "pos\ttag\t-\ttag\tadd\tshown\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_interleaving),
		cmocka_unit_test(test_without_the_qube),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
