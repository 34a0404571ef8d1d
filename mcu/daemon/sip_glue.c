#include "daemon/sip_glue.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon_priv.h"

/** Refusals that are logged in a second. */
#define REFUSED_LOG_BURST 10

static int check_uri(void *data, const char *uri, McuDiag *reterr)
{
	(void)data;
	return mcu_sip_check_uri(uri, reterr);
}

static char *local_address(void *data, const char *uri)
{
	return mcu_sip_local_address(data, uri);
}

static int dial(void *data, const char *uri, const char *from, const char *sdp, void *owner,
		void **ret_session, McuDiag *reterr)
{
	McuSipDial params = { .uri = uri, .from = from, .name = from, .sdp = sdp };
	McuSipSession *s = NULL;
	int r = mcu_sip_dial(data, &params, owner, &s, reterr);

	if (r == 0)
		*ret_session = s;
	return r;
}

static void set_owner(void *session, void *owner)
{
	mcu_sip_set_owner(session, owner);
}

static void answer(void *session, const char *sdp)
{
	mcu_sip_answer(session, sdp);
}

static void refuse(void *session, unsigned status, const char *text)
{
	mcu_sip_refuse(session, status, text);
}

static void offer(void *session, const char *sdp)
{
	mcu_sip_offer(session, sdp);
}

static unsigned glare_delay_ms(void *session)
{
	return mcu_sip_glare_delay_ms(session);
}

static void request_keyframe(void *session)
{
	mcu_sip_request_keyframe(session);
}

static void hangup(void *session, unsigned status, const char *text)
{
	mcu_sip_hangup(session, status, text);
}

const McuSignal mcu_sip_signal = {
	.check_uri = check_uri,
	.local_address = local_address,
	.dial = dial,
	.set_owner = set_owner,
	.answer = answer,
	.refuse = refuse,
	.offer = offer,
	.glare_delay_ms = glare_delay_ms,
	.request_keyframe = request_keyframe,
	.hangup = hangup,
};

static int on_admit(void *data, const char *peer_address)
{
	return mcu_daemon_admit(data, peer_address);
}

static void on_incoming(void *data, McuSipSession *s, const McuSipIncoming *in)
{
	McuIncoming incoming = {
		.user = in->user,
		.name = in->name,
		.uri = in->uri,
		.offer = in->sdp,
		.local_address = in->local_address,
		.peer_address = in->peer_address,
	};
	McuRefusal refusal = { 0 };
	McuDaemon *d = data;
	unsigned held_back;

	if (mcu_daemon_incoming(d, s, &incoming, &refusal) == 0)
		return;
	if (mcu_log_allow(&d->refused_log, REFUSED_LOG_BURST, MCU_NS_PER_SEC, &held_back))
		mcu_info("sip", "INVITE from %s (%s) refused: %u %s (%u more)", in->uri,
			 in->peer_address, refusal.status, refusal.text, held_back);
	mcu_sip_hangup(s, refusal.status, refusal.text);
}

const McuSipEvents mcu_sip_daemon_events = {
	.admit = on_admit,
	.incoming = on_incoming,
	.offer = mcu_leg_on_offer,
	.answer = mcu_leg_on_answer,
	.acked = mcu_leg_on_acked,
	.ringing = mcu_leg_on_ringing,
	.refused = mcu_leg_on_refused,
	.ended = mcu_leg_on_ended,
	.refresh = mcu_leg_on_refresh,
	.keyframe = mcu_leg_on_keyframe,
	.dtmf = mcu_leg_on_dtmf,
};
