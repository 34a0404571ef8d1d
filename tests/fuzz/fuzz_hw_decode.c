/* Hostile streams into the soft decoder: first byte the codec, then units as 16-bit length, bytes.
 * Every picture that comes out is read whole. */
#include "base/bytes.h"
#include "hw/hw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

static void read_picture(HwFrame *frame)
{
	unsigned sum = 0;
	HwMapping m;

	if (hw_frame_map(frame, &m) < 0)
		return;
	g_assert(m.width <= 320 && m.height <= 320);
	for (int p = 0; p < 3 && m.data[p]; p++)
		for (int y = 0; y < (p ? (m.height + 1) / 2 : m.height); y++)
			for (int x = 0; x < (p ? (m.width + 1) / 2 : m.width); x++)
				sum += m.data[p][y * m.stride[p] + x];
	sink = sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	McuReader r = mcu_reader(data, size);
	HwDecoderConfig config = { HW_CODEC_H264, 320, 320 };
	g_autoptr(HwDevice) device = NULL;
	g_autoptr(HwDecoder) dec = NULL;

	config.codec = (HwCodec)(HW_CODEC_H264 + mcu_read_u8(&r) % HW_CODEC_HEVC);
	if (hw_device_open(&(HwDeviceConfig){ .backend = HW_BACKEND_SOFT }, &device, NULL) < 0 ||
	    hw_decoder_new(device, &config, &dec, NULL) < 0)
		return 0;
	for (int units = 0; units < 32 && r.left && !r.failed; units++) {
		g_autoptr(HwFrame) frame = NULL;
		size_t len = mcu_read_u16(&r);
		const uint8_t *unit = mcu_read_bytes(&r, MIN(len, r.left));

		if (!unit)
			break;
		(void)hw_decoder_send(dec, unit, MIN(len, (size_t)(data + size - unit)), units);
		if (hw_decoder_receive(dec, &frame) == 0)
			read_picture(frame);
	}
	return 0;
}
