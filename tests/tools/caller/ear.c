#include "ear.h"

#include <math.h>
#include <string.h>

#include "json.h"

#define RATE_HZ 8000
/* 30 ms: a Hann window of this length is zero three bins, 100 Hz, away. */
#define WINDOW           240
#define HOP              80
#define HOP_S            0.010
#define FLOOR_DBFS       (-52.0)
#define BELOW_LOUDEST_DB 18.0
#define GAP_DROP_DB      15.0
/* Breaks longer than this are turns of talk, kick, mute or hold: listed, and told apart by length.
 */
#define SMOOTHING 0.05

typedef struct Gap {
	double start_s, duration_s;
} Gap;

typedef struct Tone {
	double coefficient;
	double heard_s, recent_s, recent_power, power_sum, max_power, mean_power;
	double first_s, last_s;
	bool ever;
	unsigned n_gaps;
	double longest_gap_s;
	Gap gaps[MCU_EAR_MAX_GAPS];
} Tone;

struct McuEar {
	int own_hz;
	double decimated, end_s;
	unsigned decimated_n;
	double window[WINDOW];
	float samples[WINDOW];
	int fill;
	double heard_s, power_sum;
	Tone tones[MCU_EAR_TONES];
};

static int tone_hz(int i)
{
	return MCU_VOICE_MIN_HZ + i * MCU_VOICE_STEP_HZ;
}

static double dbfs(double power)
{
	return 10 * log10(fmax(power, 1e-10));
}

McuEar *mcu_ear_new(int own_hz)
{
	McuEar *ear = g_new0(McuEar, 1);

	ear->own_hz = own_hz;
	for (int i = 0; i < WINDOW; i++)
		ear->window[i] = 0.5 - 0.5 * cos(2 * M_PI * i / WINDOW);
	for (int i = 0; i < MCU_EAR_TONES; i++)
		ear->tones[i].coefficient = 2 * cos(2 * M_PI * tone_hz(i) / RATE_HZ);
	return ear;
}

void mcu_ear_free(McuEar *ear)
{
	g_free(ear);
}

/* Power of a sine of that pitch; 1 = a full-scale sine (0 dBFS). */
static double goertzel(const float *x, double coefficient)
{
	double s1 = 0, s2 = 0, amplitude2;

	for (int i = 0; i < WINDOW; i++) {
		double s0 = x[i] + coefficient * s1 - s2;

		s2 = s1;
		s1 = s0;
	}
	amplitude2 = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
	return amplitude2 * 16 /
	       ((double)WINDOW * WINDOW); /* Hann halves the sum, sine halves again */
}

static void note_gap(Tone *tone, double now_s)
{
	double gap_s = now_s - tone->last_s - HOP_S;

	if (gap_s < MCU_EAR_GAP_S)
		return;
	if (tone->n_gaps < MCU_EAR_MAX_GAPS)
		tone->gaps[tone->n_gaps] = (Gap){ tone->last_s + HOP_S, gap_s };
	tone->n_gaps++;
	tone->longest_gap_s = fmax(tone->longest_gap_s, gap_s);
}

static void note_tone(Tone *tone, double power, double now_s)
{
	if (!tone->ever) {
		tone->ever = true;
		tone->first_s = now_s;
		tone->mean_power = power;
	} else {
		if (dbfs(power) < dbfs(tone->mean_power) - GAP_DROP_DB &&
		    now_s - tone->last_s < 1.0)
			return; /* the edge of a gap */
		note_gap(tone, now_s);
	}
	tone->mean_power += SMOOTHING * (power - tone->mean_power);
	tone->last_s = now_s;
	tone->heard_s += HOP_S;
	tone->recent_s += HOP_S;
	tone->recent_power += power * HOP_S;
	tone->power_sum += power * HOP_S;
	tone->max_power = fmax(tone->max_power, power);
}

static void analyse(McuEar *ear, double now_s)
{
	float x[WINDOW];
	double power[MCU_EAR_TONES], loudest = 0, total = 0;

	for (int i = 0; i < WINDOW; i++) {
		x[i] = (float)(ear->samples[i] * ear->window[i]);
		total += ear->samples[i] * ear->samples[i];
	}
	ear->heard_s += HOP_S;
	ear->power_sum += 2 * total / WINDOW * HOP_S;
	if (dbfs(2 * total / WINDOW) < FLOOR_DBFS - 6)
		return;
	for (int i = 0; i < MCU_EAR_TONES; i++) {
		power[i] = goertzel(x, ear->tones[i].coefficient);
		loudest = fmax(loudest, power[i]);
	}
	for (int i = 0; i < MCU_EAR_TONES; i++)
		if (dbfs(power[i]) > fmax(FLOOR_DBFS, dbfs(loudest) - BELOW_LOUDEST_DB))
			note_tone(&ear->tones[i], power[i], now_s);
}

