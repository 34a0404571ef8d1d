/* Carries out call_fsm.h: one call, its worker and its legs. */
#include "daemon/daemon_priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

static void feed(McuCall *c, McuCallEvent event);

void mcu_call_emit(McuCall *c, const char *event, const char *participant, GVariant *detail)
{
	g_autoptr(GVariant) owned = detail ? g_variant_ref_sink(detail) : NULL;
	GVariantDict d;

	g_variant_dict_init(&d, owned);
	g_variant_dict_insert(&d, "call", "s", c->id);
	if (participant)
		g_variant_dict_insert(&d, "participant", "s", participant);
	mcu_events_emit(c->daemon->events, event, g_variant_dict_end(&d));
}

McuLeg *mcu_call_find_leg(McuCall *c, const char *leg_id)
{
	for (unsigned i = 0; i < c->legs->len; i++) {
		McuLeg *leg = c->legs->pdata[i];

		if (strcmp(leg->id, leg_id) == 0)
			return leg;
	}
	return NULL;
}

McuLeg *mcu_call_find_participant(McuCall *c, const char *participant)
{
	for (unsigned i = 0; i < c->legs->len; i++) {
		McuLeg *leg = c->legs->pdata[i];

		if (strcmp(leg->participant, participant) == 0)
			return leg;
	}
	return NULL;
}

GVariant *mcu_call_describe_participants(const McuCall *c)
{
	GVariantBuilder b;

	g_variant_builder_init(&b, G_VARIANT_TYPE("aa{sv}"));
	for (unsigned i = 0; i < c->legs->len; i++)
		g_variant_builder_add_value(&b, mcu_leg_describe(c->legs->pdata[i]));
	return g_variant_builder_end(&b);
}

GVariant *mcu_call_describe(const McuCall *c, bool full)
{
	g_autofree char *created = mcu_time_str(c->created_us);
	GVariantDict d;

	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "id", "s", c->id);
	g_variant_dict_insert(&d, "state", "s", mcu_call_state_name(c->state));
	g_variant_dict_insert(&d, "created", "s", created);
	g_variant_dict_insert(&d, "layout", "s", c->layout_name);
	g_variant_dict_insert(&d, "recording", "b", c->recording_path != NULL);
	if (full)
		g_variant_dict_insert_value(&d, "participants", mcu_call_describe_participants(c));
	else
		g_variant_dict_insert(&d, "participants", "u", c->legs->len);
	return g_variant_dict_end(&d);
}

/* --- the recording --- */

/* An answer of the worker finds its call by number: the call may be gone by then. */
typedef struct CallOp {
	McuDaemon *daemon;
	uint64_t call;
	char *path;
	McuWorkerReplyFn reply;
	void *data;
} CallOp;

static CallOp *op_new(McuCall *c)
{
	CallOp *op = g_new0(CallOp, 1);

	op->daemon = c->daemon;
	op->call = c->serial;
	return op;
}

static void op_free(CallOp *op)
{
	g_free(op->path);
	g_free(op);
}

static McuCall *op_call(const CallOp *op, int err)
{
	return err == -ECANCELED ? NULL : g_hash_table_lookup(op->daemon->by_serial, &op->call);
}

static void on_recording(void *p, int err, const char *text, GVariant *result)
{
	CallOp *op = p;
	McuCall *c = op_call(op, err);

	(void)result;
	if (c && !err) {
		g_free(c->recording_path);
		c->recording_path = g_strdup(op->path);
	} else if (c) {
		mcu_error(c->id, "the recording cannot be started: %s", text);
	}
	if (op->reply)
		op->reply(op->data, err, err ? text : op->path, NULL);
	op_free(op);
}

void mcu_call_record(McuCall *c, McuWorkerReplyFn reply, void *data)
{
	const McuConf *conf = c->daemon->conf;
	CallOp *op = op_new(c);

	op->path = mcu_recording_path(conf, c->id);
	op->reply = reply;
	op->data = data;
	if (g_mkdir_with_parents(conf->record.path, 0750) < 0)
		mcu_warning(c->id, "%s: %s", conf->record.path, g_strerror(errno));
	mcu_worker_proc_request(c->worker, "StartRecording", g_variant_new("(s)", op->path),
				MCU_RECORDING_TIMEOUT_MS, on_recording, op);
}

static void recording_over(McuCall *c)
{
	g_clear_pointer(&c->recording_path, g_free);
	c->record_wanted = false;
}

