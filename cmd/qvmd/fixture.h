/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a fixture's YAML: what fixture.c and fixture_yaml.c share. Not for other modules. */
#pragma once

#include <yaml.h>

#include "qvmd/qvmd.h"

struct load {
	struct sys *sys;
	struct err *err;
	const char *path;
	yaml_document_t doc;
	bool repeated; /* within an entry with "repeat" */
	int64_t round; /* which of them, from 1 */
};

/* -EINVAL and "FILE:LINE:COLUMN: KEY: TEXT". */
int fixture_bad(struct load *l, const yaml_node_t *at, const char *key, const char *fmt, ...) PRINTF(4, 5);
/* The same with the text of an error that was found by a check; releases it. */
int fixture_bad_check(struct load *l, const yaml_node_t *at, const char *key, struct err *why);

bool fixture_is_null(const yaml_node_t *n);
/* Text of a scalar; the caller frees. In a repeated entry a list stands for its elements in turn. */
int fixture_text(struct load *l, yaml_node_t *n, const char *key, char **ret);
/* The canonical text of a property that there is (v NULL: of the system); "none" where a qube is named. */
int fixture_value(struct load *l, struct vm *v, yaml_node_t *n, const char *key, char **ret);

typedef int (*pair_fn)(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val);
typedef int (*item_fn)(struct load *l, void *data, yaml_node_t *item);
/* Until fn fails. An empty value is an empty mapping or list. what is the key of the whole. */
int each_pair(struct load *l, yaml_node_t *n, const char *what, pair_fn fn, void *data);
int each_item(struct load *l, yaml_node_t *n, const char *what, item_fn fn, void *data);
/* The volumes of a new qube, by the keys "pools" and "volumes" of its entry (fixture_volume.c). */
int fixture_volumes(struct load *l, struct vm *v, yaml_node_t *item);
/* The value of a key in a mapping, or NULL. */
yaml_node_t *fixture_get(struct load *l, yaml_node_t *n, const char *key);

/* Of a qube: its devices, and what is assigned to it (device_fixture.c). */
int load_device(struct load *l, void *vm, yaml_node_t *item);
int load_assigned(struct load *l, void *vm, yaml_node_t *item);

/* fixture_firewall.c: the list of rules of a qube, each as admin.vm.firewall.Set takes it. */
int load_firewall(struct load *l, struct vm *v, yaml_node_t *val);
