/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as they arrive in property.Set, made canonical or refused (admin-api 4.3 and the forms of 4.4). */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/num.h"
#include "model/names.h"
#include "qvmd/device.h"
#include "qvmd/property.h"

#define KERNELOPTS_MAX 512
#define DEVICE_CODE_LEN 7

static const char LETTERS_DIGITS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

static int bad_value(struct err *err, const char *text)
{
	return err_set(err, -EINVAL, "QubesPropertyValueError", "%s", text);
}

static int unparsable(struct err *err, const char *what)
{
	return err_set(err, -EINVAL, "QubesValueError", "Failed to parse property value as %s", what);
}

static int replace(char **value, char *by)
{
	free(*value);
	*value = by;
	return 0;
}

/* ---- by type ---- */

static int parse_str(const char *text, size_t len, char **ret, struct err *err)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] < ' ' || text[i] == 0x7f) && !(text[i] && strchr("\t\n\r", text[i])))
			return err_set(err, -EINVAL, "QubesValueError",
				       "Invalid characters in property value");
	*ret = xstrdup(text);
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int parse_int(const char *text, size_t len, char **ret, struct err *err)
{
	CLEANUP_BUF struct buf digits = BUF_INIT;
	const char *p = text, *end = text + len;
	bool negative = false, after_digit = false;
	int64_t n;

	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	if (negative)
		buf_addch(&digits, '-');
	for (; p < end; p++) {
		if (*p == '_') {
			if (!after_digit || p + 1 == end)
				return unparsable(err, "int");
			after_digit = false;
			continue;
		}
		if (*p < '0' || *p > '9')
			return unparsable(err, "int");
		buf_addch(&digits, *p);
		after_digit = true;
	}
	if (num_i64(buf_str(&digits), &n) < 0)
		return unparsable(err, "int");
	*ret = xasprintf("%jd", (intmax_t)n);
	return 0;
}

static int parse_bool(const char *text, char **ret, struct err *err)
{
	int truth = bool_word(text);

	if (truth < 0) {
		CLEANUP_FREE char *quoted = quote_py(text);

		return err_set(err, -EINVAL, "QubesValueError", "Invalid literal for boolean property: %s",
			       quoted);
	}
	*ret = xstrdup(truth ? "True" : "False");
	return 0;
}

static int parse_vm(const struct prop_change *c, const char *text, char **ret, struct err *err)
{
	int r;

	if (!*text && c->def->required)
		return err_set(err, -EINVAL, "QubesPropertyValueError",
			       "Invalid value None for property '%s' of %s", c->def->name,
			       c->vm ? c->vm->name : "Qubes");
	if (*text) {
		r = name_check_qube(text, err);
		if (r < 0)
			return r;
		if (!vm_find(c->sys, text))
			return err_set(err, -EINVAL, "QubesPropertyValueError",
				       "Can't set %s to non-existing qube %s", c->def->name, text);
	}
	*ret = xstrdup(text);
	return 0;
}

static int parse_label(const struct prop_change *c, const char *text, char **ret, struct err *err)
{
	const char *number = skip_prefix(text, "label-");
	const struct label *l = label_find(c->sys, text);
	int64_t index;

	if (!number)
		number = text;
	if (!l && num_i64(number, &index) == 0)
		for (size_t i = 0; i < c->sys->n_labels; i++)
			if (c->sys->labels[i].index == index)
				l = &c->sys->labels[i];
	if (!l)
		return err_set(err, -EINVAL, "QubesLabelNotFoundError", "Label does not exist: %s", number);
	*ret = xstrdup(l->name);
	return 0;
}

int prop_parse(const struct prop_change *c, const char *text, size_t len, char **ret, struct err *err)
{
	CLEANUP_FREE char *copy = xmemdup0(text, len);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)copy[i] >= 0x80)
			return err_set(err, -EINVAL, "QubesValueError", "%s",
				       c->def->type == PROP_VM ? "" : "Non-ASCII bytes in property value");
	/* No type takes a NUL; another byte that none takes stands for it, so that the text goes on. */
	for (size_t i = 0; i < len; i++)
		if (!copy[i])
			copy[i] = 0x01;

	switch (c->def->type) {
	case PROP_INT:
		return parse_int(copy, len, ret, err);
	case PROP_BOOL:
		return parse_bool(copy, ret, err);
	case PROP_VM:
		return parse_vm(c, copy, ret, err);
	case PROP_LABEL:
		return parse_label(c, copy, ret, err);
	case PROP_STR:
	case PROP_LIST:
		break;
	}
	return parse_str(copy, len, ret, err);
}

/* ---- by property ---- */

int clean_positive(const struct prop_change *c, char **value, struct err *err)
{
	if (**value != '-' && !streq(*value, "0"))
		return 0;
	return err_set(err, -EINVAL, "QubesPropertyValueError", "%s must be positive", c->def->name);
}

int clean_not_negative(const struct prop_change *c, char **value, struct err *err)
{
	if (**value != '-')
		return 0;
	return err_set(err, -EINVAL, "QubesPropertyValueError", "%s must be positive or zero", c->def->name);
}

static bool made_of(const char *s, const char *more)
{
	for (; *s; s++)
		if (!strchr(LETTERS_DIGITS, *s) && !strchr(more, *s))
			return false;
	return true;
}

