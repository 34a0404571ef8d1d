/* The audio m= line: voice -> encoder -> line; line -> decoder -> ear; telephone keys both ways.
 *
 * Received sound is judged on its own time line (RTP time), without a playout buffer: what is lost
 * is concealed as a good receiver would, and how late packets come is told apart ("lateness").
 */
#pragma once
#include "ear.h"
#include "line.h"
#include "options.h"

typedef struct McuVoiceLine McuVoiceLine;

int mcu_voice_line_new(const McuCallerOptions *options, McuReport *report, const char *address,
		       McuVoiceLine **ret, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_voice_line_free(McuVoiceLine *voice);

McuLine *mcu_voice_line_line(McuVoiceLine *voice);
McuEar *mcu_voice_line_ear(McuVoiceLine *voice);

/** After mcu_line_apply(): codecs may have changed. */
void mcu_voice_line_applied(McuVoiceLine *voice);

/** Call every few milliseconds: sends what is due by now. */
void mcu_voice_line_tick(McuVoiceLine *voice, int64_t now_ns);

/** How far the mouth is open, 0..1. */
double mcu_voice_line_loudness(const McuVoiceLine *voice);

/** Keys received so far. */
const char *mcu_voice_line_keys(const McuVoiceLine *voice);

/** Object. */
void mcu_voice_line_report(const McuVoiceLine *voice, JsonBuilder *json);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuVoiceLine, mcu_voice_line_free)
