/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Candidates for completion from the live system: one call for most, two at most in a row. */
#include "cli/compval.h"

#include "base/chars.h"
#include "base/mem.h"
#include "base/num.h"
#include "model/propval.h"
#include "os/io.h"

#define PATIENCE_NS 200000000U /* unless QVM_COMPLETION_TIMEOUT says otherwise */
/* Tags and features "in use by any" take a call for each qube: of no more than these. */
#define SAMPLE 64

static const char columns[] =
	"CLASS DISK FLAGS GATEWAY MEMORY PRIV-CURR PRIV-MAX PRIV-POOL PRIV-USED ROOT-CURR ROOT-MAX ROOT-POOL "
	"ROOT-USED STATE NAME LABEL TEMPLATE NETVM QID XID UUID IP KERNEL KERNELOPTS VCPUS INITIALMEM MAXMEM "
	"VIRT-MODE AUTOSTART PROVIDES-NETWORK";

/* "*" stands for a class: of devices, and behind Create of qubes. */
static const char methods[] =
	"admin.Events admin.backup.Cancel admin.backup.Execute admin.backup.Info admin.deviceclass.List "
	"admin.label.Create admin.label.Get admin.label.Index admin.label.List admin.label.Remove "
	"admin.pool.Add admin.pool.Info admin.pool.List admin.pool.ListDrivers admin.pool.Remove "
	"admin.pool.Set.ephemeral_volatile admin.pool.Set.revisions_to_keep admin.pool.UsageDetails "
	"admin.pool.volume.CloneFrom admin.pool.volume.CloneTo admin.pool.volume.Import "
	"admin.pool.volume.Info admin.pool.volume.List admin.pool.volume.ListSnapshots "
	"admin.pool.volume.Resize admin.pool.volume.Revert admin.pool.volume.Set.revisions_to_keep "
	"admin.pool.volume.Snapshot admin.property.Get admin.property.GetAll admin.property.GetDefault "
	"admin.property.Help admin.property.HelpRst admin.property.List admin.property.Reset "
	"admin.property.Set admin.vm.Console admin.vm.Create.* admin.vm.CreateDisposable "
	"admin.vm.CreateInPool.* admin.vm.CurrentState admin.vm.Kill admin.vm.List admin.vm.Pause "
	"admin.vm.Remove admin.vm.Resume admin.vm.Shutdown admin.vm.Start admin.vm.Stats "
	"admin.vm.Suspend admin.vm.Unpause admin.vm.device.*.Assign admin.vm.device.*.Assigned "
	"admin.vm.device.*.Attach admin.vm.device.*.Attached admin.vm.device.*.Available "
	"admin.vm.device.*.Detach admin.vm.device.*.List admin.vm.device.*.Set.assignment "
	"admin.vm.device.*.Set.persistent admin.vm.device.*.Unassign admin.vm.device.denied.Add "
	"admin.vm.device.denied.List admin.vm.device.denied.Remove admin.vm.feature.CheckWithAdminVM "
	"admin.vm.feature.CheckWithNetvm admin.vm.feature.CheckWithTemplate "
	"admin.vm.feature.CheckWithTemplateAndAdminVM admin.vm.feature.Get admin.vm.feature.List "
	"admin.vm.feature.Remove admin.vm.feature.Set admin.vm.firewall.Get admin.vm.firewall.Reload "
	"admin.vm.firewall.Set admin.vm.notes.Get admin.vm.notes.Set admin.vm.property.Get "
	"admin.vm.property.GetAll admin.vm.property.GetDefault admin.vm.property.Help "
	"admin.vm.property.HelpRst admin.vm.property.List admin.vm.property.Reset admin.vm.property.Set "
	"admin.vm.tag.Get admin.vm.tag.List admin.vm.tag.Remove admin.vm.tag.Set admin.vm.volume.Clear "
	"admin.vm.volume.CloneFrom admin.vm.volume.CloneTo admin.vm.volume.Import "
	"admin.vm.volume.ImportWithSize admin.vm.volume.Info admin.vm.volume.List "
	"admin.vm.volume.ListSnapshots admin.vm.volume.Resize admin.vm.volume.Revert "
	"admin.vm.volume.Set.ephemeral admin.vm.volume.Set.revisions_to_keep admin.vm.volume.Set.rw "
	"admin.vm.volume.Snapshot admin.vmclass.List policy.Get policy.GetFiles policy.List "
	"policy.Remove policy.Replace policy.include.Get policy.include.List policy.include.Remove "
	"policy.include.Replace";

