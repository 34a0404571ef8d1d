/* mcu/sdp/agent: both roles, states, refusals, hold, re-offers. */
#include "sdp_bed.h"

static void assert_refused(McuSdpSrtp srtp, const char *offer, const char *says)
{
	g_autoptr(McuSdpAgent) agent = agent_of(srtp);
	McuDiag diag = { 0 };

	g_assert_cmpint(mcu_sdp_agent_set_offer(agent, offer, strlen(offer), &diag), ==, -ENOTSUP);
	g_assert_cmpint(mcu_sdp_agent_state(agent), ==, MCU_SDP_IDLE);
	g_assert_cmpuint(mcu_sdp_agent_n_streams(agent), ==, 0);
	assert_has(diag.text, says);
}

static void test_refusals(void)
{
	g_autofree char *fax = read_vector("fax.sdp"), *web = read_vector("webrtc_chrome.sdp");

	assert_refused(MCU_SDP_SRTP_OPTIONAL, fax, "other: this kind of media");
	assert_refused(MCU_SDP_SRTP_OPTIONAL, web, "audio: DTLS-SRTP is not supported");
	assert_refused(MCU_SDP_SRTP_REQUIRED, PCMU, "SRTP is required here, no a=crypto");
	assert_refused(MCU_SDP_SRTP_OFF, HEAD "m=audio 5004 RTP/SAVP 0\r\n", "SRTP is switched off");
	assert_refused(MCU_SDP_SRTP_OPTIONAL, HEAD "m=audio 5004 RTP/SAVP 0\r\n", "no a=crypto");
	assert_refused(MCU_SDP_SRTP_OPTIONAL, HEAD "m=audio 5004 RTP/AVP 18\r\n", "no codec");
	assert_refused(MCU_SDP_SRTP_OPTIONAL, HEAD "m=audio 0 RTP/AVP 0\r\n", "closed");
	assert_refused(MCU_SDP_SRTP_OPTIONAL, HEAD "m=audio 5004 RTP/XYZ 0\r\n", "protocol");
	assert_refused(MCU_SDP_SRTP_OPTIONAL, HEAD, "no m= line");
	assert_refused(MCU_SDP_SRTP_OPTIONAL,
		       HEAD "m=audio 5004 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\n", "unicast");
	assert_refused(MCU_SDP_SRTP_OPTIONAL,
		       HEAD "m=audio 5004 RTP/AVP 100\r\na=rtpmap:100 opus/16000/2\r\n", "no codec");
	/* only telephone-event in common is not enough */
	assert_refused(MCU_SDP_SRTP_OPTIONAL,
		       HEAD "m=audio 5004 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
		       "no codec");
}

static void test_single_media(void)
{
	g_autoptr(McuSdpAgent) phone = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *answer = answer_vector(phone, "phone_audio_only.sdp");
	g_assert_nonnull(answer);

	g_assert_cmpint(mcu_sdp_agent_stream(phone, 0)->codec, ==, MCU_CODEC_G722);
	g_assert_cmpint(mcu_sdp_agent_stream(phone, 0)->dtmf_send_pt, ==, -1);
	g_assert_cmpuint(mcu_sdp_agent_stream(phone, 0)->n_recv_pts, ==, 3);

	g_autoptr(McuSdpAgent) camera = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *second = answer_vector(camera, "video_only.sdp");
	const McuSdpStream *v = mcu_sdp_agent_stream(camera, 0);
	g_assert_cmpint(v->direction, ==, MCU_SDP_RECVONLY);
	g_assert_true(v->hold);
	g_assert_cmpint(v->h264.profile, ==, MCU_H264_CONSTRAINED_BASELINE + 1);
	assert_has(second, "a=recvonly\r\n");

	g_autoptr(McuSdpAgent) odd = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *third = answer_vector(odd, "odd_order.sdp");
	g_assert_nonnull(third);
	g_assert_cmpstr(mcu_sdp_agent_stream(odd, 0)->remote_address, ==, "192.0.2.104");
}

