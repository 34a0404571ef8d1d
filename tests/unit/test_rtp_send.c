/* mcu/rtp/send, pacer and keyframe: what leaves, when, and when a keyframe is asked for. */
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "rtp/header.h"
#include "rtp/keyframe.h"
#include "rtp/pacer.h"
#include "rtp/send.h"

#define MS MCU_NS_PER_MS

static McuPacket *payload(size_t len, uint32_t flags)
{
	McuPacket *pkt = mcu_packet_new();

	memset(pkt->data, 'p', len);
	pkt->len = len;
	pkt->flags = flags;
	return pkt;
}

static McuRtpSender *sender(void)
{
	return mcu_rtp_sender_new(&(McuRtpSenderConfig){ .ssrc = 77,
							 .pt = 96,
							 .clock_hz = 90000,
							 .first_seq = 65535,
							 .ts_offset = 1000,
							 .keep_for_nack = true });
}

static void test_headers(void)
{
	g_autoptr(McuRtpSender) tx = sender();
	g_autoptr(McuPacket) pay = payload(5, MCU_RTP_FLAG_MARKER);

	for (unsigned i = 0; i < 3; i++) {
		g_autoptr(McuPacket) pkt = NULL;
		McuRtpHeader h;

		g_assert_cmpint(mcu_rtp_sender_packet(tx, pay, 500 + i, 0, &pkt), ==, 0);
		g_assert_cmpint(mcu_rtp_header_parse(pkt->data, pkt->len, &h), ==, 0);
		g_assert_cmpuint(h.seq, ==, (uint16_t)(65535 + i));
		g_assert_cmpuint(h.ts, ==, 1500 + i);
		g_assert_cmpuint(h.ssrc, ==, 77);
		g_assert_cmpuint(h.pt, ==, 96);
		g_assert_true(h.marker);
		g_assert_cmpmem(h.payload, h.payload_len, "ppppp", 5);
		g_assert_cmpmem(pay->data, pay->len, "ppppp", 5); /* shared: untouched */
	}
}

static void test_resend(void)
{
	g_autoptr(McuRtpSender) tx = sender();
	g_autoptr(McuPacket) first = NULL, again = NULL, no = NULL;
	McuRtpSenderStats st;

	for (unsigned i = 0; i < 10; i++) {
		g_autoptr(McuPacket) pay = payload(10 + i, 0);
		g_autoptr(McuPacket) pkt = NULL;

		g_assert_cmpint(mcu_rtp_sender_packet(tx, pay, i, 0, &pkt), ==, 0);
		if (i == 4)
			first = g_steal_pointer(&pkt);
	}
	mcu_rtp_sender_set_pt(tx, 100);
	g_assert_cmpint(mcu_rtp_sender_resend(tx, 3, 10 * MS, &again), ==, 0);
	g_assert_cmpmem(again->data, again->len, first->data, first->len);
	g_assert_cmpint(mcu_rtp_sender_resend(tx, 3, 15 * MS, &no), ==, -EBUSY);
	g_assert_cmpint(mcu_rtp_sender_resend(tx, 9, 15 * MS, &no), ==, -ENOENT); /* not yet sent */
	g_assert_cmpint(mcu_rtp_sender_resend(tx, 2, 1 * MS + MCU_RTP_SEND_CACHE_NS, &no), ==,
			-ENOENT);
	g_assert_null(no);
	mcu_rtp_sender_stats(tx, &st);
	g_assert_cmpuint(st.resent, ==, 1);
	g_assert_cmpuint(st.resend_missed, ==, 3);
	g_assert_cmpuint(st.packets, ==, 10);
}

/* Whoever asks for everything all the time gets no more than was sent. */
static void test_resend_credit(void)
{
	g_autoptr(McuRtpSender) tx = sender();
	g_autoptr(McuPacket) pay = payload(10, 0);
	unsigned resent = 0;
	int r = 0;

	for (unsigned i = 0; i < 2 * MCU_RTP_SEND_MAX_CREDIT; i++) {
		g_autoptr(McuPacket) pkt = NULL;

		g_assert_cmpint(mcu_rtp_sender_packet(tx, pay, i, 0, &pkt), ==, 0);
	}
	for (unsigned turn = 1; turn <= 3; turn++) {
		for (unsigned i = 0; i < 2 * MCU_RTP_SEND_MAX_CREDIT; i++) {
			g_autoptr(McuPacket) pkt = NULL;

			r = mcu_rtp_sender_resend(tx, (uint16_t)(65535 + i), turn * 20 * MS, &pkt);
			resent += r == 0;
		}
		g_assert_cmpint(r, ==, -EOVERFLOW);
	}
	g_assert_cmpuint(resent, ==, MCU_RTP_SEND_MAX_CREDIT);
	g_autoptr(McuPacket) next = NULL, again = NULL, no = NULL;
	g_assert_cmpint(mcu_rtp_sender_packet(tx, pay, 0, 80 * MS, &next), ==, 0);
	g_assert_cmpint(mcu_rtp_sender_resend(tx, 2 * MCU_RTP_SEND_MAX_CREDIT - 1, 80 * MS, &again),
			==, 0);
	g_assert_cmpint(mcu_rtp_sender_resend(tx, 2 * MCU_RTP_SEND_MAX_CREDIT - 2, 80 * MS, &no),
			==, -EOVERFLOW);
}

