/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services in dom0, as children of the loop. */
#include "qvmd/dom0rpc.h"

#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"
#include "os/io.h"

struct dom0rpc {
	uv_process_t process;
	struct sys *sys;
	dom0rpc_fn *done; /* NULL: nobody waits */
	void *data;
};

/* What a paranoid restore reads a backup in dom0 by (backup-policy-clock 3.8). */
static const char *const services[] = { "qubes.RestoreById" };

static void closed(uv_handle_t *h)
{
	free(h->data);
}

static void on_exit_of(uv_process_t *p, int64_t status, int signum)
{
	struct dom0rpc *d = p->data;
	dom0rpc_fn *done = d->done;

	d->sys->n_children--;
	uv_close((uv_handle_t *)p, closed);
	if (done)
		done(d->data, signum ? 128 + signum : (int)status);
}

static bool is_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (streq(services[i], name))
			return true;
	return false;
}

/* A session of its own, so that its children can be ended with it; and nothing of the daemon's environment. */
static int start(struct dom0rpc *d, struct sys *s, const char *name, const char *arg, const char *caller,
		 const int fds[3])
{
	CLEANUP_FREE char *file = xasprintf("qubes-rpc/%s", name), *program = program_lib(file);
	CLEANUP_FREE char *lib = program_lib("");
	CLEANUP_FREE char *set_lib = xasprintf("QVM_LIBDIR=%s", lib);
	CLEANUP_FREE char *set_caller = xasprintf("QREXEC_REMOTE_DOMAIN=%s", caller);
	CLEANUP_FREE char *set_arg = xasprintf("QREXEC_SERVICE_ARGUMENT=%s", arg);
	char *argv[] = { program, (char *)arg, NULL };
	char *env[] = { "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C.UTF-8",
			set_lib, set_caller, set_arg, NULL };
	uv_stdio_container_t io[3];
	uv_process_options_t options = { .exit_cb = on_exit_of, .file = program, .args = argv, .env = env,
					 .stdio = io, .stdio_count = 3, .cwd = "/", .flags = UV_PROCESS_DETACHED };

	for (int i = 0; i < 3; i++)
		io[i] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = fds[i] };
	return uv_spawn(s->loop, &d->process, &options);
}

struct dom0rpc *dom0rpc_start(struct sys *s, const struct vm *caller, const char *service, const int fds[3],
			      dom0rpc_fn *done, void *data)
{
	const char *plus = strchrnul(service, '+');
	CLEANUP_FREE char *name = xstrndup(service, (size_t)(plus - service));
	struct dom0rpc *d;

	if (!is_known(name))
		return NULL;
	d = xcalloc(1, sizeof *d);
	d->process.data = d;
	if (start(d, s, name, *plus ? plus + 1 : "", caller->name, fds) < 0) {
		/* The handle is the loop's all the same. */
		uv_close((uv_handle_t *)&d->process, closed);
		return NULL;
	}
	s->n_children++;
	d->sys = s;
	d->done = done;
	d->data = data;
	return d;
}

void dom0rpc_end(struct dom0rpc *d)
{
	if (!d)
		return;
	d->done = NULL;
	kill(-d->process.pid, SIGTERM);
}
