/* One dialog: what the owner asks of it and what the peer does to it. */
#include <string.h>

#include <sofia-sip/su_tag_io.h>

#include "base/log.h"
#include "sip/sip_priv.h"

#define MAX_AUTH_TRIES 2

McuSipSession *mcu_sip_session_new(McuSipAgent *agent, nua_handle_t *nh, bool outbound)
{
	McuSipSession *s = g_new0(McuSipSession, 1);

	s->agent = agent;
	s->nh = nh;
	s->outbound = outbound;
	s->pending = MCU_SIP_PENDING_NONE;
	nua_handle_bind(nh, s);
	g_ptr_array_add(agent->sip->sessions, s);
	return s;
}

void mcu_sip_session_free(McuSipSession *s)
{
	if (s->linger)
		g_source_remove(s->linger);
	if (s->refresh)
		g_source_remove(s->refresh);
	if (s->pending == MCU_SIP_PENDING_OTHER)
		nua_destroy_event(s->saved);
	nua_handle_bind(s->nh, NULL);
	nua_handle_destroy(s->nh);
	g_ptr_array_remove_fast(s->agent->sip->sessions, s);
	g_free(s->early_sdp);
	g_free(s->end_reason);
	g_free(s);
}

static const McuSipEvents *events_of(const McuSipSession *s)
{
	return s->agent->sip->events;
}

static void note_end(McuSipSession *s, unsigned status, const char *reason)
{
	if (s->end_reason)
		return;
	s->end_status = status;
	s->end_reason = mcu_sip_clean_name(reason ? reason : "");
}

/* The dialog is over, whoever ended it. Frees the session. */
static void finish(McuSipSession *s)
{
	void *owner = g_steal_pointer(&s->owner);

	if (owner)
		events_of(s)->ended(owner, s->end_status,
				    s->end_reason ? s->end_reason : "the dialog ended");
	mcu_sip_session_free(s);
}

static gboolean on_refresh(gpointer p)
{
	McuSipSession *s = p;

	if (s->owner && s->established)
		events_of(s)->refresh(s->owner);
	return G_SOURCE_CONTINUE;
}

void mcu_sip_session_keep_fresh(McuSipSession *s, const sip_t *sip)
{
	const sip_session_expires_t *x = sip->sip_session_expires;
	const char *ours = s->outbound ? "uac" : "uas";
	unsigned long interval_s = x && x->x_delta ? x->x_delta : s->agent->sip->session_expires_s;

	if (s->refresh || interval_s == 0 ||
	    sip_is_allowed(sip->sip_allow, sip_method_update, "UPDATE"))
		return;
	if (x && x->x_refresher && g_ascii_strcasecmp(x->x_refresher, ours) != 0)
		return;
	s->refresh = g_timeout_add_seconds(
		(guint)(MIN(interval_s, 86400) * MCU_SIP_REFRESH_PERCENT / 100), on_refresh, s);
}

/* --- what the peer asks --- */

static void respond_pending(McuSipSession *s, int status, const char *phrase, const char *sdp,
			    const char *warning)
{
	bool retry = status == 500 || status == 503;
	McuSipPending pending = s->pending;

	s->pending = MCU_SIP_PENDING_NONE;
	nua_respond(s->nh, status, phrase,
		    TAG_IF(pending == MCU_SIP_PENDING_OTHER, NUTAG_WITH_SAVED(s->saved)),
		    TAG_IF(sdp, SIPTAG_CONTENT_TYPE_STR("application/sdp")),
		    TAG_IF(sdp, SIPTAG_PAYLOAD_STR(sdp)),
		    TAG_IF(warning, SIPTAG_WARNING_STR(warning)),
		    TAG_IF(retry, SIPTAG_RETRY_AFTER_STR(MCU_SIP_RETRY_S)), TAG_END());
	if (pending == MCU_SIP_PENDING_OTHER)
		nua_destroy_event(s->saved);
}

