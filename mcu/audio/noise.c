#include "audio/noise.h"

#include <errno.h>
#include <math.h>

/* rms of what white() gives */
#define WHITE_RMS 0.57735f
#define K_MAX     0.97f /* nearer to 1 the filter would ring for seconds */

static float white(McuNoise *noise)
{
	noise->seed = noise->seed * 1664525u + 1013904223u;
	return (float)(int32_t)noise->seed / 2147483648.0f;
}

void mcu_noise_set_level(McuNoise *noise, float dbov)
{
	noise->rms = powf(10, dbov / 20);
	noise->order = 0;
}

int mcu_noise_set_cn(McuNoise *noise, const uint8_t *payload, size_t len)
{
	float gain = 1;

	if (!len)
		return -EINVAL;
	mcu_noise_set_level(noise, -(float)(payload[0] & 0x7f));
	for (size_t i = 1; i < len && noise->order < MCU_NOISE_MAX_ORDER; i++) {
		/* RFC 3389 section 3.2; 255 is reserved */
		float k = payload[i] == 255 ? 0 : 258.0f * ((float)payload[i] - 127) / 32768.0f;

		k = fmaxf(-K_MAX, fminf(K_MAX, k));
		noise->k[noise->order++] = k;
		gain *= 1 - k * k;
	}
	noise->rms *= sqrtf(gain);
	return 0;
}

void mcu_noise_run(McuNoise *noise, float *out, size_t n)
{
	float amplitude = noise->rms / WHITE_RMS;
	float *s = noise->state;

	for (size_t i = 0; i < n; i++) {
		float f = amplitude * white(noise);

		/* all-pole lattice: stable as every |k| < 1 */
		for (unsigned m = noise->order; m > 0; m--) {
			f -= noise->k[m - 1] * s[m - 1];
			s[m] = s[m - 1] + noise->k[m - 1] * f;
		}
		s[0] = f;
		out[i] = fmaxf(-1, fminf(1, f));
	}
}
