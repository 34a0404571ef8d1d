/* Life of the daemon object, admission, and who is let into which call. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon_priv.h"

int mcu_daemon_new(const McuDaemonParams *params, McuDaemon **ret, McuDiag *reterr)
{
	g_autoptr(McuDaemon) d = g_new0(McuDaemon, 1);
	int r;

	d->conf = params->conf;
	d->spawn = params->spawn;
	d->spawn_data = params->spawn_data;
	d->sip = params->sip;
	d->sip_data = params->sip_data;
	d->events = mcu_events_new();
	d->legs = g_hash_table_new(g_int64_hash, g_int64_equal);
	d->by_serial = g_hash_table_new(g_int64_hash, g_int64_equal);
	d->calls =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)mcu_call_free);
	r = mcu_admission_new(d->conf->sip.allow, &d->admission, reterr);
	if (r < 0)
		return r;
	*ret = g_steal_pointer(&d);
	return 0;
}

void mcu_daemon_free(McuDaemon *d)
{
	if (!d)
		return;
	g_hash_table_unref(d->calls);
	g_hash_table_unref(d->legs);
	g_hash_table_unref(d->by_serial);
	mcu_events_free(d->events);
	mcu_admission_free(d->admission);
	mcu_conf_free(d->conf);
	g_free(d);
}

const McuConf *mcu_daemon_conf(const McuDaemon *d)
{
	return d->conf;
}

void mcu_daemon_set_sip_data(McuDaemon *d, void *sip_data)
{
	d->sip_data = sip_data;
}

int mcu_daemon_reconfigure(McuDaemon *d, McuConf *conf, McuDiag *reterr)
{
	g_autoptr(McuConf) taken = conf;
	McuAdmission *admission = NULL;
	GHashTableIter it;
	gpointer call;
	int r = mcu_admission_new(conf->sip.allow, &admission, reterr);

	if (r < 0)
		return r;
	mcu_admission_free(d->admission);
	d->admission = admission;
	mcu_conf_free(d->conf);
	d->conf = g_steal_pointer(&taken);
	g_hash_table_iter_init(&it, d->calls);
	while (g_hash_table_iter_next(&it, NULL, &call))
		mcu_call_reconfigure(call);
	return 0;
}

int mcu_daemon_admit(McuDaemon *d, const char *peer_address)
{
	return mcu_admission_check(d->admission, peer_address, mcu_now_ns());
}

/* "Réunion 7" -> "R-union-7": what was dialled names the call, within what an id may hold. */
static char *call_id_of(const char *user)
{
	g_autoptr(GString) id = g_string_new(NULL);

	for (const char *p = user; *p && id->len < MCU_MAX_CALL_ID_CHARS; p = g_utf8_next_char(p)) {
		char c = g_ascii_isalnum(*p) || *p == '_' || *p == '-' || *p == '.' ? *p : '-';

		if (c != '.' || id->len)
			g_string_append_c(id, c);
	}
	return g_string_free(g_steal_pointer(&id), FALSE);
}

static int refuse(McuRefusal *refusal, unsigned status, const char *text, int err)
{
	*refusal = (McuRefusal){ .status = status, .text = text };
	return err;
}

static int call_for(McuDaemon *d, const char *user, McuCall **ret, McuRefusal *refusal)
{
	g_autofree char *id = call_id_of(user);
	McuCall *c = mcu_call_find(d, id);
	McuDiag diag = { 0 };
	int r;

	if (c && c->state != MCU_CALL_DRAINING) {
		*ret = c;
		return 0;
	}
	if (!*id || !d->conf->call.auto_create)
		return refuse(refusal, 404, "there is no such call", -ENOENT);
	if (c)
		return refuse(refusal, 503, "the call is just ending", -EBUSY);
	r = mcu_call_new(d, id, NULL, ret, &diag);
	if (r == -EINVAL)
		return refuse(refusal, 404, "there is no such call", r);
	if (r < 0) {
		mcu_warning(id, "call refused: %s", diag.text);
		return refuse(refusal, 503, "no further call can be started now", r);
	}
	(*ret)->auto_created = true;
	return 0;
}

int mcu_daemon_incoming(McuDaemon *d, void *session, const McuIncoming *in, McuRefusal *ret_refusal)
{
	McuLegParams params = {
		.name = in->name,
		.uri = in->uri,
		.local_address = in->local_address,
		.offer = in->offer,
		.session = session,
	};
	McuCall *c = NULL;
	McuLeg *leg;
	int r;

	if (d->draining)
		return refuse(ret_refusal, 503, "the service is stopping", -ECANCELED);
	r = call_for(d, in->user, &c, ret_refusal);
	if (r < 0)
		return r;
	if (c->legs->len >= c->max_participants)
		return refuse(ret_refusal, 486, "the call is full", -EOVERFLOW);
	leg = mcu_leg_new(c, &params);
	mcu_info(c->id, "%s: INVITE from %s (%s)", leg->participant, in->uri, in->peer_address);
	if (c->state == MCU_CALL_RUNNING)
		mcu_leg_feed(leg, MCU_LEG_EV_WORKER_READY);
	return 0;
}

void mcu_daemon_drain(McuDaemon *d, void (*done)(void *data), void *data)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter it;
	gpointer id;

	d->draining = true;
	if (g_hash_table_size(d->calls) == 0) {
		done(data);
		return;
	}
	d->drained = done;
	d->drained_data = data;
	g_hash_table_iter_init(&it, d->calls);
	while (g_hash_table_iter_next(&it, &id, NULL))
		g_ptr_array_add(ids, g_strdup(id));
	for (unsigned i = 0; i < ids->len; i++) {
		McuCall *c = mcu_call_find(d, ids->pdata[i]);

		if (c)
			mcu_call_end(c, "the service is stopping");
	}
}

void mcu_daemon_kill(McuDaemon *d)
{
	GHashTableIter it;
	gpointer call;

	g_hash_table_iter_init(&it, d->calls);
	while (g_hash_table_iter_next(&it, NULL, &call))
		if (((McuCall *)call)->worker)
			mcu_worker_proc_kill(((McuCall *)call)->worker);
}