int clean_user(const struct prop_change *c, char **value, struct err *err)
{
	if (made_of(*value, "_-+,."))
		return 0;
	return err_set(err, -EINVAL, "QubesPropertyValueError",
		       "Username can contain only those characters: %s_-+,.", LETTERS_DIGITS);
}

int clean_denied(const struct prop_change *c, char **value, struct err *err)
{
	CLEANUP_STRV struct strv codes = STRV_INIT;
	size_t len = strlen(*value);
	bool good = len % DEVICE_CODE_LEN == 0;

	for (size_t i = 0; i < len && good; i++)
		good = strchr(i % DEVICE_CODE_LEN ? "0123456789abcdef*" : "bump*", (*value)[i]);
	if (!good)
		return bad_value(err, "Interface code list should be in the form chhhhhhchhhhhh...,"
				 "where c is one of \"b\", \"u\", \"m\", \"p\", \"*\" "
				 "and h is a hexdigit or \"*\".");
	for (size_t i = 0; i < len; i += DEVICE_CODE_LEN)
		strv_addn(&codes, *value + i, DEVICE_CODE_LEN);
	strv_sort(&codes);
	for (size_t i = codes.n; i > 1; i--)
		if (streq(codes.v[i - 1], codes.v[i - 2]))
			strv_remove(&codes, i - 1);
	return replace(value, strv_join(&codes, ""));
}

int clean_ip(const struct prop_change *c, char **value, struct err *err)
{
	struct in_addr a;
	char text[INET_ADDRSTRLEN];

	if (inet_pton(AF_INET, *value, &a) != 1)
		return unparsable(err, "IPv4Address");
	return replace(value, xstrdup(inet_ntop(AF_INET, &a, text, sizeof text)));
}

int clean_ip6(const struct prop_change *c, char **value, struct err *err)
{
	struct in6_addr a;
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, *value, &a) != 1)
		return unparsable(err, "IPv6Address");
	return replace(value, xstrdup(inet_ntop(AF_INET6, &a, text, sizeof text)));
}

int clean_uuid(const struct prop_change *c, char **value, struct err *err)
{
	return uuid_is_valid(*value) ? 0 : unparsable(err, "UUID");
}

int clean_kernel(const struct prop_change *c, char **value, struct err *err)
{
	return strchr(*value, '/') ? bad_value(err, "Kernel name cannot contain '/'") : 0;
}

int clean_kernelopts(const struct prop_change *c, char **value, struct err *err)
{
	if (strlen(*value) > KERNELOPTS_MAX)
		return bad_value(err, "Kernelopts value too long (512 chars max)");
	return 0;
}

int clean_keyboard(const struct prop_change *c, char **value, struct err *err)
{
	CLEANUP_FREE char *copy = xstrdup(*value);
	char *rest = copy;
	const char *layout = strsep(&rest, "+");
	const char *variant = strsep(&rest, "+");
	const char *options = strsep(&rest, "+");

	if (!options || rest)
		return bad_value(err, "invalid number of keyboard layout parameters");
	for (const char *p = layout; *p; p++)
		if (!isalpha((unsigned char)*p))
			layout = "";
	if (!*layout)
		return bad_value(err, "Invalid keyboard layout provided");
	if (!made_of(variant, "-_"))
		return bad_value(err, "Invalid layout variant provided");
	if (!made_of(options, "-_:,"))
		return bad_value(err, "Invalid layout options provided");
	return 0;
}

int clean_mac(const struct prop_change *c, char **value, struct err *err)
{
	bool good = strlen(*value) == strlen("00:16:3e:5e:6c:00");

	for (size_t i = 0; good && (*value)[i]; i++) {
		char *p = *value + i;

		good = i % 3 == 2 ? *p == ':' : isxdigit((unsigned char)*p);
		*p = (char)tolower((unsigned char)*p);
	}
	return good ? 0 : err_set(err, -EINVAL, "QubesValueError", "Invalid MAC address value");
}

int clean_virt_mode(const struct prop_change *c, char **value, struct err *err)
{
	for (char *p = *value; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (streq(*value, "pvh") && c->vm && vm_has_pci(c->vm))
		return bad_value(err, "pvh mode can't be set if pci devices are assigned");
	if (streq(*value, "hvm") || streq(*value, "pv") || streq(*value, "pvh"))
		return 0;
	return bad_value(err, "Invalid virtualization mode, supported values: hvm, pv, pvh");
}

/* template, and default_template of the system: what may serve as one depends on the holder. */
int clean_template(const struct prop_change *c, char **value, struct err *err)
{
	struct vm *t = vm_find(c->sys, *value);

	if (!t)
		return 0;
	if (c->vm && c->vm->class == CLASS_DISP) {
		if (prop_get_bool(t, "template_for_dispvms"))
			return 0;
		return bad_value(err, "template for disposable must have template_for_dispvms=True");
	}
	if (t->class == CLASS_TEMPLATE)
		return 0;
	return err_set(err, -EINVAL, "QubesPropertyValueError",
		       "wrong VM class: domains['%s'] is of type %s and not TemplateVM", t->name,
		       class_names[t->class]);
}
