/* Video of one leg: RTP to access units for the video engine, a feed's payloads to RTP, keyframe
 * requests both ways.
 *
 *   receiver (reorder, NACK) -> depay -> when it is due -> video engine
 *   feed -> pacer -> sender
 */
#include <limits.h>

#include "base/clock.h"
#include "base/log.h"
#include "rtp/cadence.h"
#include "rtp/depay_h264.h"
#include "rtp/keyframe.h"
#include "rtp/pacer.h"
#include "rtp/rate_request.h"
#include "worker/stream.h"

#define MAX_NACKS 64
/* No picture waits longer for its moment. */
#define MAX_HOLD_NS (250 * MCU_NS_PER_MS)
/* Time to decode a picture and hand it over. */
#define DECODE_NS (10 * MCU_NS_PER_MS)
/* Interarrival jitter (RFC 3550) is a mean; nearly all packets come within this many times it. */
#define JITTER_FACTOR 3
/* A due picture waits half an interval for the tick, on average, and then is encoded. */
#define TICK_WAIT_NS (20 * MCU_NS_PER_MS)
/* Change of the delay from one picture to the next. */
#define SLEW_NS (MCU_NS_PER_MS / 2)
/* Another bit rate may mean another encoder: not more often. */
#define TMMBR_INTERVAL_NS MCU_NS_PER_SEC
/* INFO costs a SIP transaction: not more often. */
#define INFO_INTERVAL_NS MCU_NS_PER_SEC
/* Depay and the engine each ask for what they miss, often the same: one request is enough. */
#define ASK_INTERVAL_NS (100 * MCU_NS_PER_MS)

typedef struct VideoStream {
	McuStream base;

	/* in */
	uint32_t source; /* id in the engine; 0 = not made */
	McuH264Depay *depay;
	McuKeyframeRequest keyframe;
	McuRateRequest rate;
	uint64_t tmmbr_out;
	McuTimer *in_timer;
	McuCadence cadence;
	int64_t delay_ns; /* from capture to the canvas */
	int64_t last_ask_ns, last_info_ns;
	uint64_t info_out;

	/* out */
	McuFeed *feed;
	McuFeedLimits limits;
	int64_t repeat_key_ns; /* then a keyframe is asked for once more; 0 = no */
	bool wait_key; /* the peer cannot decode this feed before its next keyframe */
	McuPacer *pacer;
	unsigned pace_bps; /* what the pacer is set to */
	McuTimer *pacer_timer;
	McuRtcpFirSeen fir_seen;
	unsigned tmmbr_bps; /* the peer's bound; 0 = none */
	int64_t last_tmmbr_ns;
} VideoStream;

static void on_picture(void *data, const McuFeedPicture *picture);

/* --- in --- */

static void add_pli(McuStream *s, McuRtcpBuilder *b, void *data)
{
	(void)data;
	mcu_rtcp_build_pli(b, s->ssrc, s->rx_ssrc);
	s->pli_out++;
}

static void add_fir(McuStream *s, McuRtcpBuilder *b, void *data)
{
	const McuRtcpFir fir = { .ssrc = s->rx_ssrc, .seq = s->fir_seq++ };

	(void)data;
	mcu_rtcp_build_fir(b, s->ssrc, &fir, 1);
	s->fir_out++;
}

/* Ask the peer for a keyframe the way it understands. */
void mcu_video_stream_want_keyframe(McuStream *s)
{
	VideoStream *v = (VideoStream *)s;
	int64_t now = mcu_now_ns();

	if (!mcu_stream_receives(s) || !s->rx || now - v->last_ask_ns < ASK_INTERVAL_NS)
		return;
	v->last_ask_ns = now;
	if (s->neg.feedback & MCU_SDP_FB_PLI) {
		mcu_stream_send_feedback(s, add_pli, NULL);
	} else if (s->neg.feedback & MCU_SDP_FB_FIR) {
		mcu_stream_send_feedback(s, add_fir, NULL);
	} else if (now - v->last_info_ns >= INFO_INTERVAL_NS) {
		v->last_info_ns = now;
		v->info_out++;
		mcu_stream_event(s, "keyframe-wanted", NULL);
	}
}

/* When the picture is due on the canvas: with the sound of its moment where there is sound, and
 * late enough that jitter does not make it miss its tick. */
