/* What the caller writes down: one JSON document at the end, and on request a line of JSON for each
 * thing that happens. Its clock starts with the program.
 *
 * The document:
 *   name mark tone_hz to up up_s ended_s ended_by status reason started_unix
 *   audio, video   codec srtp direction rtcp_mux avpf …; received {packets lost …}, sent {packets
 *                  reported_lost rtt_ms …}, rtcp {nack_in pli_out …}
 *   audio.heard    tones [{hz heard_s dbfs gaps [{at_s ms}] …}], own_tone_heard_s
 *   video.seen     width height fps; marks [{id fps advances age_ms tile freezes places …}]
 *   signalling     [{t event status text}]
 *   timeline       each 500 ms: {t sent_pictures marks [{id advances pictures age_ms dimmed tile}],
 *                  tones [{hz ms dbfs}]}; what was seen and heard since the entry before
 * Rectangles are x, y, width, height; `tile` in fractions of the picture, `…_px` in pixels.
 */
#pragma once
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/** Entries of the timeline (one each 500 ms) and of the signalling log that are kept: the newest.
 */
#define MCU_REPORT_MAX_TIMELINE 14400
#define MCU_REPORT_MAX_LOG      1024
#define MCU_REPORT_TIMELINE_MS  500

typedef struct McuReport McuReport;

/** `events`: print JSON lines to standard output; `quiet`: no lines for people either. */
McuReport *mcu_report_new(bool events, bool quiet);
void mcu_report_free(McuReport *report);

/** Seconds since the program started. */
double mcu_report_now_s(const McuReport *report);
double mcu_report_time_s(const McuReport *report, int64_t monotonic_ns);

/** One step of signalling ("invite", "answer", "bye", …): status 0 = none. */
void mcu_report_log(McuReport *report, const char *event, int status, const char *text);

/** Begin an entry of the timeline: an object that holds t; finish it with _end(). */
JsonBuilder *mcu_report_timeline_begin(McuReport *report);
void mcu_report_timeline_end(McuReport *report, JsonBuilder *json);

/** Members started_unix, signalling and timeline of the object that is open. */
void mcu_report_write_members(const McuReport *report, JsonBuilder *json);

/** Errors: -EIO. */
int mcu_report_save(JsonBuilder *json, const char *path) MCU_WARN_UNUSED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuReport, mcu_report_free)
