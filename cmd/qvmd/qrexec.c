/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of services: who calls is known by the socket, policy decides, and the agent of the target does the rest. */
#include "qvmd/qrexec_impl.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/frame.h"
#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"
#include "qvmd/create.h"
#include "qvmd/dom0rpc.h"
#include "qvmd/permit.h"
#include "qvmd/power.h"
#include "qvmd/sandbox.h"
#include "qvmd/server.h"

/* ---- the end of a call ---- */

static void call_free(struct call *c)
{
	struct vm *disposable = c->disposable ? vm_find_uuid(c->sys, c->target) : NULL;

	if (c->prev)
		c->prev->next = c->next;
	else
		c->sys->qrexec->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	dom0rpc_end(c->in_dom0);
	fdset_release(&c->fds);
	free(c->service);
	free(c->user);
	client_close(c);
	/* Nothing of the call is left that its end could reach. */
	if (disposable && disposable->power != POWER_HALTED)
		power_kill(disposable, NULL);
}

void call_end(struct call *c, int status, const char *why)
{
	struct call_msg m = { .kind = CALL_EXIT, .value = status, .name = why };

	call_send(c->sock, &m, NULL, 0);
	call_free(c);
}

static struct call *call_find(struct vm *v, uint32_t id)
{
	struct call *c = v->sys->qrexec->first;

	while (c && !(c->id == id && c->state == CALL_RUNS && streq(c->target, v->uuid)))
		c = c->next;
	return c;
}

void call_abandon(struct call *c)
{
	struct vm *target = c->state == CALL_RUNS && !c->stays ? vm_find_uuid(c->sys, c->target) : NULL;
	struct call_msg m = { .kind = CALL_END, .id = c->id };

	if (target)
		sandbox_send(target, &m, NULL, 0);
	call_free(c);
}

/* ---- a service in a qube ---- */

static void call_run(struct call *c, struct vm *target)
{
	struct vm *source = vm_find_uuid(c->sys, listener_source(c->from));
	struct call_msg m = { .kind = CALL_RUN, .id = c->id, .name = source->name, .user = c->user,
			      .service = c->service };
	int r;

	c->state = CALL_RUNS;
	r = sandbox_send(target, &m, c->fds.fd, c->fds.n);
	fdset_release(&c->fds);
	if (r < 0)
		call_end(c, CALL_STATUS_PROBLEM, "the agent of the qube does not listen");
}

static void call_in_qube(struct call *c, struct vm *target)
{
	if (!sandbox_is_real(c->sys))
		return call_end(c, CALL_STATUS_PROBLEM, "nothing runs in the qubes of this lab (null driver)");
	if (target->power == POWER_PAUSED)
		return call_end(c, CALL_STATUS_PROBLEM, "the qube is paused");
	if (target->power == POWER_HALTING || target->power == POWER_DYING)
		return call_end(c, CALL_STATUS_PROBLEM, "the qube is shutting down");
	if (target->power == POWER_HALTED && !c->starts)
		return call_end(c, CALL_STATUS_PROBLEM, "the qube is not running");
	memcpy(c->target, target->uuid, sizeof c->target);
	if (sandbox_is_ready(target))
		return call_run(c, target);
	c->state = CALL_WAITS;
	power_wake(target);
}

void qrexec_begun(struct vm *v, uint32_t id)
{
	struct call *c = call_find(v, id);
	struct call_msg m = { .kind = CALL_BEGUN };

	if (c)
		c->begun = true;
	if (c && call_send(c->sock, &m, NULL, 0) < 0)
		call_abandon(c);
}

void qrexec_ended(struct vm *v, uint32_t id, int status)
{
	struct call *c = call_find(v, id);
	const char *why = NULL;

	if (c && !c->begun)
		why = status == CALL_STATUS_NO_SERVICE ? "there is no such service" : "the agent refuses to run it";
	if (c)
		call_end(c, status & 0xff, why);
}

