/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Presets and columns: their names, and what the names stand for. */
#include "ls.h"

#include <ctype.h>

#include "base/mem.h"

/* tools-config 2.2, in the order of --help-formats. */
static const struct preset {
	const char *name, *fields;
} presets[] = {
	{"disk", "NAME,STATE,DISK,PRIV-CURR,PRIV-MAX,PRIV-USED,ROOT-CURR,ROOT-MAX,ROOT-USED"},
	{"full", "NAME,STATE,CLASS,LABEL,QID,XID,UUID"},
	{"kernel", "NAME,STATE,CLASS,TEMPLATE,KERNEL,KERNELOPTS"},
	{"network", "NAME,STATE,NETVM,IP,IPBACK,GATEWAY"},
	{"prefs", "NAME,LABEL,TEMPLATE,NETVM,VCPUS,INITIALMEM,MAXMEM,VIRT_MODE"},
	{"simple", "NAME,STATE,CLASS,LABEL,TEMPLATE,NETVM"},
};

/* tools-config 2.3, sorted by head. */
static const struct builtin {
	const char *head;
	enum column_kind kind;
	const char *volume;
	bool numeric;
	const char *help;
} builtins[] = {
	{"CLASS", COLUMN_CLASS, NULL, false, "Class of the qube."},
	{"DISK", COLUMN_DISK, NULL, true, "Space that all volumes of the qube take, in MiB."},
	{"FLAGS", COLUMN_FLAGS, NULL, false,
	 "Eight letters: 1. class, 0 AdminVM, t TemplateVM, a AppVM, s StandaloneVM, d DispVM, in upper case for "
	 "an HVM; 2. state, r running, t transient, p paused, s suspended, h halting, d dying, c crashed, "
	 "? unknown; then U updateable, N provides network, R installed by rpm, i internal, D debug, "
	 "A autostart."},
	{"GATEWAY", COLUMN_PROPERTY, NULL, false, "Gateway of the network, as the qube's netvm has it."},
	{"MEMORY", COLUMN_MEMORY, NULL, true, "Memory in use now, in MiB."},
	{"PRIV-CURR", COLUMN_CURR, "private", true, "Space that the private volume takes, in MiB."},
	{"PRIV-MAX", COLUMN_MAX, "private", true, "Size of the private volume, in MiB."},
	{"PRIV-POOL", COLUMN_POOL, "private", false, "Pool of the private volume."},
	{"PRIV-USED", COLUMN_USED, "private", true, "Used part of the private volume, in percent."},
	{"ROOT-CURR", COLUMN_CURR, "root", true, "Space that the root volume takes, in MiB."},
	{"ROOT-MAX", COLUMN_MAX, "root", true, "Size of the root volume, in MiB."},
	{"ROOT-POOL", COLUMN_POOL, "root", false, "Pool of the root volume."},
	{"ROOT-USED", COLUMN_USED, "root", true, "Used part of the root volume, in percent."},
	{"STATE", COLUMN_STATE, NULL, false, "Power state of the qube."},
};

static const char *const numeric_properties[] = {
	"XID", "MAXMEM", "QREXEC-TIMEOUT", "SHUTDOWN-TIMEOUT", "VCPUS",
};

const char *preset_fields(const char *format)
{
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		if (streq(presets[i].name, format))
			return presets[i].fields;
	return NULL;
}

void print_formats(FILE *out)
{
	fputs("Available formats:\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		fprintf(out, "  %-7s  %s\n", presets[i].name, presets[i].fields);
	fputc('\n', out);
}

/* Words of text from column `at` on, wrapped at 80 with the given indent. */
static void print_wrapped(FILE *out, const char *text, size_t at, size_t indent)
{
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (!first && at + 1 + n > 80) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			fputc(' ', out);
			at++;
		}
		fwrite(text, 1, n, out);
		at += n;
		first = false;
		text += n + strspn(text + n, " ");
	}
	fputc('\n', out);
}

void print_columns(FILE *out)
{
	size_t widest = 0;

	for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
		if (strlen(builtins[i].head) > widest)
			widest = strlen(builtins[i].head);
	fputs("Available columns:\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(builtins); i++) {
		fprintf(out, "  %-*s  ", (int)widest, builtins[i].head);
		print_wrapped(out, builtins[i].help, widest + 4, widest + 6);
	}
	fputs("\nBesides these, any property of a qube may be a column; see qvm-prefs --help-properties.\n\n", out);
}

static char *map(const char *s, size_t n, int (*convert)(int), char from, char to)
{
	char *copy = xstrndup(s, n);

	for (char *p = copy; *p; p++)
		*p = (char)(*p == from ? to : convert((unsigned char)*p));
	return copy;
}

static void column_init(struct column *col, const char *s, size_t n)
{
	*col = (struct column){
		.kind = n ? COLUMN_PROPERTY : COLUMN_EMPTY,
		.head = map(s, n, toupper, '_', '-'),
		.attr = map(s, n, tolower, '-', '_'),
		.key = map(s, n, tolower, '_', '-'),
	};
	for (size_t i = 0; i < ARRAY_SIZE(builtins); i++) {
		if (!streq(builtins[i].head, col->head))
			continue;
		col->kind = builtins[i].kind;
		col->volume = builtins[i].volume;
		col->numeric = builtins[i].numeric;
	}
	for (size_t i = 0; i < ARRAY_SIZE(numeric_properties); i++)
		if (streq(numeric_properties[i], col->head))
			col->numeric = true;
	if (streq(col->head, "GATEWAY")) {
		free(col->attr);
		col->attr = xstrdup("netvm.gateway");
	}
}

void columns_parse(struct columns *ret, const char *fields)
{
	for (;;) {
		size_t n = strcspn(fields, ",");
		size_t lead = strspn(fields, " \t");
		const char *s = fields + (lead < n ? lead : n);
		size_t len = (size_t)(fields + n - s);

		while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
			len--;
		GROW(ret->v, ret->n, ret->cap);
		column_init(&ret->v[ret->n++], s, len);
		if (!fields[n])
			return;
		fields += n + 1;
	}
}

void columns_release(struct columns *cols)
{
	for (size_t i = 0; i < cols->n; i++) {
		free(cols->v[i].head);
		free(cols->v[i].attr);
		free(cols->v[i].key);
	}
	free(cols->v);
	*cols = (struct columns){0};
}

size_t columns_find(const struct columns *cols, const char *name)
{
	CLEANUP_FREE char *head = map(name, strlen(name), toupper, '_', '-');
	size_t i = 0;

	while (i < cols->n && !streq(cols->v[i].head, head))
		i++;
	return i;
}
