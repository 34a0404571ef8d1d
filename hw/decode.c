#include "hw/ops.h"
#include "hw/soft/soft.h"

int hw_decoder_new(HwDevice *device, const HwDecoderConfig *config, HwDecoder **ret,
		   McuDiag *reterr)
{
	HwDecoderConfig c = *config;
	HwDecoder *dec = NULL;
	int r;

	if (!hw_codec_name(c.codec))
		return mcu_diag(reterr, -EINVAL, "unknown codec %d", (int)c.codec);
	if (c.max_width <= 0 || c.max_width > HW_MAX_SIZE)
		c.max_width = HW_MAX_SIZE;
	if (c.max_height <= 0 || c.max_height > HW_MAX_SIZE)
		c.max_height = HW_MAX_SIZE;
	if (device->ops->decoder_new)
		r = device->ops->decoder_new(device, &c, &dec, reterr);
	else
		r = hw_soft_decoder_new(device, &c, &dec, reterr);
	if (r < 0)
		return r;
	dec->device = hw_device_ref(device);
	*ret = dec;
	return 0;
}

void hw_decoder_free(HwDecoder *dec)
{
	HwDevice *device;

	if (!dec)
		return;
	device = dec->device;
	dec->ops->destroy(dec);
	hw_device_unref(device);
}

int hw_decoder_send(HwDecoder *dec, const uint8_t *data, size_t len, int64_t pts_ns)
{
	if (!data || !len || len > HW_MAX_ACCESS_UNIT)
		return -EINVAL;
	return dec->ops->send(dec, data, len, pts_ns);
}

int hw_decoder_receive(HwDecoder *dec, HwFrame **ret)
{
	return dec->ops->receive(dec, ret);
}

void hw_decoder_flush(HwDecoder *dec)
{
	dec->ops->flush(dec);
}

void hw_decoder_set_skip_loop_filter(HwDecoder *dec, bool skip)
{
	if (dec->ops->set_skip_loop_filter)
		dec->ops->set_skip_loop_filter(dec, skip);
}

const char *hw_decoder_name(const HwDecoder *dec)
{
	return dec->ops->name(dec);
}
