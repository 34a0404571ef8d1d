/* mcu/worker: legs over offers, answers and re-offers, with media on loopback. */
#include <glib/gstdio.h>
#include <stdlib.h>

#include "net/udp.h"
#include "rtp/header.h"
#include "rtp/rtcp.h"
#include "tests/unit/worker_pair.h"
#include "worker/call_priv.h"

static void test_meet(void)
{
	Pair pair;

	pair_init(&pair);
	pair_negotiate(&pair.a, &pair.b, false);
	pair_assert_media(&pair.a);
	pair_assert_media(&pair.b);
	g_assert_cmpuint(pair_events(&pair.a, "established"), ==, 2);
	g_assert_cmpuint(pair_events(&pair.b, "failed"), ==, 0);
	pair_done(&pair);
}

static void test_hold(void)
{
	Pair pair;
	g_autofree char *direction = NULL;

	pair_init(&pair);
	pair_negotiate(&pair.a, &pair.b, false);
	pair_assert_media(&pair.b);
	/* a asks b to stop; a goes on sending */
	pair_negotiate(&pair.a, &pair.b, true);
	direction = pair_text(&pair.b, "video", "direction");
	g_assert_cmpstr(direction, ==, "recvonly");
	g_assert_cmpuint(pair_events(&pair.b, "hold"), ==, 1);
	g_assert_cmpuint(pair_counter(&pair.a, "video", "decoded"), ==, 0);
	pair_assert_media(&pair.b);
	pair_negotiate(&pair.a, &pair.b, false);
	g_assert_cmpuint(pair_events(&pair.b, "resume"), ==, 1);
	pair_assert_media(&pair.a);
	pair_assert_media(&pair.b);
	pair_done(&pair);
}

/* A hold in silence that was longer than the time-out ends without one. */
static void test_hold_is_no_timeout(void)
{
	Pair pair;
	g_autofree char *offer = NULL, *held = NULL, *first = NULL, *second = NULL;
	g_auto(GStrv) parts = NULL;

	pair_init(&pair);
	/* a stays mute: only its description is used */
	offer = pair_offer(&pair.a, false);
	parts = g_strsplit(offer, "a=sendrecv", -1);
	held = g_strjoinv("a=inactive", parts);
	first = pair_answer(&pair.b, held);
	pair_run_ms(1200);
	mcu_call_watch(pair.b.call);
	g_assert_cmpuint(pair_events(&pair.b, "media-timeout"), ==, 0);
	second = pair_answer(&pair.b, offer);
	mcu_call_watch(pair.b.call);
	g_assert_cmpuint(pair_events(&pair.b, "media-timeout"), ==, 0);
	pair_run_ms(1200);
	mcu_call_watch(pair.b.call);
	g_assert_cmpuint(pair_events(&pair.b, "media-timeout"), ==, 1);
	pair_done(&pair);
}

