#include "audio/receiver.h"

#include <glib.h>
#include <string.h>

#include "audio/codec.h"
#include "audio/resample.h"
#include "audio/stretch.h"
#include "base/clock.h"
#include "rtp/jitter.h"

#define CODECS         (MCU_CODEC_CN + 1)
#define MAX_PIECES     24 /* per slot; pieces without sound do not hold up the tick */
#define DRY_SLOTS      50 /* a stream that is silent for so long has ended */
#define DECLICK_FRAMES 240
/* longest payload of any codec at 48 kHz, next to a slot and a stretch */
#define MAX_PIECE_48K (MCU_AUDIO_MAX_PAYLOAD * 6)
#define FIFO_FRAMES   (MCU_AUDIO_SLOT_FRAMES + MAX_PIECE_48K + MCU_STRETCH_MAX_FRAMES)

/* one jitter buffer per RTP clock that the payload types use */
enum { CLOCK_8K, CLOCK_48K, CLOCKS };

struct McuAudioReceiver {
	McuAudioPt pts[MCU_AUDIO_MAX_PTS];
	size_t n_pts;
	McuJitter *jitter[CLOCKS];
	int clock; /* the one in use */
	bool have_seq;
	uint16_t seq; /* newest pushed */
	uint32_t ssrc;

	McuAudioDecoder *decoder[CODECS];
	McuAudioDecoder *playing; /* of the last packet with sound */
	bool noise;               /* the peer sends comfort noise now */
	McuResampler *from_8k, *from_16k;

	float decoded[MCU_AUDIO_MAX_FRAME];
	float fifo[FIFO_FRAMES];
	size_t fifo_len;
	float last;   /* sample that was given out */
	unsigned dry; /* slots since the last packet */
	bool heard;   /* there was sound since the stream began */
	McuJitterAdvice advice;
	uint64_t received, dropped, fec, concealed, expanded, accelerated;
};

static int clock_of(McuCodec codec)
{
	return mcu_codec_clock_hz(codec) == 48000 ? CLOCK_48K : CLOCK_8K;
}

static void take_pt(McuAudioReceiver *rx, const McuAudioPt *pt, const McuJitterConfig *limits)
{
	McuJitterConfig config = *limits;
	int clock = clock_of(pt->codec);

	if (rx->n_pts == MCU_AUDIO_MAX_PTS)
		return;
	rx->pts[rx->n_pts++] = *pt;
	if (!rx->decoder[pt->codec])
		rx->decoder[pt->codec] = mcu_audio_decoder_new(pt->codec);
	if (pt->codec == MCU_CODEC_CN)
		return;
	if (!rx->playing) {
		rx->playing = rx->decoder[pt->codec];
		rx->clock = clock;
	}
	config.clock_hz = mcu_codec_clock_hz(pt->codec);
	if (!rx->jitter[clock])
		rx->jitter[clock] = mcu_jitter_new(&config);
}

McuAudioReceiver *mcu_audio_receiver_new(const McuAudioPt *pts, size_t n_pts,
					 unsigned jitter_min_ms, unsigned jitter_max_ms)
{
	McuJitterConfig limits = {
		.min_target_ns = jitter_min_ms * MCU_NS_PER_MS,
		.max_target_ns = jitter_max_ms * MCU_NS_PER_MS,
	};
	McuAudioReceiver *rx = g_new0(McuAudioReceiver, 1);

	for (size_t i = 0; i < n_pts; i++) {
		if (mcu_audio_codec_rate(pts[i].codec))
			take_pt(rx, &pts[i], &limits);
	}
	if (!rx->playing) {
		mcu_audio_receiver_free(rx);
		return NULL;
	}
	rx->from_8k = mcu_resampler_new(8000, MCU_AUDIO_RATE);
	rx->from_16k = mcu_resampler_new(16000, MCU_AUDIO_RATE);
	return rx;
}

