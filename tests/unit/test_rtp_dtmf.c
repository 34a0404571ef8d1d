/* mcu/rtp/dtmf: RFC 4733 events. */
#include <glib.h>

#include "base/clock.h"
#include "rtp/dtmf.h"

#define MS MCU_NS_PER_MS

static int receive(McuDtmfReceiver *rx, uint8_t event, bool end, uint16_t duration, uint32_t ts,
		   int64_t now, McuDtmfKey *key)
{
	uint8_t p[] = { event, (uint8_t)((end ? 0x80 : 0) | 10), (uint8_t)(duration >> 8),
			(uint8_t)duration };

	return mcu_dtmf_receive(rx, p, sizeof(p), ts, now, key);
}

/* Every loss pattern of the packets of "5" but for "all lost" gives exactly one key. */
static void test_loss_patterns(void)
{
	for (unsigned pattern = 1; pattern < 1u << 8; pattern++) {
		McuDtmfSender tx = { 0 };
		McuDtmfReceiver rx;
		McuDtmfKey key = { 0 };
		uint8_t p[MCU_DTMF_PAYLOAD_LEN];
		unsigned keys = 0, packets = 0;
		uint32_t ts;
		bool marker;
		int64_t now = 1000 * MS;

		mcu_dtmf_receiver_init(&rx, 8000);
		g_assert_cmpint(mcu_dtmf_send(&tx, '5', 4000, 960, 160), ==, 0);
		g_assert_cmpint(mcu_dtmf_send(&tx, '6', 4000, 960, 160), ==, -EBUSY);
		for (; mcu_dtmf_send_next(&tx, p, &ts, &marker); packets++, now += 20 * MS) {
			g_assert_cmpuint(ts, ==, 4000);
			g_assert_true(marker == (packets == 0));
			if (pattern >> packets & 1)
				keys += (unsigned)mcu_dtmf_receive(&rx, p, sizeof(p), ts, now,
								   &key);
		}
		g_assert_cmpuint(packets, ==, 8); /* five updates, three times the end */
		keys += mcu_dtmf_poll(&rx, now + 1000 * MS, &key);
		g_assert_cmpuint(keys, ==, 1);
		g_assert_cmpint(key.key, ==, '5');
		g_assert_cmpint(mcu_dtmf_deadline(&rx), ==, INT64_MAX);
		if (pattern >> 5)
			g_assert_cmpint(key.duration_ns, ==, 120 * MS);
	}
}

static void test_sequences(void)
{
	McuDtmfReceiver rx;
	McuDtmfKey key;

	mcu_dtmf_receiver_init(&rx, 8000);
	/* the same key twice, ends of the first lost */
	g_assert_cmpint(receive(&rx, 1, false, 160, 1000, 0, &key), ==, 0);
	g_assert_cmpint(receive(&rx, 1, false, 320, 1000, 20 * MS, &key), ==, 0);
	g_assert_cmpint(receive(&rx, 1, false, 160, 3000, 270 * MS, &key), ==, 1);
	g_assert_cmpint(key.key, ==, '1');
	g_assert_cmpint(key.duration_ns, ==, 40 * MS);
	g_assert_cmpint(receive(&rx, 1, true, 400, 3000, 300 * MS, &key), ==, 1);
	g_assert_cmpint(receive(&rx, 1, true, 400, 3000, 300 * MS, &key), ==, 0);
	/* a late packet of the first key */
	g_assert_cmpint(receive(&rx, 1, true, 480, 1000, 310 * MS, &key), ==, 0);
	/* events that are no keys (flash, fax) come and go */
	g_assert_cmpint(receive(&rx, 16, true, 400, 5000, 500 * MS, &key), ==, 0);
	g_assert_cmpint(mcu_dtmf_receive(&rx, (const uint8_t *)"ab", 2, 0, 0, &key), ==, -EINVAL);
	/* the end alone */
	g_assert_cmpint(receive(&rx, 11, true, 800, 9000, 900 * MS, &key), ==, 1);
	g_assert_cmpint(key.key, ==, '#');
	/* another time base, much later */
	g_assert_cmpint(receive(&rx, 2, true, 800, 100, 60000 * MS, &key), ==, 1);
	g_assert_cmpint(key.key, ==, '2');
}

/* RFC 4733 section 2.5.1.3: ten seconds at 8 kHz take two segments, and are one key. */
static void test_long(void)
{
	McuDtmfReceiver rx;
	McuDtmfKey key;

	mcu_dtmf_receiver_init(&rx, 8000);
	g_assert_cmpint(receive(&rx, 3, false, 0xffff, 1000, 0, &key), ==, 0);
	g_assert_cmpint(receive(&rx, 3, false, 160, 1000 + 0xffff, 20 * MS, &key), ==, 0);
	g_assert_cmpint(receive(&rx, 3, true, 14465, 1000 + 0xffff, 40 * MS, &key), ==, 1);
	g_assert_cmpint(key.duration_ns, ==, 10000 * MS);
}

static void test_names(void)
{
	for (uint8_t e = 0; e < 16; e++)
		g_assert_cmpint(mcu_dtmf_event(mcu_dtmf_char(e)), ==, e);
	g_assert_cmpint(mcu_dtmf_event('d'), ==, 15);
	g_assert_cmpint(mcu_dtmf_event('x'), ==, -EINVAL);
	g_assert_cmpint(mcu_dtmf_event(0), ==, -EINVAL);
	g_assert_cmpint(mcu_dtmf_char(16), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/dtmf/loss-patterns", test_loss_patterns);
	g_test_add_func("/rtp/dtmf/sequences", test_sequences);
	g_test_add_func("/rtp/dtmf/long", test_long);
	g_test_add_func("/rtp/dtmf/names", test_names);
	return g_test_run();
}
