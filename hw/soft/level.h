/* H.264 levels (ITU-T H.264 table A-1). */
#pragma once
#include "hw/hw.h"

/** The lowest level_idc (10 * level) that holds this size, frame rate and bit rate; 52 when none
 * does. */
int hw_h264_lowest_level(int width, int height, int fps_num, int fps_den, int bitrate_bps);

/** config->level_idc, or where that is 0 the lowest with room for the rates a caller may turn to.
 */
int hw_h264_level(const HwEncoderConfig *config);

/** Most bit/s of a level; an unknown level has no limit. */
int hw_h264_level_max_bitrate(int level_idc);
