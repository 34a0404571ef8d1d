/* Scaling on the CPU, straight into a rectangle of the canvas. The result depends on sizes and
 * pixels only, not on where either lies. Private to hw/.
 */
#pragma once
#include "hw/ops.h"

typedef struct HwScaler HwScaler;

HwScaler *hw_scaler_new(void);
void hw_scaler_free(HwScaler *scaler);

/** Fill all of `dst` with all of `src`. Enlarging is bilinear; shrinking by more than 2 averages.
 * Shape: I420 or NV12 to I420; BGRA to BGRA.
 * Errors: -ENOMEM.   Thread: one at a time; no allocation of ours once sizes were seen.
 */
int hw_scaler_scale(HwScaler *scaler, const HwMapping *src, const HwMapping *dst) MCU_WARN_UNUSED;

/** Part of a picture. `rect` lies inside, x and y even. */
HwMapping hw_mapping_view(const HwMapping *m, HwRect rect);

/** Same size, NV12 to I420. */
void hw_scale_nv12_to_i420(const HwMapping *src, const HwMapping *dst);

/* Memory that grows to the largest size seen. */
typedef struct HwScratch {
	uint8_t *data;
	size_t size;
} HwScratch;

/** A picture in the scratch memory, undefined content. Errors: -ENOMEM. */
int hw_scratch_picture(HwScratch *s, HwFormat format, int width, int height,
		       HwMapping *ret) MCU_WARN_UNUSED;
void hw_scratch_done(HwScratch *s);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HwScaler, hw_scaler_free)
