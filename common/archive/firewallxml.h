/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall.xml: the rules of a qube as a backup has them (backup-policy-clock 3.9). */
#pragma once

#include "base/attr.h"
#include "base/err.h"
#include "model/firewall.h"

#define FIREWALL_XML_MAX (1u << 20) /* bytes */

/* Reads version 2, and the one of the second generation (2.12). -EBADMSG with err, and an empty *ret. */
int firewallxml_parse(struct fw_rules *ret, const char *xml, size_t len, struct err *err);
