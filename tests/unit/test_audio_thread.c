/* The engine under the rules of its thread: no allocation in a tick; add, remove, push, mute while
 * it runs (for TSan, and for leaks).
 */
#include <glib.h>
#include <stdatomic.h>

#include "audio/codec.h"
#include "audio/engine.h"
#include "audio/tone.h"
#include "base/clock.h"

/* --- counting allocations: not under the sanitizers, which bring their own allocator */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS_MALLOC 0
#endif
#endif
#ifndef COUNTS_MALLOC
#define COUNTS_MALLOC 1
#endif

static __thread unsigned *malloc_count;

#if COUNTS_MALLOC
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n)
{
	if (malloc_count)
		++*malloc_count;
	return __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
	if (malloc_count)
		++*malloc_count;
	return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
	if (malloc_count)
		++*malloc_count;
	return __libc_realloc(p, n);
}
#endif

static const McuAudioPt pts[] = {
	{ 111, MCU_CODEC_OPUS },
	{ 9, MCU_CODEC_G722 },
	{ 0, MCU_CODEC_PCMU },
	{ 8, MCU_CODEC_PCMA },
};

/* one packet of a tone, or of silence */
static void push_one(McuAudioEngine *engine, uint32_t id, unsigned n, bool talks, int64_t now_ns)
{
	static McuAudioEncoder *encoders[9];
	McuCodec codec = pts[id % 4].codec;
	McuAudioEncoderParams ep = { .codec = codec };
	unsigned frame = mcu_audio_codec_rate(codec) / 50;
	float pcm[MCU_AUDIO_SLOT_FRAMES] = { 0 };
	uint8_t payload[MCU_AUDIO_MAX_PAYLOAD];
	McuAudioRtp rtp = { .ssrc = id,
			    .seq = (uint16_t)n,
			    .pt = pts[id % 4].pt,
			    .ts = n * (mcu_codec_clock_hz(codec) / 50),
			    .payload = payload };
	McuTone tone;
	int len;

	if (!encoders[id])
		encoders[id] = mcu_audio_encoder_new(&ep);
	mcu_tone_init(&tone, 50.0 * (4 + id), -15, frame * 50);
	if (talks)
		mcu_tone_run(&tone, pcm, frame, 0);
	len = mcu_audio_encoder_encode(encoders[id], pcm, frame, payload, sizeof(payload));
	g_assert_cmpint(len, >, 0);
	rtp.payload_len = (size_t)len;
	g_assert_cmpint(mcu_audio_engine_push(engine, id, &rtp, now_ns), ==, 0);
	if (n == 399)
		g_clear_pointer(&encoders[id], mcu_audio_encoder_free);
}

/* losses, people who begin and stop to talk, all codecs, several frame lengths */
static void test_no_allocation(void)
{
	g_autoptr(McuAudioEngine) engine = mcu_audio_engine_new(NULL, NULL, NULL, NULL);
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);
	int64_t now_ns = 9 * MCU_NS_PER_SEC;
	McuAudioEngineStats s;
	unsigned allocations = 0;

	for (uint32_t id = 1; id <= 8; id++) {
		McuAudioSendParams sp = { .codec = pts[(id + 1) % 4].codec,
					  .ptime_ms = id % 3 ? 20 : 60,
					  .fec = true };

		g_assert_cmpint(mcu_audio_engine_add_source(engine, id, id, pts, 4), ==, 0);
		g_assert_cmpint(mcu_audio_engine_add_listener(engine, id, id, &sp), ==, 0);
		g_assert_cmpint(mcu_audio_engine_set_loss(engine, id, 10), ==, 0);
	}
	for (unsigned n = 0; n < 400; n++) {
		for (uint32_t id = 1; id <= 8; id++) {
			if (n == 399 || g_rand_int_range(rand, 0, 10))
				push_one(engine, id, n, (n / 50 + id) % 3, now_ns);
		}
		malloc_count = &allocations;
		mcu_audio_engine_tick_at(engine, now_ns);
		malloc_count = NULL;
		now_ns += 20 * MCU_NS_PER_MS;
	}
	mcu_audio_engine_stats(engine, &s);
	g_assert_cmpuint(s.encodes_total, >, 1000);
	g_assert_cmpuint(allocations, ==, 0);
	/* the counter counts, where the allocator is not a sanitizer's own */
	malloc_count = &allocations;
	g_free(g_malloc(1));
	malloc_count = NULL;
	g_assert_cmpuint(allocations, ==, COUNTS_MALLOC);
}

