/* The CPU back end: the default where no GPU is found, and the model others are compared with.
 * Private to hw/. Other back ends use its parts for what their device cannot do.
 */
#pragma once
#include "hw/ops.h"

#ifdef __clang__
#define HW_VECTORIZE /* clang does at -O2 */
#else
#define HW_VECTORIZE __attribute__((optimize("O3")))
#endif

/** Rate-control buffer of the encoders. */
#define HW_SOFT_VBV_SECONDS 0.5

int hw_soft_open(HwDevice **ret) MCU_WARN_UNUSED;

/* `device` may be of any back end. */
int hw_soft_decoder_new(HwDevice *device, const HwDecoderConfig *config, HwDecoder **ret,
			McuDiag *reterr) MCU_WARN_UNUSED;
int hw_soft_composer_new(HwDevice *device, int width, int height, HwComposer **ret,
			 McuDiag *reterr) MCU_WARN_UNUSED;
int hw_soft_encoder_new(HwDevice *device, const HwEncoderConfig *config, HwEncoder **ret,
			McuDiag *reterr) MCU_WARN_UNUSED;

/** libav writes to stderr unless told otherwise; once per process, any thread. */
void hw_soft_quiet_libav(void);

/** Wrap a decoded picture without copying it: takes what `av` holds and leaves it blank.
 * Full range becomes limited range and other layouts than 8-bit 4:2:0 are converted (one copy).
 * Errors: -ENOTSUP a layout that cannot be converted; -EOVERFLOW; -ENOMEM.
 */
struct AVFrame;
int hw_soft_wrap_picture(struct AVFrame *av, HwFrame **ret) MCU_WARN_UNUSED;

/* Encoders; the config was checked by the wrapper. */
int hw_openh264_new(const HwEncoderConfig *config, HwEncoder **ret,
		    McuDiag *reterr) MCU_WARN_UNUSED;
int hw_x264_new(const HwEncoderConfig *config, HwEncoder **ret, McuDiag *reterr) MCU_WARN_UNUSED;