/* The offer with PCMU as the only format for sound. */
static char *only_pcmu(const char *offer)
{
	g_auto(GStrv) lines = g_strsplit(offer, "\r\n", -1);
	g_autoptr(GString) out = g_string_new(NULL);
	bool audio = false;

	for (char **l = lines; *l && **l; l++) {
		if (g_str_has_prefix(*l, "m="))
			audio = g_str_has_prefix(*l, "m=audio");
		if (audio && g_str_has_prefix(*l, "m=")) {
			g_auto(GStrv) words = g_strsplit(*l, " ", 4);
			g_string_append_printf(out, "%s %s %s 0\r\n", words[0], words[1], words[2]);
		} else if (!audio || !(g_str_has_prefix(*l, "a=rtpmap:") ||
				       g_str_has_prefix(*l, "a=fmtp:"))) {
			g_string_append_printf(out, "%s\r\n", *l);
		}
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* Opus to PCMU: another clock, so another SSRC and other times; sound goes on both ways, and what
 * the picture's clock is compared with stays right. */
static void test_codec_changes(void)
{
	Pair pair;
	g_autofree char *offer = NULL, *pcmu = NULL, *answer = NULL, *codec = NULL;

	pair_init(&pair);
	pair_negotiate(&pair.a, &pair.b, false);
	pair_assert_media(&pair.a);
	offer = pair_offer(&pair.a, false);
	pcmu = only_pcmu(offer);
	answer = pair_answer(&pair.b, pcmu);
	g_assert_cmpint(mcu_call_set_answer(pair.a.call, "leg", answer, NULL), ==, 0);
	codec = pair_text(&pair.a, "audio", "codec");
	g_assert_cmpstr(codec, ==, "PCMU");
	/* the statistics of the new source begin at 0 */
	PAIR_UNTIL(pair_counter(&pair.a, "audio", "rx-packets") < 5);
	pair_assert_media(&pair.a);
	pair_assert_media(&pair.b);
	for (int i = 0; i < 2; i++) {
		g_autoptr(GVariant) s = pair_stream(i ? &pair.a : &pair.b, "audio");
		double jitter_ms = 0;

		g_assert_true(g_variant_lookup(s, "rx-jitter-ms", "d", &jitter_ms));
		g_assert_cmpfloat(jitter_ms, <, 60);
	}
	pair_done(&pair);
}

/* Video first, then audio. */
static char *swap_lines(const char *offer)
{
	g_auto(GStrv) parts = g_strsplit(offer, "m=", 3);

	g_assert_true(g_str_has_prefix(parts[1], "audio") && g_str_has_prefix(parts[2], "video"));
	return g_strdup_printf("%sm=%sm=%s", parts[0], parts[2], parts[1]);
}

/* The same offer with port 0 for video. */
static char *close_video(const char *offer)
{
	g_auto(GStrv) parts = g_strsplit(offer, "m=video ", 2);

	return g_strdup_printf("%sm=video 0%s", parts[0], strchr(parts[1], ' '));
}

/* The m= lines change places: each is another stream then. */
static void test_lines_change_kind(void)
{
	Pair pair;
	g_autofree char *offer = NULL, *first = NULL, *second = NULL, *swapped = NULL;

	pair_init(&pair);
	offer = pair_offer(&pair.a, false);
	first = pair_answer(&pair.b, offer);
	swapped = swap_lines(offer);
	second = pair_answer(&pair.b, swapped);
	g_assert_null(strstr(second, " 0 RTP"));
	for (int i = 0; i < 2; i++) {
		g_autoptr(GVariant) s = pair_stream(&pair.b, i ? "audio" : "video");
		g_assert_nonnull(s);
	}
	g_assert_cmpint(mcu_call_request_keyframe(pair.b.call, "leg", NULL), ==, 0);
	pair_run_ms(300);
	pair_done(&pair);
}

/* Video is closed and opened again; two offers meet; one is withdrawn. */
static void test_video_off_and_on(void)
{
	Pair pair;
	g_autofree char *offer = NULL, *closed = NULL, *answer = NULL, *other = NULL;
	g_autoptr(GVariant) gone = NULL, nothing = g_variant_ref_sink(g_variant_new("a{sv}", NULL));
	char *none = NULL;

	pair_init(&pair);
	pair_negotiate(&pair.a, &pair.b, false);
	pair_assert_media(&pair.a);
	offer = pair_offer(&pair.a, false);
	closed = close_video(offer);
	answer = pair_answer(&pair.b, closed);
	gone = pair_stream(&pair.b, "video");
	g_assert_null(gone);
	/* glare: a has an offer outstanding; it takes none, nor makes a second one */
	other = pair_offer(&pair.b, false);
	g_assert_cmpint(mcu_call_set_offer(pair.a.call, "leg", other, &none, NULL), ==, -EBUSY);
	g_assert_cmpint(mcu_call_make_offer(pair.a.call, "leg", nothing, &none, NULL), ==, -EBUSY);
	g_assert_cmpint(mcu_call_rollback(pair.a.call, "leg", NULL), ==, 0);
	g_assert_cmpint(mcu_call_rollback(pair.b.call, "leg", NULL), ==, 0);
	g_assert_null(none);
	pair_negotiate(&pair.a, &pair.b, false);
	pair_assert_media(&pair.a);
	pair_assert_media(&pair.b);
	pair_done(&pair);
}

/* RTCP BYE: the last picture goes at once, not after the time-out. */
static void test_bye_clears_the_tile(void)
{
	Pair pair;
	g_autofree char *state = NULL, *after = NULL;

	pair_init(&pair);
	pair_negotiate(&pair.a, &pair.b, false);
	pair_assert_media(&pair.a);
	state = pair_text(&pair.a, "video", "state");
	g_assert_cmpstr(state, ==, "live");
	g_assert_cmpint(mcu_call_remove_leg(pair.b.call, "leg", NULL), ==, 0);
	pair_run_ms(200);
	after = pair_text(&pair.a, "video", "state");
	g_assert_cmpstr(after, ==, "none");
	pair_done(&pair);
}

/* A small tile asks for a small picture, once: the peer confirms. */
static void test_small_tile(void)
{
	g_autoptr(GVariant) nothing = g_variant_ref_sink(g_variant_new("a{sv}", NULL));
	Pair pair;

	pair_init(&pair);
	pair_negotiate(&pair.a, &pair.b, false);
	pair_assert_media(&pair.a);
	g_assert_cmpuint(pair_counter(&pair.b, "video", "tmmbr-in"), ==, 0);
	g_assert_cmpint(mcu_call_add_participant(pair.a.call, "q", nothing, NULL), ==, 0);
	PAIR_UNTIL(pair_counter(&pair.b, "video", "tmmbr-in") == 1);
	pair_run_ms(2500);
	g_assert_cmpuint(pair_counter(&pair.b, "video", "tmmbr-in"), ==, 1);
	pair_assert_media(&pair.a);
	pair_done(&pair);
}

/* --- a peer made by hand: one socket, audio only --- */

typedef struct Peer {
	McuTransport *transport;
	uint32_t ssrc, gone; /* heard last; said BYE */
	uint8_t pt;
	uint16_t seq;
	uint32_t ts;
} Peer;

static void peer_rtp(McuPacket *pkt, void *data)
{
	Peer *peer = data;
	McuRtpHeader hdr;

	g_assert_cmpint(mcu_rtp_header_parse(pkt->data, pkt->len, &hdr), ==, 0);
	peer->ssrc = hdr.ssrc;
	peer->pt = hdr.pt;
}

static void peer_rtcp(McuPacket *pkt, void *data)
{
	McuRtcpIter it = mcu_rtcp_iter(pkt->data, pkt->len);
	Peer *peer = data;
	McuRtcpItem item;

	while (mcu_rtcp_next(&it, &item) == 0)
		if (item.type == MCU_RTCP_BYE && item.n)
			peer->gone = item.ssrcs[0];
}

static void peer_init(Peer *peer)
{
	static const McuTransportHandler handler = { .on_rtp = peer_rtp, .on_rtcp = peer_rtcp };
	const McuUdpParams params = { .address = "127.0.0.1",
				      .port_min = 20000,
				      .port_max = 29999,
				      .one_socket = true };

	*peer = (Peer){ .seq = 1 };
	g_assert_cmpint(mcu_udp_new(&params, &handler, peer, &peer->transport, NULL), ==, 0);
}

static char *peer_offer(const Peer *peer, const char *formats)
{
	McuTransportLocal local;

	mcu_transport_local(peer->transport, &local);
	return g_strdup_printf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
			       "t=0 0\r\nm=audio %u RTP/AVP %s\r\na=rtcp-mux\r\n",
			       local.rtp_port, formats);
}

/* The peer takes our answer: only where to send. */
static void peer_connect(Peer *peer, const char *answer)
{
	McuTransportRemote remote = { .address = "127.0.0.1", .rtcp_mux = true };
	g_auto(GStrv) parts = g_strsplit(answer, "m=audio ", 2);

	g_assert_nonnull(parts[1]);
	remote.rtp_port = remote.rtcp_port = (uint16_t)atoi(parts[1]);
	g_assert_cmpint(mcu_transport_set_remote(peer->transport, &remote, NULL), ==, 0);
}

static void peer_send(Peer *peer, uint8_t pt, uint32_t step, unsigned n)
{
	static const uint8_t payload[160] = { 0xff };

	for (unsigned i = 0; i < n; i++) {
		const McuRtpHeader hdr = {
			.pt = pt, .seq = peer->seq++, .ts = peer->ts, .ssrc = 0x1234
		};
		McuPacket *pkt = mcu_packet_new_copy(payload, pt ? 1 : sizeof(payload));

		g_assert_cmpint(mcu_rtp_header_prepend(pkt, &hdr), ==, 0);
		peer->ts += step;
		g_assert_cmpint(mcu_transport_send_rtp(peer->transport, pkt), ==, 0);
	}
}

/* The peer switches to a codec with another clock and keeps its SSRC, as it may; we switch after
 * its re-offer and take another SSRC. */
static void test_clock_changes(void)
{
	Pair pair;
	Peer peer;
	uint32_t before;
	g_autofree char *both = NULL, *first = NULL, *pcmu = NULL, *second = NULL;

	pair_init(&pair);
	peer_init(&peer);
	both = peer_offer(&peer, "96 0\r\na=rtpmap:96 opus/48000/2");
	first = pair_answer(&pair.a, both);
	peer_connect(&peer, first);
	peer_send(&peer, 96, 960, 20);
	PAIR_UNTIL(pair_counter(&pair.a, "audio", "rx-packets") == 20);
	peer_send(&peer, 0, 160, 10);
	PAIR_UNTIL(pair_counter(&pair.a, "audio", "rx-packets") == 10);
	PAIR_UNTIL(peer.pt == 96);
	before = peer.ssrc;
	pcmu = peer_offer(&peer, "0");
	second = pair_answer(&pair.a, pcmu);
	PAIR_UNTIL(peer.pt == 0);
	g_assert_cmpuint(peer.ssrc, !=, before);
	g_assert_cmpuint(peer.gone, ==, before);
	mcu_transport_free(peer.transport);
	pair_done(&pair);
}

/* Recording beside a leg: started, stopped, started again; the file is there. */
static void on_done(void *data, int err, const char *text, GBytes *bytes)
{
	(void)text;
	(void)bytes;
	*(int *)data = err < 0 ? err : 1;
}

static double recorded_s(const PairSide *side)
{
	g_autoptr(GVariant) stats = g_variant_ref_sink(mcu_call_stats(side->call));
	g_autoptr(GVariant) rec = g_variant_lookup_value(stats, "recording", G_VARIANT_TYPE_VARDICT);
	double s = 0;

	if (rec)
		(void)g_variant_lookup(rec, "duration-s", "d", &s);
	return s;
}

static void test_recording(void)
{
	g_autofree char *dir = g_dir_make_tmp("worker-leg-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "x.mp4", NULL);
	g_autofree char *second = g_build_filename(dir, "y.mp4", NULL);
	int ended = 0, again = 0;
	Pair pair;

	pair_init(&pair);
	mcu_call_stop_recording(pair.a.call, on_done, &ended);
	g_assert_cmpint(ended, ==, -ENOENT);
	ended = 0;
	g_assert_cmpint(mcu_call_start_recording(pair.a.call, path, NULL), ==, 0);
	g_assert_cmpint(mcu_call_start_recording(pair.a.call, path, NULL), ==, -EBUSY);
	PAIR_UNTIL(recorded_s(&pair.a) > 0.1);
	mcu_call_stop_recording(pair.a.call, on_done, &ended);
	/* the next one begins while that is being closed */
	g_assert_cmpint(mcu_call_start_recording(pair.a.call, second, NULL), ==, 0);
	PAIR_UNTIL(ended == 1);
	g_assert_cmpuint(pair_events(&pair.a, "recording-stopped"), ==, 1);
	PAIR_UNTIL(recorded_s(&pair.a) > 0.1);
	mcu_call_stop(pair.a.call, on_done, &again);
	PAIR_UNTIL(again == 1);
	g_assert_cmpuint(pair_events(&pair.a, "recording-stopped"), ==, 2);
	g_assert_cmpint(g_remove(path), ==, 0);
	g_assert_cmpint(g_remove(second), ==, 0);
	g_assert_cmpint(g_rmdir(dir), ==, 0);
	pair_done(&pair);
}

static void test_before_start(void)
{
	static const McuCallHandler handler = { pair_leg_event, pair_call_event };
	g_autoptr(McuCall) call = mcu_call_new("c", &handler, NULL);
	g_autoptr(GVariant) nothing = g_variant_ref_sink(g_variant_new("a{sv}", NULL));

	g_assert_cmpint(mcu_call_set_layout(call, nothing, NULL), ==, -EPROTO);
	g_assert_cmpint(mcu_call_add_participant(call, "p", nothing, NULL), ==, -EPROTO);
	g_assert_cmpint(mcu_call_add_leg(call, "leg", "p", nothing, NULL), ==, -EPROTO);
	g_assert_cmpint(mcu_call_start_recording(call, "/nowhere/x.mp4", NULL), ==, -EPROTO);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/worker/leg/meet", test_meet);
	g_test_add_func("/worker/leg/hold", test_hold);
	g_test_add_func("/worker/leg/hold-is-no-timeout", test_hold_is_no_timeout);
	g_test_add_func("/worker/leg/codec-changes", test_codec_changes);
	g_test_add_func("/worker/leg/lines-change-kind", test_lines_change_kind);
	g_test_add_func("/worker/leg/video-off-and-on", test_video_off_and_on);
	g_test_add_func("/worker/leg/bye-clears-the-tile", test_bye_clears_the_tile);
	g_test_add_func("/worker/leg/small-tile", test_small_tile);
	g_test_add_func("/worker/leg/clock-changes", test_clock_changes);
	g_test_add_func("/worker/leg/recording", test_recording);
	g_test_add_func("/worker/leg/before-start", test_before_start);
	return g_test_run();
}