typedef struct Live {
	unsigned packets;
	_Atomic unsigned slots;
} Live;

static void live_encoded(void *data, uint32_t listener, const McuAudioEncoded *enc)
{
	g_assert_cmpuint(enc->len, >, 0);
	g_assert_cmpuint(listener, >, 0);
	((Live *)data)->packets++;
}

static void live_tap(void *data, const float *pcm, int64_t pts_ns)
{
	(void)pcm;
	(void)pts_ns;
	((Live *)data)->slots++;
}

static void live_change(McuAudioEngine *engine, GRand *rand)
{
	uint32_t id = (uint32_t)g_rand_int_range(rand, 1, 10);
	McuAudioSendParams sp = { .codec = pts[g_rand_int_range(rand, 0, 4)].codec, .fec = true };

	switch (g_rand_int_range(rand, 0, 9)) {
	case 0:
		(void)mcu_audio_engine_add_source(engine, id, id % 4 + 1, pts, 4);
		break;
	case 1:
		(void)mcu_audio_engine_remove_source(engine, id);
		break;
	case 2:
		(void)mcu_audio_engine_add_listener(engine, id, id % 4 + 1, &sp);
		break;
	case 3:
		(void)mcu_audio_engine_remove_listener(engine, id);
		break;
	case 4:
		(void)mcu_audio_engine_set_muted(engine, id % 4 + 1, id & 1);
		break;
	case 5:
		(void)mcu_audio_engine_set_listener(engine, id, &sp);
		break;
	case 6:
		(void)mcu_audio_engine_set_loss(engine, id, id);
		break;
	case 7:
		(void)mcu_audio_engine_set_hold(engine, id, id & 1);
		break;
	default:
		if (id == 1)
			(void)mcu_audio_engine_remove_participant(engine, 1);
	}
}

static void test_live(void)
{
	const McuAudioHandler h = { .on_encoded = live_encoded };
	g_autoptr(GRand) rand = g_rand_new_with_seed(6);
	Live live = { 0 };
	McuAudioEngine *engine = mcu_audio_engine_new(NULL, &h, &live, NULL);
	int64_t end = mcu_now_ns() + 1500 * MCU_NS_PER_MS;
	uint8_t payload[160];
	McuAudioRtp rtp = { .payload = payload, .payload_len = sizeof(payload) };

	g_assert_cmpint(mcu_audio_engine_start(engine), ==, 0);
	g_assert_cmpint(mcu_audio_engine_start(engine), ==, -EBUSY);
	for (uint32_t id = 1; id < 10; id++) {
		McuAudioSendParams sp = { .codec = MCU_CODEC_PCMU };

		g_assert_cmpint(mcu_audio_engine_add_source(engine, id, id, pts, 4), ==, 0);
		g_assert_cmpint(mcu_audio_engine_add_listener(engine, id, id, &sp), ==, 0);
	}
	for (unsigned n = 0; mcu_now_ns() < end; n++) {
		McuAudioEngineStats s;
		McuAudioSourceStats ss;

		for (size_t i = 0; i < sizeof(payload); i++)
			payload[i] = (uint8_t)(n * i);
		rtp.seq = (uint16_t)n;
		rtp.ts = n * 160;
		for (uint32_t id = 1; id < 10; id++)
			(void)mcu_audio_engine_push(engine, id, &rtp, mcu_now_ns());
		live_change(engine, rand);
		mcu_audio_engine_set_tap(engine, n % 2 ? live_tap : NULL, &live);
		while (g_main_context_iteration(NULL, FALSE))
			continue;
		mcu_audio_engine_stats(engine, &s);
		(void)mcu_audio_engine_source_stats(engine, 2, &ss);
		g_usleep(700);
	}
	mcu_audio_engine_stop(engine);
	mcu_audio_engine_stop(engine);
	g_assert_cmpuint(live.packets, >, 20);
	g_assert_cmpuint(live.slots, >, 0);
	mcu_audio_engine_free(engine);
	/* a stop and a start again */
	engine = mcu_audio_engine_new(NULL, NULL, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		g_assert_cmpint(mcu_audio_engine_start(engine), ==, 0);
		mcu_audio_engine_stop(engine);
	}
	mcu_audio_engine_free(engine);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/audio/thread/no-allocation", test_no_allocation);
	g_test_add_func("/audio/thread/live", test_live);
	return g_test_run();
}