/* --- legs come and go --- */

static gboolean on_empty(gpointer p)
{
	McuCall *c = p;

	c->empty_timer = 0;
	mcu_call_end(c, "nobody is in the call");
	return G_SOURCE_REMOVE;
}

static void watch_emptiness(McuCall *c)
{
	bool empty = c->daemon->conf->call.empty_timeout_s && c->legs->len == 0 &&
		     c->had_participant && c->state != MCU_CALL_DRAINING &&
		     c->state != MCU_CALL_ENDED;

	if (empty && !c->empty_timer) {
		c->empty_timer =
			g_timeout_add_seconds(c->daemon->conf->call.empty_timeout_s, on_empty, c);
	} else if (!empty && c->empty_timer) {
		g_source_remove(c->empty_timer);
		c->empty_timer = 0;
	}
}

void mcu_call_reconfigure(McuCall *c)
{
	const McuConf *conf = c->daemon->conf;
	GVariantDict options;

	if (c->empty_timer)
		g_source_remove(c->empty_timer);
	c->empty_timer = 0;
	watch_emptiness(c);
	if (!c->worker)
		return;
	g_variant_dict_init(&options, NULL);
	g_variant_dict_insert(&options, "bitrate", "u", conf->video.bitrate_bps);
	g_variant_dict_insert(&options, "log-level", "s", mcu_log_level_name(conf->log.level));
	mcu_worker_proc_request(c->worker, "Reconfigure",
				g_variant_new("(@a{sv})", g_variant_dict_end(&options)),
				MCU_SIGNALLING_TIMEOUT_MS, NULL, NULL);
}

void mcu_call_leg_joined(McuCall *c)
{
	bool first = !c->had_participant;

	c->had_participant = true;
	watch_emptiness(c);
	if (first && c->record_wanted && !c->recording_path)
		mcu_call_record(c, NULL, NULL);
}

void mcu_call_leg_gone(McuCall *c, McuLeg *leg)
{
	/* one that never got in must not keep a call that was made for it */
	c->had_participant |= c->auto_created;
	g_ptr_array_remove(c->legs, leg);
	watch_emptiness(c);
}

static void feed_legs(McuCall *c, McuLegEvent event)
{
	/* feeding may end a leg and so change the list */
	g_autoptr(GArray) serials = g_array_new(FALSE, FALSE, sizeof(uint64_t));

	for (unsigned i = 0; i < c->legs->len; i++)
		g_array_append_val(serials, ((McuLeg *)c->legs->pdata[i])->serial);
	for (unsigned i = 0; i < serials->len; i++) {
		McuLeg *leg =
			g_hash_table_lookup(c->daemon->legs, &g_array_index(serials, uint64_t, i));

		if (leg)
			mcu_leg_feed(leg, event);
	}
}

static void hang_up_legs(McuCall *c)
{
	while (c->legs->len)
		mcu_leg_hangup(c->legs->pdata[c->legs->len - 1], c->end_err ? 503 : 480,
			       c->end_reason ? c->end_reason : "the call has ended");
}

/* --- the worker --- */

static void on_started(void *p)
{
	feed(p, MCU_CALL_EV_STARTED);
}

static bool may_restart(McuCall *c)
{
	int64_t now_ns = mcu_now_ns();

	if (c->restarts_ns[0] && now_ns - c->restarts_ns[0] < MCU_RESTART_WINDOW_NS)
		return false;
	memmove(c->restarts_ns, c->restarts_ns + 1,
		(MCU_MAX_RESTARTS - 1) * sizeof(c->restarts_ns[0]));
	c->restarts_ns[MCU_MAX_RESTARTS - 1] = now_ns;
	return true;
}

static void on_lost(void *p, int err, const char *reason)
{
	McuCall *c = p;
	bool refused = err != -EPIPE && err != -ETIMEDOUT;

	if (c->state != MCU_CALL_DRAINING)
		mcu_error(c->id, "%s: %s", refused ? "the call cannot start" : "worker lost",
			  reason);
	g_clear_pointer(&c->worker, mcu_worker_proc_free);
	if (c->state != MCU_CALL_DRAINING && !refused && may_restart(c)) {
		mcu_call_emit(c, "call-restarted", NULL,
			      g_variant_new_parsed("{'reason': <%s>}", reason));
		feed(c, MCU_CALL_EV_LOST);
		return;
	}
	c->end_err = refused ? err : -EPIPE;
	if (!c->end_reason)
		c->end_reason = refused ? g_strdup_printf("the worker refused to start: %s", reason)
					: g_strdup_printf("the worker died too often: %s", reason);
	feed(c, MCU_CALL_EV_FAILED);
}

