/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of the store, one text for each version of the schema. */
#include "qvmd/store.h"

static const char schema_1[] =
	"CREATE TABLE label(idx INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, color TEXT NOT NULL);"
	"CREATE TABLE pool(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, driver TEXT NOT NULL);"
	"CREATE TABLE pool_config(pool TEXT NOT NULL REFERENCES pool(name) ON DELETE CASCADE,"
	" key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(pool, key)) WITHOUT ROWID;"
	"CREATE TABLE global(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE kernel(version TEXT PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE dispid(dispid INTEGER PRIMARY KEY, gone INTEGER NOT NULL);"
	"CREATE TABLE vm(qid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, class TEXT NOT NULL,"
	" uuid TEXT NOT NULL UNIQUE, dispid INTEGER NOT NULL, notes TEXT);"
	"CREATE TABLE prop(vm INTEGER NOT NULL REFERENCES vm(qid) ON DELETE CASCADE,"
	" key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(vm, key)) WITHOUT ROWID;"
	/* read once, when volumes take its place: store_complete.c */
	"CREATE TABLE volume_pool(vm INTEGER NOT NULL REFERENCES vm(qid) ON DELETE CASCADE,"
	" key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(vm, key)) WITHOUT ROWID;"
	"CREATE TABLE tag(vm INTEGER NOT NULL REFERENCES vm(qid) ON DELETE CASCADE,"
	" tag TEXT NOT NULL, PRIMARY KEY(vm, tag)) WITHOUT ROWID;"
	/* features keep the order of first setting: an update leaves the row where it is */
	"CREATE TABLE feature(id INTEGER PRIMARY KEY,"
	" vm INTEGER NOT NULL REFERENCES vm(qid) ON DELETE CASCADE,"
	" key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE(vm, key));";

/* device is the id; options are key='value' words. */
static const char schema_devices[] =
	"CREATE TABLE assignment(id INTEGER PRIMARY KEY,"
	" vm INTEGER NOT NULL REFERENCES vm(qid) ON DELETE CASCADE, class TEXT NOT NULL,"
	" backend TEXT NOT NULL, port TEXT NOT NULL, device TEXT NOT NULL, mode TEXT NOT NULL,"
	" frontend TEXT, options TEXT NOT NULL, UNIQUE(vm, class, backend, port, device));"
	"CREATE TABLE lab_device(id INTEGER PRIMARY KEY,"
	" vm INTEGER NOT NULL REFERENCES vm(qid) ON DELETE CASCADE, entry TEXT NOT NULL);";

/* The whole list as Get has it: it is only ever replaced as a whole. */
static const char schema_firewall[] =
	"CREATE TABLE firewall(vm INTEGER PRIMARY KEY REFERENCES vm(qid) ON DELETE CASCADE, rules TEXT NOT NULL);";

static const char schema_volumes[] =
	"CREATE TABLE volume(vm INTEGER NOT NULL REFERENCES vm(qid) ON DELETE CASCADE,"
	" volume INTEGER NOT NULL, pool INTEGER NOT NULL REFERENCES pool(id),"
	" rw INTEGER NOT NULL, ephemeral INTEGER NOT NULL, keep INTEGER NOT NULL, gen INTEGER NOT NULL,"
	" size INTEGER NOT NULL, valid INTEGER NOT NULL, PRIMARY KEY(vm, volume)) WITHOUT ROWID;"
	"CREATE TABLE revision(id INTEGER PRIMARY KEY, vm INTEGER NOT NULL, volume INTEGER NOT NULL,"
	" name TEXT NOT NULL, gen INTEGER NOT NULL, size INTEGER NOT NULL, valid INTEGER NOT NULL,"
	" time INTEGER NOT NULL, UNIQUE(vm, volume, name),"
	" FOREIGN KEY(vm, volume) REFERENCES volume(vm, volume) ON DELETE CASCADE);";

const char *const store_schema[STORE_VERSION] = { schema_1, schema_devices, schema_firewall, schema_volumes };
