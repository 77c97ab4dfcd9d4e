/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server for tests that answers Admin API requests from a script and logs what it was asked.
 *
 *     scripted SOCKET SCRIPT LOG
 *
 * Returns when it listens; the server goes on in the background, its process id is in SOCKET.pid.
 * The script:
 *
 *     # comment
 *     > METHOD+ARG DEST [PAYLOAD]    a request; "*" as payload matches any
 *     > * *                          any request that has no line of its own
 *     delay 50                       wait so many milliseconds before the next piece
 *     < BYTES                        the reply; further "<" lines add pieces, each written on its own
 *     < close                        an empty reply
 *     < slow BYTES                   one byte per write
 *     < cut BYTES                    no byte of them; when asked again the first, then two of them, and so on
 *     < stream BYTES                 the connection stays open after the last piece
 *
 * BYTES and PAYLOAD know \0 \n \r \t \\ \xHH. A request that is listed several times is answered in turn,
 * the last answer repeats. The log has a line per request: DEST METHOD+ARG [<- PAYLOAD].
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "escapes.h"

struct piece {
	long delay_ms;
	bool slow, cut;
	char *bytes;
	size_t len;
};

struct rule {
	char *method, *dest, *payload;
	size_t payload_len;
	bool any, any_payload, stream;
	size_t asked; /* how often */
	struct piece *pieces;
	size_t n;
};

struct conn {
	int fd;
	char *data;
	size_t len;
};

static struct rule *rules;
static size_t n_rules;

static void die(const char *what, unsigned line)
{
	if (line)
		fprintf(stderr, "scripted: line %u: %s\n", line, what);
	else
		fprintf(stderr, "scripted: %s: %s\n", what, strerror(errno));
	_exit(2);
}

static void *check(void *p)
{
	if (!p)
		abort();
	return p;
}

static char *with_plus(const char *method)
{
	char *s = NULL;

	if (asprintf(&s, "%s%s", method, strchr(method, '+') ? "" : "+") < 0)
		abort();
	return s;
}

static void read_request_line(char *s, unsigned line)
{
	struct rule *r;
	char *dest = strchr(s, ' '), *payload;

	if (!dest)
		die("a request needs a destination", line);
	*dest++ = '\0';
	payload = strchr(dest, ' ');
	if (payload)
		*payload++ = '\0';
	rules = check(reallocarray(rules, n_rules + 1, sizeof *rules));
	r = &rules[n_rules++];
	*r = (struct rule){.method = with_plus(s), .dest = check(strdup(dest))};
	r->any = strcmp(s, "*") == 0 && strcmp(dest, "*") == 0;
	r->payload = check(strdup(payload ? payload : ""));
	r->any_payload = strcmp(r->payload, "*") == 0;
	r->payload_len = unescape(r->payload);
}

static void read_reply_line(char *s, long delay, unsigned line)
{
	struct rule *r = n_rules ? &rules[n_rules - 1] : NULL;
	struct piece p = {.delay_ms = delay};

	if (!r)
		die("a reply before any request", line);
	if (strncmp(s, "stream", 6) == 0 && (s[6] == ' ' || !s[6])) {
		r->stream = true;
		s += s[6] ? 7 : 6;
	} else if (strncmp(s, "slow ", 5) == 0) {
		p.slow = true;
		s += 5;
	} else if (strncmp(s, "cut ", 4) == 0) {
		p.cut = true;
		s += 4;
	} else if (strcmp(s, "close") == 0) {
		s += 5;
	}
	p.bytes = check(strdup(s));
	p.len = unescape(p.bytes);
	r->pieces = check(reallocarray(r->pieces, r->n + 1, sizeof *r->pieces));
	r->pieces[r->n++] = p;
}

static void read_script(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;
	long delay = 0;

	if (!f)
		die(path, 0);
	for (unsigned line = 1; (n = getline(&text, &cap, f)) >= 0; line++) {
		if (n && text[n - 1] == '\n')
			text[n - 1] = '\0';
		if (!*text || *text == '#') {
			continue;
		} else if (strncmp(text, "> ", 2) == 0) {
			read_request_line(text + 2, line);
		} else if (strncmp(text, "< ", 2) == 0) {
			read_reply_line(text + 2, delay, line);
			delay = 0;
		} else if (strncmp(text, "delay ", 6) == 0) {
			delay = strtol(text + 6, NULL, 10);
		} else {
			die("neither '> ', '< ', 'delay ' nor '#'", line);
		}
	}
	free(text);
	fclose(f);
}

static int listen_at(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		die(path, 0);
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 256) < 0)
		die(path, 0);
	return fd;
}

/* The first rule that fits and was not used, else the last that fits, else the one for any request. */
static struct rule *find_rule(const char *method, const char *dest, const char *payload, size_t len)
{
	struct rule *found = NULL, *any = NULL;

	for (size_t i = 0; i < n_rules; i++) {
		struct rule *r = &rules[i];

		if (r->any)
			any = r;
		if (strcmp(r->method, method) != 0 || strcmp(r->dest, dest) != 0)
			continue;
		if (!r->any_payload && (r->payload_len != len || memcmp(r->payload, payload, len) != 0))
			continue;
		found = r;
		if (!r->asked)
			break;
	}
	if (!found)
		found = any;
	if (found)
		found->asked++;
	return found;
}

