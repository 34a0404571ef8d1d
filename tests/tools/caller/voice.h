/* The caller's voice: a sine of one pitch, syllabic like speech, in a pattern of talking and
 * listening. Pure.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Pitches that ear.h tells apart: multiples of the step. All pass G.711. */
#define MCU_VOICE_MIN_HZ  300
#define MCU_VOICE_MAX_HZ  3300
#define MCU_VOICE_STEP_HZ 100

typedef struct McuVoice {
	int hz; /* 0 = silent */
	int rate_hz;
	double on_s, off_s; /* off_s 0 = talks all the time */
	uint64_t position;  /* samples made */
	double phase;
	double gain; /* follows on/off without clicks */
} McuVoice;

/** on_s <= 0 stands for talking all the time. */
void mcu_voice_init(McuVoice *voice, int hz, int rate_hz, double on_s, double off_s);

/** Next `n` samples, float mono. */
void mcu_voice_fill(McuVoice *voice, float *pcm, size_t n);

/** How loud it is now, 0..1: how far the mouth is open. */
double mcu_voice_loudness(const McuVoice *voice);