/* Properties whose type is text although only a few words are legal. */
static const struct {
	const char *property, *words;
} texts[] = {
	{"virt_mode", "hvm pv pvh"},
	{"default_virt_mode", "hvm pv pvh"},
};

static uint64_t patience(void)
{
	const char *text = getenv("QVM_COMPLETION_TIMEOUT");
	uint64_t ns;

	return text && num_seconds(text, &ns) == 0 ? ns : PATIENCE_NS;
}

void comp_ask_begin(struct comp_asker *a, struct ctx *c)
{
	*a = (struct comp_asker){.c = c, .deadline = now_ns() + patience()};
	a->dead = admin_init(&c->admin, NULL) < 0;
}

void comp_ask_end(struct comp_asker *a)
{
	qubes_release(&a->qubes);
}

/* All calls share one time limit. */
bool comp_time_left(struct comp_asker *a)
{
	uint64_t t = now_ns();

	if (t >= a->deadline)
		a->dead = true;
	else
		a->c->admin.timeout_ns = a->deadline - t;
	return !a->dead;
}

static char *ask_text(struct comp_asker *a, const char *dest, const char *method, const char *arg,
		      size_t *ret_len)
{
	char *body = NULL;

	if (!comp_time_left(a) || admin_call(&a->c->admin, NULL, dest, method, arg, NULL, &body, ret_len) < 0)
		a->dead = true;
	return body;
}

static void add_words(struct strv *ret, const char *words)
{
	const char *word;
	size_t n;

	while (words && names_next(&words, ' ', &word, &n))
		strv_addn(ret, word, n);
}

static void add_methods(struct strv *ret)
{
	const char *words = methods, *word, *class;
	size_t n, len;

	while (names_next(&words, ' ', &word, &n)) {
		const char *star = memchr(word, '*', n);
		const char *classes = memmem(word, n, ".device.", 8) ? "block mic pci usb" :
								       "AppVM DispVM StandaloneVM TemplateVM";

		if (!star)
			strv_addn(ret, word, n);
		while (star && names_next(&classes, ' ', &class, &len))
			strv_addf(ret, "%.*s%.*s%.*s", (int)(star - word), word, (int)len, class,
				  (int)(word + n - star - 1), star + 1);
	}
}

static void add_lines(struct comp_asker *a, const char *dest, const char *method, struct strv *ret)
{
	char *body CLEANUP_FREE = ask_text(a, dest, method, NULL, NULL);

	if (body)
		strv_split(ret, body, '\n');
}

static void add_revisions(struct comp_asker *a, struct strv *ret)
{
	const char *colon = a->volume ? strchr(a->volume, ':') : NULL;
	char *qube CLEANUP_FREE = NULL, *body CLEANUP_FREE = NULL;

	if (!colon)
		return;
	qube = xstrndup(a->volume, (size_t)(colon - a->volume));
	body = ask_text(a, qube, "admin.vm.volume.ListSnapshots", colon + 1, NULL);
	if (body)
		strv_split(ret, body, '\n');
}

const struct qubes *comp_qubes(struct comp_asker *a)
{
	size_t len;
	char *body CLEANUP_FREE = NULL;

	if (!a->listed) {
		a->listed = true;
		body = ask_text(a, "dom0", "admin.vm.List", NULL, &len);
		if (body && qubes_parse(&a->qubes, body, len, NULL) < 0)
			a->dead = true;
	}
	return &a->qubes;
}

/* Where no qube was named, any that is not dom0 is as good as another. NULL when there is none. */
static const char *any_qube(struct comp_asker *a)
{
	const struct qubes *list = comp_qubes(a);

	for (size_t i = 0; i < list->n; i++)
		if (!streq(list->v[i].class, "AdminVM"))
			return list->v[i].name;
	return NULL;
}

