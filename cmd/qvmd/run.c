/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the start and the end of a qube mean for its volumes (admin-api 7.1, 7.4). */
#include "qvmd/storage.h"

void volumes_up(struct vm *vm)
{
	for (int id = 0; vm->volumes && id < VOLUME_COUNT; id++) {
		const struct volume *source = volume_source(&vm->volumes[id]);

		vm->volumes[id].origin = source ? source->now.gen : 0;
	}
}
