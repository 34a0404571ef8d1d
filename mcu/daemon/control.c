/* The verbs of control.h. */
#include "daemon/control.h"

#include <string.h>

#include "base/log.h"
#include "daemon/daemon_priv.h"

/* A verb that waits for the worker. */
typedef struct Verb {
	McuDaemon *daemon;
	uint64_t call;
	McuReplyFn reply;
	void *data;
	GVariant *layout; /* SetLayout: what to remember when it is accepted */
} Verb;

static Verb *verb_new(McuCall *c, McuReplyFn reply, void *data)
{
	Verb *v = g_new0(Verb, 1);

	v->daemon = c->daemon;
	v->call = c->serial;
	v->reply = reply;
	v->data = data;
	return v;
}

static void verb_done(Verb *v, int err, const char *text, GVariant *result)
{
	g_autoptr(GVariant) owned = result ? g_variant_take_ref(result) : NULL;

	if (err == -ECANCELED)
		v->reply(v->data, -EPIPE, "the call ended meanwhile", NULL);
	else
		v->reply(v->data, err, err ? text : NULL, err ? NULL : owned);
	g_clear_pointer(&v->layout, g_variant_unref);
	g_free(v);
}

static McuCall *verb_call(const Verb *v, int err)
{
	return err ? NULL : g_hash_table_lookup(v->daemon->by_serial, &v->call);
}

static void reply_ok(McuReplyFn reply, void *data, GVariant *result)
{
	g_autoptr(GVariant) owned = result ? g_variant_ref_sink(result) : NULL;

	reply(data, 0, NULL, owned);
}

static McuCall *find_call(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	McuCall *c = mcu_call_find(d, call);

	if (!c)
		reply(data, -ENOENT, "there is no such call", NULL);
	return c;
}

/* For verbs that need a worker now. */
static McuCall *find_running(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	McuCall *c = find_call(d, call, reply, data);

	if (c && c->state != MCU_CALL_RUNNING) {
		g_autofree char *text =
			g_strdup_printf("the call is %s", mcu_call_state_name(c->state));

		reply(data, -EBUSY, text, NULL);
		return NULL;
	}
	return c;
}

static McuLeg *find_leg(McuDaemon *d, const char *call, const char *participant, McuReplyFn reply,
			void *data)
{
	McuCall *c = find_call(d, call, reply, data);
	McuLeg *leg = c ? mcu_call_find_participant(c, participant) : NULL;

	if (c && !leg)
		reply(data, -ENOENT, "there is no such participant", NULL);
	return leg;
}

/* --- calls --- */

void mcu_control_list_calls(McuDaemon *d, McuReplyFn reply, void *data)
{
	GVariantBuilder b;
	GHashTableIter it;
	gpointer call;

	g_variant_builder_init(&b, G_VARIANT_TYPE("aa{sv}"));
	g_hash_table_iter_init(&it, d->calls);
	while (g_hash_table_iter_next(&it, NULL, &call))
		g_variant_builder_add_value(&b, mcu_call_describe(call, false));
	reply_ok(reply, data, g_variant_builder_end(&b));
}

void mcu_control_create_call(McuDaemon *d, const char *call, GVariant *options, McuReplyFn reply,
			     void *data)
{
	McuWaiter *w;
	McuDiag diag = { 0 };
	McuCall *c;
	int r = mcu_call_new(d, call, options, &c, &diag);

	if (r < 0) {
		reply(data, r, diag.text, NULL);
		return;
	}
	w = g_new(McuWaiter, 1);
	*w = (McuWaiter){ .reply = reply, .data = data };
	c->waiters = g_slist_prepend(c->waiters, w);
}

void mcu_control_get_call(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	McuCall *c = find_call(d, call, reply, data);

	if (c)
		reply_ok(reply, data, mcu_call_describe(c, true));
}

static void on_updated(void *p, int err, const char *text, GVariant *result)
{
	Verb *v = p;
	McuCall *c = verb_call(v, err);

	(void)result;
	verb_done(v, err, text, c ? mcu_call_describe(c, true) : NULL);
}

void mcu_control_update_call(McuDaemon *d, const char *call, GVariant *options, McuReplyFn reply,
			     void *data)
{
	const char *layout = NULL;
	McuCall *c;

	if (!g_variant_lookup(options, "layout", "&s", &layout)) {
		mcu_control_get_call(d, call, reply, data);
		return;
	}
	c = find_running(d, call, reply, data);
	if (c)
		mcu_control_set_layout(d, call, g_variant_new_parsed("{'name': <%s>}", layout),
				       on_updated, verb_new(c, reply, data));
}

