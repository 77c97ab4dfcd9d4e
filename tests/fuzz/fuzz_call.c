/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients of the lab's qrexec send, any bytes: it is refused, or it is what is sent again. The first byte says
 * whether the rest is a message or the words of qubes.VMExec.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/qrexec.h"
#include "vmif/call.h"
#include "vmif/vmexec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const char *data, size_t len)
{
	CLEANUP_FREE char *buffer = xmalloc(CALL_MESSAGE_MAX);
	CLEANUP_FDSET struct fdset fds = FDSET_INIT;
	struct call_msg m, again;
	int ends[2];

	if (len > CALL_MESSAGE_MAX || call_decode(data, len, &m) < 0)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0 || call_send(ends[0], &m, NULL, 0) < 0 ||
	    call_recv(ends[1], buffer, &again, &fds) != 1 || again.kind != m.kind || again.id != m.id ||
	    again.value != m.value || !streq(again.name, m.name) || !streq(again.user, m.user) ||
	    !streq(again.service, m.service))
		abort();
	call_service_is_valid(m.service);
	close(ends[0]);
	close(ends[1]);
}

/* Words that were taken apart and put together again are the same words. */
static void check_words(const char *text)
{
	CLEANUP_STRV struct strv words = STRV_INIT, again = STRV_INIT;
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (vmexec_decode(text, &words) < 0)
		return;
	vmexec_encode(&b, (const char *const *)words.v);
	if (vmexec_decode(buf_str(&b), &again) < 0 || again.n != words.n)
		abort();
	for (size_t i = 0; i < words.n; i++)
		if (!streq(words.v[i], again.v[i]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = size ? xmemdup0(data + 1, size - 1) : NULL;

	if (!text)
		return 0;
	if (data[0] == 'm')
		check_message(text, size - 1);
	else
		check_words(text);
	return 0;
}
