/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the values of keys: any bytes may come, as a qube may have written them. */
#include "vmif/keys_format.h"

#include <arpa/inet.h>

#include "base/chars.h"
#include "base/num.h"
#include "base/strv.h"
#include "model/names.h"
#include "vmif/meminfo.h"

#define CHECK(id) static bool check_##id(const char *v, size_t n)

static bool one_of(const char *v, const char *const *words)
{
	for (; *words; words++)
		if (streq(v, *words))
			return true;
	return false;
}
#define ONE_OF(v, ...) one_of(v, (const char *const[]){ __VA_ARGS__, NULL })

/* Whole text of at most max characters, all of the set. */
static bool is_of(const char *v, size_t n, size_t min, size_t max, const char *set)
{
	return strlen(v) == n && n >= min && n <= max && chars_all(v, set);
}

CHECK(any)
{
	return true;
}

CHECK(text)
{
	return is_of(v, n, 0, QDB_VALUE_MAX, " -~");
}

CHECK(lines)
{
	return is_of(v, n, 0, KEY_VALUE_MAX, "\t-\n -~");
}

CHECK(empty)
{
	return n == 0;
}

CHECK(number)
{
	uint64_t ignored;

	return strlen(v) == n && num_u64(v, &ignored) == 0;
}

CHECK(number_or_empty)
{
	return n == 0 || check_number(v, n);
}

CHECK(flag)
{
	return n == 1 && ONE_OF(v, "0", "1");
}

CHECK(truth)
{
	return strlen(v) == n && ONE_OF(v, "True", "False");
}

CHECK(one)
{
	return n == 1 && *v == '1';
}

CHECK(reload)
{
	return strlen(v) == n && streq(v, "reload");
}

CHECK(ip4)
{
	struct in_addr a;

	return strlen(v) == n && inet_pton(AF_INET, v, &a) == 1;
}

CHECK(ip4_or_empty)
{
	return n == 0 || check_ip4(v, n);
}

CHECK(ip6)
{
	struct in6_addr a;

	return strlen(v) == n && inet_pton(AF_INET6, v, &a) == 1;
}

CHECK(ip)
{
	return check_ip4(v, n) || check_ip6(v, n);
}

CHECK(ips)
{
	CLEANUP_STRV struct strv words = STRV_INIT;

	if (strlen(v) != n)
		return false;
	strv_split(&words, v, ' ');
	for (size_t i = 0; i < words.n; i++)
		if (!check_ip(words.v[i], strlen(words.v[i])))
			return false;
	return n == 0 || v[n - 1] != ' ';
}

CHECK(mac)
{
	if (!is_of(v, n, 17, 17, "0-9a-f:"))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((v[i] == ':') != (i % 3 == 2))
			return false;
	return true;
}

CHECK(qube)
{
	return strlen(v) == n && name_check_qube(v, NULL) == 0;
}

CHECK(qube_or_empty)
{
	return n == 0 || check_qube(v, n);
}

CHECK(klass)
{
	return strlen(v) == n && ONE_OF(v, "AppVM", "TemplateVM", "StandaloneVM", "DispVM");
}

CHECK(vm_type)
{
	return strlen(v) == n && ONE_OF(v, "AppVM", "ProxyVM", "NetVM", "TemplateVM", "HVM", "TemplateHVM");
}

CHECK(user)
{
	return is_of(v, n, 0, 255, "A-Za-z0-9_+,.-");
}

CHECK(persistence)
{
	return strlen(v) == n && ONE_OF(v, "full", "rw-only", "none");
}

CHECK(zone)
{
	return is_of(v, n, 1, 255, "A-Za-z0-9_+/-") && *v != '/' && v[n - 1] != '/';
}

/* Missing parts are empty, and an empty layout is us (vm-interface 4.6). */
CHECK(layout)
{
	static const char *const sets[] = { "A-Za-z", "A-Za-z0-9_-", "A-Za-z0-9_:,-" };
	CLEANUP_STRV struct strv parts = STRV_INIT;

	if (strlen(v) != n)
		return false;
	strv_split(&parts, v, '+');
	if (parts.n > ARRAY_SIZE(sets) || (parts.n && !*parts.v[0]))
		return false;
	for (size_t i = 0; i < parts.n; i++)
		if (!chars_all(parts.v[i], sets[i]))
			return false;
	return true;
}

CHECK(seed)
{
	return is_of(v, n, 88, 88, "A-Za-z0-9+/=");
}

CHECK(hash)
{
	return is_of(v, n, 43, 43, "A-Za-z0-9_-");
}

CHECK(service)
{
	return is_of(v, n, 1, 48, "A-Za-z0-9_.@:-") && !ONE_OF(v, ".", "..");
}

CHECK(config_name)
{
	return is_of(v, n, 1, 52, "A-Za-z0-9_.-") && chars_all((const char[]){ *v, '\0' }, "A-Za-z");
}

CHECK(persist_name)
{
	return is_of(v, n, 1, 54, "A-Za-z0-9_.-");
}

CHECK(persist)
{
	return check_text(v, n) && (*v == '/' || skip_prefix(v, "file:") || skip_prefix(v, "dir:"));
}

CHECK(policy)
{
	return strlen(v) == n && ONE_OF(v, "accept", "drop");
}

CHECK(rule)
{
	return is_of(v, n, 1, QDB_VALUE_MAX, " -~") && skip_prefix(v, "action=");
}

CHECK(meminfo)
{
	uint64_t ignored;

	/* dom0 creates it empty */
	return n == 0 || meminfo_parse(v, n, &ignored) == 0;
}

/* ---- devices (vm-interface 5.2, 5.3) ---- */

CHECK(block_name)
{
	return is_of(v, n, 1, 12, "a-z0-9-");
}

/* BUS-PORT, with _ for the dots: [0-9]+-[0-9]+(_[0-9]+)* */
CHECK(usb_name)
{
	size_t digits = 0, dashes = 0;

	if (strlen(v) != n || n > QDB_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (v[i] >= '0' && v[i] <= '9') {
			digits++;
			continue;
		}
		if (!digits || v[i] != (dashes ? '_' : '-'))
			return false;
		dashes++;
		digits = 0;
	}
	return digits && dashes;
}

CHECK(desc)
{
	return n >= 1 && n <= 255 && strlen(v) == n && !strchr(v, '\n');
}

CHECK(mode)
{
	return n == 1 && ONE_OF(v, "r", "w");
}

CHECK(usb_version)
{
	return n == 1 && ONE_OF(v, "1", "2", "3");
}

CHECK(interfaces)
{
	return is_of(v, n, 1, QDB_VALUE_MAX, "0-9a-fA-F:") && *v == ':' && v[n - 1] == ':';
}

CHECK(word)
{
	return is_of(v, n, 0, 255, "A-Za-z0-9");
}

CHECK(request)
{
	return is_of(v, n, 0, QDB_VALUE_MAX, "A-Za-z0-9.,_= -");
}

#define DEFINE(id, name_) const struct key_format format_##id = { name_, check_##id };
KEY_FORMATS(DEFINE)
