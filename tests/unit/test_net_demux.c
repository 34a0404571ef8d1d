/* mcu/net/demux: RFC 7983 ranges and RFC 5761 payload types. */
#include <glib.h>
#include <string.h>

#include "net/demux.h"

static McuNetProto demux(uint8_t first, uint8_t second, size_t len)
{
	uint8_t bytes[64] = { first, second };

	return mcu_net_demux(bytes, len);
}

static McuNetProto expected(unsigned b)
{
	if (b <= 3)
		return MCU_NET_STUN;
	if (b >= 16 && b <= 19)
		return MCU_NET_ZRTP;
	if (b >= 20 && b <= 63)
		return MCU_NET_DTLS;
	if (b >= 64 && b <= 79)
		return MCU_NET_TURN_CHANNEL;
	return b >= 128 && b <= 191 ? MCU_NET_RTP : MCU_NET_UNKNOWN;
}

static void test_first_byte(void)
{
	for (unsigned b = 0; b < 256; b++)
		g_assert_cmpint(demux((uint8_t)b, 96, 64), ==, expected(b));
}

static void test_rtcp(void)
{
	for (unsigned pt = 0; pt < 256; pt++)
		g_assert_cmpint(demux(0x80, (uint8_t)pt, 64), ==,
				pt >= 192 && pt <= 223 ? MCU_NET_RTCP : MCU_NET_RTP);
	/* sender report, receiver report, and dynamic types with and without marker */
	g_assert_cmpint(demux(0x81, 200, 8), ==, MCU_NET_RTCP);
	g_assert_cmpint(demux(0x80, 206, 8), ==, MCU_NET_RTCP);
	g_assert_cmpint(demux(0x80, 96, 12), ==, MCU_NET_RTP);
	g_assert_cmpint(demux(0x80, 0x80 | 96, 12), ==, MCU_NET_RTP);
}

static void test_short(void)
{
	g_assert_cmpint(mcu_net_demux(NULL, 0), ==, MCU_NET_UNKNOWN);
	g_assert_cmpint(demux(0x80, 96, 1), ==, MCU_NET_UNKNOWN);
	g_assert_cmpint(demux(0x80, 96, 11), ==, MCU_NET_UNKNOWN);
	g_assert_cmpint(demux(0x80, 200, 7), ==, MCU_NET_UNKNOWN);
	g_assert_cmpint(demux(0, 1, 19), ==, MCU_NET_UNKNOWN);
	g_assert_cmpint(demux(22, 254, 12), ==, MCU_NET_UNKNOWN);
	g_assert_cmpstr(mcu_net_proto_name(MCU_NET_RTCP), ==, "rtcp");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/net/demux/first-byte", test_first_byte);
	g_test_add_func("/net/demux/rtcp", test_rtcp);
	g_test_add_func("/net/demux/short", test_short);
	return g_test_run();
}
