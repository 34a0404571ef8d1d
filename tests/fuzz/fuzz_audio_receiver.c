/* Received audio: any payload, in any order of numbers and times, gives slots within range.
 * Input: repeated { payload type index and flags, sequence step, time step / 40, length, payload }.
 */
#include <math.h>
#include <stdlib.h>

#include "audio/receiver.h"
#include "base/bytes.h"
#include "base/clock.h"

#define MAX_PACKETS 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const McuAudioPt pts[] = {
	{ 111, MCU_CODEC_OPUS }, { 9, MCU_CODEC_G722 }, { 0, MCU_CODEC_PCMU },
	{ 8, MCU_CODEC_PCMA },   { 13, MCU_CODEC_CN },  { 101, MCU_CODEC_TELEPHONE_EVENT },
};

static void pull(McuAudioReceiver *rx, int64_t now_ns)
{
	float out[MCU_AUDIO_SLOT_FRAMES];

	mcu_audio_receiver_pull(rx, now_ns, out);
	for (int i = 0; i < MCU_AUDIO_SLOT_FRAMES; i++) {
		if (!isfinite(out[i]))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	McuAudioReceiver *rx = mcu_audio_receiver_new(pts, sizeof(pts) / sizeof(pts[0]), 20, 200);
	McuReader r = mcu_reader(data, size);
	McuAudioRtp rtp = { .ssrc = 1 };
	McuAudioSourceStats stats;
	int64_t now_ns = MCU_NS_PER_SEC;

	for (int i = 0; i < MAX_PACKETS && r.left; i++) {
		uint8_t head = mcu_read_u8(&r);

		rtp.pt = (head & 7) < 6 ? pts[head & 7].pt : 77;
		rtp.marker = head & 8;
		rtp.ssrc += (head & 0xf0) == 0xf0;
		rtp.seq = (uint16_t)(rtp.seq + (int8_t)mcu_read_u8(&r));
		rtp.ts += (uint32_t)((int8_t)mcu_read_u8(&r) * 40);
		rtp.payload_len = MIN((size_t)mcu_read_u8(&r), r.left);
		rtp.payload = mcu_read_bytes(&r, rtp.payload_len);
		if (!rtp.payload)
			rtp.payload_len = 0;
		(void)mcu_audio_receiver_push(rx, &rtp, now_ns);
		if (head & 0x10)
			continue;
		pull(rx, now_ns);
		now_ns += 20 * MCU_NS_PER_MS;
	}
	for (int i = 0; i < 4; i++)
		pull(rx, now_ns += 20 * MCU_NS_PER_MS);
	mcu_audio_receiver_stats(rx, &stats);
	mcu_audio_receiver_free(rx);
	return 0;
}
