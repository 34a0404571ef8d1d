#include "voice_line.h"

#include <math.h>

#include "audio/codec.h"
#include "base/clock.h"
#include "json.h"
#include "rtp/dtmf.h"

#define MAX_PAYLOAD 1400
#define MAX_KEYS    64
/* Keys are pressed this long, with pauses as long, beginning 1 s after the line is up. */
#define KEY_MS       120
#define KEY_PAUSE_MS 120
/* More than this is a pause of the sender rather than a loss. */
#define MAX_CONCEAL_MS 500
/* Sound further from its packets' arrival than this has a new time line. */
#define REANCHOR_S 1.0
/* After a stall of ours, what is older than this is left out. */
#define MAX_BEHIND_NS (500 * MCU_NS_PER_MS)

struct McuVoiceLine {
	const McuCallerOptions *options;
	McuReport *report;
	McuLine *line;

	/* --- sending --- */
	McuVoice voice;
	McuAudioEncoder *encoder;
	McuCodec send_codec;
	int64_t next_ns;
	uint32_t media_ts;
	McuDtmfSender keys;
	const char *next_key; /* of options->dtmf */
	int64_t next_key_ns;

	/* --- receiving --- */
	McuAudioDecoder *decoder;
	McuEar *ear;
	McuDtmfReceiver keys_in;
	GString *keys_heard;
	bool any;
	uint32_t expected_ts;
	unsigned last_samples;
	double anchor_s;
	uint32_t anchor_ts;
	double min_transit_s, max_lateness_ms;
	uint64_t concealed_ms, fec_frames, decode_errors;
};

/* --- receiving --- */

static double time_of(const McuVoiceLine *v, uint32_t ts)
{
	return v->anchor_s + (double)mcu_diff32(ts, v->anchor_ts) /
				     mcu_codec_clock_hz(mcu_audio_decoder_codec(v->decoder));
}

/* Put the packet on a time line, and note how late it is against the earliest one of it. */
static void note_arrival(McuVoiceLine *v, uint32_t ts, int64_t arrival_ns, bool restarted)
{
	double arrival_s = mcu_report_time_s(v->report, arrival_ns), transit_s;

	if (!v->any || restarted || fabs(time_of(v, ts) - arrival_s) > REANCHOR_S) {
		v->anchor_s = arrival_s;
		v->anchor_ts = ts;
		v->min_transit_s = 0;
		v->any = true;
		v->expected_ts = ts;
	}
	transit_s = arrival_s - time_of(v, ts);
	v->min_transit_s = fmin(v->min_transit_s, transit_s);
	v->max_lateness_ms = fmax(v->max_lateness_ms, (transit_s - v->min_transit_s) * 1000);
}

static void hear(McuVoiceLine *v, const float *pcm, unsigned n, uint32_t ts)
{
	McuCodec codec = mcu_audio_decoder_codec(v->decoder);

	mcu_ear_hear(v->ear, pcm, n, mcu_audio_codec_rate(codec), time_of(v, ts));
}

/* Sound of `lost_ts` RTP units that is missing before this packet. */
static void conceal(McuVoiceLine *v, const McuRtpReceived *media, uint32_t lost_ts)
{
	McuCodec codec = mcu_audio_decoder_codec(v->decoder);
	unsigned rate = mcu_audio_codec_rate(codec), clock = mcu_codec_clock_hz(codec);
	unsigned left = (unsigned)((uint64_t)lost_ts * rate / clock);
	unsigned frame = v->last_samples ? v->last_samples : rate / 50;
	float pcm[MCU_AUDIO_MAX_FRAME];

	while (left) {
		unsigned n = MIN(left, frame);

		if (n == left && mcu_audio_decoder_fec(v->decoder, media->payload,
						       media->payload_len, pcm, n) >= 0)
			v->fec_frames++;
		else
			mcu_audio_decoder_conceal(v->decoder, pcm, n);
		hear(v, pcm, n, v->expected_ts);
		v->expected_ts += (uint32_t)((uint64_t)n * clock / rate);
		v->concealed_ms += n * 1000 / rate;
		left -= n;
	}
}

