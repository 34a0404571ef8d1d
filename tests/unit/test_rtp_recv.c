/* mcu/rtp/recv: sequence rules, report blocks, reordering, NACK, capture times. */
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "rtp/recv.h"

#define MS MCU_NS_PER_MS

static int put(McuRtpReceiver *rx, uint16_t seq, uint32_t ts, int64_t now)
{
	g_autoptr(McuPacket) pkt = mcu_packet_new_copy(&seq, sizeof(seq));
	McuRtpHeader hdr = { .seq = seq, .ts = ts, .payload = pkt->data, .payload_len = pkt->len };

	pkt->arrival_ns = now;
	return mcu_rtp_receiver_put(rx, pkt, &hdr, now);
}

/* The sequence number of the next packet given out, -1 for none; *gap as given. */
static int next(McuRtpReceiver *rx, int64_t now, bool *gap)
{
	McuRtpReceived got;
	uint16_t seq;

	if (mcu_rtp_receiver_next(rx, now, &got) < 0)
		return -1;
	memcpy(&seq, got.payload, sizeof(seq));
	g_assert_cmpuint((uint16_t)got.ext_seq, ==, seq);
	mcu_packet_unref(got.pkt);
	*gap = got.gap;
	return seq;
}

static McuRtpReceiver *video(bool nack)
{
	return mcu_rtp_receiver_new(&(McuRtpReceiverConfig){
		.ssrc = 7, .clock_hz = 90000, .reorder = true, .nack = nack });
}

static void test_reorder_and_wrap(void)
{
	g_autoptr(McuRtpReceiver) rx = video(false);
	const uint16_t order[] = { 65534, 0, 65535, 2, 1, 3 };
	McuRtpReceiverStats st;
	uint16_t want = 65534;
	bool gap;

	for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
		int seq;

		g_assert_cmpint(put(rx, order[i], 0, 1000 * MS), ==, 0);
		while ((seq = next(rx, 1000 * MS, &gap)) >= 0) {
			g_assert_cmpint(seq, ==, want++);
			g_assert_false(gap);
		}
	}
	g_assert_cmpuint(want, ==, 4);
	g_assert_cmpint(put(rx, 2, 0, 1000 * MS), ==, -EEXIST);
	mcu_rtp_receiver_stats(rx, &st);
	g_assert_cmpuint(st.reordered, ==, 2);
	g_assert_cmpuint(st.duplicates, ==, 1);
	g_assert_cmpuint(st.lost, ==, 0);
	g_assert_cmpint(mcu_rtp_receiver_next_deadline(rx), ==, INT64_MAX);
}

static void test_give_up(void)
{
	g_autoptr(McuRtpReceiver) rx = video(false);
	McuRtpReceiverStats st;
	bool gap;

	g_assert_cmpint(put(rx, 10, 0, 0), ==, 0);
	g_assert_cmpint(next(rx, 0, &gap), ==, 10);
	g_assert_cmpint(put(rx, 12, 0, 5 * MS), ==, 0);
	g_assert_cmpint(next(rx, 5 * MS, &gap), ==, -1);
	g_assert_cmpint(mcu_rtp_receiver_next_deadline(rx), ==, 5 * MS + MCU_RTP_RECV_WAIT_NS);
	g_assert_cmpint(next(rx, 4 * MS + MCU_RTP_RECV_WAIT_NS, &gap), ==, -1);
	g_assert_cmpint(next(rx, 5 * MS + MCU_RTP_RECV_WAIT_NS, &gap), ==, 12);
	g_assert_true(gap);
	g_assert_cmpint(put(rx, 11, 0, 80 * MS), ==, -ETIMEDOUT);
	g_assert_cmpint(put(rx, 13, 0, 80 * MS), ==, 0);
	g_assert_cmpint(next(rx, 80 * MS, &gap), ==, 13);
	g_assert_false(gap);
	mcu_rtp_receiver_stats(rx, &st);
	g_assert_cmpuint(st.given_up, ==, 1);
	g_assert_cmpuint(st.late, ==, 1);
}

