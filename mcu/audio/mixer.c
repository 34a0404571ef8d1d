#include "audio/mixer.h"

#include <math.h>

#define BLOCK   120         /* 2.5 ms */
#define TARGET  0.89f       /* -1 dBFS: where the gain brings peaks */
#define KNEE    0.75f       /* -2.5 dBFS: where the curve begins */
#define RELEASE (1.0f / 80) /* of full gain per block */

void mcu_ramp_apply(McuRamp *ramp, float target, unsigned swing_frames, float *pcm, size_t frames)
{
	float step = 1.0f / (float)(swing_frames ? swing_frames : 1);
	float g = ramp->gain;
	size_t i = 0;

	if (target < g)
		step = -step;
	for (; i < frames && g != target; i++) {
		g += step;
		if (step > 0 ? g > target : g < target)
			g = target;
		pcm[i] *= g;
	}
	ramp->gain = g;
	if (g == 1.0f)
		return;
	for (; i < frames; i++)
		pcm[i] *= g;
}

void mcu_mix_add(float *restrict sum, const float *restrict bus, size_t frames)
{
	for (size_t i = 0; i < frames; i++)
		sum[i] += bus[i];
}

void mcu_mix_minus(float *restrict out, const float *restrict sum, const float *restrict bus,
		   size_t frames)
{
	for (size_t i = 0; i < frames; i++)
		out[i] = sum[i] - bus[i];
}

static float peak_of(const float *pcm, size_t n)
{
	float peak = 0;

	for (size_t i = 0; i < n; i++)
		peak = fmaxf(peak, fabsf(pcm[i]));
	return peak;
}

static float gain_for(const float *pcm, size_t left)
{
	float peak = left >= BLOCK ? peak_of(pcm, BLOCK) : 0;

	return peak > TARGET ? TARGET / peak : 1;
}

/* identity up to the knee, then towards 1 with a continuous slope */
static float bend(float x)
{
	float a = fabsf(x), room = 1 - KNEE;

	if (a <= KNEE)
		return x;
	if (!(a > KNEE))
		return 0; /* NaN */
	a = KNEE + room * tanhf((a - KNEE) / room);
	return copysignf(fminf(a, 1), x);
}

void mcu_limiter_run(McuLimiter *lim, float *pcm, size_t frames)
{
	float g = 1 - lim->reduction;

	/* most slots: nothing to do */
	if (g >= 1 && peak_of(pcm, frames) <= KNEE) {
		for (size_t i = 0; i < frames; i++) {
			if (isnan(pcm[i]))
				pcm[i] = 0;
		}
		return;
	}
	for (size_t at = 0; at < frames; at += BLOCK) {
		float now = gain_for(pcm + at, frames - at);
		float next =
			at + BLOCK < frames ? gain_for(pcm + at + BLOCK, frames - at - BLOCK) : 1;
		/* the end of this block must suit both blocks it belongs to */
		float end = fminf(fminf(now, next), fminf(1, g + RELEASE));

		for (size_t i = 0; i < BLOCK && at + i < frames; i++) {
			float t = (float)(i + 1) / BLOCK;

			pcm[at + i] = bend(pcm[at + i] * (g + (end - g) * t));
		}
		g = end;
	}
	lim->reduction = 1 - g;
}
