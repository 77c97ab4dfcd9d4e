/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kind of thing a device is, in words (tools-runtime 7.3, admin-api 8.8). */
#pragma once

#include "model/device.h"

/* The best category for a code of seven characters: "Mouse"; "Other" when none fits. */
const char *interface_category(const char *code);
/*
 * Its plain name: "Block Device", or from the lists of the hwdata package "Billboard"; "USB device" without them. They
 * are looked for in QVM_HWDATA_DIR, else where distributions keep them. The caller frees it.
 */
char *interface_name(const char *code);
/* "Mouse: Logitech Optical Mouse". The text is the device's: escape it for a terminal. The caller frees it. */
char *device_description(const struct device *d, const char *class);
