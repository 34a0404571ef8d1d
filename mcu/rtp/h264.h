/* H.264 bit stream facts that RTP needs (ITU-T H.264): NAL units in Annex B, parameter sets, slice
 * types. Pure; works on one buffer, copies nothing but the parsed values.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MCU_H264_MAX_AU    (2u << 20)
#define MCU_H264_MAX_NALS  2048 /* of one access unit */
#define MCU_H264_MAX_PARAM 1024 /* bytes of one remembered parameter set */
#define MCU_H264_MAX_SPS   32
#define MCU_H264_MAX_PPS   64 /* ids above are passed through, but not remembered */

typedef enum McuH264Nal {
	MCU_H264_NAL_SLICE = 1,
	MCU_H264_NAL_IDR = 5,
	MCU_H264_NAL_SEI = 6,
	MCU_H264_NAL_SPS = 7,
	MCU_H264_NAL_PPS = 8,
	MCU_H264_NAL_AUD = 9,
	MCU_H264_NAL_FILLER = 12,
	MCU_H264_NAL_STAP_A = 24,
	MCU_H264_NAL_STAP_B,
	MCU_H264_NAL_MTAP16,
	MCU_H264_NAL_MTAP24,
	MCU_H264_NAL_FU_A,
	MCU_H264_NAL_FU_B,
} McuH264Nal;

static inline unsigned mcu_h264_nal_type(const uint8_t *nal)
{
	return nal[0] & 0x1f;
}

typedef struct McuH264Sps {
	unsigned id;
	uint8_t profile_idc, constraints, level_idc;
	unsigned width, height; /* pixels, cropping applied */
	unsigned max_ref_frames;
	bool interlaced; /* frame_mbs_only_flag is 0 */
} McuH264Sps;

/** One NAL unit after the other of Annex B bytes, start codes and trailing zeros taken off. */
typedef struct McuH264Iter {
	const uint8_t *p, *end;
} McuH264Iter;

McuH264Iter mcu_h264_iter(const uint8_t *data, size_t len);

/** False at the end. *ret is not empty. */
bool mcu_h264_next(McuH264Iter *it, const uint8_t **ret, size_t *ret_len);

/** `nal` begins with the NAL header byte. Errors: -EINVAL; picture sides over 16384 are refused. */
int mcu_h264_parse_sps(const uint8_t *nal, size_t len, McuH264Sps *ret) MCU_WARN_UNUSED;

/** Ids of a PPS and of the SPS it refers to. Errors: -EINVAL. */
int mcu_h264_parse_pps(const uint8_t *nal, size_t len, unsigned *ret_id,
		       unsigned *ret_sps_id) MCU_WARN_UNUSED;

/** Start of a slice header. slice_type 0..9 (2 and 7 are I).  Errors: -EINVAL. */
int mcu_h264_parse_slice(const uint8_t *nal, size_t len, unsigned *ret_first_mb,
			 unsigned *ret_slice_type, unsigned *ret_pps_id) MCU_WARN_UNUSED;

/** Does this SEI NAL unit hold a recovery point message? */
bool mcu_h264_sei_recovery_point(const uint8_t *nal, size_t len);
