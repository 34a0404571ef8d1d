/* Video from the peer: RTP to access units for the video engine, and what is asked of the peer
 * (NACK, keyframes, bit rate).
 *
 *   receiver (reorder, NACK) -> depay -> when it is due -> video engine
 */
#include "base/clock.h"
#include "base/log.h"
#include "worker/video_priv.h"

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
/* INFO costs a SIP transaction: not more often. */
#define INFO_INTERVAL_NS MCU_NS_PER_SEC
/* Depay and the engine each ask for what they miss, often the same: one request is enough. */
#define ASK_INTERVAL_NS (100 * MCU_NS_PER_MS)

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
	McuVideoStream *v = (McuVideoStream *)s;
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
static int64_t due_ns(McuVideoStream *v, const McuAccessUnit *au)
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

static void drain(McuVideoStream *v, int64_t now)
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
				       .bitrate_bps = ((McuVideoStream *)s)->rate.bps };

	(void)data;
	mcu_rtcp_build_tmmbr(b, s->ssrc, &bound, 1);
}

void mcu_video_in_ask_rate(McuVideoStream *v, int64_t now)
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
	McuVideoStream *v = (McuVideoStream *)s;
	const McuWorkerOptions *o = s->env->options;
	uint64_t bps = mcu_rate_for_tile(o->bitrate_bps, (uint64_t)o->width * o->height,
					 (uint64_t)width * (uint64_t)height);

	mcu_rate_request_set(&v->rate, bps, o->bitrate_bps);
	mcu_video_in_ask_rate(v, mcu_now_ns());
}

static void add_nack(McuStream *s, McuRtcpBuilder *b, void *data)
{
	GArray *seqs = data;

	mcu_rtcp_build_nack(b, s->ssrc, s->rx_ssrc, (const uint16_t *)(void *)seqs->data,
			    seqs->len);
	s->nack_out += seqs->len;
}

static void ask(McuVideoStream *v, int64_t now)
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
	mcu_keyframe_request_set(
		&v->keyframe,
		mcu_h264_depay_wants_keyframe(v->depay) &&
			mcu_video_engine_source_visible(s->env->video, v->source, NULL, NULL));
	if (mcu_keyframe_request_due(&v->keyframe, now))
		mcu_video_stream_want_keyframe(s);
	mcu_timer_set(v->in_timer, MIN(mcu_rtp_receiver_next_deadline(s->rx),
				       mcu_keyframe_request_deadline(&v->keyframe)));
}

void mcu_video_in_on_timer(void *data)
{
	McuVideoStream *v = data;
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

void mcu_video_in_rtp(McuStream *s, McuPacket *pkt, const McuRtpHeader *hdr, int64_t now)
{
	McuVideoStream *v = (McuVideoStream *)s;

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

void mcu_video_in_restart(McuStream *s)
{
	McuVideoStream *v = (McuVideoStream *)s;

	if (v->depay)
		mcu_h264_depay_restart(v->depay);
	mcu_rate_request_restart(&v->rate);
}

/* --- life --- */

int mcu_video_in_open(McuVideoStream *v, McuDiag *reterr)
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

void mcu_video_in_close(McuVideoStream *v)
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
void mcu_video_in_ended(McuStream *s)
{
	McuVideoStream *v = (McuVideoStream *)s;
	McuDiag diag = { 0 };

	if (!v->source)
		return;
	mcu_video_in_close(v);
	if (mcu_video_in_open(v, &diag) < 0)
		mcu_warning(s->env->ctx, "%s", diag.text);
}