static void on_sound(McuVoiceLine *v, const McuRtpReceived *media, bool restarted)
{
	McuCodec codec = mcu_audio_decoder_codec(v->decoder);
	unsigned rate = mcu_audio_codec_rate(codec), clock = mcu_codec_clock_hz(codec);
	float pcm[MCU_AUDIO_MAX_FRAME];
	int32_t missing;
	int n;

	note_arrival(v, media->ts, media->pkt->arrival_ns, restarted);
	missing = mcu_diff32(media->ts, v->expected_ts);
	if (media->gap && missing > 0 && (uint32_t)missing < clock / 1000 * MAX_CONCEAL_MS)
		conceal(v, media, (uint32_t)missing);
	n = mcu_audio_decoder_decode(v->decoder, media->payload, media->payload_len, pcm);
	if (n < 0) {
		v->decode_errors++;
		return;
	}
	hear(v, pcm, (unsigned)n, media->ts);
	v->last_samples = (unsigned)n;
	v->expected_ts = media->ts + (uint32_t)((uint64_t)n * clock / rate);
}

static void on_key(McuVoiceLine *v, const McuRtpReceived *media)
{
	McuDtmfKey key;

	if (mcu_dtmf_receive(&v->keys_in, media->payload, media->payload_len, media->ts,
			     media->pkt->arrival_ns, &key) == 1 &&
	    v->keys_heard->len < MAX_KEYS)
		g_string_append_c(v->keys_heard, key.key);
}

static McuCodec codec_of(const McuSdpStream *s, uint8_t pt)
{
	for (size_t i = 0; i < s->n_recv_pts; i++)
		if (s->recv_pts[i].pt == pt)
			return s->recv_pts[i].codec;
	return 0;
}

static void on_media(void *data, const McuRtpReceived *media, bool restarted)
{
	McuVoiceLine *v = data;
	McuCodec codec = codec_of(mcu_line_stream(v->line), media->pt);

	if (codec == MCU_CODEC_TELEPHONE_EVENT) {
		on_key(v, media);
		return;
	}
	if (!mcu_audio_codec_rate(codec) || codec == MCU_CODEC_CN)
		return;
	if (!v->decoder || mcu_audio_decoder_codec(v->decoder) != codec || restarted) {
		mcu_audio_decoder_free(v->decoder);
		v->decoder = mcu_audio_decoder_new(codec);
		v->any = false;
	}
	on_sound(v, media, restarted);
}

static void on_keyframe_wanted(void *data)
{
	(void)data; /* sound has none */
}

/* --- life --- */

int mcu_voice_line_new(const McuCallerOptions *options, McuReport *report, const char *address,
		       McuVoiceLine **ret, McuDiag *reterr)
{
	g_autoptr(McuVoiceLine) v = g_new0(McuVoiceLine, 1);
	const McuLineConfig config = {
		.report = report,
		.address = address,
		.loss_in = options->loss_in,
		.loss_out = options->loss_out,
		.reorder = options->reorder,
		.handler = { .on_media = on_media, .on_keyframe_wanted = on_keyframe_wanted },
		.data = v,
	};
	int r;

	v->options = options;
	v->report = report;
	v->ear = mcu_ear_new(options->tone_hz);
	v->keys_heard = g_string_new(NULL);
	v->next_key = options->dtmf ? options->dtmf : "";
	r = mcu_line_new(&config, &v->line, reterr);
	if (r < 0)
		return r;
	*ret = g_steal_pointer(&v);
	return 0;
}

void mcu_voice_line_free(McuVoiceLine *v)
{
	if (!v)
		return;
	mcu_line_free(v->line);
	mcu_audio_encoder_free(v->encoder);
	mcu_audio_decoder_free(v->decoder);
	mcu_ear_free(v->ear);
	if (v->keys_heard)
		g_string_free(v->keys_heard, TRUE);
	g_free(v);
}

McuLine *mcu_voice_line_line(McuVoiceLine *v)
{
	return v->line;
}

McuEar *mcu_voice_line_ear(McuVoiceLine *v)
{
	return v->ear;
}

const char *mcu_voice_line_keys(const McuVoiceLine *v)
{
	return v->keys_heard->str;
}

double mcu_voice_line_loudness(const McuVoiceLine *v)
{
	return mcu_voice_loudness(&v->voice);
}

/* --- sending --- */