static void test_nack(void)
{
	g_autoptr(McuRtpReceiver) rx = video(true);
	McuRtpReceiverStats st;
	uint16_t seqs[8];
	bool gap;
	unsigned asked = 0;

	mcu_rtp_receiver_set_rtt(rx, 40 * MS);
	g_assert_cmpint(put(rx, 1, 0, 0), ==, 0);
	g_assert_cmpint(put(rx, 4, 0, 0), ==, 0);
	g_assert_cmpint(next(rx, 0, &gap), ==, 1);
	g_assert_cmpuint(mcu_rtp_receiver_nacks(rx, 0, seqs, 8), ==, 0);
	g_assert_cmpint(mcu_rtp_receiver_next_deadline(rx), ==, 8 * MS);
	g_assert_cmpuint(mcu_rtp_receiver_nacks(rx, 8 * MS, seqs, 8), ==, 2);
	g_assert_cmpuint(seqs[0], ==, 2);
	g_assert_cmpuint(seqs[1], ==, 3);
	g_assert_cmpuint(mcu_rtp_receiver_nacks(rx, 50 * MS, seqs, 8), ==, 0); /* rtt not over */
	g_assert_cmpint(put(rx, 2, 0, 51 * MS), ==, 0);
	g_assert_cmpint(next(rx, 51 * MS, &gap), ==, 2);
	g_assert_cmpuint(mcu_rtp_receiver_nacks(rx, 58 * MS, seqs, 8), ==, 1);
	g_assert_cmpuint(seqs[0], ==, 3);
	for (int64_t t = 59 * MS; t < 250 * MS; t += MS)
		asked += mcu_rtp_receiver_nacks(rx, t, seqs, 8) > 0;
	g_assert_cmpuint(asked, ==, 3);
	g_assert_cmpint(next(rx, 249 * MS, &gap), ==, -1);
	g_assert_cmpint(next(rx, 250 * MS, &gap), ==, 4);
	g_assert_true(gap);
	mcu_rtp_receiver_stats(rx, &st);
	g_assert_cmpuint(st.nacked, ==, 2);
	g_assert_cmpuint(st.recovered, ==, 1);
}

/* Nothing grows, and order holds, whatever comes; what is lost is reported once as a gap. */
static void test_random_network(void)
{
	g_autoptr(McuRtpReceiver) rx = video(true);
	McuRtpReceiverStats st;
	uint16_t sent = 60000, window[40], seqs[64];
	size_t n = 0;
	int64_t now = 0;
	int last = -1;
	unsigned given = 0, holes = 0;

	for (unsigned i = 0; i < 20000 || n > 0; now += MS) {
		int seq;
		bool gap;

		if (i < 20000 && n < G_N_ELEMENTS(window)) {
			if (g_test_rand_int_range(0, 100) >= 3)
				window[n++] = sent;
			sent++;
			i++;
		}
		if (n && (i == 20000 || g_test_rand_bit() || n == G_N_ELEMENTS(window))) {
			size_t pick = (size_t)g_test_rand_int_range(0, (int)n);
			uint16_t chosen = window[pick];

			window[pick] = window[--n];
			(void)put(rx, chosen, 0, now);
		}
		(void)mcu_rtp_receiver_nacks(rx, now, seqs, G_N_ELEMENTS(seqs));
		while ((seq = next(rx, now, &gap)) >= 0) {
			if (last >= 0) {
				int16_t step = mcu_diff16((uint16_t)seq, (uint16_t)last);

				g_assert_cmpint(step, >, 0);
				g_assert_true(gap == (step > 1));
				holes += (unsigned)step - 1;
			}
			last = seq;
			given++;
		}
	}
	mcu_rtp_receiver_stats(rx, &st);
	g_assert_cmpuint(given, >, 17000);
	g_assert_cmpuint(st.given_up, >=, holes);
	g_assert_cmpuint(st.restarts, ==, 0);
}

