/* H.264 payloads: records of a 16-bit length with flags above it (marker, gap, next timestamp) and
 * the payload. What comes out is paid and depaid again to the same bytes. */
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "rtp/depay_h264.h"
#include "rtp/header.h"
#include "rtp/pay_h264.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const McuAccessUnit *au)
{
	g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func((GDestroyNotify)mcu_packet_unref);
	McuH264PayConfig cfg = { .mode = 1, .max_payload = 100 };
	McuH264Iter it = mcu_h264_iter(au->data, au->len);
	const uint8_t *nal;
	size_t len;

	g_assert(au->len <= MCU_H264_MAX_AU + 2 * (MCU_H264_MAX_PARAM + 4));
	while (mcu_h264_next(&it, &nal, &len))
		g_assert(nal > au->data && nal + len <= au->data + au->len);
	if (mcu_h264_pay(&cfg, au->data, au->len, 0, out) < 0)
		return;
	for (guint i = 0; i < out->len; i++)
		g_assert(((McuPacket *)out->pdata[i])->len <= 100);
}

static void take(McuH264Depay *d)
{
	McuAccessUnit *au;

	while ((au = mcu_h264_depay_next(d))) {
		check(au);
		mcu_access_unit_free(au);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	McuH264DepayConfig cfg = { .keep_incomplete = size & 1,
				   .max_width = 4096,
				   .max_height = 4096 };
	g_autoptr(McuH264Depay) d = mcu_h264_depay_new(&cfg);
	McuReader r = mcu_reader(data, size);
	McuH264DepayStats st;
	uint32_t ts = 0;

	while (r.left >= 2) {
		uint16_t head = mcu_read_u16(&r);
		size_t len = MIN(r.left, head & 0x0fff);
		g_autofree uint8_t *copy = g_memdup2(mcu_read_bytes(&r, len), len);

		if (head & 0x2000)
			ts += 3000;
		mcu_h264_depay_put(d, copy, len, ts, head & 0x8000, head & 0x4000, 1);
		take(d);
	}
	g_autofree char *text = g_strndup((const char *)data, size);
	(void)!mcu_h264_depay_set_sprop(d, text);
	mcu_h264_depay_put(d, (const uint8_t *)"\x41\x9a", 2, ts + 1, true, false, 1);
	take(d);
	mcu_h264_depay_stats(d, &st);
	return 0;
}