static void test_hold(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OFF);
	g_autofree char *first = NULL, *held = NULL, *rfc2543 = NULL, *inactive = NULL, *back = NULL;

	set_offer(agent, PCMU);
	first = make_answer(agent);
	g_assert_cmpint(mcu_sdp_agent_stream(agent, 0)->direction, ==, MCU_SDP_SENDRECV);
	assert_has(first, "o=- 77 1 IN IP4 198.51.100.1\r\n");

	set_offer(agent, PCMU "a=sendonly\r\n");
	held = make_answer(agent);
	g_assert_cmpint(mcu_sdp_agent_stream(agent, 0)->direction, ==, MCU_SDP_RECVONLY);
	g_assert_true(mcu_sdp_agent_stream(agent, 0)->hold);
	assert_has(held, "a=recvonly");
	assert_has(held, "o=- 77 2 ");

	set_offer(agent, PCMU "c=IN IP4 0.0.0.0\r\n");
	rfc2543 = make_answer(agent);
	g_assert_true(mcu_sdp_agent_stream(agent, 0)->hold);
	g_assert_cmpstr(mcu_sdp_agent_stream(agent, 0)->remote_address, ==, "");
	assert_has(rfc2543, "o=- 77 2 "); /* same content, same version */

	set_offer(agent, PCMU "a=inactive\r\n");
	inactive = make_answer(agent);
	g_assert_cmpint(mcu_sdp_agent_stream(agent, 0)->direction, ==, MCU_SDP_INACTIVE);

	set_offer(agent, PCMU);
	back = make_answer(agent);
	g_assert_cmpint(mcu_sdp_agent_stream(agent, 0)->direction, ==, MCU_SDP_SENDRECV);
	g_assert_false(mcu_sdp_agent_stream(agent, 0)->hold);
	assert_has(back, "o=- 77 4 ");
}

/* Two of our agents talk: offer, answer, hold, resume, both policies. */
static char *make_offer(McuSdpAgent *agent, bool hold)
{
	McuSdpOfferOptions options = { .hold = hold };
	McuDiag diag = { 0 };
	char *text = NULL;

	if (mcu_sdp_agent_make_offer(agent, &options, &text, &diag) < 0)
		g_error("%s", diag.text);
	return text;
}

static void exchange(McuSdpAgent *from, McuSdpAgent *to, bool hold)
{
	g_autofree char *offer = make_offer(from, hold), *answer = NULL;
	McuDiag diag = { 0 };

	bool first = mcu_sdp_agent_state(to) == MCU_SDP_IDLE;
	set_offer(to, offer);
	if (first)
		set_locals(to, 100);
	if (mcu_sdp_agent_make_answer(to, &answer, &diag) < 0)
		g_error("%s", diag.text);
	if (mcu_sdp_agent_set_answer(from, answer, strlen(answer), &diag) < 0)
		g_error("%s for\n%s", diag.text, answer);
}

static void assert_mirror(McuSdpAgent *x, McuSdpAgent *y, bool secure)
{
	g_assert_cmpuint(mcu_sdp_agent_n_streams(x), ==, mcu_sdp_agent_n_streams(y));
	for (size_t i = 0; i < mcu_sdp_agent_n_streams(x); i++) {
		const McuSdpStream *a = mcu_sdp_agent_stream(x, i);
		const McuSdpStream *b = mcu_sdp_agent_stream(y, i);

		g_assert_true(a->enabled && b->enabled);
		g_assert_cmpint(a->codec, ==, b->codec);
		g_assert_cmpuint(a->send_pt, ==, b->recv_pt);
		g_assert_cmpuint(b->send_pt, ==, a->recv_pt);
		g_assert_cmpint(a->dtmf_send_pt, ==, b->dtmf_recv_pt);
		g_assert_cmpint(a->direction, ==, mcu_sdp_direction_reverse(b->direction));
		g_assert_cmpint(a->rtcp_mux, ==, b->rtcp_mux);
		g_assert_cmpuint(a->feedback, ==, b->feedback);
		g_assert_cmpint(a->secure, ==, secure);
		g_assert_cmpint(b->secure, ==, secure);
		g_assert_true(mcu_srtp_key_equal(&a->send_key, &b->recv_key));
		g_assert_true(mcu_srtp_key_equal(&b->send_key, &a->recv_key));
		if (secure)
			g_assert_false(mcu_srtp_key_equal(&a->send_key, &a->recv_key));
	}
}

