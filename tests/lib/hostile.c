/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In a qube: sends to the socket of its agent what no client of ours would, and prints the answer to each.
 * usage: hostile SOCKET [CASE...]   all that end by themselves, or these
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_FDS 253 /* of one message (SCM_MAX_FD) */
#define MESSAGE_MAX (65000 + 1024)
#define ANSWER_SECONDS 20
#define SERVED 64 /* connections of a qube at once */

static const char *path;

static void die(const char *what)
{
	printf("hostile: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- the socket ---- */

static int join_socket(int flags)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	int s = socket(AF_UNIX, SOCK_SEQPACKET | flags, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	if (connect(s, (struct sockaddr *)&to, sizeof to) < 0) {
		close(s);
		return -1;
	}
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return s;
}

static void send_with(int s, const void *data, size_t len, const int *fds, size_t n)
{
	char control[CMSG_SPACE(sizeof(int) * MOST_FDS)] = {0};
	struct iovec iov = { (void *)data, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n) {
		struct cmsghdr *c = (struct cmsghdr *)control;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(int) * n), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	}
	if (sendmsg(s, &m, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
		die("sendmsg");
}

/* Its kind, what it says, or that it is no more. */
static void answer(int s, const char *what, long number)
{
	char buffer[4096] = "";
	ssize_t n = recv(s, buffer, sizeof buffer - 1, 0);
	int32_t head[3];

	printf("%s %ld: ", what, number);
	if (n >= (ssize_t)sizeof head) {
		memcpy(head, buffer, sizeof head);
		printf("%d %d%s%.*s\n", head[0], head[2], buffer[sizeof head] ? " " : "",
		       (int)(n - (ssize_t)sizeof head), buffer + sizeof head);
	} else {
		puts(n < 0 && errno == EAGAIN ? "nothing" : "closed");
	}
	close(s);
}

/* ---- messages ---- */

static size_t message(char *to, int32_t kind, const char *target, const char *user, const char *service)
{
	const int32_t head[3] = { kind, 0, 0 };
	const char *const texts[] = { target, user, service };
	size_t n = sizeof head;

	memcpy(to, head, sizeof head);
	for (size_t i = 0; i < 3; i++) {
		memcpy(to + n, texts[i], strlen(texts[i]) + 1);
		n += strlen(texts[i]) + 1;
	}
	return n;
}

static void send_call(int s, const char *target, const int *fds, size_t n)
{
	char text[4096];

	send_with(s, text, message(text, 1, target, "", "qubes.VMExec+id"), fds, n);
}

/* Sends them so that the last of them has no other copy than the one that is under way: a child does it, for the end
 * of a process waits for nothing, should it come later than that copy's. */
static void send_last(int s, const char *target, int *fds, size_t n)
{
	int go[2], pid = pipe(go) < 0 ? -1 : fork();
	char c;

	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &c, 1) == 0 && target)
			send_call(s, target, fds, n);
		else
			send_with(s, "", 0, fds, n);
		_exit(0);
	}
	close(fds[n - 1]);
	close(go[0]);
	close(go[1]);
	if (waitpid(pid, NULL, 0) < 0)
		die("a child");
}

static int *pipes(void)
{
	static int fd[3];
	int ends[2];

	if (fd[0])
		return fd;
	for (int i = 0; i < 3; i++)
		fd[i] = pipe(ends) < 0 ? -1 : ends[i > 0];
	return fd;
}

static char *many(char c, size_t n)
{
	char *text = calloc(1, n + 1);

	memset(text, c, n);
	return text;
}

/* ---- descriptors ---- */

/* A connection within the qube whose close() waits until its other end has read what nobody reads. */
static int lingering(void)
{
	static const struct linger forever = { 1, 10000 };
	static const char piece[65536];
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(l, (struct sockaddr *)&a, sizeof a) < 0 || listen(l, 1) < 0 ||
	    getsockname(l, (struct sockaddr *)&a, &len) < 0 || connect(s, (struct sockaddr *)&a, sizeof a) < 0)
		die("a connection");
	while (send(s, piece, sizeof piece, MSG_DONTWAIT) > 0)
		;
	setsockopt(s, SOL_SOCKET, SO_LINGER, &forever, sizeof forever);
	return s;
}

/* One of these lies in a socket that is handed on in its place. */
static int nested(void)
{
	int ends[2], s = lingering();

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
		die("socketpair");
	send_with(ends[0], "x", 1, &s, 1);
	close(s);
	close(ends[0]);
	return ends[1];
}

