/* mcu/sdp/agent: answers to offers in the dialects of real devices. */
#include "sdp_bed.h"

static void test_cisco(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *answer = answer_vector(agent, "cisco_room.sdp");
	const McuSdpStream *a = mcu_sdp_agent_stream(agent, 0), *v = mcu_sdp_agent_stream(agent, 1);

	g_assert_cmpuint(mcu_sdp_agent_n_streams(agent), ==, 5);
	g_assert_true(a->enabled && v->enabled);
	g_assert_cmpint(a->codec, ==, MCU_CODEC_G722);
	g_assert_cmpuint(a->send_pt, ==, 9);
	g_assert_cmpint(a->dtmf_recv_pt, ==, 101);
	g_assert_cmpuint(a->send_limit_bps, ==, 128000);
	g_assert_cmpstr(a->remote_address, ==, "192.0.2.10");
	g_assert_cmpuint(a->remote_rtcp_port, ==, 16385);
	g_assert_cmpuint(v->send_pt, ==, 126);
	g_assert_cmpuint(v->h264.packetization_mode, ==, 1);
	g_assert_cmpuint(v->h264.max_fs, ==, 9000);
	g_assert_cmpuint(v->h264.max_br, ==, 5000);
	g_assert_cmpuint(v->n_recv_pts, ==, 2);
	g_assert_cmpuint(v->feedback, ==, 0);
	g_assert_cmpint(mcu_sdp_agent_stream(agent, 3)->kind, ==, MCU_SDP_SLIDES);
	g_assert_false(mcu_sdp_agent_stream(agent, 3)->enabled);
	g_assert_cmpint(mcu_sdp_agent_stream(agent, 2)->kind, ==, MCU_SDP_APPLICATION);
	assert_has(answer, "m=audio 30000 RTP/AVP 9 101\r\n");
	assert_has(answer, "m=video 30002 RTP/AVP 126\r\n");
	/* no level asymmetry offered: their level 2.2, our larger picture as max-fs */
	assert_has(answer, "profile-level-id=428016;packetization-mode=1;max-fs=3600;max-mbps=108000");
	assert_has(answer, "m=application 0 UDP/BFCP *\r\n");
	assert_has(answer, "m=video 0 RTP/AVP 97 126 96 34 31\r\n");
	assert_has(answer, "m=application 0 RTP/AVP 104\r\n");
	assert_has(answer, "b=TIAS:2000000\r\n");
	assert_lacks(answer, "rtcp-fb");
	assert_lacks(answer, "a=rtcp-mux");
}

/* Siren first, H.264 high first, two kinds of feedback on one line. */
static void test_poly_plain(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *answer = answer_vector(agent, "poly_plain.sdp");
	const McuSdpStream *a = mcu_sdp_agent_stream(agent, 0), *v = mcu_sdp_agent_stream(agent, 1);

	g_assert_cmpint(a->codec, ==, MCU_CODEC_G722);
	g_assert_cmpuint(v->send_pt, ==, 109);
	g_assert_cmpuint(v->feedback, ==, MCU_SDP_FB_FIR | MCU_SDP_FB_TMMBR);
	g_assert_cmpuint(v->send_limit_bps, ==, 896000);
	assert_has(answer, "a=rtcp-fb:* ccm fir\r\n");
}

