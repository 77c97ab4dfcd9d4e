/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Held signals. */
#include "os/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include "os/io.h"

void signals_hold(struct signals *s)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, &s->before);
	s->fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_came(struct signals *s)
{
	struct signalfd_siginfo info;

	if (s->fd < 0 || read(s->fd, &info, sizeof info) != (ssize_t)sizeof info)
		return 0;
	return (int)info.ssi_signo;
}

void signals_release(struct signals *s)
{
	if (s->fd < 0)
		return;
	closep(&s->fd);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

void signals_end_by(int number)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, number);
	signal(number, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	raise(number);
}
