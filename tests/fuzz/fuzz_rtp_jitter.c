/* The jitter buffer under any packets and times: pieces are bounded, and time never stands still.
 * Input: records of 8 bytes: step and flags, ssrc and kind, sequence number, timestamp. */
#include <glib.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/jitter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t bytes[MCU_JITTER_MAX_PAYLOAD + 1];
static unsigned sum;

static int64_t get(McuJitter *j, int64_t now, int64_t queued)
{
	McuJitterPiece p;

	mcu_jitter_get(j, now, queued, &p);
	g_assert(mcu_jitter_kind_name(p.kind)[0] != '?');
	g_assert(p.advice >= MCU_JITTER_NORMAL && p.advice <= MCU_JITTER_ACCELERATE_FAST);
	g_assert((p.kind == MCU_JITTER_PACKET) == (p.payload != NULL));
	if (p.kind == MCU_JITTER_PACKET)
		sum += p.payload[0] + p.payload[p.len - 1];
	else
		g_assert(p.duration_ts > 0);
	if (p.fec_len)
		sum += p.fec[p.fec_len - 1];
	g_assert(p.duration_ts <= 48000 * 4);
	return (int64_t)p.duration_ts * MCU_NS_PER_SEC / 48000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(McuJitter) j = mcu_jitter_new(&(McuJitterConfig){ .clock_hz = 48000 });
	McuReader r = mcu_reader(data, size);
	int64_t now = MCU_NS_PER_SEC, queued = 0;
	McuJitterStats st;

	while (r.left >= 8) {
		uint8_t step = mcu_read_u8(&r), kind = mcu_read_u8(&r);
		McuJitterPacket p = { .ssrc = kind & 3,
				      .seq = mcu_read_u16(&r),
				      .ts = mcu_read_u32(&r),
				      .silence = kind & 4,
				      .marker = kind & 8,
				      .duration_ts = (kind & 16) ? 0 : 960,
				      .payload = bytes,
				      .len = (kind & 32)   ? 0
					     : (kind & 64) ? 1501
							   : 3,
				      .arrival_ns = now - (step & 3) * 10 * MCU_NS_PER_MS };

		(void)mcu_jitter_put(j, &p);
		now += (int64_t)(step >> 2) * MCU_NS_PER_MS;
		queued = MAX(0, queued - (step >> 2) * MCU_NS_PER_MS);
		for (unsigned i = 0; i < 300 && queued < 20 * MCU_NS_PER_MS; i++)
			queued += get(j, now, queued);
		if (kind == 255)
			mcu_jitter_reset(j);
	}
	mcu_jitter_stats(j, &st);
	return 0;
}
