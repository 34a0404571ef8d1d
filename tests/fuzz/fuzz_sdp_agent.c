/* Offers and answers: first byte = policy and role, then descriptions separated by a line "%". */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "sdp/agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_locals(McuSdpAgent *agent)
{
	for (size_t i = 0; i < mcu_sdp_agent_n_streams(agent); i++) {
		McuSdpLocal local = { .address = "2001:db8::1", .rtp_port = 4000, .rtcp_port = 4001 };

		if (mcu_sdp_agent_set_local(agent, i, &local) < 0)
			abort();
	}
}

static void check_streams(const McuSdpAgent *agent, McuSdpSrtp srtp)
{
	for (size_t i = 0; i < mcu_sdp_agent_n_streams(agent); i++) {
		const McuSdpStream *s = mcu_sdp_agent_stream(agent, i);

		if (!s->enabled)
			continue;
		if (!s->codec || s->n_recv_pts == 0 || s->n_recv_pts > MCU_SDP_MAX_PTS ||
		    s->ptime_ms < 10 || s->ptime_ms > 60 || s->sprop_len > sizeof(s->sprop))
			abort();
		if ((srtp == MCU_SDP_SRTP_REQUIRED && !s->secure) ||
		    (srtp == MCU_SDP_SRTP_OFF && s->secure))
			abort();
	}
}

/* What we write must be readable. */
static void check_text(const char *text)
{
	g_autoptr(McuSdp) sdp = NULL;
	McuDiag diag = { 0 };
	int r = mcu_sdp_parse(text, strlen(text), &sdp, &diag);

	if (r < 0 && r != -EOVERFLOW && r != -ENOMEM)
		g_error("%s in\n%s", diag.text, text);
}

static void offer_in(McuSdpAgent *agent, const char *text, size_t len, McuSdpSrtp srtp)
{
	g_autofree char *answer = NULL;

	if (mcu_sdp_agent_set_offer(agent, text, len, NULL) < 0)
		return;
	set_locals(agent);
	if (mcu_sdp_agent_make_answer(agent, &answer, NULL) < 0)
		abort();
	check_streams(agent, srtp);
	check_text(answer);
}

static void offer_out(McuSdpAgent *agent, const char *text, size_t len, McuSdpSrtp srtp)
{
	g_autofree char *offer = NULL;

	if (mcu_sdp_agent_state(agent) == MCU_SDP_IDLE &&
	    (mcu_sdp_agent_add(agent, MCU_SDP_AUDIO, MCU_SDP_SENDRECV) < 0 ||
	     mcu_sdp_agent_add(agent, MCU_SDP_VIDEO, MCU_SDP_SENDRECV) < 0))
		abort();
	if (mcu_sdp_agent_state(agent) == MCU_SDP_IDLE)
		set_locals(agent);
	if (mcu_sdp_agent_make_offer(agent, NULL, &offer, NULL) < 0)
		abort();
	check_text(offer);
	if (mcu_sdp_agent_set_answer(agent, text, len, NULL) < 0)
		mcu_sdp_agent_rollback(agent);
	else
		check_streams(agent, srtp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(McuSdpAgent) agent = NULL;
	McuSdpCaps caps;

	if (size < 2)
		return 0;
	mcu_sdp_caps_init(&caps);
	caps.srtp = (McuSdpSrtp)(MCU_SDP_SRTP_OFF + (data[0] & 3) % 3);
	caps.video[caps.n_video++] = MCU_CODEC_VP8;
	agent = mcu_sdp_agent_new(&caps);
	const char *p = (const char *)data + 1, *end = (const char *)data + size;
	for (unsigned round = 0; p < end && round < 8; round++) {
		const char *cut = memmem(p, (size_t)(end - p), "\n%\n", 3);
		size_t len = (size_t)((cut ? cut : end) - p);

		if (data[0] >> (2 + round % 6) & 1)
			offer_out(agent, p, len, caps.srtp);
		else
			offer_in(agent, p, len, caps.srtp);
		p = cut ? cut + 3 : end;
	}
	return 0;
}