static void run_pair(McuSdpSrtp srtp, bool avpf)
{
	McuSdpCaps caps = caps_of(srtp);

	caps.avpf = avpf;
	g_autoptr(McuSdpAgent) x = mcu_sdp_agent_new(&caps), y = mcu_sdp_agent_new(&caps);

	g_assert_cmpint(mcu_sdp_agent_add(x, MCU_SDP_AUDIO, MCU_SDP_SENDRECV), ==, 0);
	g_assert_cmpint(mcu_sdp_agent_add(x, MCU_SDP_VIDEO, MCU_SDP_SENDRECV), ==, 1);
	set_locals(x, 9);
	exchange(x, y, false);
	assert_mirror(x, y, srtp != MCU_SDP_SRTP_OFF);
	g_assert_cmpint(mcu_sdp_agent_stream(x, 0)->codec, ==, MCU_CODEC_OPUS);
	g_assert_cmpint(mcu_sdp_agent_stream(x, 1)->h264.packetization_mode, ==, 1);
	g_assert_cmpint(mcu_sdp_agent_stream(x, 1)->h264.profile, ==, MCU_H264_CONSTRAINED_HIGH);
	McuSrtpKey key = mcu_sdp_agent_stream(x, 0)->send_key;

	exchange(x, y, true);
	g_assert_cmpint(mcu_sdp_agent_stream(x, 0)->direction, ==, MCU_SDP_SENDONLY);
	g_assert_true(mcu_sdp_agent_stream(x, 0)->local_hold);
	g_assert_true(mcu_sdp_agent_stream(y, 0)->hold);
	exchange(y, x, false); /* a re-offer of the other side does not end our hold */
	assert_mirror(x, y, srtp != MCU_SDP_SRTP_OFF);
	g_assert_cmpint(mcu_sdp_agent_stream(x, 0)->direction, ==, MCU_SDP_SENDONLY);
	exchange(x, y, false);
	g_assert_cmpint(mcu_sdp_agent_stream(x, 0)->direction, ==, MCU_SDP_SENDRECV);
	assert_mirror(x, y, srtp != MCU_SDP_SRTP_OFF);
	g_assert_true(mcu_srtp_key_equal(&key, &mcu_sdp_agent_stream(x, 0)->send_key));
}

static void test_pair(void)
{
	run_pair(MCU_SDP_SRTP_OFF, false);
	run_pair(MCU_SDP_SRTP_OPTIONAL, false);
	run_pair(MCU_SDP_SRTP_REQUIRED, true);
}

static void test_reoffer_keeps_lines(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *answer = answer_vector(agent, "poly_group.sdp");
	g_assert_nonnull(answer);
	g_autofree char *offer = make_offer(agent, false);
	g_autoptr(McuSdp) sdp = NULL;

	g_assert_cmpint(mcu_sdp_parse(offer, strlen(offer), &sdp, NULL), ==, 0);
	g_assert_cmpuint(sdp->n_media, ==, 4);
	g_assert_cmpstr(sdp->media[0].proto, ==, "RTP/SAVP");
	g_assert_cmpuint(sdp->media[1].port, ==, 0);
	g_assert_cmpstr(sdp->media[1].proto, ==, "RTP/AVP");
	g_assert_cmpstr(sdp->media[2].formats[0], ==, "111");
	g_assert_cmpuint(sdp->media[2].n_formats, ==, 3);
	g_assert_null(mcu_sdp_attr_next(&sdp->media[0].s, "crypto",
					mcu_sdp_attr(&sdp->media[0].s, "crypto")));
}

/* --- answers to our offer ----------------------------------------------------------------------- */

static McuSdpAgent *offering_agent(McuSdpSrtp srtp)
{
	McuSdpAgent *agent = agent_of(srtp);
	char *offer;

	g_assert_cmpint(mcu_sdp_agent_add(agent, MCU_SDP_AUDIO, MCU_SDP_SENDRECV), ==, 0);
	g_assert_cmpint(mcu_sdp_agent_add(agent, MCU_SDP_VIDEO, MCU_SDP_SENDRECV), ==, 1);
	set_locals(agent, 5);
	offer = make_offer(agent, false);
	g_free(offer);
	return agent;
}

static int answer_with(McuSdpAgent *agent, const char *text, McuDiag *diag)
{
	return mcu_sdp_agent_set_answer(agent, text, strlen(text), diag);
}

