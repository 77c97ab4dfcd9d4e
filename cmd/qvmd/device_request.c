/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the argument and payload of device calls (admin-api 8.4, 8.6). */
#include <errno.h>

#include "base/chars.h"
#include "base/mem.h"
#include "qvmd/device_call.h"

#define NO_CLASS (-ENOSYS)

int device_class(struct req *r)
{
	int class = devclass_from_name(r->suffix);

	if (class < 0)
		req_no_method(r);
	return class;
}

void device_refuse(struct req *r, const struct err *err)
{
	if (devclass_from_name(r->suffix) < 0)
		req_no_method(r);
	else
		req_fail_err(r, err);
}

void device_not_attached(struct req *r, const struct devuse *u)
{
	const char *class = devclass_names[u->class];

	if (r->sys->opt.compat == 42)
		req_fail(r, "DeviceNotAttached", "device %s of class %s not attached to %s", u->ref.port, class,
			 r->dest->name);
	else
		req_fail(r, "DeviceNotAssigned", "%s device %s not attached to %s", class, u->ref.port,
			 r->dest->name);
}

static int take_mode(struct devuse *u, const char *value, struct err *err)
{
	int mode = devmode_from_name(value);

	if (mode < 0)
		return err_set(err, -EINVAL, "ProtocolError", "'%s' is not a valid AssignmentMode", value);
	u->mode = (enum devmode)mode;
	return 0;
}

static int take_property(struct devuse *u, const char *key, const char *value, struct err *err)
{
	static const char *const names[] = {"device_id", "port_id", "devclass", "backend_domain"};

	if (key[0] == '_') {
		kvs_put(&u->options, key + 1, value, false);
		return 0;
	}
	if (streq(key, "mode"))
		return take_mode(u, value, err);
	if (streq(key, "frontend_domain")) {
		free(u->frontend);
		u->frontend = xstrdup(value);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(key, names[i]))
			return 0;
	return err_set(err, -EINVAL, "ProtocolError",
		       "DeviceAssignment.__init__() got an unexpected keyword argument '%s'", key);
}

static int read_payload(struct req *r, struct devuse *u, struct err *err)
{
	CLEANUP_DEVICE_PROPS struct device_props p = {0};
	const char *id;
	int ret;

	if (strlen(r->payload) != r->payload_len)
		return err_set(err, -EINVAL, "ProtocolError", "Invalid chars in property value: {'\\x00'}");
	ret = device_props_parse(&p, r->payload, err);
	if (ret == 0)
		ret = device_props_check(&p, err);
	if (ret == 0)
		ret = device_props_agree(&p, &u->ref, devclass_names[u->class], err);
	for (size_t i = 0; ret == 0 && i < p.keys.n; i++)
		ret = take_property(u, p.keys.v[i], p.values.v[i], err);
	id = ret == 0 ? device_props_get(&p, "device_id") : NULL;
	/* What the argument leaves open, the payload may tell. */
	if (id && streq(u->ref.id, "*")) {
		free(u->ref.id);
		u->ref.id = xstrdup(id);
	}
	return ret;
}

/* Lines of devices begin with their names, up to a blank. */
static bool is_name(const char *s)
{
	return *s && chars_all(s, "!-~");
}

int device_request(struct req *r, struct devuse *ret, struct err *err)
{
	int class = devclass_from_name(r->suffix), code;

	*ret = (struct devuse){.mode = DEVMODE_MANUAL};
	if (class < 0)
		return NO_CLASS;
	ret->class = (enum devclass)class;
	code = device_arg_parse(&ret->ref, r->arg, err);
	if (code == 0 && *r->payload)
		code = read_payload(r, ret, err);
	if (code == 0 && (!is_name(ret->ref.port) || !is_name(ret->ref.id)))
		code = err_set(err, -EINVAL, "ProtocolError", "Invalid device argument: '%s'", r->arg);
	if (code == 0 && !vm_find(r->sys, ret->ref.backend))
		code = err_set(err, -ENOENT, "QubesVMNotFoundError", "No such domain: '%s'", ret->ref.backend);
	return code;
}