/* An offer in a request of the dialog: re-INVITE or UPDATE. */
static void on_offer(McuSipSession *s, McuSipPending kind, const sip_t *sip)
{
	g_autofree char *sdp = NULL;
	McuSipBody body = sip ? mcu_sip_sdp(sip, &sdp) : MCU_SIP_BODY_NONE;
	bool with_this = kind == MCU_SIP_PENDING_OTHER;
	int status = 0;

	if (!s->owner)
		status = 481;
	else if (body == MCU_SIP_BODY_TOO_BIG)
		status = 413;
	else if (body == MCU_SIP_BODY_OTHER)
		status = 415;
	else if (body == MCU_SIP_BODY_BAD)
		status = 400;
	else if (body == MCU_SIP_BODY_NONE && with_this)
		status = 200; /* a refresh */
	else if (s->pending != MCU_SIP_PENDING_NONE)
		status = 500;
	if (status) {
		nua_respond(s->nh, status, sip_status_phrase(status),
			    TAG_IF(with_this, NUTAG_WITH_THIS(s->agent->nua)),
			    TAG_IF(status == 415, SIPTAG_ACCEPT_STR("application/sdp")),
			    TAG_IF(status == 500, SIPTAG_RETRY_AFTER_STR(MCU_SIP_RETRY_S)),
			    TAG_END());
		return;
	}
	if (with_this && !nua_save_event(s->agent->nua, s->saved)) {
		mcu_sip_respond_now(s->agent, s->nh, SIP_500_INTERNAL_SERVER_ERROR);
		return;
	}
	s->pending = kind;
	s->offered = body == MCU_SIP_BODY_NONE;
	events_of(s)->offer(s->owner, sdp);
}

static void on_ack(McuSipSession *s, const sip_t *sip)
{
	g_autofree char *sdp = NULL;
	bool wanted = s->offered;

	s->offered = false;
	if (!s->owner)
		return;
	if (wanted && sip && mcu_sip_sdp(sip, &sdp) == MCU_SIP_BODY_SDP)
		events_of(s)->answer(s->owner, sdp);
	else
		events_of(s)->acked(s->owner);
}

/* PRACK is the stack's: we send no reliable response that it could be about. */
static void on_in_dialog(McuSipSession *s, nua_event_t event, const sip_t *sip)
{
	switch (event) {
	case nua_i_invite:
		on_offer(s, MCU_SIP_PENDING_INVITE, sip);
		break;
	case nua_i_update:
		on_offer(s, MCU_SIP_PENDING_OTHER, sip);
		break;
	case nua_i_info:
		mcu_sip_on_info(s, sip);
		break;
	case nua_i_ack:
		on_ack(s, sip);
		break;
	case nua_i_bye:
		note_end(s, 200, "hung up");
		break;
	case nua_i_cancel:
		note_end(s, 487, "cancelled");
		break;
	default:
		break;
	}
}

/* --- what the peer answers --- */

/* True when the request has been repeated with credentials. */
static bool answer_challenge(McuSipSession *s, int status, const sip_t *sip)
{
	McuSip *ua = s->agent->sip;
	const msg_auth_t *au = status == 401 ? sip->sip_www_authenticate
					     : (const msg_auth_t *)sip->sip_proxy_authenticate;
	bool any = false;

	if (!ua->auth_user || !*ua->auth_user || s->auth_tries >= MAX_AUTH_TRIES)
		return false;
	for (; au; au = au->au_next) {
		const char *realm = msg_params_find(au->au_params, "realm=");
		g_autofree char *credentials = NULL;

		if (!realm || !au->au_scheme || g_ascii_strcasecmp(au->au_scheme, "Digest") != 0)
			continue;
		credentials = g_strdup_printf("Digest:%s%s%s:%s:%s", *realm == '"' ? "" : "\"",
					      realm, *realm == '"' ? "" : "\"", ua->auth_user,
					      ua->auth_password);
		nua_authenticate(s->nh, NUTAG_AUTH(credentials), TAG_END());
		any = true;
		break;
	}
	s->auth_tries += any;
	return any;
}

static void on_provisional(McuSipSession *s, int status, const sip_t *sip)
{
	char *sdp = NULL;

	if (sip && mcu_sip_sdp(sip, &sdp) == MCU_SIP_BODY_SDP) {
		g_free(s->early_sdp);
		s->early_sdp = sdp;
	}
	if (status >= 180 && s->owner && !s->established)
		events_of(s)->ringing(s->owner);
}

static void on_success(McuSipSession *s, const sip_t *sip)
{
	g_autofree char *sdp = NULL;

	s->established = true;
	s->auth_tries = 0;
	if (!s->owner) { /* it crossed our CANCEL */
		nua_bye(s->nh, TAG_END());
		return;
	}
	if (!sip || mcu_sip_sdp(sip, &sdp) != MCU_SIP_BODY_SDP)
		sdp = g_steal_pointer(&s->early_sdp);
	g_clear_pointer(&s->early_sdp, g_free);
	if (sip)
		mcu_sip_session_keep_fresh(s, sip);
	if (sdp) {
		events_of(s)->answer(s->owner, sdp);
		return;
	}
	note_end(s, 200, "the answer held no session description");
	nua_bye(s->nh, TAG_END());
}

