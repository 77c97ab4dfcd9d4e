/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Becomes the command that is encoded in its argument: qubes.VMExec in a lab qube. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "vmif/call.h"
#include "vmif/vmexec.h"

int main(int argc, char *argv[])
{
	CLEANUP_STRV struct strv words = STRV_INIT;

	if (vmexec_decode(argc > 1 ? argv[1] : "", &words) < 0) {
		fprintf(stderr, "Decode error: %s\n", argv[1]);
		return 1;
	}
	execvp(words.v[0], words.v);
	fprintf(stderr, "qube-exec: %s: %s\n", words.v[0], strerror(errno));
	return errno == ENOENT ? CALL_STATUS_NO_SERVICE : CALL_STATUS_REFUSED;
}
