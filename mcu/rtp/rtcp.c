/* Reading compound packets; writing them is rtcp_build.c. */
#include "rtp/rtcp.h"

#include <string.h>

#include "base/bytes.h"
#include "rtp/rtcp_priv.h"

static const char *const names[MCU_RTCP_TYPE_LAST] = {
	[MCU_RTCP_SR] = "sr",       [MCU_RTCP_RR] = "rr",       [MCU_RTCP_SDES] = "sdes",
	[MCU_RTCP_BYE] = "bye",     [MCU_RTCP_NACK] = "nack",   [MCU_RTCP_TMMBR] = "tmmbr",
	[MCU_RTCP_TMMBN] = "tmmbn", [MCU_RTCP_PLI] = "pli",     [MCU_RTCP_FIR] = "fir",
	[MCU_RTCP_REMB] = "remb",   [MCU_RTCP_OTHER] = "other",
};

const char *mcu_rtcp_type_name(McuRtcpType type)
{
	return (unsigned)type < MCU_RTCP_TYPE_LAST && names[type] ? names[type] : "unknown";
}

/* Two's complement of 24 bits. */
static int32_t sign24(uint32_t v)
{
	return (v & 0x800000) ? (int32_t)v - 0x1000000 : (int32_t)v;
}

static void parse_blocks(McuReader *r, unsigned count, McuRtcpItem *item)
{
	for (unsigned i = 0; i < count; i++) {
		McuRtcpBlock *b = &item->blocks[i];

		b->ssrc = mcu_read_u32(r);
		b->fraction_lost = mcu_read_u8(r);
		b->lost = sign24(mcu_read_u24(r));
		b->highest_seq = mcu_read_u32(r);
		b->jitter = mcu_read_u32(r);
		b->lsr = mcu_read_u32(r);
		b->dlsr = mcu_read_u32(r);
	}
	item->n = count;
}

static void parse_sr(McuReader *r, unsigned count, McuRtcpItem *item)
{
	item->type = MCU_RTCP_SR;
	item->sender_ssrc = mcu_read_u32(r);
	item->info.ntp = mcu_read_u64(r);
	item->info.rtp_ts = mcu_read_u32(r);
	item->info.packets = mcu_read_u32(r);
	item->info.octets = mcu_read_u32(r);
	parse_blocks(r, count, item);
}

static void parse_chunk(McuReader *r, const uint8_t *start, McuRtcpChunk *chunk)
{
	chunk->ssrc = mcu_read_u32(r);
	for (;;) {
		uint8_t type = mcu_read_u8(r), len;
		const uint8_t *text;

		if (r->failed)
			return;
		if (type == 0)
			break;
		len = mcu_read_u8(r);
		text = mcu_read_bytes(r, len);
		if (type == RTCP_SDES_CNAME && text && !chunk->cname) {
			chunk->cname = (const char *)text;
			chunk->cname_len = len;
		}
	}
	while (!r->failed && (size_t)(r->p - start) % 4 != 0)
		(void)mcu_read_u8(r);
}

static void parse_sdes(McuReader *r, unsigned count, McuRtcpItem *item)
{
	const uint8_t *start = r->p;

	item->type = MCU_RTCP_SDES;
	for (unsigned i = 0; i < count && !r->failed; i++) {
		item->chunks[i] = (McuRtcpChunk){ 0 };
		parse_chunk(r, start, &item->chunks[i]);
		item->n = i + 1;
	}
}

static void parse_bye(McuReader *r, unsigned count, McuRtcpItem *item)
{
	item->type = MCU_RTCP_BYE;
	for (unsigned i = 0; i < count; i++)
		item->ssrcs[i] = mcu_read_u32(r);
	item->n = count;
}

static void parse_nack(McuReader *r, McuRtcpItem *item)
{
	item->type = MCU_RTCP_NACK;
	while (r->left >= 4) {
		uint16_t pid = mcu_read_u16(r), blp = mcu_read_u16(r);

		if (item->n < MCU_RTCP_MAX_NACK)
			item->seqs[item->n++] = pid;
		for (unsigned bit = 0; bit < 16; bit++)
			if ((blp >> bit & 1) && item->n < MCU_RTCP_MAX_NACK)
				item->seqs[item->n++] = (uint16_t)(pid + 1 + bit);
	}
}

static void parse_rates(McuReader *r, McuRtcpItem *item)
{
	while (r->left >= 8 && item->n < MCU_RTCP_MAX_ENTRIES) {
		McuRtcpBitrate *rate = &item->rates[item->n++];
		uint32_t bits;

		rate->ssrc = mcu_read_u32(r);
		bits = mcu_read_u32(r);
		rate->bitrate_bps = rtcp_scaled(bits >> 26, bits >> 9 & 0x1ffff);
		rate->overhead = bits & 0x1ff;
	}
}

static void parse_rtpfb(McuReader *r, unsigned fmt, McuRtcpItem *item)
{
	item->sender_ssrc = mcu_read_u32(r);
	item->media_ssrc = mcu_read_u32(r);
	if (fmt == RTCP_RTPFB_NACK) {
		parse_nack(r, item);
	} else if (fmt == RTCP_RTPFB_TMMBR || fmt == RTCP_RTPFB_TMMBN) {
		item->type = fmt == RTCP_RTPFB_TMMBR ? MCU_RTCP_TMMBR : MCU_RTCP_TMMBN;
		parse_rates(r, item);
	}
}