static void test_reports(void)
{
	g_autoptr(McuRtpSender) tx = sender();
	g_autoptr(McuPacket) pay = payload(100, 0), pkt = NULL;
	McuRtcpSenderInfo info;
	McuRtpSenderStats st;
	uint64_t ntp = UINT64_C(0x1234567800000000);

	g_assert_false(mcu_rtp_sender_info(tx, 0, ntp, &info));
	/* captured at 5 s, sent 40 ms later */
	pay->pts_ns = 5000 * MS;
	g_assert_cmpint(mcu_rtp_sender_packet(tx, pay, 9000, 5040 * MS, &pkt), ==, 0);
	g_assert_true(mcu_rtp_sender_info(tx, 5100 * MS, ntp, &info));
	g_assert_cmpuint(info.rtp_ts, ==, 10000 + 9000);
	g_assert_cmpuint(info.packets, ==, 1);
	g_assert_cmpuint(info.octets, ==, 100);

	mcu_rtp_sender_block(tx, &(McuRtcpBlock){ .ssrc = 1, .fraction_lost = 255 }, ntp);
	mcu_rtp_sender_stats(tx, &st);
	g_assert_false(st.reported);
	/* RFC 3550 section 6.4.1, figure 2: A = b710:8000, LSR = b705:2000, DLSR = 5.250 s, so the
	 * round trip is 6.125 s */
	mcu_rtp_sender_block(tx,
			     &(McuRtcpBlock){ .ssrc = 77,
					      .fraction_lost = 64,
					      .lost = 3,
					      .jitter = 900,
					      .lsr = 0xb7052000,
					      .dlsr = 0x00054000 },
			     UINT64_C(0xb44db71080000000));
	mcu_rtp_sender_stats(tx, &st);
	g_assert_true(st.reported);
	g_assert_cmpfloat(st.loss_ratio, ==, 0.25);
	g_assert_cmpfloat(st.jitter_ms, ==, 10);
	g_assert_cmpint(st.lost, ==, 3);
	g_assert_cmpfloat(st.rtt_ms, ==, 6125);
	/* a clock that claims less than no time passed changes nothing */
	mcu_rtp_sender_block(tx, &(McuRtcpBlock){ .ssrc = 77, .lsr = 0xb7108000, .dlsr = 1 },
			     UINT64_C(0xb44db71080000000));
	mcu_rtp_sender_stats(tx, &st);
	g_assert_cmpfloat(st.rtt_ms, ==, 6125);
}

static void push_picture(McuPacer *p, unsigned n, bool key, uint32_t ts, int64_t now, int *refused)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t flags = (i == 0 ? MCU_RTP_FLAG_START : 0) |
				 (i == n - 1 ? MCU_RTP_FLAG_MARKER : 0) |
				 (key ? MCU_RTP_FLAG_KEYFRAME : 0);
		g_autoptr(McuPacket) pay = payload(1000, flags);

		*refused += mcu_pacer_push(p, pay, ts, now) < 0;
	}
}

/* Packets that leave by `until`, woken at next_ns() as a timer would. Checks picture wholeness. */
static unsigned drain(McuPacer *p, int64_t *now, int64_t until, bool *whole)
{
	unsigned n = 0;

	while (mcu_pacer_next_ns(p) <= until) {
		McuPacket *pkt;
		uint32_t ts;

		*now = MAX(*now, mcu_pacer_next_ns(p));
		while (mcu_pacer_pop(p, *now, &pkt, &ts) == 0) {
			bool start = pkt->flags & MCU_RTP_FLAG_START;

			g_assert_true(start == *whole);
			*whole = pkt->flags & MCU_RTP_FLAG_MARKER;
			mcu_packet_unref(pkt);
			n++;
		}
	}
	*now = MAX(*now, until);
	return n;
}

static void test_pacer_spreads(void)
{
	g_autoptr(McuPacer) p = mcu_pacer_new(
		&(McuPacerConfig){ .bitrate_bps = 1500000, .frame_interval_ns = 33 * MS });
	int64_t now = 1000 * MS;
	bool whole = true;
	int refused = 0;

	g_assert_cmpint(mcu_pacer_next_ns(p), ==, INT64_MAX);
	/* 20 kB within one interval is 4.8 Mbit/s, below the burst */
	push_picture(p, 20, true, 0, now, &refused);
	g_assert_cmpuint(drain(p, &now, 1000 * MS, &whole), <=, 2);
	g_assert_cmpuint(drain(p, &now, 1016 * MS, &whole), <=, 11);
	(void)drain(p, &now, 1034 * MS, &whole);
	g_assert_cmpint(mcu_pacer_next_ns(p), ==, INT64_MAX);
	g_assert_cmpint(refused, ==, 0);
}