static int strange(int kind)
{
	int ends[2];

	switch (kind) {
	case 0: return open("/", O_RDONLY);
	case 1: return open("/dev/null", O_RDWR);
	case 2: return mkfifo("/tmp/fifo", 0600) < 0 && errno != EEXIST ? -1 : open("/tmp/fifo", O_RDWR);
	case 3: return open("/tmp", O_TMPFILE | O_RDWR, 0600);
	case 4: return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 ? -1 : ends[0];
	case 5: return eventfd(0, 0);
	case 6: return epoll_create1(0);
	case 7: return memfd_create("pipe:[1]", 0);
	case 8: return open("/", O_PATH);
	case 9: return lingering();
	case 10: return nested();
	default: return -1;
	}
}

/* ---- a file system of its own ---- */

static void reply(int dev, const struct fuse_in_header *in, int error, const void *data, size_t n)
{
	const struct fuse_out_header head = { (uint32_t)(sizeof head + n), error, in->unique };
	const struct iovec parts[] = { { (void *)&head, sizeof head }, { (void *)data, n } };

	if (writev(dev, parts, 2) < 0)
		die("fuse");
}

/* Serves one file, whose close() has no end. */
static void serve(int dev)
{
	static char request[FUSE_MIN_READ_BUFFER + 65536];
	const struct fuse_in_header *in = (void *)request;
	const struct fuse_init_out begin = { .major = 7, .minor = 31, .max_write = 4096 };
	struct fuse_entry_out entry = { .nodeid = 2, .attr = { .ino = 2, .mode = S_IFREG | 0666, .nlink = 1 } };
	struct fuse_attr_out attr = { .attr = { .ino = 1, .mode = S_IFDIR | 0777, .nlink = 2 } };
	const struct fuse_open_out opened = { .fh = 1 };

	while (read(dev, request, sizeof request) > 0)
		switch (in->opcode) {
		case FUSE_INIT: reply(dev, in, 0, &begin, sizeof begin); break;
		case FUSE_LOOKUP: reply(dev, in, 0, &entry, sizeof entry); break;
		case FUSE_GETATTR: reply(dev, in, 0, &attr, sizeof attr); break;
		case FUSE_OPEN: reply(dev, in, 0, &opened, sizeof opened); break;
		case FUSE_FLUSH: case FUSE_RELEASE: case FUSE_FORGET: break;
		default: reply(dev, in, -ENOSYS, NULL, 0); break;
		}
}

static void write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(file);
	close(fd);
}

static int own_file(void)
{
	char options[128], users[32], groups[32];
	int dev, fd;

	snprintf(users, sizeof users, "0 %d 1", (int)getuid());
	snprintf(groups, sizeof groups, "0 %d 1", (int)getgid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		die("a namespace");
	write_text("/proc/self/uid_map", users);
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/gid_map", groups);
	dev = open("/dev/fuse", O_RDWR);
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	if (mkdir("/tmp/own", 0700) < 0 || mount("own", "/tmp/own", "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		die("a file system");
	if (fork() == 0) {
		serve(dev);
		_exit(0);
	}
	close(dev);
	fd = open("/tmp/own/file", O_RDWR);
	if (fd < 0)
		die("a file of its own");
	return fd;
}

/* ---- the cases ---- */

static void lengths(void)
{
	static const size_t sizes[] = { 0, 1, 4, 11, 12, 13, MESSAGE_MAX, MESSAGE_MAX + 1, 150000 };
	char *text = calloc(1, 150000);

	text[0] = 1;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int s = join_socket(0);

		send_with(s, text, sizes[i], pipes(), 3);
		answer(s, "length", (long)sizes[i]);
	}
	free(text);
}

static void texts(void)
{
	static const size_t sizes[][2] = { { 255, 10 }, { 256, 10 }, { 1, 65000 }, { 1, 65001 }, { 0, 0 } };
	char *text = malloc(MESSAGE_MAX);

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *target = many('t', sizes[i][0]), *service = many('s', sizes[i][1]);
		int s = join_socket(0);

		send_with(s, text, message(text, 1, target, "", service), pipes(), 3);
		answer(s, "text", (long)(sizes[i][0] + sizes[i][1]));
		free(target);
		free(service);
	}
	free(text);
}

static void kinds(void)
{
	static const int32_t values[] = { -1, 0, 2, 3, 4, 5, 9, 10, INT32_MAX };
	char text[256];

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		int s = join_socket(0);

		send_with(s, text, message(text, values[i], "personal", "", "a.B"), pipes(), 3);
		answer(s, "kind", values[i]);
	}
}

