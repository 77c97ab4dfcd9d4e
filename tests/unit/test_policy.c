/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy: files, the grammar and its errors, what it says about calls (backup-policy-clock 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/io.h"
#include "../lib/policyworld.h"

static const struct policy_dirs all_dirs = {"/p", "/run", "/old"};

/* What loading files says: its error, or "FILE:LINE SERVICE ARG SOURCE TARGET ACTION" of each rule. */
static char *loaded(const char *files)
{
	struct texts t = {files, files + strlen(files)};
	struct policy_files from = texts_files(&t);
	CLEANUP_POLICY struct policy p = {0};
	CLEANUP_ERR struct err e = ERR_INIT;
	static const char *const actions[] = {"deny", "allow", "ask"};
	struct buf b = BUF_INIT;

	if (policy_load(&p, &all_dirs, &from, &e) < 0) {
		assert_int_equal(p.n, 0);
		return xstrdup(e.text);
	}
	for (size_t i = 0; i < p.n; i++) {
		const struct policy_rule *r = &p.v[i];

		buf_addf(&b, "%s%s:%u %s %s %s %s %s", i ? "|"
		 "" : "", r->file, r->line, r->service, r->arg, r->source,
			 r->target, actions[r->action]);
		if (r->redirect)
			buf_addf(&b, " target=%s", r->redirect);
		if (r->default_target)
			buf_addf(&b, " default_target=%s", r->default_target);
		if (r->user)
			buf_addf(&b, " user=%s", r->user);
		buf_addf(&b, "%s%s", r->notify ? " notify" : "", r->autostart ? "" : " autostart=no");
	}
	return buf_steal(&b);
}

struct row {
	const char *in, *out;
};

static void compare(const struct row *rows, size_t n, char *(*get)(const char *in))
{
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *got = get(rows[i].in);

		if (streq(got, rows[i].out))
			continue;
		print_error("%s\n  got:    %s\n  wanted: %s\n", rows[i].in, got, rows[i].out);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* ---- one line ---- */

static char *one_line(const char *line)
{
	CLEANUP_FREE char *files = xasprintf("== /p/f.policy\n%s\n", line);
	char *got = loaded(files);
	const char *rest = skip_prefix(got, "/p/f.policy:1");

	if (rest)
		memmove(got, rest, strlen(rest) + 1);
	return got;
}

static void test_lines(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"  # a comment", ""},
		{"* * * * deny", " * * * * deny notify"},
		{"\ta.B-c_d\t+x+y \v work  @default\fask\r", " a.B-c_d +x+y work @default ask"},
		{"s + dom0 uuid:00000000-0000-0000-0000-000000000000 allow", " s + @adminvm @adminvm allow"},
		{"s +a @anyvm @anyvm allow target=dom0 user=root notify=yes autostart=no",
		 " s +a @anyvm @anyvm allow target=@adminvm user=root notify autostart=no"},
		{"s * @tag:x @type:AppVM ask default_target=work target=@dispvm:dvm user=a=b,c",
		 " s * @tag:x @type:AppVM ask target=@dispvm:dvm default_target=work user=a=b,c"},
		{"s * @dispvm:a @dispvm deny notify=no", " s * @dispvm:a @dispvm deny"},
		{"s * @dispvm:@tag:t @dispvm:@tag:t allow", " s * @dispvm:@tag:t @dispvm:@tag:t allow"},
		{"s * @adminvm @default allow target=@dispvm", " s * @adminvm @default allow target=@dispvm"},
		{"s * $anyvm $default allow", " s * $anyvm $default allow"},
		{"s * uuid:x y allow user=", " s * uuid:x y allow"},

		{"s * * *", ": wrong number of fields"},
		{"!nope", ": invalid directive"},
		{"!", ": invalid directive"},
		{"!include", ": invalid number of params"},
		{"!include a b", ": invalid number of params"},
		{"!include-dir", ": invalid number of params"},
		{"!include-service s *", ": invalid number of params"},
		{"!compat-4.0 x", ": invalid number of params"},
		{"a+b * * * deny", ": service 'a+b' contains invalid characters: ('+',)"},
		{"a~+b!+ * * * deny", ": service 'a~+b!+' contains invalid characters: ('!', '+', '~')"},
		{"s +a/b * * deny", ": argument '+a/b' contains invalid characters: ('/',)"},
		{"s a/b * * deny", ": argument 'a/b' contains invalid characters: ('/',)"},
		{"s a * * deny", ": argument 'a' does not start with +"},
		{"* + * * deny", ": only * argument allowed for * service"},
		{"!include-service * +x f", ": only * argument allowed for * service"},
		{"!include-service a+ +x f", ": service 'a+' contains invalid characters: ('+',)"},
		{"s * @default * deny", ": invalid source token: '@default'"},
		{"s * @dispvm * deny", ": invalid source token: '@dispvm'"},
		{"s * @nope * deny", ": invalid source token: '@nope'"},
		{"s * @tag:@x * deny", ": invalid source token: '@tag:@x'"},
		{"s * * @nope deny", ": invalid target token: '@nope'"},
		{"s * * @dispvm:@type:x deny", ": invalid target token: '@dispvm:@type:x'"},
		{"s * @tag: * deny", ": invalid empty @tag: token: '@tag:'"},
		{"s * * @type: deny", ": invalid empty @type: token: '@type:'"},
		{"s * * @dispvm: deny", ": invalid empty @dispvm: token: '@dispvm:'"},
		{"s * * @dispvm:@tag: deny", ": invalid empty @dispvm:@tag: token: '@dispvm:@tag:'"},
		{"s * * * allow target=*", ": invalid redirect token: '*'"},
		{"s * * * allow target=@anyvm", ": invalid redirect token: '@anyvm'"},
		{"s * * * allow target=@default", ": invalid redirect token: '@default'"},
		{"s * * * allow target=@tag:x", ": invalid redirect token: '@tag:x'"},
		{"s * * * ask default_target=@type:x", ": invalid redirect token: '@type:x'"},
		{"s * * * allow target=@dispvm:@tag:x", ": invalid redirect token: '@dispvm:@tag:x'"},
		{"s * * * allow target=@dispvm:", ": invalid empty @dispvm: token: '@dispvm:'"},
		{"s * * * allow target=", ": invalid empty redirect token"},
		{"s * * * Allow", ": invalid action: Allow"},
		{"s * * * nope x", ": invalid action: nope"},
		{"s * * * allow # no", ": invalid action parameter syntax: '#'"},
		{"s * * * allow user=a user=b", ": parameter given twice: 'user'"},
		{"s * * * allow notify=maybe", ": 'notify' is 'maybe', but can be only 'yes' or 'no'"},
		{"s * * * ask autostart=True", ": 'autostart' is 'True', but can be only 'yes' or 'no'"},
		{"s * * * allow default_target=a user=b",
		 ": invalid parameters for action Allow: ['default_target=a', 'user=b']"},
		{"s * * * ask x=y", ": invalid parameters for action Ask: ['x=y']"},
		{"s * * * ask =y", ": invalid parameters for action Ask: ['=y']"},
		{"s * * * deny target=a", ": invalid parameters for action Deny: ['target=a']"},
		{"s * * * deny autostart=yes", ": invalid parameters for action Deny: ['autostart=yes']"},
		{"s * * @default allow user=x",
		 ": allow action for @default rule must specify target= option"},
		{"s * * * deny \xff", ": not a line of text"},
		/* which of several is told */
		{"a+ b @x @y nope z", ": service 'a+' contains invalid characters: ('+',)"},
		{"a b @x @y nope z", ": argument 'b' does not start with +"},
		{"a * @x @y nope z", ": invalid source token: '@x'"},
		{"a * x @y nope z", ": invalid target token: '@y'"},
		{"a * x y nope z", ": invalid action: nope"},
		{"a * x y deny z user=a user=b", ": invalid action parameter syntax: 'z'"},
		{"a * x y deny notify=x user=a user=b", ": parameter given twice: 'user'"},
		{"a * x y deny notify=x user=a", ": 'notify' is 'x', but can be only 'yes' or 'no'"},
	};

	compare(rows, ARRAY_SIZE(rows), one_line);
}