/* The peer's phrase goes into logs and events. */
static void refuse_owner(McuSipSession *s, unsigned status, const char *phrase)
{
	g_autofree char *reason = mcu_sip_clean_name(phrase ? phrase : "");

	events_of(s)->refused(s->owner, status, reason);
}

static void on_invite_response(McuSipSession *s, int status, const char *phrase, const sip_t *sip)
{
	bool refresh = s->established && !s->reinviting;

	if (status < 200) {
		on_provisional(s, status, sip);
		return;
	}
	if ((status == 401 || status == 407) && sip && answer_challenge(s, status, sip))
		return;
	if (refresh)
		return;
	if (status < 300) {
		s->reinviting = false;
		on_success(s, sip);
		return;
	}
	if (!s->established) {
		note_end(s, (unsigned)status, phrase);
		return; /* nua_i_state follows */
	}
	s->reinviting = false;
	if (status == 408 || status == 481) /* RFC 3261 section 12.2.1.2: the dialog ends */
		note_end(s, (unsigned)status, phrase);
	else if (s->owner)
		refuse_owner(s, (unsigned)status, phrase);
}

static void on_state(McuSipSession *s, int status, const char *phrase, tagi_t *tags)
{
	int state = nua_callstate_init;

	tl_gets(tags, NUTAG_CALLSTATE_REF(state), TAG_END());
	if (state != nua_callstate_terminated)
		return;
	note_end(s, (unsigned)status, phrase);
	finish(s);
}

void mcu_sip_session_event(McuSipSession *s, nua_event_t event, int status, const char *phrase,
			   const sip_t *sip, tagi_t *tags)
{
	switch (event) {
	case nua_r_invite:
		on_invite_response(s, status, phrase, sip);
		break;
	case nua_i_state:
		on_state(s, status, phrase, tags);
		break;
	case nua_r_info:
		if (status >= 200 && s->keyframes)
			s->keyframes--;
		break;
	default:
		on_in_dialog(s, event, sip);
	}
}

/* --- what the owner asks --- */

void mcu_sip_set_owner(McuSipSession *s, void *owner)
{
	s->owner = owner;
}

void mcu_sip_answer(McuSipSession *s, const char *sdp)
{
	if (s->pending == MCU_SIP_PENDING_NONE)
		return;
	s->established = true;
	respond_pending(s, SIP_200_OK, sdp, NULL);
}

static char *warning(const char *text)
{
	g_autofree char *quoted = text && *text ? mcu_sip_quotable(text) : NULL;

	return quoted ? g_strdup_printf("399 tessera \"%s\"", quoted) : NULL;
}

void mcu_sip_refuse(McuSipSession *s, unsigned status, const char *text)
{
	g_autofree char *w = warning(text);

	if (s->pending == MCU_SIP_PENDING_NONE)
		return;
	s->offered = false;
	respond_pending(s, (int)status, sip_status_phrase((int)status), NULL, w);
}

void mcu_sip_offer(McuSipSession *s, const char *sdp)
{
	s->reinviting = true;
	nua_invite(s->nh, SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(sdp),
		   TAG_END());
}

unsigned mcu_sip_glare_delay_ms(const McuSipSession *s)
{
	/* units of 10 ms; whoever owns the Call-ID waits longer */
	return s->outbound ? (unsigned)g_random_int_range(210, 401) * 10
			   : (unsigned)g_random_int_range(0, 201) * 10;
}

static gboolean on_linger_over(gpointer p)
{
	McuSipSession *s = p;

	s->linger = 0;
	mcu_sip_session_free(s);
	return G_SOURCE_REMOVE;
}

void mcu_sip_hangup(McuSipSession *s, unsigned status, const char *text)
{
	g_autofree char *w = warning(text);

	s->owner = NULL;
	s->linger = g_timeout_add_seconds(MCU_SIP_LINGER_S, on_linger_over, s);
	if (s->outbound && !s->established) {
		nua_cancel(s->nh, TAG_END());
	} else if (!s->established) {
		respond_pending(s, (int)status, sip_status_phrase((int)status), NULL, w);
	} else {
		if (s->pending != MCU_SIP_PENDING_NONE)
			respond_pending(s, 487, sip_status_phrase(487), NULL, NULL);
		nua_bye(s->nh, TAG_END());
	}
}
