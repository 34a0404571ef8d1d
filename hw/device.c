#include "hw/mock/mock.h"
#include "hw/ops.h"
#include "hw/soft/soft.h"

const char *hw_backend_name(HwBackend backend)
{
	static const char *const names[] = {
		[HW_BACKEND_SOFT] = "soft",
		[HW_BACKEND_MOCK] = "mock",
		[HW_BACKEND_VAAPI] = "vaapi",
	};

	return (unsigned)backend < G_N_ELEMENTS(names) ? names[backend] : NULL;
}

const char *hw_codec_name(HwCodec codec)
{
	static const char *const names[] = {
		[HW_CODEC_H264] = "h264", [HW_CODEC_VP8] = "vp8", [HW_CODEC_VP9] = "vp9",
		[HW_CODEC_HEVC] = "hevc", [HW_CODEC_AV1] = "av1",
	};

	return (unsigned)codec < G_N_ELEMENTS(names) ? names[codec] : NULL;
}

const char *hw_format_name(HwFormat format)
{
	static const char *const names[] = {
		[HW_FORMAT_I420] = "i420",
		[HW_FORMAT_NV12] = "nv12",
		[HW_FORMAT_BGRA] = "bgra",
	};

	return (unsigned)format < G_N_ELEMENTS(names) ? names[format] : NULL;
}

void hw_device_init(HwDevice *device, const HwDeviceOps *ops)
{
	device->ops = ops;
	atomic_init(&device->refs, 1);
}

int hw_device_open(const HwDeviceConfig *config, HwDevice **ret, McuDiag *reterr)
{
	switch ((int)config->backend) {
	case HW_BACKEND_MOCK:
		return hw_mock_open(config->mock, ret, reterr);
	case HW_BACKEND_VAAPI:
		return mcu_diag(reterr, -ENOTSUP, "this build has no VA-API back end");
	case HW_BACKEND_SOFT:
	case 0:
		return hw_soft_open(ret);
	}
	return mcu_diag(reterr, -EINVAL, "unknown back end %d", (int)config->backend);
}

HwDevice *hw_device_ref(HwDevice *device)
{
	atomic_fetch_add_explicit(&device->refs, 1, memory_order_relaxed);
	return device;
}

void hw_device_unref(HwDevice *device)
{
	if (device && atomic_fetch_sub_explicit(&device->refs, 1, memory_order_acq_rel) == 1)
		device->ops->destroy(device);
}

HwBackend hw_device_backend(const HwDevice *device)
{
	return device->ops->backend;
}
