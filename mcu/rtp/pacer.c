#include "rtp/pacer.h"

#include "base/clock.h"
#include "rtp/header.h"

typedef struct Entry {
	McuPacket *payload;
	uint32_t media_ts;
	int64_t queued_ns;
} Entry;

struct McuPacer {
	McuPacerConfig cfg;
	McuPacerStats stats;
	Entry *queue; /* ring */
	size_t head, len;
	int64_t free_ns; /* the bucket is empty from then on */
	uint64_t rate_bps;
	size_t keyframe_bytes; /* of the queued bytes */
	bool in_picture;       /* the oldest entry continues a picture that has begun to leave */
	bool dropping;         /* until the next keyframe */
};

McuPacer *mcu_pacer_new(const McuPacerConfig *config)
{
	McuPacer *p = g_new0(McuPacer, 1);

	p->queue = g_new0(Entry, MCU_PACER_MAX_PACKETS);
	mcu_pacer_set(p, config);
	return p;
}

static Entry *at(McuPacer *p, size_t i)
{
	return &p->queue[(p->head + i) % MCU_PACER_MAX_PACKETS];
}

void mcu_pacer_free(McuPacer *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->len; i++)
		mcu_packet_unref(at(p, i)->payload);
	g_free(p->queue);
	g_free(p);
}

/* Fast enough for what waits to leave within a frame interval, between the configured rate and its
 * burst. Only ever raised while something waits: a burst keeps its pace to its end. */
static void set_rate(McuPacer *p)
{
	uint64_t min = p->cfg.bitrate_bps, max = p->cfg.bitrate_bps * MCU_PACER_BURST;
	uint64_t want = p->stats.queued_bytes * 8 * (uint64_t)MCU_NS_PER_SEC /
			(uint64_t)p->cfg.frame_interval_ns;

	want = CLAMP(want, min, max);
	p->rate_bps = p->len > 1 ? MAX(CLAMP(p->rate_bps, min, max), want) : want;
}

void mcu_pacer_set(McuPacer *p, const McuPacerConfig *config)
{
	g_assert(config->bitrate_bps > 0 && config->frame_interval_ns > 0);
	p->cfg = *config;
	p->cfg.bitrate_bps = MIN(p->cfg.bitrate_bps, UINT64_C(1) << 40);
	set_rate(p);
}

/* At the highest pace, would what waits already leave too late? A keyframe that is under way does
 * not count against the pictures behind it: dropping those would only call for the next keyframe.
 */
static bool overfull(const McuPacer *p, int64_t now_ns, bool count_keyframes)
{
	uint64_t max = p->cfg.bitrate_bps * MCU_PACER_BURST;
	size_t bytes = p->stats.queued_bytes - (count_keyframes ? 0 : p->keyframe_bytes);
	uint64_t drain_ns = bytes * 8 * (uint64_t)MCU_NS_PER_SEC / max;
	const Entry *oldest = p->len ? &p->queue[p->head] : NULL;

	if (drain_ns > (uint64_t)MCU_PACER_MAX_DELAY_NS)
		return true;
	if (!oldest || (!count_keyframes && p->keyframe_bytes > 0))
		return false;
	return now_ns - oldest->queued_ns > MCU_PACER_MAX_DELAY_NS;
}

static void count_bytes(McuPacer *p, const McuPacket *payload, bool in)
{
	size_t n = in ? payload->len : 0 - payload->len;

	p->stats.queued_bytes += n;
	if (payload->flags & MCU_RTP_FLAG_KEYFRAME)
		p->keyframe_bytes += n;
}

static void drop_entry(McuPacer *p, Entry *e)
{
	count_bytes(p, e->payload, false);
	p->stats.packets_dropped++;
	if (e->payload->flags & MCU_RTP_FLAG_START)
		p->stats.pictures_dropped++;
	g_clear_pointer(&e->payload, mcu_packet_unref);
}

/* Drop the waiting pictures of which nothing has left yet. */
static void drop_waiting(McuPacer *p)
{
	size_t kept = 0;

	while (p->in_picture && kept < p->len &&
	       !(at(p, kept)->payload->flags & MCU_RTP_FLAG_START))
		kept++;
	for (size_t i = kept; i < p->len; i++)
		drop_entry(p, at(p, i));
	p->len = kept;
}

static int refuse(McuPacer *p, const McuPacket *payload)
{
	p->stats.packets_dropped++;
	if (payload->flags & MCU_RTP_FLAG_START)
		p->stats.pictures_dropped++;
	return -EOVERFLOW;
}

int mcu_pacer_push(McuPacer *p, McuPacket *payload, uint32_t media_ts, int64_t now_ns)
{
	bool start = payload->flags & MCU_RTP_FLAG_START;
	bool keyframe = payload->flags & MCU_RTP_FLAG_KEYFRAME;

	if (start && keyframe && (p->dropping || overfull(p, now_ns, true))) {
		drop_waiting(p);
		p->dropping = false;
	} else if (start && overfull(p, now_ns, false)) {
		p->dropping = true;
	}
	if (p->len == MCU_PACER_MAX_PACKETS)
		p->dropping = true;
	if (p->dropping)
		return refuse(p, payload);
	if (p->len == 0)
		p->free_ns = MAX(p->free_ns, now_ns);
	*at(p, p->len++) = (Entry){ .payload = mcu_packet_ref(payload),
				    .media_ts = media_ts,
				    .queued_ns = now_ns };
	count_bytes(p, payload, true);
	set_rate(p);
	return 0;
}

int mcu_pacer_pop(McuPacer *p, int64_t now_ns, McuPacket **ret, uint32_t *ret_media_ts)
{
	Entry *e;

	if (p->len == 0 || now_ns < p->free_ns)
		return -EAGAIN;
	e = at(p, 0);
	p->head = (p->head + 1) % MCU_PACER_MAX_PACKETS;
	p->len--;
	count_bytes(p, e->payload, false);
	p->stats.max_delay_ns = MAX(p->stats.max_delay_ns, now_ns - e->queued_ns);
	p->in_picture = !(e->payload->flags & MCU_RTP_FLAG_MARKER);
	/* a timer that fires late does not slow the stream down, within one frame interval */
	p->free_ns = MAX(p->free_ns, now_ns - p->cfg.frame_interval_ns) +
		     (int64_t)(e->payload->len * 8 * (uint64_t)MCU_NS_PER_SEC / p->rate_bps);
	*ret_media_ts = e->media_ts;
	*ret = g_steal_pointer(&e->payload);
	return 0;
}

int64_t mcu_pacer_next_ns(const McuPacer *p)
{
	return p->len ? p->free_ns : INT64_MAX;
}

bool mcu_pacer_wants_keyframe(const McuPacer *p)
{
	return p->dropping;
}

void mcu_pacer_stats(const McuPacer *p, McuPacerStats *ret)
{
	*ret = p->stats;
	ret->queued_packets = p->len;
}
