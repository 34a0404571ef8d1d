/* Video of one leg: joins video_in.c and video_out.c. */
#include "base/clock.h"
#include "base/log.h"
#include "worker/video_priv.h"

static void video_feedback(McuStream *s, const McuRtcpItem *item, int64_t now)
{
	McuVideoStream *v = (McuVideoStream *)s;

	switch (item->type) {
	case MCU_RTCP_PLI:
		s->pli_in++;
		mcu_video_stream_keyframe_requested(s);
		break;
	case MCU_RTCP_FIR:
		for (unsigned i = 0; i < item->n; i++) {
			if (item->firs[i].ssrc != s->ssrc ||
			    !mcu_rtcp_fir_is_new(&v->fir_seen, item->firs[i].seq))
				continue;
			s->fir_in++;
			mcu_video_stream_keyframe_requested(s);
		}
		break;
	case MCU_RTCP_TMMBR:
		mcu_video_out_tmmbr(v, item, now);
		break;
	case MCU_RTCP_TMMBN:
		for (unsigned i = 0; i < item->n; i++)
			if (item->rates[i].ssrc == s->ssrc)
				mcu_rate_request_confirm(&v->rate, item->rates[i].bitrate_bps);
		break;
	default:
		break;
	}
}

static int video_check(McuStream *s, const McuSdpStream *neg, McuDiag *reterr)
{
	McuFeedLimits limits = mcu_video_out_limits(neg, 0);

	return mcu_sdp_direction_sends(neg->direction)
		       ? mcu_feeds_check(s->env->feeds, &limits, reterr)
		       : 0;
}

static int video_apply(McuStream *s, McuDiag *reterr)
{
	McuVideoStream *v = (McuVideoStream *)s;
	McuFeedLimits limits = mcu_video_out_limits(&s->neg, v->tmmbr_bps);
	int r;

	if (mcu_stream_receives(s)) {
		r = mcu_video_in_open(v, reterr);
		if (r < 0)
			return r;
	} else {
		mcu_video_in_close(v);
	}
	mcu_stream_setup_sender(s, s->neg.feedback & MCU_SDP_FB_NACK);
	if (!mcu_stream_sends(s)) {
		mcu_video_out_leave(v);
		return 0;
	}
	r = mcu_video_out_join(v, &limits, reterr);
	if (r < 0)
		return r;
	/* the peer may have begun anew */
	mcu_feed_request_keyframe(v->feed);
	return 0;
}

/* The call's bit rate was changed by configuration: the pacer follows, or another feed fits now. */
static void video_tick(McuStream *s, int64_t now)
{
	McuVideoStream *v = (McuVideoStream *)s;
	McuFeedLimits limits;
	McuDiag diag = { 0 };

	mcu_video_in_ask_rate(v, now);
	mcu_video_out_follow_tmmbr(v, now);
	if (v->repeat_key_ns && now >= v->repeat_key_ns) {
		v->repeat_key_ns = 0;
		mcu_video_stream_keyframe_requested(s);
	}
	limits = v->limits;
	if (v->feed && mcu_feed_bitrate(v->feed) != v->pace_bps &&
	    mcu_video_out_join(v, &limits, &diag) < 0)
		mcu_warning(s->env->ctx, "bit rate not followed: %s", diag.text);
}

static void video_stats(McuStream *s, GVariantDict *d)
{
	McuVideoStream *v = (McuVideoStream *)s;
	McuVideoSourceStats in;
	McuH264DepayStats depay;

	if (v->source && mcu_video_engine_source_stats(s->env->video, v->source, &in) == 0) {
		g_variant_dict_insert(d, "state", "s", mcu_video_source_state_name(in.state));
		g_variant_dict_insert(d, "visible", "b", in.visible);
		g_variant_dict_insert(d, "width", "u", (guint)in.width);
		g_variant_dict_insert(d, "height", "u", (guint)in.height);
		g_variant_dict_insert(d, "fps", "d", in.fps);
		if (in.age_ns >= 0)
			g_variant_dict_insert(d, "age-ms", "d", (double)in.age_ns / 1e6);
		g_variant_dict_insert(d, "decoded", "t", in.decoded);
		g_variant_dict_insert(d, "decode-us-avg", "d",
				      in.decoded ? (double)in.decode_ns / (double)in.decoded / 1e3
						 : 0.0);
		g_variant_dict_insert(d, "decode-errors", "t", in.decode_errors);
		g_variant_dict_insert(d, "dropped-hidden", "t", in.dropped_hidden);
		g_variant_dict_insert(d, "dropped-waiting", "t", in.dropped_wait);
		g_variant_dict_insert(d, "dropped-queue", "t", in.dropped_queue);
		g_variant_dict_insert(d, "decoder", "s", in.decoder);
	}
	if (v->depay) {
		mcu_h264_depay_stats(v->depay, &depay);
		g_variant_dict_insert(d, "damaged", "t", depay.damaged);
	}
	g_variant_dict_insert(d, "info-out", "t", v->info_out);
	g_variant_dict_insert(d, "tmmbr-out", "t", v->tmmbr_out);
	if (v->feed) {
		g_variant_dict_insert(d, "tx-width", "u", (guint)mcu_feed_width(v->feed));
		g_variant_dict_insert(d, "tx-height", "u", (guint)mcu_feed_height(v->feed));
		g_variant_dict_insert(d, "tx-bitrate-bps", "u", mcu_feed_bitrate(v->feed));
	}
}

static void video_free(McuStream *s)
{
	McuVideoStream *v = (McuVideoStream *)s;

	mcu_video_in_close(v);
	mcu_video_out_leave(v);
	mcu_timer_free(v->in_timer);
	mcu_timer_free(v->pacer_timer);
}

McuStream *mcu_video_stream_new(const McuStreamEnv *env)
{
	static const McuStreamOps ops = {
		.kind = MCU_SDP_VIDEO,
		.name = "video",
		.check = video_check,
		.apply = video_apply,
		.rtp = mcu_video_in_rtp,
		.restart = mcu_video_in_restart,
		.ended = mcu_video_in_ended,
		.feedback = video_feedback,
		.tick = video_tick,
		.stats = video_stats,
		.free = video_free,
	};
	McuVideoStream *v = g_new0(McuVideoStream, 1);

	mcu_stream_init(&v->base, &ops, env);
	v->in_timer = mcu_timer_new(mcu_video_in_on_timer, v);
	v->pacer_timer = mcu_timer_new(mcu_video_out_drain, v);
	return &v->base;
}