/* ---- files ---- */

static void test_files(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		/* order, hiding, and what is no policy file */
		{"== /p/b.policy\nb * * * deny\n== /p/a.policy\na * * * deny\n== /p/.c.policy\nbad\n== "
		 "/p/d.policy.bak\nbad\n"
		 "== /run/b.policy\nr * * * deny\n== /run/c.policy\n\nc * * * deny",
		 "/p/a.policy:1 a * * * deny notify|/run/b.policy:1 r * * * deny notify|/run/c.policy:2 c "
		 "* * * deny notify"},
		{"== /p/A.policy\n", "invalid filename: /p/A.policy"},
		{"== /p/A.policy.bak\n", ""},
		{"== /p/a.policy\n\nx\n", "/p/a.policy:2: wrong number of fields"},
		/* includes, relative to the directory of the outermost file */
		{"== /p/a.policy\n!include include/x\na * * * deny\n== /p/include/x\n!include include/y\n"
		 "!include /z\n"
		 "== /p/include/y\ny * * * deny\n== /z\nz * * * deny\n",
		 "/p/include/y:1 y * * * deny notify|/z:1 z * * * deny notify|/p/a.policy:2 a * * * deny "
		 "notify"},
		{"== /run/a.policy\n!include x\n== /run/x\nr * * * deny\n== /p/x\nm * * * deny\n",
		 "/run/x:1 r * * * deny notify"},
		{"== /p/a.policy\n\n!include x\n", "/p/a.policy:2: not a file: /p/x"},
		{"== /p/a.policy\n!include x\n== /p/x\nbad\n", "/p/x:1: wrong number of fields"},
		{"== /p/a.policy\n!include x\n== /p/x\n\n!include y\n== /p/y\n!include x\n",
		 "/p/y:1: circular include: /p/x"},
		{"== /p/a.policy\n!include a.policy\n", "/p/a.policy:1: circular include: /p/a.policy"},
		{"== /p/a.policy\n!include x\n!include x\n== /p/x\nx * * * deny\n",
		 "/p/x:1 x * * * deny notify|/p/x:1 x * * * deny notify"},
		{"== /p/a.policy\n!include-dir d\n== /p/d/2.policy\nb * * * deny\n== /p/d/1.policy\na * * "
		 "* deny\n== /p/d/n\nx\n",
		 "/p/d/1.policy:1 a * * * deny notify|/p/d/2.policy:1 b * * * deny notify"},
		{"== /p/a.policy\n!include-dir d\n", "/p/a.policy:1: not a directory: /p/d"},
		{"== /p/a.policy\n!include-dir /p\n", "/p/a.policy:1: circular include: /p/a.policy"},
		{"== /p/a.policy\n!include-dir d\n== /p/d/X.policy\n", "invalid filename: /p/d/X.policy"},
		/* the old style of one service */
		{"== /p/a.policy\n!include-service s +x f\n== /p/f\n$anyvm $default ask,"
		 "default_target=$dispvm user=u\n"
		 "# no\na b allow,target=$adminvm,user=x\n$include:g\n== /p/g\n$tag:t * deny\n",
		 "/p/f:1 s +x @anyvm @default ask default_target=@dispvm user=u|/p/f:3 s +x a b allow "
		 "target=@adminvm user=x|"
		 "/p/g:1 s +x @tag:t * deny notify"},
		{"== /p/a.policy\n!include-service s * f\n== /p/f\na b\n", "/p/f:1: wrong number of fields"},
		{"== /p/a.policy\n!include-service s * f\n== /p/f\n!include-dir d\n",
		 "/p/f:1: invalid directive"},
		{"== /p/a.policy\n!include-service s * f\n== /p/f\n!compat-4.0\n",
		 "/p/f:1: invalid directive"},
		/* the old directory */
		{"== /p/a.policy\n!compat-4.0\n", ""},
		{"== /p/a.policy\n!compat-4.0\na * * * deny\n== /old/s\n$anyvm b allow\n== /old/s+x\na b "
		 "deny\n== /old/r\na b allow\n"
		 "== /old/.h\nbad\n== /old/+x\nbad\n"
		 "== /old/s.rpmsave\nbad\n== /old/s.rpmnew\nbad\n== /old/s.swp\nbad\n== "
		 "/old/s~\nbad\n"
		 "== /old/s+a\na b ask\n",
		 "/old/r:1 r * a b allow|/old/s+a:1 s +a a b ask|/old/s+a:2 s +a @anyvm @anyvm deny notify|"
		 "/old/s+a:2 s +a @anyvm @adminvm deny notify|/old/s+x:1 s +x a b deny notify|"
		 "/old/s+x:2 s +x @anyvm @anyvm deny notify|/old/s+x:2 s +x @anyvm @adminvm deny notify|"
		 "/old/s:1 s * @anyvm b allow|/p/a.policy:2 a * * * deny notify"},
		{"== /p/a.policy\n!compat-4.0\n== /old/s\n$include:i\n== /old/i\na b deny\n",
		 "/old/i:1 i * a b deny notify|/old/i:1 s * a b deny notify"},
	};

	compare(rows, ARRAY_SIZE(rows), loaded);
}