static bool qube_fits(const struct comp_asker *a, const struct qube *q, enum comp comp)
{
	bool admin = streq(q->class, "AdminVM");

	switch (comp) {
	case COMP_QUBE_NODOM0:
		return !admin;
	case COMP_QUBE_RUNNING:
		return !admin && state_is_running(q->state);
	case COMP_QUBE_HALTED:
		return streq(q->state, "Halted");
	case COMP_QUBE_PAUSED:
		return streq(q->state, "Paused") || streq(q->state, "Suspended");
	case COMP_TEMPLATE:
		return streq(q->class, a->disposable ? "AppVM" : "TemplateVM");
	case COMP_DISPVM:
		/* Whether it may be one would take a call for each. */
		return streq(q->class, "AppVM");
	case COMP_NETVM:
		/* Whether it provides network would take a call for each. */
		return !admin && !streq(q->class, "TemplateVM");
	default:
		return true;
	}
}

static void add_qubes(struct comp_asker *a, enum comp comp, struct strv *ret)
{
	const struct qubes *list = comp_qubes(a);

	for (size_t i = 0; i < list->n; i++)
		if (qube_fits(a, &list->v[i], comp))
			strv_add(ret, list->v[i].name);
}

/* Lines of one method from the qube named before, or from many qubes, each line once. */
static void add_from_qubes(struct comp_asker *a, const char *method, struct strv *ret)
{
	const struct qubes *list;
	struct call *calls;
	size_t n;

	if (a->qube) {
		add_lines(a, a->qube, method, ret);
		return;
	}
	list = comp_qubes(a);
	n = list->n < SAMPLE ? list->n : SAMPLE;
	if (n == 0 || !comp_time_left(a))
		return;
	calls = xcalloc(n, sizeof *calls);
	for (size_t i = 0; i < n; i++) {
		calls[i].dest = list->v[i].name;
		calls[i].method = method;
	}
	admin_run(&a->c->admin, calls, n);
	for (size_t i = 0; i < n; i++)
		if (calls[i].result == 0)
			strv_split(ret, calls[i].body, '\n');
	calls_free(calls, n);
}

static void add_features(struct comp_asker *a, bool services, struct strv *ret)
{
	struct strv all CLEANUP_STRV = STRV_INIT;

	add_from_qubes(a, "admin.vm.feature.List", &all);
	for (size_t i = 0; i < all.n; i++) {
		const char *service = skip_prefix(all.v[i], "service.");

		/* What the qube says it knows can be enabled too. */
		if (services && !service)
			service = skip_prefix(all.v[i], "supported-service.");
		if (!services)
			strv_add(ret, all.v[i]);
		else if (service)
			strv_add(ret, service);
	}
}

static void add_properties(struct comp_asker *a, struct strv *ret)
{
	const char *qube = a->qube ? a->qube : any_qube(a);

	if (qube)
		add_lines(a, qube, "admin.vm.property.List", ret);
}

/* The qubes that a property of type vm can name (admin-api 4.8), as far as their class tells. */
static void add_vm_values(struct comp_asker *a, const char *property, struct strv *ret)
{
	enum comp comp = COMP_QUBE;

	if (streq(property, "template") || streq(property, "default_template"))
		comp = COMP_TEMPLATE;
	else if (strstr(property, "netvm") || streq(property, "clockvm") || streq(property, "updatevm"))
		comp = COMP_NETVM;
	else if (strstr(property, "dispvm"))
		comp = COMP_DISPVM;
	add_qubes(a, comp, ret);
	for (size_t i = ret->n; a->qube && i-- > 0;)
		if (streq(ret->v[i], a->qube))
			strv_remove(ret, i);
	if (!streq(property, "template"))
		strv_add(ret, "none");
}

