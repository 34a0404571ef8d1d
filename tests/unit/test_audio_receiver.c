/* Tests of the receiver in simulated time: what comes out after loss, jitter, drift, silence,
 * changes of codec and of source.
 *
 *   tone -> encoder -> (lost, late, reordered) -> push | pull -> is the tone there, without gaps?
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "audio/codec.h"
#include "audio/receiver.h"
#include "audio/tone.h"
#include "base/clock.h"

#define SLOT      MCU_AUDIO_SLOT_FRAMES
#define SLOT_NS   (20 * MCU_NS_PER_MS)
#define TONE_HZ   440
#define TONE_DB   -12
#define IN_FLIGHT 32

static const McuAudioPt pts[] = {
	{ 111, MCU_CODEC_OPUS }, { 9, MCU_CODEC_G722 }, { 0, MCU_CODEC_PCMU },
	{ 8, MCU_CODEC_PCMA },   { 13, MCU_CODEC_CN },
};

typedef struct Flight {
	int64_t arrival_ns; /* 0 = free */
	McuAudioRtp rtp;
	uint8_t bytes[MCU_AUDIO_MAX_PAYLOAD];
} Flight;

typedef struct Net {
	McuAudioReceiver *rx;
	McuAudioEncoder *enc;
	McuTone tone;
	GRand *rand;
	McuAudioPt pt;
	uint32_t ssrc, ts;
	unsigned ms; /* per packet */
	uint16_t seq;
	int64_t now_ns, next_send_ns;
	double ppm;        /* of the sender's clock */
	double loss;       /* 0 to 1 */
	int64_t jitter_ns; /* uniform, more than a packet: reorders */
	bool quiet;        /* sends nothing */
	Flight flight[IN_FLIGHT];
	float *heard;
	size_t n_heard;
} Net;

static void use_codec(Net *net, size_t pt)
{
	McuAudioEncoderParams p = { .codec = pts[pt].codec, .fec = true };
	unsigned rate = mcu_audio_codec_rate(p.codec);
	double phase = net->tone.phase;

	mcu_audio_encoder_free(net->enc);
	net->enc = mcu_audio_encoder_new(&p);
	mcu_audio_encoder_set_loss(net->enc, 10);
	net->pt = pts[pt];
	mcu_tone_init(&net->tone, TONE_HZ, TONE_DB, rate);
	net->tone.phase = phase;
}

static Net *net_new(size_t pt, double seconds)
{
	Net *net = g_new0(Net, 1);

	net->rx = mcu_audio_receiver_new(pts, G_N_ELEMENTS(pts), 20, 200);
	net->rand = g_rand_new_with_seed(5);
	net->ms = 20;
	net->ssrc = 1234;
	net->seq = 65500;
	net->ts = 4294900000u;
	net->now_ns = net->next_send_ns = 1000 * MCU_NS_PER_SEC;
	net->heard = g_new0(float, (size_t)(seconds * 48000) + SLOT);
	use_codec(net, pt);
	return net;
}

static void net_free(Net *net)
{
	mcu_audio_receiver_free(net->rx);
	mcu_audio_encoder_free(net->enc);
	g_rand_free(net->rand);
	g_free(net->heard);
	g_free(net);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Net, net_free)

static Flight *free_flight(Net *net)
{
	for (int i = 0; i < IN_FLIGHT; i++) {
		if (!net->flight[i].arrival_ns)
			return &net->flight[i];
	}
	g_assert_not_reached();
}

static void put_in_flight(Net *net, uint8_t pt, const uint8_t *payload, size_t len)
{
	Flight *f = free_flight(net);
	int64_t wait = net->jitter_ns
			       ? (int64_t)g_rand_double_range(net->rand, 0, (double)net->jitter_ns)
			       : 0;

	memcpy(f->bytes, payload, len);
	f->arrival_ns = net->next_send_ns + wait;
	f->rtp = (McuAudioRtp){ .ssrc = net->ssrc,
				.seq = net->seq,
				.ts = net->ts,
				.pt = pt,
				.payload = f->bytes,
				.payload_len = len };
	net->seq++;
}