/* Links, what is no file, what is too large: only a disk has them. */
static void test_disk(void **state)
{
	char dir[] = "/tmp/policy-XXXXXX";
	CLEANUP_POLICY struct policy p = {0};
	CLEANUP_ERR struct err e = ERR_INIT;

	assert_non_null(mkdtemp(dir));

	struct policy_dirs dirs = {.main = dir};
	CLEANUP_FREE char *a = xasprintf("%s/a.policy", dir), *b = xasprintf("%s/b.policy", dir);
	CLEANUP_FREE char *fifo = xasprintf("%s/fifo", dir), *link = xasprintf("%s/link", dir);
	CLEANUP_FREE char *text = xasprintf("!include link\n"), *loop = xasprintf("%s/a.policy:1: "
	 "circular include: %s", dir, a);
	CLEANUP_FREE char *no_file = xasprintf("%s/a.policy:1: not a file: %s", dir, fifo);
	FILE *f = fopen(a, "w");

	fputs(text, f);
	fclose(f);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(mkdir(b, 0700), 0); /* no file, whatever its name */
	assert_int_equal(symlink("fifo", link), 0);
	assert_true(policy_load(&p, &dirs, &policy_disk, &e) < 0);
	assert_string_equal(e.text, no_file);
	unlink(link);
	assert_int_equal(symlink("a.policy", link), 0);
	policy_release(&p);
	assert_true(policy_load(&p, &dirs, &policy_disk, &e) < 0);
	assert_string_equal(e.text, loop);
	unlink(link);
	f = fopen(link, "w");
	fputs("x * * * deny\n", f);
	fclose(f);
	policy_release(&p);
	assert_int_equal(policy_load(&p, &dirs, &policy_disk, &e), 0);
	assert_int_equal(p.n, 1);
	assert_int_equal(truncate(link, 2 << 20), 0);
	policy_release(&p);
	assert_true(policy_load(&p, &dirs, &policy_disk, &e) < 0);
	assert_non_null(strstr(e.text, "file is too large"));
	policy_release(&p);
	dirs.main = "/nonexistent";
	assert_int_equal(policy_load(&p, &dirs, &policy_disk, &e), 0);
	unlink(a), unlink(fifo), unlink(link), rmdir(b);
	assert_int_equal(rmdir(dir), 0);
}

