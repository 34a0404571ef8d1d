/* Tests of the whole engine, slot by slot in simulated time: people with tones for voices talk and
 * listen; each listener decodes what it is sent.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "audio/codec.h"
#include "audio/engine.h"
#include "audio/tone.h"
#include "base/clock.h"

#define PEOPLE  20
#define SLOT    MCU_AUDIO_SLOT_FRAMES
#define SECONDS 24
#define TONE_DB -15

/* --- people: source, listener and participant of one person have the same id */

static const McuAudioPt pts[] = {
	{ 111, MCU_CODEC_OPUS },
	{ 9, MCU_CODEC_G722 },
	{ 0, MCU_CODEC_PCMU },
	{ 8, MCU_CODEC_PCMA },
};

typedef struct Person {
	double hz;
	bool talks;
	McuAudioPt pt;
	McuAudioEncoder *enc;
	McuAudioDecoder *dec;
	McuTone tone;
	uint16_t seq;
	uint32_t ts;
	/* heard */
	float pcm[SECONDS * 48000];
	size_t n;
	unsigned packets, markers, breaks;
	uint32_t next_ts;
	bool talking;
} Person;

typedef struct Call {
	McuAudioEngine *engine;
	int64_t now_ns;
	Person people[PEOPLE + 1]; /* by id */
	uint32_t speaker;
	unsigned speakers;
	float tapped[SECONDS * 48000];
	size_t n_tapped;
} Call;

static void on_encoded(void *data, uint32_t listener, const McuAudioEncoded *enc)
{
	Call *call = data;
	Person *p = &call->people[listener];
	float out[MCU_AUDIO_MAX_FRAME];
	unsigned rate = mcu_audio_codec_rate(enc->codec);
	int n;

	g_assert_cmpint(enc->pts_ns, <=, call->now_ns + 10 * MCU_NS_PER_MS);
	if (!p->dec || mcu_audio_decoder_codec(p->dec) != enc->codec) {
		mcu_audio_decoder_free(p->dec);
		p->dec = mcu_audio_decoder_new(enc->codec);
	}
	n = mcu_audio_decoder_decode(p->dec, enc->payload, enc->len, out);
	g_assert_cmpint(n, >, 0);
	g_assert_cmpuint((unsigned)n * mcu_codec_clock_hz(enc->codec) / rate, ==, enc->duration_ts);
	p->markers += enc->marker;
	p->breaks += p->packets && enc->rtp_ts != p->next_ts;
	p->packets++;
	p->next_ts = enc->rtp_ts + enc->duration_ts;
	/* every rate is brought to 48 kHz by repeating: good enough to find tones */
	for (unsigned i = 0; i < (unsigned)n * (48000 / rate) && p->n < SECONDS * 48000; i++)
		p->pcm[p->n++] = out[i / (48000 / rate)];
}

static void on_speaker(void *data, uint32_t participant)
{
	Call *call = data;

	call->speaker = participant;
	call->speakers++;
}

static void on_talking(void *data, uint32_t participant, bool talking)
{
	((Call *)data)->people[participant].talking = talking;
}

static const McuAudioHandler handler = { on_encoded, on_speaker, on_talking };

static Call *call_new(const McuAudioConfig *config)
{
	Call *call = g_new0(Call, 1);

	call->engine = mcu_audio_engine_new(config, &handler, call, NULL);
	call->now_ns = 50 * MCU_NS_PER_SEC;
	return call;
}

