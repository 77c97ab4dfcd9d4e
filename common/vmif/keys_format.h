/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the values of keys look like; for the table of keys. */
#pragma once

#include "vmif/keys.h"

#define KEY_FORMATS(F) \
	F(any, "any bytes") F(text, "text") F(lines, "lines of text") F(empty, "empty") F(number, "decimal number") \
	F(number_or_empty, "decimal number or empty") \
	F(flag, "1 or 0") F(truth, "True or False") F(one, "1") F(reload, "reload") F(ip4, "IPv4 address") \
	F(ip4_or_empty, "IPv4 address or empty") F(ip6, "IPv6 address") F(ip, "IP address") F(ips, "IP addresses") \
	F(mac, "MAC address") F(qube, "name of a qube") F(qube_or_empty, "name of a qube or empty") \
	F(klass, "class of a qube") F(vm_type, "type of a qube") F(user, "name of a user") \
	F(persistence, "full, rw-only or none") F(zone, "name of a time zone") F(layout, "layout+variant+options") \
	F(seed, "88 characters of base64") F(hash, "43 characters of base64") F(service, "name of a service") \
	F(config_name, "name of a setting") F(persist_name, "name of a persistent path") \
	F(persist, "path, or TYPE:owner:group:mode:path") F(policy, "accept or drop") F(rule, "firewall rule") \
	F(meminfo, "used memory") F(block_name, "name of a block device") F(usb_name, "BUS-PORT") \
	F(desc, "1 to 255 characters") F(mode, "r or w") F(usb_version, "1, 2 or 3") F(interfaces, ":CCSSPP:") \
	F(word, "letters and digits") F(request, "letters, digits and -.,_= ")

#define DECLARE(id, name) extern const struct key_format format_##id;
KEY_FORMATS(DECLARE)
#undef DECLARE