static void send_one(Net *net)
{
	unsigned n = mcu_audio_codec_rate(net->pt.codec) * net->ms / 1000;
	float pcm[3 * SLOT];
	uint8_t payload[MCU_AUDIO_MAX_PAYLOAD];
	int len;

	mcu_tone_run(&net->tone, pcm, n, 0);
	len = mcu_audio_encoder_encode(net->enc, pcm, n, payload, sizeof(payload));
	g_assert_cmpint(len, >, 0);
	if (!net->quiet && g_rand_double(net->rand) < net->loss)
		net->seq++;
	else if (!net->quiet)
		put_in_flight(net, net->pt.pt, payload, (size_t)len);
	net->ts += mcu_codec_clock_hz(net->pt.codec) / 1000 * net->ms;
	net->next_send_ns += (int64_t)(net->ms * 1e6 * (1 + net->ppm * 1e-6));
}

static void arrive(Net *net)
{
	for (;;) {
		Flight *first = NULL;

		for (int i = 0; i < IN_FLIGHT; i++) {
			Flight *f = &net->flight[i];

			if (f->arrival_ns && f->arrival_ns <= net->now_ns &&
			    (!first || f->arrival_ns < first->arrival_ns))
				first = f;
		}
		if (!first)
			return;
		(void)mcu_audio_receiver_push(net->rx, &first->rtp, first->arrival_ns);
		first->arrival_ns = 0;
	}
}

static void run(Net *net, double seconds)
{
	for (int i = 0; i < (int)(seconds * 50); i++) {
		while (net->next_send_ns <= net->now_ns)
			send_one(net);
		arrive(net);
		mcu_audio_receiver_pull(net->rx, net->now_ns, net->heard + net->n_heard);
		net->n_heard += SLOT;
		net->now_ns += SLOT_NS;
	}
}

/* longest time in ms for which the tone is 12 dB too faint */
static unsigned longest_gap_ms(const Net *net, double from_s)
{
	unsigned gap = 0, worst = 0;

	for (size_t at = (size_t)(from_s * 48000); at + 480 <= net->n_heard; at += 240) {
		double level = mcu_tone_level(net->heard + at, 480, TONE_HZ, 48000);

		gap = level < TONE_DB - 12 ? gap + 5 : 0;
		worst = MAX(worst, gap);
	}
	return worst;
}

static double loudest_db(const Net *net, size_t from, size_t n)
{
	float peak = 1e-6f;

	for (size_t i = from; i < from + n; i++)
		peak = fmaxf(peak, fabsf(net->heard[i]));
	return 20 * log10((double)peak);
}

static void test_clean(void)
{
	const double hz = TONE_HZ;

	for (size_t pt = 0; pt < 4; pt++) {
		g_autoptr(Net) net = net_new(pt, 4);
		McuAudioSourceStats s;

		run(net, 3);
		mcu_audio_receiver_stats(net->rx, &s);
		g_assert_cmpint(s.codec, ==, pts[pt].codec);
		g_assert_cmpuint(s.received, >=, 149);
		g_assert_cmpuint(s.lost, ==, 0);
		g_assert_cmpuint(s.concealed, ==, 0);
		g_assert_cmpuint(s.delay_ms, <=, 60);
		g_assert_cmpuint(longest_gap_ms(net, 0.2), ==, 0);
		g_assert_cmpfloat(mcu_tone_residual(net->heard + 96000, 48000, &hz, 1, 48000), <,
				  -32);
	}
}

/* frames shorter and longer than a slot */
static void test_frame_lengths(void)
{
	const unsigned ms[] = { 10, 40, 60 };

	for (size_t i = 0; i < G_N_ELEMENTS(ms) * 4; i++) {
		g_autoptr(Net) net = net_new(i % 4, 12);
		McuAudioSourceStats s;

		net->ms = ms[i / 4];
		run(net, 5);
		g_assert_cmpuint(longest_gap_ms(net, 0.5), ==, 0);
		mcu_audio_receiver_stats(net->rx, &s);
		g_assert_cmpuint(s.concealed, ==, 0);
		/* and changing on the way */
		net->ms = 20;
		run(net, 5);
		g_assert_cmpuint(longest_gap_ms(net, 0.5), <=, 20);
	}
}