static void call_free(Call *call)
{
	mcu_audio_engine_free(call->engine);
	for (int i = 0; i <= PEOPLE; i++) {
		mcu_audio_encoder_free(call->people[i].enc);
		mcu_audio_decoder_free(call->people[i].dec);
	}
	g_free(call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Call, call_free)

static void speaks(Call *call, uint32_t id, size_t pt, double hz)
{
	McuAudioEncoderParams ep = { .codec = pts[pt].codec, .bitrate_bps = 48000 };
	Person *p = &call->people[id];

	p->pt = pts[pt];
	p->hz = hz;
	p->talks = hz > 0;
	mcu_audio_encoder_free(p->enc);
	p->enc = mcu_audio_encoder_new(&ep);
	mcu_tone_init(&p->tone, hz, TONE_DB, mcu_audio_codec_rate(p->pt.codec));
}

static void join(Call *call, uint32_t id, size_t pt, double hz, unsigned ptime_ms)
{
	McuAudioSendParams sp = { .codec = pts[pt].codec, .ptime_ms = ptime_ms };

	speaks(call, id, pt, hz);
	g_assert_cmpint(mcu_audio_engine_add_source(call->engine, id, id, pts, G_N_ELEMENTS(pts)),
			==, 0);
	g_assert_cmpint(mcu_audio_engine_add_listener(call->engine, id, id, &sp), ==, 0);
}

static void say(Call *call, uint32_t id)
{
	Person *p = &call->people[id];
	unsigned rate = mcu_audio_codec_rate(p->pt.codec), n = rate / 50;
	uint8_t payload[1500];
	float pcm[SLOT] = { 0 };
	McuAudioRtp rtp = {
		.ssrc = id, .seq = p->seq++, .ts = p->ts, .pt = p->pt.pt, .payload = payload
	};
	int len;

	if (p->talks)
		mcu_tone_run(&p->tone, pcm, n, 0);
	len = mcu_audio_encoder_encode(p->enc, pcm, n, payload, sizeof(payload));
	g_assert_cmpint(len, >, 0);
	rtp.payload_len = (size_t)len;
	p->ts += mcu_codec_clock_hz(p->pt.codec) / 50;
	g_assert_cmpint(mcu_audio_engine_push(call->engine, id, &rtp, call->now_ns), ==, 0);
}

static void run(Call *call, double seconds)
{
	for (int i = 0; i < (int)lround(seconds * 50); i++) {
		for (uint32_t id = 1; id <= PEOPLE; id++) {
			if (call->people[id].enc)
				say(call, id);
		}
		call->now_ns += 5 * MCU_NS_PER_MS;
		mcu_audio_engine_tick_at(call->engine, call->now_ns);
		call->now_ns += 15 * MCU_NS_PER_MS;
	}
}

/* level of a tone in the last `seconds` a person heard */
static double hears(const Call *call, uint32_t id, double hz, double seconds)
{
	const Person *p = &call->people[id];
	size_t n = (size_t)(seconds * 48000);

	g_assert_cmpuint(p->n, >=, n);
	return mcu_tone_level(p->pcm + p->n - n, n, hz, 48000);
}

static McuAudioEngineStats stats(Call *call)
{
	McuAudioEngineStats s;

	mcu_audio_engine_stats(call->engine, &s);
	return s;
}

/* --- */

static void test_mix_minus(void)
{
	g_autoptr(Call) call = call_new(NULL);
	const double hz[] = { 0, 440, 700, 1100, 1500 };

	for (uint32_t id = 1; id <= 4; id++)
		join(call, id, id - 1, hz[id], 20);
	run(call, 3);
	for (uint32_t id = 1; id <= 4; id++) {
		for (uint32_t other = 1; other <= 4; other++) {
			double level = hears(call, id, hz[other], 1);

			if (other == id)
				g_assert_cmpfloat(level, <, -55);
			else
				g_assert_cmpfloat(fabs(level - TONE_DB), <, 2);
		}
		g_assert_cmpuint(call->people[id].breaks, ==, 0);
		g_assert_cmpuint(call->people[id].markers, ==, 1);
	}
	g_assert_cmpuint(stats(call).mixed, ==, 4);
}

/* all sources of a participant are his own voice */
static void test_own_sources(void)
{
	g_autoptr(Call) call = call_new(NULL);

	join(call, 1, 0, 440, 20);
	join(call, 2, 0, 0, 20);
	speaks(call, 3, 1, 900);
	g_assert_cmpint(mcu_audio_engine_add_source(call->engine, 3, 1, pts, 4), ==, 0);
	run(call, 2);
	g_assert_cmpfloat(hears(call, 1, 440, 1), <, -60);
	g_assert_cmpfloat(hears(call, 1, 900, 1), <, -60);
	g_assert_cmpfloat(hears(call, 2, 440, 1), >, TONE_DB - 2);
	g_assert_cmpfloat(hears(call, 2, 900, 1), >, TONE_DB - 2);
	g_assert_cmpuint(stats(call).mixed, ==, 1);
}

static void test_shared_encodes(void)
{
	g_autoptr(Call) call = call_new(NULL);
	McuAudioListenerStats ls;

	for (uint32_t id = 1; id <= 16; id++)
		join(call, id, 0, 0, 20);
	run(call, 1);
	g_assert_cmpuint(stats(call).encodes, ==, 1);
	for (uint32_t id = 1; id <= 3; id++)
		speaks(call, id, 0, 300 * id);
	run(call, 2);
	g_assert_cmpuint(stats(call).encodes, ==, 4);
	for (uint32_t id = 1; id <= 3; id++)
		call->people[id].talks = false;
	run(call, 3);
	g_assert_cmpuint(stats(call).encodes, ==, 1);
	/* another codec is another encode */
	join(call, 17, 2, 0, 20);
	run(call, 0.1);
	g_assert_cmpuint(stats(call).encodes, ==, 2);
	g_assert_cmpint(mcu_audio_engine_listener_stats(call->engine, 16, &ls), ==, 0);
	g_assert_cmpuint(ls.shared, ==, ls.packets);
	g_assert_cmpuint(ls.packets, ==, 305);
	g_assert_cmpint(mcu_audio_engine_listener_stats(call->engine, 1, &ls), ==, 0);
	g_assert_cmpuint(ls.shared, <, 200);
	g_assert_cmpuint(stats(call).dropped, ==, 0);
}

/* 2 begins and stops to talk; what he hears of 1 goes on as if nothing were */
static void encoder_moves(size_t pt)
{
	g_autoptr(Call) call = call_new(NULL);
	const double hz = 440;
	Person *p = &call->people[2];
	McuAudioListenerStats ls;

	join(call, 1, pt, hz, 20);
	join(call, 2, pt, 1000, 20);
	join(call, 3, pt, 0, 20);
	for (int i = 0; i < 4; i++) {
		p->talks = i % 2;
		run(call, 3);
	}
	g_assert_cmpint(mcu_audio_engine_listener_stats(call->engine, 2, &ls), ==, 0);
	g_assert_cmpuint(ls.shared, >, 100);
	g_assert_cmpuint(ls.packets - ls.shared, >, 200);
	g_assert_cmpuint(p->breaks, ==, 0);
	g_assert_cmpuint(p->markers, ==, 1);
	for (size_t at = 48000; at + 1920 <= p->n; at += 480) {
		double level = mcu_tone_level(p->pcm + at, 1920, hz, 48000);

		if (fabs(level - TONE_DB) > 2)
			g_error("tone at %.1f dB %.2f s", level, (double)at / 48000);
		g_assert_cmpfloat(mcu_tone_level(p->pcm + at, 1920, 1000, 48000), <, -45);
		g_assert_cmpfloat(mcu_tone_residual(p->pcm + at, 1920, &hz, 1, 48000), <, -30);
	}
}

static void test_encoder_moves(void)
{
	for (size_t pt = 0; pt < G_N_ELEMENTS(pts); pt++)
		encoder_moves(pt);
}

/* an onset is heard from its first slot on */
static void test_onset(void)
{
	g_autoptr(Call) call = call_new(NULL);
	size_t from, first;

	join(call, 1, 2, 440, 20);
	join(call, 2, 2, 0, 20);
	call->people[1].talks = false;
	run(call, 2);
	call->people[1].talks = true;
	from = call->people[2].n;
	run(call, 1);
	for (first = from; first < call->people[2].n; first++) {
		if (fabsf(call->people[2].pcm[first]) > 0.05f)
			break;
	}
	/* jitter buffer, filters: no more */
	g_assert_cmpuint((first - from) / 48, <, 60);
}

static float biggest_step(const float *pcm, size_t n)
{
	float worst = 0;

	for (size_t i = 1; i < n; i++)
		worst = fmaxf(worst, fabsf(pcm[i] - pcm[i - 1]));
	return worst;
}

static void tap(void *data, const float *pcm, int64_t pts_ns)
{
	Call *call = data;

	g_assert_cmpint(pts_ns, ==, call->now_ns);
	memcpy(call->tapped + call->n_tapped, pcm, SLOT * sizeof(float));
	call->n_tapped += SLOT;
}

static void test_mute_and_tap(void)
{
	g_autoptr(Call) call = call_new(NULL);
	const double hz = 440;
	float step;

	mcu_audio_engine_set_tap(call->engine, tap, call);
	join(call, 1, 0, hz, 20);
	join(call, 2, 0, 0, 20);
	run(call, 2);
	g_assert_cmpfloat(fabs(mcu_tone_level(call->tapped + 48000, 48000, hz, 48000) - TONE_DB), <,
			  1);
	step = biggest_step(call->tapped + 48000, 48000);
	for (int i = 0; i < 6; i++) {
		g_assert_cmpint(mcu_audio_engine_set_muted(call->engine, 1, i % 2 == 0), ==, 0);
		run(call, 0.5);
		if (i % 2 == 0)
			g_assert_cmpfloat(hears(call, 2, hz, 0.2), <, -70);
		else
			g_assert_cmpfloat(hears(call, 2, hz, 0.2), >, TONE_DB - 2);
	}
	/* joining and leaving too */
	g_assert_cmpint(mcu_audio_engine_remove_source(call->engine, 1), ==, 0);
	g_assert_cmpint(mcu_audio_engine_add_source(call->engine, 1, 1, pts, 4), ==, 0);
	run(call, 0.5);
	g_assert_cmpint(mcu_audio_engine_remove_participant(call->engine, 1), ==, 0);
	call->people[1].enc = (mcu_audio_encoder_free(call->people[1].enc), NULL);
	run(call, 0.5);
	g_assert_cmpfloat(biggest_step(call->tapped + 48000, call->n_tapped - 48000), <,
			  step * 1.3f);
	mcu_audio_engine_set_tap(call->engine, NULL, NULL);
	call->n_tapped = 0;
	run(call, 0.1);
	g_assert_cmpuint(call->n_tapped, ==, 0);
}

static void test_ptime(void)
{
	const unsigned ms[] = { 10, 20, 30, 40, 60 };

	for (size_t m = 0; m < G_N_ELEMENTS(ms); m++) {
		for (size_t pt = 0; pt < G_N_ELEMENTS(pts); pt++) {
			g_autoptr(Call) call = call_new(NULL);
			unsigned real = pt == 0 && ms[m] == 30 ? 20 : ms[m];

			join(call, 1, 0, 440, 20);
			join(call, 2, pt, 900, ms[m]);
			call->people[2].talks = false;
			run(call, 1);
			call->people[2].talks = true;
			run(call, 1);
			g_assert_cmpuint(call->people[2].packets, <=, 2000 / real + 1);
			g_assert_cmpuint(call->people[2].packets, >=, 2000 / real - 1);
			g_assert_cmpuint(call->people[2].breaks, ==, 0);
			g_assert_cmpfloat(hears(call, 2, 440, 0.5), >, TONE_DB - 2);
			g_assert_cmpfloat(hears(call, 2, 900, 0.5), <, -50);
		}
	}
}

static void test_speaker(void)
{
	g_autoptr(Call) call = call_new(NULL);

	join(call, 1, 0, 440, 20);
	join(call, 2, 0, 600, 20);
	call->people[2].talks = false;
	run(call, 3);
	g_assert_cmpuint(call->speaker, ==, 1);
	g_assert_true(call->people[1].talking);
	g_assert_false(call->people[2].talking);
	g_assert_cmpint(mcu_audio_engine_level(call->engine, 1), >, -20);
	g_assert_cmpint(mcu_audio_engine_level(call->engine, 2), <, -80);
	call->people[1].talks = false;
	call->people[2].talks = true;
	run(call, 3);
	g_assert_cmpuint(call->speaker, ==, 2);
	g_assert_cmpuint(call->speakers, ==, 2);
	g_assert_false(call->people[1].talking);
	g_assert_cmpint(mcu_audio_engine_set_muted(call->engine, 2, true), ==, 0);
	run(call, 0.5);
	g_assert_false(call->people[2].talking);
	g_assert_cmpint(mcu_audio_engine_level(call->engine, 2), ==, -127);
}

static void test_max_mixed(void)
{
	const McuAudioConfig config = { .max_mixed = 3 };
	g_autoptr(Call) call = call_new(&config);

	for (uint32_t id = 1; id <= 6; id++) {
		join(call, id, 2, 300 + 200 * id, 20);
		/* 1, 2 and 3 are 10 dB louder */
		mcu_tone_init(&call->people[id].tone, 300 + 200 * id, id <= 3 ? -15 : -25, 8000);
	}
	run(call, 2);
	g_assert_cmpuint(stats(call).mixed, ==, 3);
	g_assert_cmpfloat(hears(call, 6, 500, 0.5), >, -17);
	g_assert_cmpfloat(hears(call, 6, 1300, 0.5), <, -45);
}

static void test_hold_and_codec(void)
{
	g_autoptr(Call) call = call_new(NULL);
	McuAudioSendParams pcma = { .codec = MCU_CODEC_PCMA };
	unsigned packets;

	join(call, 1, 0, 440, 20);
	join(call, 2, 0, 0, 20);
	run(call, 1);
	g_assert_cmpint(mcu_audio_engine_set_hold(call->engine, 2, true), ==, 0);
	packets = call->people[2].packets;
	run(call, 1);
	g_assert_cmpuint(call->people[2].packets, ==, packets);
	g_assert_cmpuint(stats(call).encodes, ==, 1);
	g_assert_cmpint(mcu_audio_engine_set_hold(call->engine, 2, false), ==, 0);
	run(call, 1);
	g_assert_cmpuint(call->people[2].markers, ==, 2);
	g_assert_cmpuint(call->people[2].packets, ==, 2 * packets);
	g_assert_cmpint(mcu_audio_engine_set_listener(call->engine, 2, &pcma), ==, 0);
	run(call, 1);
	g_assert_cmpint(mcu_audio_decoder_codec(call->people[2].dec), ==, MCU_CODEC_PCMA);
	g_assert_cmpfloat(hears(call, 2, 440, 0.5), >, TONE_DB - 2);
}

/* silence is not sent to who asked for that; the time goes on */
static void test_dtx(void)
{
	g_autoptr(Call) call = call_new(NULL);
	McuAudioSendParams sp = { .codec = MCU_CODEC_OPUS, .dtx = true };
	Person *p = &call->people[2];
	unsigned packets;

	join(call, 1, 0, 440, 20);
	join(call, 2, 0, 0, 20);
	g_assert_cmpint(mcu_audio_engine_set_listener(call->engine, 2, &sp), ==, 0);
	run(call, 2);
	g_assert_cmpuint(p->packets, >=, 80);
	call->people[1].talks = false;
	run(call, 2);
	packets = p->packets;
	run(call, 2);
	g_assert_cmpuint(p->packets - packets, <, 30);
	packets = p->markers;
	call->people[1].talks = true;
	run(call, 1);
	g_assert_cmpuint(p->markers, >, packets);
	g_assert_cmpfloat(hears(call, 2, 440, 0.5), >, TONE_DB - 2);
}

static void test_errors(void)
{
	g_autoptr(Call) call = call_new(NULL);
	McuAudioEngine *e = call->engine;
	McuAudioSendParams ok = { .codec = MCU_CODEC_OPUS }, bad = { .codec = MCU_CODEC_H264 };
	const McuAudioPt dtmf = { 101, MCU_CODEC_TELEPHONE_EVENT };
	McuAudioRtp rtp = { .payload_len = MCU_AUDIO_MAX_PAYLOAD + 1 };
	McuAudioSourceStats s;
	int rc = 0;

	g_assert_cmpint(mcu_audio_engine_add_source(e, 1, 1, &dtmf, 1), ==, -EINVAL);
	g_assert_cmpint(mcu_audio_engine_add_source(e, 1, 1, pts, 4), ==, 0);
	g_assert_cmpint(mcu_audio_engine_add_source(e, 1, 1, pts, 4), ==, -EEXIST);
	g_assert_cmpint(mcu_audio_engine_set_source_pts(e, 1, &dtmf, 1), ==, -EINVAL);
	g_assert_cmpint(mcu_audio_engine_set_source_pts(e, 1, pts, 2), ==, 0);
	g_assert_cmpint(mcu_audio_engine_source_stats(e, 1, &s), ==, 0);
	g_assert_cmpint(mcu_audio_engine_source_stats(e, 2, &s), ==, -ENOENT);
	g_assert_cmpint(mcu_audio_engine_push(e, 1, &rtp, 0), ==, -EINVAL);
	g_assert_cmpint(mcu_audio_engine_push(e, 9, &rtp, 0), ==, -ENOENT);
	g_assert_cmpint(mcu_audio_engine_remove_source(e, 9), ==, -ENOENT);
	g_assert_cmpint(mcu_audio_engine_add_listener(e, 1, 1, &bad), ==, -EINVAL);
	g_assert_cmpint(mcu_audio_engine_add_listener(e, 1, 1, &ok), ==, 0);
	g_assert_cmpint(mcu_audio_engine_add_listener(e, 1, 1, &ok), ==, -EEXIST);
	g_assert_cmpint(mcu_audio_engine_set_hold(e, 7, true), ==, -ENOENT);
	g_assert_cmpint(mcu_audio_engine_set_loss(e, 7, 3), ==, -ENOENT);
	g_assert_cmpint(mcu_audio_engine_set_muted(e, 0, true), ==, -EINVAL);
	for (uint32_t id = 2; rc == 0; id++)
		rc = mcu_audio_engine_set_muted(e, id, true);
	g_assert_cmpint(rc, ==, -EOVERFLOW);
	/* a full ring refuses, and counts */
	rtp = (McuAudioRtp){ .payload = (const uint8_t *)"x", .payload_len = 1 };
	for (int i = 0; i < 100000 && (rc = mcu_audio_engine_push(e, 1, &rtp, 0)) == 0; i++)
		continue;
	g_assert_cmpint(rc, ==, -ENOSPC);
	run(call, 0.2);
	g_assert_cmpint(mcu_audio_engine_remove_participant(e, 1), ==, 0);
	g_assert_cmpint(mcu_audio_engine_remove_participant(e, 1), ==, -ENOENT);
	g_assert_cmpint(mcu_audio_engine_set_hold(e, 1, true), ==, -ENOENT);
	run(call, 0.2);
}

/* what comes out when many share: more listeners than one item holds */
static void test_many_listeners(void)
{
	g_autoptr(Call) call = call_new(NULL);
	McuAudioSendParams sp = { .codec = MCU_CODEC_PCMU };
	McuAudioListenerStats ls;

	mcu_audio_engine_free(call->engine);
	call->engine = mcu_audio_engine_new(NULL, NULL, NULL, NULL);
	for (uint32_t id = 100; id < 400; id++)
		g_assert_cmpint(mcu_audio_engine_add_listener(call->engine, id, 0, &sp), ==, 0);
	run(call, 1);
	for (uint32_t id = 100; id < 400; id++) {
		g_assert_cmpint(mcu_audio_engine_listener_stats(call->engine, id, &ls), ==, 0);
		g_assert_cmpuint(ls.packets, ==, 50);
	}
	g_assert_cmpuint(stats(call).encodes, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/audio/engine/mix-minus", test_mix_minus);
	g_test_add_func("/audio/engine/own-sources", test_own_sources);
	g_test_add_func("/audio/engine/shared-encodes", test_shared_encodes);
	g_test_add_func("/audio/engine/encoder-moves", test_encoder_moves);
	g_test_add_func("/audio/engine/onset", test_onset);
	g_test_add_func("/audio/engine/mute-and-tap", test_mute_and_tap);
	g_test_add_func("/audio/engine/ptime", test_ptime);
	g_test_add_func("/audio/engine/speaker", test_speaker);
	g_test_add_func("/audio/engine/max-mixed", test_max_mixed);
	g_test_add_func("/audio/engine/hold-and-codec", test_hold_and_codec);
	g_test_add_func("/audio/engine/dtx", test_dtx);
	g_test_add_func("/audio/engine/errors", test_errors);
	g_test_add_func("/audio/engine/many-listeners", test_many_listeners);
	return g_test_run();
}
