/* Shared by the files of sdp/ only. */
#pragma once
#include "sdp/h264.h"
#include "sdp/sdp.h"

/** Largest b= value that is taken: times 1000 it still fits. */
#define MCU_SDP_MAX_BANDWIDTH_VALUE (UINT64_C(1) << 50)

/** Read decimal digits at *p, at most `max`; false (and *p unchanged) when there are none or the
 * number is larger.
 */
bool mcu_sdp_read_uint(const char **p, uint64_t max, uint64_t *ret);

/** Append an attribute. Errors: -EOVERFLOW, -ENOMEM. */
int mcu_sdp_section_push(McuSdpSection *section, const McuSdpAttr *attr);

/** Order of H.264 levels, 1b between 1 and 1.1. */
unsigned mcu_sdp_h264_level_rank(uint8_t profile_idc, uint8_t profile_iop, uint8_t level_idc);

/** Give `h` another level: its limits, or the larger ones of `fmtp` (NULL = none). */
void mcu_sdp_h264_set_level(McuSdpH264 *h, uint8_t level_idc, const char *fmtp);
