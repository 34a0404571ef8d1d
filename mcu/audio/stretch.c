#include "audio/stretch.h"

#include <glib.h>
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
#define ANCHOR    240 /* places at which a seam is tried */

_Static_assert(SPAN <= MCU_STRETCH_MIN_FRAMES, "a piece must hold one whole search");

/* where to join, and what distance fits there */
typedef struct Seam {
	size_t at, lag; /* lag 0: nowhere */
} Seam;

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

static void decimate(const float *in, float *out, size_t n)
{
	for (size_t i = 0; i < n / DECIMATE; i++) {
		const float *p = in + i * DECIMATE;

		out[i] = (p[0] + p[1] + p[2] + p[3]) / DECIMATE;
	}
}

/* best lag at full rate around a coarse one */
static size_t refine(const float *pcm, size_t coarse, size_t lag_max, float *ret_match)
{
	size_t best = coarse;

	*ret_match = -1;
	for (size_t lag = coarse - DECIMATE; lag <= coarse + DECIMATE; lag++) {
		float m;

		if (lag < LAG_MIN || lag > lag_max)
			continue;
		m = similarity(pcm, pcm + lag, OVERLAP);
		if (m > *ret_match) {
			*ret_match = m;
			best = lag;
		}
	}
	return best;
}

/* lag up to lag_max at which the sound of the first OVERLAP samples comes again */
static size_t find_lag(const float *pcm, size_t lag_max, float *ret_match)
{
	float low[SPAN / DECIMATE];
	float match, best = -1;
	size_t lag = LAG_MIN / DECIMATE;

	decimate(pcm, low, lag_max + OVERLAP);
	for (size_t l = LAG_MIN / DECIMATE; l <= lag_max / DECIMATE; l++) {
		match = similarity(low, low + l, OVERLAP / DECIMATE);
		if (match > best) {
			best = match;
			lag = l;
		}
	}
	return refine(pcm, lag * DECIMATE, lag_max, ret_match);
}

static Seam find_seam(const float *pcm, size_t n, int urgent)
{
	float need = urgent ? MATCH_BAD : MATCH, energy = 0, match;

	if (n < MCU_STRETCH_MIN_FRAMES)
		return (Seam){ 0 };
	for (size_t i = 0; i < SPAN; i++)
		energy += pcm[i] * pcm[i];
	if (energy < SILENCE * SPAN)
		return (Seam){ .lag = LAG_MAX };
	for (size_t at = 0; at + LAG_MIN + OVERLAP <= n && at < SPAN; at += ANCHOR) {
		size_t lag_max = MIN((size_t)LAG_MAX, n - at - OVERLAP);
		size_t lag = find_lag(pcm + at, lag_max, &match);

		if (match >= need)
			return (Seam){ at, lag };
	}
	return (Seam){ 0 };
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
	Seam seam = find_seam(pcm, n, urgent);
	float *at = pcm + seam.at, *rest = at + OVERLAP;

	if (!seam.lag)
		return n;
	cross_fade(at, at, at + seam.lag);
	memmove(rest, rest + seam.lag, (size_t)(pcm + n - rest - seam.lag) * sizeof(float));
	return n - seam.lag;
}

size_t mcu_stretch_lengthen(float *pcm, size_t n, int urgent)
{
	Seam seam = find_seam(pcm, n, urgent);
	float *at = pcm + seam.at, *rest = at + OVERLAP, joint[OVERLAP];

	if (!seam.lag)
		return n;
	/* after one lag, go back to the seam and play on from there */
	cross_fade(joint, at + seam.lag, at);
	memmove(rest + seam.lag, rest, (size_t)(pcm + n - rest) * sizeof(float));
	memcpy(at + seam.lag, joint, sizeof(joint));
	return n + seam.lag;
}
