/* Telephone events in any order: only valid keys, durations within reason. Input: records of 8
 * bytes: payload, timestamp. */
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/dtmf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const McuDtmfKey *key)
{
	g_assert(mcu_dtmf_event(key->key) >= 0);
	g_assert(key->duration_ns >= 0 && key->volume < 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	McuReader r = mcu_reader(data, size);
	McuDtmfReceiver rx;
	McuDtmfKey key;
	int64_t now = 0;

	mcu_dtmf_receiver_init(&rx, 8000);
	(void)!mcu_dtmf_receive(&rx, data, MIN(size, 3), 0, 0, &key);
	while (r.left >= 8) {
		const uint8_t *payload = mcu_read_bytes(&r, 4);
		uint32_t ts = mcu_read_u32(&r);

		now += (ts & 0xff) * MCU_NS_PER_MS;
		if (mcu_dtmf_poll(&rx, now, &key))
			check(&key);
		if (mcu_dtmf_receive(&rx, payload, 4, ts, now, &key) == 1)
			check(&key);
	}
	return 0;
}
