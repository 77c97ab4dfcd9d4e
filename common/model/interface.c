/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Categories of interfaces, their names from usb.ids and pci.ids, descriptions of devices. */
#include "model/interface.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/chars.h"
#include "base/mem.h"
#include "os/io.h"

/* The first of those that fit best wins; patterns are separated by blanks (tools-runtime 7.3). */
static const struct {
	const char *name, *patterns;
} categories[] = {
	{"Other", "*******"},
	{"Network", "u02**** p0703** p02**** ue0****"},
	{"Keyboard", "u03**01 p0900**"},
	{"Mouse", "u03**02 p0902**"},
	{"Input", "u03**** p09****"},
	{"Printer", "u07****"},
	{"Camera", "p0903** u06**** u0e****"},
	{"Microphone", "m******"},
	{"Audio", "p0403** p0401** p0408** u01**** m******"},
	{"Multimedia", "u10**** p03**** p04****"},
	{"USB_Storage", "u08****"},
	{"Block_Storage", "b******"},
	{"Storage", "b****** u08**** p01****"},
	{"Bluetooth", "ue00101 p0d11**"},
	{"Smart_Card_Readers", "u0b****"},
	{"Display", "p0300** p0380**"},
	{"Memory", "p05****"},
	{"PCI_Bridge", "p06****"},
	{"Docking_Station", "p0a****"},
	{"Processor", "p0b**** p40****"},
	{"PCI_Serial_Bus", "p0c****"},
	{"PCI_USB", "p0c03**"},
};

/* How many positions are the same; 0 when the pattern does not fit. */
static int score(const char *code, const char *pattern)
{
	int n = 0;

	for (int i = 0; i < INTERFACE_LEN; i++) {
		if (code[i] == pattern[i])
			n++;
		else if (pattern[i] != '*')
			return 0;
	}
	return n;
}

const char *interface_category(const char *code)
{
	const char *best = categories[0].name;
	int most = 0;

	for (size_t i = 0; i < ARRAY_SIZE(categories); i++)
		for (const char *p = categories[i].patterns; true; p += INTERFACE_LEN + 1) {
			int n = score(code, p);

			if (n > most) {
				most = n;
				best = categories[i].name;
			}
			if (!p[INTERFACE_LEN])
				break;
		}
	return best;
}

/* ---- hwdata ---- */

struct ids {
	char *text; /* mapped; NULL: there is no list */
	size_t len;
};

static void ids_close(struct ids *l)
{
	if (l->text)
		munmap(l->text, l->len);
}

/* Only the pages that the search touches are read. */
static struct ids ids_open(const char *file)
{
	const char *dirs[] = {getenv("QVM_HWDATA_DIR"), "/usr/share/hwdata", "/usr/share/misc"};
	struct ids l = {0};

	for (size_t i = 0; i < (dirs[0] ? 1 : ARRAY_SIZE(dirs)) && !l.text; i++) {
		CLEANUP_FREE char *path = dirs[i] ? xasprintf("%s/%s", dirs[i], file) : NULL;
		CLEANUP_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		struct stat st;
		void *p;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
			continue;
		l.len = (size_t)st.st_size;
		p = mmap(NULL, l.len, PROT_READ, MAP_PRIVATE, fd, 0);
		l.text = p == MAP_FAILED ? NULL : p;
	}
	return l;
}

/*
 * Within *from..end, the line that begins with mark and two hex digits; the name behind them, NULL for none. *from
 * moves behind the line. A line with fewer tabs than mark has ends the search: it begins another entry.
 */
static char *ids_find(const char **from, const char *end, const char *mark, const char *digits)
{
	size_t depth = strspn(mark, "\t"), n = strlen(mark);

	for (const char *line = *from; line < end;) {
		const char *nl = memchr(line, '\n', end - line);
		const char *stop = nl ? nl : end;
		size_t tabs = 0;

		while (line + tabs < stop && line[tabs] == '\t')
			tabs++;
		if (stop > line && *line != '#' && tabs < depth)
			return NULL;
		if ((size_t)(stop - line) > n + 3 && tabs == depth && memcmp(line, mark, n) == 0 &&
		    strncasecmp(line + n, digits, 2) == 0 && line[n + 2] == ' ') {
			const char *name = line + n + 2;

			while (name < stop && *name == ' ')
				name++;
			*from = nl ? nl + 1 : end;
			return xstrndup(name, stop - name);
		}
		line = nl ? nl + 1 : end;
	}
	return NULL;
}

