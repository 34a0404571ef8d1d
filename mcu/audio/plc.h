/* Packet loss concealment for codecs that have none (G.711, G.722) or a weak one for music and
 * tones (Opus), mono float at 8, 16 or 48 kHz: repeats the last pitch period, fades to faint noise,
 * and joins what comes after with a cross-fade. Pure.
 */
#pragma once
#include <stddef.h>

#include "audio/noise.h"

#define MCU_PLC_HISTORY 1920 /* 40 ms at 48 kHz */
#define MCU_PLC_MAX_LAG 960  /* 20 ms at 48 kHz */

/* Zero-initialised but for rate_hz. */
typedef struct McuPlc {
	unsigned rate_hz; /* 8000, 16000 or 48000 */
	float history[MCU_PLC_HISTORY];
	float cycle[MCU_PLC_MAX_LAG]; /* what is repeated */
	size_t lag, at;               /* length of cycle, place in it */
	size_t lost;                  /* samples made up since the last good one */
	float floor;                  /* mean square of the room, follows the quietest */
	McuNoise noise;
} McuPlc;

void mcu_plc_init(McuPlc *plc, unsigned rate_hz);

/** Note n good samples; after a loss, fades from the made-up sound to them. */
void mcu_plc_good(McuPlc *plc, float *pcm, size_t n);

/** Make n samples up. */
void mcu_plc_lost(McuPlc *plc, float *out, size_t n);
