#include "rtp/recv.h"

#include <string.h>

#include "base/clock.h"

#define WINDOW MCU_RTP_RECV_WINDOW
/* RFC 3550 A.1, with room for retransmissions behind the newest packet */
#define MAX_DROPOUT  3000
#define MAX_MISORDER 512
#define NO_BAD_SEQ   0x10000u
/* a packet this late by reordering alone is not asked for */
#define REORDER_GRACE_NS (INT64_C(8) * MCU_NS_PER_MS)
#define RETRY_MIN_NS     (INT64_C(20) * MCU_NS_PER_MS)
#define RTT_DEFAULT_NS   (INT64_C(100) * MCU_NS_PER_MS)
#define RTT_MAX_NS       (INT64_C(2) * MCU_NS_PER_SEC)

typedef struct Slot {
	McuPacket *pkt; /* NULL: missing (between head and highest), or unused */
	const uint8_t *payload;
	size_t payload_len;
	uint32_t ts;
	uint8_t pt;
	bool marker;
	uint8_t tries;
	int64_t missing_since_ns, nack_at_ns;
} Slot;

struct McuRtpReceiver {
	McuRtpReceiverConfig cfg;
	McuRtpReceiverStats stats;

	/* sequence (extended numbers begin one cycle up, so that they may go below the first) */
	bool started;
	uint64_t base, highest;
	uint32_t bad_seq;
	uint64_t received; /* since base, duplicates included as RFC 3550 wants */
	uint64_t expected_prior, received_prior;
	uint64_t seen[WINDOW / 64];

	/* jitter, RFC 3550 A.8 */
	bool transit_known;
	uint32_t transit, jitter_q4;

	bool sr_known;
	McuRtcpSenderInfo sr;
	int64_t sr_ns;

	/* reorder buffer: [head, highest] */
	Slot *slots;
	uint64_t head;
	unsigned n_missing;
	bool gap;
	int64_t rtt_ns;
};

McuRtpReceiver *mcu_rtp_receiver_new(const McuRtpReceiverConfig *config)
{
	McuRtpReceiver *rx = g_new0(McuRtpReceiver, 1);

	g_assert(config->clock_hz > 0 && (config->reorder || !config->nack));
	rx->cfg = *config;
	if (rx->cfg.wait_ns <= 0)
		rx->cfg.wait_ns = rx->cfg.nack ? MCU_RTP_RECV_WAIT_NACK_NS : MCU_RTP_RECV_WAIT_NS;
	if (config->reorder)
		rx->slots = g_new0(Slot, WINDOW);
	rx->rtt_ns = RTT_DEFAULT_NS;
	rx->bad_seq = NO_BAD_SEQ;
	return rx;
}

static void drop_all(McuRtpReceiver *rx)
{
	for (size_t i = 0; rx->slots && i < WINDOW; i++)
		g_clear_pointer(&rx->slots[i].pkt, mcu_packet_unref);
	rx->n_missing = 0;
}

void mcu_rtp_receiver_free(McuRtpReceiver *rx)
{
	if (!rx)
		return;
	drop_all(rx);
	g_free(rx->slots);
	g_free(rx);
}

static bool seen_get(const McuRtpReceiver *rx, uint64_t ext)
{
	return rx->seen[ext % WINDOW / 64] >> (ext % 64) & 1;
}

static void seen_set(McuRtpReceiver *rx, uint64_t ext, bool value)
{
	uint64_t bit = UINT64_C(1) << (ext % 64), *word = &rx->seen[ext % WINDOW / 64];

	*word = value ? *word | bit : *word & ~bit;
}

static void begin(McuRtpReceiver *rx, uint16_t seq)
{
	rx->started = true;
	rx->base = rx->highest = rx->head = UINT64_C(0x10000) + seq;
	rx->bad_seq = NO_BAD_SEQ;
	rx->received = rx->expected_prior = rx->received_prior = 0;
	rx->transit_known = false;
	memset(rx->seen, 0, sizeof(rx->seen));
	drop_all(rx);
}

