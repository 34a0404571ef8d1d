#include "rtp/rate_request.h"

#define MAX_SHARE 8

uint64_t mcu_rate_for_tile(uint64_t full_bps, uint64_t canvas_pixels, uint64_t tile_pixels)
{
	uint64_t share = 1;

	while (share < MAX_SHARE && 4 * tile_pixels * share <= canvas_pixels &&
	       full_bps / (2 * share) >= MCU_RATE_REQUEST_MIN_BPS)
		share *= 2;
	return full_bps / share;
}

void mcu_rate_request_set(McuRateRequest *r, uint64_t bps, uint64_t full_bps)
{
	if (bps == r->bps || (!r->bps && bps >= full_bps))
		return;
	r->bps = bps;
	mcu_rate_request_restart(r);
}

void mcu_rate_request_restart(McuRateRequest *r)
{
	r->confirmed = false;
	r->tries = 0;
}

bool mcu_rate_request_due(McuRateRequest *r, int64_t now_ns)
{
	if (!r->bps || r->confirmed || r->tries >= MCU_RATE_REQUEST_TRIES ||
	    (r->ever && now_ns - r->last_ns < MCU_RATE_REQUEST_INTERVAL_NS))
		return false;
	r->tries++;
	r->ever = true;
	r->last_ns = now_ns;
	return true;
}

void mcu_rate_request_confirm(McuRateRequest *r, uint64_t bps)
{
	/* 17 bits of mantissa go over the wire */
	if (r->bps && bps <= r->bps && bps >= r->bps - r->bps / 1000)
		r->confirmed = true;
}