static int64_t due_ns(VideoStream *v, const McuAccessUnit *au)
{
	McuStream *s = &v->base;
	McuRtpReceiverStats stats;
	int64_t delay, capture = mcu_stream_capture_ns(s, au->rtp_ts, au->first_arrival_ns);

	capture = mcu_cadence_next(&v->cadence, capture);

	mcu_rtp_receiver_stats(s->rx, &stats);
	delay = DECODE_NS + (int64_t)(stats.jitter_ms * JITTER_FACTOR * 1e6);
	delay = MAX(delay, *s->env->audio_delay_ns - TICK_WAIT_NS);
	/* slew: a jump of the delay would show a picture twice or not at all */
	if (!v->delay_ns)
		v->delay_ns = delay;
	v->delay_ns += CLAMP(delay - v->delay_ns, -SLEW_NS, SLEW_NS);
	return MIN(capture + v->delay_ns, au->first_arrival_ns + MAX_HOLD_NS);
}

static void drain(VideoStream *v, int64_t now)
{
	McuStream *s = &v->base;
	McuRtpReceived in;

	while (mcu_rtp_receiver_next(s->rx, now, &in) == 0) {
		mcu_h264_depay_put(v->depay, in.payload, in.payload_len, in.ts, in.marker, in.gap,
				   in.pkt->arrival_ns);
		mcu_packet_unref(in.pkt);
		for (;;) {
			g_autoptr(McuAccessUnit) au = mcu_h264_depay_next(v->depay);
			if (!au)
				break;
			/* what the engine drops it counts */
			(void)mcu_video_engine_push(s->env->video, v->source, au->data, au->len,
						    due_ns(v, au), au->keyframe,
						    au->first_arrival_ns);
		}
	}
}

static void add_tmmbr(McuStream *s, McuRtcpBuilder *b, void *data)
{
	const McuRtcpBitrate bound = { .ssrc = s->rx_ssrc,
				       .bitrate_bps = ((VideoStream *)s)->rate.bps };

	(void)data;
	mcu_rtcp_build_tmmbr(b, s->ssrc, &bound, 1);
}

static void ask_rate(VideoStream *v, int64_t now)
{
	McuStream *s = &v->base;

	if (!(s->neg.feedback & MCU_SDP_FB_TMMBR) || !mcu_stream_receives(s) || !s->rx ||
	    !mcu_rate_request_due(&v->rate, now))
		return;
	v->tmmbr_out++;
	mcu_stream_send_feedback(s, add_tmmbr, NULL);
}

void mcu_video_stream_shown(McuStream *s, int width, int height)
{
	VideoStream *v = (VideoStream *)s;
	const McuWorkerOptions *o = s->env->options;
	uint64_t bps = mcu_rate_for_tile(o->bitrate_bps, (uint64_t)o->width * o->height,
					 (uint64_t)width * (uint64_t)height);

	mcu_rate_request_set(&v->rate, bps, o->bitrate_bps);
	ask_rate(v, mcu_now_ns());
}

static void add_nack(McuStream *s, McuRtcpBuilder *b, void *data)
{
	GArray *seqs = data;

	mcu_rtcp_build_nack(b, s->ssrc, s->rx_ssrc, (const uint16_t *)(void *)seqs->data, seqs->len);
	s->nack_out += seqs->len;
}

static void ask(VideoStream *v, int64_t now)
{
	McuStream *s = &v->base;
	g_autoptr(GArray) seqs = NULL;
	uint16_t missing[MAX_NACKS];
	size_t n = mcu_rtp_receiver_nacks(s->rx, now, missing, MAX_NACKS);

	if (n) {
		seqs = g_array_new(FALSE, FALSE, sizeof(uint16_t));
		g_array_append_vals(seqs, missing, (guint)n);
		mcu_stream_send_feedback(s, add_nack, seqs);
	}
	/* an unseen source is not decoded: no need for a picture to begin with */
	mcu_keyframe_request_set(&v->keyframe, mcu_h264_depay_wants_keyframe(v->depay) &&
						       mcu_video_engine_source_visible(
							       s->env->video, v->source, NULL, NULL));
	if (mcu_keyframe_request_due(&v->keyframe, now))
		mcu_video_stream_want_keyframe(s);
	mcu_timer_set(v->in_timer, MIN(mcu_rtp_receiver_next_deadline(s->rx),
				       mcu_keyframe_request_deadline(&v->keyframe)));
}

