/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qubesd-query: sends one request to the daemon and prints the reply as it is (admin-api 1.14). */
#include <errno.h>
#include <sys/socket.h>

#include "admin/frame.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/tool.h"
#include "os/io.h"
#include "os/sock.h"

#define DEFAULT_SOCKET "/var/run/qubesd.sock"
#define PAYLOAD_MAX 65536
#define LINE_MAX_DEFAULT 1024

static const struct opt options[] = {
	{"--connect/-c", OPT_VALUE, 0, "SOCKET", "the daemon's socket", NULL, COMP_FILE},
	{"--empty/-e", OPT_FLAG, 0, NULL, "send no payload, read nothing from standard input"},
	{"--fail", OPT_FLAG, 0, NULL, "exit with the first digit of the reply, or 1 when there is none"},
	{"--max-bytes", OPT_VALUE, 0, "N", "refuse a longer payload", NULL, COMP_NONE},
	{"--single-line", OPT_FLAG, 0, NULL, "the payload is one line of printable ASCII, sent without its newline"},
	{"--null", OPT_FLAG, 0, NULL, "print one NUL byte after the reply"},
	OPT_END,
};

static const struct pos positionals[] = {
	{"SRC", POS_ONE, COMP_QUBE, NULL, "name of the calling qube"},
	{"METHOD", POS_ONE, COMP_METHOD, NULL, "name of the call"},
	{"DEST", POS_ONE, COMP_QUBE, NULL, "name of the qube that the call is about"},
	{"ARG", POS_OPTIONAL, COMP_NONE, NULL, "argument of the call"},
	POS_END,
};

static int too_long(struct ctx *c, uint64_t max)
{
	return fail_usage(c, "Payload too long (max %llu)", (unsigned long long)max);
}

static int read_line(struct ctx *c, uint64_t max, struct buf *payload)
{
	int ch;

	while ((ch = fgetc(c->in)) != '\n') {
		if (ch == EOF)
			return fail_usage(c, "Payload has no newline");
		if (ch < 0x20 || ch > 0x7e)
			return fail_usage(c, "Payload contains bytes that are not printable ASCII");
		if (payload->len == max)
			return too_long(c, max);
		buf_addch(payload, (char)ch);
	}
	return STATUS_OK;
}

static int read_payload(struct ctx *c, struct buf *payload)
{
	const char *given = arg_value(&c->args, "--max-bytes");
	bool line = arg_has(&c->args, "--single-line");
	uint64_t max = line ? LINE_MAX_DEFAULT : PAYLOAD_MAX;
	size_t n;

	if (given && num_u64(given, &max) < 0)
		return fail_usage(c, "argument --max-bytes: invalid int value: '%s'", given);
	if (max > PAYLOAD_MAX)
		max = PAYLOAD_MAX;
	if (arg_has(&c->args, "--empty"))
		return STATUS_OK;
	if (line)
		return read_line(c, max, payload);
	do {
		n = fread(buf_reserve(payload, 4096), 1, 4096, c->in);
		payload->len += n;
	} while (n && payload->len <= max);
	if (ferror(c->in))
		return fail(c, "cannot read standard input: %s", strerror(errno));
	return payload->len > max ? too_long(c, max) : STATUS_OK;
}

static char *socket_path(struct ctx *c)
{
	const char *endpoint = getenv("QVM_ENDPOINT");
	const char *path = arg_value(&c->args, "--connect");

	if (!path && endpoint)
		path = skip_prefix(endpoint, "unix:");
	return xstrdup(path ? path : DEFAULT_SOCKET);
}

/* A daemon that refuses may close before it read everything, so a failed write is no error yet. */
static void send_request(int fd, const struct buf *request)
{
	for (size_t sent = 0; sent < request->len;) {
		ssize_t n = send(fd, request->data + sent, request->len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			break;
		sent += n > 0 ? (size_t)n : 0;
	}
	shutdown(fd, SHUT_WR);
}

/*
 * Passes the reply on as it comes, escaped on a terminal: it may be a stream of events. Returns its first byte, or EOF.
 */
static int pass_reply(struct ctx *c, int fd)
{
	int first = EOF;

	for (;;) {
		char data[65536];
		ssize_t n = read(fd, data, sizeof data);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return first;
		if (first == EOF)
			first = (unsigned char)data[0];
		put_text(c, data, (size_t)n);
		flush_out(c);
		if (c->write_errno)
			return first;
	}
}

static int run(struct ctx *c)
{
	CLEANUP_BUF struct buf payload = BUF_INIT, request = BUF_INIT;
	CLEANUP_FREE char *path = socket_path(c);
	CLEANUP_CLOSE int fd = -1;
	int first, status = read_payload(c, &payload);

	if (status)
		return status;
	fd = sock_connect(path, false);
	if (fd < 0)
		return fail(c, "Failed to connect to qubesd service: [Errno %d] %s", -fd, strerror(-fd));
	request_encode(&request, arg_pos(&c->args, "METHOD"), arg_pos(&c->args, "ARG"), arg_pos(&c->args, "SRC"),
		       arg_pos(&c->args, "DEST"), payload.data, payload.len);
	send_request(fd, &request);
	first = pass_reply(c, fd);
	if (arg_has(&c->args, "--fail"))
		return first >= '0' && first <= '9' ? first - '0' : STATUS_FAILED;
	if (arg_has(&c->args, "--null"))
		put_text(c, "", 1);
	return STATUS_OK;
}

const struct tool tool = {
	.name = "qubesd-query",
	.summary = "Send one request to the daemon and print its raw reply.",
	.flags = TOOL_NO_DAEMON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
