#include "sdp/h264.h"

#include <glib.h>
#include <string.h>

#include "sdp/sdp_priv.h"

#define MACROBLOCK 16
#define MIN_FPS    15

/* Rec. ITU-T H.264 Table A-1; level 1b carries its level_idc of High. */
static const struct {
	uint8_t level_idc;
	unsigned max_fs, max_mbps, max_br;
} levels[] = {
	{ 10, 99, 1485, 64 },           { 9, 99, 1485, 128 },
	{ 11, 396, 3000, 192 },         { 12, 396, 6000, 384 },
	{ 13, 396, 11880, 768 },        { 20, 396, 11880, 2000 },
	{ 21, 792, 19800, 4000 },       { 22, 1620, 20250, 4000 },
	{ 30, 1620, 40500, 10000 },     { 31, 3600, 108000, 14000 },
	{ 32, 5120, 216000, 20000 },    { 40, 8192, 245760, 20000 },
	{ 41, 8192, 245760, 50000 },    { 42, 8704, 522240, 50000 },
	{ 50, 22080, 589824, 135000 },  { 51, 36864, 983040, 240000 },
	{ 52, 36864, 2073600, 240000 }, { 60, 139264, 4177920, 240000 },
	{ 61, 139264, 8355840, 480000 }, { 62, 139264, 16711680, 800000 },
};

/* Names and values of profile-level-id (RFC 6184 section 8.1, Table 5). */
static McuH264Profile profile_of(uint8_t idc, uint8_t iop)
{
	switch (idc) {
	case 66:
		/* INTEROP: nobody sends FMO or ASO, so Baseline means Constrained Baseline */
		return MCU_H264_CONSTRAINED_BASELINE;
	case 77:
		return iop & 0x80 ? MCU_H264_CONSTRAINED_BASELINE : MCU_H264_MAIN;
	case 88:
		return iop & 0x80 ? MCU_H264_CONSTRAINED_BASELINE :
		       iop & 0x40 ? MCU_H264_MAIN :
				    MCU_H264_PROFILE_OTHER;
	case 100:
		return (iop & 0x0c) == 0x0c ? MCU_H264_CONSTRAINED_HIGH : MCU_H264_HIGH;
	default:
		return MCU_H264_PROFILE_OTHER;
	}
}

const char *mcu_h264_profile_name(McuH264Profile profile)
{
	static const char *const names[] = {
		[MCU_H264_CONSTRAINED_BASELINE] = "constrained-baseline",
		[MCU_H264_MAIN] = "main",
		[MCU_H264_CONSTRAINED_HIGH] = "constrained-high",
		[MCU_H264_HIGH] = "high",
		[MCU_H264_PROFILE_OTHER] = "other",
	};

	return profile >= MCU_H264_CONSTRAINED_BASELINE && profile <= MCU_H264_PROFILE_OTHER ?
		       names[profile] :
		       "unknown";
}

unsigned mcu_sdp_h264_level_rank(uint8_t profile_idc, uint8_t profile_iop, uint8_t level_idc)
{
	unsigned found = 0;

	if (level_idc == 11 && profile_idc != 100 && (profile_iop & 0x10))
		level_idc = 9;
	for (unsigned i = 0; i < G_N_ELEMENTS(levels); i++)
		if (levels[i].level_idc == level_idc ||
		    (level_idc > 11 && levels[i].level_idc <= level_idc))
			found = i;
	return found;
}

void mcu_sdp_h264_level(uint8_t profile_idc, uint8_t profile_iop, uint8_t level_idc,
			unsigned *ret_max_fs, unsigned *ret_max_mbps, unsigned *ret_max_br)
{
	unsigned i = mcu_sdp_h264_level_rank(profile_idc, profile_iop, level_idc);

	*ret_max_fs = levels[i].max_fs;
	*ret_max_mbps = levels[i].max_mbps;
	/* cpbBrVclFactor 1250 instead of 1000 */
	*ret_max_br = profile_idc == 100 ? levels[i].max_br * 5 / 4 : levels[i].max_br;
}

void mcu_sdp_h264_set_level(McuSdpH264 *h, uint8_t level_idc, const char *fmtp)
{
	if (level_idc != h->level_idc && h->profile_idc != 100)
		h->profile_iop &= (uint8_t)~0x10; /* that bit says 1b at level 1.1 */
	h->level_idc = level_idc;
	mcu_sdp_h264_level(h->profile_idc, h->profile_iop, level_idc, &h->max_fs, &h->max_mbps,
			   &h->max_br);
	h->max_fs = MAX(h->max_fs, mcu_sdp_fmtp_uint(fmtp, "max-fs", 0));
	h->max_mbps = MAX(h->max_mbps, mcu_sdp_fmtp_uint(fmtp, "max-mbps", 0));
	h->max_br = MAX(h->max_br, mcu_sdp_fmtp_uint(fmtp, "max-br", 0));
}

