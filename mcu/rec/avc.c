#include "rec/avc.h"

#include <string.h>

#include "base/bytes.h"
#include "rtp/h264.h"

#define MAX_SETS 31 /* of a kind: 5-bit count of the SPS */

typedef struct Nal {
	const uint8_t *data;
	size_t len;
} Nal;

static bool same(Nal a, Nal b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static void add_set(Nal *sets, unsigned *n, Nal nal)
{
	for (unsigned i = 0; i < *n; i++)
		if (same(sets[i], nal))
			return;
	if (*n < MAX_SETS && nal.len <= MCU_H264_MAX_PARAM && nal.len >= 4)
		sets[(*n)++] = nal;
}

static void put(GByteArray *out, const void *bytes, size_t n)
{
	g_byte_array_append(out, bytes, (guint)n);
}

static void put_sets(GByteArray *out, const Nal *sets, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t len[2];

		mcu_put_u16(len, (uint16_t)sets[i].len);
		put(out, len, 2);
		put(out, sets[i].data, sets[i].len);
	}
}

/* ISO/IEC 14496-15 section 5.3.3.1.2; the pictures are 8 bit 4:2:0 (hw.h). */
static void write_avcc(GByteArray *out, const Nal *sps, unsigned n_sps, const Nal *pps,
		       unsigned n_pps)
{
	const uint8_t *s = sps[0].data;
	uint8_t head[] = { 1, s[1], s[2], s[3], 0xff, (uint8_t)(0xe0 | n_sps) };
	uint8_t count = (uint8_t)n_pps;

	put(out, head, sizeof(head));
	put_sets(out, sps, n_sps);
	put(out, &count, 1);
	put_sets(out, pps, n_pps);
	if (s[1] == 100 || s[1] == 110 || s[1] == 122 || s[1] == 144)
		put(out, "\xfd\xf8\xf8\0", 4);
}

int mcu_avc_config(const uint8_t *au, size_t len, GByteArray *ret_avcc, unsigned *ret_width,
		   unsigned *ret_height)
{
	McuH264Iter it = mcu_h264_iter(au, len);
	Nal sps[MAX_SETS], pps[MAX_SETS], nal;
	unsigned n_sps = 0, n_pps = 0;
	McuH264Sps parsed;

	while (mcu_h264_next(&it, &nal.data, &nal.len)) {
		unsigned type = mcu_h264_nal_type(nal.data);

		if (type == MCU_H264_NAL_SPS)
			add_set(sps, &n_sps, nal);
		else if (type == MCU_H264_NAL_PPS)
			add_set(pps, &n_pps, nal);
	}
	if (n_sps == 0 || n_pps == 0 || mcu_h264_parse_sps(sps[0].data, sps[0].len, &parsed) < 0)
		return -EINVAL;
	write_avcc(ret_avcc, sps, n_sps, pps, n_pps);
	*ret_width = parsed.width;
	*ret_height = parsed.height;
	return 0;
}

static bool in_avcc(const GByteArray *avcc, Nal nal)
{
	return avcc->len >= nal.len && memmem(avcc->data, avcc->len, nal.data, nal.len) != NULL;
}

void mcu_avc_sample(const uint8_t *au, size_t len, const GByteArray *avcc, GByteArray *out)
{
	McuH264Iter it = mcu_h264_iter(au, len);
	Nal nal;

	while (mcu_h264_next(&it, &nal.data, &nal.len)) {
		unsigned type = mcu_h264_nal_type(nal.data);
		uint8_t size[4];

		if (type == MCU_H264_NAL_AUD || type == MCU_H264_NAL_FILLER)
			continue;
		if ((type == MCU_H264_NAL_SPS || type == MCU_H264_NAL_PPS) && in_avcc(avcc, nal))
			continue;
		mcu_put_u32(size, (uint32_t)nal.len);
		put(out, size, sizeof(size));
		put(out, nal.data, nal.len);
	}
}