/* RTP/SAVP and RTP/AVP lines for the same media. */
static void test_poly(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *answer = answer_vector(agent, "poly_group.sdp");
	const McuSdpStream *v = mcu_sdp_agent_stream(agent, 2);

	g_assert_true(mcu_sdp_agent_stream(agent, 0)->secure);
	g_assert_false(mcu_sdp_agent_stream(agent, 1)->enabled);
	g_assert_true(v->enabled && v->secure);
	g_assert_false(mcu_sdp_agent_stream(agent, 3)->enabled);
	g_assert_cmpint(mcu_sdp_agent_stream(agent, 3)->kind, ==, MCU_SDP_VIDEO);
	g_assert_cmpuint(v->send_pt, ==, 111);
	g_assert_cmpint(v->h264.profile, ==, MCU_H264_HIGH);
	g_assert_cmpuint(v->feedback, ==,
			 MCU_SDP_FB_PLI | MCU_SDP_FB_FIR | MCU_SDP_FB_TMMBR);
	g_assert_cmpuint(v->send_limit_bps, ==, 1856000);
	assert_has(answer, "m=audio 30000 RTP/SAVP 9 119\r\n");
	assert_has(answer, "m=audio 0 RTP/AVP 115 102");
	assert_has(answer, "m=video 30004 RTP/SAVP 111\r\n");
	assert_has(answer, "m=video 0 RTP/AVP 109 110");
	assert_has(answer, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:");
	assert_has(answer, "a=rtcp-fb:* ccm fir");

	g_autoptr(McuSdpAgent) plain = agent_of(MCU_SDP_SRTP_OFF);
	g_autofree char *second = answer_vector(plain, "poly_group.sdp");
	g_assert_false(mcu_sdp_agent_stream(plain, 0)->enabled);
	g_assert_true(mcu_sdp_agent_stream(plain, 1)->enabled);
	g_assert_false(mcu_sdp_agent_stream(plain, 1)->secure);
	assert_has(second, "m=audio 0 RTP/SAVP 115");
	assert_lacks(second, "crypto");
}

static void test_yealink(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *answer = answer_vector(agent, "yealink_vc.sdp");
	const McuSdpStream *a = mcu_sdp_agent_stream(agent, 0), *v = mcu_sdp_agent_stream(agent, 1);

	g_assert_cmpint(a->codec, ==, MCU_CODEC_OPUS);
	g_assert_true(a->opus.inband_fec);
	g_assert_false(a->opus.stereo);
	g_assert_cmpuint(a->opus.max_bps, ==, 64000);
	g_assert_cmpuint(v->send_pt, ==, 99);
	g_assert_cmpuint(v->n_recv_pts, ==, 4);
	g_assert_cmpuint(v->max_fps, ==, 30);
	g_assert_cmpuint(v->feedback, ==, MCU_SDP_FB_PLI | MCU_SDP_FB_FIR);
	assert_has(answer, "a=rtpmap:107 opus/48000/2\r\n");
	assert_has(answer, "profile-level-id=64001f;packetization-mode=1\r\n");

	/* without High: the mode-1 Baseline line */
	McuSdpCaps caps = caps_of(MCU_SDP_SRTP_OFF);
	caps.h264.high = false;
	g_autoptr(McuSdpAgent) baseline = mcu_sdp_agent_new(&caps);
	g_autofree char *second = answer_vector(baseline, "yealink_vc.sdp");
	g_assert_nonnull(second);
	g_assert_cmpuint(mcu_sdp_agent_stream(baseline, 1)->send_pt, ==, 98);
	/* and without mode 1 */
	caps.h264.mode1 = false;
	g_autoptr(McuSdpAgent) single = mcu_sdp_agent_new(&caps);
	g_autofree char *third = answer_vector(single, "yealink_vc.sdp");
	g_assert_nonnull(third);
	g_assert_cmpuint(mcu_sdp_agent_stream(single, 1)->send_pt, ==, 97);
}

/* G722/16000, H.264 without profile-level-id, session bandwidth. */
static void test_huawei(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *answer = answer_vector(agent, "huawei_te.sdp");
	const McuSdpStream *a = mcu_sdp_agent_stream(agent, 0), *v = mcu_sdp_agent_stream(agent, 1);

	g_assert_cmpint(a->codec, ==, MCU_CODEC_G722);
	g_assert_cmpuint(a->recv_pts[0].clock_hz, ==, 8000);
	g_assert_cmpuint(a->send_limit_bps, ==, 1984000);
	g_assert_cmpuint(v->send_pt, ==, 105);
	g_assert_cmpint(v->h264.profile, ==, MCU_H264_HIGH);
	/* level 4 without asymmetry: ours is the lower one */
	g_assert_cmpuint(v->h264.level_idc, ==, 31);
	g_assert_cmpuint(v->h264.max_fs, ==, 3600);
	assert_has(answer, "profile-level-id=64001f;packetization-mode=0");
	assert_has(answer, "a=rtpmap:9 G722/8000");
}

static void test_softphones(void)
{
	McuSdpCaps caps = caps_of(MCU_SDP_SRTP_OPTIONAL);

	caps.video[0] = MCU_CODEC_H264;
	caps.video[1] = MCU_CODEC_VP8;
	caps.n_video = 2;
	g_autoptr(McuSdpAgent) lin = mcu_sdp_agent_new(&caps);
	g_autofree char *answer = answer_vector(lin, "linphone.sdp");
	const McuSdpStream *a = mcu_sdp_agent_stream(lin, 0), *v = mcu_sdp_agent_stream(lin, 1);

	g_assert_cmpint(a->codec, ==, MCU_CODEC_OPUS);
	g_assert_cmpint(a->dtmf_send_pt, ==, 99);
	g_assert_cmpuint(a->dtmf_clock_hz, ==, 48000);
	g_assert_cmpuint(a->remote_rtcp_port, ==, 57479);
	g_assert_true(a->avpf);
	g_assert_cmpint(v->codec, ==, MCU_CODEC_H264);
	g_assert_cmpuint(v->feedback, ==, MCU_SDP_FB_PLI | MCU_SDP_FB_FIR | MCU_SDP_FB_TMMBR);
	g_assert_cmpint(v->recv_pts[1].codec, ==, MCU_CODEC_VP8);
	assert_has(answer, "m=video 30002 RTP/AVPF 97\r\n");
	assert_lacks(answer, "candidate");

	g_autoptr(McuSdpAgent) bare = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *second = answer_vector(bare, "baresip.sdp");
	v = mcu_sdp_agent_stream(bare, 1);
	g_assert_cmpuint(v->send_pt, ==, 99);
	g_assert_true(v->rtcp_mux);
	g_assert_cmpuint(v->remote_rtcp_port, ==, 40180);
	g_assert_cmpuint(v->feedback, ==, MCU_SDP_FB_NACK | MCU_SDP_FB_PLI);
	g_assert_true(mcu_sdp_agent_stream(bare, 0)->opus.stereo);
	assert_has(second, "a=rtcp-mux\r\n");

	g_autoptr(McuSdpAgent) ast = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *third = answer_vector(ast, "asterisk.sdp");
	g_assert_nonnull(third);
	a = mcu_sdp_agent_stream(ast, 0);
	g_assert_cmpint(a->codec, ==, MCU_CODEC_G722);
	g_assert_cmpint(a->cn_send_pt, ==, 13);
	g_assert_cmpstr(a->remote_address, ==, "2001:db8::70");
	g_assert_cmpuint(mcu_sdp_agent_stream(ast, 1)->h264.packetization_mode, ==, 0);
	g_assert_cmpuint(mcu_sdp_agent_stream(ast, 1)->h264.max_fs, ==, 3600);
}

/* Unknown suites and MKI lines are skipped; the tag is echoed. */
static void test_srtp_suites(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_REQUIRED);
	g_autofree char *answer = answer_vector(agent, "freeswitch_srtp.sdp");
	const McuSdpStream *a = mcu_sdp_agent_stream(agent, 0), *v = mcu_sdp_agent_stream(agent, 1);

	g_assert_true(a->secure && v->secure);
	g_assert_cmpint(a->recv_key.suite, ==, MCU_SRTP_AEAD_AES_256_GCM);
	g_assert_cmpint(a->send_key.suite, ==, MCU_SRTP_AEAD_AES_256_GCM);
	g_assert_cmpmem(a->recv_key.bytes, 16, "0123456789abcdef", 16);
	g_assert_cmpint(v->recv_key.suite, ==, MCU_SRTP_AES_CM_128_HMAC_SHA1_32);
	g_assert_false(mcu_srtp_key_equal(&a->send_key, &a->recv_key));
	g_assert_cmpuint(v->sprop_len, >, 8);
	g_assert_cmpuint(v->sprop[4], ==, 0x67);
	g_assert_true(v->avpf);
	assert_has(answer, "a=crypto:2 AEAD_AES_256_GCM inline:");
	assert_has(answer, "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:");
	assert_has(answer, "m=video 30002 RTP/SAVPF 105\r\n");
	assert_has(answer, "level-asymmetry-allowed=1");
	assert_has(answer, "a=rtcp-fb:105 nack pli\r\n");
	assert_lacks(answer, "goog-remb");
	assert_lacks(answer, "crypto:4");

	/* a narrower list of ours picks a later line */
	McuSdpCaps caps = caps_of(MCU_SDP_SRTP_REQUIRED);
	caps.suites[0] = MCU_SRTP_AES_256_CM_HMAC_SHA1_80;
	caps.n_suites = 1;
	g_autoptr(McuSdpAgent) narrow = mcu_sdp_agent_new(&caps);
	g_autofree char *second = answer_vector(narrow, "freeswitch_srtp.sdp");
	assert_has(second, "a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:");
	g_assert_false(mcu_sdp_agent_stream(narrow, 1)->enabled);
}

