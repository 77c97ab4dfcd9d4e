/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is odd about a host name that the grammar of rules lets through (admin-api 9.2). */
#include "base/chars.h"
#include "qvm-firewall/firewall.h"

#define NAME_MAX_LEN 253
#define LABEL_MAX_LEN 63

static const char *label_problem(const char *label, size_t n)
{
	if (n == 0)
		return "has an empty part";
	if (n > LABEL_MAX_LEN)
		return "has a part of more than 63 characters";
	if (label[0] == '-' || label[n - 1] == '-')
		return "has a part that begins or ends with '-'";
	return NULL;
}

const char *host_problem(const char *host)
{
	size_t len = strlen(host);

	if (streq(host, "tcp") || streq(host, "udp") || streq(host, "icmp"))
		return "is a protocol that stands where a host is expected";
	if (chars_all(host, "0-9.-"))
		return "looks like an address, and is none";
	/* One dot at the end means the root. */
	if (len && host[len - 1] == '.')
		len--;
	if (len > NAME_MAX_LEN)
		return "is longer than 253 characters";
	for (size_t i = 0; i <= len;) {
		size_t n = strcspn(host + i, ".");
		const char *problem = label_problem(host + i, n < len - i ? n : len - i);

		if (problem)
			return problem;
		i += n + 1;
	}
	return NULL;
}
