/* H.264 as MP4 wants it: avcC from parameter sets, 4-byte lengths instead of start codes. Inside
 * rec/ only. Pure. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** avcC content and picture size of a keyframe with its parameter sets.
 * Errors: -EINVAL no usable SPS or PPS.
 */
int mcu_avc_config(const uint8_t *au, size_t len, GByteArray *ret_avcc, unsigned *ret_width,
		   unsigned *ret_height) MCU_WARN_UNUSED;

/** Append the access unit's NAL units to `out`, without delimiters, filler, and those parameter
 * sets that `avcc` holds already. */
void mcu_avc_sample(const uint8_t *au, size_t len, const GByteArray *avcc, GByteArray *out);
