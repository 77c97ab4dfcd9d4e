/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-vmconfig: the keys by which dom0 and a qube tell each other things (vm-interface). */
#include "base/mem.h"
#include "cli/options.h"
#include "qvm-vmconfig/vmconfig.h"

#define GENERATION                                                                                             \
	{"--vmif", OPT_VALUE, 0, "GENERATION", "the generation of keys that qubes get; r4 by default", "r2 r3 r4", \
	 COMP_WORDS}
#define CHANNEL                                                                                                \
	{"--channel", OPT_VALUE, 0, "CHANNEL", "look at this one only", "qubesdb xenstore", COMP_WORDS}
#define LOCALTIME                                                                                              \
	{"--localtime", OPT_VALUE, 0, "PATH", "tells dom0's time zone; /etc/localtime by default", .comp = COMP_FILE}

static const struct opt key_options[] = {CHANNEL, GENERATION, OPT_END};

static const struct opt watch_options[] = {
	{"--count", OPT_VALUE, OPT_INT, "N", "end after so many changes", .comp = COMP_NONE},
	CHANNEL, GENERATION, OPT_END,
};

#define LIVE                                                                                                   \
	{"--live", OPT_FLAG, 0, NULL, "only keys that hold what is true now, not those where changes wait for a start"}

static const struct opt check_options[] = {MANY_OPTIONS, LIVE, CHANNEL, GENERATION, LOCALTIME, OPT_END};

#define VMNAME {"VMNAME", POS_ONE, COMP_QUBE_RUNNING, NULL, "name of a running qube"}
#define KEY(help) {"KEY", POS_ONE, COMP_OWN, NULL, help}

static const struct pos list_pos[] = {VMNAME, POS_END};
static const struct pos key_pos[] = {VMNAME, KEY("name of the key"), POS_END};

static const struct pos set_pos[] = {
	VMNAME,
	KEY("name of a key that dom0 does not write by itself"),
	{"VALUE", POS_ONE, COMP_NONE, NULL, "its value"},
	POS_END,
};

static const struct pos watch_pos[] = {
	VMNAME,
	{"KEY", POS_ANY, COMP_OWN, NULL, "only these; a final / stands for all keys below"},
	POS_END,
};

static const struct pos check_pos[] = {
	{"VMNAME", POS_ANY, COMP_QUBE_RUNNING, NULL, "names of running qubes"},
	POS_END,
};

static const struct sub commands[] = {
	{"list/ls/l", "list the keys of a qube with their values and meanings", key_options, list_pos},
	{"get", "print the value of a key", key_options, key_pos},
	{"set", "give a key another value", key_options, set_pos},
	{"unset", "remove a key", key_options, key_pos},
	{"watch", "print changes as they come", watch_options, watch_pos},
	{"check", "compare the keys with what they should be", check_options, check_pos},
	SUB_END,
};

/* Names of keys; of those with a part that varies, what stands before it. */
static void offer_keys(const struct sub *command, struct strv *ret)
{
	bool all = !command || (!streq(command->names, "set") && !streq(command->names, "unset"));

	for (const struct key_def *d = key_defs; d->name; d++)
		if (all || d->flags & KEY_BY_HAND)
			strv_addn(ret, d->name, strcspn(d->name, "*#"));
}

static int run(struct ctx *c)
{
	static const struct {
		const char *command;
		int (*run)(struct ctx *c, const struct settings *s);
	} runs[] = {
		{"list", list_run}, {"get", get_run},     {"set", set_run},
		{"unset", unset_run}, {"watch", watch_run}, {"check", check_run},
	};
	CLEANUP_FREE char *command = arg_sub_name(&c->args);
	struct settings s;
	int status = settings_read(c, &s);

	for (size_t i = 0; !status && i < ARRAY_SIZE(runs); i++)
		if (streq(command, runs[i].command))
			return runs[i].run(c, &s);
	return status;
}

const struct tool tool = {
	.name = "qvm-vmconfig",
	.summary = "Show, watch and check the keys by which dom0 and a qube tell each other things.",
	.flags = TOOL_JSON,
	.subs = commands,
	.own_words = offer_keys,
	.run = run,
};
