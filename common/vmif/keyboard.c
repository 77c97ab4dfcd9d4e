/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keyboard map of releases 2 and 3, in the words of "setxkbmap -print" for a PC keyboard and rules evdev. */
#include "base/buf.h"
#include "base/mem.h"
#include "vmif/derive_impl.h"

/* Where the keys of letters are, for the old names of keys. */
static const char *aliases(const char *layout)
{
	static const char *const azerty[] = { "be", "fr" };
	static const char *const qwertz[] = { "al", "ch", "cz", "de", "hr", "hu", "ro", "si", "sk" };

	for (size_t i = 0; i < ARRAY_SIZE(azerty); i++)
		if (streq(layout, azerty[i]))
			return "azerty";
	for (size_t i = 0; i < ARRAY_SIZE(qwertz); i++)
		if (streq(layout, qwertz[i]))
			return "qwertz";
	return "qwerty";
}

/* "compose:caps" is "+compose(caps)". What no file of symbols is known for is left out: it would spoil the map. */
static void add_option(struct buf *b, const char *option)
{
	static const char *const files[][2] = {
		{ "altwin", "altwin" }, { "caps", "capslock" }, { "compose", "compose" }, { "ctrl", "ctrl" },
		{ "eurosign", "eurosign" }, { "grp", "group" }, { "kpdl", "kpdl" }, { "lv3", "level3" },
		{ "lv5", "level5" }, { "nbsp", "nbsp" }, { "shift", "shift" }, { "terminate", "terminate" },
	};
	const char *colon = strchr(option, ':');

	for (size_t i = 0; colon && colon[1] && i < ARRAY_SIZE(files); i++)
		if (skip_prefix(option, files[i][0]) == colon)
			buf_addf(b, "+%s(%s)", files[i][1], colon + 1);
}

char *keyboard_map(const char *layout)
{
	CLEANUP_STRV struct strv parts = STRV_INIT, options = STRV_INIT;
	CLEANUP_BUF struct buf symbols = BUF_INIT;
	const char *name = "us";

	strv_split(&parts, layout, '+');
	if (parts.n && *parts.v[0])
		name = parts.v[0];
	buf_addf(&symbols, "pc+%s", name);
	if (parts.n > 1 && *parts.v[1])
		buf_addf(&symbols, "(%s)", parts.v[1]);
	buf_addstr(&symbols, "+inet(evdev)");
	if (parts.n > 2)
		strv_split(&options, parts.v[2], ',');
	for (size_t i = 0; i < options.n; i++)
		add_option(&symbols, options.v[i]);
	return xasprintf("xkb_keymap {\n"
			 "\txkb_keycodes  { include \"evdev+aliases(%s)\"\t};\n"
			 "\txkb_types     { include \"complete\"\t};\n"
			 "\txkb_compat    { include \"complete%s\"\t};\n"
			 "\txkb_symbols   { include \"%s\"\t};\n"
			 "\txkb_geometry  { include \"pc(pc105)\"\t};\n"
			 "};\n", aliases(name), streq(name, "jp") ? "+japan" : "", buf_str(&symbols));
}