/* ---- calls ---- */

/* in: "SOURCE SERVICE+ARG TARGET; RULE; "
 "RULE...", a word behind '>' in front of the rules is what a person chose. */
static char *answer(const char *in)
{
	static const char *const words[] = {"deny", "allow", "ask"};
	CLEANUP_STRV struct strv parts = STRV_INIT, call = STRV_INIT;
	CLEANUP_BUF struct buf file = BUF_INIT;
	CLEANUP_POLICY struct policy p = {0};
	CLEANUP_POLICY_ANSWER struct policy_answer a = {0};
	CLEANUP_ERR struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	strv_split(&parts, in, ';');
	strv_split(&call, parts.v[0], ' ');
	buf_addstr(&file, "== /p/f.policy\n");
	for (size_t i = 1; i < parts.n; i++)
		buf_addf(&file, "%s\n", parts.v[i]);

	struct texts t = {file.data, file.data + file.len};
	struct policy_files from = texts_files(&t);
	char *plus = strchr(call.v[1], '+');

	assert_int_equal(policy_load(&p, &all_dirs, &from, &e), 0);
	*plus = '\0';

	struct policy_call c = {call.v[0], call.v[1], plus + 1, streq(call.v[2], "-") ? "" : call.v[2]};

	policy_check(&p, &world, &c, &a);
	if (call.n > 3)
		policy_resolve(&world, &c, &a, streq(call.v[3], ">") ? NULL : call.v[3] + 1);
	buf_addstr(&b, words[a.action]);
	if (a.action == POLICY_ALLOW)
		buf_addf(&b, " %s%s%s", a.target, a.rule->user ? " as "
		 "" : "", a.rule->user ? a.rule->user : "");
	if (a.action == POLICY_DENY)
		buf_addf(&b, ": %s", a.why);
	if (a.action == POLICY_ASK) {
		CLEANUP_FREE char *choices = strv_join(&a.choices, ",");

		buf_addf(&b, " %s default %s", choices, a.default_choice ? a.default_choice : "-");
	}
	return buf_steal(&b);
}

