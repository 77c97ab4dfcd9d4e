/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices in the daemon (admin-api 2.11, chapter 8): what qubes offer at present, what is assigned and attached, and
 * who tells of them.
 */
#pragma once

#include "model/device.h"
#include "qvmd/qvmd.h"
#include "vmif/keys.h"

enum devclass { DEV_BLOCK, DEV_MIC, DEV_PCI, DEV_TEST, DEV_USB, DEVCLASS_COUNT };
extern const char *const devclass_names[DEVCLASS_COUNT];
/* -1 when there is no such class. */
int devclass_from_name(const char *name);

enum devmode { DEVMODE_MANUAL, DEVMODE_ASK, DEVMODE_AUTO, DEVMODE_REQUIRED, DEVMODE_COUNT };
extern const char *const devmode_names[DEVMODE_COUNT];
int devmode_from_name(const char *name); /* -1 */

/* A device given to a qube: by an assignment (stored; its port or id may be "*") or an attachment (in effect). */
struct devuse {
	enum devclass class;
	struct device_ref ref;
	enum devmode mode;
	char *frontend;      /* as the client gave it, or NULL */
	struct kvs options;  /* in the order given */
	bool told;           /* an attachment that nobody asked for: the backend tells of it (device_told.c) */
};
struct devuses {
	struct devuse *v;
	size_t n, cap;
};

/* All of one qube; struct vm has it once there is anything to tell. */
struct vm_devices {
	struct devuses assigned; /* in the order of assigning */
	struct devuses attached;
	struct device *present[DEVCLASS_COUNT]; /* what it offers now, by source */
	size_t n_present[DEVCLASS_COUNT];
	struct strv lab; /* what it would offer while it runs: "CLASS LINE" (device_lab.c) */
	struct strv unplugged; /* and of that, until the daemon ends, does not: "CLASS PORT" */
};

struct vm_devices *devices_of(struct vm *v); /* made when there is none yet */

void devuse_release(struct devuse *u);
#define CLEANUP_DEVUSE CLEANUP(devuse_release)
struct devuse devuse_copy(const struct devuse *u);
/* The entry of exactly this class and name, or NULL. */
struct devuse *devuses_find(const struct devuses *l, enum devclass class, const struct device_ref *ref);
/* The entry for the port (any id), or NULL. */
struct devuse *devuses_find_port(const struct devuses *l, enum devclass class, const struct device_ref *ref);
/* The most specific entry that fits the device, or NULL (admin-api 8.2). */
struct devuse *devuses_fit(const struct devuses *l, enum devclass class, const struct device_ref *ref);
struct devuse *devuses_add(struct devuses *l, struct devuse *u); /* takes what u holds */
void devuses_drop(struct devuses *l, struct devuse *u);
void devuses_release(struct devuses *l);

/* ---- mutators: memory and store (device_list.c) ---- */

/* Takes what u holds. One of the same name must not be there. */
void vm_assign(struct vm *v, struct devuse *u);
void vm_assign_mode(struct vm *v, struct devuse *u, enum devmode mode);
void vm_unassign(struct vm *v, struct devuse *u);

/* ---- what is there (device_list.c) ---- */

/* The device in a port of a qube, or NULL. */
const struct device *device_find(struct vm *backend, enum devclass class, const char *port);
/* The one device that ref names, NULL when there is none or more than one. */
const struct device *device_only(struct vm *backend, enum devclass class, const struct device_ref *ref);
/* Who has the device of this port, or NULL. */
struct vm *device_holder(struct sys *s, enum devclass class, const struct device_ref *ref);
/* True when pci devices are assigned: such a qube cannot be balanced nor be pvh (admin-api 4.4). */
bool vm_has_pci(const struct vm *v);
/* Ports of v that are assigned to other qubes, comma and blank between them; NULL when there are none. */
char *devices_assigned_elsewhere(struct vm *v);

/* ---- attaching (device_attach.c) ---- */

/* Attaches a device that is there, with events (quiet: without) and the rules of admin-api 8.9. */
int device_attach(struct vm *v, enum devclass class, const struct device *d, const struct kvs *options, bool quiet,
		  struct err *err);
/* Takes u, one of v's attachments, away, with events. */
void device_detach(struct vm *v, struct devuse *u);
/* Frees u, whose device or qube is gone, and tells. */
void device_lost(struct vm *v, struct devuse *u);
/* device-what:CLASS on v with the device and, when not NULL, options. */
void device_event(struct vm *v, const char *what, enum devclass class, const struct device_ref *ref,
		  const struct kvs *options);
/* device-what:CLASS on v with the port (4.2: the same as device). */
void device_port_event(struct vm *v, const char *what, enum devclass class, const struct device_ref *ref);

/* ---- where devices come from (device_source.c) ---- */

/*
 * A source knows what qubes offer. It is told when a qube is up, and tells of every change by
 * devices_publish(). In the lab it is what fixtures say (device_lab.c).
 */
struct device_source {
	void (*up)(struct vm *v, bool quiet); /* v runs from now on: publish what it has */
};
extern const struct device_source lab_source;

/*
 * The devices of one class that v offers from now on: takes the array. What is new is announced and given to those who
 * wait for it, what is gone is taken from those who have it (admin-api 11.3). quiet: no events.
 * False: nothing is new or gone, and nobody was told.
 */
bool devices_publish(struct vm *v, enum devclass class, struct device *list, size_t n, bool quiet);

/* ---- power (device_power.c): one call for each step of power.c ---- */

/* Required devices that are not there or not free stop a start. */
int devices_may_start(struct vm *v, struct err *err);
/* Gives v its required devices: they come with the domain. */
int devices_spawn(struct vm *v, struct err *err);
/* v is up: what it offers, and what is attached automatically. */
void devices_up(struct vm *v);
/* v is off: it has and offers nothing any more. */
void devices_off(struct vm *v);
/* After a fixture: all of it for the qubes that run already, without a word to anybody. */
void devices_boot(struct sys *s);

/* ---- freeing (device_list.c), for model.c ---- */

void devices_clear(struct vm *v);  /* what is stored */
void devices_forget(struct vm *v); /* everything */

/* The events of a list that was written, whether it has changed or not. */
void device_list_written(struct vm *v, enum devclass class);

/* device_told.c: v has written what it offers, and who uses it: all keys below qubes-block-devices or
 * qubes-usb-devices, settled. They are hostile. always: events also when nothing is new or gone. */
void devices_told(struct vm *v, enum devclass class, const struct key_values *keys, bool always);

/* ---- lab (device_lab.c) ---- */

/* What the fixture gave to v and is plugged in. The caller frees the array and what it holds. */
struct device *lab_devices(struct vm *v, enum devclass class, size_t *ret_n);

/* The name of this port in the generation that is served, if there is a device of the fixture in it. The caller
 * frees. */
char *lab_port(struct vm *v, enum devclass class, const char *port);

/* Adds a device that the lab's qube has: "PORT:ID properties" of its class. Store and memory, no events. */
int lab_device_put(struct vm *v, enum devclass class, const char *line, struct err *err);