void mcu_voice_line_applied(McuVoiceLine *v)
{
	const McuSdpStream *s = mcu_line_stream(v->line);
	McuAudioEncoderParams params = { .codec = s->codec, .fec = s->opus.inband_fec };

	if (!s->enabled)
		return;
	if (s->dtmf_recv_pt >= 0)
		mcu_dtmf_receiver_init(&v->keys_in, s->dtmf_clock_hz);
	if (s->codec == v->send_codec)
		return;
	mcu_audio_encoder_free(v->encoder);
	v->encoder = mcu_audio_encoder_new(&params);
	if (v->encoder && params.fec)
		mcu_audio_encoder_set_loss(v->encoder, 10);
	v->send_codec = s->codec;
	mcu_voice_init(&v->voice, v->options->tone_hz, (int)mcu_audio_codec_rate(s->codec),
		       v->options->talk_on_s, v->options->talk_off_s);
	v->next_ns = mcu_now_ns();
	v->next_key_ns = v->next_ns + MCU_NS_PER_SEC;
}

static void press_keys(McuVoiceLine *v, uint32_t step_ts, int64_t now_ns)
{
	const McuSdpStream *s = mcu_line_stream(v->line);
	uint32_t length_ts = s->dtmf_clock_hz / 1000 * KEY_MS;

	if (!*v->next_key || s->dtmf_send_pt < 0 || now_ns < v->next_key_ns || v->keys.active)
		return;
	if (mcu_dtmf_send(&v->keys, *v->next_key++, v->media_ts, length_ts, step_ts) == 0)
		v->next_key_ns = now_ns + (KEY_MS + KEY_PAUSE_MS) * MCU_NS_PER_MS;
}

static bool send_key(McuVoiceLine *v)
{
	uint8_t payload[MCU_DTMF_PAYLOAD_LEN];
	g_autoptr(McuPacket) pkt = NULL;
	uint32_t ts;
	bool marker;

	if (!mcu_dtmf_send_next(&v->keys, payload, &ts, &marker))
		return false;
	pkt = mcu_packet_new_copy(payload, sizeof(payload));
	pkt->flags = marker ? MCU_RTP_FLAG_MARKER : 0;
	mcu_line_send(v->line, (uint8_t)mcu_line_stream(v->line)->dtmf_send_pt, pkt, ts);
	return true;
}

static void send_sound(McuVoiceLine *v, unsigned n)
{
	const McuSdpStream *s = mcu_line_stream(v->line);
	g_autoptr(McuPacket) pkt = mcu_packet_new();
	float pcm[MCU_AUDIO_MAX_FRAME];
	int len;

	mcu_voice_fill(&v->voice, pcm, n);
	len = mcu_audio_encoder_encode(v->encoder, pcm, n, pkt->data, MAX_PAYLOAD);
	if (len <= 0)
		return;
	pkt->len = (size_t)len;
	mcu_line_send(v->line, s->send_pt, pkt, v->media_ts);
}

void mcu_voice_line_tick(McuVoiceLine *v, int64_t now_ns)
{
	const McuSdpStream *s = mcu_line_stream(v->line);
	unsigned ptime_ms = s->ptime_ms ? s->ptime_ms : 20, rate, clock;

	mcu_line_tick(v->line, now_ns);
	if (!s->enabled || !v->encoder)
		return;
	rate = mcu_audio_codec_rate(s->codec);
	clock = mcu_codec_clock_hz(s->codec);
	if (now_ns - v->next_ns > MAX_BEHIND_NS)
		v->next_ns = now_ns;
	for (; v->next_ns <= now_ns; v->next_ns += ptime_ms * MCU_NS_PER_MS) {
		press_keys(v, clock / 1000 * ptime_ms, now_ns);
		if (!send_key(v))
			send_sound(v, rate / 1000 * ptime_ms);
		v->media_ts += clock / 1000 * ptime_ms;
	}
}

/* --- report --- */

void mcu_voice_line_report(const McuVoiceLine *v, JsonBuilder *json)
{
	json_builder_begin_object(json);
	mcu_line_report(v->line, json);
	mcu_json_int(json, "concealed_ms", (gint64)v->concealed_ms);
	mcu_json_int(json, "fec_frames", (gint64)v->fec_frames);
	mcu_json_int(json, "decode_errors", (gint64)v->decode_errors);
	mcu_json_real(json, "max_lateness_ms", v->max_lateness_ms);
	mcu_json_string(json, "dtmf", v->keys_heard->str);
	json_builder_set_member_name(json, "heard");
	mcu_ear_report(v->ear, json);
	json_builder_end_object(json);
}