#define NONE "deny: no matching rule found"
#define BY(n) "deny: denied by policy /p/f.policy:" #n

static void test_matching(void **state)
{
	static const struct row rows[] = {
		{"work s+ vault", NONE},
		{"nobody s+ vault;* * * * allow", "deny: there is no qube 'nobody'"},
		{"work s+ vault;* * * * allow", "allow vault"},
		{"work s+ vault;s * work vault deny;s * work vault allow", BY(1)},
		{"work s+ vault;s +x work vault deny;s + work vault allow user=me", "allow vault as me"},
		{"work s+x vault;s + work vault deny;s +x work vault allow", "allow vault"},
		{"work s+x+y vault;s +x work vault deny;s +x+y work vault allow", "allow vault"},
		{"work s+ vault;t * * * allow", NONE},
		/* sources */
		{"work s+ vault;s * vault * allow", NONE},
		{"work s+ vault;s * @anyvm * allow", "allow vault"},
		{"dom0 s+ vault;s * @anyvm * allow", NONE},
		{"dom0 s+ vault;s * @adminvm * allow", "allow vault"},
		{"dom0 s+ vault;s * * * allow", "allow vault"},
		{"work s+ vault;s * @tag:t2 * allow", "allow vault"},
		{"work s+ vault;s * @tag:t * allow", NONE},
		{"work s+ vault;s * @type:AppVM * allow", "allow vault"},
		{"work s+ vault;s * @type:TemplateVM * allow", NONE},
		{"work s+ vault;s * uuid:11111111-1111-1111-1111-111111111111 * allow", "allow vault"},
		{"work s+ vault;s * @dispvm:work * allow", NONE},
		/* targets */
		{"work s+ uuid:22222222-2222-2222-2222-222222222222;s * * vault allow", "allow vault"},
		{"work s+ vault;s * * uuid:22222222-2222-2222-2222-222222222222 allow", "allow vault"},
		{"work s+ vault;s * * @tag:created-by-mgmt allow", "allow vault"},
		{"work s+ mgmt;s * * @tag:created-by-mgmt allow", NONE},
		{"work s+ fedora;s * * @type:TemplateVM allow", "allow fedora"},
		{"work s+ dom0;s * * @anyvm allow", NONE},
		{"work s+ dom0;s * * @adminvm allow", "allow dom0"},
		{"work s+ @adminvm;s * * dom0 allow", "allow dom0"},
		{"work s+ dom0;s * * @type:AdminVM allow", "allow dom0"},
		{"work s+ -;s * * @anyvm allow",
		 "deny: no target is named by the caller or by the policy at /p/f.policy:1"},
		{"work s+ -;s * * @default allow target=vault", "allow vault"},
		{"work s+ @default;s * * @default allow target=dom0", "allow dom0"},
		{"work s+ gone;s * * vault allow;s * * @default allow target=fedora", "allow fedora"},
		{"work s+ gone;s * * gone allow", NONE},
		{"work s+ -;s * * @tag:office deny;s * * @type:AppVM deny;s * * * allow target=vault",
		 "allow vault"},
		{"work s+ $default;s * * @default allow target=vault", "allow vault"},
		/* disposables */
		{"work s+ @dispvm;s * * @dispvm allow", "allow @dispvm:dvm"},
		{"work s+ @dispvm;s * * @dispvm:dvm allow", "allow @dispvm:dvm"},
		{"work s+ @dispvm;s * * @dispvm:@tag:dvms allow", "allow @dispvm:dvm"},
		{"work s+ @dispvm;s * * @dispvm:@tag:office deny;s * * @anyvm allow", "allow @dispvm:dvm"},
		{"work s+ @dispvm;s * * @dispvm:vault deny;s * * * allow", "allow @dispvm:dvm"},
		{"work s+ @dispvm;s * * @tag:dvms deny;s * * @type:AppVM deny;s * * dvm deny", NONE},
		{"vault s+ @dispvm;s * * @dispvm allow",
		 "deny: there is no target '@dispvm', which the policy allows at /p/f.policy:1"},
		{"vault s+ @dispvm;s * * @dispvm:dvm allow", NONE},
		{"work s+ @dispvm:dvm;s * * @dispvm deny;s * * @dispvm:dvm allow", "allow @dispvm:dvm"},
		{"work s+ @dispvm:dvm;s * * @dispvm:@tag:dvms allow", "allow @dispvm:dvm"},
		{"work s+ @dispvm:vault;s * * * allow",
		 "deny: no disposable can be made for '@dispvm:vault'"},
		{"work s+ @dispvm:gone;s * * * allow", "deny: no disposable can be made for '@dispvm:gone'"},
		{"work s+ vault;s * * * allow target=@dispvm", "allow @dispvm:dvm"},
		{"work s+ vault;s * * * allow target=@dispvm:vault",
		 "deny: there is no target '@dispvm:vault', which the policy allows at /p/f.policy:1"},
		/* where it goes */
		{"work s+ vault;s * * * allow target=fedora", "allow fedora"},
		{"work s+ vault;s * * * allow target=gone",
		 "deny: there is no target 'gone', which the policy allows at /p/f.policy:1"},
		{"work s+ work;s * * * allow", "deny: loopback qrexec connection not supported"},
		{"work s+ vault;s * * * allow target=work", "deny: loopback qrexec connection not supported"},
		{"work s+ vault;s * * * allow autostart=no",
		 "deny: the target does not run and may not be started, by policy /p/f.policy:1"},
		{"work s+ mgmt;s * * * allow autostart=no", "allow mgmt"},
		{"work s+ dom0;s * * * allow autostart=no", "allow dom0"},
	};

	compare(rows, ARRAY_SIZE(rows), answer);
}

