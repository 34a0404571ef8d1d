#include "rtp/pay_h264.h"

#include <string.h>

#include "base/bytes.h"
#include "rtp/header.h"

#define FU_HEADER 2

typedef struct Nal {
	const uint8_t *data;
	size_t len;
} Nal;

typedef struct Pay {
	size_t max;
	GPtrArray *out;
	guint first; /* index in `out` of this access unit's first payload */
} Pay;

static McuWriter add_packet(Pay *pay, McuPacket **ret)
{
	McuPacket *pkt = mcu_packet_new();

	g_ptr_array_add(pay->out, pkt);
	*ret = pkt;
	return mcu_writer(pkt->data, pay->max);
}

static void add_single(Pay *pay, Nal nal)
{
	McuPacket *pkt;
	McuWriter w = add_packet(pay, &pkt);

	mcu_write_bytes(&w, nal.data, nal.len);
	pkt->len = mcu_writer_len(&w);
}

/* RFC 6184 section 5.7.1 */
static void add_stap(Pay *pay, const Nal *nals, size_t n)
{
	McuPacket *pkt;
	McuWriter w = add_packet(pay, &pkt);
	uint8_t forbidden = 0, nri = 0;

	for (size_t i = 0; i < n; i++) {
		forbidden |= nals[i].data[0] & 0x80;
		nri = MAX(nri, nals[i].data[0] & 0x60);
	}
	mcu_write_u8(&w, (uint8_t)(forbidden | nri | MCU_H264_NAL_STAP_A));
	for (size_t i = 0; i < n; i++) {
		mcu_write_u16(&w, (uint16_t)nals[i].len);
		mcu_write_bytes(&w, nals[i].data, nals[i].len);
	}
	pkt->len = mcu_writer_len(&w);
}

/* RFC 6184 section 5.8, in pieces of about equal size: a last one of a few bytes costs a packet */
static void add_fragments(Pay *pay, Nal nal)
{
	const uint8_t *p = nal.data + 1;
	size_t left = nal.len - 1, room = pay->max - FU_HEADER;
	size_t pieces = (left + room - 1) / room;
	uint8_t start = 0x80;

	for (; pieces > 0; pieces--) {
		size_t n = (left + pieces - 1) / pieces;
		McuPacket *pkt;
		McuWriter w = add_packet(pay, &pkt);

		mcu_write_u8(&w, (uint8_t)((nal.data[0] & 0xe0) | MCU_H264_NAL_FU_A));
		mcu_write_u8(&w,
			     (uint8_t)(start | (pieces == 1 ? 0x40 : 0) | (nal.data[0] & 0x1f)));
		mcu_write_bytes(&w, p, n);
		pkt->len = mcu_writer_len(&w);
		p += n;
		left -= n;
		start = 0;
	}
}

/* How many NAL units from `nals` on fit one STAP-A. */
static size_t aggregate(const Pay *pay, const Nal *nals, size_t n)
{
	size_t size = 1, i = 0;

	while (i < n && size + 2 + nals[i].len <= pay->max)
		size += 2 + nals[i++].len;
	return i;
}

static void pay_mode1(Pay *pay, const Nal *nals, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t together = aggregate(pay, nals + i, n - i);

		if (together >= 2) {
			add_stap(pay, nals + i, together);
			i += together;
		} else if (nals[i].len <= pay->max) {
			add_single(pay, nals[i++]);
		} else {
			add_fragments(pay, nals[i++]);
		}
	}
}

static int pay_mode0(Pay *pay, const Nal *nals, size_t n)
{
	int left_out = 0;

	for (size_t i = 0; i < n; i++) {
		if (nals[i].len <= pay->max)
			add_single(pay, nals[i]);
		else
			left_out++;
	}
	return left_out;
}

static bool is_keyframe_nal(Nal nal)
{
	unsigned type = mcu_h264_nal_type(nal.data);

	return type == MCU_H264_NAL_IDR ||
	       (type == MCU_H264_NAL_SEI && mcu_h264_sei_recovery_point(nal.data, nal.len));
}

static void set_flags(Pay *pay, bool keyframe, int64_t pts_ns)
{
	for (guint i = pay->first; i < pay->out->len; i++) {
		McuPacket *pkt = g_ptr_array_index(pay->out, i);

		pkt->pts_ns = pts_ns;
		pkt->flags = (keyframe ? MCU_RTP_FLAG_KEYFRAME : 0) |
			     (i == pay->first ? MCU_RTP_FLAG_START : 0) |
			     (i + 1 == pay->out->len ? MCU_RTP_FLAG_MARKER : 0);
	}
}

static int collect(const uint8_t *au, size_t len, Nal *nals, size_t *ret_n, bool *ret_keyframe)
{
	McuH264Iter it = mcu_h264_iter(au, len);
	Nal nal;

	*ret_n = 0;
	*ret_keyframe = false;
	while (mcu_h264_next(&it, &nal.data, &nal.len)) {
		unsigned type = mcu_h264_nal_type(nal.data);

		if (type == MCU_H264_NAL_AUD || type == MCU_H264_NAL_FILLER)
			continue;
		if (*ret_n == MCU_H264_MAX_NALS)
			return -EOVERFLOW;
		*ret_keyframe |= is_keyframe_nal(nal);
		nals[(*ret_n)++] = nal;
	}
	return *ret_n ? 0 : -EINVAL;
}

int mcu_h264_pay(const McuH264PayConfig *config, const uint8_t *au, size_t len, int64_t pts_ns,
		 GPtrArray *out)
{
	Pay pay = { .max = config->max_payload ? config->max_payload : MCU_H264_PAYLOAD_DEFAULT,
		    .out = out,
		    .first = out->len };
	Nal nals[MCU_H264_MAX_NALS];
	bool keyframe;
	int left_out = 0, r;
	size_t n;

	if (config->mode > 1 || pay.max < MCU_H264_PAYLOAD_MIN || pay.max > MCU_H264_PAYLOAD_MAX)
		return -EINVAL;
	if (len > MCU_H264_MAX_AU)
		return -EOVERFLOW;
	r = collect(au, len, nals, &n, &keyframe);
	if (r < 0)
		return r;
	if (config->mode == 0)
		left_out = pay_mode0(&pay, nals, n);
	else
		pay_mode1(&pay, nals, n);
	set_flags(&pay, keyframe, pts_ns);
	return left_out;
}