static void on_leg_event(void *p, const char *leg_id, const char *event, GVariant *detail)
{
	McuLeg *leg = mcu_call_find_leg(p, leg_id);

	if (leg)
		mcu_leg_worker_event(leg, event, detail);
}

static void on_call_event(void *p, const char *event, GVariant *detail)
{
	McuCall *c = p;
	const char *text = NULL;

	if (strcmp(event, "layout") == 0 && g_variant_lookup(detail, "name", "&s", &text)) {
		g_free(c->layout_name);
		c->layout_name = g_strdup(text);
	} else if (strcmp(event, "recording-failed") == 0) {
		g_variant_lookup(detail, "reason", "&s", &text);
		mcu_error(c->id, "recording failed: %s", text ? text : "no reason given");
		recording_over(c);
	} else if (strcmp(event, "recording-stopped") == 0) {
		recording_over(c);
	}
	mcu_call_emit(c, event, NULL, detail);
}

static const McuWorkerProcEvents worker_events = {
	.started = on_started,
	.lost = on_lost,
	.leg_event = on_leg_event,
	.call_event = on_call_event,
};

static int spawn(McuCall *c, McuDiag *reterr)
{
	McuWorkerProcParams params = {
		.call = c->id,
		.options = mcu_worker_options(c->daemon->conf, c->layout_name, c->max_participants),
		.spawn = c->daemon->spawn,
		.spawn_data = c->daemon->spawn_data,
		.events = &worker_events,
		.data = c,
	};

	return mcu_worker_proc_new(&params, &c->worker, reterr);
}

/* --- actions --- */

static void answer_waiters(McuCall *c, int err, const char *text)
{
	g_autoptr(GVariant) call = err ? NULL : g_variant_ref_sink(mcu_call_describe(c, false));

	while (c->waiters) {
		g_autofree McuWaiter *w = c->waiters->data;

		c->waiters = g_slist_delete_link(c->waiters, c->waiters);
		w->reply(w->data, err, text, call);
	}
}

static void respawn(McuCall *c)
{
	McuDiag diag = { 0 };

	feed_legs(c, MCU_LEG_EV_WORKER_LOST);
	if (c->recording_path)
		mcu_call_emit(c, "recording-stopped", NULL,
			      g_variant_new_parsed("{'path': <%s>, 'reason': <%s>}",
						   c->recording_path, "the worker died"));
	if (spawn(c, &diag) == 0)
		return;
	mcu_error(c->id, "%s", diag.text);
	g_free(c->end_reason);
	c->end_reason = g_strdup(diag.text);
	feed(c, MCU_CALL_EV_FAILED);
}

/* The call as it was asked to be, on a worker that has just started. */
static void restore(McuCall *c)
{
	if (c->layout)
		mcu_worker_proc_request(c->worker, "SetLayout",
					g_variant_new("(@a{sv})", c->layout),
					MCU_SIGNALLING_TIMEOUT_MS, NULL, NULL);
	if (c->recording_path) {
		g_clear_pointer(&c->recording_path, g_free);
		mcu_call_record(c, NULL, NULL);
	}
	answer_waiters(c, 0, NULL);
	feed_legs(c, MCU_LEG_EV_WORKER_READY);
}

static void on_stopped(void *p, int err, const char *text, GVariant *result)
{
	CallOp *op = p;
	McuCall *c = op_call(op, err);

	(void)result;
	op_free(op);
	if (!c)
		return;
	if (err && err != -EPIPE)
		mcu_warning(c->id, "the worker did not stop in order: %s", text);
	feed(c, MCU_CALL_EV_STOPPED);
}

static void drain(McuCall *c)
{
	hang_up_legs(c);
	mcu_worker_proc_request(c->worker, "Stop", NULL, MCU_RECORDING_TIMEOUT_MS, on_stopped,
				op_new(c));
}

