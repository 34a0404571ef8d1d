#include "rtp/dtmf.h"

#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"

static const char keys[] = "0123456789*#ABCD";

#define END_PACKETS  3
#define MAX_DELAY_NS (INT64_C(2) * MCU_NS_PER_SEC)
#define SEGMENT_MAX  0xffff

char mcu_dtmf_char(uint8_t event)
{
	return event < sizeof(keys) - 1 ? keys[event] : 0;
}

int mcu_dtmf_event(char key)
{
	const char *p;

	if (key >= 'a' && key <= 'd')
		key = (char)(key - 'a' + 'A');
	p = key ? strchr(keys, key) : NULL;
	return p ? (int)(p - keys) : -EINVAL;
}

void mcu_dtmf_receiver_init(McuDtmfReceiver *rx, uint32_t clock_hz)
{
	*rx = (McuDtmfReceiver){ .clock_hz = clock_hz };
}

/* The event is over. True when it is a key. */
static bool finish(McuDtmfReceiver *rx, McuDtmfKey *ret)
{
	char key = mcu_dtmf_char(rx->event);

	rx->active = false;
	if (!key)
		return false;
	*ret = (McuDtmfKey){ .key = key,
			     .duration_ns = (int64_t)(rx->duration_ts * (uint64_t)MCU_NS_PER_SEC /
						      rx->clock_hz),
			     .volume = rx->volume };
	return true;
}

static void begin(McuDtmfReceiver *rx, uint8_t event, uint32_t ts)
{
	rx->active = rx->any = true;
	rx->event = event;
	rx->ts = rx->segment_ts = ts;
	rx->duration_ts = rx->done_ts = 0;
}

/* Section 2.5.1.3: an event longer than 0xffff units goes on in a new segment, whose timestamp is
 * the end of the one before. */
static bool is_next_segment(const McuDtmfReceiver *rx, uint8_t event, uint32_t ts)
{
	return rx->active && rx->event == event && ts == rx->segment_ts + SEGMENT_MAX;
}

/* `ret` is filled when a key ended by what this payload says, or by its being another event. */
int mcu_dtmf_receive(McuDtmfReceiver *rx, const uint8_t *payload, size_t len, uint32_t ts,
		     int64_t now_ns, McuDtmfKey *ret)
{
	McuReader r = mcu_reader(payload, len);
	uint8_t event = mcu_read_u8(&r), flags = mcu_read_u8(&r);
	uint16_t duration = mcu_read_u16(&r);
	bool ended = false;

	if (r.failed)
		return -EINVAL;
	/* an old packet, unless so much time went by that the time base may be another */
	if (rx->any && mcu_diff32(ts, rx->segment_ts) < 0 && now_ns - rx->last_ns < MAX_DELAY_NS)
		return 0;
	if (is_next_segment(rx, event, ts)) {
		rx->done_ts += SEGMENT_MAX;
		rx->segment_ts = ts;
	} else if (!rx->any || ts != rx->segment_ts) {
		if (rx->active)
			ended = finish(rx, ret);
		begin(rx, event, ts);
	} else if (!rx->active) {
		return 0; /* repeated end packet */
	}
	rx->last_ns = now_ns;
	rx->volume = flags & 0x3f;
	if (rx->done_ts + duration > rx->duration_ts)
		rx->duration_ts = rx->done_ts + duration;
	if ((flags & 0x80) && !ended)
		ended = finish(rx, ret);
	return ended;
}

bool mcu_dtmf_poll(McuDtmfReceiver *rx, int64_t now_ns, McuDtmfKey *ret)
{
	return rx->active && now_ns >= mcu_dtmf_deadline(rx) && finish(rx, ret);
}

int64_t mcu_dtmf_deadline(const McuDtmfReceiver *rx)
{
	return rx->active ? rx->last_ns + MCU_DTMF_TIMEOUT_NS : INT64_MAX;
}

int mcu_dtmf_send(McuDtmfSender *tx, char key, uint32_t ts, uint32_t length_ts, uint32_t step_ts)
{
	int event = mcu_dtmf_event(key);

	if (event < 0 || length_ts == 0 || step_ts == 0 || length_ts > SEGMENT_MAX)
		return -EINVAL;
	if (tx->active)
		return -EBUSY;
	*tx = (McuDtmfSender){ .active = true,
			       .event = (uint8_t)event,
			       .start_ts = ts,
			       .length_ts = length_ts,
			       .step_ts = step_ts };
	return 0;
}

bool mcu_dtmf_send_next(McuDtmfSender *tx, uint8_t payload[MCU_DTMF_PAYLOAD_LEN], uint32_t *ret_ts,
			bool *ret_marker)
{
	const uint8_t volume = 10; /* -10 dBm0 */
	bool end;

	if (!tx->active)
		return false;
	*ret_marker = tx->sent_ts == 0;
	*ret_ts = tx->start_ts;
	tx->sent_ts += tx->step_ts < tx->length_ts - tx->sent_ts ? tx->step_ts
								 : tx->length_ts - tx->sent_ts;
	end = tx->sent_ts == tx->length_ts;
	payload[0] = tx->event;
	payload[1] = (uint8_t)((end ? 0x80 : 0) | volume);
	mcu_put_u16(payload + 2, (uint16_t)tx->sent_ts);
	tx->ends += end;
	tx->active = tx->ends < END_PACKETS;
	return true;
}
