/* Notices that H.264 pictures are missing, by frame_num (ITU-T H.264 section 7.4.3). libavcodec
 * fills such gaps with copies and says nothing. Pure; reads parameter sets and the start of slice
 * headers only.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HW_H264_MAX_SPS 32
#define HW_H264_MAX_PPS 256

typedef struct HwH264Gap {
	struct {
		bool known, gaps_allowed;
		uint8_t log2_max_frame_num, colour_planes;
	} sps[HW_H264_MAX_SPS];
	struct {
		bool known;
		uint8_t sps;
	} pps[HW_H264_MAX_PPS];
	bool started; /* prev_ref_frame_num is set */
	uint32_t prev_ref_frame_num;
} HwH264Gap;

/** Look at one access unit (Annex B). True: pictures before it that it may refer to are missing.
 * A zeroed HwH264Gap knows nothing and finds no gap before the first picture.
 */
bool hw_h264_gap_check(HwH264Gap *gap, const uint8_t *data, size_t len);