static void on_in_timer(void *data)
{
	VideoStream *v = data;
	int64_t now = mcu_now_ns();

	if (!v->base.rx || !v->depay)
		return;
	drain(v, now);
	ask(v, now);
}

static bool is_known_pt(const McuStream *s, uint8_t pt)
{
	for (size_t i = 0; i < s->neg.n_recv_pts; i++)
		if (s->neg.recv_pts[i].pt == pt)
			return s->neg.recv_pts[i].codec == MCU_CODEC_H264;
	return false;
}

static void video_rtp(McuStream *s, McuPacket *pkt, const McuRtpHeader *hdr, int64_t now)
{
	VideoStream *v = (VideoStream *)s;

	if (!mcu_stream_receives(s) || !v->depay)
		return;
	if (!is_known_pt(s, hdr->pt)) {
		s->rx_invalid++;
		return;
	}
	if (mcu_rtp_receiver_put(s->rx, pkt, hdr, now) < 0)
		return; /* counted there */
	drain(v, now);
	ask(v, now);
}

static void video_restart(McuStream *s)
{
	VideoStream *v = (VideoStream *)s;

	if (v->depay)
		mcu_h264_depay_restart(v->depay);
	mcu_rate_request_restart(&v->rate);
}

/* --- out --- */

static void drain_pacer(void *data)
{
	VideoStream *v = data;
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
	VideoStream *v = data;
	int64_t now = mcu_now_ns();

	if (picture->keyframe)
		v->wait_key = false;
	if (!mcu_stream_sends(&v->base) || v->wait_key)
		return;
	for (guint i = 0; i < picture->payloads->len; i++)
		(void)mcu_pacer_push(v->pacer, picture->payloads->pdata[i], picture->media_ts, now);
	if (mcu_pacer_wants_keyframe(v->pacer))
		mcu_feed_request_keyframe(v->feed);
	drain_pacer(v);
}

void mcu_video_stream_keyframe_requested(McuStream *s)
{
	VideoStream *v = (VideoStream *)s;

	if (v->feed)
		mcu_feed_request_keyframe(v->feed);
}

void mcu_video_stream_repeat_keyframe(McuStream *s)
{
	((VideoStream *)s)->repeat_key_ns = mcu_now_ns() + MCU_NS_PER_SEC;
}

/* tmmbr_bps 0 = the peer has set no bound. */
static McuFeedLimits limits_of(const McuSdpStream *neg, unsigned tmmbr_bps)
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

static int join_feed(VideoStream *v, const McuFeedLimits *limits, McuDiag *reterr)
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

static void leave_feed(VideoStream *v)
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

/* The latest bound counts; one that comes too soon waits for the next tick. */
static void follow_tmmbr(VideoStream *v, int64_t now)
{
	McuStream *s = &v->base;
	McuFeedLimits limits = limits_of(&s->neg, v->tmmbr_bps);
	McuDiag diag = { 0 };

	if (!v->feed || limits.max_bitrate_bps == v->limits.max_bitrate_bps ||
	    now - v->last_tmmbr_ns < TMMBR_INTERVAL_NS)
		return;
	v->last_tmmbr_ns = now;
	if (join_feed(v, &limits, &diag) < 0)
		mcu_warning(s->env->ctx, "TMMBR not followed: %s", diag.text);
}

static void on_tmmbr(VideoStream *v, const McuRtcpItem *item, int64_t now)
{
	McuStream *s = &v->base;

	for (unsigned i = 0; i < item->n; i++) {
		if (item->rates[i].ssrc != s->ssrc)
			continue;
		v->tmmbr_bps = (unsigned)CLAMP(item->rates[i].bitrate_bps, 1, UINT32_MAX);
		s->tmmbr_in++;
	}
	follow_tmmbr(v, now);
	mcu_stream_send_feedback(s, add_tmmbn, (void *)item);
}

