/* The caller's eye: which marks are in the pictures it receives, where, how old, and how fast each
 * advances.
 *
 *   every picture: read the marks where they were last found (cheap)
 *   N times a second, or when one is lost: search the whole picture
 *
 * Pure. Times are seconds on the caller's clock (report.h).
 */
#pragma once
#include <json-glib/json-glib.h>

#include "mark.h"

/** Freezes and moves listed per mark; further ones are counted. */
#define MCU_EYE_MAX_EVENTS 64
/** A mark that does not advance for this long is frozen. */
#define MCU_EYE_FREEZE_S 0.5

typedef struct McuEye McuEye;

/** Search at most `analyse_fps` times a second; 0 = every picture. */
McuEye *mcu_eye_new(double analyse_fps);
void mcu_eye_free(McuEye *eye);

/** One received picture. `wall_ms` is the wall clock in milliseconds, for the age of marks;
 * negative when the picture comes from a file. Errors: as mcu_mark_find().
 */
int mcu_eye_see(McuEye *eye, const HwMapping *picture, double t_s, int64_t wall_ms) MCU_WARN_UNUSED;

/** Marks in view since the last call of this function: array of {id, advances, age_ms, dimmed,
 * tile}. */
void mcu_eye_recent(McuEye *eye, JsonBuilder *json);

/** Object: width, height, pictures, fps, sizes, marks (array). `end_s` closes freezes still going
 * on. */
void mcu_eye_report(McuEye *eye, double end_s, JsonBuilder *json);

/** For tests: how often mark `id` advanced, and how often it froze. */
unsigned mcu_eye_advances(const McuEye *eye, unsigned id);
unsigned mcu_eye_freezes(const McuEye *eye, unsigned id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuEye, mcu_eye_free)
