#include "audio/tone.h"

#include <math.h>

#define LEVEL_MIN_DB -120.0

void mcu_tone_init(McuTone *tone, double hz, double level_dbfs, unsigned rate_hz)
{
	*tone = (McuTone){
		.step = 2 * M_PI * hz / rate_hz,
		.amplitude = (float)pow(10, level_dbfs / 20),
	};
}

void mcu_tone_run(McuTone *tone, float *out, size_t n, int add)
{
	for (size_t i = 0; i < n; i++) {
		float v = tone->amplitude * (float)sin(tone->phase);

		out[i] = add ? out[i] + v : v;
		tone->phase += tone->step;
		if (tone->phase > 2 * M_PI)
			tone->phase -= 2 * M_PI;
	}
}

static double to_db(double amplitude)
{
	return fmax(LEVEL_MIN_DB, 20 * log10(amplitude + 1e-12));
}

static double hann(size_t i, size_t n)
{
	return 0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / (double)n);
}

double mcu_tone_level(const float *pcm, size_t n, double hz, unsigned rate_hz)
{
	double coef = 2 * cos(2 * M_PI * hz / rate_hz);
	double s1 = 0, s2 = 0, weight = 0, power;

	for (size_t i = 0; i < n; i++) {
		double w = hann(i, n);
		double s0 = w * (double)pcm[i] + coef * s1 - s2;

		weight += w;
		s2 = s1;
		s1 = s0;
	}
	if (weight <= 0)
		return LEVEL_MIN_DB;
	power = s1 * s1 + s2 * s2 - coef * s1 * s2;
	return to_db(2 * sqrt(fmax(power, 0)) / weight);
}

double mcu_tone_residual(const float *pcm, size_t n, const double *hz, size_t n_hz,
			 unsigned rate_hz)
{
	double total = 0, weight = 0, rest;

	for (size_t i = 0; i < n; i++) {
		double w = hann(i, n);

		total += w * w * (double)pcm[i] * (double)pcm[i];
		weight += w * w;
	}
	if (weight <= 0)
		return LEVEL_MIN_DB;
	rest = total / weight;
	for (size_t k = 0; k < n_hz; k++) {
		double a = pow(10, mcu_tone_level(pcm, n, hz[k], rate_hz) / 20);

		rest -= a * a / 2;
	}
	return to_db(sqrt(fmax(rest, 0)));
}
