/* How loud, and is it speech: level in dBov (RFC 6464), voice activity over an adapting noise
 * floor. Pure.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define MCU_LEVEL_SILENT_DBOV -127

/** Sum of squares. */
float mcu_level_energy(const float *pcm, size_t n);

/** RMS relative to the overload point (RMS of a full-scale square wave), -127 to 0. */
float mcu_level_dbov(const float *pcm, size_t n);

/* Zero-initialised. */
typedef struct McuVad {
	float floor_dbov; /* 0 = not known yet */
	float level_dbov; /* last slot */
	unsigned run;     /* slots of speech, leaky */
	unsigned quiet;   /* slots since the last speech */
	bool speech;      /* this slot */
	bool talking;     /* for people: begins after 60 ms of speech, ends after 400 ms without */
	bool open;        /* for the mix: begins with the first block of speech, ends after 1 s */
} McuVad;

/** Judge one 20 ms slot. A slot is speech when one of its 5 ms blocks is 9 dB above the noise floor
 * and above -65 dBov, or above -45 dBov whatever the floor: music, tones and loud rooms are never
 * taken for noise. n: a multiple of 4. NULL pcm: silence.
 */
void mcu_vad_update(McuVad *vad, const float *pcm, size_t n);
