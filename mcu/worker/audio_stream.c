/* Audio of one leg: RTP to a source of the audio engine, its encoded mixes to RTP, DTMF to events. */
#include "base/clock.h"
#include "base/log.h"
#include "rtp/dtmf.h"
#include "worker/stream.h"

typedef struct AudioStream {
	McuStream base;
	uint32_t source, listener; /* ids in the engine; 0 = not made */
	McuDtmfReceiver dtmf;
	McuTimer *dtmf_timer;
	bool held;
} AudioStream;

static void emit_key(AudioStream *a, const McuDtmfKey *key)
{
	const char digit[] = { key->key, '\0' };
	GVariantDict d;

	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "digit", "s", digit);
	g_variant_dict_insert(&d, "duration-ms", "u", (guint)(key->duration_ns / MCU_NS_PER_MS));
	mcu_stream_event(&a->base, "dtmf", g_variant_dict_end(&d));
}

static void on_dtmf_timer(void *data)
{
	AudioStream *a = data;
	McuDtmfKey key;

	if (mcu_dtmf_poll(&a->dtmf, mcu_now_ns(), &key))
		emit_key(a, &key);
	mcu_timer_set(a->dtmf_timer, mcu_dtmf_deadline(&a->dtmf));
}

static void on_telephone_event(AudioStream *a, const McuRtpHeader *hdr, int64_t now)
{
	McuDtmfKey key;

	if (mcu_dtmf_receive(&a->dtmf, hdr->payload, hdr->payload_len, hdr->ts, now, &key) == 1)
		emit_key(a, &key);
	mcu_timer_set(a->dtmf_timer, mcu_dtmf_deadline(&a->dtmf));
}

static void audio_rtp(McuStream *s, McuPacket *pkt, const McuRtpHeader *hdr, int64_t now)
{
	AudioStream *a = (AudioStream *)s;
	const McuAudioRtp rtp = {
		.ssrc = hdr->ssrc,
		.ts = hdr->ts,
		.seq = hdr->seq,
		.pt = hdr->pt,
		.marker = hdr->marker,
		.payload = hdr->payload,
		.payload_len = hdr->payload_len,
	};

	/* duplicates and late packets are the jitter buffer's to judge */
	(void)mcu_rtp_receiver_put(s->rx, pkt, hdr, now);
	/* a key's time stands still while it is held */
	if (mcu_stream_clock_hz(s, hdr->pt))
		(void)mcu_stream_capture_ns(s, hdr->ts, now);
	if (s->neg.dtmf_recv_pt >= 0 && hdr->pt == s->neg.dtmf_recv_pt)
		on_telephone_event(a, hdr, now);
	/* keys, too: the jitter buffer must not take their numbers for lost sound */
	if (mcu_stream_receives(s) && a->source)
		(void)mcu_audio_engine_push(s->env->audio, a->source, &rtp, now);
}

static void audio_restart(McuStream *s)
{
	AudioStream *a = (AudioStream *)s;

	mcu_dtmf_receiver_init(&a->dtmf, s->neg.dtmf_clock_hz ? s->neg.dtmf_clock_hz : 8000);
}

/* The payload types that may come in, as the engine wants them. */
static int apply_source(AudioStream *a, McuDiag *reterr)
{
	McuStream *s = &a->base;
	McuAudioPt pts[MCU_AUDIO_MAX_PTS];
	size_t n = 0;
	int r;

	for (size_t i = 0; i < s->neg.n_recv_pts && n < G_N_ELEMENTS(pts); i++) {
		McuCodec codec = s->neg.recv_pts[i].codec;
		if (mcu_codec_is_audio(codec) || codec == MCU_CODEC_CN)
			pts[n++] = (McuAudioPt){ s->neg.recv_pts[i].pt, codec };
	}
	if (a->source) {
		r = mcu_audio_engine_set_source_pts(s->env->audio, a->source, pts, n);
	} else {
		uint32_t id = s->env->next_id(s->env->data);
		r = mcu_audio_engine_add_source(s->env->audio, id, s->env->participant_num, pts, n);
		if (r >= 0)
			a->source = id;
	}
	return r < 0 ? mcu_diag(reterr, r, "audio of the peer: %s", mcu_err_name(r)) : 0;
}

static unsigned opus_bitrate(const McuSdpStream *neg)
{
	unsigned bps = 32000;

	if (neg->opus.max_bps)
		bps = MIN(bps, neg->opus.max_bps);
	if (neg->send_limit_bps)
		bps = (unsigned)MIN(bps, neg->send_limit_bps);
	return MAX(bps, 6000);
}

