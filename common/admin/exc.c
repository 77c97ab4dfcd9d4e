/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of exception types (admin-api 3.1). */
#include "admin/exc.h"

static const struct {
	const char *type, *parent;
	bool key;
} tree[] = {
	{"QubesException", NULL},
	{"QubesVMNotFoundError", "QubesException", true},
	{"QubesVMError", "QubesException"},
	{"QubesVMInUseError", "QubesVMError"},
	{"QubesVMNotStartedError", "QubesVMError"},
	{"QubesVMNotRunningError", "QubesVMNotStartedError"},
	{"QubesVMNotPausedError", "QubesVMNotStartedError"},
	{"QubesVMCancelledPauseError", "QubesVMError"},
	{"QubesVMNotSuspendedError", "QubesVMError"},
	{"QubesVMNotHaltedError", "QubesVMError"},
	{"QubesVMShutdownTimeoutError", "QubesVMError"},
	{"QubesNoTemplateError", "QubesVMError"},
	{"QubesMemoryError", "QubesVMError"},
	{"QubesPropertyValueError", "QubesValueError"},
	{"QubesFeatureNotFoundError", "QubesException", true},
	{"QubesTagNotFoundError", "QubesException", true},
	{"QubesLabelNotFoundError", "QubesException", true},
	{"DeviceNotAssigned", "QubesException", true},
	{"DeviceNotAttached", "QubesException", true},
	{"DeviceNotFound", "QubesException", true},
	{"DeviceAlreadyAttached", "QubesException", true},
	{"DeviceAlreadyAssigned", "QubesException", true},
	{"KeyError", "QubesException", true}, /* Python's own, when the server lets one out */
	{"ProtocolError", NULL},
	{"PermissionDenied", NULL},
	{"QubesInvalidTagError", "ProtocolError"},
	{"QubesInvalidLabelError", "ProtocolError"},
	{"QubesInvalidLabelValueError", "ProtocolError"},
	{"QubesUnrecognizedDeviceAssignmentMode", "ProtocolError"},
	{"QubesVolumeCopyTokenNotFoundError", "ProtocolError", true},
	{"QubesVolumeRevisionNotFoundError", "QubesException", true},
	{"QubesPoolNotFoundError", "QubesException", true},
	{"QubesVolumeNotFoundError", "QubesException", true},
	{EXC_COMMUNICATION, NULL},
	{EXC_ACCESS, EXC_COMMUNICATION},
	{EXC_PROPERTY_ACCESS, EXC_ACCESS},
};

/* Index in the tree, or -1. */
static int find(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(tree); i++)
		if (streq(tree[i].type, type))
			return (int)i;
	return -1;
}

bool exc_is(const char *type, const char *ancestor)
{
	while (type) {
		if (streq(type, ancestor))
			return true;

		int i = find(type);

		type = i < 0 ? (streq(type, "QubesException") ? NULL : "QubesException") : tree[i].parent;
	}
	return false;
}

bool err_is(const struct err *e, const char *ancestor)
{
	return e->type && *e->type && exc_is(e->type, ancestor);
}

bool err_is_key(const struct err *e)
{
	int i = e->type ? find(e->type) : -1;

	return i >= 0 && tree[i].key;
}

bool err_is_not_started(const struct err *e)
{
	return err_is(e, "QubesVMNotStartedError");
}

bool err_is_access(const struct err *e)
{
	return err_is(e, EXC_ACCESS) || err_is(e, "ProtocolError") || err_is(e, "PermissionDenied");
}

bool err_is_communication(const struct err *e)
{
	return err_is(e, EXC_COMMUNICATION) || err_is_access(e);
}

bool exc_is_quoted(const char *type)
{
	return skip_prefix(type, "Device") || streq(type, "QubesVolumeCopyTokenNotFoundError");
}
