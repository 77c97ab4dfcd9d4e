/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backup profiles: the documents' examples, YAML 1.1 scalars, errors, quoting (backup-policy-clock 1.1-1.4, 1.11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/profile.h"
#include "os/io.h"

#define REST "destination_vm: dom0\ndestination_path: /var/tmp\n"

static int parse(struct profile *p, const char *text, struct err *err)
{
	return profile_parse(p, "p.conf", text, strlen(text), err);
}

static void examples(void **state)
{
	CLEANUP_PROFILE struct profile p = {0}, q = {0};
	CLEANUP_FREE char *list = NULL;

	assert_int_equal(parse(&p,
			       "# Backup only selected VMs\ninclude:\n- work\n- personal\n- vault\n- banking\n"
			       "# Store the backup on external disk\ndestination_vm: sys-usb\n"
			       "destination_path: /media/my-backup-disk\n# Use static passphrase\n"
			       "passphrase_text: \"My$Very!@Strong23Passphrase\"\n",
			       NULL),
			 0);
	list = strv_join(&p.include, " ");
	assert_string_equal(list, "work personal vault banking");
	assert_false(p.include_all);
	assert_int_equal(p.exclude.n, 0);
	assert_true(p.compressed);
	assert_null(p.filter);
	assert_string_equal(p.destination_vm, "sys-usb");
	assert_string_equal(p.destination_path, "/media/my-backup-disk");
	assert_string_equal(p.passphrase_text, "My$Very!@Strong23Passphrase");
	assert_null(p.passphrase_vm);

	assert_int_equal(parse(&q,
			       "# Include all VMs with a few exceptions\ninclude:\n- $type:AppVM\n"
			       "- $type:TemplateVM\n- $type:StandaloneVM\nexclude:\n- untrusted\n- $tag:do-not-backup\n"
			       "# parallel gzip for faster backup\ncompression: pigz\n"
			       "# ask 'vault' VM for the backup passphrase\npassphrase_vm: vault\n"
			       "# send the (encrypted) backup directly to remote server\ndestination_vm: sys-net\n"
			       "destination_path: ncftpput -u my-ftp-username -p my-ftp-pass -c my-ftp-server "
			       "/directory/for/backups\n",
			       NULL),
			 0);
	assert_int_equal(q.include.n, 3);
	assert_string_equal(q.include.v[2], "$type:StandaloneVM");
	assert_string_equal(q.exclude.v[1], "$tag:do-not-backup");
	assert_string_equal(q.filter, "pigz");
	assert_string_equal(q.passphrase_vm, "vault");
	assert_null(q.passphrase_text);
	assert_string_equal(q.destination_path, "ncftpput -u my-ftp-username -p my-ftp-pass -c my-ftp-server "
						"/directory/for/backups");
}

