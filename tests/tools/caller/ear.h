/* The caller's ear: which tones of a known grid are in the sound it receives, how loud, for how
 * long, and where they break off.
 *
 *   any rate -> 8 kHz -> 30 ms windows every 10 ms -> one Goertzel per grid tone -> statistics
 *
 * Pure. Times are seconds on the caller's clock (report.h).
 */
#pragma once
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "voice.h"

#define MCU_EAR_TONES ((MCU_VOICE_MAX_HZ - MCU_VOICE_MIN_HZ) / MCU_VOICE_STEP_HZ + 1)
/** Gaps listed per tone; further ones are counted. */
#define MCU_EAR_MAX_GAPS 64
/** Silence inside a tone that counts as a gap. */
#define MCU_EAR_GAP_S 0.060

typedef struct McuEar McuEar;

/** `own_hz` is what the caller itself says: hearing it is an echo. */
McuEar *mcu_ear_new(int own_hz);
void mcu_ear_free(McuEar *ear);

/** Shape: float mono at a multiple of 8 kHz; `t_s` is the time of pcm[0]. Sound that does not
 * follow on the last (a pause of the sender) starts a new window.
 */
void mcu_ear_hear(McuEar *ear, const float *pcm, size_t n, unsigned rate_hz, double t_s);

/** Tones heard since the last call of this function: array of {hz, ms, dbfs}. */
void mcu_ear_recent(McuEar *ear, JsonBuilder *json);

/** Object: tones (array), own_tone_heard_s, heard_s, level_dbfs. */
void mcu_ear_report(const McuEar *ear, JsonBuilder *json);

/** Statistics of one tone, for tests: seconds heard, and how many gaps. */
double mcu_ear_heard_s(const McuEar *ear, int hz);
unsigned mcu_ear_gaps(const McuEar *ear, int hz);
double mcu_ear_level_dbfs(const McuEar *ear, int hz);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuEar, mcu_ear_free)
