/* Which bit rate a source is asked to stay below (TMMBR, RFC 5104 section 4.2.1): when it is asked,
 * and again until it confirms (TMMBN). Pure: time is passed in.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/** Not more often than this; and again after it, this many times in all. */
#define MCU_RATE_REQUEST_INTERVAL_NS (INT64_C(1000) * 1000000)
#define MCU_RATE_REQUEST_TRIES       4
/** No picture is asked to be smaller. */
#define MCU_RATE_REQUEST_MIN_BPS 128000

/** Zero-initialised: nothing is asked. */
typedef struct McuRateRequest {
	uint64_t bps; /* 0 = nothing was asked yet */
	bool confirmed;
	bool ever;
	unsigned tries;
	int64_t last_ns;
} McuRateRequest;

/** What a tile of that many pixels is worth of full_bps, which a picture as large as the canvas may
 * take: half for each quartering, as a smaller picture needs more bits per pixel.
 */
uint64_t mcu_rate_for_tile(uint64_t full_bps, uint64_t canvas_pixels, uint64_t tile_pixels);

/** Ask for another bound. As long as nothing was asked, `full_bps` or more asks for nothing. */
void mcu_rate_request_set(McuRateRequest *r, uint64_t bps, uint64_t full_bps);

/** Another sender took over that knows of nothing. */
void mcu_rate_request_restart(McuRateRequest *r);

/** Time to send a request? Counts it as sent. */
bool mcu_rate_request_due(McuRateRequest *r, int64_t now_ns);

/** The source says what bound of ours it keeps. */
void mcu_rate_request_confirm(McuRateRequest *r, uint64_t bps);
