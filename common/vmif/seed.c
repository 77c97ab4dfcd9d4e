/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Randomness for a qube that starts. */
#include <stdlib.h>
#include <sys/random.h>

#include "vmif/base64.h"
#include "vmif/derive.h"

char *seed_new(void)
{
	unsigned char bytes[64];

	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		abort();
	return base64(bytes, sizeof bytes);
}
