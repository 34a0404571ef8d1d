/* Writing compound RTCP packets; reading them is rtcp.c. */
#include <string.h>

#include "base/bytes.h"
#include "rtp/rtcp.h"
#include "rtp/rtcp_priv.h"

/* Room for one packet of `words` 32-bit words after the common header. */
static McuWriter begin(McuRtcpBuilder *b, uint8_t pt, size_t count, size_t words)
{
	McuPacket *pkt = b->pkt;
	size_t size = 4 + 4 * words;
	McuWriter w;

	if (count > MCU_RTCP_MAX_COUNT || pkt->len + size > mcu_packet_capacity(pkt) ||
	    pkt->len + size > MCU_PACKET_MAX)
		b->failed = true;
	if (b->failed)
		return (McuWriter){ .failed = true };
	w = mcu_writer(pkt->data + pkt->len, size);
	mcu_write_u8(&w, (uint8_t)(0x80 | count));
	mcu_write_u8(&w, pt);
	mcu_write_u16(&w, (uint16_t)words);
	return w;
}

/* Count the packet in, once it is whole; what is left of its room is zeroed padding of SDES, BYE */
static void end(McuRtcpBuilder *b, McuWriter *w)
{
	if (w->failed) {
		b->failed = true;
		return;
	}
	memset(w->p, 0, w->left);
	b->pkt->len += mcu_writer_len(w) + w->left;
}

static void write_blocks(McuWriter *w, const McuRtcpBlock *blocks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const McuRtcpBlock *b = &blocks[i];
		int32_t lost = b->lost > 0x7fffff ? 0x7fffff : b->lost;

		if (lost < -0x800000)
			lost = -0x800000;
		mcu_write_u32(w, b->ssrc);
		mcu_write_u8(w, b->fraction_lost);
		mcu_write_u24(w, (uint32_t)lost & 0xffffff);
		mcu_write_u32(w, b->highest_seq);
		mcu_write_u32(w, b->jitter);
		mcu_write_u32(w, b->lsr);
		mcu_write_u32(w, b->dlsr);
	}
}

void mcu_rtcp_build_sr(McuRtcpBuilder *b, uint32_t ssrc, const McuRtcpSenderInfo *info,
		       const McuRtcpBlock *blocks, size_t n)
{
	McuWriter w = begin(b, RTCP_PT_SR, n, 6 + 6 * n);

	mcu_write_u32(&w, ssrc);
	mcu_write_u64(&w, info->ntp);
	mcu_write_u32(&w, info->rtp_ts);
	mcu_write_u32(&w, info->packets);
	mcu_write_u32(&w, info->octets);
	write_blocks(&w, blocks, w.failed ? 0 : n);
	end(b, &w);
}

void mcu_rtcp_build_rr(McuRtcpBuilder *b, uint32_t ssrc, const McuRtcpBlock *blocks, size_t n)
{
	McuWriter w = begin(b, RTCP_PT_RR, n, 1 + 6 * n);

	mcu_write_u32(&w, ssrc);
	write_blocks(&w, blocks, w.failed ? 0 : n);
	end(b, &w);
}

void mcu_rtcp_build_sdes(McuRtcpBuilder *b, uint32_t ssrc, const char *cname)
{
	size_t len = strnlen(cname, MCU_RTCP_MAX_CNAME);
	/* at least one zero byte ends the chunk */
	McuWriter w = begin(b, RTCP_PT_SDES, 1, 1 + (2 + len + 1 + 3) / 4);

	mcu_write_u32(&w, ssrc);
	mcu_write_u8(&w, RTCP_SDES_CNAME);
	mcu_write_u8(&w, (uint8_t)len);
	mcu_write_bytes(&w, cname, len);
	end(b, &w);
}

void mcu_rtcp_build_bye(McuRtcpBuilder *b, const uint32_t *ssrcs, size_t n, const char *reason)
{
	size_t len = reason ? strnlen(reason, 255) : 0;
	McuWriter w = begin(b, RTCP_PT_BYE, n, n + (len ? (1 + len + 3) / 4 : 0));

	for (size_t i = 0; i < n && !w.failed; i++)
		mcu_write_u32(&w, ssrcs[i]);
	if (len) {
		mcu_write_u8(&w, (uint8_t)len);
		mcu_write_bytes(&w, reason, len);
	}
	end(b, &w);
}

static McuWriter begin_fb(McuRtcpBuilder *b, uint8_t pt, unsigned fmt, size_t fci_words,
			  uint32_t sender, uint32_t media)
{
	McuWriter w = begin(b, pt, fmt, 2 + fci_words);

	mcu_write_u32(&w, sender);
	mcu_write_u32(&w, media);
	return w;
}