static void test_loss(void)
{
	for (size_t pt = 0; pt < 4; pt++) {
		g_autoptr(Net) net = net_new(pt, 62);
		McuAudioSourceStats s;

		net->loss = 0.1;
		run(net, 60);
		mcu_audio_receiver_stats(net->rx, &s);
		g_test_message("%s: gap %u ms, lost %u, fec %u, concealed %u, delay %u",
			       mcu_codec_name(s.codec), longest_gap_ms(net, 0.5), (unsigned)s.lost,
			       (unsigned)s.fec, (unsigned)s.concealed, s.delay_ms);
		g_assert_cmpuint(s.lost, >, 200);
		g_assert_cmpuint(longest_gap_ms(net, 0.5), <=, 60);
		g_assert_cmpfloat(loudest_db(net, 24000, net->n_heard - 24000), <, TONE_DB + 4);
	}
}

static void drift(size_t pt, double ppm, int64_t jitter_ms)
{
	g_autoptr(Net) net = net_new(pt, 302);
	McuAudioSourceStats s;
	unsigned faint = 0, windows = 0;

	net->ppm = ppm;
	net->jitter_ns = jitter_ms * MCU_NS_PER_MS;
	run(net, 300);
	mcu_audio_receiver_stats(net->rx, &s);
	for (size_t at = 96000; at + 4800 <= net->n_heard; at += 4800) {
		windows++;
		faint += mcu_tone_level(net->heard + at, 4800, TONE_HZ, 48000) < TONE_DB - 3;
	}
	g_test_message("%s %+.0f ppm, %u ms: delay %u target %u, expanded %u, accelerated %u, "
		       "concealed %u, late %u, faint %u of %u",
		       mcu_codec_name(s.codec), ppm, (unsigned)jitter_ms, s.delay_ms, s.target_ms,
		       (unsigned)s.expanded, (unsigned)s.accelerated, (unsigned)s.concealed,
		       (unsigned)s.late, faint, windows);
	g_assert_cmpuint(s.delay_ms, <=, s.target_ms + 60);
	g_assert_cmpuint(longest_gap_ms(net, 2), <=, 60);
	/* two thirds of a slot per 100 s and ppm 200: only stretching, nothing dropped or made up
	 */
	if (!jitter_ms) {
		g_assert_cmpuint(ppm > 0 ? s.expanded : s.accelerated, >, 0);
		g_assert_cmpuint(s.concealed, <=, 3);
		g_assert_cmpuint(faint, ==, 0);
	}
	g_assert_cmpuint(faint * 100, <=, windows);
}

static void test_drift(void)
{
	drift(2, 200, 0);
	drift(2, -200, 0);
	drift(1, 200, 30);
	drift(0, -200, 30);
}

static void test_jitter(void)
{
	g_autoptr(Net) net = net_new(2, 62);
	McuAudioSourceStats s;

	/* up to three packets late, so reordered too */
	net->jitter_ns = 60 * MCU_NS_PER_MS;
	run(net, 60);
	mcu_audio_receiver_stats(net->rx, &s);
	g_test_message("delay %u target %u concealed %u late %u", s.delay_ms, s.target_ms,
		       (unsigned)s.concealed, (unsigned)s.late);
	g_assert_cmpuint(longest_gap_ms(net, 3), <=, 60);
	g_assert_cmpuint(s.concealed, <, 300);
}

static void test_codec_changes(void)
{
	g_autoptr(Net) net = net_new(0, 10);

	run(net, 2);
	for (size_t pt = 1; pt < 4; pt++) {
		McuAudioSourceStats s;

		use_codec(net, pt);
		run(net, 2);
		mcu_audio_receiver_stats(net->rx, &s);
		g_assert_cmpint(s.codec, ==, pts[pt].codec);
	}
	g_assert_cmpuint(longest_gap_ms(net, 0.2), <=, 150);
	g_assert_cmpfloat(loudest_db(net, 24000, net->n_heard - 24000), <, TONE_DB + 4);
}

static void test_ssrc_restart(void)
{
	g_autoptr(Net) net = net_new(2, 10);

	run(net, 2);
	net->ssrc = 99;
	net->seq = 7;
	net->ts = 1;
	run(net, 2);
	g_assert_cmpuint(longest_gap_ms(net, 0.2), <=, 150);
	g_assert_cmpuint(longest_gap_ms(net, 3), ==, 0);
}