/* a=crypto in RTP/AVP: taken when SRTP is optional or required, else plain. */
static void test_srtp_best_effort(void)
{
	g_autoptr(McuSdpAgent) optional = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *answer = answer_vector(optional, "cisco_besteffort.sdp");
	const McuSdpStream *v = mcu_sdp_agent_stream(optional, 1);

	g_assert_true(mcu_sdp_agent_stream(optional, 0)->secure);
	g_assert_false(v->secure);
	g_assert_cmpuint(v->send_pt, ==, 100);
	g_assert_cmpint(v->h264.profile, ==, MCU_H264_CONSTRAINED_HIGH);
	g_assert_cmpuint(v->h264.level_idc, ==, 0x16);
	g_assert_cmpuint(v->h264.max_fs, ==, 3600);
	g_assert_cmpuint(v->feedback, ==,
			 MCU_SDP_FB_PLI | MCU_SDP_FB_FIR | MCU_SDP_FB_TMMBR);
	assert_has(answer, "m=audio 30000 RTP/AVP 114 101\r\n");
	assert_has(answer, "profile-level-id=640c1f;packetization-mode=1;level-asymmetry-allowed=1");
	g_assert_cmpuint(mcu_sdp_agent_stream(optional, 0)->opus.max_playback_hz, ==, 16000);

	g_autoptr(McuSdpAgent) off = agent_of(MCU_SDP_SRTP_OFF);
	g_autofree char *second = answer_vector(off, "cisco_besteffort.sdp");
	g_assert_false(mcu_sdp_agent_stream(off, 0)->secure);
	assert_lacks(second, "crypto");

	g_autoptr(McuSdpAgent) required = agent_of(MCU_SDP_SRTP_REQUIRED);
	g_autofree char *third = answer_vector(required, "cisco_besteffort.sdp");
	g_assert_true(mcu_sdp_agent_stream(required, 0)->secure);
	g_assert_false(mcu_sdp_agent_stream(required, 1)->enabled);
	assert_has(third, "m=video 0 RTP/AVP");
}

