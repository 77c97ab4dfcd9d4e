/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines for qrexec-client. */
#include "cli/qrexec.h"

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

/* Value of a feature of the qube or its template; "" when not set. */
static int feature(struct ctx *c, const char *qube, const char *name, char **ret, struct err *err)
{
	int r = admin_call(&c->admin, err, qube, "admin.vm.feature.CheckWithTemplate", name, NULL, ret, NULL);

	if (r < 0 && err_is(err, "QubesFeatureNotFoundError")) {
		err_release(err);
		*ret = xstrdup("");
		return 0;
	}
	return r;
}

/* The service and, for a shell, the line it reads first. */
static int choose_service(struct ctx *c, const char *qube, const char *const *words, struct buf *service,
			  struct buf *prefix, bool *ret_user_root, struct err *err)
{
	CLEANUP_FREE char *vmexec = NULL, *rootexec = NULL, *os = NULL;
	int r = feature(c, qube, "vmexec", &vmexec, err);

	if (r < 0)
		return r;
	if (*vmexec) {
		r = feature(c, qube, "supported-rpc.qubes.VMRootExec", &rootexec, err);
		if (r < 0)
			return r;
		*ret_user_root = !*rootexec;
		buf_addstr(service, *rootexec ? "qubes.VMRootExec+" : "qubes.VMExec+");
		vmexec_encode(service, words);
		return 0;
	}
	r = feature(c, qube, "os", &os, err);
	if (r < 0)
		return r;
	*ret_user_root = true;
	buf_addstr(service, "qubes.VMShell+");
	shell_quote(prefix, words);
	buf_addstr(prefix, streq(os, "Windows") ? "& exit\n" : "; exit\n");
	return 0;
}

static const char *client(void)
{
	const char *program = getenv("QVM_QREXEC_CLIENT");

	return program && *program ? program : QREXEC_CLIENT;
}

void qrexec_service_argv(struct ctx *c, const char *qube, const char *service, struct strv *ret)
{
	if (c->admin.endpoint.kind == ENDPOINT_QREXEC) {
		strv_add(ret, c->admin.endpoint.path);
		strv_add(ret, qube);
		strv_add(ret, service);
		return;
	}
	strv_add(ret, client());
	strv_add(ret, "-d");
	strv_add(ret, qube);
	strv_addf(ret, "DEFAULT:QUBESRPC %s%s dom0", service, strchr(service, '+') ? "" : "+");
}

int qrexec_root_argv(struct ctx *c, const char *qube, const char *const *words, struct strv *ret, struct err *err)
{
	CLEANUP_BUF struct buf service = BUF_INIT, prefix = BUF_INIT;
	bool root = false;
	int r = choose_service(c, qube, words, &service, &prefix, &root, err);

	if (r < 0)
		return r;
	r = admin_call(&c->admin, err, qube, "admin.vm.Start", NULL, NULL, NULL, NULL);
	if (r < 0 && !err_is(err, "QubesVMNotHaltedError"))
		return r;
	err_release(err);
	strv_add(ret, client());
	strv_add(ret, "-d");
	strv_add(ret, qube);
	if (c->err_tty)
		strv_add(ret, "-T");
	if (prefix.len) {
		strv_add(ret, "-p");
		strv_add(ret, buf_str(&prefix));
	}
	strv_addf(ret, "%s:QUBESRPC %s dom0", root ? "root" : "DEFAULT", buf_str(&service));
	return 0;
}
