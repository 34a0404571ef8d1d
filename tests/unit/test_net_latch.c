/* mcu/net/latch: when the symmetric RTP latch locks, opens and refuses, with time given. */
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/latch_priv.h"

static McuPacket *rtp_packet(uint32_t ssrc, uint16_t seq)
{
	uint8_t bytes[32] = { 0x80, 96 };

	mcu_put_u16(bytes + 2, seq);
	mcu_put_u32(bytes + 8, ssrc);
	return mcu_packet_new_copy(bytes, sizeof(bytes));
}

typedef struct LatchBed {
	McuLatch latch;
	unsigned n_held; /* delivered late */
} LatchBed;

static McuSockAddr addr_of(uint16_t port)
{
	McuSockAddr a;

	g_assert_cmpint(mcu_sock_addr_parse("192.0.2.1", port, &a), ==, 0);
	return a;
}

static McuLatchVerdict plain(LatchBed *bed, uint16_t port, uint32_t ssrc, uint16_t seq,
			     int64_t now_ms)
{
	g_autoptr(McuPacket) pkt = rtp_packet(ssrc, seq);
	McuPacket *held[MCU_NET_LATCH_PACKETS - 1];
	McuSockAddr from = addr_of(port);
	unsigned n = 0;

	pkt->arrival_ns = now_ms * MCU_NS_PER_MS;
	if (!mcu_latch_admits(&bed->latch, &from, pkt->arrival_ns))
		return MCU_LATCH_FOREIGN;
	McuLatchVerdict v = mcu_latch_plain(&bed->latch, &from, pkt, held, &n);
	for (unsigned i = 0; i < n; i++)
		mcu_packet_unref(held[i]);
	bed->n_held += n;
	return v;
}

static void assert_to(const LatchBed *bed, uint16_t port)
{
	McuSockAddr want = addr_of(port);

	g_assert_true(mcu_sock_addr_equal(&bed->latch.to, &want));
}

static LatchBed *latch_bed(void)
{
	LatchBed *bed = g_new0(LatchBed, 1);
	McuSockAddr negotiated = addr_of(1000);

	mcu_latch_reset(&bed->latch, &negotiated);
	return bed;
}

static void latch_bed_free(LatchBed *bed)
{
	mcu_latch_done(&bed->latch);
	g_free(bed);
}

static void test_latch_plain(void)
{
	LatchBed *bed = latch_bed();

	assert_to(bed, 1000);
	g_assert_cmpint(plain(bed, 2000, 7, 10, 1), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 2000, 7, 11, 2), ==, MCU_LATCH_HELD);
	assert_to(bed, 1000);
	g_assert_cmpint(plain(bed, 2000, 7, 12, 3), ==, MCU_LATCH_LOCKED);
	g_assert_cmpuint(bed->n_held, ==, 2);
	assert_to(bed, 2000);
	g_assert_cmpint(plain(bed, 2000, 7, 13, 4), ==, MCU_LATCH_DELIVER);
	/* locked: others are foreign, however well they count; also the negotiated address */
	for (uint16_t i = 0; i < 10; i++) {
		g_assert_cmpint(plain(bed, 3000, 9, i, 5 + i), ==, MCU_LATCH_FOREIGN);
		g_assert_cmpint(plain(bed, 1000, 9, i, 5 + i), ==, MCU_LATCH_FOREIGN);
	}
	/* the peer may change its SSRC */
	g_assert_cmpint(plain(bed, 2000, 8, 500, 20), ==, MCU_LATCH_DELIVER);
	latch_bed_free(bed);
}

