/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a backup profile selects (backup-policy-clock 1.2, 1.3, 1.8). */
#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "qvmd/backup.h"
#include "qvmd/storage.h"

void plan_release(struct backup_plan *p)
{
	profile_release(&p->profile);
	for (size_t i = 0; i < p->n_vms; i++)
		free(p->vms[i].name);
	free(p->vms);
	for (size_t i = 0; i < p->n_items; i++) {
		free(p->items[i].path);
		free(p->items[i].text);
		source_close(&p->items[i].source);
	}
	free(p->items);
	strv_release(&p->others);
	*p = (struct backup_plan){0};
}

/* ---- dom0's home ---- */

char *backup_home(const struct sys *s, const char *qube)
{
	CLEANUP_FREE char *all = xasprintf("%s/home", s->opt.state_dir);
	char *home = xasprintf("%s/%s", all, qube);

	/* Whoever uses it says what is wrong with it. */
	if (mkdir(all, 0700) == 0 || errno == EEXIST)
		mkdir(home, 0700);
	return home;
}

static uint64_t tree_size(char *dir)
{
	char *const roots[] = { dir, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	uint64_t sum = 0;
	FTSENT *e;

	while (walk && (e = fts_read(walk)))
		if (e->fts_info == FTS_F)
			sum += (uint64_t)e->fts_statp->st_size;
	if (walk)
		fts_close(walk);
	return sum;
}

/* ---- selection ---- */

static bool is_selected(const struct strv *selectors, const struct vm *v)
{
	for (size_t i = 0; i < selectors->n; i++)
		if (profile_selects(selectors->v[i], v->name, class_names[v->class], &v->tags))
			return true;
	return false;
}

static bool is_included(const struct profile *p, struct vm *v)
{
	if (p->include_all ? !prop_get_bool(v, "include_in_backups") : !is_selected(&p->include, v))
		return false;
	return !is_selected(&p->exclude, v);
}

static uint64_t size_of(struct vm *v)
{
	uint64_t sum = v->notes ? strlen(v->notes) : 0;
	CLEANUP_FREE char *rules = v->firewall ? backup_firewall(v->firewall) : NULL;

	sum += rules ? strlen(rules) : 0;

	if (v->class == CLASS_ADMIN) {
		CLEANUP_FREE char *home = backup_home(v->sys, v->name);

		return tree_size(home);
	}
	for (int id = 0; v->volumes && id < VOLUME_COUNT; id++)
		if (volume_is_persistent(&v->volumes[id]))
			sum += volume_usage(&v->volumes[id]);
	return sum;
}

static const struct volume *exposed_volume(const struct vm *v)
{
	for (int id = 0; v->volumes && id < VOLUME_COUNT; id++) {
		const struct volume *vol = &v->volumes[id];

		if (volume_is_persistent(vol) && volume_keep(vol) == -1 && volume_is_running(vol))
			return vol;
	}
	return NULL;
}

static void add(struct backup_plan *p, struct vm *v)
{
	struct backup_vm *b;

	GROW(p->vms, p->n_vms, p->cap_vms);
	b = &p->vms[p->n_vms++];
	*b = (struct backup_vm){ .vm = v, .name = xstrdup(v->name), .size = size_of(v),
				 .exposed = exposed_volume(v) };
	memcpy(b->uuid, v->uuid, sizeof b->uuid);
	p->total += b->size;
}

static void select_qubes(struct sys *s, struct backup_plan *p)
{
	bool dom0 = is_included(&p->profile, s->dom0);

	for (size_t i = 0; i < s->n_vms; i++) {
		struct vm *v = s->vms[i];

		if (!is_included(&p->profile, v))
			strv_add(&p->others, v->name);
		else if (v != s->dom0)
			add(p, v);
	}
	if (dom0)
		add(p, s->dom0);
}

int plan_make(struct sys *s, const char *profile, struct backup_plan *ret, struct err *err)
{
	CLEANUP_PLAN struct backup_plan p = {0};
	int r = profile_load(&p.profile, s->opt.profile_dir, profile, NULL, err);

	if (r < 0)
		return r;
	if (!vm_find(s, p.profile.destination_vm))
		return err_set(err, -EINVAL, "QubesException", "Invalid destination_vm specified in backup profile");
	select_qubes(s, &p);
	*ret = p;
	p = (struct backup_plan){0};
	return 0;
}

/* ---- the table ---- */

static const char *type_of(struct vm *v)
{
	if (v->class == CLASS_ADMIN)
		return "User home";
	if (v->class == CLASS_TEMPLATE)
		return "Template VM";
	return prop_get_bool(v, "updateable") ? "VM + Sys" : "VM";
}

/* As this table has sizes (backup-policy-clock 1.8), which is not as model/size.h has them. */
static char *table_size(uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB" };
	double n = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024)
		return xasprintf("%llu", (unsigned long long)bytes);
	for (n /= 1024; n >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		n /= 1024;
	return xasprintf("%.1f %s", n, units[unit]);
}

static const char *remark_of(const struct backup_vm *v)
{
	if (v->exposed)
		return " <-- The VM is running and private volume snapshots are disabled. Backup will fail!";
	if (v->vm->class != CLASS_ADMIN && vm_is_running(v->vm))
		return " <-- The VM is running, backup will contain its state from before its start!";
	return "";
}

void plan_print(const struct backup_plan *p, struct buf *b)
{
	static const char rule[] = "------------------+--------------+--------------+\n";
	CLEANUP_FREE char *total = table_size(p->total);

	buf_addf(b, "%s%17s |%13s |%13s |\n%s", rule, "VM", "type", "size", rule);
	for (size_t i = 0; i < p->n_vms; i++) {
		const struct backup_vm *v = &p->vms[i];
		CLEANUP_FREE char *size = table_size(v->size);

		buf_addf(b, "%17s |%13s |%13s |%s\n", v->name, type_of(v->vm), size, remark_of(v));
	}
	buf_addf(b, "%s%17s |%28s |\n%sVMs not selected for backup:\n - ", rule, "Total size:", total, rule);
	for (size_t i = 0; i < p->others.n; i++)
		buf_addf(b, "%s%s", i ? "\n - " : "", p->others.v[i]);
	buf_addch(b, '\n');
}