static void controls(void)
{
	static const char *const names[] = {
		"\033[2J\r\nforged line\a", "personal\t\177", "\233\377\302\233", "../dom0"
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int s = join_socket(0);

		send_call(s, names[i], pipes(), 3);
		answer(s, "name", (long)i);
	}
}

static void counts(void)
{
	static const size_t numbers[] = { 0, 1, 2, 3, 4, 5, 16, 64, 128, 250, MOST_FDS };
	int fds[MOST_FDS];

	for (int i = 0; i < MOST_FDS; i++)
		fds[i] = pipes()[i % 3];
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		int s = join_socket(0);

		send_call(s, "personal", fds, numbers[i]);
		answer(s, "descriptors", (long)numbers[i]);
	}
}

static void descriptors(void)
{
	for (int kind = 0; kind <= 10; kind++) {
		int s = join_socket(0), fds[3] = { pipes()[0], pipes()[1], strange(kind) };

		if (fds[2] < 0)
			die("a descriptor");
		send_last(s, "personal", fds, 3);
		answer(s, "descriptor", kind);
	}
}

/* Where nobody looks at them: beside others, and in a second message. Whether there is an answer depends on who is
 * first to close his copy. */
static void hidden(void)
{
	int fds[64], n = 0;

	for (; n < 8; n++) {
		int s = join_socket(0), t = join_socket(0);

		for (int i = 0; i < 63; i++)
			fds[i] = pipes()[i % 3];
		fds[63] = lingering();
		send_last(s, "personal", fds, 64);
		send_call(t, "personal", fds, 3);
		fds[0] = lingering();
		send_last(t, NULL, fds, 1);
	}
	printf("hidden %d: sent\n", n);
}

/* Everything up to a byte, and then nobody is there. */
static void cuts(void)
{
	char text[256];
	size_t n = message(text, 1, "personal", "user", "qubes.VMExec+id");

	for (size_t i = 0; i <= n; i++) {
		int s = join_socket(0);

		send_with(s, text, i, pipes(), i % 4);
		close(s);
	}
	printf("cuts %zu: done\n", n);
}

/* Connections that say nothing, as many as are let; some that nobody accepts have something in them. */
static void silent(void)
{
	int n = 0, fd;

	for (int i = 0; i < 1000; i++) {
		int s = join_socket(SOCK_NONBLOCK);

		if (s < 0)
			break;
		n++;
		if (i < SERVED || i % 16)
			continue;
		fd = lingering();
		send_with(s, "x", 1, &fd, 1);
		close(fd);
	}
	printf("silent: %s\n", n > SERVED ? "more than are served" : "few");
	fflush(stdout);
	for (;;)
		pause();
}

/* More files than may be under way, each of which is closed for ever. */
static void endless(void)
{
	int fds[4], n = 0;

	fds[0] = fds[1] = fds[2] = fds[3] = own_file();
	for (; n < 200; n++) {
		int s = join_socket(SOCK_NONBLOCK);

		if (s < 0)
			break;
		send_call(s, "personal", fds, 3 + (size_t)n % 2);
	}
	printf("endless: %s\n", n > SERVED ? "more than are served" : "few");
	fflush(stdout);
	for (;;)
		pause();
}

/* A descriptor along with the bytes of a method of the Admin API. */
static void stream(void)
{
	char text[256], control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { text, sizeof text };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof control };
	int s = join_socket(0), fd = -1;

	send_with(s, text, message(text, 1, "dom0", "", "admin.vm.List"), pipes(), 3);
	if (recvmsg(s, &m, 0) > 0 && m.msg_controllen)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	printf("stream %d: ", fd >= 0);
	fflush(stdout);
	send_with(fd, "x", 1, pipes(), 1);
	puts("taken");
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "lengths", lengths }, { "texts", texts }, { "kinds", kinds }, { "controls", controls },
	{ "counts", counts }, { "descriptors", descriptors }, { "hidden", hidden }, { "cuts", cuts },
	{ "stream", stream }, { "silent", silent }, { "endless", endless },
};
#define CASES (sizeof cases / sizeof *cases)

int main(int argc, char *argv[])
{
	if (argc < 2)
		return 2;
	path = argv[1];
	for (size_t i = 0; i < CASES; i++) {
		bool wanted = argc == 2 && i < CASES - 3;

		for (int k = 2; k < argc; k++)
			wanted = wanted || strcmp(argv[k], cases[i].name) == 0;
		if (wanted)
			cases[i].run();
		fflush(stdout);
	}
	return 0;
}