static void parse_fir(McuReader *r, McuRtcpItem *item)
{
	item->type = MCU_RTCP_FIR;
	while (r->left >= 8 && item->n < MCU_RTCP_MAX_ENTRIES) {
		McuRtcpFir *fir = &item->firs[item->n++];

		fir->ssrc = mcu_read_u32(r);
		fir->seq = mcu_read_u8(r);
		(void)mcu_read_u24(r);
	}
}

/* draft-alvestrand-rmcat-remb section 2.2; other application layer feedback is skipped. */
static void parse_remb(McuReader *r, McuRtcpItem *item)
{
	const uint8_t *name = mcu_read_bytes(r, 4);
	unsigned count;
	uint32_t bits;

	if (!name || memcmp(name, "REMB", 4) != 0)
		return;
	count = mcu_read_u8(r);
	bits = mcu_read_u24(r);
	if (r->failed)
		return;
	item->type = MCU_RTCP_REMB;
	item->remb_bps = rtcp_scaled(bits >> 18, bits & 0x3ffff);
	for (unsigned i = 0; i < count && i < MCU_RTCP_MAX_ENTRIES; i++)
		item->ssrcs[item->n++] = mcu_read_u32(r);
}

static void parse_psfb(McuReader *r, unsigned fmt, McuRtcpItem *item)
{
	item->sender_ssrc = mcu_read_u32(r);
	item->media_ssrc = mcu_read_u32(r);
	if (fmt == RTCP_PSFB_PLI)
		item->type = MCU_RTCP_PLI;
	else if (fmt == RTCP_PSFB_FIR)
		parse_fir(r, item);
	else if (fmt == RTCP_PSFB_AFB && r->left >= 8)
		parse_remb(r, item);
}

static void parse_body(McuReader *r, uint8_t pt, unsigned count, McuRtcpItem *item)
{
	switch (pt) {
	case RTCP_PT_SR:
		parse_sr(r, count, item);
		break;
	case RTCP_PT_RR:
		item->type = MCU_RTCP_RR;
		item->sender_ssrc = mcu_read_u32(r);
		parse_blocks(r, count, item);
		break;
	case RTCP_PT_SDES:
		parse_sdes(r, count, item);
		break;
	case RTCP_PT_BYE:
		parse_bye(r, count, item);
		break;
	case RTCP_PT_RTPFB:
		parse_rtpfb(r, count, item);
		break;
	case RTCP_PT_PSFB:
		parse_psfb(r, count, item);
		break;
	default:
		break;
	}
}

/* Take the next packet off `it`: common header and length, padding removed. */
static int next_packet(McuRtcpIter *it, uint8_t *ret_pt, unsigned *ret_count, McuReader *ret_body)
{
	McuReader r = mcu_reader(it->p, it->left);
	uint8_t first = mcu_read_u8(&r), pt = mcu_read_u8(&r);
	size_t len = (size_t)mcu_read_u16(&r) * 4;
	const uint8_t *body = mcu_read_bytes(&r, len);

	if (!body || first >> 6 != 2 || pt < 192 || pt > 223)
		return -EINVAL;
	it->p += 4 + len;
	it->left -= 4 + len;
	if (first & 0x20) {
		uint8_t padding = len ? body[len - 1] : 0;

		if (padding == 0 || padding > len)
			return -EINVAL;
		len -= padding;
	}
	*ret_pt = pt;
	*ret_count = first & 31;
	*ret_body = mcu_reader(body, len);
	return 0;
}

int mcu_rtcp_next(McuRtcpIter *it, McuRtcpItem *ret)
{
	McuReader body;
	uint8_t pt;
	unsigned count;
	int r;

	if (it->left == 0)
		return -EAGAIN;
	r = next_packet(it, &pt, &count, &body);
	if (r < 0) {
		it->left = 0;
		return r;
	}
	ret->type = MCU_RTCP_OTHER;
	ret->sender_ssrc = ret->media_ssrc = 0;
	ret->n = 0;
	ret->info = (McuRtcpSenderInfo){ 0 };
	ret->remb_bps = 0;
	parse_body(&body, pt, count, ret);
	if (body.failed) {
		it->left = 0;
		return -EINVAL;
	}
	return 0;
}

bool mcu_rtcp_valid(const uint8_t *data, size_t len, bool allow_reduced_size)
{
	McuRtcpIter it = mcu_rtcp_iter(data, len);
	McuRtcpItem item;
	int r;

	if (len < 4 || (!allow_reduced_size && data[1] != RTCP_PT_SR && data[1] != RTCP_PT_RR))
		return false;
	while ((r = mcu_rtcp_next(&it, &item)) == 0)
		;
	return r == -EAGAIN;
}

bool mcu_rtcp_fir_is_new(McuRtcpFirSeen *seen, uint8_t seq)
{
	bool is_new = !seen->any || seen->seq != seq;

	seen->any = true;
	seen->seq = seq;
	return is_new;
}
