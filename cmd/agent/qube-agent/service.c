/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services: found by name, run with the descriptors of their caller (vm-interface 8). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strv.h"
#include "os/io.h"
#include "qube-agent/agent.h"

#define AT_ONCE 256      /* services that run */
#define CONFIG_MAX 4096  /* vm-interface 8 */

/* /usr belongs to the host here: what a qube has in /usr/local lies in its volume. */
static const char *const service_dirs[] = { "/run/qubes-rpc", "/rw/usrlocal/etc/qubes-rpc", "/etc/qubes-rpc" };
static const char *const config_dirs[] = { "/run/qubes/rpc-config", "/rw/usrlocal/etc/qubes/rpc-config",
					   "/etc/qubes/rpc-config" };

/* ---- what is to run ---- */

/* The first file of one of two names in the directories, or NULL. The caller frees. */
static char *find_service(const char *full, const char *name)
{
	const char *names[] = { full, name };

	for (size_t n = 0; n < ARRAY_SIZE(names); n++)
		for (size_t i = 0; i < ARRAY_SIZE(service_dirs); i++) {
			CLEANUP_FREE char *path = xasprintf("%s/%s", service_dirs[i], names[n]);

			if (access(path, X_OK) == 0)
				return STEAL(path);
		}
	return NULL;
}

/* The user that the service's configuration demands; NULL: that of the caller. The caller frees. */
static char *forced_user(const char *name)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;
	CLEANUP_BUF struct buf text = BUF_INIT;
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(config_dirs) && r == -ENOENT; i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", config_dirs[i], name);

		r = read_file(path, &text, CONFIG_MAX);
	}
	if (r == 0)
		strv_split(&lines, buf_str(&text), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		const char *value = skip_prefix(lines.v[i], "force-user=");
		size_t n = value ? strlen(value) : 0;

		if (n > 2 && value[0] == '\'' && value[n - 1] == '\'')
			return xstrndup(value + 1, n - 2);
		if (n)
			return xstrdup(value);
	}
	return NULL;
}

/* ---- running it ---- */

struct plan {
	const char *path, *argument, *full, *caller, *user;
	uint64_t memory;
};

static void run_child(const struct plan *p, const struct fdset *fds)
{
	const char *home = user_home(p->user);
	CLEANUP_STRV struct strv env = STRV_INIT;
	char *argv[] = { (char *)p->path, *p->argument ? (char *)p->argument : NULL, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	for (int i = 0; i < 3; i++)
		if (dup2(fds->fd[i], i) < 0)
			_exit(CALL_STATUS_PROBLEM);
	user_limit(p->memory);
	if (user_become(p->user) < 0 || (chdir(home) < 0 && chdir("/") < 0))
		_exit(CALL_STATUS_PROBLEM);
	strv_add(&env, "PATH=/opt/qvm/qube-bin:/opt/qvm/bin:"
		       "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
	strv_add(&env, "LC_ALL=C.UTF-8");
	strv_add(&env, "QVM_QREXEC_CLIENT_VM=/opt/qvm/lib/qvm-tools/qrexec-client-vm");
	strv_add(&env, "SHELL=/bin/bash");
	strv_addf(&env, "HOME=%s", home);
	strv_addf(&env, "USER=%s", p->user);
	strv_addf(&env, "LOGNAME=%s", p->user);
	strv_addf(&env, "QREXEC_REMOTE_DOMAIN=%s", p->caller);
	strv_addf(&env, "QREXEC_SERVICE_FULL_NAME=%s", p->full);
	strv_addf(&env, "QREXEC_SERVICE_ARGUMENT=%s", p->argument);
	execve(p->path, argv, env.v);
	_exit(errno == ENOENT ? CALL_STATUS_NO_SERVICE : CALL_STATUS_PROBLEM);
}

static int start(struct services *s, uint32_t id, const struct plan *p, const struct fdset *fds)
{
	pid_t pid;

	if (!user_exists(s, p->user) || s->n >= AT_ONCE || fds->n != 3)
		return CALL_STATUS_PROBLEM;
	pid = fork();
	if (pid < 0)
		return CALL_STATUS_PROBLEM;
	if (pid == 0)
		run_child(p, fds);
	GROW(s->v, s->n, s->cap);
	s->v[s->n++] = (struct service_entry){ id, pid };
	return 0;
}

int service_begin(struct services *s, const struct call_msg *m, struct fdset *fds)
{
	const char *plus = strchrnul(m->service, '+');
	CLEANUP_FREE char *name = xstrndup(m->service, (size_t)(plus - m->service));
	CLEANUP_FREE char *path = NULL, *user = NULL;

	if (!call_service_is_valid(m->service))
		return CALL_STATUS_PROBLEM;
	path = find_service(m->service, name);
	if (!path)
		return CALL_STATUS_NO_SERVICE;
	user = forced_user(name);

	struct plan p = { .path = path, .memory = s->memory, .argument = *plus ? plus + 1 : "", .full = m->service,
			  .caller = m->name, .user = user ? user : *m->user ? m->user : s->default_user };

	return start(s, m->id, &p, fds);
}

void service_end(struct services *s, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		/* Before setsid it has no group yet. */
		if (s->v[i].id == id && kill(-s->v[i].pid, SIGTERM) < 0)
			kill(s->v[i].pid, SIGTERM);
}

bool service_reaped(struct services *s, pid_t pid, uint32_t *ret_id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].pid == pid) {
			*ret_id = s->v[i].id;
			s->v[i] = s->v[--s->n];
			return true;
		}
	return false;
}