void mcu_audio_receiver_free(McuAudioReceiver *rx)
{
	if (!rx)
		return;
	for (int i = 0; i < CLOCKS; i++)
		mcu_jitter_free(rx->jitter[i]);
	for (int i = 0; i < CODECS; i++)
		mcu_audio_decoder_free(rx->decoder[i]);
	mcu_resampler_free(rx->from_8k);
	mcu_resampler_free(rx->from_16k);
	g_free(rx);
}

/* 0 = not one of ours */
static McuCodec codec_of(const McuAudioReceiver *rx, uint8_t pt)
{
	for (size_t i = 0; i < rx->n_pts; i++) {
		if (rx->pts[i].pt == pt)
			return rx->pts[i].codec;
	}
	return 0;
}

/* The stream goes on in a codec of another RTP clock: its time base has nothing to do with the old
 * one. A straggler of the old codec must not switch back. */
static bool follow_clock(McuAudioReceiver *rx, const McuAudioRtp *rtp, McuCodec codec)
{
	int clock = clock_of(codec);

	if (clock == rx->clock)
		return true;
	if (rx->have_seq && rtp->ssrc == rx->ssrc && (int16_t)(rtp->seq - rx->seq) <= 0)
		return false;
	mcu_jitter_reset(rx->jitter[rx->clock]);
	mcu_jitter_reset(rx->jitter[clock]);
	rx->clock = clock;
	return true;
}

static void note_seq(McuAudioReceiver *rx, const McuAudioRtp *rtp)
{
	if (rx->have_seq && rtp->ssrc == rx->ssrc && (int16_t)(rtp->seq - rx->seq) <= 0)
		return;
	rx->have_seq = true;
	rx->seq = rtp->seq;
	rx->ssrc = rtp->ssrc;
}

int mcu_audio_receiver_push(McuAudioReceiver *rx, const McuAudioRtp *rtp, int64_t arrival_ns)
{
	McuCodec codec = codec_of(rx, rtp->pt);
	unsigned samples = mcu_audio_payload_samples(codec, rtp->payload, rtp->payload_len);
	bool sound = samples > 0 || (codec == MCU_CODEC_CN && rx->clock == CLOCK_8K);
	McuJitterPacket packet = {
		.ssrc = rtp->ssrc,
		.seq = rtp->seq,
		.ts = rtp->ts,
		.pt = rtp->pt,
		.marker = rtp->marker,
		.arrival_ns = arrival_ns,
	};

	if (codec && codec != MCU_CODEC_CN && samples && !follow_clock(rx, rtp, codec)) {
		rx->dropped++;
		return -EEXIST;
	}
	note_seq(rx, rtp);
	/* what cannot be played (DTMF, unknown) still fills its number: it is no loss */
	if (sound) {
		packet.payload = rtp->payload;
		packet.len = rtp->payload_len;
		if (samples)
			packet.duration_ts =
				(uint32_t)((uint64_t)samples * mcu_codec_clock_hz(codec) /
					   mcu_audio_codec_rate(codec));
		packet.silence =
			codec == MCU_CODEC_CN || (codec == MCU_CODEC_OPUS && rtp->payload_len <= 2);
	}
	rx->received += sound;
	rx->dropped += !sound;
	return mcu_jitter_put(rx->jitter[rx->clock], &packet);
}

/* add sound at the rate of the playing decoder to the FIFO */
static void append(McuAudioReceiver *rx, const float *pcm, size_t n)
{
	unsigned rate = mcu_audio_codec_rate(mcu_audio_decoder_codec(rx->playing));
	size_t room = (FIFO_FRAMES - MCU_STRETCH_MAX_FRAMES - rx->fifo_len) * rate / MCU_AUDIO_RATE;
	float *end = rx->fifo + rx->fifo_len;

	n = MIN(n, room);
	if (rate == 8000)
		n = mcu_resampler_run(rx->from_8k, pcm, n, end);
	else if (rate == 16000)
		n = mcu_resampler_run(rx->from_16k, pcm, n, end);
	else
		memcpy(end, pcm, n * sizeof(float));
	rx->fifo_len += n;
}

