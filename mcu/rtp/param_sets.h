/* H.264 parameter sets of one stream, remembered by id. Inside rtp/ only. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/h264.h"

typedef struct McuParamSet {
	uint8_t *nal; /* NULL: not seen */
	size_t len;
	unsigned refers; /* PPS: id of its SPS */
} McuParamSet;

/** Zero-initialised. */
typedef struct McuParamSets {
	McuParamSet sps[MCU_H264_MAX_SPS];
	McuParamSet pps[MCU_H264_MAX_PPS];
	McuH264Sps parsed[MCU_H264_MAX_SPS];
	unsigned current; /* id of the SPS seen last */
	bool any;
} McuParamSets;

/** Remember an SPS or PPS NAL unit. Errors: -EINVAL malformed; -EOVERFLOW too long, id too high. */
int mcu_param_sets_add(McuParamSets *sets, const uint8_t *nal, size_t len) MCU_WARN_UNUSED;
void mcu_param_sets_done(McuParamSets *sets);

/** The SPS that PPS `pps_id` refers to, or NULL when one of the two is not known. */
const McuH264Sps *mcu_param_sets_find(const McuParamSets *sets, unsigned pps_id);
