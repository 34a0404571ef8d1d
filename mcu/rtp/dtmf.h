/* Telephone events (RFC 4733): keys received, exactly once each, and keys sent. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MCU_DTMF_PAYLOAD_LEN 4
/** An event whose end packets are all lost ends when nothing came for this long. */
#define MCU_DTMF_TIMEOUT_NS (INT64_C(250) * 1000000)

/** '0'..'9', '*', '#', 'A'..'D'; 0 for other events. */
char mcu_dtmf_char(uint8_t event);
/** Event code 0..15 of a key; -EINVAL. Takes 'a'..'d' too. */
int mcu_dtmf_event(char key) MCU_WARN_UNUSED;

typedef struct McuDtmfKey {
	char key;
	int64_t duration_ns;
	uint8_t volume; /* -dBm0, 0..63 */
} McuDtmfKey;

typedef struct McuDtmfReceiver {
	uint32_t clock_hz;
	bool active, any; /* an event is going on; any was ever seen */
	uint8_t event, volume;
	uint32_t ts, segment_ts;       /* of its first segment; of its current one */
	uint64_t duration_ts, done_ts; /* so far; of finished segments */
	int64_t last_ns;
} McuDtmfReceiver;

void mcu_dtmf_receiver_init(McuDtmfReceiver *rx, uint32_t clock_hz);

/** One payload in any order; blocks after the first of a redundant packet are not looked at.
 * 1 = *ret is a key that just ended; 0 = nothing new.  Errors: -EINVAL too short.
 */
int mcu_dtmf_receive(McuDtmfReceiver *rx, const uint8_t *payload, size_t len, uint32_t ts,
		     int64_t now_ns, McuDtmfKey *ret) MCU_WARN_UNUSED;

/** Call at mcu_dtmf_deadline(). True = *ret is a key whose end never arrived. */
bool mcu_dtmf_poll(McuDtmfReceiver *rx, int64_t now_ns, McuDtmfKey *ret);
int64_t mcu_dtmf_deadline(const McuDtmfReceiver *rx); /* INT64_MAX when no event is going on */

/** Sending side: one packet per call, in steps of the audio packet interval; zero = idle. */
typedef struct McuDtmfSender {
	bool active;
	uint8_t event;
	uint32_t start_ts, length_ts, step_ts, sent_ts;
	unsigned ends; /* end packets sent; three in all */
} McuDtmfSender;

/** Begin a key at media time `ts`. Errors: -EINVAL key; -EBUSY the last one has not ended. */
int mcu_dtmf_send(McuDtmfSender *tx, char key, uint32_t ts, uint32_t length_ts,
		  uint32_t step_ts) MCU_WARN_UNUSED;

/** Next packet's payload, its RTP time (constant over the event) and marker. False: idle again. */
bool mcu_dtmf_send_next(McuDtmfSender *tx, uint8_t payload[MCU_DTMF_PAYLOAD_LEN], uint32_t *ret_ts,
			bool *ret_marker);
