/* Carries out leg_fsm.h between signalling and worker. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon_priv.h"

/* An answer of the worker finds its leg by number: the leg may be gone by then. */
typedef struct LegOp {
	McuDaemon *daemon;
	uint64_t leg;
	unsigned op;
} LegOp;

static void log_step(const McuLeg *leg, McuLegEvent event, McuLegStep step)
{
	g_autofree char *ctx = NULL;

	if (!mcu_log_enabled(MCU_LOG_DEBUG))
		return;
	ctx = g_strdup_printf("%s/%s", leg->call->id, leg->participant);
	mcu_debug(ctx, "%s + %s -> %s", mcu_leg_state_name(leg->state), mcu_leg_event_name(event),
		  mcu_leg_state_name(step.next));
}

static void log_leg(const McuLeg *leg, McuLogLevel level, const char *what, const char *why)
{
	g_autofree char *ctx = g_strdup_printf("%s/%s", leg->call->id, leg->participant);

	mcu_log(level, ctx, "%s%s%s", what, why ? ": " : "", why ? why : "");
}

void mcu_leg_emit(McuLeg *leg, const char *event, GVariant *detail)
{
	mcu_call_emit(leg->call, event, leg->participant, detail);
}

GVariant *mcu_leg_props(const McuLeg *leg)
{
	GVariantDict d;

	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "name", "s", leg->name);
	g_variant_dict_insert(&d, "muted", "b", leg->muted);
	g_variant_dict_insert(&d, "hidden", "b", leg->hidden);
	g_variant_dict_insert(&d, "camera-off", "b", leg->camera_off);
	return g_variant_dict_end(&d);
}

static const char *public_state(const McuLeg *leg)
{
	if (!leg->connected)
		return "ringing";
	return leg->held || leg->hold ? "held" : "connected";
}

GVariant *mcu_leg_describe(const McuLeg *leg)
{
	GVariantDict d;
	g_autofree char *joined = mcu_time_str(leg->joined_us);

	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "id", "s", leg->participant);
	g_variant_dict_insert(&d, "name", "s", leg->name);
	g_variant_dict_insert(&d, "uri", "s", leg->uri);
	g_variant_dict_insert(&d, "direction", "s", leg->outbound ? "out" : "in");
	g_variant_dict_insert(&d, "state", "s", public_state(leg));
	g_variant_dict_insert(&d, "muted", "b", leg->muted);
	g_variant_dict_insert(&d, "camera-off", "b", leg->camera_off);
	g_variant_dict_insert(&d, "hidden", "b", leg->hidden);
	g_variant_dict_insert(&d, "joined", "s", joined);
	return g_variant_dict_end(&d);
}

/* --- the worker --- */

static void on_worker_reply(void *p, int err, const char *text, GVariant *result)
{
	g_autofree LegOp *op = p;
	McuLeg *leg;

	if (err == -ECANCELED || err == -EPIPE) /* the legs are told of the loss by itself */
		return;
	leg = g_hash_table_lookup(op->daemon->legs, &op->leg);
	if (!leg || leg->op != op->op)
		return;
	leg->op = 0;
	if (err) {
		if (!leg->err) { /* an earlier request of the same group explains it better */
			leg->err = err;
			g_free(leg->err_text);
			leg->err_text = g_strdup(text);
		}
	}
	if (leg->err) {
		mcu_leg_feed(leg, MCU_LEG_EV_FAILED);
		return;
	}
	g_clear_pointer(&leg->sdp, g_free);
	if (result && g_variant_n_children(result) == 1)
		g_variant_get(result, "(s)", &leg->sdp);
	mcu_leg_feed(leg, MCU_LEG_EV_DONE);
}

static void on_first_error(void *p, int err, const char *text, GVariant *result)
{
	g_autofree LegOp *op = p;
	McuLeg *leg;

	(void)result;
	if (!err || err == -ECANCELED || err == -EPIPE)
		return;
	leg = g_hash_table_lookup(op->daemon->legs, &op->leg);
	if (!leg || leg->op != op->op || leg->err)
		return;
	leg->err = err;
	leg->err_text = g_strdup(text);
}