void mcu_ear_hear(McuEar *ear, const float *pcm, size_t n, unsigned rate_hz, double t_s)
{
	unsigned decimate = rate_hz / RATE_HZ;

	if (fabs(t_s - ear->end_s) > HOP_S)
		ear->fill = 0;
	ear->end_s = t_s + (double)n / rate_hz;
	for (size_t i = 0; i < n; i++) {
		ear->decimated += pcm[i];
		if (++ear->decimated_n < decimate)
			continue;
		ear->samples[ear->fill++] = (float)(ear->decimated / decimate);
		ear->decimated = 0;
		ear->decimated_n = 0;
		if (ear->fill < WINDOW)
			continue;
		/* the time of the middle of the window */
		analyse(ear, t_s + (double)i / rate_hz - (double)WINDOW / 2 / RATE_HZ);
		memmove(ear->samples, ear->samples + HOP, (WINDOW - HOP) * sizeof(float));
		ear->fill -= HOP;
	}
}

double mcu_ear_heard_s(const McuEar *ear, int hz)
{
	return ear->tones[(hz - MCU_VOICE_MIN_HZ) / MCU_VOICE_STEP_HZ].heard_s;
}

unsigned mcu_ear_gaps(const McuEar *ear, int hz)
{
	return ear->tones[(hz - MCU_VOICE_MIN_HZ) / MCU_VOICE_STEP_HZ].n_gaps;
}

double mcu_ear_level_dbfs(const McuEar *ear, int hz)
{
	const Tone *tone = &ear->tones[(hz - MCU_VOICE_MIN_HZ) / MCU_VOICE_STEP_HZ];

	return tone->heard_s > 0 ? dbfs(tone->power_sum / tone->heard_s) : -100;
}

void mcu_ear_recent(McuEar *ear, JsonBuilder *json)
{
	json_builder_begin_array(json);
	for (int i = 0; i < MCU_EAR_TONES; i++) {
		Tone *tone = &ear->tones[i];

		if (tone->recent_s <= 0)
			continue;
		json_builder_begin_object(json);
		mcu_json_int(json, "hz", tone_hz(i));
		mcu_json_int(json, "ms", lrint(tone->recent_s * 1000));
		mcu_json_real(json, "dbfs", dbfs(tone->recent_power / tone->recent_s));
		json_builder_end_object(json);
		tone->recent_s = tone->recent_power = 0;
	}
	json_builder_end_array(json);
}

static void report_tone(const Tone *tone, int hz, JsonBuilder *json)
{
	json_builder_begin_object(json);
	mcu_json_int(json, "hz", hz);
	mcu_json_real(json, "heard_s", tone->heard_s);
	mcu_json_real(json, "first_s", tone->first_s);
	mcu_json_real(json, "last_s", tone->last_s);
	mcu_json_real(json, "dbfs", dbfs(tone->power_sum / tone->heard_s));
	mcu_json_real(json, "max_dbfs", dbfs(tone->max_power));
	mcu_json_int(json, "gap_count", tone->n_gaps);
	mcu_json_real(json, "longest_gap_ms", tone->longest_gap_s * 1000);
	json_builder_set_member_name(json, "gaps");
	json_builder_begin_array(json);
	for (unsigned i = 0; i < MIN(tone->n_gaps, MCU_EAR_MAX_GAPS); i++) {
		json_builder_begin_object(json);
		mcu_json_real(json, "at_s", tone->gaps[i].start_s);
		mcu_json_real(json, "ms", tone->gaps[i].duration_s * 1000);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
}

void mcu_ear_report(const McuEar *ear, JsonBuilder *json)
{
	double own_s = 0;

	json_builder_begin_object(json);
	json_builder_set_member_name(json, "tones");
	json_builder_begin_array(json);
	for (int i = 0; i < MCU_EAR_TONES; i++) {
		if (ear->tones[i].ever)
			report_tone(&ear->tones[i], tone_hz(i), json);
		if (tone_hz(i) == ear->own_hz)
			own_s = ear->tones[i].heard_s;
	}
	json_builder_end_array(json);
	mcu_json_real(json, "own_tone_heard_s", own_s);
	mcu_json_real(json, "heard_s", ear->heard_s);
	mcu_json_real(json, "level_dbfs",
		      ear->heard_s > 0 ? dbfs(ear->power_sum / ear->heard_s) : -100);
	json_builder_end_object(json);
}
