/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the bytes of a request to its handler, and from what the handler says to the bytes of the reply. */
#include <errno.h>
#include <time.h>

#include "admin/exc.h"
#include "base/escape.h"
#include "base/mem.h"
#include "model/names.h"
#include "qvmd/policy.h"
#include "qvmd/server.h"

const struct method *const all_methods[] = {
	methods_list, methods_lifecycle, methods_create, methods_property, methods_feature,
	methods_tag, methods_label, methods_events, methods_stats,
	methods_notify, methods_denied, methods_device, methods_lab, methods_firewall,
	methods_pool, methods_volume, methods_import, methods_clone, methods_backup, methods_policy, NULL,
};

/* ---- log ---- */

void log_line(struct sys *s, const char *fmt, ...)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_BUF struct buf safe = BUF_INIT;
	char when[32];
	time_t now = time(NULL);
	struct tm tm;
	va_list ap;

	if (!s->log)
		return;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	term_escape(&safe, b.data, b.len, false);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S%z", localtime_r(&now, &tm));
	fprintf(s->log, "%s %s\n", when, buf_str(&safe));
	fflush(s->log);
}

/* ---- replies ---- */

/* After an answer: what was held is freed. */
static struct conn *answer(struct req *r)
{
	struct conn *c = r->conn;

	if (r->answered)
		abort();
	r->answered = true;
	if (r == conn_kept(c)) {
		conn_unkeep(c);
		req_free(r);
	}
	return c;
}

/* The seed promises for every list that a name as argument asks for that entry alone; no released daemon does it,
 * so only the newest generation here does (admin-api 2.17). */
static bool asks_for_entry(const struct req *r)
{
	const char *name = r->method->name;
	size_t n = strlen(name);

	return !r->sys->opt.compat && *r->arg && r->method->arg == PART_NONE && n > 5 && streq(name + n - 5, ".List");
}

/* Answers with the line of body that begins with the word asked for; with nothing when there is none. */
static void answer_entry(struct req *r, const char *body)
{
	size_t n = strlen(r->arg);

	while (*body) {
		const char *end = strchrnul(body, '\n');
		size_t len = (size_t)(end - body);

		if (len >= n && memcmp(body, r->arg, n) == 0 && (len == n || body[n] == ' ')) {
			conn_reply(answer(r), "0", 2, body, len + (*end == '\n'));
			return;
		}
		body = *end ? end + 1 : end;
	}
	conn_reply(answer(r), "0", 2, NULL, 0);
}

void req_ok(struct req *r, const char *text)
{
	size_t n = strlen(text);

	if (asks_for_entry(r)) {
		answer_entry(r, text);
		return;
	}

	if (r->held) {
		/* text may belong to the request */
		CLEANUP_FREE char *copy = xmemdup0(text, n);

		conn_reply(answer(r), "0", 2, copy, n);
		return;
	}
	conn_reply(answer(r), "0", 2, text, n);
}

void req_ok_buf(struct req *r, const struct buf *b)
{
	if (asks_for_entry(r))
		answer_entry(r, buf_str(b));
	else
		conn_reply(answer(r), "0", 2, b->data, b->len);
}

/* Refusals that only the next generation shows (admin-api 1.8, 2.13). */
static bool is_silent(const struct req *r, const char *type)
{
	return r->sys->opt.compat && (exc_is(type, "ProtocolError") || exc_is(type, "PermissionDenied") ||
				      streq(type, "QubesBackupProfileNotFoundError"));
}

static void fail_text(struct req *r, const char *type, const char *plain)
{
	CLEANUP_FREE char *quoted = exc_is_quoted(type) ? quote_py(plain) : NULL;
	CLEANUP_FREE char *traceback = NULL;
	CLEANUP_BUF struct buf b = BUF_INIT;
	const char *text = quoted ? quoted : plain;
	const char *name = r->method ? r->method->name : "none";

	log_line(r->sys, "%s+%s: %s: %s", name, r->arg, type, text);
	if (is_silent(r, type)) {
		conn_refuse(answer(r));
		return;
	}
	if (r->sys->opt.debug)
		traceback = xasprintf("qvmd " VERSION ", method %s, argument '%s', payload %zu bytes\n%s: %s\n",
				      name, r->arg, r->payload_len, type, text);
	reply_encode_exception(&b, type, traceback, text);
	conn_reply(answer(r), b.data, b.len, NULL, 0);
}

void req_fail(struct req *r, const char *type, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);

	CLEANUP_FREE char *text = xvasprintf(fmt, ap);

	va_end(ap);
	fail_text(r, type, text);
}