static LegOp *op_new(const McuLeg *leg)
{
	LegOp *op = g_new(LegOp, 1);

	*op = (LegOp){ .daemon = leg->call->daemon, .leg = leg->serial, .op = leg->op };
	return op;
}

/* From here on only the answer to this request counts. */
static void op_begin(McuLeg *leg)
{
	leg->op = (unsigned)++leg->call->daemon->last_serial;
	leg->err = 0;
	g_clear_pointer(&leg->err_text, g_free);
}

static void request(McuLeg *leg, const char *method, GVariant *args, McuWorkerReplyFn fn,
		    void *data)
{
	mcu_worker_proc_request(leg->call->worker, method, args, MCU_SIGNALLING_TIMEOUT_MS, fn,
				data);
}

static void ask(McuLeg *leg, const char *method, GVariant *args)
{
	request(leg, method, args, on_worker_reply, op_new(leg));
}

static void ask_offer(McuLeg *leg)
{
	GVariantDict d;

	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "hold", "b", leg->hold);
	ask(leg, "MakeOffer", g_variant_new("(s@a{sv})", leg->id, g_variant_dict_end(&d)));
}

static void prepare(McuLeg *leg)
{
	GVariantDict d;

	op_begin(leg);
	request(leg, "AddParticipant",
		g_variant_new("(s@a{sv})", leg->participant, mcu_leg_props(leg)), on_first_error,
		op_new(leg));
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "kind", "s", "sip");
	if (leg->local_address)
		g_variant_dict_insert(&d, "local-address", "s", leg->local_address);
	request(leg, "AddLeg",
		g_variant_new("(ss@a{sv})", leg->id, leg->participant, g_variant_dict_end(&d)),
		on_first_error, op_new(leg));
	if (leg->offer && leg->state == MCU_LEG_IN_PREPARING)
		ask(leg, "SetOffer", g_variant_new("(ss)", leg->id, leg->offer));
	else
		ask_offer(leg);
}

/* --- actions --- */

static unsigned status_of(int err)
{
	switch (err) {
	case -ENOTSUP:
		return 488;
	case -EINVAL:
	case -EPROTO:
		return 400;
	case -EOVERFLOW:
		return 486;
	case -ETIMEDOUT:
	case -EPIPE:
	case -ENOSPC:
		return 503;
	default:
		return 500;
	}
}

static void clear_timer(guint *timer)
{
	if (*timer)
		g_source_remove(*timer);
	*timer = 0;
}

static void join(McuLeg *leg)
{
	if (leg->connected)
		return;
	leg->connected = true;
	leg->joined_us = g_get_real_time();
	clear_timer(&leg->answer_timer);
	log_leg(leg, MCU_LOG_INFO, "joined", NULL);
	mcu_leg_emit(leg, "participant-joined", mcu_leg_describe(leg));
	mcu_call_leg_joined(leg->call);
}

static gboolean on_backoff(gpointer p)
{
	McuLeg *leg = p;

	leg->backoff_timer = 0;
	mcu_leg_feed(leg, MCU_LEG_EV_TIMER);
	return G_SOURCE_REMOVE;
}

static gboolean on_no_answer(gpointer p)
{
	McuLeg *leg = p;

	leg->answer_timer = 0;
	mcu_leg_hangup(leg, 408, "no answer");
	return G_SOURCE_REMOVE;
}

static void rollback(McuLeg *leg)
{
	request(leg, "Rollback", g_variant_new("(s)", leg->id), NULL, NULL);
}