/* compression: VALUE; include: VALUE */
static void values(void **state)
{
	static const struct {
		const char *value;
		const char *filter; /* NULL: none is named */
		bool compressed;
	} cases[] = {
		{ "true", NULL, true }, { "Yes", NULL, true }, { "ON", NULL, true },
		{ "false", NULL, false }, { "no", NULL, false }, { "Off", NULL, false }, { "\"\"", NULL, false },
		{ "~", NULL, false }, { "", NULL, false },
		{ "zstd", "zstd", true }, { "'true'", "true", true }, { "y", "y", true }, { "!!str no", "no", true },
	};
	static const struct {
		const char *value;
		bool all;
		size_t n;
	} includes[] = {
		{ "null", true, 0 }, { "", true, 0 }, { "~", true, 0 }, { "[]", false, 0 },
		{ "[a, 12, '@tag:x']", false, 3 },
		{ "\n  - a\n  - true\n", false, 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_FREE char *text = xasprintf(REST "include:\ncompression: %s\n", cases[i].value);
		CLEANUP_PROFILE struct profile p = {0};

		assert_int_equal(parse(&p, text, NULL), 0);
		assert_int_equal(p.compressed, cases[i].compressed);
		if (cases[i].filter)
			assert_string_equal(p.filter, cases[i].filter);
		else
			assert_null(p.filter);
	}
	for (size_t i = 0; i < ARRAY_SIZE(includes); i++) {
		CLEANUP_FREE char *text = xasprintf(REST "exclude: null\ninclude: %s\n", includes[i].value);
		CLEANUP_PROFILE struct profile p = {0};

		assert_int_equal(parse(&p, text, NULL), 0);
		assert_int_equal(p.include_all, includes[i].all);
		assert_int_equal(p.include.n, includes[i].n);
	}
}

/* Numbers and the like are their text where a text is wanted; unknown keys mean nothing. */
static void texts(void **state)
{
	CLEANUP_PROFILE struct profile p = {0}, marked = {0};

	assert_int_equal(parse(&marked, "\xef\xbb\xbf" REST "include: null\n", NULL), 0);
	assert_int_equal(parse(&p, REST "include: null\npassphrase_text: 0012\npassphrase_vm: 1e3\n"
				   "later: {a: [b, {c: d}]}\nother: 1\n", NULL), 0);
	assert_string_equal(p.passphrase_text, "0012");
	assert_string_equal(p.passphrase_vm, "1e3");
}

static void refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "p.conf:1: the profile is empty" },
		{ "- a\n", "p.conf:1: a mapping is expected" },
		{ REST, "Invalid backup profile - missing 'include'" },
		{ "{}", "Invalid backup profile - missing 'destination_vm'" },
		{ "include:\ndestination_vm: x\n", "Invalid backup profile - missing 'destination_path'" },
		{ REST "include: work\n", "p.conf:3: include: a list is expected" },
		{ REST "include: {a: b}\n", "p.conf:3: include: a list is expected" },
		{ REST "include:\n- [a]\n", "p.conf:4: include: a single value is expected" },
		{ REST "include:\nexclude: x\n", "p.conf:4: exclude: a list is expected" },
		{ REST "include:\npassphrase_text: [x]\n", "p.conf:4: passphrase_text: a single value is expected" },
		{ REST "include:\ncompression: {}\n", "p.conf:4: compression: a single value is expected" },
		{ REST "include:\ninclude:\n", "p.conf:4: include: is given twice" },
		{ REST "include:\nx: 1\nx: 2\n", "p.conf:5: x: is given twice" },
		{ REST "include: &a [x]\nexclude: *a\n", "p.conf:4: aliases are not accepted" },
		{ REST "include:\n<<: {exclude: [x]}\n", "p.conf:4: merge keys are not accepted" },
		{ REST "include:\nx: !!python/object:os.system y\n", "p.conf:4: tags are not accepted" },
		{ REST "include: !!set {a}\n", "p.conf:3: tags are not accepted" },
		{ REST "include:\nx: [[[[a]]]]\n", "p.conf:4: nested too deep" },
		{ REST "include:\n---\nx: 1\n", "p.conf:4: a second document begins" },
		{ REST "include: \"a\\0b\"\n", "p.conf:3: include: a list is expected" },
		{ "destination_vm: \"a\\0b\"\n", "p.conf:1: destination_vm: NUL bytes are not accepted" },
		{ "{a: b}: c\n", "p.conf:1: a single value is expected" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_PROFILE struct profile p = {0};
		CLEANUP_ERR struct err err = ERR_INIT;

		assert_int_equal(parse(&p, cases[i].text, &err), -EINVAL);
		assert_string_equal(err.text, cases[i].why);
		assert_string_equal(err.type, "QubesException");
	}

	CLEANUP_FREE char *large = xcalloc(PROFILE_MAX + 2, 1);
	CLEANUP_PROFILE struct profile p = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	memset(large, '#', PROFILE_MAX + 1);
	assert_int_equal(parse(&p, large, &err), -EINVAL);
	assert_string_equal(err.text, "p.conf: longer than 65536 bytes");
	assert_int_equal(parse(&p, "a: \"\n", &err), -EINVAL);
	assert_non_null(skip_prefix(err.text, "p.conf:2: "));
}