/* RFC 3550 A.1. Returns 0 and the extended number, or -EAGAIN for a jump not yet confirmed. */
static int extend(McuRtpReceiver *rx, uint16_t seq, uint64_t *ret_ext)
{
	uint16_t ahead = (uint16_t)(seq - (uint16_t)rx->highest);

	if (!rx->started) {
		begin(rx, seq);
	} else if (ahead >= MAX_DROPOUT && ahead <= 0x10000 - MAX_MISORDER) {
		if (seq != rx->bad_seq) {
			rx->bad_seq = (uint16_t)(seq + 1);
			return -EAGAIN;
		}
		begin(rx, seq);
		rx->stats.restarts++;
		rx->gap = true;
	} else if (ahead < MAX_DROPOUT) {
		*ret_ext = rx->highest + ahead;
		return 0;
	} else {
		*ret_ext = rx->highest - (0x10000u - ahead);
		return 0;
	}
	*ret_ext = rx->highest;
	return 0;
}

static uint32_t to_rtp_units(const McuRtpReceiver *rx, int64_t ns)
{
	uint64_t hz = rx->cfg.clock_hz;

	return (uint32_t)((uint64_t)(ns / MCU_NS_PER_SEC) * hz +
			  (uint64_t)(ns % MCU_NS_PER_SEC) * hz / (uint64_t)MCU_NS_PER_SEC);
}

/* RFC 3550 A.8. A jump of more than 10 s is a new time base, not jitter. */
static void update_jitter(McuRtpReceiver *rx, uint32_t ts, int64_t arrival_ns)
{
	uint32_t transit = to_rtp_units(rx, arrival_ns) - ts;
	int32_t d = mcu_diff32(transit, rx->transit);
	uint32_t abs_d = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;

	if (rx->transit_known && abs_d < 10 * rx->cfg.clock_hz)
		rx->jitter_q4 += abs_d - ((rx->jitter_q4 + 8) >> 4);
	rx->transit = transit;
	rx->transit_known = true;
}

static Slot *slot_of(McuRtpReceiver *rx, uint64_t ext)
{
	return &rx->slots[ext % WINDOW];
}

static void mark_missing(McuRtpReceiver *rx, uint64_t from, uint64_t to, int64_t now_ns)
{
	for (uint64_t s = from; s < to; s++) {
		*slot_of(rx, s) = (Slot){ .missing_since_ns = now_ns,
					  .nack_at_ns = now_ns + REORDER_GRACE_NS };
		rx->n_missing++;
	}
}

/* Move `highest` to `ext`, and begin to wait for what lies between. */
static void advance(McuRtpReceiver *rx, uint64_t ext, int64_t now_ns)
{
	for (uint64_t s = rx->highest + 1; s <= ext && s - rx->highest <= WINDOW; s++)
		seen_set(rx, ext - (s - rx->highest - 1), false);
	if (rx->slots && ext - rx->head >= WINDOW) {
		rx->stats.given_up += ext - rx->head;
		rx->gap = true;
		drop_all(rx);
		rx->head = ext;
	} else if (rx->slots) {
		mark_missing(rx, rx->highest + 1, ext, now_ns);
	}
	rx->highest = ext;
}

static void keep(McuRtpReceiver *rx, uint64_t ext, McuPacket *pkt, const McuRtpHeader *hdr,
		 bool was_missing)
{
	Slot *slot = slot_of(rx, ext);

	if (was_missing) {
		rx->n_missing--;
		if (slot->tries)
			rx->stats.recovered++;
	}
	*slot = (Slot){ .pkt = mcu_packet_ref(pkt),
			.payload = hdr->payload,
			.payload_len = hdr->payload_len,
			.ts = hdr->ts,
			.pt = hdr->pt,
			.marker = hdr->marker };
}

int mcu_rtp_receiver_put(McuRtpReceiver *rx, McuPacket *pkt, const McuRtpHeader *hdr,
			 int64_t now_ns)
{
	bool first = !rx->started;
	uint64_t ext, before = rx->highest;
	uint64_t restarts = rx->stats.restarts;
	int r = extend(rx, hdr->seq, &ext);

	if (r < 0)
		return r;
	first |= restarts != rx->stats.restarts;
	rx->bad_seq = NO_BAD_SEQ;
	rx->stats.packets++;
	rx->stats.bytes += hdr->payload_len;
	rx->received++;
	if (!first && ext <= before) {
		if (seen_get(rx, ext)) {
			rx->stats.duplicates++;
			return -EEXIST;
		}
		rx->stats.reordered++;
		rx->base = MIN(rx->base, ext);
	} else if (!first) {
		advance(rx, ext, now_ns);
	}
	seen_set(rx, ext, true);
	update_jitter(rx, hdr->ts, pkt->arrival_ns ? pkt->arrival_ns : now_ns);
	if (!rx->slots)
		return 0;
	if (ext < rx->head) {
		rx->stats.late++;
		return -ETIMEDOUT;
	}
	keep(rx, ext, pkt, hdr, !first && ext <= before);
	return 0;
}