static void send_bytes(int fd, const char *p, size_t n, size_t step)
{
	for (size_t at = 0; at < n;) {
		ssize_t r = send(fd, p + at, n - at < step ? n - at : step, MSG_NOSIGNAL);

		if (r < 0)
			_exit(0);
		at += (size_t)r;
	}
}

/* In a process of its own, so that delays and slow readers hold nobody else up. */
static void answer(int fd, const struct rule *r)
{
	static const char unexpected[] = "2\0ProtocolError\0\0unexpected call\0";
	struct pollfd p = {.fd = fd};

	if (!r)
		send_bytes(fd, unexpected, sizeof unexpected - 1, sizeof unexpected);
	for (size_t i = 0; r && i < r->n; i++) {
		const struct piece *q = &r->pieces[i];
		struct timespec t = {q->delay_ms / 1000, q->delay_ms % 1000 * 1000000};

		size_t len = q->cut && r->asked <= q->len ? r->asked - 1 : q->len;

		nanosleep(&t, NULL);
		send_bytes(fd, q->bytes, len, q->slow ? 1 : len);
	}
	if (r && r->stream)
		while (poll(&p, 1, -1) >= 0 && !(p.revents & (POLLHUP | POLLERR)))
			;
	/* A server's child that answers more slowly holds a copy of this descriptor: closing is not enough. */
	shutdown(fd, SHUT_WR);
	_exit(0);
}

static void serve(struct conn *c, FILE *log, pid_t server)
{
	char *payload = memchr(c->data, '\0', c->len), *words[4] = {c->data};
	size_t n = 1, len = payload ? c->len - (size_t)(++payload - c->data) : 0;
	struct rule *r = NULL;

	/* The last word may hold blanks. */
	for (char *p = c->data; payload && n < 4 && (p = strchr(p, ' ')); n++) {
		*p++ = '\0';
		words[n] = p;
	}
	if (payload && n == 4) {
		char *method = with_plus(words[0]);
		const char *dest = strcmp(words[2], "keyword") == 0 ? "dom0" : words[3];

		r = find_rule(method, dest, payload, len);
		fprintf(log, "%s %s%s", dest, method, len ? " <- " : "");
		put_escaped(log, payload, len);
		free(method);
	} else {
		fputs("! ", log);
		put_escaped(log, c->data, c->len);
	}
	putc('\n', log);
	fflush(log);

	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == server)
			answer(c->fd, r);
		_exit(0);
	}
}

static void loop(int listener, FILE *log)
{
	struct conn *conns = NULL;
	struct pollfd *polls = NULL;
	size_t n = 0;
	pid_t self = getpid();

	for (;;) {
		polls = check(reallocarray(polls, n + 1, sizeof *polls));
		conns = check(reallocarray(conns, n + 1, sizeof *conns));
		polls[n] = (struct pollfd){.fd = listener, .events = POLLIN};
		for (size_t i = 0; i < n; i++)
			polls[i] = (struct pollfd){.fd = conns[i].fd, .events = POLLIN};
		if (poll(polls, n + 1, -1) < 0)
			continue;

		bool more = polls[n].revents != 0;

		for (size_t i = n; i-- > 0;) {
			struct conn *c = &conns[i];
			ssize_t r;

			if (!polls[i].revents)
				continue;
			c->data = check(realloc(c->data, c->len + 65537));
			r = read(c->fd, c->data + c->len, 65536);
			c->len += r > 0 ? (size_t)r : 0;
			c->data[c->len] = '\0';
			if (r > 0)
				continue;
			if (c->len)
				serve(c, log, self);
			close(c->fd);
			free(c->data);
			conns[i] = conns[--n];
		}
		if (more) {
			int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

			if (fd >= 0)
				conns[n++] = (struct conn){.fd = fd};
		}
	}
}

int main(int argc, char *argv[])
{
	if (argc != 4) {
		fputs("usage: scripted SOCKET SCRIPT LOG\n", stderr);
		return 2;
	}
	read_script(argv[2]);

	if (truncate(argv[3], 0) < 0 && errno != ENOENT)
		return 1;

	FILE *log = fopen(argv[3], "ae");
	int listener = listen_at(argv[1]);
	pid_t pid;

	if (!log)
		die(argv[3], 0);
	pid = fork();
	if (pid < 0)
		die("fork", 0);
	if (pid > 0) {
		char *name = NULL;
		FILE *f = asprintf(&name, "%s.pid", argv[1]) < 0 ? NULL : fopen(name, "we");

		if (!f || fprintf(f, "%d\n", (int)pid) < 0 || fclose(f) != 0)
			die("pid file", 0);
		_exit(0);
	}
	/* Nothing of the caller's may be held open: it may wait for the end of its pipes. */
	setsid();
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	alarm(1800);

	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 1024; fd++)
		if (fd <= 2)
			dup2(null, fd);
		else if (fd != listener && fd != fileno(log))
			close(fd);
	loop(listener, log);
}
