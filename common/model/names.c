/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that names follow. */
#include "model/names.h"

#include <errno.h>
#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int bad_value(struct err *err, const char *text)
{
	return err_set(err, -EINVAL, "QubesValueError", "%s", text);
}

int name_check_qube(const char *name, struct err *err)
{
	size_t n = strlen(name);

	if (n > 31)
		return bad_value(err, "VM name must be shorter than 32 characters");
	if (*name && strchr("-_.0123456789", *name))
		return bad_value(err, "VM name cannot start with hyphen, underscore, dot or numbers");
	if (!n || !chars_all(name, "A-Za-z0-9_.-"))
		return bad_value(err, "VM name contains illegal characters");
	if (streq(name, "Domain-0"))
		return bad_value(err, "VM name cannot be 'Domain-0'");
	if (streq(name, "none") || streq(name, "default"))
		return bad_value(err, "VM name cannot be 'none' nor 'default'");
	if (n >= 3 && streq(name + n - 3, "-dm"))
		return bad_value(err, "VM name cannot end with -dm");
	return 0;
}

int name_check_label(const char *name, bool creating, struct err *err)
{
	static const char type[] = "QubesInvalidLabelError";

	if (!*name)
		return err_set(err, -EINVAL, type, "Label name must be set");
	if (!chars_all(name, "A-Za-z0-9_.-"))
		return err_set(err, -EINVAL, type, "Label must be in safe set: " LETTERS "0123456789-_.");
	if (creating && name[strspn(name, "0123456789")] == '\0')
		return err_set(err, -EINVAL, type, "Label must not be a digit");
	return 0;
}

int name_check_label_value(const char *value, struct err *err)
{
	static const char type[] = "QubesInvalidLabelValueError";

	if (!*value)
		return err_set(err, -EINVAL, type, "Label value must be set");
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p >= 0x80)
			return err_set(err, -EINVAL, type, "Label value must be encoded in ASCII");
	if (strlen(value) != 8)
		return err_set(err, -EINVAL, type, "Label value must have length of 8");
	if (!skip_prefix(value, "0x"))
		return err_set(err, -EINVAL, type, "Label value must start with: 0x");
	if (!chars_all(value + 2, "0-9a-fA-F"))
		return err_set(err, -EINVAL, type,
			       "Label value must only contain hexadecimal digits after prefix: "
			       "0123456789abcdefABCDEF");
	return 0;
}

int name_check_tag(const char *tag, struct err *err)
{
	if (!*tag)
		return err_set(err, -EINVAL, "QubesInvalidTagError", "tag cannot be empty");
	if (!chars_all(tag, "A-Za-z0-9_-"))
		return err_set(err, -EINVAL, "QubesInvalidTagError", "disallowed characters");
	return 0;
}

int name_check_feature(const char *feature, struct err *err)
{
	if (!*feature || !chars_all(feature, "a-zA-Z0-9_.-"))
		return err_set(err, -EINVAL, "ProtocolError", "feature name contains illegal characters");
	return 0;
}

bool uuid_is_valid(const char *s)
{
	if (strlen(s) != 36)
		return false;
	for (int i = 0; i < 36; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? s[i] != '-' : !strchr("0123456789abcdef", s[i]))
			return false;
	}
	return true;
}

int bool_word(const char *s)
{
	static const char *const words[][4] = {{"0", "no", "false", "off"}, {"1", "yes", "true", "on"}};

	for (int value = 0; value < 2; value++)
		for (size_t i = 0; i < 4; i++)
			if (strcasecmp(s, words[value][i]) == 0)
				return value;
	return -EINVAL;
}
