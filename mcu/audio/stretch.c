#include "audio/stretch.h"

#include <math.h>
#include <string.h>

#define OVERLAP   240 /* 5 ms */
#define LAG_MIN   120 /* 2.5 ms */
#define LAG_MAX   MCU_STRETCH_MAX_FRAMES
#define DECIMATE  4
#define MATCH     0.90f
#define MATCH_BAD 0.50f
#define SILENCE   (0.0010f * 0.0010f) /* mean square, -60 dBov: any lag will do */
#define SPAN      (LAG_MAX + OVERLAP)

_Static_assert(SPAN <= MCU_STRETCH_MIN_FRAMES, "a piece must hold one search");

/* normalised correlation of a[0..n) and b[0..n): 1 = the same but for a factor > 0 */
static float similarity(const float *a, const float *b, size_t n)
{
	float ab = 0, aa = 1e-9f, bb = 1e-9f;

	for (size_t i = 0; i < n; i++) {
		ab += a[i] * b[i];
		aa += a[i] * a[i];
		bb += b[i] * b[i];
	}
	return ab / sqrtf(aa * bb);
}

static void decimate(const float *in, float *out)
{
	for (size_t i = 0; i < SPAN / DECIMATE; i++) {
		const float *p = in + i * DECIMATE;

		out[i] = (p[0] + p[1] + p[2] + p[3]) / DECIMATE;
	}
}

/* best lag at full rate around a coarse one */
static size_t refine(const float *pcm, size_t coarse, float *ret_match)
{
	size_t best = coarse;

	*ret_match = -1;
	for (size_t lag = coarse - DECIMATE; lag <= coarse + DECIMATE; lag++) {
		float m;

		if (lag < LAG_MIN || lag > LAG_MAX)
			continue;
		m = similarity(pcm, pcm + lag, OVERLAP);
		if (m > *ret_match) {
			*ret_match = m;
			best = lag;
		}
	}
	return best;
}

/* lag at which the sound of the first OVERLAP samples comes again; 0 = none good enough */
static size_t find_lag(const float *pcm, int urgent)
{
	float low[SPAN / DECIMATE];
	float energy = 0, match, best = -1;
	size_t lag = LAG_MIN / DECIMATE;

	for (size_t i = 0; i < SPAN; i++)
		energy += pcm[i] * pcm[i];
	if (energy < SILENCE * SPAN)
		return LAG_MAX;
	decimate(pcm, low);
	for (size_t l = LAG_MIN / DECIMATE; l <= LAG_MAX / DECIMATE; l++) {
		match = similarity(low, low + l, OVERLAP / DECIMATE);
		if (match > best) {
			best = match;
			lag = l;
		}
	}
	lag = refine(pcm, lag * DECIMATE, &match);
	return match >= (urgent ? MATCH_BAD : MATCH) ? lag : 0;
}

/* out[i] goes over from a[i] to b[i]; out may be a */
static void cross_fade(float *out, const float *a, const float *b)
{
	for (size_t i = 0; i < OVERLAP; i++) {
		float t = ((float)i + 0.5f) / OVERLAP;

		out[i] = a[i] + t * (b[i] - a[i]);
	}
}

size_t mcu_stretch_shorten(float *pcm, size_t n, int urgent)
{
	size_t lag = n >= MCU_STRETCH_MIN_FRAMES ? find_lag(pcm, urgent) : 0;

	if (!lag)
		return n;
	cross_fade(pcm, pcm, pcm + lag);
	memmove(pcm + OVERLAP, pcm + OVERLAP + lag, (n - OVERLAP - lag) * sizeof(float));
	return n - lag;
}

size_t mcu_stretch_lengthen(float *pcm, size_t n, int urgent)
{
	float seam[OVERLAP];
	size_t lag = n >= MCU_STRETCH_MIN_FRAMES ? find_lag(pcm, urgent) : 0;

	if (!lag)
		return n;
	/* after one lag, go back to the start and play on from there */
	cross_fade(seam, pcm + lag, pcm);
	memmove(pcm + lag + OVERLAP, pcm + OVERLAP, (n - OVERLAP) * sizeof(float));
	memcpy(pcm + lag, seam, sizeof(seam));
	return n + lag;
}