static bool waited_enough(const McuRtpReceiver *rx, const Slot *slot, int64_t now_ns)
{
	return now_ns - slot->missing_since_ns >= rx->cfg.wait_ns ||
	       rx->highest - rx->head > MCU_RTP_RECV_MAX_BEHIND_GAP;
}

int mcu_rtp_receiver_next(McuRtpReceiver *rx, int64_t now_ns, McuRtpReceived *ret)
{
	if (!rx->started || !rx->slots)
		return -EAGAIN;
	for (; rx->head <= rx->highest; rx->head++) {
		Slot *slot = slot_of(rx, rx->head);

		if (slot->pkt) {
			*ret = (McuRtpReceived){ .pkt = g_steal_pointer(&slot->pkt),
						 .payload = slot->payload,
						 .payload_len = slot->payload_len,
						 .ext_seq = rx->head,
						 .ts = slot->ts,
						 .pt = slot->pt,
						 .marker = slot->marker,
						 .gap = rx->gap };
			rx->gap = false;
			rx->head++;
			return 0;
		}
		if (!waited_enough(rx, slot, now_ns))
			return -EAGAIN;
		rx->n_missing--;
		rx->stats.given_up++;
		rx->gap = true;
	}
	return -EAGAIN;
}

size_t mcu_rtp_receiver_nacks(McuRtpReceiver *rx, int64_t now_ns, uint16_t *seqs, size_t max)
{
	size_t n = 0;

	if (!rx->cfg.nack || rx->n_missing == 0)
		return 0;
	for (uint64_t s = rx->head; s <= rx->highest && n < max; s++) {
		Slot *slot = slot_of(rx, s);

		if (slot->pkt || slot->nack_at_ns > now_ns)
			continue;
		if (slot->tries++ == 0)
			rx->stats.nacked++;
		slot->nack_at_ns =
			slot->tries >= MCU_RTP_RECV_MAX_TRIES
				? INT64_MAX
				: now_ns + MAX(RETRY_MIN_NS, rx->rtt_ns + rx->rtt_ns / 4);
		seqs[n++] = (uint16_t)s;
	}
	return n;
}

int64_t mcu_rtp_receiver_next_deadline(const McuRtpReceiver *rx)
{
	int64_t deadline = INT64_MAX;

	if (!rx->slots || rx->n_missing == 0)
		return deadline;
	for (uint64_t s = rx->head; s <= rx->highest; s++) {
		const Slot *slot = &rx->slots[s % WINDOW];

		if (slot->pkt)
			continue;
		deadline = MIN(deadline, slot->missing_since_ns + rx->cfg.wait_ns);
		if (rx->cfg.nack)
			deadline = MIN(deadline, slot->nack_at_ns);
	}
	return deadline;
}

void mcu_rtp_receiver_set_rtt(McuRtpReceiver *rx, int64_t rtt_ns)
{
	rx->rtt_ns = CLAMP(rtt_ns, 0, RTT_MAX_NS);
}

void mcu_rtp_receiver_sr(McuRtpReceiver *rx, const McuRtcpSenderInfo *info, int64_t now_ns)
{
	rx->sr_known = true;
	rx->sr = *info;
	rx->sr_ns = now_ns;
}

/* RFC 3550 A.3 */
static uint8_t fraction_lost(McuRtpReceiver *rx, uint64_t expected)
{
	uint64_t expected_interval = expected - rx->expected_prior;
	uint64_t received_interval = rx->received - rx->received_prior;
	uint64_t lost =
		expected_interval > received_interval ? expected_interval - received_interval : 0;

	rx->expected_prior = expected;
	rx->received_prior = rx->received;
	if (expected_interval == 0)
		return 0;
	rx->stats.loss_ratio = (double)lost / (double)expected_interval;
	return (uint8_t)MIN(255, lost * 256 / expected_interval);
}