static void dial(McuLeg *leg)
{
	McuDaemon *d = leg->call->daemon;
	McuDiag diag = { 0 };
	int r = leg->signal->dial(d->sip_data, leg->uri, leg->call->id, leg->sdp, leg,
				  &leg->session, &diag);

	if (r < 0) {
		mcu_leg_hangup(leg, 0, diag.text);
		return;
	}
	leg->answer_timer = g_timeout_add_seconds(MCU_NO_ANSWER_TIMEOUT_S, on_no_answer, leg);
}

static void leave(McuLeg *leg, bool hang_up)
{
	void *session = g_steal_pointer(&leg->session);
	GVariantDict d;

	if (hang_up && session)
		leg->signal->hangup(session, leg->end_status ? leg->end_status : 480,
				    leg->end_reason);
	if (leg->call->worker)
		request(leg, "RemoveParticipant", g_variant_new("(s)", leg->participant), NULL,
			NULL);
	log_leg(leg, MCU_LOG_INFO, "left", leg->end_reason);
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "reason", "s", leg->end_reason ? leg->end_reason : "");
	g_variant_dict_insert(&d, "status", "u", leg->end_status);
	mcu_leg_emit(leg, "participant-left", g_variant_dict_end(&d));
	mcu_call_leg_gone(leg->call, leg);
}

/* The worker refused what the state machine asked it for, and the leg ends of it. */
static void adopt_failure(McuLeg *leg)
{
	if (leg->end_reason || !leg->err)
		return;
	leg->end_status = status_of(leg->err);
	leg->end_reason = g_strdup(leg->err_text ? leg->err_text : mcu_err_name(leg->err));
}

/* Actions that talk to signalling only. */
static void act_signal(McuLeg *leg, McuLegAction action)
{
	switch (action) {
	case MCU_LEG_DO_ACCEPT:
		leg->signal->answer(leg->session, leg->sdp);
		join(leg);
		break;
	case MCU_LEG_DO_REPLY:
		leg->signal->answer(leg->session, leg->sdp);
		break;
	case MCU_LEG_DO_REFUSE:
		leg->signal->refuse(leg->session, status_of(leg->err), leg->err_text);
		break;
	case MCU_LEG_DO_PENDING:
		leg->signal->refuse(leg->session, 491, "an offer of ours is pending");
		break;
	case MCU_LEG_DO_LATER:
		leg->signal->refuse(leg->session, 500, "the session is changing already");
		break;
	case MCU_LEG_DO_SEND_OFFER:
		leg->signal->offer(leg->session, leg->sdp);
		break;
	default:
		break;
	}
}

static void act(McuLeg *leg, McuLegAction action)
{
	switch (action) {
	case MCU_LEG_DO_PREPARE:
		prepare(leg);
		break;
	case MCU_LEG_DO_DIAL:
		dial(leg);
		break;
	case MCU_LEG_DO_APPLY:
		op_begin(leg);
		ask(leg, "SetAnswer", g_variant_new("(ss)", leg->id, leg->sdp));
		join(leg);
		break;
	case MCU_LEG_DO_KEEP_WANT:
		leg->want_reoffer = true;
		/* fall through */
	case MCU_LEG_DO_ASK_ANSWER:
		op_begin(leg);
		ask(leg, "SetOffer", g_variant_new("(ss)", leg->id, leg->sdp));
		break;
	case MCU_LEG_DO_ASK_OFFER:
		op_begin(leg);
		ask_offer(leg);
		break;
	case MCU_LEG_DO_QUEUE:
		g_free(leg->offer);
		leg->offer = g_steal_pointer(&leg->sdp);
		break;
	case MCU_LEG_DO_ROLLBACK:
		rollback(leg);
		break;
	case MCU_LEG_DO_BACKOFF:
		rollback(leg);
		leg->backoff_timer =
			g_timeout_add(leg->signal->glare_delay_ms(leg->session), on_backoff, leg);
		break;
	case MCU_LEG_DO_CHECK:
		if (leg->call->state == MCU_CALL_RUNNING)
			mcu_leg_feed(leg, MCU_LEG_EV_WORKER_READY);
		break;
	case MCU_LEG_DO_LEAVE:
		leave(leg, false);
		break;
	case MCU_LEG_DO_HANGUP:
		adopt_failure(leg);
		leave(leg, true);
		break;
	default:
		act_signal(leg, action);
	}
}

