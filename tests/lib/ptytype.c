/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types into a program on a terminal of its own and shows its screen.
 *     ptytype [-t SECONDS] PROMPT COMMAND [ARG...]
 * Each line of standard input is one step: the keys are typed as soon as PROMPT stands at the beginning of a
 * line. In them \t \r \e and \\ are what they are in C, \xHH any byte. What the program writes goes to
 * standard output without carriage returns. Ends with the program; exit status 1 when that takes too long.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct screen {
	char *text; /* all so far, a newline in front */
	size_t len, cap;
	size_t seen; /* of it, already looked through for a prompt */
};

static void screen_add(struct screen *s, const char *p, size_t n)
{
	if (s->len + n + 1 > s->cap) {
		s->cap = (s->len + n + 1) * 2;
		s->text = realloc(s->text, s->cap);
		if (!s->text)
			abort();
	}
	for (size_t i = 0; i < n; i++)
		if (p[i] != '\r' && p[i])
			s->text[s->len++] = p[i];
	s->text[s->len] = '\0';
}

/* Goes behind the next prompt; false when there is none yet. */
static bool screen_prompt(struct screen *s, const char *prompt)
{
	for (const char *p = s->text + s->seen; (p = strchr(p, '\n')); p++)
		if (strncmp(p + 1, prompt, strlen(prompt)) == 0) {
			s->seen = (size_t)(p + 1 - s->text) + strlen(prompt);
			return true;
		}
	return false;
}

static size_t decode(char *s)
{
	char *out = s, *start = s;

	for (; *s && *s != '\n'; s++) {
		if (*s != '\\') {
			*out++ = *s;
			continue;
		}
		switch (*++s) {
		case 't':
			*out++ = '\t';
			break;
		case 'r':
			*out++ = '\r';
			break;
		case 'e':
			*out++ = '\033';
			break;
		case 'x': {
			char hex[3] = {s[1], s[1] ? s[2] : '\0', '\0'};

			*out++ = (char)strtoul(hex, NULL, 16);
			s += 2;
			break;
		}
		default:
			*out++ = *s;
		}
	}
	return (size_t)(out - start);
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

int main(int argc, char *argv[])
{
	/* Wide enough that no line is ever broken. */
	struct winsize size = {.ws_row = 50, .ws_col = 1000};
	struct screen screen = {0};
	long long deadline;
	int seconds = 30, opt, fd, status = 0;
	bool late = false;
	char *line = NULL;
	size_t cap = 0;
	pid_t pid;

	while ((opt = getopt(argc, argv, "+t:")) == 't')
		seconds = (int)strtol(optarg, NULL, 10);
	if (opt != -1 || argc - optind < 2)
		return 2;
	pid = forkpty(&fd, NULL, NULL, &size);
	if (pid < 0)
		return 2;
	if (pid == 0) {
		execvp(argv[optind + 1], argv + optind + 1);
		_exit(127);
	}
	deadline = now_ms() + seconds * 1000LL;
	screen_add(&screen, "\n", 1);
	while (true) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		long long left = deadline - now_ms();
		char buf[4096];
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) == 0) {
			late = true;
			break;
		}
		n = read(fd, buf, sizeof buf);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		screen_add(&screen, buf, (size_t)n);
		while (screen_prompt(&screen, argv[optind]) && getline(&line, &cap, stdin) > 0)
			if (!write_all(fd, line, decode(line)))
				break;
	}
	close(fd);
	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	fwrite(screen.text + 1, 1, screen.len - 1, stdout);
	free(screen.text);
	free(line);
	return late ? 1 : WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
