/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-firewall: lists and changes the firewall rules of a qube (tools-runtime 11). */
#include "base/mem.h"
#include "qvm-firewall/firewall.h"

#define FILE_OPTION                                                                                          \
	{"--file", OPT_VALUE, OPT_OURS | OPT_NO_QUBE, "FILE", "with check, in place of the name: a file of rules", \
	 .comp = COMP_FILE}

static const struct opt options[] = {
	{"--reload/-r", OPT_FLAG, 0, NULL, "with list: force the rules to be applied again"},
	{"--raw", OPT_FLAG, 0, NULL, "with list: print rules as they are sent"},
	FILE_OPTION,
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ONE, COMP_QUBE_NODOM0, NULL, "name of the qube"},
	POS_END,
};

static const struct opt list_options[] = {
	{"--reload/-r", OPT_FLAG, 0, NULL, "force the rules to be applied again"},
	{"--raw", OPT_FLAG, 0, NULL, "print rules as they are sent"},
	OPT_END,
};

#define DRY_RUN {"--dry-run", OPT_FLAG, OPT_OURS, NULL, "change nothing; print the list with its differences"}

static const struct opt add_options[] = {
	{"--before", OPT_VALUE, OPT_INT, "N", "put the rule before this one instead of at the end", .comp = COMP_NONE},
	DRY_RUN, OPT_END,
};

static const struct opt del_options[] = {
	{"--rule-no", OPT_VALUE, OPT_INT, "N", "remove the rule of this number", .comp = COMP_NONE},
	DRY_RUN, OPT_END,
};

static const struct opt dry_options[] = {DRY_RUN, OPT_END};
static const struct opt check_options[] = {FILE_OPTION, OPT_END};

#define MATCH_HELP "action, dsthost, proto, dstports, icmptype in this order, or KEY=VALUE"
#define MATCH_WORDS                                                                                       \
	"accept drop tcp udp icmp action= proto= dsthost= dst4= dst6= dstports= icmptype= specialtarget=dns " \
	"expire=+ comment="

static const struct pos add_pos[] = {
	{"match", POS_SOME, COMP_HINT, MATCH_WORDS, MATCH_HELP},
	POS_END,
};

static const struct pos del_pos[] = {
	{"match", POS_ANY, COMP_HINT, MATCH_WORDS, MATCH_HELP},
	POS_END,
};

static const struct pos load_pos[] = {
	{"FILE", POS_OPTIONAL, COMP_FILE, NULL, "rules, one a line; standard input when left out or -"},
	POS_END,
};

static const struct sub commands[] = {
	{"list", "list the rules", list_options},
	{"add", "add a rule", add_options, add_pos},
	{"del", "remove a rule", del_options, del_pos},
	{"reset", "remove all rules and accept everything", dry_options},
	{"dump", "print all rules, for load"},
	{"load", "replace all rules by those of a file", dry_options, load_pos},
	{"check", "look for mistakes in the rules", check_options},
	SUB_END,
};

int fail_command(struct ctx *c, const char *fmt, ...)
{
	CLEANUP_FREE char *command = arg_sub_name(&c->args);
	va_list ap;

	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	c->args.usage_prog = xasprintf("%s VMNAME %s", c->prog, command);
	return fail_usage(c, "%s", text);
}

int fail_qube(struct ctx *c, const struct selection *s, const char *qube, const char *text)
{
	return s->many ? fail(c, "%s: %s", qube, text) : fail(c, "%s", text);
}

int read_rules(struct ctx *c, const struct selection *s, const struct call *call, struct fw_rules *ret)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	size_t line;

	if (call->result < 0)
		return perqube_error(c, s, call);
	if (fw_rules_parse(ret, call->body, call->body_len, FW_CLIENT, &line, &err) < 0)
		return fail_qube(c, s, call->dest, err.text);
	return STATUS_OK;
}

/* The list is always asked for (tools-runtime 11.1). */
static int choose(struct ctx *c, struct selection *ret)
{
	const struct args *a = &c->args;

	if (arg_has(a, "--all") || arg_has(a, "--where") || arg_has(a, "--exclude"))
		return select_qube(c, "VMNAME", ret);
	return select_listed(c, "VMNAME", ret);
}

/* What is wrong on the line or in a file is told before anything is asked. */
static int edit(struct ctx *c, enum edit_kind kind)
{
	CLEANUP_EDIT struct edit e = {0};
	CLEANUP_SELECTION struct selection s = {0};
	int status = edit_read(c, kind, &e);

	if (!status)
		status = choose(c, &s);
	return status ? status : edit_run(c, &s, &e);
}

static int look(struct ctx *c, int (*command)(struct ctx *c, const struct selection *s))
{
	CLEANUP_SELECTION struct selection s = {0};
	int status = choose(c, &s);

	return status ? status : command(c, &s);
}

static int run(struct ctx *c)
{
	static const char *const edits[] = {
		[EDIT_ADD] = "add", [EDIT_DEL] = "del", [EDIT_RESET] = "reset", [EDIT_LOAD] = "load",
	};
	CLEANUP_FREE char *command = arg_sub_name(&c->args);
	const char *file = arg_value(&c->args, "--file");

	if (file && !(command && streq(command, "check")))
		return fail_usage(c, "--file can only be used with check");
	if (!command || streq(command, "list"))
		return look(c, command_list);
	if (streq(command, "dump"))
		return look(c, command_dump);
	if (streq(command, "check"))
		return file ? check_file(c, file) : look(c, command_check);
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
		if (streq(command, edits[i]))
			return edit(c, (enum edit_kind)i);
	abort(); /* the table of commands and this function differ */
}

const struct tool tool = {
	.name = "qvm-firewall",
	.summary = "List and change the firewall rules of a qube.",
	.flags = TOOL_QUBE | TOOL_JSON | TOOL_PLAIN_ERROR,
	.opts = options,
	.pos = positionals,
	.subs = commands,
	.sub_optional = true,
	.run = run,
};