/* Of two lines for the same media the protected one is taken, wherever it stands. */
static void test_alternatives(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *answer = NULL;

	set_offer(agent, HEAD "m=audio 5004 RTP/AVP 0\r\nm=audio 5004 RTP/SAVP 0\r\n"
			      "a=crypto:4 AES_CM_128_HMAC_SHA1_80 "
			      "inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk\r\n");
	answer = make_answer(agent);
	assert_has(answer, "m=audio 0 RTP/AVP 0\r\n");
	assert_has(answer, "m=audio 30002 RTP/SAVP 0\r\n");
	assert_has(answer, "a=crypto:4 AES_CM_128");
}

static unsigned ptime_for(const char *offer)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OFF);

	set_offer(agent, offer);
	return mcu_sdp_agent_stream(agent, 0)->ptime_ms;
}

static void test_ptime(void)
{
	g_assert_cmpuint(ptime_for(PCMU), ==, 20);
	g_assert_cmpuint(ptime_for(PCMU "a=ptime:30\r\n"), ==, 30);
	g_assert_cmpuint(ptime_for(PCMU "a=ptime:5\r\n"), ==, 10);
	g_assert_cmpuint(ptime_for(PCMU "a=ptime:999\r\n"), ==, 60);
	g_assert_cmpuint(ptime_for(PCMU "a=maxptime:10\r\n"), ==, 10);
	g_assert_cmpuint(ptime_for(PCMU "a=ptime:abc\r\n"), ==, 20);
	g_assert_cmpuint(ptime_for(HEAD "m=audio 4 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"
					"a=ptime:30\r\n"),
			 ==, 20);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sdp/dialects/cisco", test_cisco);
	g_test_add_func("/sdp/dialects/poly", test_poly);
	g_test_add_func("/sdp/dialects/poly-plain", test_poly_plain);
	g_test_add_func("/sdp/dialects/yealink", test_yealink);
	g_test_add_func("/sdp/dialects/huawei", test_huawei);
	g_test_add_func("/sdp/dialects/softphones", test_softphones);
	g_test_add_func("/sdp/dialects/srtp-suites", test_srtp_suites);
	g_test_add_func("/sdp/dialects/srtp-best-effort", test_srtp_best_effort);
	g_test_add_func("/sdp/dialects/alternatives", test_alternatives);
	g_test_add_func("/sdp/dialects/ptime", test_ptime);
	return g_test_run();
}