static void test_latch_in_a_row(void)
{
	LatchBed *bed = latch_bed();

	g_assert_cmpint(plain(bed, 2000, 7, 10, 1), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 2000, 7, 10, 2), ==, MCU_LATCH_HELD); /* repeats */
	g_assert_cmpint(plain(bed, 2000, 7, 9, 3), ==, MCU_LATCH_HELD); /* goes back */
	g_assert_cmpint(plain(bed, 2000, 8, 10, 4), ==, MCU_LATCH_HELD); /* other SSRC */
	g_assert_cmpint(plain(bed, 2000, 8, 5000, 5), ==, MCU_LATCH_HELD); /* jumps */
	g_assert_cmpint(plain(bed, 2000, 8, 5001, 6), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 2000, 8, 5002, 3000), ==, MCU_LATCH_HELD); /* much later */
	/* a rogue in between neither wins nor disturbs */
	g_assert_cmpint(plain(bed, 3000, 1, 77, 3001), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 2000, 8, 5003, 3002), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 3000, 1, 20, 3003), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 2000, 8, 5004, 3004), ==, MCU_LATCH_LOCKED);
	g_assert_cmpuint(bed->n_held, ==, 2);
	assert_to(bed, 2000);
	latch_bed_free(bed);

	/* three sources of media behind one address are not one stream */
	bed = latch_bed();
	for (uint16_t i = 0; i < 9; i++)
		g_assert_cmpint(plain(bed, 2000, 7 + i % 3, 100 + i, i), ==, MCU_LATCH_HELD);
	latch_bed_free(bed);

	/* sequence numbers wrap */
	bed = latch_bed();
	g_assert_cmpint(plain(bed, 2000, 7, 65534, 1), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 2000, 7, 65535, 2), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 2000, 7, 0, 3), ==, MCU_LATCH_LOCKED);
	latch_bed_free(bed);
}

static void test_latch_silence(void)
{
	LatchBed *bed = latch_bed();
	int64_t t = 3;

	for (uint16_t i = 0; i < 3; i++)
		(void)plain(bed, 2000, 7, i, i);
	g_assert_cmpint(plain(bed, 3000, 9, 1, t + 4990), ==, MCU_LATCH_FOREIGN);
	g_assert_cmpint(plain(bed, 3000, 9, 2, t + 5010), ==, MCU_LATCH_HELD);
	assert_to(bed, 2000); /* until the new one is sure */
	g_assert_cmpint(plain(bed, 3000, 9, 3, t + 5020), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 3000, 9, 4, t + 5030), ==, MCU_LATCH_LOCKED);
	assert_to(bed, 3000);
	g_assert_cmpint(plain(bed, 2000, 7, 9, t + 5040), ==, MCU_LATCH_FOREIGN);

	/* a new negotiated address opens it */
	McuSockAddr moved = addr_of(4000);
	mcu_latch_reset(&bed->latch, &moved);
	assert_to(bed, 4000);
	g_assert_cmpint(plain(bed, 4000, 7, 9, t + 5050), ==, MCU_LATCH_HELD);
	latch_bed_free(bed);
}

/* Many sources compete: the table stays bounded, a steady sender still gets through. */
static void test_latch_flood(void)
{
	LatchBed *bed = latch_bed();

	for (unsigned i = 0; i < 5000; i++)
		g_assert_cmpint(plain(bed, (uint16_t)(10000 + i), i, (uint16_t)i, i), ==,
				MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 2000, 7, 1, 6000), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 2000, 7, 2, 6001), ==, MCU_LATCH_HELD);
	g_assert_cmpint(plain(bed, 2000, 7, 3, 6002), ==, MCU_LATCH_LOCKED);
	latch_bed_free(bed);
}

static void test_addresses(void)
{
	McuSockAddr a, b, c;
	McuNetAddress text;

	g_assert_cmpint(mcu_sock_addr_parse("2001:db8::1", 5, &a), ==, 0);
	g_assert_cmpint(mcu_sock_addr_parse("2001:db8::1", 6, &b), ==, 0);
	g_assert_cmpint(mcu_sock_addr_parse("192.0.2.1", 5, &c), ==, 0);
	g_assert_cmpint(mcu_sock_addr_parse("host", 5, &c), ==, -EINVAL);
	g_assert_true(mcu_sock_addr_same_host(&a, &b));
	g_assert_false(mcu_sock_addr_equal(&a, &b));
	g_assert_false(mcu_sock_addr_same_host(&a, &c));
	mcu_sock_addr_format(&a, &text);
	g_assert_cmpstr(text.host, ==, "2001:db8::1");
	g_assert_cmpuint(text.port, ==, 5);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/net/latch/addresses", test_addresses);
	g_test_add_func("/net/latch/plain", test_latch_plain);
	g_test_add_func("/net/latch/in-a-row", test_latch_in_a_row);
	g_test_add_func("/net/latch/silence", test_latch_silence);
	g_test_add_func("/net/latch/flood", test_latch_flood);
	return g_test_run();
}
