#include "hw/soft/compat.h"
#include "hw/soft/soft.h"

static void soft_destroy(HwDevice *device)
{
	g_free(device);
}

static const HwDeviceOps soft_ops = {
	.backend = HW_BACKEND_SOFT,
	.destroy = soft_destroy,
};

static void no_log(void *ctx, int level, const char *fmt, va_list args)
{
	(void)ctx;
	(void)level;
	(void)fmt;
	(void)args;
}

void hw_soft_quiet_libav(void)
{
	static gsize done;

	if (g_once_init_enter(&done)) {
		av_log_set_callback(no_log);
		g_once_init_leave(&done, 1);
	}
}

int hw_soft_open(HwDevice **ret)
{
	HwDevice *device = g_new0(HwDevice, 1);

	hw_soft_quiet_libav();
	hw_device_init(device, &soft_ops);
	*ret = device;
	return 0;
}