/* True for a name that says something; words are those that do not. */
static bool is_telling(const char *name, const char *words)
{
	const size_t n = name ? strlen(name) : 0;

	for (const char *w = words; n && *w; w += strcspn(w, "|"), w += *w == '|')
		if (strcspn(w, "|") == n && strncasecmp(w, name, n) == 0)
			return false;
	return n;
}

#define NOTHING "none|unused|undefined"

/* Class, subclass and protocol by the list: the most telling of the three names, or NULL. */
static char *ids_name(const struct ids *l, const char *code)
{
	CLEANUP_FREE char *class = NULL, *sub = NULL, *protocol = NULL;
	const char *at = l->text, *end = l->text + l->len;

	class = ids_find(&at, end, "C ", code + 1);
	if (class)
		sub = ids_find(&at, end, "\t", code + 3);
	if (sub)
		protocol = ids_find(&at, end, "\t\t", code + 5);
	if (is_telling(sub, NOTHING "|no subclass|vendor specific subclass"))
		return STEAL(sub);
	if (is_telling(protocol, NOTHING))
		return STEAL(protocol);
	return is_telling(class, NOTHING "|vendor specific class") ? STEAL(class) : NULL;
}

char *interface_name(const char *code)
{
	bool usb = code[0] == 'u';
	struct ids l;
	char *name;

	if (code[0] == 'b' || code[0] == 'm')
		return xstrdup(code[0] == 'b' ? "Block Device" : "Microphone");
	if (!usb && code[0] != 'p')
		return xstrndup(code, INTERFACE_LEN);
	l = ids_open(usb ? "usb.ids" : "pci.ids");
	name = l.text ? ids_name(&l, code) : NULL;
	ids_close(&l);
	if (!name)
		return xstrdup(usb ? "USB device" : "PCI device");
	chars_replace(name, '_', ' ');
	return name;
}

/* ---- descriptions ---- */

/* The first of these texts that says something, or NULL. */
static const char *first_text(const struct device *d, const char *const *keys)
{
	for (; *keys; keys++)
		if (*device_text(d, *keys))
			return device_text(d, *keys);
	return NULL;
}

static char *category(const struct device *d, const char *class)
{
	const char *codes = device_props_get(&d->props, "interfaces");
	char *fallback = xasprintf("%s device", class);
	size_t n;

	for (char *p = fallback; *p && *p != ' '; p++)
		*p = (char)toupper((unsigned char)*p);
	if (!codes || !*codes)
		codes = INTERFACE_UNKNOWN;
	n = strlen(codes);
	for (size_t i = 0; i + INTERFACE_LEN <= n; i += INTERFACE_LEN) {
		const char *name = interface_category(codes + i);

		if (!streq(name, "Other")) {
			free(fallback);
			return xstrdup(name);
		}
	}
	for (size_t i = 0; i + INTERFACE_LEN <= n; i += INTERFACE_LEN) {
		CLEANUP_FREE char *name = interface_name(codes + i);

		if (!streq(name, fallback)) {
			free(fallback);
			return STEAL(name);
		}
	}
	return fallback;
}

char *device_description(const struct device *d, const char *class)
{
	const char *product = first_text(d, (const char *[]){"product", "name", "serial", NULL});
	const char *vendor = first_text(d, (const char *[]){"vendor", "manufacturer", NULL});
	const char *parent = device_text(d, "parent_port_id");
	CLEANUP_FREE char *kind = NULL, *unknown = NULL;

	if (!product && *parent)
		return xasprintf("sub-device of %s:%s", d->ref.backend, parent);
	kind = category(d, class);
	unknown = xasprintf("unknown %s device", class);
	return xasprintf("%s: %s %s", kind, vendor ? vendor : "unknown vendor", product ? product : unknown);
}
