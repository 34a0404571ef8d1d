/* Video to the peer: a feed's payloads to RTP, and what the peer asks for (keyframes, bit rate).
 *
 *   feed -> pacer -> sender
 */
#include <limits.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/video_priv.h"

/* Another bit rate may mean another encoder: not more often. */
#define TMMBR_INTERVAL_NS MCU_NS_PER_SEC

void mcu_video_out_drain(void *data)
{
	McuVideoStream *v = data;
	McuStream *s = &v->base;
	int64_t now = mcu_now_ns();
	McuPacket *payload;
	uint32_t ts;

	while (mcu_pacer_pop(v->pacer, now, &payload, &ts) == 0) {
		mcu_stream_send(s, payload, ts, payload->pts_ns);
		mcu_packet_unref(payload);
	}
	mcu_timer_set(v->pacer_timer, mcu_pacer_next_ns(v->pacer));
}

static void on_picture(void *data, const McuFeedPicture *picture)
{
	McuVideoStream *v = data;
	int64_t now = mcu_now_ns();

	if (picture->keyframe)
		v->wait_key = false;
	if (!mcu_stream_sends(&v->base) || v->wait_key)
		return;
	for (guint i = 0; i < picture->payloads->len; i++)
		(void)mcu_pacer_push(v->pacer, picture->payloads->pdata[i], picture->media_ts, now);
	if (mcu_pacer_wants_keyframe(v->pacer))
		mcu_feed_request_keyframe(v->feed);
	mcu_video_out_drain(v);
}

void mcu_video_stream_keyframe_requested(McuStream *s)
{
	McuVideoStream *v = (McuVideoStream *)s;

	if (v->feed)
		mcu_feed_request_keyframe(v->feed);
}

void mcu_video_stream_repeat_keyframe(McuStream *s)
{
	((McuVideoStream *)s)->repeat_key_ns = mcu_now_ns() + MCU_NS_PER_SEC;
}

McuFeedLimits mcu_video_out_limits(const McuSdpStream *neg, unsigned tmmbr_bps)
{
	McuFeedLimits l = {
		.high_profile = neg->h264.profile == MCU_H264_HIGH ||
				neg->h264.profile == MCU_H264_CONSTRAINED_HIGH,
		.mode = neg->h264.packetization_mode,
		.max_fs = neg->h264.max_fs,
		.max_mbps = neg->h264.max_mbps,
		.max_bitrate_bps = MIN(neg->h264.max_br, UINT_MAX / 1000) * 1000,
	};

	if (neg->send_limit_bps && neg->send_limit_bps < l.max_bitrate_bps)
		l.max_bitrate_bps = (unsigned)neg->send_limit_bps;
	if (tmmbr_bps && tmmbr_bps < l.max_bitrate_bps)
		l.max_bitrate_bps = tmmbr_bps;
	return l;
}

int mcu_video_out_join(McuVideoStream *v, const McuFeedLimits *limits, McuDiag *reterr)
{
	const McuFeed *before = v->feed;
	int r = mcu_feeds_join(v->base.env->feeds, limits, on_picture, v, &v->feed, reterr);

	if (r < 0)
		return r;
	v->wait_key |= v->feed != before;
	v->limits = *limits;
	v->pace_bps = mcu_feed_bitrate(v->feed);
	const McuPacerConfig pace = {
		.bitrate_bps = v->pace_bps,
		.frame_interval_ns = MCU_NS_PER_SEC / mcu_feed_fps(v->feed),
	};
	if (v->pacer)
		mcu_pacer_set(v->pacer, &pace);
	else
		v->pacer = mcu_pacer_new(&pace);
	return 0;
}

void mcu_video_out_leave(McuVideoStream *v)
{
	mcu_feed_leave(v->feed, v);
	v->feed = NULL;
	mcu_timer_set(v->pacer_timer, INT64_MAX);
	g_clear_pointer(&v->pacer, mcu_pacer_free);
}

static void add_tmmbn(McuStream *s, McuRtcpBuilder *b, void *data)
{
	const McuRtcpItem *item = data;

	for (unsigned i = 0; i < item->n; i++) {
		if (item->rates[i].ssrc != s->ssrc)
			continue;
		McuRtcpBitrate bound = item->rates[i];
		bound.ssrc = item->sender_ssrc; /* the owner of the bound */
		mcu_rtcp_build_tmmbn(b, s->ssrc, &bound, 1);
	}
}

void mcu_video_out_follow_tmmbr(McuVideoStream *v, int64_t now)
{
	McuStream *s = &v->base;
	McuFeedLimits limits = mcu_video_out_limits(&s->neg, v->tmmbr_bps);
	McuDiag diag = { 0 };

	if (!v->feed || limits.max_bitrate_bps == v->limits.max_bitrate_bps ||
	    now - v->last_tmmbr_ns < TMMBR_INTERVAL_NS)
		return;
	v->last_tmmbr_ns = now;
	if (mcu_video_out_join(v, &limits, &diag) < 0)
		mcu_warning(s->env->ctx, "TMMBR not followed: %s", diag.text);
}

void mcu_video_out_tmmbr(McuVideoStream *v, const McuRtcpItem *item, int64_t now)
{
	McuStream *s = &v->base;

	for (unsigned i = 0; i < item->n; i++) {
		if (item->rates[i].ssrc != s->ssrc)
			continue;
		v->tmmbr_bps = (unsigned)CLAMP(item->rates[i].bitrate_bps, 1, UINT32_MAX);
		s->tmmbr_in++;
	}
	mcu_video_out_follow_tmmbr(v, now);
	mcu_stream_send_feedback(s, add_tmmbn, (void *)item);
}
