/* The video m= line: camera -> encoder -> payloads -> line; line -> access units -> decoder -> eye.
 */
#pragma once
#include "eye.h"
#include "line.h"
#include "options.h"

typedef struct McuVideoLine McuVideoLine;

int mcu_video_line_new(const McuCallerOptions *options, McuReport *report, const char *address,
		       McuVideoLine **ret, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_video_line_free(McuVideoLine *video);

McuLine *mcu_video_line_line(McuVideoLine *video);
McuEye *mcu_video_line_eye(McuVideoLine *video);

/** After mcu_line_apply(): opens camera and encoder as the peer allows.
 * Errors: as mcu_camera_new(), hw_encoder_new().
 */
int mcu_video_line_applied(McuVideoLine *video, McuDiag *reterr) MCU_WARN_UNUSED;

/** Call every few milliseconds: sends the picture that is due. `loudness` opens the mouth. */
void mcu_video_line_tick(McuVideoLine *video, int64_t now_ns, double loudness);

/** Pictures sent so far. */
uint64_t mcu_video_line_sent(const McuVideoLine *video);

/** The next picture sent is a keyframe. */
void mcu_video_line_refresh(McuVideoLine *video);

/** A keyframe should be asked for by INFO now. Reading it resets it. */
bool mcu_video_line_wants_info(McuVideoLine *video);

/** Last picture received, as PNG. Errors: -ENOENT none; -EIO. */
int mcu_video_line_snapshot(const McuVideoLine *video, const char *path) MCU_WARN_UNUSED;

/** Object. */
void mcu_video_line_report(const McuVideoLine *video, JsonBuilder *json);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuVideoLine, mcu_video_line_free)