void req_fail_err(struct req *r, const struct err *e)
{
	fail_text(r, e->type && *e->type ? e->type : "QubesException", e->text ? e->text : "");
}

void req_refuse(struct req *r)
{
	log_line(r->sys, "%s+%s: no answer", r->method->name, r->arg);
	conn_refuse(answer(r));
}

void req_no_method(struct req *r)
{
	const char *name = r->method->name;
	size_t n = strcspn(name, "*");

	req_fail(r, "ProtocolError", "no such method: '%.*s%s%s'", (int)n, name, r->suffix,
		 name[n] ? name + n + 1 : "");
}

struct req *req_hold(struct req *r)
{
	struct req *copy = xmalloc(sizeof *copy);

	*copy = *r;
	copy->suffix = xstrdup(r->suffix);
	copy->arg = xstrdup(r->arg);
	copy->payload = xmemdup0(r->payload, r->payload_len);
	copy->held = r->held = true;
	conn_keep(r->conn, copy);
	return copy;
}

void req_free(struct req *r)
{
	if (!r)
		return;
	free((char *)r->suffix);
	free((char *)r->arg);
	free((char *)r->payload);
	free(r);
}

/* ---- checks ---- */

/* A qube of a header (admin-api 1.3). NULL with err when there is none. */
static struct vm *find_qube(struct sys *s, const char *name, bool is_dest, struct err *err)
{
	const char *uuid = is_dest && s->opt.compat != 42 ? skip_prefix(name, "uuid:") : NULL;
	struct vm *v = uuid ? NULL : vm_find(s, name);

	if (v)
		return v;
	if (uuid && !uuid_is_valid(uuid)) {
		err_set(err, -EINVAL, "QubesVMInvalidUUIDError", "VM UUID is not valid: '%s'", uuid);
		return NULL;
	}
	if (uuid)
		v = vm_find_uuid(s, uuid);
	else if (s->opt.compat != 42 && name_check_qube(name, err) < 0)
		return NULL;
	if (!v)
		err_set(err, -ENOENT, "QubesVMNotFoundError", "No such domain: '%s'", name);
	return v;
}

/* Rows that came after the generation we play; what only the seed has is always there (admin-api 0.1). */
static bool is_known(const struct method *m, int compat)
{
	const char *v = m->versions;

	if (!compat || v[0] == 'S')
		return true;
	return compat == 42 ? v[1] != '-' : v[1] != '-' || v[2] != '-';
}

/* True when name is the method's; *ret_word: the one word that stands for a star, or NULL. */
static bool is_name_of(const struct method *m, const char *name, char **ret_word)
{
	size_t head = strcspn(m->name, "*"), n = strlen(name);
	const char *tail = m->name[head] ? m->name + head + 1 : "";
	size_t rest = strlen(tail);

	if (!m->name[head])
		return streq(m->name, name);
	if (n <= head + rest || memcmp(name, m->name, head) != 0 || !streq(name + n - rest, tail) ||
	    memchr(name + head, '.', n - rest - head))
		return false;
	*ret_word = xstrndup(name + head, n - rest - head);
	return true;
}

/* *ret_word as above; the caller frees it. */
static const struct method *find_method(const char *name, int compat, char **ret_word)
{
	for (size_t t = 0; all_methods[t]; t++)
		for (const struct method *m = all_methods[t]; m->name; m++)
			if (is_name_of(m, name, ret_word))
				return is_known(m, compat) ? m : NULL;
	return NULL;
}

#define HEAD_MAX 8192

bool dispatch_is_ready(const char *data, size_t len)
{
	const char *payload = memchr(data, '\0', len);
	const struct method *m;
	CLEANUP_FREE char *name = NULL, *word = NULL;

	if (!payload || !memchr(data, ' ', len))
		return false;
	name = xstrndup(data, strcspn(data, "+ "));
	m = find_method(name, 0, &word);
	if (!m || !m->head_end)
		return false;
	payload++;
	len -= (size_t)(payload - data);
	return !*m->head_end || len > HEAD_MAX || strcspn(payload, m->head_end) < len;
}

/* The older generations look at these arguments no closer than at others (admin-api 1.7). */
static bool is_lenient(const struct req *r)
{
	const char *m = r->method->name;

	return r->sys->opt.compat && (streq(m, "admin.vm.property.Get") || streq(m, "admin.property.Get") ||
				      streq(m, "admin.vm.tag.Get") || streq(m, "admin.vm.feature.Set"));
}

