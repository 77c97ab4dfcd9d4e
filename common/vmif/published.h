/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that a qube tells of in its keys (vm-interface 5.2, 5.3). All of it is hostile: what comes out of here is
 * bounded, printable ASCII, and of the forms that are named below.
 */
#pragma once

#include "vmif/keys.h"

#define PUBLISHED_MAX 512    /* devices of one kind; others are counted as skipped */
#define PUBLISHED_TEXT_MAX 255

struct published {
	char *port;             /* block: [a-z0-9-]{1,12}; USB: BUS-PORT with dots */
	char *serial, *name;    /* as they are shown; NULL: unknown */

	/* block devices */
	uint64_t size;          /* bytes; 0: unknown */
	char mode;              /* r or w */
	char *parent;           /* port of the device that it is a part of, or NULL */
	char *parent_interface; /* of a USB parent: which of its interfaces, [0-9.]+ */

	/* USB devices */
	char ids[10];           /* "1d6b:0104"; "0000:0000": unknown */
	char *vendor, *product; /* NULL: unknown */
	char *interfaces;       /* "u080650u030102" or NULL */
	int usb_version;        /* 0: unknown */
	char *connected_to;     /* what may be the name of a qube, or NULL */
};

struct published_list {
	struct published *v; /* sorted by the name of the key */
	size_t n, cap;
	size_t skipped;      /* devices that were not as they have to be */
};

void published_list_release(struct published_list *l);
#define CLEANUP_PUBLISHED CLEANUP(published_list_release)

/* From a settled list of keys with qubes-block-devices/... in it. Release 4 takes what is missing or wrong for unknown,
 * the others skip such a device. */
void published_block(const struct key_values *l, enum vmif_gen gen, struct published_list *ret);
/* The same with qubes-usb-devices/... */
void published_usb(const struct key_values *l, enum vmif_gen gen, struct published_list *ret);
