#include "rtp/h264.h"

#include <string.h>

#define MAX_SIDE 16384

/* --- NAL units of Annex B --- */

/* First 00 00 01 in [p, end), or end. */
static const uint8_t *find_start_code(const uint8_t *p, const uint8_t *end)
{
	while (end - p >= 3) {
		const uint8_t *one = memchr(p + 2, 1, (size_t)(end - p - 2));

		if (!one)
			return end;
		if (one[-1] == 0 && one[-2] == 0)
			return one - 2;
		p = one - 1;
	}
	return end;
}

McuH264Iter mcu_h264_iter(const uint8_t *data, size_t len)
{
	const uint8_t *end = data + len;

	return (McuH264Iter){ .p = len ? find_start_code(data, end) : data, .end = end };
}

bool mcu_h264_next(McuH264Iter *it, const uint8_t **ret, size_t *ret_len)
{
	while (it->p < it->end) {
		const uint8_t *nal = it->p + 3;
		const uint8_t *next = find_start_code(nal, it->end);
		size_t len = (size_t)(next - nal);

		it->p = next;
		while (len > 0 && nal[len - 1] == 0)
			len--;
		if (len > 0) {
			*ret = nal;
			*ret_len = len;
			return true;
		}
	}
	return false;
}

/* --- bits of an RBSP, emulation prevention bytes skipped --- */

typedef struct Bits {
	const uint8_t *p, *end;
	unsigned left; /* bits of `cur` not yet read */
	unsigned zeros;
	uint8_t cur;
	bool failed;
} Bits;

static Bits bits_of(const uint8_t *nal, size_t len)
{
	return (Bits){ .p = nal + 1, .end = nal + (len ? len : 1), .failed = len < 2 };
}

static unsigned bit(Bits *b)
{
	if (b->left == 0) {
		if (b->p < b->end && b->zeros >= 2 && *b->p == 3) {
			b->p++;
			b->zeros = 0;
		}
		if (b->failed || b->p >= b->end) {
			b->failed = true;
			return 0;
		}
		b->cur = *b->p++;
		b->zeros = b->cur ? 0 : b->zeros + 1;
		b->left = 8;
	}
	b->left--;
	return b->cur >> b->left & 1;
}

static uint32_t bits(Bits *b, unsigned n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 1 | bit(b);
	return v;
}

/* Exp-Golomb, section 9.1; more than 31 leading zeros are not valid. */
static uint32_t ue(Bits *b)
{
	unsigned zeros = 0;

	while (!b->failed && !bit(b))
		if (++zeros > 31)
			b->failed = true;
	if (b->failed)
		return 0;
	return (uint32_t)((UINT64_C(1) << zeros) - 1 + bits(b, zeros));
}

static int32_t se(Bits *b)
{
	uint32_t v = ue(b);

	return v & 1 ? (int32_t)(v / 2 + 1) : -(int32_t)(v / 2);
}

/* --- parameter sets --- */

static void skip_scaling_list(Bits *b, unsigned size)
{
	int32_t last = 8, next = 8;

	for (unsigned i = 0; i < size && !b->failed; i++) {
		if (next != 0)
			next = (int32_t)(((int64_t)last + se(b)) & 255);
		last = next ? next : last;
	}
}

static bool has_chroma_format(unsigned profile)
{
	static const uint8_t high[] = {
		100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135
	};

	return memchr(high, (int)profile, sizeof(high)) != NULL;
}

/* Returns chroma_format_idc, with 3 and separate planes counted as 0. */
static unsigned parse_chroma(Bits *b)
{
	uint32_t chroma = ue(b);
	bool separate = chroma == 3 && bit(b);

	(void)ue(b); /* bit depths */
	(void)ue(b);
	(void)bit(b);
	if (bit(b)) {
		unsigned lists = chroma == 3 ? 12 : 8;

		for (unsigned i = 0; i < lists && !b->failed; i++)
			if (bit(b))
				skip_scaling_list(b, i < 6 ? 16 : 64);
	}
	if (chroma > 3)
		b->failed = true;
	return separate ? 0 : chroma;
}

static void skip_poc(Bits *b)
{
	uint32_t type = ue(b);

	if (type == 0) {
		(void)ue(b);
	} else if (type == 1) {
		uint32_t n;

		(void)bit(b);
		(void)se(b);
		(void)se(b);
		n = ue(b);
		if (n > 255)
			b->failed = true;
		for (uint32_t i = 0; i < n && !b->failed; i++)
			(void)se(b);
	} else if (type > 2) {
		b->failed = true;
	}
}