static void video_feedback(McuStream *s, const McuRtcpItem *item, int64_t now)
{
	VideoStream *v = (VideoStream *)s;

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
		on_tmmbr(v, item, now);
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

/* --- life --- */

static int apply_in(VideoStream *v, McuDiag *reterr)
{
	McuStream *s = &v->base;
	int r;

	if (v->source)
		return 0;
	r = mcu_video_engine_add_source(s->env->video, s->env->participant, HW_CODEC_H264,
					&v->source);
	if (r < 0)
		return mcu_diag(reterr, r, "video of the peer: %s", mcu_err_name(r));
	s->env->bind_source(s->env->data, v->source, s);
	v->depay = mcu_h264_depay_new(NULL);
	if (s->neg.sprop_len)
		mcu_h264_depay_set_parameter_sets(v->depay, s->neg.sprop, s->neg.sprop_len);
	return 0;
}

static void drop_in(VideoStream *v)
{
	McuStream *s = &v->base;

	if (v->source) {
		s->env->bind_source(s->env->data, v->source, NULL);
		mcu_video_engine_remove_source(s->env->video, v->source);
	}
	v->source = 0;
	g_clear_pointer(&v->depay, mcu_h264_depay_free);
	/* what comes after a pause continues nothing */
	g_clear_pointer(&s->rx, mcu_rtp_receiver_free);
	v->cadence = (McuCadence){ 0 };
	v->delay_ns = 0;
	mcu_timer_set(v->in_timer, INT64_MAX);
}

/* The peer's source said goodbye: its last picture goes, and the tile shows the card. */
static void video_ended(McuStream *s)
{
	VideoStream *v = (VideoStream *)s;
	McuDiag diag = { 0 };

	if (!v->source)
		return;
	drop_in(v);
	if (apply_in(v, &diag) < 0)
		mcu_warning(s->env->ctx, "%s", diag.text);
}

static int video_check(McuStream *s, const McuSdpStream *neg, McuDiag *reterr)
{
	McuFeedLimits limits = limits_of(neg, 0);

	return mcu_sdp_direction_sends(neg->direction) ?
		       mcu_feeds_check(s->env->feeds, &limits, reterr) :
		       0;
}

static int video_apply(McuStream *s, McuDiag *reterr)
{
	VideoStream *v = (VideoStream *)s;
	McuFeedLimits limits = limits_of(&s->neg, v->tmmbr_bps);
	int r;

	if (mcu_stream_receives(s)) {
		r = apply_in(v, reterr);
		if (r < 0)
			return r;
	} else {
		drop_in(v);
	}
	mcu_stream_setup_sender(s, s->neg.feedback & MCU_SDP_FB_NACK);
	if (!mcu_stream_sends(s)) {
		leave_feed(v);
		return 0;
	}
	r = join_feed(v, &limits, reterr);
	if (r < 0)
		return r;
	/* the peer may have begun anew */
	mcu_feed_request_keyframe(v->feed);
	return 0;
}

/* The call's bit rate was changed by configuration: the pacer follows, or another feed fits now. */
static void video_tick(McuStream *s, int64_t now)
{
	VideoStream *v = (VideoStream *)s;
	McuFeedLimits limits;
	McuDiag diag = { 0 };

	ask_rate(v, now);
	follow_tmmbr(v, now);
	if (v->repeat_key_ns && now >= v->repeat_key_ns) {
		v->repeat_key_ns = 0;
		mcu_video_stream_keyframe_requested(s);
	}
	limits = v->limits;
	if (v->feed && mcu_feed_bitrate(v->feed) != v->pace_bps &&
	    join_feed(v, &limits, &diag) < 0)
		mcu_warning(s->env->ctx, "bit rate not followed: %s", diag.text);
}

static void video_stats(McuStream *s, GVariantDict *d)
{
	VideoStream *v = (VideoStream *)s;
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
				      in.decoded ? (double)in.decode_ns / (double)in.decoded / 1e3 :
						   0.0);
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
	VideoStream *v = (VideoStream *)s;

	drop_in(v);
	leave_feed(v);
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
		.rtp = video_rtp,
		.restart = video_restart,
		.ended = video_ended,
		.feedback = video_feedback,
		.tick = video_tick,
		.stats = video_stats,
		.free = video_free,
	};
	VideoStream *v = g_new0(VideoStream, 1);

	mcu_stream_init(&v->base, &ops, env);
	v->in_timer = mcu_timer_new(on_in_timer, v);
	v->pacer_timer = mcu_timer_new(drain_pacer, v);
	return &v->base;
}
