#include "rtp/header.h"

#include <string.h>

#include "base/bytes.h"

#define PROFILE_ONE_BYTE 0xBEDE
#define PROFILE_TWO_BYTE 0x1000 /* low four bits: application's */

static void add_ext(McuRtpHeader *hdr, uint8_t id, const uint8_t *data, uint8_t len)
{
	if (hdr->n_ext < MCU_RTP_MAX_EXT)
		hdr->ext[hdr->n_ext++] = (McuRtpExt){ .id = id, .len = len, .data = data };
}

/* RFC 8285 section 4.2. A cut element ends the list; the packet itself is still good. */
static void parse_one_byte(McuReader r, McuRtpHeader *hdr)
{
	while (r.left > 0) {
		uint8_t b = mcu_read_u8(&r);
		uint8_t id = b >> 4, len = (uint8_t)((b & 15) + 1);
		const uint8_t *data;

		if (b == 0)
			continue;
		if (id == 15)
			return;
		data = mcu_read_bytes(&r, len);
		if (!data)
			return;
		if (id != 0)
			add_ext(hdr, id, data, len);
	}
}

/* RFC 8285 section 4.3 */
static void parse_two_byte(McuReader r, McuRtpHeader *hdr)
{
	while (r.left > 0) {
		uint8_t id = mcu_read_u8(&r), len;
		const uint8_t *data;

		if (id == 0)
			continue;
		len = mcu_read_u8(&r);
		data = mcu_read_bytes(&r, len);
		if (!data)
			return;
		add_ext(hdr, id, data, len);
	}
}

static void parse_extension(McuReader *r, McuRtpHeader *hdr)
{
	uint16_t profile = mcu_read_u16(r);
	size_t len = (size_t)mcu_read_u16(r) * 4;
	const uint8_t *data = mcu_read_bytes(r, len);

	if (!data)
		return;
	if (profile == PROFILE_ONE_BYTE)
		parse_one_byte(mcu_reader(data, len), hdr);
	else if ((profile & 0xfff0) == PROFILE_TWO_BYTE)
		parse_two_byte(mcu_reader(data, len), hdr);
}

int mcu_rtp_header_parse(const uint8_t *data, size_t len, McuRtpHeader *ret)
{
	McuReader r = mcu_reader(data, len);
	uint8_t first = mcu_read_u8(&r), second = mcu_read_u8(&r);
	McuRtpHeader hdr = { .pt = second & 0x7f, .marker = second >> 7, .n_csrc = first & 15 };

	if (first >> 6 != 2)
		return -EINVAL;
	hdr.seq = mcu_read_u16(&r);
	hdr.ts = mcu_read_u32(&r);
	hdr.ssrc = mcu_read_u32(&r);
	for (unsigned i = 0; i < hdr.n_csrc; i++)
		hdr.csrc[i] = mcu_read_u32(&r);
	if (first & 0x10)
		parse_extension(&r, &hdr);
	if (r.failed)
		return -EINVAL;
	hdr.payload = r.p;
	hdr.payload_len = r.left;
	if (first & 0x20) {
		uint8_t padding = r.left ? r.p[r.left - 1] : 0;

		if (padding == 0 || padding > r.left)
			return -EINVAL;
		hdr.payload_len -= padding;
	}
	*ret = hdr;
	return 0;
}

const McuRtpExt *mcu_rtp_header_ext(const McuRtpHeader *hdr, uint8_t id)
{
	for (unsigned i = 0; i < hdr->n_ext; i++)
		if (hdr->ext[i].id == id)
			return &hdr->ext[i];
	return NULL;
}

static bool fits_one_byte(const McuRtpHeader *hdr)
{
	for (unsigned i = 0; i < hdr->n_ext; i++)
		if (hdr->ext[i].id > 14 || hdr->ext[i].len == 0 || hdr->ext[i].len > 16)
			return false;
	return true;
}

static size_t ext_size(const McuRtpHeader *hdr, bool one_byte)
{
	size_t size = 0;

	for (unsigned i = 0; i < hdr->n_ext; i++)
		size += (one_byte ? 1u : 2u) + hdr->ext[i].len;
	return (size + 3) & ~(size_t)3;
}

static void write_extension(McuWriter *w, const McuRtpHeader *hdr, bool one_byte, size_t size)
{
	size_t end = mcu_writer_len(w) + 4 + size;

	mcu_write_u16(w, one_byte ? PROFILE_ONE_BYTE : PROFILE_TWO_BYTE);
	mcu_write_u16(w, (uint16_t)(size / 4));
	for (unsigned i = 0; i < hdr->n_ext; i++) {
		const McuRtpExt *ext = &hdr->ext[i];

		if (one_byte) {
			mcu_write_u8(w, (uint8_t)(ext->id << 4 | (ext->len - 1)));
		} else {
			mcu_write_u8(w, ext->id);
			mcu_write_u8(w, ext->len);
		}
		mcu_write_bytes(w, ext->data, ext->len);
	}
	while (mcu_writer_len(w) < end)
		mcu_write_u8(w, 0);
}

int mcu_rtp_header_prepend(McuPacket *pkt, const McuRtpHeader *hdr)
{
	bool one_byte = fits_one_byte(hdr);
	size_t ext = hdr->n_ext ? ext_size(hdr, one_byte) : 0;
	size_t size = MCU_RTP_HEADER_MIN + 4 * (size_t)hdr->n_csrc + (hdr->n_ext ? 4 + ext : 0);
	McuWriter w;

	if (hdr->n_csrc > MCU_RTP_MAX_CSRC || hdr->n_ext > MCU_RTP_MAX_EXT || hdr->pt > 127)
		return -EINVAL;
	for (unsigned i = 0; i < hdr->n_ext; i++)
		if (hdr->ext[i].id == 0)
			return -EINVAL;
	if (size > mcu_packet_headroom(pkt))
		return -ENOSPC;
	w = mcu_writer(mcu_packet_prepend(pkt, size), size);
	mcu_write_u8(&w, (uint8_t)(0x80 | (hdr->n_ext ? 0x10 : 0) | hdr->n_csrc));
	mcu_write_u8(&w, (uint8_t)((hdr->marker ? 0x80 : 0) | hdr->pt));
	mcu_write_u16(&w, hdr->seq);
	mcu_write_u32(&w, hdr->ts);
	mcu_write_u32(&w, hdr->ssrc);
	for (unsigned i = 0; i < hdr->n_csrc; i++)
		mcu_write_u32(&w, hdr->csrc[i]);
	if (hdr->n_ext)
		write_extension(&w, hdr, one_byte, ext);
	return 0;
}

bool mcu_rtp_is_rtcp(const uint8_t *data, size_t len)
{
	return len >= 4 && data[0] >> 6 == 2 && data[1] >= 192 && data[1] <= 223;
}