static void test_restart(void)
{
	g_autoptr(McuRtpReceiver) rx = video(false);
	McuRtpReceiverStats st;
	bool gap;

	g_assert_cmpint(put(rx, 100, 0, 0), ==, 0);
	g_assert_cmpint(next(rx, 0, &gap), ==, 100);
	g_assert_cmpint(put(rx, 40000, 0, 0), ==, -EAGAIN); /* a stray */
	g_assert_cmpint(put(rx, 101, 0, 0), ==, 0);
	g_assert_cmpint(next(rx, 0, &gap), ==, 101);
	g_assert_cmpint(put(rx, 50000, 0, 0), ==, -EAGAIN);
	g_assert_cmpint(put(rx, 50001, 0, 0), ==, 0); /* confirmed */
	g_assert_cmpint(next(rx, 0, &gap), ==, 50001);
	g_assert_true(gap);
	mcu_rtp_receiver_stats(rx, &st);
	g_assert_cmpuint(st.restarts, ==, 1);
}

/* A jump beyond the window, but below MAX_DROPOUT, drops what waits instead of growing. */
static void test_window(void)
{
	g_autoptr(McuRtpReceiver) rx = video(false);
	bool gap;

	g_assert_cmpint(put(rx, 1, 0, 0), ==, 0);
	g_assert_cmpint(put(rx, 3, 0, 0), ==, 0);
	g_assert_cmpint(put(rx, 2500, 0, 0), ==, 0);
	g_assert_cmpint(next(rx, 0, &gap), ==, 2500);
	g_assert_true(gap);
	/* more than MCU_RTP_RECV_MAX_BEHIND_GAP behind a gap: not waited for */
	for (uint16_t s = 2502; s < 2502 + MCU_RTP_RECV_MAX_BEHIND_GAP; s++)
		g_assert_cmpint(put(rx, s, 0, 0), ==, 0);
	g_assert_cmpint(next(rx, 0, &gap), ==, -1);
	g_assert_cmpint(put(rx, 2502 + MCU_RTP_RECV_MAX_BEHIND_GAP, 0, 0), ==, 0);
	g_assert_cmpint(next(rx, 0, &gap), ==, 2502);
	g_assert_true(gap);
}

/* RFC 3550 A.3: expected 8, received 6, so 2 of 8 lost; then nothing lost in the next interval. */
static void test_report(void)
{
	g_autoptr(McuRtpReceiver) rx =
		mcu_rtp_receiver_new(&(McuRtpReceiverConfig){ .ssrc = 9, .clock_hz = 8000 });
	const uint16_t seqs[] = { 65533, 65534, 1, 2, 3, 4 };
	McuRtcpBlock block;

	g_assert_false(mcu_rtp_receiver_report(rx, 0, &block));
	for (size_t i = 0; i < G_N_ELEMENTS(seqs); i++)
		g_assert_cmpint(put(rx, seqs[i], 0, 0), ==, 0);
	mcu_rtp_receiver_sr(rx, &(McuRtcpSenderInfo){ .ntp = 0x0000aaaabbbb0000 }, 1000 * MS);
	g_assert_true(mcu_rtp_receiver_report(rx, 1500 * MS, &block));
	g_assert_cmpuint(block.ssrc, ==, 9);
	g_assert_cmpint(block.lost, ==, 2);
	g_assert_cmpuint(block.fraction_lost, ==, 64);
	g_assert_cmphex(block.highest_seq, ==, 0x10004);
	g_assert_cmphex(block.lsr, ==, 0xaaaabbbb);
	g_assert_cmpuint(block.dlsr, ==, 32768);
	g_assert_cmpint(put(rx, 5, 0, 0), ==, 0);
	g_assert_true(mcu_rtp_receiver_report(rx, 0, &block));
	g_assert_cmpuint(block.fraction_lost, ==, 0);
	g_assert_cmpint(block.lost, ==, 2);
}

