#include "hw/soft/level.h"

static const struct {
	int idc;
	int max_mbps; /* macroblocks per second */
	int max_fs;   /* macroblocks per frame */
	int max_br;   /* 1000 bit/s, baseline */
} levels[] = {
	{ 10, 1485, 99, 64 },        { 11, 3000, 396, 192 },        { 12, 6000, 396, 384 },
	{ 13, 11880, 396, 768 },     { 20, 11880, 396, 2000 },      { 21, 19800, 792, 4000 },
	{ 22, 20250, 1620, 4000 },   { 30, 40500, 1620, 10000 },    { 31, 108000, 3600, 14000 },
	{ 32, 216000, 5120, 20000 }, { 40, 245760, 8192, 20000 },   { 41, 245760, 8192, 50000 },
	{ 42, 522240, 8704, 50000 }, { 50, 589824, 22080, 135000 }, { 51, 983040, 36864, 240000 },
};

#define ROOM_BPS 2000000
#define ROOM_FPS 30

int hw_h264_lowest_level(int width, int height, int fps_num, int fps_den, int bitrate_bps)
{
	int64_t mbs_w = (width + 15) / 16, mbs_h = (height + 15) / 16;
	int64_t mbs = mbs_w * mbs_h;

	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
		/* neither side may be longer than sqrt(8 * MaxFS) */
		if (mbs <= levels[i].max_fs &&
		    mbs * fps_num <= (int64_t)levels[i].max_mbps * fps_den &&
		    bitrate_bps <= levels[i].max_br * 1000LL &&
		    mbs_w * mbs_w <= 8LL * levels[i].max_fs &&
		    mbs_h * mbs_h <= 8LL * levels[i].max_fs)
			return levels[i].idc;
	}
	return 52;
}

int hw_h264_level(const HwEncoderConfig *c)
{
	bool slow = c->fps_num < ROOM_FPS * (int64_t)c->fps_den;

	if (c->level_idc)
		return c->level_idc;
	return hw_h264_lowest_level(c->width, c->height, slow ? ROOM_FPS : c->fps_num,
				    slow ? 1 : c->fps_den, MAX(c->bitrate_bps, ROOM_BPS));
}

int hw_h264_level_max_bitrate(int level_idc)
{
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++)
		if (levels[i].idc == level_idc)
			return levels[i].max_br * 1000;
	return HW_MAX_BITRATE_BPS;
}