/* More than fits at the burst rate for good: whole pictures are dropped, a keyframe is wanted, and
 * with it the stream goes on; no payload waits much longer than the limit. */
static void test_pacer_overflow(void)
{
	g_autoptr(McuPacer) p = mcu_pacer_new(
		&(McuPacerConfig){ .bitrate_bps = 200000, .frame_interval_ns = 33 * MS });
	McuPacerStats st;
	int64_t now = 0;
	bool whole = true, wanted = false;
	int refused = 0;
	unsigned left = 0;

	push_picture(p, 4, true, 0, 0, &refused);
	for (int64_t t = 33 * MS; t < 10000 * MS; t += 33 * MS) {
		left += drain(p, &now, t, &whole);
		bool key = mcu_pacer_wants_keyframe(p) && t % 5 == 0;

		wanted |= mcu_pacer_wants_keyframe(p);
		push_picture(p, key ? 8 : 6, key, (uint32_t)t, t, &refused);
		g_assert_false(key && mcu_pacer_wants_keyframe(p));
	}
	mcu_pacer_stats(p, &st);
	g_assert_true(wanted);
	g_assert_cmpint(refused, >, 0);
	g_assert_cmpuint(st.pictures_dropped, >, 50);
	g_assert_cmpuint(left, >, 500);
	g_assert_cmpint(st.max_delay_ns, <, 2 * MCU_PACER_MAX_DELAY_NS);
}

/* A keyframe that alone takes longer than the limit is not a reason to ask for the next one. */
static void test_pacer_big_keyframe(void)
{
	g_autoptr(McuPacer) p = mcu_pacer_new(
		&(McuPacerConfig){ .bitrate_bps = 128000, .frame_interval_ns = 33 * MS });
	int64_t now = 0;
	bool whole = true;
	int refused = 0;

	push_picture(p, 40, true, 0, 0, &refused);
	for (int64_t t = 66 * MS; t < 3000 * MS; t += 66 * MS) {
		(void)drain(p, &now, t, &whole);
		push_picture(p, 1, false, (uint32_t)t, t, &refused);
		g_assert_false(mcu_pacer_wants_keyframe(p));
	}
	g_assert_cmpint(refused, ==, 0);
}

static void test_keyframe_backoff(void)
{
	McuKeyframeRequest r = { 0 };
	int64_t want[] = { 0, 300, 900, 2100, 4100, 6100 };
	size_t n = 0;

	g_assert_false(mcu_keyframe_request_due(&r, 0));
	g_assert_cmpint(mcu_keyframe_request_deadline(&r), ==, INT64_MAX);
	mcu_keyframe_request_set(&r, true);
	for (int64_t t = 0; t < 7000; t += 10) {
		mcu_keyframe_request_set(&r, true);
		if (mcu_keyframe_request_due(&r, t * MS))
			g_assert_cmpint(t, ==, want[n++]);
	}
	g_assert_cmpuint(n, ==, G_N_ELEMENTS(want));
	/* satisfied, and lost again: at once, but not within 300 ms of the last request */
	mcu_keyframe_request_set(&r, false);
	g_assert_false(mcu_keyframe_request_due(&r, 9000 * MS));
	mcu_keyframe_request_set(&r, true);
	g_assert_true(mcu_keyframe_request_due(&r, 9000 * MS));
	mcu_keyframe_request_set(&r, false);
	mcu_keyframe_request_set(&r, true);
	g_assert_false(mcu_keyframe_request_due(&r, 9100 * MS));
	g_assert_cmpint(mcu_keyframe_request_deadline(&r), ==, 9300 * MS);
	g_assert_true(mcu_keyframe_request_due(&r, 9300 * MS));
	g_assert_cmpuint(r.sent, ==, 8);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/send/headers", test_headers);
	g_test_add_func("/rtp/send/resend", test_resend);
	g_test_add_func("/rtp/send/resend-credit", test_resend_credit);
	g_test_add_func("/rtp/send/reports", test_reports);
	g_test_add_func("/rtp/pacer/spreads", test_pacer_spreads);
	g_test_add_func("/rtp/pacer/overflow", test_pacer_overflow);
	g_test_add_func("/rtp/pacer/big-keyframe", test_pacer_big_keyframe);
	g_test_add_func("/rtp/keyframe/back-off", test_keyframe_backoff);
	return g_test_run();
}