/* Calls for the qube in that state: the first, or NULL. */
static struct call *next_for(struct vm *v, enum call_state state)
{
	struct call *c = v->sys->qrexec ? v->sys->qrexec->first : NULL;

	while (c && !(c->state == state && streq(c->target, v->uuid)))
		c = c->next;
	return c;
}

void qrexec_up(struct vm *v)
{
	struct call *c;

	while ((c = next_for(v, CALL_WAITS)))
		call_run(c, v);
}

/* ---- dom0 as a target ---- */

static void on_dom0_end(void *data, int status)
{
	struct call *c = data;

	c->in_dom0 = NULL;
	call_end(c, status, NULL);
}

static void call_in_dom0(struct call *c)
{
	struct call_msg m = { .kind = CALL_BEGUN };

	c->in_dom0 = dom0rpc_start(c->sys, vm_find_uuid(c->sys, listener_source(c->from)), c->service, c->fds.fd,
				   on_dom0_end, c);
	if (!c->in_dom0)
		return call_end(c, CALL_STATUS_NO_SERVICE, "there is no such service in dom0");
	c->state = CALL_RUNS;
	fdset_release(&c->fds);
	call_send(c->sock, &m, NULL, 0);
}

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* since Linux 6.16 */
#endif

/* A connection of the Admin API for the client, which begins with what it has no say in (admin-api 1.11). */
static void call_admin(struct call *c, const char *target)
{
	const struct vm *source = vm_find_uuid(c->sys, listener_source(c->from));
	const char *plus = strchr(c->service, '+');
	CLEANUP_FREE char *method = plus ? xstrndup(c->service, (size_t)(plus - c->service)) : xstrdup(c->service);
	CLEANUP_BUF struct buf head = BUF_INIT;
	struct call_msg m = { .kind = CALL_STREAM };
	int ends[2];

	request_encode(&head, method, plus ? plus + 1 : "", source->name, target, NULL, 0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return call_end(c, CALL_STATUS_PROBLEM, "too many calls");
	set_nonblock(ends[1], false);
	/* A descriptor that came with the bytes would be closed by whoever reads them. */
	setsockopt(ends[0], SOL_SOCKET, SO_PASSRIGHTS, &(int){ 0 }, sizeof(int));
	call_send(c->sock, &m, &ends[1], 1);
	close(ends[1]);
	if (server_adopt(c->sys, ends[0], listener_source(c->from), &head) < 0)
		close(ends[0]);
	call_free(c);
}

/* ---- the beginning of a call ---- */

/* "@dispvm" is the caller's own choice of a template. */
static void call_disposable(struct call *c, const char *template)
{
	struct vm *source = vm_find_uuid(c->sys, listener_source(c->from)), *t, *v;
	CLEANUP_ERR struct err err = ERR_INIT;

	if (*template)
		t = vm_find(c->sys, template);
	else
		t = vm_has_prop(source, "default_dispvm") ? prop_get_vm(source, "default_dispvm") : NULL;
	v = disposable_new(t, source, &err);
	if (!v)
		return call_end(c, CALL_STATUS_REFUSED, err.text);
	c->disposable = c->starts = true;
	call_in_qube(c, v);
}

/* A target and a user have been decided on. */
static void call_go(struct call *c, const struct permit *p)
{
	bool to_dom0 = streq(p->target, "dom0") || streq(p->target, "@adminvm");
	const char *disposable = skip_prefix(p->target, "@dispvm");
	struct vm *target = to_dom0 || disposable ? NULL : vm_find(c->sys, p->target);

	c->user = xstrdup(p->user);
	c->starts = c->starts || p->starts;
	if (skip_prefix(c->service, "admin."))
		return call_admin(c, to_dom0 ? "dom0" : p->target);
	if (to_dom0)
		return call_in_dom0(c);
	if (disposable)
		return call_disposable(c, *disposable == ':' ? disposable + 1 : disposable);
	if (!target || !power_is_switched(target))
		return call_end(c, CALL_STATUS_REFUSED, "there is no such qube");
	call_in_qube(c, target);
}

/* Which call it is about, for as long as the answer may take: its client may go away. */
struct question {
	struct sys *sys;
	uint32_t id;
};

static void on_permit(void *data, const struct permit *p)
{
	struct question *q = data;
	struct call *c = q->sys->qrexec ? q->sys->qrexec->first : NULL;

	while (c && !(c->id == q->id && c->state == CALL_ASKS))
		c = c->next;
	free(q);
	if (c && p)
		return call_go(c, p);
	if (c) {
		log_line(c->sys, "call of %s refused", c->service);
		call_end(c, CALL_STATUS_REFUSED, NULL);
	}
}

void call_begin(struct call *c, const struct call_msg *m, struct fdset *fds)
{
	const struct permit_call asked = { .source = vm_find_uuid(c->sys, listener_source(c->from)),
					   .service = m->service, .target = m->name, .user = m->user };
	struct question *q;

	if (m->kind != CALL_RUN || fds->n != 3 || !call_service_is_valid(m->service))
		return call_end(c, CALL_STATUS_PROBLEM, "malformed call");
	log_line(c->sys, "%s calls %s in %s", asked.source->name, m->service, m->name);
	c->fds = *fds;
	*fds = FDSET_INIT;
	c->service = xstrdup(m->service);
	c->stays = m->value & CALL_NO_WAIT;
	c->starts = (m->value & CALL_START) && c->from == c->sys->qrexec->dom0;
	c->id = ++c->sys->qrexec->last_id;
	c->state = CALL_ASKS;
	q = xmalloc(sizeof *q);
	*q = (struct question){ c->sys, c->id };
	permit_ask(c->sys, &asked, on_permit, q);
}

/* ---- for others ---- */

void qrexec_listen(struct vm *v, int fd)
{
	v->calls = listener_new(v->sys, v->uuid, fd);
}

void qrexec_down(struct vm *v)
{
	struct call *c;

	if (!v->sys->qrexec)
		return;
	listener_free(STEAL(v->calls));
	while ((c = next_for(v, CALL_RUNS)) || (c = next_for(v, CALL_WAITS)))
		call_end(c, CALL_STATUS_PROBLEM, "the qube has ended");
}

const char *qrexec_socket(const struct sys *s)
{
	return s->qrexec && sandbox_is_real(s) ? s->qrexec->path : NULL;
}

int qrexec_open(struct sys *s, struct err *err)
{
	struct qrexec *q = xcalloc(1, sizeof *q);
	int fd;

	s->qrexec = q;
	q->path = xasprintf("%s" CALL_SOCKET_SUFFIX, s->opt.socket_path);
	fd = sock_listen_again(q->path, 0660, SOCK_SEQPACKET);
	/* Whoever listens there listens at the other one, too, which is the one that people know. */
	if (fd == -EADDRINUSE || fd == -ENAMETOOLONG)
		return err_set(err, fd, "", "cannot listen at '%s': %s", s->opt.socket_path, strerror(-fd));
	if (fd < 0)
		return err_set(err, fd, "", "cannot listen at '%s': %s", q->path, strerror(-fd));
	q->dom0 = listener_new(s, s->dom0->uuid, fd);
	return q->dom0 ? 0 : err_set(err, -ENOMEM, "", "cannot watch '%s'", q->path);
}

void qrexec_close(struct sys *s)
{
	struct qrexec *q = s->qrexec;

	if (!q)
		return;
	for (size_t i = 0; i < s->n_vms; i++)
		qrexec_down(s->vms[i]);
	if (q->dom0)
		unlink(q->path);
	listener_free(STEAL(q->dom0));
	s->qrexec = NULL;
	free(q->path);
	free(q);
}