/* The text of the first rule that is broken, in the order of admin-api 1.7; or NULL. */
static const char *broken_rule(const struct req *r)
{
	const struct method *m = r->method;
	bool to_dom0 = r->dest == r->sys->dom0;

	if (m->payload == PART_NEEDED && r->payload_len == 0 && !m->head_end)
		return "expected payload";
	if (m->payload == PART_NONE && r->payload_len != 0)
		return "unexpected payload";
	if (m->arg == PART_NEEDED && *r->arg == '\0' && !is_lenient(r))
		return "expected an argument";
	if (m->arg == PART_NONE && *r->arg != '\0' && !asks_for_entry(r))
		return "unexpected argument";
	if (m->dest == DEST_DOM0 && !to_dom0)
		return "expected destination to be AdminVM";
	if (m->dest == DEST_NOT_DOM0 && to_dom0)
		return "expected destination to not be AdminVM";
	return NULL;
}

/* Calls that qrexec leads to the daemon (admin-api 1.11): the others are for dom0 alone. */
static bool is_for_qubes(const char *method)
{
	static const char *const own[] = {"admin.vm.Suspend", "admin.vm.Resume", "admin.vm.Create.RemoteVM",
					  "admin.vm.CreateInPool.RemoteVM"};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (streq(method, own[i]))
			return false;
	return !skip_prefix(method, "internal.") && !skip_prefix(method, "lab.");
}

/* Runs a request that was let through. */
static void serve(struct sys *s, struct conn *c, const struct request *q)
{
	CLEANUP_ERR struct err e = ERR_INIT;
	CLEANUP_FREE char *word = NULL;
	const struct method *m = find_method(q->method, s->opt.compat, &word);
	struct req r = {
		.sys = s, .conn = c, .suffix = word ? word : "", .arg = q->arg, .payload = q->payload,
		.payload_len = q->payload_len,
	};

	if (m && m->access == ACCESS_EXECUTE && !server_settle(s)) {
		conn_refuse(c);
		return;
	}
	server_stand(s);
	r.source = find_qube(s, q->source, false, &e);
	if (r.source)
		r.dest = find_qube(s, q->dest, true, &e);
	if (!r.dest) {
		req_fail_err(&r, &e);
		return;
	}
	r.method = m;
	if (!m || (policy_is_on(s) && r.source != s->dom0 && !is_for_qubes(q->method))) {
		req_fail(&r, "ProtocolError", "no such method: '%s'", q->method);
		return;
	}

	const char *broken = broken_rule(&r);

	if (broken) {
		req_fail(&r, "ProtocolError", "%s", broken);
		return;
	}
	r.method->handle(&r);
	if (!r.answered && !r.held)
		abort();
}

/* ---- requests of qubes ---- */

/* One that waits for somebody's decision. */
struct waiting {
	struct sys *sys;
	struct conn *conn;
	struct request q; /* its texts are ours */
};

static void waiting_free(struct waiting *w)
{
	free((char *)w->q.method);
	free((char *)w->q.arg);
	free((char *)w->q.source);
	free((char *)w->q.dest);
	free((char *)w->q.payload);
	free(w);
}

static void decided(void *data, const struct policy_answer *a)
{
	struct waiting *w = data;

	if (a && policy_is_admin(a))
		serve(w->sys, w->conn, &w->q);
	else if (a)
		conn_refuse(w->conn);
	waiting_free(w);
}

/* The policy decides, now or when somebody was asked. A refusal is an empty reply (admin-api 1.4). */
static void serve_qube(struct sys *s, struct conn *c, const struct request *q)
{
	const struct policy_call call = {q->source, q->method, q->arg, q->dest};
	CLEANUP_POLICY_ANSWER struct policy_answer a = {0};
	struct waiting *w;

	policy_judge(s, &call, &a);
	if (a.action != POLICY_ASK) {
		if (policy_is_admin(&a))
			serve(s, c, q);
		else
			conn_refuse(c);
		return;
	}
	w = xmalloc(sizeof *w);
	*w = (struct waiting){s, c, {
		.method = xstrdup(q->method), .arg = xstrdup(q->arg), .source = xstrdup(q->source),
		.dest = xstrdup(q->dest), .payload = xmemdup0(q->payload, q->payload_len),
		.payload_len = q->payload_len,
	}};
	policy_ask(s, &call, &a, decided, w);
}

void dispatch(struct sys *s, struct conn *c, char *data, size_t len)
{
	struct request q;

	if (request_decode(data, len, &q) < 0) {
		log_line(s, "malformed request of %zu bytes", len);
		conn_refuse(c);
		return;
	}
	if (s->log)
		log_line(s, "%s -> %s %s+%s (%zu)", q.source, q.dest, q.method, q.arg, q.payload_len);
	if (policy_is_on(s) && !streq(q.source, "dom0"))
		serve_qube(s, c, &q);
	else
		serve(s, c, &q);
}