static void after_up(McuLeg *leg)
{
	if (leg->offer) {
		g_free(leg->sdp);
		leg->sdp = g_steal_pointer(&leg->offer);
		mcu_leg_feed(leg, MCU_LEG_EV_OFFER);
	} else if (leg->want_reoffer) {
		leg->want_reoffer = false;
		mcu_leg_feed(leg, MCU_LEG_EV_REOFFER);
	}
}

void mcu_leg_feed(McuLeg *leg, McuLegEvent event)
{
	McuLegStep step = mcu_leg_step(leg->state, event);
	McuLegState before = leg->state;
	bool settled;

	log_step(leg, event, step);
	if (step.next != before) {
		clear_timer(&leg->backoff_timer);
		if (!mcu_leg_state_asks_worker(step.next))
			leg->op = 0;
	}
	leg->state = step.next;
	settled = step.next == MCU_LEG_UP && before != MCU_LEG_UP;
	if (step.action == MCU_LEG_DO_ACCEPT)
		g_clear_pointer(&leg->offer, g_free); /* answered; the field now holds re-offers */
	act(leg, step.action); /* the leg may be gone now, but not when it settled */
	if (settled)
		after_up(leg);
}

void mcu_leg_hangup(McuLeg *leg, unsigned status, const char *reason)
{
	if (!leg->end_reason) {
		leg->end_status = status;
		leg->end_reason = g_strdup(reason);
	}
	mcu_leg_feed(leg, MCU_LEG_EV_HANGUP);
}

void mcu_leg_renegotiate(McuLeg *leg)
{
	if (leg->state == MCU_LEG_UP)
		mcu_leg_feed(leg, MCU_LEG_EV_REOFFER);
	else
		leg->want_reoffer = true;
}

/* --- what the worker reports --- */

static void ask_peer_keyframe(McuLeg *leg)
{
	int64_t now_ns = mcu_now_ns();

	if (!leg->session || !leg->connected ||
	    (leg->keyframe_asked_ns && now_ns - leg->keyframe_asked_ns < MCU_KEYFRAME_INFO_MIN_NS))
		return;
	leg->keyframe_asked_ns = now_ns;
	leg->signal->request_keyframe(leg->session);
}

static void set_held(McuLeg *leg, bool held)
{
	if (leg->held == held)
		return;
	leg->held = held;
	mcu_leg_emit(leg, "participant-updated", mcu_leg_describe(leg));
}

void mcu_leg_worker_event(McuLeg *leg, const char *event, GVariant *detail)
{
	const char *reason = NULL;

	if (strcmp(event, "keyframe-wanted") == 0) {
		ask_peer_keyframe(leg);
	} else if (strcmp(event, "dtmf") == 0) {
		mcu_leg_emit(leg, "dtmf", detail);
	} else if (strcmp(event, "hold") == 0) {
		set_held(leg, true);
	} else if (strcmp(event, "resume") == 0) {
		set_held(leg, false);
	} else if (strcmp(event, "media-timeout") == 0) {
		mcu_leg_hangup(leg, 0, "no media received any more");
	} else if (strcmp(event, "failed") == 0) {
		g_variant_lookup(detail, "reason", "&s", &reason);
		mcu_leg_hangup(leg, 0, reason ? reason : "media failed");
	}
}

/* --- what signalling reports --- */

static void take_sdp(McuLeg *leg, const char *sdp)
{
	g_free(leg->sdp);
	leg->sdp = g_strdup(sdp);
}

void mcu_leg_on_offer(void *owner, const char *sdp)
{
	McuLeg *leg = owner;

	take_sdp(leg, sdp);
	mcu_leg_feed(leg, sdp ? MCU_LEG_EV_OFFER : MCU_LEG_EV_ASK);
}