/* Section 7.4.2.1.1: frame_crop_*_offset count in these units. */
static int apply_cropping(Bits *b, unsigned chroma, McuH264Sps *sps)
{
	uint32_t left = ue(b), right = ue(b), top = ue(b), bottom = ue(b);
	unsigned unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
	unsigned unit_y = (chroma == 1 ? 2 : 1) * (sps->interlaced ? 2 : 1);
	uint64_t x = ((uint64_t)left + right) * unit_x, y = ((uint64_t)top + bottom) * unit_y;

	if (x >= sps->width || y >= sps->height)
		return -EINVAL;
	sps->width -= (unsigned)x;
	sps->height -= (unsigned)y;
	return 0;
}

int mcu_h264_parse_sps(const uint8_t *nal, size_t len, McuH264Sps *ret)
{
	Bits b = bits_of(nal, len);
	McuH264Sps sps = { .profile_idc = (uint8_t)bits(&b, 8),
			   .constraints = (uint8_t)bits(&b, 8),
			   .level_idc = (uint8_t)bits(&b, 8) };
	unsigned chroma = 1;
	uint32_t mbs_x, map_units_y;

	if (b.failed || mcu_h264_nal_type(nal) != MCU_H264_NAL_SPS)
		return -EINVAL;
	sps.id = ue(&b);
	if (has_chroma_format(sps.profile_idc))
		chroma = parse_chroma(&b);
	(void)ue(&b); /* log2_max_frame_num */
	skip_poc(&b);
	sps.max_ref_frames = ue(&b);
	(void)bit(&b);
	mbs_x = ue(&b);
	map_units_y = ue(&b);
	sps.interlaced = !bit(&b);
	if (sps.interlaced)
		(void)bit(&b);
	(void)bit(&b);
	if (b.failed || sps.id >= MCU_H264_MAX_SPS || mbs_x >= MAX_SIDE / 16 ||
	    map_units_y >= MAX_SIDE / 32)
		return -EINVAL;
	sps.width = (mbs_x + 1) * 16;
	sps.height = (map_units_y + 1) * 16 * (sps.interlaced ? 2 : 1);
	if (bit(&b) && apply_cropping(&b, chroma, &sps) < 0)
		return -EINVAL;
	if (b.failed)
		return -EINVAL;
	*ret = sps;
	return 0;
}

int mcu_h264_parse_pps(const uint8_t *nal, size_t len, unsigned *ret_id, unsigned *ret_sps_id)
{
	Bits b = bits_of(nal, len);
	uint32_t id = ue(&b), sps_id = ue(&b);

	if (b.failed || mcu_h264_nal_type(nal) != MCU_H264_NAL_PPS || id > 255 ||
	    sps_id >= MCU_H264_MAX_SPS)
		return -EINVAL;
	*ret_id = id;
	*ret_sps_id = sps_id;
	return 0;
}

int mcu_h264_parse_slice(const uint8_t *nal, size_t len, unsigned *ret_first_mb,
			 unsigned *ret_slice_type, unsigned *ret_pps_id)
{
	Bits b = bits_of(nal, len);
	uint32_t first_mb = ue(&b), type = ue(&b), pps_id = ue(&b);

	if (b.failed || type > 9 || pps_id > 255)
		return -EINVAL;
	*ret_first_mb = first_mb;
	*ret_slice_type = type;
	*ret_pps_id = pps_id;
	return 0;
}

/* One 0xFF-extended number of an SEI message (section 7.3.2.3.1). */
static uint32_t sei_number(Bits *b)
{
	uint32_t v = 0, byte;

	do {
		byte = bits(b, 8);
		v += byte;
	} while (byte == 255 && !b->failed);
	return v;
}

bool mcu_h264_sei_recovery_point(const uint8_t *nal, size_t len)
{
	Bits b = bits_of(nal, len);

	while (!b.failed && b.end - b.p >= 2) {
		uint32_t type = sei_number(&b), size = sei_number(&b);

		if (b.failed)
			return false;
		if (type == 6)
			return true;
		while (size-- && !b.failed)
			(void)bits(&b, 8);
	}
	return false;
}