/* nothing to play: from where the sound was down to nothing, without a step */
static void append_silence(McuAudioReceiver *rx, size_t n)
{
	float *out = rx->fifo + rx->fifo_len;
	float last = rx->fifo_len ? out[-1] : rx->last;

	for (size_t i = 0; i < n; i++)
		out[i] = i < DECLICK_FRAMES ? last * (1 - (float)(i + 1) / DECLICK_FRAMES) : 0;
	rx->fifo_len += n;
}

/* at most what the slot lacks */
static size_t pause_frames(const McuAudioReceiver *rx, const McuJitterPiece *piece)
{
	uint64_t n = (uint64_t)piece->duration_ts * MCU_AUDIO_RATE /
		     (rx->clock == CLOCK_48K ? 48000 : 8000);

	return (size_t)MIN(n, (uint64_t)(MCU_AUDIO_SLOT_FRAMES - rx->fifo_len));
}

/* RTP clock units -> samples of the playing decoder */
static unsigned piece_samples(const McuAudioReceiver *rx, const McuJitterPiece *piece)
{
	McuCodec codec = mcu_audio_decoder_codec(rx->playing);
	uint64_t n = (uint64_t)piece->duration_ts * mcu_audio_codec_rate(codec) /
		     mcu_codec_clock_hz(codec);

	return (unsigned)MIN(n, (uint64_t)MCU_AUDIO_MAX_FRAME);
}

static void play_packet(McuAudioReceiver *rx, const McuJitterPiece *piece)
{
	McuCodec codec = codec_of(rx, piece->pt);
	McuAudioDecoder *dec = codec ? rx->decoder[codec] : NULL;
	int n;

	if (!dec || !piece->len)
		return;
	if (codec == MCU_CODEC_CN) {
		rx->noise =
			mcu_audio_decoder_decode(dec, piece->payload, piece->len, rx->decoded) == 0;
		return;
	}
	if (dec != rx->playing || piece->reset) {
		mcu_audio_decoder_reset(dec);
		rx->playing = dec;
	}
	rx->noise = false;
	n = mcu_audio_decoder_decode(dec, piece->payload, piece->len, rx->decoded);
	if (n < 0) {
		n = (int)piece_samples(rx, piece);
		mcu_audio_decoder_conceal(dec, rx->decoded, (unsigned)n);
		rx->concealed++;
	}
	append(rx, rx->decoded, (size_t)n);
}

static void play_lost(McuAudioReceiver *rx, const McuJitterPiece *piece)
{
	unsigned n = piece_samples(rx, piece);
	int got = -ENOENT;

	if (piece->fec_len)
		got = mcu_audio_decoder_fec(rx->playing, piece->fec, piece->fec_len, rx->decoded,
					    n);
	if (got > 0) {
		rx->fec++;
		append(rx, rx->decoded, (size_t)got);
		return;
	}
	mcu_audio_decoder_conceal(rx->playing, rx->decoded, n);
	rx->concealed++;
	append(rx, rx->decoded, n);
}

static void play_quiet(McuAudioReceiver *rx, const McuJitterPiece *piece)
{
	unsigned n = piece_samples(rx, piece);
	McuAudioDecoder *dec = rx->noise ? rx->decoder[MCU_CODEC_CN] : rx->playing;

	mcu_audio_decoder_conceal(dec, rx->decoded, n);
	append(rx, rx->decoded, n);
}

/* false: there is nothing to be heard */
static bool play(McuAudioReceiver *rx, const McuJitterPiece *piece)
{
	switch (piece->kind) {
	case MCU_JITTER_PACKET:
		rx->dry = 0;
		rx->heard = true;
		play_packet(rx, piece);
		return true;
	case MCU_JITTER_LOST:
		play_lost(rx, piece);
		return true;
	case MCU_JITTER_SILENCE:
		rx->dry = 0;
		play_quiet(rx, piece);
		return true;
	case MCU_JITTER_UNDERRUN:
		if (rx->dry >= DRY_SLOTS)
			break;
		rx->concealed += !rx->noise;
		play_quiet(rx, piece);
		return true;
	default:
		break;
	}
	/* playing begins at a time of its own, not at a slot's */
	append_silence(rx, pause_frames(rx, piece));
	return false;
}