void mcu_control_delete_call(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	McuCall *c = find_call(d, call, reply, data);

	if (!c)
		return;
	mcu_call_end(c, "ended by the operator");
	reply_ok(reply, data, NULL);
}

/* --- participants --- */

void mcu_control_list_participants(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	McuCall *c = find_call(d, call, reply, data);

	if (c)
		reply_ok(reply, data, mcu_call_describe_participants(c));
}

static void on_participant_updated(void *p, int err, const char *text, GVariant *result)
{
	McuLeg *leg;
	Verb *v = p;

	(void)result;
	if (err) {
		verb_done(v, err, text, NULL);
		return;
	}
	leg = g_hash_table_lookup(v->daemon->legs, &v->call);
	if (!leg) {
		verb_done(v, -ENOENT, "the participant left meanwhile", NULL);
		return;
	}
	mcu_leg_emit(leg, "participant-updated", mcu_leg_describe(leg));
	verb_done(v, 0, NULL, mcu_leg_describe(leg));
}

static void lookup_bool(GVariant *options, const char *key, bool *value)
{
	gboolean b;

	if (g_variant_lookup(options, key, "b", &b))
		*value = b;
}

void mcu_control_update_participant(McuDaemon *d, const char *call, const char *participant,
				    GVariant *options, McuReplyFn reply, void *data)
{
	McuLeg *leg = find_leg(d, call, participant, reply, data);
	const char *name = NULL;
	bool hold;
	Verb *v;

	if (!leg)
		return;
	hold = leg->hold;
	if (g_variant_lookup(options, "name", "&s", &name)) {
		if (!*name || g_utf8_strlen(name, -1) > MCU_MAX_PARTICIPANT_NAME_CHARS) {
			reply(data, -EINVAL, "name: 1 to 64 characters are expected", NULL);
			return;
		}
		g_free(leg->name);
		leg->name = g_strdup(name);
	}
	lookup_bool(options, "muted", &leg->muted);
	lookup_bool(options, "camera-off", &leg->camera_off);
	lookup_bool(options, "hidden", &leg->hidden);
	lookup_bool(options, "held", &leg->hold);
	v = verb_new(leg->call, reply, data);
	v->call = leg->serial;
	if (leg->call->worker && leg->connected)
		mcu_worker_proc_request(
			leg->call->worker, "UpdateParticipant",
			g_variant_new("(s@a{sv})", leg->participant, mcu_leg_props(leg)),
			MCU_SIGNALLING_TIMEOUT_MS, on_participant_updated, v);
	else /* AddParticipant will bring it */
		on_participant_updated(v, 0, NULL, NULL);
	if (hold != leg->hold)
		mcu_leg_renegotiate(leg);
}

void mcu_control_kick(McuDaemon *d, const char *call, const char *participant, McuReplyFn reply,
		      void *data)
{
	McuLeg *leg = find_leg(d, call, participant, reply, data);

	if (!leg)
		return;
	mcu_leg_hangup(leg, 603, "removed by the operator");
	reply_ok(reply, data, NULL);
}

void mcu_control_dial(McuDaemon *d, const char *call, const char *uri, GVariant *options,
		      McuReplyFn reply, void *data)
{
	McuCall *c = find_call(d, call, reply, data);
	g_autofree char *local = NULL;
	McuLegParams params = { .uri = uri, .name = uri, .outbound = true };
	McuDiag diag = { 0 };
	McuLeg *leg;
	int r;

	if (!c)
		return;
	if (c->state == MCU_CALL_DRAINING) {
		reply(data, -EBUSY, "the call is ending", NULL);
		return;
	}
	if (c->legs->len >= c->max_participants) {
		reply(data, -EOVERFLOW, "the call is full", NULL);
		return;
	}
	r = d->sip->check_uri(d->sip_data, uri, &diag);
	if (r < 0) {
		reply(data, r, diag.text, NULL);
		return;
	}
	if (options)
		g_variant_lookup(options, "name", "&s", &params.name);
	if (!*params.name || g_utf8_strlen(params.name, -1) > MCU_MAX_PARTICIPANT_NAME_CHARS)
		params.name = uri;
	local = d->sip->local_address(d->sip_data, uri);
	params.local_address = local;
	leg = mcu_leg_new(c, &params);
	mcu_info(c->id, "%s: dialling %s", leg->participant, uri);
	reply_ok(reply, data, mcu_leg_describe(leg));
	if (c->state == MCU_CALL_RUNNING)
		mcu_leg_feed(leg, MCU_LEG_EV_WORKER_READY);
}