/* RFC 3550 A.8: alternating transit of +-10 ms (80 units of 8 kHz steps) settles near 80. */
static void test_jitter(void)
{
	g_autoptr(McuRtpReceiver) rx =
		mcu_rtp_receiver_new(&(McuRtpReceiverConfig){ .ssrc = 9, .clock_hz = 8000 });
	McuRtcpBlock block;
	/* days of uptime: no overflow */
	int64_t base = INT64_C(40) * 86400 * MCU_NS_PER_SEC;

	for (unsigned i = 0; i < 300; i++)
		g_assert_cmpint(
			put(rx, (uint16_t)i, i * 160, base + i * 20 * MS + (i & 1) * 10 * MS), ==,
			0);
	g_assert_true(mcu_rtp_receiver_report(rx, base, &block));
	g_assert_cmpuint(block.jitter, >=, 75);
	g_assert_cmpuint(block.jitter, <=, 80);
}

static void test_capture(void)
{
	g_autoptr(McuRtpReceiver) audio =
		mcu_rtp_receiver_new(&(McuRtpReceiverConfig){ .ssrc = 1, .clock_hz = 48000 });
	g_autoptr(McuRtpReceiver) vid = video(false);
	uint64_t ntp = (UINT64_C(3900000000) << 32) | 0x80000000;
	McuRtpClockMap map = { 0 };
	int64_t a, v, local;

	g_assert_false(mcu_rtp_receiver_capture_ns(audio, 0, &a));
	mcu_rtp_receiver_sr(audio, &(McuRtcpSenderInfo){ .ntp = ntp, .rtp_ts = 100 }, 0);
	mcu_rtp_receiver_sr(vid, &(McuRtcpSenderInfo){ .ntp = ntp, .rtp_ts = 5000 }, 0);
	g_assert_true(mcu_rtp_receiver_capture_ns(audio, 100 + 4800, &a));
	g_assert_true(mcu_rtp_receiver_capture_ns(vid, 5000u - 9000u, &v));
	g_assert_cmpint(a - v, ==, 200 * MS);
	g_assert_cmpint(a, ==, INT64_C(3900000000) * MCU_NS_PER_SEC + 600 * MS);

	g_assert_false(mcu_rtp_clock_map_local(&map, a, &local));
	mcu_rtp_clock_map_update(&map, a, 5000 * MS);
	mcu_rtp_clock_map_update(&map, v, 4780 * MS); /* came 20 ms faster than the first */
	mcu_rtp_clock_map_update(&map, v + 50 * MS, 4900 * MS);
	g_assert_true(mcu_rtp_clock_map_local(&map, a, &local));
	g_assert_cmpint(local, ==, 4980 * MS);
	/* the sender's clock is set anew */
	mcu_rtp_clock_map_update(&map, a + 3600 * MCU_NS_PER_SEC, 6000 * MS);
	g_assert_true(mcu_rtp_clock_map_local(&map, a + 3600 * MCU_NS_PER_SEC, &local));
	g_assert_cmpint(local, ==, 6000 * MS);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/recv/reorder-and-wrap", test_reorder_and_wrap);
	g_test_add_func("/rtp/recv/give-up", test_give_up);
	g_test_add_func("/rtp/recv/nack", test_nack);
	g_test_add_func("/rtp/recv/random-network", test_random_network);
	g_test_add_func("/rtp/recv/restart", test_restart);
	g_test_add_func("/rtp/recv/window", test_window);
	g_test_add_func("/rtp/recv/report", test_report);
	g_test_add_func("/rtp/recv/jitter", test_jitter);
	g_test_add_func("/rtp/recv/capture", test_capture);
	return g_test_run();
}
