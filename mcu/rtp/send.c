#include "rtp/send.h"

#include <string.h>

#include "base/clock.h"

#define RESEND_MIN_NS (INT64_C(10) * MCU_NS_PER_MS)

typedef struct Kept {
	McuPacket *payload;
	uint16_t seq;
	uint8_t pt;
	uint32_t ts;
	int64_t sent_ns, resent_ns;
} Kept;

struct McuRtpSender {
	McuRtpSenderConfig cfg;
	McuRtpSenderStats stats;
	uint16_t next_seq;
	bool any;
	uint32_t last_ts;
	int64_t last_ns; /* media time of the last packet on our clock */
	Kept *kept;      /* indexed by sequence number */
	unsigned credit; /* packets that may be sent again */
	int64_t rtt_ns;
};

McuRtpSender *mcu_rtp_sender_new(const McuRtpSenderConfig *config)
{
	McuRtpSender *tx = g_new0(McuRtpSender, 1);

	g_assert(config->clock_hz > 0);
	tx->cfg = *config;
	tx->next_seq = config->first_seq;
	if (config->keep_for_nack)
		tx->kept = g_new0(Kept, MCU_RTP_SEND_MAX_CACHE);
	return tx;
}

void mcu_rtp_sender_free(McuRtpSender *tx)
{
	if (!tx)
		return;
	for (size_t i = 0; tx->kept && i < MCU_RTP_SEND_MAX_CACHE; i++)
		g_clear_pointer(&tx->kept[i].payload, mcu_packet_unref);
	g_free(tx->kept);
	g_free(tx);
}

static int make(const McuRtpSender *tx, const McuPacket *payload, uint8_t pt, uint16_t seq,
		uint32_t ts, McuPacket **ret)
{
	McuRtpHeader hdr = { .pt = pt,
			     .marker = payload->flags & MCU_RTP_FLAG_MARKER,
			     .seq = seq,
			     .ts = ts,
			     .ssrc = tx->cfg.ssrc };
	g_autoptr(McuPacket) pkt = mcu_packet_new_copy(payload->data, payload->len);
	int r;

	if (!pkt)
		return -ENOSPC;
	r = mcu_rtp_header_prepend(pkt, &hdr);
	if (r < 0)
		return r;
	pkt->pts_ns = payload->pts_ns;
	pkt->flags = payload->flags;
	*ret = g_steal_pointer(&pkt);
	return 0;
}

/* Forget what is too old from the oldest end; sequence order is time order, so the entry that the
 * new one replaces is the oldest, and those after it follow. */
static void keep(McuRtpSender *tx, McuPacket *payload, uint32_t ts, int64_t now_ns)
{
	Kept *k = &tx->kept[tx->next_seq % MCU_RTP_SEND_MAX_CACHE];

	g_clear_pointer(&k->payload, mcu_packet_unref);
	*k = (Kept){ .payload = mcu_packet_ref(payload),
		     .seq = tx->next_seq,
		     .pt = tx->cfg.pt,
		     .ts = ts,
		     .sent_ns = now_ns,
		     .resent_ns = INT64_MIN };
	for (uint16_t i = 1; i <= 4; i++) {
		Kept *old = &tx->kept[(uint16_t)(tx->next_seq + i) % MCU_RTP_SEND_MAX_CACHE];

		if (old->payload && now_ns - old->sent_ns > MCU_RTP_SEND_CACHE_NS)
			g_clear_pointer(&old->payload, mcu_packet_unref);
	}
}

int mcu_rtp_sender_packet(McuRtpSender *tx, McuPacket *payload, uint32_t media_ts, int64_t now_ns,
			  McuPacket **ret)
{
	uint32_t ts = media_ts + tx->cfg.ts_offset;
	int r = make(tx, payload, tx->cfg.pt, tx->next_seq, ts, ret);

	if (r < 0)
		return r;
	if (tx->kept)
		keep(tx, payload, ts, now_ns);
	tx->credit = MIN(tx->credit + 1, MCU_RTP_SEND_MAX_CREDIT);
	tx->next_seq++;
	tx->any = true;
	tx->last_ts = ts;
	tx->last_ns = payload->pts_ns ? payload->pts_ns : now_ns;
	tx->stats.packets++;
	tx->stats.bytes += payload->len;
	return 0;
}

static int find_kept(McuRtpSender *tx, uint16_t seq, int64_t now_ns, Kept **ret)
{
	Kept *k = tx->kept ? &tx->kept[seq % MCU_RTP_SEND_MAX_CACHE] : NULL;

	if (!k || !k->payload || k->seq != seq || now_ns - k->sent_ns > MCU_RTP_SEND_CACHE_NS)
		return -ENOENT;
	if (k->resent_ns != INT64_MIN && now_ns - k->resent_ns < MAX(RESEND_MIN_NS, tx->rtt_ns / 2))
		return -EBUSY;
	if (!tx->credit)
		return -EOVERFLOW;
	*ret = k;
	return 0;
}

int mcu_rtp_sender_resend(McuRtpSender *tx, uint16_t seq, int64_t now_ns, McuPacket **ret)
{
	Kept *k;
	int r = find_kept(tx, seq, now_ns, &k);

	if (r == 0)
		r = make(tx, k->payload, k->pt, k->seq, k->ts, ret);
	if (r < 0) {
		tx->stats.resend_missed++;
		return r;
	}
	k->resent_ns = now_ns;
	tx->credit--;
	tx->stats.resent++;
	return 0;
}

bool mcu_rtp_sender_info(const McuRtpSender *tx, int64_t now_ns, uint64_t now_ntp,
			 McuRtcpSenderInfo *ret)
{
	int64_t since = now_ns - tx->last_ns;
	int64_t hz = tx->cfg.clock_hz;

	if (!tx->any)
		return false;
	*ret = (McuRtcpSenderInfo){
		.ntp = now_ntp,
		.rtp_ts = tx->last_ts + (uint32_t)(since / MCU_NS_PER_SEC * hz +
						   since % MCU_NS_PER_SEC * hz / MCU_NS_PER_SEC),
		.packets = (uint32_t)tx->stats.packets,
		.octets = (uint32_t)tx->stats.bytes,
	};
	return true;
}

void mcu_rtp_sender_block(McuRtpSender *tx, const McuRtcpBlock *block, uint64_t now_ntp)
{
	if (block->ssrc != tx->cfg.ssrc)
		return;
	tx->stats.reported = true;
	tx->stats.loss_ratio = block->fraction_lost / 256.0;
	tx->stats.lost = block->lost;
	tx->stats.jitter_ms = block->jitter * 1000.0 / tx->cfg.clock_hz;
	if (block->lsr) {
		/* RFC 3550 section 6.4.1; a negative value comes from clocks with little precision
		 */
		int32_t rtt = (int32_t)((uint32_t)(now_ntp >> 16) - block->lsr - block->dlsr);

		if (rtt >= 0 && rtt < 60 * 65536) {
			tx->rtt_ns = (int64_t)rtt * MCU_NS_PER_SEC / 65536;
			tx->stats.rtt_ms = (double)tx->rtt_ns / (double)MCU_NS_PER_MS;
		}
	}
}

void mcu_rtp_sender_set_pt(McuRtpSender *tx, uint8_t pt)
{
	tx->cfg.pt = pt;
}

uint32_t mcu_rtp_sender_ssrc(const McuRtpSender *tx)
{
	return tx->cfg.ssrc;
}

void mcu_rtp_sender_stats(const McuRtpSender *tx, McuRtpSenderStats *ret)
{
	*ret = tx->stats;
}