void mcu_rtcp_build_nack(McuRtcpBuilder *b, uint32_t sender, uint32_t media, const uint16_t *seqs,
			 size_t n)
{
	struct {
		uint16_t pid, blp;
	} words[MCU_RTCP_MAX_NACK];
	size_t n_words = 0;
	McuWriter w;

	for (size_t i = 0; i < n; i++) {
		uint16_t ahead = n_words ? (uint16_t)(seqs[i] - words[n_words - 1].pid) : 0;

		if (n_words && ahead >= 1 && ahead <= 16) {
			words[n_words - 1].blp |= (uint16_t)(1u << (ahead - 1));
		} else if (n_words < MCU_RTCP_MAX_NACK && (!n_words || ahead != 0)) {
			words[n_words].pid = seqs[i];
			words[n_words++].blp = 0;
		}
	}
	if (n_words == 0)
		return;
	w = begin_fb(b, RTCP_PT_RTPFB, RTCP_RTPFB_NACK, n_words, sender, media);
	for (size_t i = 0; i < n_words; i++) {
		mcu_write_u16(&w, words[i].pid);
		mcu_write_u16(&w, words[i].blp);
	}
	end(b, &w);
}

void mcu_rtcp_build_pli(McuRtcpBuilder *b, uint32_t sender, uint32_t media)
{
	McuWriter w = begin_fb(b, RTCP_PT_PSFB, RTCP_PSFB_PLI, 0, sender, media);

	end(b, &w);
}

void mcu_rtcp_build_fir(McuRtcpBuilder *b, uint32_t sender, const McuRtcpFir *firs, size_t n)
{
	McuWriter w;

	if (n > MCU_RTCP_MAX_ENTRIES)
		n = MCU_RTCP_MAX_ENTRIES;
	/* the media source field is not used (RFC 5104 section 4.3.1.2) */
	w = begin_fb(b, RTCP_PT_PSFB, RTCP_PSFB_FIR, 2 * n, sender, 0);
	for (size_t i = 0; i < n; i++) {
		mcu_write_u32(&w, firs[i].ssrc);
		mcu_write_u8(&w, firs[i].seq);
		mcu_write_u24(&w, 0);
	}
	end(b, &w);
}

/* Largest representable value not above `v`: the peer must not be told of more than there is. */
static uint32_t scale(uint64_t v, unsigned mantissa_bits, unsigned *ret_exp)
{
	unsigned exp = 0;

	while (v >> exp >> mantissa_bits)
		exp++;
	*ret_exp = exp;
	return (uint32_t)(v >> exp);
}

static void build_rates(McuRtcpBuilder *b, unsigned fmt, uint32_t sender,
			const McuRtcpBitrate *rates, size_t n)
{
	McuWriter w;

	if (n > MCU_RTCP_MAX_ENTRIES)
		n = MCU_RTCP_MAX_ENTRIES;
	w = begin_fb(b, RTCP_PT_RTPFB, fmt, 2 * n, sender, 0);
	for (size_t i = 0; i < n; i++) {
		unsigned exp;
		uint32_t mantissa = scale(rates[i].bitrate_bps, 17, &exp);

		mcu_write_u32(&w, rates[i].ssrc);
		mcu_write_u32(&w, exp << 26 | mantissa << 9 | (rates[i].overhead & 0x1ffu));
	}
	end(b, &w);
}

void mcu_rtcp_build_tmmbr(McuRtcpBuilder *b, uint32_t sender, const McuRtcpBitrate *rates, size_t n)
{
	build_rates(b, RTCP_RTPFB_TMMBR, sender, rates, n);
}

void mcu_rtcp_build_tmmbn(McuRtcpBuilder *b, uint32_t sender, const McuRtcpBitrate *rates, size_t n)
{
	build_rates(b, RTCP_RTPFB_TMMBN, sender, rates, n);
}

void mcu_rtcp_build_remb(McuRtcpBuilder *b, uint32_t sender, uint64_t bitrate_bps,
			 const uint32_t *ssrcs, size_t n)
{
	unsigned exp;
	uint32_t mantissa = scale(bitrate_bps, 18, &exp);
	McuWriter w;

	if (n > MCU_RTCP_MAX_ENTRIES)
		n = MCU_RTCP_MAX_ENTRIES;
	w = begin_fb(b, RTCP_PT_PSFB, RTCP_PSFB_AFB, 2 + n, sender, 0);
	mcu_write_bytes(&w, "REMB", 4);
	mcu_write_u8(&w, (uint8_t)n);
	mcu_write_u24(&w, exp << 18 | mantissa);
	for (size_t i = 0; i < n; i++)
		mcu_write_u32(&w, ssrcs[i]);
	end(b, &w);
}

int mcu_rtcp_build_end(const McuRtcpBuilder *b)
{
	return b->failed ? -ENOSPC : 0;
}