static int apply_listener(AudioStream *a, McuDiag *reterr)
{
	McuStream *s = &a->base;
	const McuAudioSendParams params = {
		.codec = s->neg.codec,
		.ptime_ms = s->neg.ptime_ms,
		.bitrate_bps = opus_bitrate(&s->neg),
		.fec = s->neg.opus.inband_fec,
		.dtx = s->neg.opus.dtx,
	};
	int r;

	if (a->listener) {
		r = mcu_audio_engine_set_listener(s->env->audio, a->listener, &params);
	} else {
		uint32_t id = s->env->next_id(s->env->data);
		r = mcu_audio_engine_add_listener(s->env->audio, id, s->env->participant_num,
						  &params);
		if (r >= 0) {
			a->listener = id;
			s->env->bind_listener(s->env->data, id, s);
		}
	}
	if (r >= 0)
		r = mcu_audio_engine_set_hold(s->env->audio, a->listener, !mcu_stream_sends(s));
	return r < 0 ? mcu_diag(reterr, r, "audio to the peer: %s", mcu_err_name(r)) : 0;
}

static int audio_apply(McuStream *s, McuDiag *reterr)
{
	AudioStream *a = (AudioStream *)s;
	int r = apply_source(a, reterr);

	if (r < 0)
		return r;
	mcu_stream_setup_sender(s, false);
	r = apply_listener(a, reterr);
	if (r < 0)
		return r;
	if (s->neg.hold != a->held) {
		a->held = s->neg.hold;
		mcu_stream_event(s, a->held ? "hold" : "resume", NULL);
	}
	return 0;
}

void mcu_audio_stream_send(McuStream *s, const McuAudioEncoded *enc)
{
	g_autoptr(McuPacket) payload = mcu_packet_new_copy(enc->payload, enc->len);

	if (!payload || !mcu_stream_sends(s) || enc->codec != s->neg.codec)
		return;
	payload->flags = enc->marker ? MCU_RTP_FLAG_MARKER : 0;
	mcu_stream_send(s, payload, enc->rtp_ts, enc->pts_ns);
}

static void audio_tick(McuStream *s, int64_t now)
{
	AudioStream *a = (AudioStream *)s;
	McuAudioSourceStats stats;
	McuRtpSenderStats tx;

	(void)now;
	if (a->source && mcu_audio_engine_source_stats(s->env->audio, a->source, &stats) == 0)
		*s->env->audio_delay_ns = (int64_t)stats.delay_ms * MCU_NS_PER_MS;
	if (!s->tx || !a->listener)
		return;
	mcu_rtp_sender_stats(s->tx, &tx);
	if (tx.reported)
		(void)mcu_audio_engine_set_loss(s->env->audio, a->listener,
						(unsigned)(tx.loss_ratio * 100));
}

static void audio_stats(McuStream *s, GVariantDict *d)
{
	AudioStream *a = (AudioStream *)s;
	McuAudioSourceStats in;
	McuAudioListenerStats out;

	if (a->source && mcu_audio_engine_source_stats(s->env->audio, a->source, &in) == 0) {
		g_variant_dict_insert(d, "level-dbov", "i", in.level_dbov);
		g_variant_dict_insert(d, "talking", "b", in.talking);
		g_variant_dict_insert(d, "jitter-ms", "u", in.jitter_ms);
		g_variant_dict_insert(d, "jitter-target-ms", "u", in.target_ms);
		g_variant_dict_insert(d, "jitter-delay-ms", "u", in.delay_ms);
		g_variant_dict_insert(d, "concealed", "t", in.concealed);
		g_variant_dict_insert(d, "fec-restored", "t", in.fec);
		g_variant_dict_insert(d, "expanded", "t", in.expanded);
		g_variant_dict_insert(d, "accelerated", "t", in.accelerated);
		g_variant_dict_insert(d, "late", "t", in.late);
		g_variant_dict_insert(d, "dropped", "t", in.dropped);
	}
	if (a->listener && mcu_audio_engine_listener_stats(s->env->audio, a->listener, &out) == 0)
		g_variant_dict_insert(d, "shared-packets", "t", out.shared);
}

static void audio_free(McuStream *s)
{
	AudioStream *a = (AudioStream *)s;

	if (a->source)
		(void)mcu_audio_engine_remove_source(s->env->audio, a->source);
	if (a->listener) {
		s->env->bind_listener(s->env->data, a->listener, NULL);
		(void)mcu_audio_engine_remove_listener(s->env->audio, a->listener);
	}
	*s->env->audio_delay_ns = 0;
	mcu_timer_free(a->dtmf_timer);
}

McuStream *mcu_audio_stream_new(const McuStreamEnv *env)
{
	static const McuStreamOps ops = {
		.kind = MCU_SDP_AUDIO,
		.name = "audio",
		.apply = audio_apply,
		.rtp = audio_rtp,
		.restart = audio_restart,
		.tick = audio_tick,
		.stats = audio_stats,
		.free = audio_free,
	};
	AudioStream *a = g_new0(AudioStream, 1);

	mcu_stream_init(&a->base, &ops, env);
	a->dtmf_timer = mcu_timer_new(on_dtmf_timer, a);
	return &a->base;
}
