#include "audio/resample.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#define RATE        48000
#define TAPS        32 /* per phase, at the lower rate: flat to 0.42 of it, -60 dB from 0.57 */
#define MAX_FACTOR  6
#define CHUNK       960
#define KAISER_BETA 6.0

typedef float V4 __attribute__((vector_size(16)));

struct McuResampler {
	unsigned factor; /* of the rates */
	int up;
	size_t history; /* samples of the past kept in front of buf */
	size_t taps;    /* of one dot product */
	float coef[TAPS * MAX_FACTOR];
	float buf[TAPS * MAX_FACTOR + CHUNK];
};

static double bessel_i0(double x)
{
	double sum = 1, term = 1;

	for (int k = 1; k < 40; k++) {
		term *= (x / (2 * k)) * (x / (2 * k));
		sum += term;
	}
	return sum;
}

/* windowed sinc with its edge at half the lower rate, for a gain of `gain` at 0 Hz */
static void design(double *h, size_t n, unsigned factor, double gain)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double t = (double)i - ((double)n - 1) / 2;
		double r = 2 * t / ((double)n - 1);
		double x = M_PI * t / factor;

		h[i] = (fabs(x) < 1e-9 ? 1 : sin(x) / x) *
		       bessel_i0(KAISER_BETA * sqrt(fmax(0, 1 - r * r)));
		sum += h[i];
	}
	for (size_t i = 0; i < n; i++)
		h[i] *= gain / sum;
}

McuResampler *mcu_resampler_new(unsigned in_hz, unsigned out_hz)
{
	double h[TAPS * MAX_FACTOR];
	unsigned low = MIN(in_hz, out_hz);
	McuResampler *rs;
	size_t n;

	if (MAX(in_hz, out_hz) != RATE || (low != 8000 && low != 16000 && low != RATE))
		return NULL;
	rs = g_new0(McuResampler, 1);
	rs->factor = RATE / low;
	rs->up = out_hz > in_hz;
	if (rs->factor == 1)
		return rs;
	n = (size_t)TAPS * rs->factor;
	design(h, n, rs->factor, rs->up ? rs->factor : 1);
	rs->taps = rs->up ? TAPS : n;
	rs->history = rs->taps - 1;
	/* reversed, so that every output is a dot product with samples in their order */
	for (size_t i = 0; i < n; i++) {
		size_t phase = rs->up ? i % rs->factor : 0;
		size_t tap = rs->up ? i / rs->factor : i;

		rs->coef[phase * rs->taps + rs->taps - 1 - tap] = (float)h[i];
	}
	return rs;
}

void mcu_resampler_free(McuResampler *rs)
{
	g_free(rs);
}

void mcu_resampler_reset(McuResampler *rs)
{
	memset(rs->buf, 0, sizeof(rs->buf));
}

void mcu_resampler_copy(McuResampler *dst, const McuResampler *src)
{
	g_assert(dst->factor == src->factor && dst->up == src->up);
	memcpy(dst->buf, src->buf, src->history * sizeof(float));
}

unsigned mcu_resampler_delay(const McuResampler *rs)
{
	if (rs->factor == 1)
		return 0;
	return rs->up ? TAPS * rs->factor / 2 : TAPS / 2;
}

static float dot(const float *a, const float *b, size_t n)
{
	V4 sum = { 0 }, x, y;

	for (size_t i = 0; i < n; i += 4) {
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		sum += x * y;
	}
	return sum[0] + sum[1] + (sum[2] + sum[3]);
}

static size_t run_chunk(McuResampler *rs, const float *in, size_t n, float *out)
{
	size_t n_out = 0;

	memcpy(rs->buf + rs->history, in, n * sizeof(float));
	if (rs->up) {
		for (size_t i = 0; i < n; i++) {
			for (unsigned p = 0; p < rs->factor; p++)
				out[n_out++] = dot(rs->coef + p * rs->taps, rs->buf + i, rs->taps);
		}
	} else {
		/* the newest sample of each group ends the window */
		for (size_t i = rs->factor - 1; i < n; i += rs->factor)
			out[n_out++] = dot(rs->coef, rs->buf + i, rs->taps);
	}
	memmove(rs->buf, rs->buf + n, rs->history * sizeof(float));
	return n_out;
}

size_t mcu_resampler_run(McuResampler *rs, const float *in, size_t n_in, float *out)
{
	size_t done = 0;

	if (rs->factor == 1) {
		memcpy(out, in, n_in * sizeof(float));
		return n_in;
	}
	g_assert(rs->up || n_in % rs->factor == 0);
	for (size_t i = 0; i < n_in; i += CHUNK)
		done += run_chunk(rs, in + i, MIN(n_in - i, (size_t)CHUNK), out + done);
	return done;
}
