/* H.264 parameters in SDP (RFC 6184 section 8): what a receiver takes, and what fits it. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** Longest set of parameter sets that is taken from sprop-parameter-sets. */
#define MCU_SDP_MAX_SPROP 1024

typedef enum McuH264Profile {
	MCU_H264_CONSTRAINED_BASELINE = 1,
	MCU_H264_MAIN,
	MCU_H264_CONSTRAINED_HIGH,
	MCU_H264_HIGH,
	MCU_H264_PROFILE_OTHER, /* High 10, 4:2:2, …: neither sent nor decoded */
} McuH264Profile;

/** What the receiver of one payload type takes. max_… hold the level's values or the larger ones
 * that were signalled; they are never below the level's.
 */
typedef struct McuSdpH264 {
	uint8_t profile_idc, profile_iop, level_idc; /* profile-level-id as signalled */
	McuH264Profile profile;
	unsigned packetization_mode; /* 0, 1; 2 is never negotiated */
	bool level_asymmetry_allowed;
	unsigned max_fs;   /* macroblocks per picture */
	unsigned max_mbps; /* macroblocks per second */
	unsigned max_br;   /* 1000 bit/s */
} McuSdpH264;

/** Read a=fmtp parameters (NULL = none). Never fails: what is malformed counts as absent.
 * INTEROP: without profile-level-id it is Baseline level 1 by the RFC (42000A); devices that leave
 * it out take CIF at 30 frames and 384 kbit/s, so level 1.2 is assumed.
 */
void mcu_sdp_h264_parse(const char *fmtp, McuSdpH264 *ret);

/** Macroblock and bit rate limits of a level (Table A-1; level 1b: level_idc 9 or 11 with
 * constraint_set3). Unknown levels count as the next lower known one.
 */
void mcu_sdp_h264_level(uint8_t profile_idc, uint8_t profile_iop, uint8_t level_idc,
			unsigned *ret_max_fs, unsigned *ret_max_mbps, unsigned *ret_max_br);

/** May a stream of this size, rate and bit rate be sent to that receiver? fps, bitrate_bps 0 = do
 * not look at it.
 */
bool mcu_sdp_h264_fits(const McuSdpH264 *peer, unsigned width, unsigned height, unsigned fps,
		       unsigned bitrate_bps);

typedef struct McuSdpVideoSize {
	unsigned width, height; /* even; the aspect of the wish, within one macroblock */
	unsigned fps;           /* at least 1 */
	unsigned bitrate_bps;
} McuSdpVideoSize;

/** The largest size, rate and bit rate not above `wish` that the receiver takes. Picture size is
 * kept before frame rate down to 15 frames per second, then the size shrinks, then the rate.
 */
void mcu_sdp_h264_limit(const McuSdpH264 *peer, const McuSdpVideoSize *wish, McuSdpVideoSize *ret);

/** Decode sprop-parameter-sets into Annex B (each unit after 00 00 00 01). Returns the number of
 * bytes written, 0 when there are none or they are malformed or too long.
 */
size_t mcu_sdp_h264_sprop(const char *fmtp, uint8_t *ret_annexb, size_t size);

const char *mcu_h264_profile_name(McuH264Profile profile);