static void test_offer_text(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OPTIONAL);
	g_autofree char *offer = NULL;

	g_assert_cmpint(mcu_sdp_agent_add(agent, MCU_SDP_AUDIO, MCU_SDP_SENDRECV), ==, 0);
	g_assert_cmpint(mcu_sdp_agent_add(agent, MCU_SDP_VIDEO, MCU_SDP_RECVONLY), ==, 1);
	g_assert_cmpint(mcu_sdp_agent_add(agent, MCU_SDP_SLIDES, MCU_SDP_SENDRECV), ==, -ENOTSUP);
	set_locals(agent, 5);
	offer = make_offer(agent, false);
	assert_has(offer, "s=demo\r\n");
	assert_has(offer, "m=audio 30000 RTP/AVP 96 9 0 8 101 102\r\n");
	assert_has(offer, "m=video 30002 RTP/AVP 97 98 99\r\n");
	assert_has(offer, "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1;"
			  "level-asymmetry-allowed=1\r\n");
	assert_has(offer, "a=fmtp:98 profile-level-id=640c1f;packetization-mode=1");
	assert_has(offer, "a=fmtp:99 profile-level-id=42e01f;packetization-mode=0");
	assert_has(offer, "a=fmtp:96 minptime=10;useinbandfec=1\r\n");
	assert_has(offer, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:");
	assert_has(offer, "a=crypto:6 AEAD_AES_128_GCM inline:");
	assert_has(offer, "a=rtcp-fb:* nack pli\r\n");
	assert_has(offer, "a=recvonly\r\n");
}

static void test_answer_numbers(void)
{
	g_autoptr(McuSdpAgent) agent = offering_agent(MCU_SDP_SRTP_OPTIONAL);
	McuDiag diag = { 0 };

	/* other numbers for the same formats; plain; packetization mode 0 only */
	g_assert_cmpint(answer_with(agent,
				    HEAD "m=audio 6000 RTP/AVP 120 110\r\n"
					 "a=rtpmap:120 opus/48000/2\r\na=fmtp:120 usedtx=1\r\n"
					 "a=rtpmap:110 telephone-event/8000\r\n"
					 "m=video 6002 RTP/AVP 125\r\na=rtpmap:125 H264/90000\r\n"
					 "a=fmtp:125 profile-level-id=42e00d\r\n",
				    &diag),
			==, 0);
	const McuSdpStream *a = mcu_sdp_agent_stream(agent, 0), *v = mcu_sdp_agent_stream(agent, 1);
	g_assert_cmpuint(a->send_pt, ==, 120);
	g_assert_cmpuint(a->recv_pt, ==, 96);
	g_assert_cmpint(a->dtmf_send_pt, ==, 110);
	g_assert_cmpint(a->dtmf_recv_pt, ==, 101);
	g_assert_true(a->opus.dtx);
	g_assert_false(a->secure);
	g_assert_cmpuint(v->send_pt, ==, 125);
	g_assert_cmpuint(v->recv_pt, ==, 99);
	g_assert_cmpuint(v->h264.packetization_mode, ==, 0);
	g_assert_cmpuint(v->h264.max_fs, ==, 396);
	/* the peer may send by its own numbers: they are known */
	g_assert_cmpuint(v->recv_pts[v->n_recv_pts - 1].pt, ==, 125);
	/* and a re-offer lists ours only */
	g_autofree char *offer = make_offer(agent, false);
	assert_has(offer, "m=video 30002 RTP/AVP 97 98 99\r\n");
	assert_lacks(offer, "crypto");
}

static void test_answer_refusals(void)
{
	g_autoptr(McuSdpAgent) agent = offering_agent(MCU_SDP_SRTP_REQUIRED);
	McuDiag diag = { 0 };

	g_assert_cmpint(answer_with(agent, PCMU, &diag), ==, -ENOTSUP);
	assert_has(diag.text, "SRTP is required");
	g_assert_cmpint(mcu_sdp_agent_state(agent), ==, MCU_SDP_HAVE_LOCAL_OFFER);
	g_assert_cmpint(answer_with(agent, HEAD "m=video 1 RTP/AVP 97\r\n", &diag), ==, -EPROTO);
	g_assert_cmpint(answer_with(agent,
				    PCMU "m=video 0 RTP/AVP 97\r\nm=video 0 RTP/AVP 97\r\n", &diag),
			==, -EPROTO);
	g_assert_cmpint(answer_with(agent, "nonsense", &diag), ==, -EINVAL);
	mcu_sdp_agent_rollback(agent);
	g_assert_cmpint(mcu_sdp_agent_state(agent), ==, MCU_SDP_IDLE);

	g_assert_cmpuint(mcu_sdp_agent_n_streams(agent), ==, 0);

	/* the video line is missing: refused, audio goes on */
	g_autoptr(McuSdpAgent) lenient = offering_agent(MCU_SDP_SRTP_OPTIONAL);
	g_assert_cmpint(answer_with(lenient, PCMU, &diag), ==, 0);
	g_assert_true(mcu_sdp_agent_stream(lenient, 0)->enabled);
	g_assert_cmpint(mcu_sdp_agent_stream(lenient, 0)->codec, ==, MCU_CODEC_PCMU);
	g_assert_false(mcu_sdp_agent_stream(lenient, 1)->enabled);
}

