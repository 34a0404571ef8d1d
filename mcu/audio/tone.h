/* Tones as test signals: a generator, and a detector (Goertzel) that gives a level in dBFS. Pure.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct McuTone {
	double phase; /* radians */
	double step;
	float amplitude;
} McuTone;

/** level_dbfs: of the peak, 0 = full scale. */
void mcu_tone_init(McuTone *tone, double hz, double level_dbfs, unsigned rate_hz);

/** Write (add = 0) or add the next n samples; the phase goes on from call to call. */
void mcu_tone_run(McuTone *tone, float *out, size_t n, int add);

/** Peak level in dBFS of the frequency hz within n samples (Hann window); -120 at least.
 * Resolution is about 2 * rate / n Hz: 50 ms tell tones 40 Hz apart.
 */
double mcu_tone_level(const float *pcm, size_t n, double hz, unsigned rate_hz);

/** Energy of everything else than the tones in hz[0..n_hz), relative to full scale, in dB. */
double mcu_tone_residual(const float *pcm, size_t n, const double *hz, size_t n_hz,
			 unsigned rate_hz);
