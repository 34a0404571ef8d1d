/* The reorder buffer under any sequence of packets, calls and times. Input: records of 4 bytes:
 * operation and time step, sequence number, rest. */
#include <glib.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/recv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(McuRtpReceiver *rx, uint16_t seq, uint8_t rest, int64_t now)
{
	g_autoptr(McuPacket) pkt = mcu_packet_new_copy(&seq, sizeof(seq));
	McuRtpHeader hdr = { .seq = seq,
			     .ts = rest * 3000u,
			     .marker = rest & 1,
			     .payload = pkt->data,
			     .payload_len = pkt->len };

	(void)mcu_rtp_receiver_put(rx, pkt, &hdr, now);
}

static void take(McuRtpReceiver *rx, int64_t now, uint64_t *last)
{
	McuRtpReceived got;

	while (mcu_rtp_receiver_next(rx, now, &got) == 0) {
		uint16_t seq;

		memcpy(&seq, got.payload, sizeof(seq));
		g_assert(seq == (uint16_t)got.ext_seq);
		g_assert(got.gap || *last == 0 || got.ext_seq == *last + 1);
		*last = got.ext_seq;
		mcu_packet_unref(got.pkt);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(McuRtpReceiver) rx = mcu_rtp_receiver_new(&(McuRtpReceiverConfig){
		.ssrc = 1, .clock_hz = 90000, .reorder = true, .nack = true });
	McuReader r = mcu_reader(data, size);
	McuRtpReceiverStats st;
	int64_t now = MCU_NS_PER_SEC;
	uint64_t last = 0;

	while (r.left >= 4) {
		uint8_t op = mcu_read_u8(&r);
		uint16_t seq = mcu_read_u16(&r), seqs[32];
		uint8_t rest = mcu_read_u8(&r);
		McuRtcpBlock block;
		int64_t capture;

		now += (int64_t)(op >> 3) * 5 * MCU_NS_PER_MS;
		put(rx, seq, rest, now);
		if (op & 1)
			take(rx, now, &last);
		if (op & 2)
			g_assert(mcu_rtp_receiver_nacks(rx, now, seqs, 32) <= 32);
		if (op & 4) {
			mcu_rtp_receiver_sr(
				rx,
				&(McuRtcpSenderInfo){ .ntp = rest * UINT64_C(0x123456789ab),
						      .rtp_ts = seq },
				now);
			(void)mcu_rtp_receiver_report(rx, now, &block);
			(void)mcu_rtp_receiver_capture_ns(rx, rest, &capture);
		}
		(void)mcu_rtp_receiver_next_deadline(rx);
	}
	take(rx, now + 10 * MCU_NS_PER_SEC, &last);
	g_assert(mcu_rtp_receiver_next_deadline(rx) == INT64_MAX);
	mcu_rtp_receiver_stats(rx, &st);
	return 0;
}
