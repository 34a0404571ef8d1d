/* Which H.264 encoder does the work: openh264 or x264, measured by benches/bench_hw_encode. */
#include "hw/soft/soft.h"

int hw_soft_encoder_new(HwDevice *device, const HwEncoderConfig *config, HwEncoder **ret,
			McuDiag *reterr)
{
	(void)device;
	if (config->kind == HW_ENCODER_X264)
		return hw_x264_new(config, ret, reterr);
	return hw_openh264_new(config, ret, reterr);
}
