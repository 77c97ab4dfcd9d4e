/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines for qrexec-client. */
#include "cli/qrexec.h"

#include <errno.h>
#include <grp.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "model/names.h"

#define QREXEC_CLIENT "/usr/lib/qubes/qrexec-client"

void vmexec_encode(struct buf *b, const char *const *words)
{
	for (size_t i = 0; words[i]; i++) {
		if (i)
			buf_addch(b, '+');
		for (const char *s = words[i]; *s; s++) {
			char one[2] = {*s, '\0'};

			if (*s == '-')
				buf_addstr(b, "--");
			else if (chars_all(one, "A-Za-z0-9_."))
				buf_addch(b, *s);
			else
				buf_addf(b, "-%02X", (unsigned char)*s);
		}
	}
}

void shell_quote(struct buf *b, const char *const *words)
{
	for (size_t i = 0; words[i]; i++) {
		if (i)
			buf_addch(b, ' ');
		if (*words[i] && chars_all(words[i], "A-Za-z0-9_@%+=:,./-")) {
			buf_addstr(b, words[i]);
			continue;
		}
		buf_addch(b, '\'');
		for (const char *s = words[i]; *s; s++) {
			if (*s == '\'')
				buf_addstr(b, "'\"'\"'");
			else
				buf_addch(b, *s);
		}
		buf_addch(b, '\'');
	}
}

/* ---- what the qube can do ---- */

enum feature { VMEXEC, ROOTEXEC, OS };

static const char *const feature_names[] = {
	[VMEXEC] = "vmexec",
	[ROOTEXEC] = "supported-rpc.qubes.VMRootExec",
	[OS] = "os",
};

void qrexec_target_release(struct qrexec_target *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->features); i++)
		free(t->features[i]);
	err_release(&t->err);
	*t = (struct qrexec_target){0};
}

static bool has(const struct qrexec_target *t, enum feature f)
{
	return t->features[f] && *t->features[f];
}

static bool is_root(const struct qrexec_command *cmd)
{
	return cmd->user && streq(cmd->user, "root");
}

/* An empty line asks for an interactive shell: nothing is given to it first. */
static bool has_line(const struct qrexec_command *cmd)
{
	return cmd->kind == QREXEC_PROGRAM || *cmd->words[0];
}

/* The row of 6.4 is found by asking, in this order, only what has to be known. False: it is found. */
static bool next_feature(const struct qrexec_command *cmd, const struct qrexec_target *t, enum feature *ret)
{
	bool by_exec = cmd->kind == QREXEC_PROGRAM && has(t, VMEXEC);

	if (cmd->kind == QREXEC_SERVICE)
		return false;
	if (cmd->kind == QREXEC_PROGRAM && !t->features[VMEXEC])
		*ret = VMEXEC;
	else if (!cmd->session && is_root(cmd) && (by_exec || cmd->kind == QREXEC_SHELL) && !t->features[ROOTEXEC])
		*ret = ROOTEXEC;
	else if (!by_exec && has_line(cmd) && !t->features[OS])
		*ret = OS;
	else
		return false;
	return true;
}

/* What a call about a feature has said. */
static void learn(struct qrexec_target *t, struct call *call)
{
	char **value = call->result < 0 ? NULL : &call->body;

	for (size_t i = 0; i < ARRAY_SIZE(feature_names); i++)
		if (streq(call->arg, feature_names[i]) && (value || err_is(&call->err, "QubesFeatureNotFoundError"))) {
			t->features[i] = xstrdup(value ? *value : "");
			return;
		}
	err_move(&t->err, &call->err);
}

/* One question to each that has one left; false when none has. */
static bool ask_round(struct ctx *c, const struct qrexec_command *cmd, struct qrexec_target *t, size_t n)
{
	struct call *calls = xcalloc(n, sizeof *calls);
	CLEANUP_FREE size_t *who = xcalloc(n, sizeof *who);
	size_t asked = 0;

	for (size_t i = 0; i < n; i++) {
		enum feature f;

		if (!t[i].qube || t[i].err.type || !next_feature(cmd, &t[i], &f))
			continue;
		calls[asked] = (struct call){.dest = t[i].qube, .method = "admin.vm.feature.CheckWithTemplate",
					     .arg = feature_names[f]};
		who[asked++] = i;
	}
	if (asked)
		admin_run(&c->admin, calls, asked);
	for (size_t i = 0; i < asked; i++)
		learn(&t[who[i]], &calls[i]);
	calls_free(calls, asked);
	return asked;
}

void qrexec_ask(struct ctx *c, const struct qrexec_command *cmd, struct qrexec_target *t, size_t n)
{
	while (n && ask_round(c, cmd, t, n))
		;
}

/* ---- the service ---- */

void qrexec_service_release(struct qrexec_service *s)
{
	buf_release(&s->name);
	buf_release(&s->prefix);
}

/* The line that a shell reads first. */
static void add_shell_line(const struct qrexec_command *cmd, const struct qrexec_target *t, struct buf *b)
{
	if (cmd->kind == QREXEC_PROGRAM)
		shell_quote(b, cmd->words);
	else
		buf_addstr(b, cmd->words[0]);
	while (b->len && b->data[b->len - 1] == '\n')
		b->data[--b->len] = '\0';
	if (has_line(cmd))
		buf_addstr(b, has(t, OS) && streq(t->features[OS], "Windows") ? "& exit\n" : "; exit\n");
}

