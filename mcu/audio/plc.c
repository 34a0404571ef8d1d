#include "audio/plc.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#include "audio/level.h"

#define HOLD_MS     40  /* repeated at full level */
#define FADE_MS     100 /* then down to the noise */
#define JOIN_MS     5
#define FLOOR_LEVEL -72.0f /* dBov, before anything is known */
#define FLOOR_MAX   -50.0f

void mcu_plc_init(McuPlc *plc, unsigned rate_hz)
{
	g_assert(rate_hz == 8000 || rate_hz == 16000 || rate_hz == 48000);
	*plc = (McuPlc){ .rate_hz = rate_hz, .floor = powf(10, FLOOR_LEVEL / 10) };
}

static size_t ms(const McuPlc *plc, size_t n)
{
	return n * plc->rate_hz / 1000;
}

static size_t history_len(const McuPlc *plc)
{
	return ms(plc, 40);
}

/* normalised correlation of the newest 10 ms with those `lag` samples before */
static float match_at(const McuPlc *plc, size_t lag, size_t step)
{
	size_t window = ms(plc, 10);
	const float *a = plc->history + history_len(plc) - window, *b = a - lag;
	float ab = 0, aa = 1e-9f, bb = 1e-9f;

	for (size_t i = 0; i < window; i += step) {
		ab += a[i] * b[i];
		aa += a[i] * a[i];
		bb += b[i] * b[i];
	}
	return ab / sqrtf(aa * bb);
}

static size_t best_lag(const McuPlc *plc, size_t from, size_t to, size_t step)
{
	size_t best = from;
	float best_match = -1;

	for (size_t lag = from; lag <= to; lag += step) {
		float match = match_at(plc, lag, step);

		if (match > best_match) {
			best_match = match;
			best = lag;
		}
	}
	return best;
}

/* distance at which the newest sound best repeats; coarsely first at high rates */
static size_t find_lag(const McuPlc *plc)
{
	size_t min = ms(plc, 2), max = ms(plc, 20), step = plc->rate_hz > 16000 ? 4 : 1;
	size_t lag = best_lag(plc, min, max, step);

	if (step == 1)
		return lag;
	return best_lag(plc, MAX(min, lag - step), MIN(max, lag + step), 1);
}

/* the last period, its end bent to run into its own beginning */
static void take_cycle(McuPlc *plc)
{
	const float *end = plc->history + history_len(plc);
	size_t join;

	plc->lag = find_lag(plc);
	plc->at = 0;
	memcpy(plc->cycle, end - plc->lag, plc->lag * sizeof(float));
	join = MIN(plc->lag / 4, history_len(plc) - plc->lag);
	for (size_t i = 0; i < join; i++) {
		float t = ((float)i + 0.5f) / (float)join;
		size_t k = plc->lag - join + i;

		plc->cycle[k] += t * (end[-(ptrdiff_t)plc->lag - (ptrdiff_t)join + (ptrdiff_t)i] -
				      plc->cycle[k]);
	}
}

static float gain_at(const McuPlc *plc, size_t lost)
{
	float t = ((float)lost - (float)ms(plc, HOLD_MS)) / (float)ms(plc, FADE_MS);

	return 1 - CLAMP(t, 0, 1);
}

static void make_up(McuPlc *plc, float *out, size_t n)
{
	if (plc->lost == 0) {
		take_cycle(plc);
		mcu_noise_set_level(&plc->noise, 10 * log10f(plc->floor));
	}
	mcu_noise_run(&plc->noise, out, n);
	for (size_t i = 0; i < n; i++) {
		float g = gain_at(plc, plc->lost + i);

		out[i] = g * plc->cycle[plc->at] + (1 - g) * out[i];
		if (++plc->at == plc->lag)
			plc->at = 0;
	}
	plc->lost += n;
}

void mcu_plc_lost(McuPlc *plc, float *out, size_t n)
{
	make_up(plc, out, n);
}

static void track_floor(McuPlc *plc, const float *pcm, size_t n)
{
	float sum = mcu_level_energy(pcm, n) / (float)n;

	if (sum < plc->floor)
		plc->floor += 0.2f * (sum - plc->floor);
	else
		plc->floor *= 1.02f;
	plc->floor = CLAMP(plc->floor, 1e-12f, powf(10, FLOOR_MAX / 10));
}

void mcu_plc_good(McuPlc *plc, float *pcm, size_t n)
{
	float made[48 * JOIN_MS];
	size_t join = MIN(ms(plc, JOIN_MS), n), keep = history_len(plc);

	if (!n)
		return;
	if (plc->lost) {
		make_up(plc, made, join);
		for (size_t i = 0; i < join; i++) {
			float t = ((float)i + 0.5f) / (float)join;

			pcm[i] = made[i] + t * (pcm[i] - made[i]);
		}
		plc->lost = 0;
	}
	track_floor(plc, pcm, n);
	if (n >= keep) {
		memcpy(plc->history, pcm + n - keep, keep * sizeof(float));
		return;
	}
	memmove(plc->history, plc->history + n, (keep - n) * sizeof(float));
	memcpy(plc->history + keep - n, pcm, n * sizeof(float));
}