bool mcu_rtp_receiver_report(McuRtpReceiver *rx, int64_t now_ns, McuRtcpBlock *ret)
{
	uint64_t expected = rx->highest - rx->base + 1;

	if (!rx->started)
		return false;
	*ret = (McuRtcpBlock){
		.ssrc = rx->cfg.ssrc,
		.fraction_lost = fraction_lost(rx, expected),
		.lost = (int32_t)CLAMP((int64_t)expected - (int64_t)rx->received, -0x800000,
				       0x7fffff),
		/* the first cycle counts 0 on the wire */
		.highest_seq = (uint32_t)(rx->highest - 0x10000),
		.jitter = rx->jitter_q4 >> 4,
	};
	if (rx->sr_known) {
		int64_t since = MAX(0, now_ns - rx->sr_ns);

		ret->lsr = (uint32_t)(rx->sr.ntp >> 16);
		ret->dlsr = (uint32_t)MIN(UINT32_MAX,
					  since / MCU_NS_PER_SEC * 65536 +
						  since % MCU_NS_PER_SEC * 65536 / MCU_NS_PER_SEC);
	}
	return true;
}

static int64_t ntp_to_ns(uint64_t ntp)
{
	return (int64_t)(ntp >> 32) * MCU_NS_PER_SEC +
	       (int64_t)(((ntp & UINT32_MAX) * (uint64_t)MCU_NS_PER_SEC) >> 32);
}

bool mcu_rtp_receiver_capture_ns(const McuRtpReceiver *rx, uint32_t ts, int64_t *ret_ns)
{
	/* INTEROP: devices without a clock send NTP time 0 (RFC 3550 section 6.4.1 allows it) */
	if (!rx->sr_known || rx->sr.ntp == 0)
		return false;
	*ret_ns = ntp_to_ns(rx->sr.ntp) + (int64_t)mcu_diff32(ts, rx->sr.rtp_ts) * MCU_NS_PER_SEC /
						  (int64_t)rx->cfg.clock_hz;
	return true;
}

void mcu_rtp_receiver_stats(const McuRtpReceiver *rx, McuRtpReceiverStats *ret)
{
	uint64_t expected = rx->started ? rx->highest - rx->base + 1 : 0;

	*ret = rx->stats;
	ret->lost = expected > rx->received ? expected - rx->received : 0;
	ret->jitter_ms = (double)(rx->jitter_q4 >> 4) * 1000.0 / rx->cfg.clock_hz;
}

/* --- clock map --- */

#define BUCKET_NS (INT64_C(1200) * MCU_NS_PER_MS)
/* a sender's clock that jumps further than this was set anew */
#define CLOCK_JUMP_NS (INT64_C(5) * MCU_NS_PER_SEC)

static int64_t smallest_offset(const McuRtpClockMap *map)
{
	int64_t min = INT64_MAX;

	for (unsigned i = 0; i < map->n; i++)
		min = MIN(min, map->offset_ns[i]);
	return min;
}

void mcu_rtp_clock_map_update(McuRtpClockMap *map, int64_t capture_ns, int64_t arrival_ns)
{
	int64_t offset = arrival_ns - capture_ns;

	if (map->n && ABS(offset - smallest_offset(map)) > CLOCK_JUMP_NS)
		*map = (McuRtpClockMap){ 0 };
	if (map->n == 0 || arrival_ns - map->bucket_start_ns >= BUCKET_NS) {
		map->at = map->n ? (map->at + 1) % MCU_RTP_CLOCK_MAP_BUCKETS : 0;
		map->n = MIN(map->n + 1, MCU_RTP_CLOCK_MAP_BUCKETS);
		map->offset_ns[map->at] = offset;
		map->bucket_start_ns = arrival_ns;
	} else {
		map->offset_ns[map->at] = MIN(map->offset_ns[map->at], offset);
	}
}

bool mcu_rtp_clock_map_local(const McuRtpClockMap *map, int64_t capture_ns, int64_t *ret_ns)
{
	if (map->n == 0)
		return false;
	*ret_ns = capture_ns + smallest_offset(map);
	return true;
}
