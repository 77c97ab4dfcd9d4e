/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the lab's qrexec: a head of three numbers, and three texts that end with NUL. */
#include "vmif/call.h"

#include <errno.h>

#include "base/buf.h"
#include "base/chars.h"

struct head {
	uint32_t kind, id;
	int32_t value;
};

int call_send(int sock, const struct call_msg *m, const int *fds, size_t n_fds)
{
	struct head head = { m->kind, m->id, m->value };
	const char *texts[] = { m->name, m->user, m->service };
	CLEANUP_BUF struct buf b = BUF_INIT;

	buf_add(&b, &head, sizeof head);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		buf_addstr(&b, texts[i] ? texts[i] : "");
		buf_addch(&b, '\0');
	}
	if (b.len > CALL_MESSAGE_MAX)
		return -EMSGSIZE;
	return fdpass_send(sock, b.data, b.len, fds, n_fds);
}

int call_decode(const char *data, size_t len, struct call_msg *ret)
{
	const char *texts[3], *p = data + sizeof(struct head), *end = data + len;
	struct head head;

	if (len < sizeof head)
		return -EPROTO;
	memcpy(&head, data, sizeof head);
	if (head.kind < 1 || head.kind >= CALL_KINDS)
		return -EPROTO;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));

		if (!nul || (i < 2 && nul - p > CALL_NAME_MAX))
			return -EPROTO;
		texts[i] = p;
		p = nul + 1;
	}
	if (p != end)
		return -EPROTO;
	*ret = (struct call_msg){ head.kind, head.id, head.value, texts[0], texts[1], texts[2] };
	return 0;
}

int call_recv(int sock, char buffer[static CALL_MESSAGE_MAX], struct call_msg *ret, struct fdset *fds)
{
	ssize_t n = fdpass_recv(sock, buffer, CALL_MESSAGE_MAX, fds);

	if (n <= 0)
		return (int)n;
	return call_decode(buffer, (size_t)n, ret) < 0 ? -EPROTO : 1;
}

bool call_service_is_valid(const char *service)
{
	size_t n = strlen(service);

	return n > 0 && n <= CALL_SERVICE_MAX && service[0] != '+' && service[0] != '.' &&
	       chars_all(service, "A-Za-z0-9_.+-");
}