#define EMPTY(n) "deny: nobody could be asked for a target: there is none by policy /p/f.policy:" #n

static void test_asking(void **state)
{
	static const struct row rows[] = {
		{"work s+ vault;s * * vault ask", "ask vault default -"},
		{"work s+ vault;s * * vault ask default_target=vault", "ask vault default vault"},
		{"work s+ vault;s * * vault ask default_target=mgmt", "ask vault default -"},
		{"work s+ vault;s * * vault ask target=fedora default_target=fedora",
		 "ask fedora default fedora"},
		{"work s+ vault;s * * vault ask target=work", EMPTY(1)},
		{"work s+ vault;s * * vault ask target=hidden", EMPTY(1)},
		{"work s+ vault;s * * vault ask target=dom0", "ask dom0 default -"},
		{"work s+ @dispvm;s * * @dispvm ask default_target=@dispvm",
		 "ask @dispvm:dvm default @dispvm:dvm"},
		{"work s+ -;s * * @default ask", EMPTY(1)},
		{"work s+ -;s * * @default ask;s * * @type:AppVM allow", "ask dvm,mgmt,vault default -"},
		{"work s+ -;s * * vault deny;s * * @default ask default_target=dvm;s * * @type:AppVM ask",
		 "ask dvm,mgmt default dvm"},
		{"work s+ -;s * * vault ask;s * * @default ask;s * * @type:AppVM deny;s * * mgmt allow",
		 "ask vault default -"},
		{"work s+ -;s * * @default ask;s * * @anyvm ask",
		 "ask @dispvm:dvm,dvm,fedora,mgmt,vault default -"},
		{"work s+ -;s * * @default ask;s * * * ask",
		 "ask @dispvm:dvm,dom0,dvm,fedora,mgmt,vault default -"},
		{"work s+ -;s * * @default ask;s * * @dispvm:@tag:dvms ask;s * * @dispvm ask",
		 "ask @dispvm:dvm default -"},
		{"work s+ -;s * * @default ask;s * * gone allow;s * * @anyvm allow target=vault",
		 "ask vault default -"},
		{"work s+ -;s * * @default ask;s +x * fedora allow;s * vault fedora allow;t * * fedora "
		 "allow", EMPTY(1)},
		/* what was said */
		{"work s+ vault >;s * * vault ask", "deny: denied by the user"},
		{"work s+ vault >vault;s * * vault ask user=me", "allow vault as me"},
		{"work s+ vault >dom0;s * * vault ask",
		 "deny: 'dom0' was not among the targets to choose from"},
		{"work s+ vault >vault;s * * vault ask autostart=no",
		 "deny: the target does not run and may not be started, by policy /p/f.policy:1"},
		{"work s+ vault >fedora;s * * vault allow", "allow vault"},
		{"work s+ vault >vault;s * * vault deny", BY(1)},
	};

	compare(rows, ARRAY_SIZE(rows), answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_files),  cmocka_unit_test(test_disk),
		cmocka_unit_test(test_matching), cmocka_unit_test(test_asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