static void test_states(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OFF);
	g_autofree char *answer = NULL;
	McuSdpLocal local = { .address = "198.51.100.1", .rtp_port = 4 };
	McuDiag diag = { 0 };
	char *text = NULL;

	g_assert_cmpint(mcu_sdp_agent_state(agent), ==, MCU_SDP_IDLE);
	g_assert_cmpint(mcu_sdp_agent_make_answer(agent, &text, &diag), ==, -EBUSY);
	g_assert_cmpint(mcu_sdp_agent_make_offer(agent, NULL, &text, &diag), ==, -EINVAL);
	g_assert_cmpint(answer_with(agent, PCMU, &diag), ==, -EBUSY);
	g_assert_cmpint(mcu_sdp_agent_set_local(agent, 0, &local), ==, -ENOENT);

	set_offer(agent, PCMU);
	g_assert_cmpint(mcu_sdp_agent_state(agent), ==, MCU_SDP_HAVE_REMOTE_OFFER);
	g_assert_cmpint(mcu_sdp_agent_set_offer(agent, PCMU, strlen(PCMU), &diag), ==, -EBUSY);
	g_assert_cmpint(mcu_sdp_agent_make_offer(agent, NULL, &text, &diag), ==, -EBUSY);
	g_assert_cmpint(mcu_sdp_agent_make_answer(agent, &text, &diag), ==, -EINVAL);
	local.address = "not-an-address";
	g_assert_cmpint(mcu_sdp_agent_set_local(agent, 0, &local), ==, -EINVAL);
	local.address = "198.51.100.1";
	local.rtp_port = 0;
	g_assert_cmpint(mcu_sdp_agent_set_local(agent, 0, &local), ==, -EINVAL);
	mcu_sdp_agent_rollback(agent);
	g_assert_cmpint(mcu_sdp_agent_state(agent), ==, MCU_SDP_IDLE);

	set_offer(agent, PCMU);
	answer = make_answer(agent);
	g_assert_cmpint(mcu_sdp_agent_state(agent), ==, MCU_SDP_STABLE);
	g_assert_cmpint(mcu_sdp_agent_add(agent, MCU_SDP_VIDEO, MCU_SDP_SENDRECV), ==, -EBUSY);

	/* a refused re-offer leaves what was agreed */
	const char *changed = HEAD "m=audio 7000 RTP/AVP 8\r\n";
	set_offer(agent, changed);
	g_assert_cmpint(mcu_sdp_agent_stream(agent, 0)->codec, ==, MCU_CODEC_PCMA);
	mcu_sdp_agent_rollback(agent);
	g_assert_cmpint(mcu_sdp_agent_stream(agent, 0)->codec, ==, MCU_CODEC_PCMU);
	g_assert_cmpint(mcu_sdp_agent_state(agent), ==, MCU_SDP_STABLE);
	g_autofree char *offer = make_offer(agent, true);
	assert_has(offer, "a=sendonly\r\n");
	g_assert_cmpint(mcu_sdp_agent_set_offer(agent, PCMU, strlen(PCMU), &diag), ==, -EBUSY);
	mcu_sdp_agent_rollback(agent);
	g_assert_false(mcu_sdp_agent_stream(agent, 0)->local_hold);

	/* every stream refused by the caller */
	set_offer(agent, changed);
	g_assert_cmpint(mcu_sdp_agent_refuse(agent, 0, "no port"), ==, 0);
	g_assert_cmpint(mcu_sdp_agent_make_answer(agent, &text, &diag), ==, -ENOTSUP);
	assert_has(diag.text, "no port");
	mcu_sdp_agent_rollback(agent);
	g_assert_cmpint(mcu_sdp_agent_refuse(agent, 0, "late"), ==, -EBUSY);
	g_assert_null(text);
}