static bool read_profile_level_id(const char *fmtp, uint8_t ret[3])
{
	char text[8];

	if (!mcu_sdp_fmtp_get(fmtp, "profile-level-id", text, sizeof(text)) || strlen(text) != 6)
		return false;
	for (unsigned i = 0; i < 3; i++) {
		int hi = g_ascii_xdigit_value(text[2 * i]);
		int lo = g_ascii_xdigit_value(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		ret[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

void mcu_sdp_h264_parse(const char *fmtp, McuSdpH264 *ret)
{
	uint8_t plid[3] = { 66, 0xe0, 12 };

	(void)read_profile_level_id(fmtp, plid);
	*ret = (McuSdpH264){
		.profile_idc = plid[0],
		.profile_iop = plid[1],
		.level_idc = plid[2],
		.profile = profile_of(plid[0], plid[1]),
		.packetization_mode = mcu_sdp_fmtp_uint(fmtp, "packetization-mode", 0),
		.level_asymmetry_allowed =
			mcu_sdp_fmtp_uint(fmtp, "level-asymmetry-allowed", 0) == 1,
	};
	mcu_sdp_h264_set_level(ret, plid[2], fmtp);
}

static uint64_t macroblocks(unsigned width, unsigned height)
{
	return (uint64_t)((width + MACROBLOCK - 1) / MACROBLOCK) *
	       ((height + MACROBLOCK - 1) / MACROBLOCK);
}

static bool size_fits(const McuSdpH264 *peer, unsigned width, unsigned height)
{
	uint64_t w = (width + MACROBLOCK - 1) / MACROBLOCK;
	uint64_t h = (height + MACROBLOCK - 1) / MACROBLOCK;
	uint64_t side2 = 8 * (uint64_t)peer->max_fs; /* A.3.1: neither side above sqrt(8 MaxFS) */

	return w * h <= peer->max_fs && w * w <= side2 && h * h <= side2;
}

bool mcu_sdp_h264_fits(const McuSdpH264 *peer, unsigned width, unsigned height, unsigned fps,
		       unsigned bitrate_bps)
{
	return size_fits(peer, width, height) &&
	       macroblocks(width, height) * fps <= peer->max_mbps &&
	       bitrate_bps <= (uint64_t)peer->max_br * 1000;
}

/* The n-th size down from the wish: width minus n macroblocks, height by aspect, both even. */
static void shrink(const McuSdpVideoSize *wish, unsigned n, McuSdpVideoSize *ret)
{
	unsigned step = n * MACROBLOCK;

	ret->width = wish->width > step + 2 ? (wish->width - step) & ~1u : 2;
	ret->height = (unsigned)((uint64_t)ret->width * wish->height / wish->width) & ~1u;
	ret->height = MAX(ret->height, 2);
}

void mcu_sdp_h264_limit(const McuSdpH264 *peer, const McuSdpVideoSize *wish, McuSdpVideoSize *ret)
{
	McuSdpVideoSize size = *wish;
	unsigned keep_fps = MIN(MAX(wish->fps, 1), MIN_FPS);

	size.width = MAX(wish->width & ~1u, 2);
	size.height = MAX(wish->height & ~1u, 2);
	for (unsigned n = 1; !mcu_sdp_h264_fits(peer, size.width, size.height, keep_fps, 0) &&
			     size.width > 2;
	     n++)
		shrink(wish, n, &size);
	uint64_t fps = peer->max_mbps / macroblocks(size.width, size.height);
	size.fps = (unsigned)MAX(MIN(fps, wish->fps), 1);
	size.bitrate_bps = (unsigned)MIN((uint64_t)peer->max_br * 1000, wish->bitrate_bps);
	*ret = size;
}

/* Appends one base64 parameter set; false when it is malformed or does not fit. */
static bool append_unit(const char *base64, uint8_t *out, size_t size, size_t *at)
{
	static const uint8_t start_code[4] = { 0, 0, 0, 1 };
	gsize len = 0;
	g_autofree guchar *unit = g_base64_decode(base64, &len);

	if (len < 2 || len > size - *at || size - *at - len < sizeof(start_code))
		return false;
	unsigned type = unit[0] & 0x1f;
	if (type != 7 && type != 8 && type != 13)
		return false;
	memcpy(out + *at, start_code, sizeof(start_code));
	memcpy(out + *at + sizeof(start_code), unit, len);
	*at += sizeof(start_code) + len;
	return true;
}

size_t mcu_sdp_h264_sprop(const char *fmtp, uint8_t *ret_annexb, size_t size)
{
	char text[MCU_SDP_MAX_SPROP * 4 / 3];
	g_auto(GStrv) units = NULL;
	size_t at = 0;

	if (!mcu_sdp_fmtp_get(fmtp, "sprop-parameter-sets", text, sizeof(text)) ||
	    strlen(text) == sizeof(text) - 1)
		return 0;
	units = g_strsplit(text, ",", 16);
	for (char **u = units; *u; u++)
		if (**u && !append_unit(*u, ret_annexb, size, &at))
			return 0;
	return at;
}
