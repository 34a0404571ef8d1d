/* The arithmetic of the mix: sums, mix-minus, gain ramps, limiter. Mono float at 48 kHz; one late
 * limiter per mix that leaves, none before. Pure: no state but what the caller passes.
 *
 *   in[i] -> ramp -> bus[i] -+-> sum of all -> limiter -> mix
 *                            '-> sum - bus[i] -> limiter -> mix-minus of i
 */
#pragma once
#include <stddef.h>

/* A gain that moves in a straight line, so that nothing begins or ends with a click. */
typedef struct McuRamp {
	float gain; /* now; 0 to 1 */
} McuRamp;

/** Scale pcm by the ramp while it moves to `target`, a full swing (0 to 1) taking swing_frames. */
void mcu_ramp_apply(McuRamp *ramp, float target, unsigned swing_frames, float *pcm, size_t frames);

/** sum[i] += bus[i] */
void mcu_mix_add(float *sum, const float *bus, size_t frames);

/** out[i] = sum[i] - bus[i]; equals the sum of the others to 1e-6 of full scale. */
void mcu_mix_minus(float *out, const float *sum, const float *bus, size_t frames);

/* Soft limiter of one mix. Zero-initialised. */
typedef struct McuLimiter {
	float reduction; /* 1 - gain at the end of the last call */
} McuLimiter;

/** Bring pcm into -1 to 1: transparent below -3 dBFS; peaks are met by a gain that falls within
 * 2.5 ms and recovers in about 200 ms; a smooth curve bends what it could not foresee.
 * frames: a multiple of 120. NaN becomes 0.
 */
void mcu_limiter_run(McuLimiter *lim, float *pcm, size_t frames);