static void add_values(struct comp_asker *a, bool global, struct strv *ret)
{
	struct propval value CLEANUP_PROPVAL = {0};
	const char *dest = "dom0";
	char *property CLEANUP_FREE = NULL, *body CLEANUP_FREE = NULL;
	size_t len;

	if (!a->property)
		return;
	property = xstrdup(a->property);
	chars_replace(property, '-', '_');
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (streq(texts[i].property, property)) {
			add_words(ret, texts[i].words);
			return;
		}
	if (!global)
		dest = a->qube ? a->qube : any_qube(a);
	if (!dest)
		return;
	body = ask_text(a, dest, global ? "admin.property.Get" : "admin.vm.property.Get", property, &len);
	if (!body || propval_parse(&value, body, len, NULL) < 0)
		return;
	if (value.type == PROP_BOOL)
		add_words(ret, "False True");
	else if (value.type == PROP_LABEL)
		add_lines(a, "dom0", "admin.label.List", ret);
	else if (value.type == PROP_VM)
		add_vm_values(a, property, ret);
}

void comp_ask(struct comp_asker *a, enum comp comp, const char *choices, struct strv *ret)
{
	switch (comp) {
	case COMP_UNSET:
	case COMP_NONE:
	case COMP_WORDS:
	case COMP_HINT:
		add_words(ret, choices);
		break;
	case COMP_QUBE:
	case COMP_QUBE_NODOM0:
	case COMP_QUBE_RUNNING:
	case COMP_QUBE_HALTED:
	case COMP_QUBE_PAUSED:
	case COMP_TEMPLATE:
	case COMP_DISPVM:
	case COMP_NETVM:
		add_qubes(a, comp, ret);
		break;
	case COMP_CLASS:
		add_lines(a, "dom0", "admin.vmclass.List", ret);
		break;
	case COMP_LABEL:
		add_lines(a, "dom0", "admin.label.List", ret);
		break;
	case COMP_TAG:
		add_from_qubes(a, "admin.vm.tag.List", ret);
		break;
	case COMP_FEATURE:
	case COMP_SERVICE:
		add_features(a, comp == COMP_SERVICE, ret);
		break;
	case COMP_PROPERTY:
		add_properties(a, ret);
		break;
	case COMP_PROPVALUE:
	case COMP_GPROPVALUE:
		add_values(a, comp == COMP_GPROPVALUE, ret);
		break;
	case COMP_GPROPERTY:
		add_lines(a, "dom0", "admin.property.List", ret);
		break;
	case COMP_POOL:
		add_lines(a, "dom0", "admin.pool.List", ret);
		break;
	case COMP_DRIVER:
		add_lines(a, "dom0", "admin.pool.ListDrivers", ret);
		/* The options of each stand behind it. */
		for (size_t i = 0; i < ret->n; i++)
			ret->v[i][strcspn(ret->v[i], " ")] = '\0';
		break;
	case COMP_VOLUME:
		if (a->qube)
			add_lines(a, a->qube, "admin.vm.volume.List", ret);
		break;
	case COMP_REVISION:
		add_revisions(a, ret);
		break;
	case COMP_COLUMN:
		add_words(ret, choices ? choices : columns);
		break;
	case COMP_METHOD:
		add_methods(ret);
		break;
	case COMP_WHERE:
		add_words(ret, "name= class= state= label= template= netvm= tag= feature:");
		break;
	case COMP_DEVCLASS:
		add_lines(a, "dom0", "admin.deviceclass.List", ret);
		break;
	case COMP_DEVICE:
	case COMP_ATTACHED:
	case COMP_ASSIGNED:
		comp_ask_devices(a, comp, ret);
		break;
	case COMP_OWN:
		a->c->tool->own_words(a->command, ret);
		break;
	case COMP_FILE:
	case COMP_COMMAND:
		break;
	}
}

void comp_ask_where(struct comp_asker *a, const char *key, struct strv *ret)
{
	static const struct {
		const char *key;
		enum comp comp;
	} keys[] = {
		{"name", COMP_QUBE},         {"class", COMP_CLASS}, {"label", COMP_LABEL},
		{"template", COMP_TEMPLATE}, {"netvm", COMP_NETVM}, {"tag", COMP_TAG},
	};

	if (streq(key, "state"))
		add_words(ret, "Crashed Dying Halted Halting Paused Running Suspended Transient");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (streq(key, keys[i].key))
			comp_ask(a, keys[i].comp, NULL, ret);
}
