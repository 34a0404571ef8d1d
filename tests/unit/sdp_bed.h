/* What the tests of the SDP agent share. */
#pragma once
#include <glib.h>
#include <string.h>

#include "sdp/agent.h"

#define VECTORS "tests/vectors/sdp"

static inline char *read_vector(const char *name)
{
	g_autofree char *path = g_build_filename(VECTORS, name, NULL);
	g_autoptr(GError) error = NULL;
	char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, &error))
		g_error("%s", error->message);
	return text;
}

static inline McuSdpCaps caps_of(McuSdpSrtp srtp)
{
	McuSdpCaps caps;

	mcu_sdp_caps_init(&caps);
	caps.session_id = 77;
	caps.session_name = "demo";
	caps.srtp = srtp;
	caps.video_bps = 2000000;
	return caps;
}

static inline McuSdpAgent *agent_of(McuSdpSrtp srtp)
{
	McuSdpCaps caps = caps_of(srtp);

	return mcu_sdp_agent_new(&caps);
}

static inline void set_offer(McuSdpAgent *agent, const char *text)
{
	McuDiag diag = { 0 };

	if (mcu_sdp_agent_set_offer(agent, text, strlen(text), &diag) < 0) {
		g_autofree char *why = mcu_diag_str(&diag);
		g_error("%s for:\n%s", why, text);
	}
}

static inline void set_locals(McuSdpAgent *agent, uint8_t seed)
{
	for (size_t i = 0; i < mcu_sdp_agent_n_streams(agent); i++) {
		McuSdpLocal local = { .address = "198.51.100.1",
				      .rtp_port = (uint16_t)(30000 + 2 * i),
				      .rtcp_port = (uint16_t)(30001 + 2 * i) };

		for (size_t k = 0; k < sizeof(local.random); k++)
			local.random[k] = (uint8_t)(seed + k * 3 + i);
		g_assert_cmpint(mcu_sdp_agent_set_local(agent, i, &local), ==, 0);
	}
}

static inline char *make_answer(McuSdpAgent *agent)
{
	McuDiag diag = { 0 };
	char *text = NULL;

	set_locals(agent, 1);
	if (mcu_sdp_agent_make_answer(agent, &text, &diag) < 0)
		g_error("%s", diag.text);
	return text;
}

/* Offer file -> answer text; the agent holds the agreed streams. */
static inline char *answer_vector(McuSdpAgent *agent, const char *name)
{
	g_autofree char *offer = read_vector(name);

	set_offer(agent, offer);
	return make_answer(agent);
}

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		g_error("\"%s\" is not in:\n%s", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		g_error("\"%s\" is in:\n%s", part, text);
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define PCMU HEAD "m=audio 5004 RTP/AVP 0\r\n"