static void finish(McuCall *c)
{
	McuDaemon *d = c->daemon;
	const char *reason = c->end_reason ? c->end_reason : "";

	hang_up_legs(c);
	answer_waiters(c, c->end_err ? c->end_err : -EPIPE, reason);
	mcu_info(c->id, "call ended: %s", reason);
	mcu_call_emit(c, "call-ended", NULL, g_variant_new_parsed("{'reason': <%s>}", reason));
	g_hash_table_remove(d->calls, c->id); /* frees the call */
	if (d->drained && g_hash_table_size(d->calls) == 0) {
		void (*drained)(void *data) = d->drained;

		d->drained = NULL;
		drained(d->drained_data);
	}
}

/* The call may be gone afterwards. */
static void feed(McuCall *c, McuCallEvent event)
{
	McuCallStep step = mcu_call_step(c->state, event);

	c->state = step.next;
	switch (step.action) {
	case MCU_CALL_DO_RESTORE:
		restore(c);
		break;
	case MCU_CALL_DO_RESPAWN:
		respawn(c);
		break;
	case MCU_CALL_DO_DRAIN:
		drain(c);
		break;
	case MCU_CALL_DO_FINISH:
		finish(c);
		break;
	default:
		break;
	}
}

void mcu_call_end(McuCall *c, const char *reason)
{
	if (!c->end_reason)
		c->end_reason = g_strdup(reason);
	watch_emptiness(c);
	feed(c, MCU_CALL_EV_END);
}

/* --- life --- */

bool mcu_call_id_valid(const char *id)
{
	size_t len = strlen(id);

	return len >= 1 && len <= MCU_MAX_CALL_ID_CHARS && id[0] != '.' &&
	       strspn(id, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == len;
}

McuCall *mcu_call_find(McuDaemon *d, const char *id)
{
	return g_hash_table_lookup(d->calls, id);
}

static int check_new(McuDaemon *d, const char *id, McuDiag *reterr)
{
	if (!mcu_call_id_valid(id))
		return mcu_diag(reterr, -EINVAL,
				"\"%.64s\" is no call id: 1 to %d of A-Z a-z 0-9 . _ -, not "
				"starting with a dot",
				id, MCU_MAX_CALL_ID_CHARS);
	if (d->draining)
		return mcu_diag(reterr, -EOVERFLOW, "the service is stopping");
	if (mcu_call_find(d, id))
		return mcu_diag(reterr, -EEXIST, "call \"%s\" exists already", id);
	if (g_hash_table_size(d->calls) >= d->conf->limits.calls)
		return mcu_diag(reterr, -EOVERFLOW, "%u calls are running, the most allowed",
				d->conf->limits.calls);
	return 0;
}

int mcu_call_new(McuDaemon *d, const char *id, GVariant *options, McuCall **ret, McuDiag *reterr)
{
	const char *layout = d->conf->call.layout;
	gboolean record = d->conf->record.auto_start;
	McuCall *c;
	int r = check_new(d, id, reterr);

	if (r < 0)
		return r;
	if (options) {
		g_variant_lookup(options, "layout", "&s", &layout);
		g_variant_lookup(options, "recording", "b", &record);
	}
	c = g_new0(McuCall, 1);
	c->daemon = d;
	c->serial = ++d->last_serial;
	c->id = g_strdup(id);
	c->state = MCU_CALL_STARTING;
	c->legs = g_ptr_array_new_with_free_func((GDestroyNotify)mcu_leg_free);
	c->created_us = g_get_real_time();
	c->layout_name = g_strdup(layout);
	c->record_wanted = record;
	c->max_participants = d->conf->call.max_participants;
	r = spawn(c, reterr);
	g_hash_table_insert(d->by_serial, &c->serial, c);
	if (r < 0) {
		mcu_call_free(c);
		return r;
	}
	g_hash_table_insert(d->calls, c->id, c);
	mcu_info(c->id, "call created");
	mcu_call_emit(c, "call-created", NULL, mcu_call_describe(c, false));
	*ret = c;
	return 0;
}

void mcu_call_free(McuCall *c)
{
	if (!c)
		return;
	answer_waiters(c, -EPIPE, "the service is stopping");
	g_ptr_array_unref(c->legs);
	g_hash_table_remove(c->daemon->by_serial, &c->serial);
	if (c->empty_timer)
		g_source_remove(c->empty_timer);
	mcu_worker_proc_free(c->worker);
	g_clear_pointer(&c->layout, g_variant_unref);
	g_free(c->layout_name);
	g_free(c->recording_path);
	g_free(c->end_reason);
	g_free(c->id);
	g_free(c);
}
