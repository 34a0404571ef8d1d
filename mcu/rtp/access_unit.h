/* One coded picture as it leaves a depacketiser and enters a decoder. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Single owner; goes from loop to the decoder pool as a whole. */
typedef struct McuAccessUnit {
	uint8_t *data; /* H.264: Annex B */
	size_t len;
	uint32_t rtp_ts;
	int64_t first_arrival_ns; /* of its first packet */
	int64_t pts_ns;           /* set by the worker; 0 here */
	bool keyframe;            /* decoding can begin here: IDR or recovery point */
	bool complete;            /* nothing of it is known to be missing */
	bool restarted;           /* pictures before it were not given out */
	unsigned width, height;   /* by the parameter sets last seen; 0 = unknown */
} McuAccessUnit;

/** A copy of the bytes, followed by 64 zero bytes that decoders may read over. NULL when there is
 * no memory. */
McuAccessUnit *mcu_access_unit_new(const uint8_t *bytes, size_t len);
void mcu_access_unit_free(McuAccessUnit *au); /* NULL is allowed. Thread: any */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuAccessUnit, mcu_access_unit_free)
