/* Tests of the sender: frames on a common grid, whatever slot a sender begins with; send
 * parameters; the ring of received packets.
 */
#include <glib.h>
#include <string.h>

#include "audio/inbox.h"
#include "audio/sender.h"

static void test_params(void)
{
	McuAudioSendParams a = { .codec = MCU_CODEC_PCMU, .bitrate_bps = 9, .fec = true };
	McuAudioSendParams b = { .codec = MCU_CODEC_OPUS, .ptime_ms = 30 };

	g_assert_cmpint(mcu_audio_send_params_normalise(&a), ==, 0);
	g_assert_cmpuint(a.ptime_ms, ==, 20);
	g_assert_cmpuint(a.bitrate_bps, ==, 0);
	g_assert_false(a.fec);
	g_assert_cmpint(mcu_audio_send_params_normalise(&b), ==, 0);
	g_assert_cmpuint(b.ptime_ms, ==, 20);
	g_assert_cmpuint(b.bitrate_bps, ==, 32000);
	/* what peers ask for is rounded, not refused */
	b = (McuAudioSendParams){ .codec = MCU_CODEC_OPUS, .ptime_ms = 5, .bitrate_bps = 5000 };
	g_assert_cmpint(mcu_audio_send_params_normalise(&b), ==, 0);
	g_assert_cmpuint(b.ptime_ms, ==, 10);
	g_assert_cmpuint(b.bitrate_bps, ==, 6000);
	b = (McuAudioSendParams){ .codec = MCU_CODEC_PCMA, .ptime_ms = 200 };
	g_assert_cmpint(mcu_audio_send_params_normalise(&b), ==, 0);
	g_assert_cmpuint(b.ptime_ms, ==, 60);
	b = (McuAudioSendParams){ .codec = MCU_CODEC_CN };
	g_assert_cmpint(mcu_audio_send_params_normalise(&b), ==, -EINVAL);
}

static void grid(McuCodec codec, unsigned ptime_ms)
{
	McuAudioSendParams p = { .codec = codec, .ptime_ms = ptime_ms };
	unsigned frame = mcu_codec_clock_hz(codec) / 1000 * ptime_ms, n = 0;
	g_autoptr(McuAudioSender) s = NULL;
	float pcm[MCU_AUDIO_SLOT_FRAMES] = { 0 };
	uint8_t buf[MCU_AUDIO_MAX_PAYLOAD];
	McuAudioFrame f;
	uint32_t next = 0;

	g_assert_cmpint(mcu_audio_send_params_normalise(&p), ==, 0);
	for (uint64_t first = 1; first < 7; first++) {
		g_clear_pointer(&s, mcu_audio_sender_free);
		s = mcu_audio_sender_new(&p, 5);
		n = 0;
		/* with a hole in the middle */
		for (uint64_t slot = first; slot < 200; slot += slot == 100 ? 8 : 1) {
			mcu_audio_sender_feed(s, pcm, slot);
			while (mcu_audio_sender_take(s, buf, &f)) {
				g_assert_cmpuint(f.duration_ts, ==, frame);
				g_assert_cmpuint(f.rtp_ts % frame, ==, 0);
				g_assert_cmpint(f.offset_ms, <=, 10);
				g_assert_cmpint(f.offset_ms, >, -60);
				if (n++ && slot != 108)
					g_assert_cmpuint(f.rtp_ts, >=, next);
				next = f.rtp_ts + frame;
			}
		}
		g_assert_cmpuint(n, >=, 180 * 20 / ptime_ms);
	}
}

static void test_grid(void)
{
	const unsigned ms[] = { 10, 20, 30, 40, 60 };

	for (size_t i = 0; i < G_N_ELEMENTS(ms); i++) {
		grid(MCU_CODEC_G722, ms[i]);
		grid(MCU_CODEC_PCMA, ms[i]);
		if (ms[i] != 30)
			grid(MCU_CODEC_OPUS, ms[i]);
	}
}

static void test_inbox(void)
{
	g_autofree McuInbox *box = g_new0(McuInbox, 1);
	g_autoptr(GRand) r = g_rand_new_with_seed(8);
	uint8_t bytes[MCU_AUDIO_MAX_PAYLOAD];
	uint16_t in = 0, out = 0;
	unsigned full = 0;

	for (int i = 0; i < 100000; i++) {
		McuAudioRtp rtp;
		int64_t arrival_ns;

		if (g_rand_int_range(r, 0, 100) < (i / 1000 % 2 ? 60 : 40)) {
			rtp = (McuAudioRtp){ .seq = in,
					     .payload = bytes,
					     .payload_len = in * 7919u % sizeof(bytes) };
			memset(bytes, in, rtp.payload_len);
			if (mcu_inbox_put(box, &rtp, in))
				in++;
			else
				full++;
			continue;
		}
		if (!mcu_inbox_peek(box, &rtp, &arrival_ns)) {
			g_assert_cmpuint(in, ==, out);
			continue;
		}
		g_assert_cmpuint(rtp.seq, ==, out);
		g_assert_cmpint(arrival_ns, ==, out);
		g_assert_cmpuint(rtp.payload_len, ==, out * 7919u % sizeof(bytes));
		for (size_t k = 0; k < rtp.payload_len; k++)
			g_assert_cmpuint(rtp.payload[k], ==, (uint8_t)out);
		mcu_inbox_drop(box);
		out++;
	}
	g_assert_cmpuint(full, >, 100);
	g_assert_cmpuint(out, >, 10000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/audio/sender/params", test_params);
	g_test_add_func("/audio/sender/grid", test_grid);
	g_test_add_func("/audio/inbox", test_inbox);
	return g_test_run();
}
