#include "hw/soft/h264_gap.h"

#include <string.h>

enum {
	NAL_SLICE = 1,
	NAL_IDR = 5,
	NAL_SPS = 7,
	NAL_PPS = 8,
};

/* what is read lies in the first bytes, scaling lists included */
#define RBSP_MAX 768

typedef struct Bits {
	uint8_t data[RBSP_MAX];
	size_t bits, at;
	bool failed; /* read past the end; all later reads give 0 */
} Bits;

/* Payload of a NAL unit without its emulation prevention bytes. */
static void bits_init(Bits *b, const uint8_t *nal, size_t len)
{
	size_t n = 0;

	for (size_t i = 1, zeros = 0; i < len && n < RBSP_MAX; i++) {
		if (zeros >= 2 && nal[i] == 3) {
			zeros = 0;
			continue;
		}
		zeros = nal[i] ? 0 : zeros + 1;
		b->data[n++] = nal[i];
	}
	b->bits = n * 8;
	b->at = 0;
	b->failed = false;
}

static uint32_t read_bits(Bits *b, unsigned n)
{
	uint32_t v = 0;

	if (b->failed || b->bits - b->at < n) {
		b->failed = true;
		return 0;
	}
	for (; n; n--, b->at++)
		v = v << 1 | (b->data[b->at / 8] >> (7 - b->at % 8) & 1);
	return v;
}

static uint32_t read_ue(Bits *b)
{
	unsigned zeros = 0;

	while (!b->failed && !read_bits(b, 1))
		if (++zeros > 31)
			b->failed = true;
	return b->failed ? 0 : (1u << zeros) - 1 + read_bits(b, zeros);
}

static int32_t read_se(Bits *b)
{
	uint32_t v = read_ue(b);

	return v & 1 ? (int32_t)(v / 2 + 1) : -(int32_t)(v / 2);
}

static void skip_scaling_lists(Bits *b, unsigned lists)
{
	for (unsigned i = 0; i < lists; i++) {
		int last = 8, next = 8;

		if (!read_bits(b, 1))
			continue;
		for (int k = 0; k < (i < 6 ? 16 : 64) && !b->failed; k++) {
			if (next)
				next = (int)(((int64_t)last + read_se(b)) & 255);
			last = next ? next : last;
		}
	}
}

static bool has_chroma_fields(unsigned profile)
{
	static const uint8_t profiles[] = { 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139 };

	return profile && memchr(profiles, (int)profile, sizeof(profiles)) != NULL;
}

static void parse_sps(HwH264Gap *gap, Bits *b)
{
	unsigned profile = read_bits(b, 8), chroma = 1, planes = 0, log2_max, poc_type, cycle;
	uint32_t id;
	bool gaps;

	(void)read_bits(b, 16); /* constraints, level */
	id = read_ue(b);
	if (has_chroma_fields(profile)) {
		chroma = read_ue(b);
		if (chroma == 3)
			planes = read_bits(b, 1);
		(void)read_ue(b);
		(void)read_ue(b);
		(void)read_bits(b, 1);
		if (read_bits(b, 1))
			skip_scaling_lists(b, chroma == 3 ? 12 : 8);
	}
	log2_max = read_ue(b) + 4;
	poc_type = read_ue(b);
	if (poc_type == 0) {
		(void)read_ue(b);
	} else if (poc_type == 1) {
		(void)read_bits(b, 1);
		(void)read_se(b);
		(void)read_se(b);
		cycle = read_ue(b);
		for (unsigned i = 0; i < cycle && i < 256 && !b->failed; i++)
			(void)read_se(b);
	}
	(void)read_ue(b); /* max_num_ref_frames */
	gaps = read_bits(b, 1);
	if (b->failed || id >= HW_H264_MAX_SPS || log2_max > 16)
		return;
	gap->sps[id].known = true;
	gap->sps[id].gaps_allowed = gaps;
	gap->sps[id].log2_max_frame_num = (uint8_t)log2_max;
	gap->sps[id].colour_planes = (uint8_t)planes;
}

static void parse_pps(HwH264Gap *gap, Bits *b)
{
	uint32_t id = read_ue(b), sps = read_ue(b);

	if (b->failed || id >= HW_H264_MAX_PPS || sps >= HW_H264_MAX_SPS)
		return;
	gap->pps[id].known = true;
	gap->pps[id].sps = (uint8_t)sps;
}

/* The first slice of a picture. */
static bool check_slice(HwH264Gap *gap, Bits *b, unsigned type, unsigned ref_idc)
{
	uint32_t pps, frame_num, max;
	unsigned sps;
	bool missing;

	(void)read_ue(b); /* first_mb_in_slice */
	(void)read_ue(b); /* slice_type */
	pps = read_ue(b);
	if (b->failed || pps >= HW_H264_MAX_PPS || !gap->pps[pps].known)
		return false;
	sps = gap->pps[pps].sps;
	if (!gap->sps[sps].known)
		return false;
	if (gap->sps[sps].colour_planes)
		(void)read_bits(b, 2);
	frame_num = read_bits(b, gap->sps[sps].log2_max_frame_num);
	if (b->failed)
		return false;
	max = 1u << gap->sps[sps].log2_max_frame_num;
	missing = gap->started && type != NAL_IDR && !gap->sps[sps].gaps_allowed &&
		  frame_num != gap->prev_ref_frame_num &&
		  frame_num != ((gap->prev_ref_frame_num + 1) & (max - 1));
	if (ref_idc) {
		gap->started = true;
		gap->prev_ref_frame_num = frame_num;
	}
	return missing;
}

/* Next NAL unit at or after *at; false at the end. */
static bool next_nal(const uint8_t *data, size_t len, size_t *at, size_t *ret_end)
{
	size_t i = *at;

	while (i + 3 < len && !(data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1))
		i++;
	if (i + 3 >= len)
		return false;
	*at = i + 3;
	*ret_end = len;
	for (i += 3; i + 2 < len; i++)
		if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] <= 1) {
			*ret_end = i;
			break;
		}
	return true;
}

bool hw_h264_gap_check(HwH264Gap *gap, const uint8_t *data, size_t len)
{
	size_t at = 0, end;

	while (next_nal(data, len, &at, &end)) {
		unsigned type = data[at] & 31, ref_idc = data[at] >> 5 & 3;
		Bits b;

		if (type == NAL_SLICE || type == NAL_IDR) {
			bits_init(&b, data + at, end - at);
			return check_slice(gap, &b, type, ref_idc);
		}
		if (type == NAL_SPS || type == NAL_PPS) {
			bits_init(&b, data + at, end - at);
			if (type == NAL_SPS)
				parse_sps(gap, &b);
			else
				parse_pps(gap, &b);
		}
		at = end;
	}
	return false;
}
