#include "voice.h"

#include <math.h>

/* -16 dBFS at the loudest syllable: nine talkers make the limiter work, two do not. */
#define PEAK         0.16
#define SYLLABLES_HZ 3.5
#define RAMP_S       0.01

void mcu_voice_init(McuVoice *v, int hz, int rate_hz, double on_s, double off_s)
{
	*v = (McuVoice){ .hz = hz, .rate_hz = rate_hz, .on_s = on_s, .off_s = off_s };
	if (on_s <= 0)
		v->off_s = 0;
}

static bool talking(const McuVoice *v)
{
	double t = (double)v->position / v->rate_hz;

	return v->hz && (v->off_s <= 0 || fmod(t, v->on_s + v->off_s) < v->on_s);
}

/* Between 40 and 100 %: never silent, so that every gap a listener hears is a fault. */
static double syllable(const McuVoice *v)
{
	double t = (double)v->position / v->rate_hz;

	return 0.7 + 0.3 * sin(2 * M_PI * SYLLABLES_HZ * t + v->hz);
}

void mcu_voice_fill(McuVoice *v, float *pcm, size_t n)
{
	double step = 2 * M_PI * v->hz / v->rate_hz, ramp = 1.0 / (RAMP_S * v->rate_hz);

	for (size_t i = 0; i < n; i++) {
		double target = talking(v) ? 1 : 0;

		v->gain += fmax(fmin(target - v->gain, ramp), -ramp);
		pcm[i] = (float)(PEAK * v->gain * syllable(v) * sin(v->phase));
		v->phase = fmod(v->phase + step, 2 * M_PI);
		v->position++;
	}
}

double mcu_voice_loudness(const McuVoice *v)
{
	return v->gain * syllable(v);
}