static void scalars(void **state)
{
	static const struct {
		enum scalar kind;
		const char *texts[24];
	} cases[] = {
		{ SCALAR_TRUE, { "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON" } },
		{ SCALAR_FALSE, { "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF" } },
		{ SCALAR_NULL, { "~", "null", "Null", "NULL", "" } },
		{ SCALAR_OTHER, { "0", "-12", "+1_0", "0b10", "017", "0x1F", "190:20:30", "1.5", "1.", "-1.5e+3", ".5",
				  "1:2.5", ".inf", "-.INF", ".nan", "2001-12-14", "2001-12-14t21:59:43.10-05:00",
				  "2001-12-14 21:59:43 Z", "=", "<<" } },
		{ SCALAR_STRING, { "y", "n", "Y", "1e3", "0o17", "nan", "inf", "08", "yEs", "nULL", "1.5e3", "-", "a",
				   "2001-12", "1:60", "0x", "+", "==" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t k = 0; cases[i].texts[k]; k++)
			if (scalar_kind(cases[i].texts[k]) != cases[i].kind)
				fail_msg("'%s' is %d", cases[i].texts[k], scalar_kind(cases[i].texts[k]));
}

static void printed(void **state)
{
	CLEANUP_PROFILE struct profile p = {0}, all = {0}, none = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;

	assert_int_equal(parse(&p, REST "include: null\nexclude: [vm1]\npassphrase_text: test123\n", NULL), 0);
	profile_print(&b, &p);
	assert_string_equal(buf_str(&b), "compression: true\ndestination_path: /var/tmp\ndestination_vm: dom0\n"
					 "exclude:\n- vm1\ninclude: null\npassphrase_text: test123\n");
	assert_int_equal(parse(&all, REST "include: [a, '@tag:b']\ncompression: pigz\npassphrase_vm: v\n", NULL), 0);
	buf_reset(&b);
	profile_print(&b, &all);
	assert_string_equal(buf_str(&b), "compression: pigz\ndestination_path: /var/tmp\ndestination_vm: dom0\n"
					 "include:\n- a\n- '@tag:b'\npassphrase_vm: v\n");
	assert_int_equal(parse(&none, REST "include: []\ncompression: no\n", NULL), 0);
	buf_reset(&b);
	profile_print(&b, &none);
	assert_string_equal(buf_str(&b), "compression: false\ndestination_path: /var/tmp\ndestination_vm: dom0\n"
					 "include: []\n");
}

/* What a passphrase becomes in the file; and it is read again as it was. */
static void quoting(void **state)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{ "plain text", "plain text" }, { "$tag:y", "$tag:y" }, { "a'b", "a'b" }, { "x]", "x]" },
		{ "?x", "?x" }, { "a:b", "a:b" }, { "x,y", "x,y" }, { "-x", "-x" }, { "a#b", "a#b" },
		{ "yes", "'yes'" }, { "12", "'12'" }, { "~", "'~'" }, { "2001-12-14", "'2001-12-14'" }, { "=", "'='" },
		{ " x", "' x'" }, { "x ", "'x '" }, { "@tag:x", "'@tag:x'" }, { "%x", "'%x'" }, { "&x", "'&x'" },
		{ "*x", "'*x'" }, { "!x", "'!x'" }, { "|x", "'|x'" }, { ">x", "'>x'" }, { "'x", "'''x'" },
		{ "\"x", "'\"x'" }, { "[x", "'[x'" }, { "]x", "']x'" }, { "{x", "'{x'" }, { "}x", "'}x'" },
		{ ",x", "',x'" }, { "#x", "'#x'" }, { "`x", "'`x'" }, { "- x", "'- x'" },
		{ "-", "'-'" }, { "? x", "'? x'" }, { ": x", "': x'" }, { "---x", "'---x'" },
		{ "...", "'...'" }, { "a: b", "'a: b'" },
		{ "a #b", "'a #b'" }, { "a:", "'a:'" }, { "it's: a", "'it''s: a'" },
		{ "a\tb", "\"a\\tb\"" }, { "\xc3\xa4", "\"\\xE4\"" }, { "\xe2\x82\xac", "\"\\u20AC\"" },
		{ "\xf0\x9f\x98\x80", "\"\\U0001F600\"" }, { "\x01\"\\", "\"\\x01\\\"\\\\\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_PROFILE struct profile p = {0}, again = {0};
		CLEANUP_BUF struct buf b = BUF_INIT;
		const char *line;

		assert_int_equal(parse(&p, REST "include: []\n", NULL), 0);
		p.passphrase_text = xstrdup(cases[i].text);
		profile_print(&b, &p);
		line = strstr(buf_str(&b), "passphrase_text: ");
		assert_non_null(line);
		b.data[b.len - 1] = '\0'; /* its newline */
		assert_string_equal(line + strlen("passphrase_text: "), cases[i].written);
		b.data[b.len - 1] = '\n';
		assert_int_equal(parse(&again, buf_str(&b), NULL), 0);
		assert_string_equal(again.passphrase_text, cases[i].text);
	}
}

/* Bytes that YAML has no way to write must not become others: a passphrase would be another one. */
static void other_bytes(void **state)
{
	CLEANUP_PROFILE struct profile p = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	assert_int_equal(parse(&p, REST "include: []\npassphrase_text: x\n", NULL), 0);
	assert_int_equal(profile_check(&p, &err), 0);
	p.passphrase_text[0] = '\xe4';
	assert_int_equal(profile_save(&p, "/nowhere", "x", &err), -EINVAL);
	assert_string_equal(err.text, "passphrase_text: not valid UTF-8, a profile cannot hold it");
	p.passphrase_text[0] = 'x';
	strv_add(&p.exclude, "a\xff");
	assert_int_equal(profile_check(&p, &err), -EINVAL);
	assert_string_equal(err.text, "exclude: not valid UTF-8, a profile cannot hold it");
}

static void selectors(void **state)
{
	CLEANUP_STRV struct strv tags = STRV_INIT;
	static const struct {
		const char *selector;
		bool means;
	} cases[] = {
		{ "work", true }, { "Work", false }, { "wor*", false },
		{ "@type:AppVM", true }, { "$type:AppVM", true },
		{ "@type:appvm", false }, { "@tag:a", true }, { "$tag:b", true }, { "$tag:c", false },
		{ "@tag:b$", true /* every '$' is an '@' */ }, { "@work", false },
		{ "$work", false }, { "@type:", false },
	};

	strv_add(&tags, "a");
	strv_add(&tags, "b");
	strv_add(&tags, "b@");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (profile_selects(cases[i].selector, "work", "AppVM", &tags) != cases[i].means)
			fail_msg("%s", cases[i].selector);
}

static void files(void **state)
{
	char dir[] = "/tmp/test_profile.XXXXXX";
	CLEANUP_PROFILE struct profile p = {0}, again = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *path = NULL;
	unsigned mode;

	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/x.conf", dir);
	assert_int_equal(profile_load(&again, dir, "x", &mode, &err), -ENOENT);
	assert_string_equal(err.type, "QubesBackupProfileNotFoundError");
	assert_string_equal(err.text, "Backup profile does not exist: x");
	assert_int_equal(profile_load(&again, dir, "../x", &mode, &err), -EINVAL);
	assert_string_equal(err.type, "ProtocolError");
	assert_string_equal(err.text, "Backup profile ID must not contain forward slash character");
	assert_int_equal(parse(&p, REST "include:\npassphrase_text: secret\n", NULL), 0);
	assert_int_equal(profile_save(&p, dir, "x", &err), 0);
	assert_int_equal(profile_load(&again, dir, "x", &mode, &err), 0);
	assert_int_equal(mode, 0600);
	assert_string_equal(again.passphrase_text, "secret");
	assert_int_equal(profile_save(&p, "/nowhere", "x", &err), -ENOENT);
	assert_string_equal(err.text, "cannot write '/nowhere/x.conf': No such file or directory");
	/* Something that is no file does not hold anybody up. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	profile_release(&again);
	assert_int_equal(profile_load(&again, dir, "x", &mode, &err), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples),
		cmocka_unit_test(values),
		cmocka_unit_test(texts),
		cmocka_unit_test(refused),
		cmocka_unit_test(scalars),
		cmocka_unit_test(printed),
		cmocka_unit_test(quoting),
		cmocka_unit_test(other_bytes),
		cmocka_unit_test(selectors),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