void mcu_leg_on_answer(void *owner, const char *sdp)
{
	take_sdp(owner, sdp);
	mcu_leg_feed(owner, MCU_LEG_EV_ANSWER);
}

void mcu_leg_on_acked(void *owner)
{
	mcu_leg_feed(owner, MCU_LEG_EV_ACKED);
}

void mcu_leg_on_ringing(void *owner)
{
	McuLeg *leg = owner;

	mcu_leg_emit(leg, "participant-ringing", mcu_leg_describe(leg));
}

void mcu_leg_on_refused(void *owner, unsigned status, const char *phrase)
{
	McuLeg *leg = owner;

	log_leg(leg, status == 491 ? MCU_LOG_INFO : MCU_LOG_WARNING, "our re-offer was refused",
		phrase);
	if (!leg->end_reason && leg->state == MCU_LEG_RE_OFFERED && status != 491)
		leg->end_reason = g_strdup_printf("media could not be restored: %s", phrase);
	mcu_leg_feed(leg, status == 491 ? MCU_LEG_EV_GLARE : MCU_LEG_EV_REFUSED);
}

void mcu_leg_on_ended(void *owner, unsigned status, const char *reason)
{
	McuLeg *leg = owner;

	leg->session = NULL;
	if (!leg->end_reason) {
		leg->end_status = status;
		leg->end_reason = g_strdup(reason);
	}
	mcu_leg_feed(leg, MCU_LEG_EV_ENDED);
}

void mcu_leg_on_refresh(void *owner)
{
	mcu_leg_renegotiate(owner);
}

void mcu_leg_on_keyframe(void *owner)
{
	McuLeg *leg = owner;

	if (leg->connected && leg->call->worker)
		request(leg, "RequestKeyframe", g_variant_new("(s)", leg->id), NULL, NULL);
}

void mcu_leg_on_dtmf(void *owner, const char *digit, unsigned duration_ms)
{
	McuLeg *leg = owner;
	GVariantDict d;

	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "digit", "s", digit);
	g_variant_dict_insert(&d, "duration-ms", "u", duration_ms);
	mcu_leg_emit(leg, "dtmf", g_variant_dict_end(&d));
}

/* --- life --- */

McuLeg *mcu_leg_new(McuCall *c, const McuLegParams *params)
{
	McuLeg *leg = g_new0(McuLeg, 1);

	leg->call = c;
	leg->serial = ++c->daemon->last_serial;
	leg->participant = g_strdup_printf("p%u", ++c->last_participant);
	leg->id = g_strdup_printf("%s.1", leg->participant);
	leg->name = g_strdup(params->name);
	leg->uri = g_strdup(params->uri);
	leg->local_address = g_strdup(params->local_address);
	leg->offer = g_strdup(params->offer);
	leg->session = params->session;
	leg->outbound = params->outbound;
	leg->signal = c->daemon->sip;
	leg->state = leg->outbound ? MCU_LEG_OUT_WAITING : MCU_LEG_IN_WAITING;
	leg->joined_us = g_get_real_time();
	if (leg->session)
		leg->signal->set_owner(leg->session, leg);
	g_ptr_array_add(c->legs, leg);
	g_hash_table_insert(c->daemon->legs, &leg->serial, leg);
	return leg;
}

void mcu_leg_free(McuLeg *leg)
{
	if (!leg)
		return;
	if (leg->session)
		leg->signal->hangup(leg->session, 480, "the service is stopping");
	g_hash_table_remove(leg->call->daemon->legs, &leg->serial);
	clear_timer(&leg->backoff_timer);
	clear_timer(&leg->answer_timer);
	g_free(leg->participant);
	g_free(leg->id);
	g_free(leg->name);
	g_free(leg->uri);
	g_free(leg->local_address);
	g_free(leg->offer);
	g_free(leg->sdp);
	g_free(leg->err_text);
	g_free(leg->end_reason);
	g_free(leg);
}