/* Lines may disappear or close in a re-offer; the local side of those that stay is kept. */
static void test_reoffer_changes(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OFF);
	g_autofree char *first = NULL, *second = NULL, *third = NULL;

	set_offer(agent, PCMU "m=video 5006 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=mid:v1\r\n");
	first = make_answer(agent);
	assert_has(first, "a=mid:v1\r\n");
	g_assert_true(mcu_sdp_agent_stream(agent, 1)->enabled);
	set_offer(agent, PCMU "m=video 0 RTP/AVP 96\r\n");
	g_assert_cmpint(mcu_sdp_agent_make_answer(agent, &second, NULL), ==, 0);
	assert_has(second, "m=audio 30000 RTP/AVP 0\r\n");
	assert_has(second, "m=video 0 RTP/AVP 96\r\n");
	set_offer(agent, PCMU);
	g_assert_cmpint(mcu_sdp_agent_make_answer(agent, &third, NULL), ==, 0);
	g_assert_cmpuint(mcu_sdp_agent_n_streams(agent), ==, 1);
}

/* Two usable lines of one kind in a re-offer: the one in use stays in use. */
static void test_reoffer_stays(void)
{
	g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OFF);
	g_autofree char *first = NULL, *second = NULL;

	set_offer(agent, HEAD "m=audio 0 RTP/AVP 0\r\nm=audio 5006 RTP/AVP 8\r\n");
	first = make_answer(agent);
	assert_has(first, "m=audio 30002 RTP/AVP 8\r\n");
	set_offer(agent, HEAD "m=audio 5004 RTP/AVP 0\r\nm=audio 5006 RTP/AVP 8\r\n");
	g_assert_cmpint(mcu_sdp_agent_make_answer(agent, &second, NULL), ==, 0);
	assert_has(second, "m=audio 0 RTP/AVP 0\r\n");
	assert_has(second, "m=audio 30002 RTP/AVP 8\r\n");
}

/* Whatever an offer says: the answer parses, has the same lines, and names only offered numbers. */
static void test_answer_property(void)
{
	g_autoptr(GDir) dir = g_dir_open(VECTORS, 0, NULL);

	for (const char *name; (name = g_dir_read_name(dir));) {
		g_autoptr(McuSdpAgent) agent = agent_of(MCU_SDP_SRTP_OPTIONAL);
		g_autoptr(McuSdp) offer = NULL, answer = NULL;
		g_autofree char *text = read_vector(name), *reply = NULL;

		if (mcu_sdp_agent_set_offer(agent, text, strlen(text), NULL) < 0)
			continue;
		reply = make_answer(agent);
		g_assert_cmpint(mcu_sdp_parse(text, strlen(text), &offer, NULL), ==, 0);
		g_assert_cmpint(mcu_sdp_parse(reply, strlen(reply), &answer, NULL), ==, 0);
		g_assert_cmpuint(offer->n_media, ==, answer->n_media);
		for (size_t i = 0; i < offer->n_media; i++) {
			const McuSdpMedia *o = &offer->media[i], *a = &answer->media[i];

			g_assert_cmpstr(o->type, ==, a->type);
			g_assert_cmpstr(o->proto, ==, a->proto);
			for (size_t k = 0; k < a->n_formats; k++)
				g_assert_true(g_strv_contains((const char *const *)o->formats,
							      a->formats[k]));
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sdp/agent/refusals", test_refusals);
	g_test_add_func("/sdp/agent/single-media", test_single_media);
	g_test_add_func("/sdp/agent/hold", test_hold);
	g_test_add_func("/sdp/agent/pair", test_pair);
	g_test_add_func("/sdp/agent/reoffer-keeps-lines", test_reoffer_keeps_lines);
	g_test_add_func("/sdp/agent/offer-text", test_offer_text);
	g_test_add_func("/sdp/agent/answer-numbers", test_answer_numbers);
	g_test_add_func("/sdp/agent/answer-refusals", test_answer_refusals);
	g_test_add_func("/sdp/agent/states", test_states);
	g_test_add_func("/sdp/agent/reoffer-changes", test_reoffer_changes);
	g_test_add_func("/sdp/agent/reoffer-stays", test_reoffer_stays);
	g_test_add_func("/sdp/agent/answer-property", test_answer_property);
	return g_test_run();
}
