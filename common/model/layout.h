/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitors of a desktop: from xrandr's words to the lines of qubes.SetMonitorLayout (vm-interface 11). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define MONITORS_MAX 32
#define MONITOR_SIDE_MAX 65535 /* width, height and distance from the corner, in pixels */

struct monitor {
	char *name; /* of the output; "" when it was not told */
	uint32_t width, height, x, y;
	uint32_t width_mm, height_mm; /* 0: not known */
};

struct layout {
	struct monitor v[MONITORS_MAX];
	size_t n;
	bool exact; /* it was read from lines of SetMonitorLayout, which are to be sent as they are */
};

void layout_release(struct layout *l);
#define CLEANUP_LAYOUT CLEANUP(layout_release)

/*
 * Text of any origin: what "xrandr -q" prints, or lines of SetMonitorLayout. Outputs that are off or not connected are
 * left out, and so are lines about other things. 0, or -EINVAL with err: a monitor that cannot be, too many of them,
 * or a text that is neither.
 */
int layout_parse(struct layout *ret, const char *text, size_t len, struct err *err);
/* Makes the physical sizes coarse, so that they do not tell one machine from another (11.2); not those of lines. */
void layout_blur(struct layout *l);
/* The lines of SetMonitorLayout. */
void layout_print(struct buf *b, const struct layout *l);

/* The size of the whole screen, and the memory that its picture takes, as the GUI protocol tells them first (11.1). */
struct screen {
	uint32_t width, height, depth, memory_kib;
};
struct screen layout_screen(const struct layout *l);