/* --- layout, recording, pictures, numbers --- */

static void on_layout(void *p, int err, const char *text, GVariant *result)
{
	Verb *v = p;
	McuCall *c = verb_call(v, err);
	const char *name = NULL;

	(void)result;
	if (c) {
		g_clear_pointer(&c->layout, g_variant_unref);
		c->layout = g_steal_pointer(&v->layout);
		if (g_variant_lookup(c->layout, "name", "&s", &name)) {
			g_free(c->layout_name);
			c->layout_name = g_strdup(name);
		}
	}
	verb_done(v, err, text, NULL);
}

void mcu_control_set_layout(McuDaemon *d, const char *call, GVariant *layout, McuReplyFn reply,
			    void *data)
{
	g_autoptr(GVariant) owned = g_variant_ref_sink(layout);
	McuCall *c = find_running(d, call, reply, data);
	Verb *v;

	if (!c)
		return;
	v = verb_new(c, reply, data);
	v->layout = g_steal_pointer(&owned);
	mcu_worker_proc_request(c->worker, "SetLayout", g_variant_new("(@a{sv})", v->layout),
				MCU_SIGNALLING_TIMEOUT_MS, on_layout, v);
}

static void on_recording(void *p, int err, const char *text, GVariant *result)
{
	Verb *v = p;

	(void)result;
	verb_done(v, err, text, err ? NULL : g_variant_new_parsed("{'path': <%s>}", text));
}

void mcu_control_start_recording(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	McuCall *c = find_running(d, call, reply, data);

	if (!c)
		return;
	if (c->recording_path) {
		reply(data, -EEXIST, "the call is being recorded already", NULL);
		return;
	}
	c->record_wanted = true;
	mcu_call_record(c, on_recording, verb_new(c, reply, data));
}

static void on_recording_stopped(void *p, int err, const char *text, GVariant *result)
{
	Verb *v = p;
	McuCall *c = verb_call(v, err);

	(void)result;
	if (c) {
		g_clear_pointer(&c->recording_path, g_free);
		c->record_wanted = false;
	}
	verb_done(v, err, text, NULL);
}

void mcu_control_stop_recording(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	McuCall *c = find_running(d, call, reply, data);

	if (!c)
		return;
	if (!c->recording_path) {
		reply(data, -ENOENT, "the call is not being recorded", NULL);
		return;
	}
	mcu_worker_proc_request(c->worker, "StopRecording", NULL, MCU_RECORDING_TIMEOUT_MS,
				on_recording_stopped, verb_new(c, reply, data));
}

/* The one out argument is the result. */
static void on_value(void *p, int err, const char *text, GVariant *result)
{
	verb_done(p, err, text, err ? NULL : g_variant_get_child_value(result, 0));
}

void mcu_control_snapshot(McuDaemon *d, const char *call, unsigned width, unsigned height,
			  McuReplyFn reply, void *data)
{
	McuCall *c = find_running(d, call, reply, data);

	if (c)
		mcu_worker_proc_request(c->worker, "Snapshot", g_variant_new("(uu)", width, height),
					MCU_SNAPSHOT_TIMEOUT_MS, on_value,
					verb_new(c, reply, data));
}

void mcu_control_stats(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	McuCall *c = find_running(d, call, reply, data);

	if (c)
		mcu_worker_proc_request(c->worker, "Stats", NULL, MCU_SIGNALLING_TIMEOUT_MS,
					on_value, verb_new(c, reply, data));
}

gboolean mcu_control_ready(McuDaemon *d)
{
	return !d->draining && g_hash_table_size(d->calls) < d->conf->limits.calls;
}

unsigned mcu_control_subscribe(McuDaemon *d, McuEventFn fn, void *data)
{
	return mcu_events_subscribe(d->events, fn, data);
}

void mcu_control_unsubscribe(McuDaemon *d, unsigned id)
{
	mcu_events_unsubscribe(d->events, id);
}