/* RFC 3389: what the peer says about its room is heard while it is silent */
static void test_comfort_noise(void)
{
	g_autoptr(Net) net = net_new(2, 10);
	const uint8_t cn[] = { 45 };
	double level;

	run(net, 2);
	net->quiet = true;
	put_in_flight(net, 13, cn, sizeof(cn));
	run(net, 2);
	level = mcu_tone_residual(net->heard + net->n_heard - 48000, 48000, NULL, 0, 48000);
	g_assert_cmpfloat(fabs(level + 45), <, 3);
	net->quiet = false;
	run(net, 2);
	g_assert_cmpfloat(mcu_tone_level(net->heard + net->n_heard - 48000, 48000, TONE_HZ, 48000),
			  >, TONE_DB - 1);
}

static void test_stream_ends(void)
{
	g_autoptr(Net) net = net_new(0, 10);
	float out[SLOT];

	g_assert_false(mcu_audio_receiver_pull(net->rx, net->now_ns, out));
	run(net, 1);
	net->quiet = true;
	run(net, 3);
	g_assert_false(mcu_audio_receiver_pull(net->rx, net->now_ns, out));
	for (int i = 0; i < SLOT; i++)
		g_assert_cmpfloat(out[i], ==, 0);
	/* and begins again */
	net->quiet = false;
	run(net, 2);
	g_assert_cmpfloat(mcu_tone_level(net->heard + net->n_heard - 24000, 24000, TONE_HZ, 48000),
			  >, TONE_DB - 1);
}

/* DTMF packets take sequence numbers of the stream; they are no loss */
static void test_dtmf_is_no_loss(void)
{
	g_autoptr(Net) net = net_new(2, 10);
	const uint8_t event[] = { 1, 10, 0, 160 };
	McuAudioSourceStats s;

	for (int i = 0; i < 20; i++) {
		run(net, 0.1);
		put_in_flight(net, 101, event, sizeof(event));
	}
	mcu_audio_receiver_stats(net->rx, &s);
	g_assert_cmpuint(s.lost, ==, 0);
	g_assert_cmpuint(longest_gap_ms(net, 0.2), ==, 0);
}

static void test_hostile(void)
{
	g_autoptr(Net) net = net_new(0, 1);
	float out[SLOT];
	uint8_t bytes[MCU_AUDIO_MAX_PAYLOAD];

	for (int i = 0; i < 20000; i++) {
		size_t len = (size_t)g_rand_int_range(net->rand, 0, i % 16 ? 300 : 1501);
		McuAudioRtp rtp = {
			.ssrc = g_rand_int(net->rand) % 3,
			.seq = (uint16_t)(g_rand_boolean(net->rand) ? i
								    : (int)g_rand_int(net->rand)),
			.ts = g_rand_boolean(net->rand) ? (uint32_t)i * 960 : g_rand_int(net->rand),
			.pt = pts[g_rand_int_range(net->rand, 0, G_N_ELEMENTS(pts))].pt,
			.payload = bytes,
			.payload_len = len,
		};

		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)g_rand_int(net->rand);
		(void)mcu_audio_receiver_push(net->rx, &rtp, net->now_ns);
		if (i % 2) {
			mcu_audio_receiver_pull(net->rx, net->now_ns, out);
			net->now_ns += SLOT_NS;
		}
	}
}

static void test_no_codec(void)
{
	const McuAudioPt none[] = { { 101, MCU_CODEC_TELEPHONE_EVENT }, { 13, MCU_CODEC_CN } };

	g_assert_null(mcu_audio_receiver_new(none, 2, 20, 200));
	g_assert_null(mcu_audio_receiver_new(none, 0, 20, 200));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/audio/receiver/clean", test_clean);
	g_test_add_func("/audio/receiver/frame-lengths", test_frame_lengths);
	g_test_add_func("/audio/receiver/loss", test_loss);
	g_test_add_func("/audio/receiver/drift", test_drift);
	g_test_add_func("/audio/receiver/jitter", test_jitter);
	g_test_add_func("/audio/receiver/codec-changes", test_codec_changes);
	g_test_add_func("/audio/receiver/ssrc-restart", test_ssrc_restart);
	g_test_add_func("/audio/receiver/comfort-noise", test_comfort_noise);
	g_test_add_func("/audio/receiver/stream-ends", test_stream_ends);
	g_test_add_func("/audio/receiver/dtmf", test_dtmf_is_no_loss);
	g_test_add_func("/audio/receiver/hostile", test_hostile);
	g_test_add_func("/audio/receiver/no-codec", test_no_codec);
	return g_test_run();
}
