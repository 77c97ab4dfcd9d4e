/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-device and qvm-block, qvm-usb, qvm-pci, qvm-mic: devices of qubes (tools-runtime 7). */
#include "base/chars.h"
#include "base/mem.h"
#include "cli/options.h"
#include "qvm-device/device.h"

#define CLASSES_HELP "print the classes of devices, and nothing else"
/* The same anywhere on the line; one row is enough for --help. */
#define CLASSES_AGAIN {"--list-device-classes/--list-classes", OPT_FLAG, OPT_IMMEDIATE | OPT_HIDDEN, NULL, CLASSES_HELP}
#define OPTION_ROWS                                                                                             \
	{"--option/-o", OPT_VALUE, OPT_REPEAT, "NAME=VALUE", "an option of the class; the last of a name wins", \
	 .comp = COMP_NONE},                                                                                    \
	{"--ro", OPT_FLAG, .help = "the same as -o read-only=yes"}
#define PART_ROWS                                                                                          \
	{"--port/--only-port", OPT_FLAG, .help = "any device in this port", .exclusive = 2},               \
	{"--device/--only-device", OPT_FLAG, .help = "this device in any port", .exclusive = 2}

static const struct opt options[] = {
	{"--list-device-classes/--list-classes", OPT_FLAG, OPT_IMMEDIATE, NULL, CLASSES_HELP},
	OPT_END,
};

static const struct opt list_options[] = {
	{"--assignments/-s", OPT_FLAG, .help = "show what is assigned, too"},
	{"--with-sbdf/--resolve-paths", OPT_FLAG, .help = "with the PCI address (class pci)"},
	MANY_OPTIONS,
	CLASSES_AGAIN,
	OPT_END,
};

static const struct opt attach_options[] = {
	OPTION_ROWS,
	{"--persistent/-p", OPT_FLAG, .help = "assign it as required, too"},
	CLASSES_AGAIN,
	OPT_END,
};

static const struct opt assign_options[] = {
	OPTION_ROWS,
	{"--ask/--ask-to-attach", OPT_FLAG, .help = "ask before it is attached", .exclusive = 1},
	{"--required/-r", OPT_FLAG, .help = "the qube does not start without it", .exclusive = 1},
	PART_ROWS,
	CLASSES_AGAIN,
	OPT_END,
};

static const struct opt unassign_options[] = {PART_ROWS, CLASSES_AGAIN, OPT_END};
static const struct opt other_options[] = {CLASSES_AGAIN, OPT_END};

#define QUBE_HELP "name of the qube"
#define DEVICE_HELP "QUBE:PORT, or QUBE:PORT:ID; PORT or ID '*' (or '_') stands for any"

static const struct pos class_pos[] = {
	{"DEVICE_CLASS", POS_ONE, COMP_DEVCLASS, NULL, "class of devices: block, mic, pci, usb"},
	POS_END,
};
static const struct pos list_pos[] = {
	{"VMNAME", POS_ANY, COMP_QUBE, NULL, "only what this qube has or offers; name or pattern"},
	POS_END,
};
static const struct pos attach_pos[] = {
	{"VMNAME", POS_ONE, COMP_QUBE_RUNNING, NULL, QUBE_HELP},
	{"DEVICE", POS_ONE, COMP_DEVICE, NULL, DEVICE_HELP},
	POS_END,
};
static const struct pos detach_pos[] = {
	{"VMNAME", POS_ONE, COMP_QUBE_RUNNING, NULL, QUBE_HELP},
	{"DEVICE", POS_OPTIONAL, COMP_ATTACHED, NULL, DEVICE_HELP "; without it all are detached"},
	POS_END,
};
static const struct pos assign_pos[] = {
	{"VMNAME", POS_ONE, COMP_QUBE, NULL, QUBE_HELP},
	{"DEVICE", POS_ONE, COMP_DEVICE, NULL, DEVICE_HELP},
	POS_END,
};
static const struct pos unassign_pos[] = {
	{"VMNAME", POS_ONE, COMP_QUBE, NULL, QUBE_HELP},
	{"DEVICE", POS_OPTIONAL, COMP_ASSIGNED, NULL, DEVICE_HELP "; without it all are unassigned"},
	POS_END,
};
static const struct pos info_pos[] = {
	{"DEVICE", POS_OPTIONAL, COMP_DEVICE, NULL, DEVICE_HELP},
	POS_END,
};

static const struct sub commands[] = {
	{"list/ls/l", "list devices", list_options, list_pos},
	{"attach/at/a", "attach a device to a running qube", attach_options, attach_pos},
	{"detach/d/dt", "detach devices from a qube", other_options, detach_pos},
	{"assign/s", "assign a device to a qube, to be attached when it starts", assign_options, assign_pos},
	{"unassign/u", "take assignments away", unassign_options, unassign_pos},
	{"info/i", "tell about a device", other_options, info_pos},
	SUB_END,
};

static const char *class_of(struct ctx *c)
{
	const char *class = skip_prefix(c->tool->name, "qvm-");

	return streq(class, "device") ? arg_pos(&c->args, "DEVICE_CLASS") : class;
}

static int run(struct ctx *c)
{
	static int (*const functions[])(struct world *) = {
		list_devices, attach_device, detach_devices, assign_device, unassign_devices, show_device,
	};
	struct world w = {.c = c};
	size_t command = c->args.sub ? (size_t)(c->args.sub - commands) : 0;
	int status = STATUS_OK;

	if (c->args.immediate)
		return list_classes(c);
	w.class = class_of(c);
	/* What can be no word of a method is no class either. */
	if (!*w.class || !chars_all(w.class, "A-Za-z0-9_-"))
		return fail_no_class(&w);
	if (functions[command] != list_devices)
		status = world_list(&w);
	if (status == STATUS_OK)
		status = functions[command](&w);
	world_close(&w);
	return status;
}

#define COMMON                                                                                            \
	.flags = TOOL_JSON | TOOL_PLAIN_ERROR | TOOL_NO_PREFIX, .opts = options, .subs = commands,        \
	.sub_optional = true, .run = run

static const struct tool aliases[] = {
	{.name = "qvm-block", .summary = "Attach block devices to qubes and assign them.", COMMON},
	{.name = "qvm-usb", .summary = "Attach USB devices to qubes and assign them.", COMMON},
	{.name = "qvm-pci", .summary = "Assign PCI devices to qubes.", COMMON},
	{.name = "qvm-mic", .summary = "Attach the microphone to qubes and assign it.", COMMON},
	{},
};

const struct tool tool = {
	.name = "qvm-device",
	.summary = "Attach devices to qubes and assign them.",
	.pos = class_pos,
	.aliases = aliases,
	COMMON,
};