void qrexec_choose(const struct qrexec_command *cmd, const struct qrexec_target *t, struct qrexec_service *ret)
{
	bool by_root = !cmd->session && is_root(cmd) && has(t, ROOTEXEC);

	*ret = (struct qrexec_service){.user = by_root ? NULL : cmd->user};
	if (cmd->kind == QREXEC_SERVICE) {
		buf_addstr(&ret->name, cmd->words[0]);
	} else if (cmd->kind == QREXEC_PROGRAM && has(t, VMEXEC)) {
		buf_addf(&ret->name, "qubes.VM%s+", cmd->session ? "ExecGUI" : by_root ? "RootExec" : "Exec");
		vmexec_encode(&ret->name, cmd->words);
	} else {
		buf_addstr(&ret->name, cmd->session ? "qubes.VMShell+WaitForSession"
					: by_root   ? "qubes.VMRootShell"
						    : "qubes.VMShell");
		add_shell_line(cmd, t, &ret->prefix);
	}
}

/* ---- the client ---- */

static void client_argv(struct ctx *c, const char *dest, const struct qrexec_service *s,
			const struct qrexec_options *o, struct strv *ret)
{
	const char *program = getenv("QVM_QREXEC_CLIENT");

	strv_add(ret, program && *program ? program : QREXEC_CLIENT);
	strv_add(ret, "-d");
	strv_add(ret, dest);
	if (o->filter)
		strv_add(ret, "-t");
	if (o->filter || o->filter_err)
		strv_add(ret, "-T");
	if (o->detach)
		strv_add(ret, "-e");
	if (s->prefix.len) {
		strv_add(ret, "-p");
		strv_add(ret, buf_str(&s->prefix));
	}
	if (o->wait) {
		strv_add(ret, "-w");
		strv_add(ret, o->wait);
	}
	strv_addf(ret, "%s:QUBESRPC %s%s dom0", s->user ? s->user : "DEFAULT", buf_str(&s->name),
		  strchr(buf_str(&s->name), '+') ? "" : "+");
}

static void client_vm_argv(struct ctx *c, const char *dest, const struct qrexec_service *s,
			   const struct qrexec_options *o, struct strv *ret)
{
	strv_add(ret, c->admin.endpoint.path);
	if (o->no_filter) {
		strv_add(ret, "--no-filter-escape-chars-stdout");
		strv_add(ret, "--no-filter-escape-chars-stderr");
	}
	if (o->filter) {
		strv_add(ret, "-t");
		strv_add(ret, "-T");
	}
	if (s->prefix.len) {
		strv_add(ret, "-p");
		strv_add(ret, buf_str(&s->prefix));
	}
	strv_add(ret, dest);
	strv_add(ret, buf_str(&s->name));
}

int qrexec_argv(struct ctx *c, const char *dest, const struct qrexec_service *s, const struct qrexec_options *o,
		struct strv *ret, struct err *err)
{
	if (qrexec_is_dom0(c)) {
		client_argv(c, dest, s, o, ret);
		return 0;
	}
	if (s->user)
		return err_set(err, -EINVAL, "", "non-default user not possible for calls from VM");
	client_vm_argv(c, dest, s, o, ret);
	return 0;
}

static const char *first_of_qubes(void)
{
	const struct group *g = getgrnam("qubes");

	return g && g->gr_mem[0] ? g->gr_mem[0] : "user";
}

void qrexec_dom0_argv(const char *service, const char *user, struct strv *ret)
{
	const char *dir = getenv("QVM_RPC_DIR"), *plus = strchrnul(service, '+');
	const char *const words[] = {"env", "LC_ALL=C", "sudo", "-u", user ? user : first_of_qubes()};
	bool is_given = dir && *dir;

	for (size_t i = 0; i < (is_given ? 2 : ARRAY_SIZE(words)); i++)
		strv_add(ret, words[i]);
	strv_addf(ret, "%s/%.*s", is_given ? dir : "/etc/qubes-rpc", (int)(plus - service), service);
	strv_add(ret, *plus ? plus + 1 : "");
}

int qrexec_start(struct ctx *c, const char *qube, struct err *err)
{
	CLEANUP_ERR struct err why = ERR_INIT;
	int r = qrexec_is_dom0(c) ? admin_call(&c->admin, &why, qube, "admin.vm.Start", NULL, NULL, NULL, NULL) : 0;

	if (r == 0 || err_is(&why, "QubesVMNotHaltedError"))
		return 0;
	err_move(err, &why);
	return r;
}

int qrexec_root_argv(struct ctx *c, const char *qube, const char *const *words, struct strv *ret, struct err *err)
{
	const struct qrexec_command cmd = {.kind = QREXEC_PROGRAM, .words = words, .user = "root"};
	const struct qrexec_options options = {.filter_err = c->err_tty};
	CLEANUP_QREXEC_TARGET struct qrexec_target t = {.qube = qube};
	CLEANUP_QREXEC_SERVICE struct qrexec_service s = {{0}};
	int r;

	qrexec_ask(c, &cmd, &t, 1);
	if (t.err.type) {
		err_move(err, &t.err);
		return -EIO;
	}
	qrexec_choose(&cmd, &t, &s);
	r = qrexec_start(c, qube, err);
	return r < 0 ? r : qrexec_argv(c, qube, &s, &options, ret, err);
}