static void stretch(McuAudioReceiver *rx)
{
	McuJitterAdvice advice = rx->advice;
	size_t before = rx->fifo_len;

	rx->advice = MCU_JITTER_NORMAL;
	if (advice == MCU_JITTER_EXPAND) {
		rx->fifo_len = mcu_stretch_lengthen(rx->fifo, before, 0);
		rx->expanded += rx->fifo_len > before;
	} else if (advice == MCU_JITTER_ACCELERATE || advice == MCU_JITTER_ACCELERATE_FAST) {
		rx->fifo_len =
			mcu_stretch_shorten(rx->fifo, before, advice == MCU_JITTER_ACCELERATE_FAST);
		rx->accelerated += rx->fifo_len < before;
	}
}

/* true when there was something to be heard */
static bool fill(McuAudioReceiver *rx, int64_t now_ns)
{
	bool sound = rx->fifo_len > 0;

	for (int i = 0; i < MAX_PIECES && rx->fifo_len < MCU_AUDIO_SLOT_FRAMES; i++) {
		McuJitterPiece piece;
		int64_t queued_ns = (int64_t)rx->fifo_len * MCU_NS_PER_SEC / MCU_AUDIO_RATE;

		mcu_jitter_get(rx->jitter[rx->clock], now_ns, queued_ns, &piece);
		sound |= play(rx, &piece);
		if (piece.advice != MCU_JITTER_NORMAL)
			rx->advice = piece.advice;
		/* squeezing may leave too little: then the loop fetches more */
		if (rx->fifo_len >= MCU_STRETCH_MIN_FRAMES)
			stretch(rx);
	}
	return sound;
}

bool mcu_audio_receiver_pull(McuAudioReceiver *rx, int64_t now_ns, float *out)
{
	bool tail = rx->last != 0; /* what played before ends in this slot */
	bool sound = fill(rx, now_ns) || tail;

	rx->dry += rx->dry < DRY_SLOTS;
	if (rx->fifo_len < MCU_AUDIO_SLOT_FRAMES)
		append_silence(rx, MCU_AUDIO_SLOT_FRAMES - rx->fifo_len);
	memcpy(out, rx->fifo, MCU_AUDIO_SLOT_FRAMES * sizeof(float));
	rx->last = out[MCU_AUDIO_SLOT_FRAMES - 1];
	rx->fifo_len -= MCU_AUDIO_SLOT_FRAMES;
	memmove(rx->fifo, rx->fifo + MCU_AUDIO_SLOT_FRAMES, rx->fifo_len * sizeof(float));
	return sound && rx->heard;
}

void mcu_audio_receiver_stats(const McuAudioReceiver *rx, McuAudioSourceStats *ret_stats)
{
	McuJitterStats j;
	uint64_t lost = 0, late = 0, dropped = 0;

	for (int i = 0; i < CLOCKS; i++) {
		if (!rx->jitter[i])
			continue;
		mcu_jitter_stats(rx->jitter[i], &j);
		lost += j.lost;
		late += j.late + j.duplicates;
		dropped += j.discarded;
	}
	mcu_jitter_stats(rx->jitter[rx->clock], &j);
	*ret_stats = (McuAudioSourceStats){
		.codec = rx->heard ? mcu_audio_decoder_codec(rx->playing) : 0,
		.jitter_ms = (unsigned)j.jitter_ms,
		.target_ms = (unsigned)j.target_ms,
		.delay_ms = (unsigned)MAX(j.delay_ms, 0.0),
		.received = rx->received,
		.lost = lost,
		.late = late,
		.dropped = rx->dropped + dropped,
		.fec = rx->fec,
		.concealed = rx->concealed,
		.expanded = rx->expanded,
		.accelerated = rx->accelerated,
	};
}
