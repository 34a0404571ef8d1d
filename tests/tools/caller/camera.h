/* Where the caller's pictures come from: a drawn person who talks, or a video file in a loop. Both
 * carry the mark.
 */
#pragma once
#include "hw/hw.h"
#include "mark.h"

typedef struct McuCamera McuCamera;

typedef struct McuCameraConfig {
	const char *file;  /* NULL = the drawn person */
	int width, height; /* 0 = the file's own, halved until it fits 1280x720 */
	int fps;           /* 0 = the file's own, at most 60 */
	unsigned mark;     /* 1..255; 0 = no mark */
	unsigned look;     /* any number: colours, hair, when the eyes close */
} McuCameraConfig;

/** Sizes are even. */
bool mcu_camera_size_ok(int width, int height, int fps);

/** Errors: -EINVAL size; -ENOENT, -EIO, -ENOTSUP file. */
int mcu_camera_new(const McuCameraConfig *config, McuCamera **ret, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_camera_free(McuCamera *camera);

int mcu_camera_width(const McuCamera *camera);
int mcu_camera_height(const McuCamera *camera);
int mcu_camera_fps(const McuCamera *camera);

/** Picture number `n` of the stream, taken at `wall_ms`. loudness 0..1 opens the mouth.
 * Owns: caller gets a reference.  Errors: -EIO the file cannot be read (any more); -ENOMEM.
 */
int mcu_camera_take(McuCamera *camera, uint64_t n, int64_t wall_ms, double loudness,
		    HwFrame **ret) MCU_WARN_UNUSED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuCamera, mcu_camera_free)
