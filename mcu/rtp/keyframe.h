/* When to ask a source for a keyframe: at once, then after 300 ms, doubling to 2 s, for as long as
 * nothing can be decoded. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define MCU_KEYFRAME_RETRY_MIN_NS (INT64_C(300) * 1000000)
#define MCU_KEYFRAME_RETRY_MAX_NS (INT64_C(2000) * 1000000)

/** Zero-initialised: nothing wanted. */
typedef struct McuKeyframeRequest {
	bool wanted;
	bool ever; /* a request was sent at last_ns */
	int64_t last_ns;
	int64_t retry_ns; /* wait after the last request */
	unsigned tries;   /* requests since it became wanted; stops at 2 */
	uint64_t sent;    /* requests so far */
} McuKeyframeRequest;

/** State of the moment, e.g. mcu_h264_depay_wants_keyframe(). Wanting again sooner than
 * MCU_KEYFRAME_RETRY_MIN_NS after a request does not send the next one earlier. */
void mcu_keyframe_request_set(McuKeyframeRequest *r, bool wanted);

/** Send a PLI (or FIR, INFO) now? True counts as sent. */
bool mcu_keyframe_request_due(McuKeyframeRequest *r, int64_t now_ns);

/** When due() may be true again; INT64_MAX when nothing is wanted. */
int64_t mcu_keyframe_request_deadline(const McuKeyframeRequest *r);
