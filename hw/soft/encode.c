/* Which H.264 encoder does the work. By benches/bench_hw_encode openh264 takes less CPU than x264
 * at each preset, at equal or better quality, holds the rate more evenly and needs a third of the
 * memory; x264 remains for those who ask for it and for what openh264 refuses. */
#include "hw/soft/soft.h"

int hw_soft_encoder_new(HwDevice *device, const HwEncoderConfig *config, HwEncoder **ret,
			McuDiag *reterr)
{
	int r;

	(void)device;
	if (config->kind == HW_ENCODER_OPENH264)
		return hw_openh264_new(config, ret, reterr);
	r = config->kind == HW_ENCODER_AUTO ? hw_openh264_new(config, ret, NULL) : -ENOTSUP;
	return r < 0 ? hw_x264_new(config, ret, reterr) : r;
}
