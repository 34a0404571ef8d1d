/* mcu/net/srtp: every suite, wrong key, replay, tampering, many SSRCs. */
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "net/srtp.h"

#define PAYLOAD 100

static McuSrtpKey key_of(McuSrtpSuite suite, uint8_t seed)
{
	McuSrtpKey key = { .suite = suite };

	for (size_t i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (uint8_t)(seed + i * 5);
	return key;
}

static McuSrtp *session(McuSrtpSuite suite, uint8_t seed, bool outbound)
{
	McuSrtpKey key = key_of(suite, seed);
	McuSrtp *srtp = NULL;

	g_assert_cmpint(mcu_srtp_new(&key, outbound, &srtp), ==, 0);
	return srtp;
}

static McuPacket *rtp_packet(uint32_t ssrc, uint16_t seq)
{
	uint8_t bytes[12 + PAYLOAD] = { 0x80, 96 };

	mcu_put_u16(bytes + 2, seq);
	mcu_put_u32(bytes + 4, seq * 160u);
	mcu_put_u32(bytes + 8, ssrc);
	memset(bytes + 12, 0x55, PAYLOAD);
	return mcu_packet_new_copy(bytes, sizeof(bytes));
}

static McuPacket *rtcp_packet(uint32_t ssrc)
{
	uint8_t bytes[28] = { 0x80, 200, 0, 6 };

	mcu_put_u32(bytes + 4, ssrc);
	return mcu_packet_new_copy(bytes, sizeof(bytes));
}

static McuPacket *copy_of(const McuPacket *pkt)
{
	return mcu_packet_new_copy(pkt->data, pkt->len);
}

static void test_suites(void)
{
	static const size_t rtp_tag[MCU_SRTP_SUITE_LAST] = { 0, 10, 4, 10, 4, 16, 16 };
	static const size_t rtcp_tag[MCU_SRTP_SUITE_LAST] = { 0, 10, 10, 10, 10, 16, 16 };

	for (unsigned s = 1; s < MCU_SRTP_SUITE_LAST; s++) {
		g_autoptr(McuSrtp) tx = session((McuSrtpSuite)s, 1, true);
		g_autoptr(McuSrtp) rx = session((McuSrtpSuite)s, 1, false);
		g_autoptr(McuPacket) clear = rtp_packet(7, 1), pkt = rtp_packet(7, 1);
		g_autoptr(McuPacket) rtcp = rtcp_packet(7), rtcp_clear = rtcp_packet(7);

		g_assert_cmpint(mcu_srtp_protect(tx, pkt), ==, 0);
		g_assert_cmpuint(pkt->len, ==, clear->len + rtp_tag[s]);
		g_assert_cmpint(memcmp(pkt->data + 12, clear->data + 12, PAYLOAD), !=, 0);
		g_assert_cmpint(mcu_srtp_unprotect(rx, pkt), ==, 0);
		g_assert_cmpmem(pkt->data, pkt->len, clear->data, clear->len);

		g_assert_cmpint(mcu_srtp_protect_rtcp(tx, rtcp), ==, 0);
		g_assert_cmpuint(rtcp->len, ==, rtcp_clear->len + rtcp_tag[s] + 4);
		g_assert_cmpint(mcu_srtp_unprotect_rtcp(rx, rtcp), ==, 0);
		g_assert_cmpmem(rtcp->data, rtcp->len, rtcp_clear->data, rtcp_clear->len);
		g_assert_cmpuint(mcu_srtp_stats(rx)->packets, ==, 2);
	}
	McuSrtpKey none = { 0 };
	McuSrtp *srtp = NULL;
	g_assert_cmpint(mcu_srtp_new(&none, true, &srtp), ==, -EINVAL);
	g_assert_null(srtp);
}

static void test_attacks(void)
{
	for (unsigned s = 1; s < MCU_SRTP_SUITE_LAST; s++) {
		g_autoptr(McuSrtp) tx = session((McuSrtpSuite)s, 1, true);
		g_autoptr(McuSrtp) rx = session((McuSrtpSuite)s, 1, false);
		g_autoptr(McuSrtp) other = session((McuSrtpSuite)s, 2, false);
		g_autoptr(McuPacket) pkt = rtp_packet(7, 1), rtcp = rtcp_packet(7);

		g_assert_cmpint(mcu_srtp_protect(tx, pkt), ==, 0);
		g_assert_cmpint(mcu_srtp_protect_rtcp(tx, rtcp), ==, 0);
		g_autoptr(McuPacket) wrong = copy_of(pkt), tampered = copy_of(pkt);
		g_autoptr(McuPacket) again = copy_of(pkt), plain = rtp_packet(7, 2);
		g_autoptr(McuPacket) rtcp_wrong = copy_of(rtcp), rtcp_again = copy_of(rtcp);

		g_assert_cmpint(mcu_srtp_unprotect(other, wrong), ==, -EACCES);
		g_assert_cmpint(mcu_srtp_unprotect_rtcp(other, rtcp_wrong), ==, -EACCES);
		tampered->data[20] ^= 1;
		g_assert_cmpint(mcu_srtp_unprotect(rx, tampered), ==, -EACCES);
		g_assert_cmpint(mcu_srtp_unprotect(rx, plain), ==, -EACCES);
		g_assert_cmpint(mcu_srtp_unprotect(rx, pkt), ==, 0);
		g_assert_cmpint(mcu_srtp_unprotect(rx, again), ==, -EEXIST);
		g_assert_cmpint(mcu_srtp_unprotect_rtcp(rx, rtcp), ==, 0);
		g_assert_cmpint(mcu_srtp_unprotect_rtcp(rx, rtcp_again), ==, -EEXIST);
		g_assert_cmpuint(mcu_srtp_stats(rx)->auth_failed, ==, 2);
		g_assert_cmpuint(mcu_srtp_stats(rx)->replayed, ==, 2);
		g_assert_cmpuint(mcu_srtp_stats(rx)->packets, ==, 2);
	}
}

static void test_malformed(void)
{
	g_autoptr(McuSrtp) rx = session(MCU_SRTP_AES_CM_128_HMAC_SHA1_80, 1, false);
	const uint8_t csrcs[16] = { 0x8f, 96 }, extension[16] = { 0x90, 96, [14] = 0xff };
	g_autoptr(McuPacket) empty = mcu_packet_new();
	g_autoptr(McuPacket) a = mcu_packet_new_copy(csrcs, sizeof(csrcs));
	g_autoptr(McuPacket) b = mcu_packet_new_copy(extension, sizeof(extension));
	g_autoptr(McuPacket) c = mcu_packet_new_copy(extension, 14);
	g_autoptr(McuPacket) tiny = mcu_packet_new_copy("\x80\xc8\x00\x00\x00\x00\x00\x01", 8);

	g_assert_cmpint(mcu_srtp_unprotect(rx, empty), ==, -EINVAL);
	g_assert_cmpint(mcu_srtp_unprotect_rtcp(rx, empty), ==, -EINVAL);
	g_assert_cmpint(mcu_srtp_unprotect(rx, a), ==, -EINVAL);
	g_assert_cmpint(mcu_srtp_unprotect(rx, b), ==, -EINVAL);
	g_assert_cmpint(mcu_srtp_unprotect(rx, c), ==, -EINVAL);
	g_assert_cmpint(mcu_srtp_unprotect_rtcp(rx, tiny), <, 0);
	g_assert_cmpuint(mcu_srtp_stats(rx)->malformed, >=, 5);
}

/* The same packet for a NACK; roll-over of the sequence number. */
static void test_repeat_and_rollover(void)
{
	g_autoptr(McuSrtp) tx = session(MCU_SRTP_AEAD_AES_128_GCM, 1, true);
	g_autoptr(McuSrtp) rx = session(MCU_SRTP_AEAD_AES_128_GCM, 1, false);

	for (unsigned i = 65500; i < 65600; i++) {
		g_autoptr(McuPacket) pkt = rtp_packet(9, (uint16_t)i);
		g_autoptr(McuPacket) repeat = rtp_packet(9, (uint16_t)i);

		g_assert_cmpint(mcu_srtp_protect(tx, pkt), ==, 0);
		g_assert_cmpint(mcu_srtp_protect(tx, repeat), ==, 0);
		g_assert_cmpmem(pkt->data, pkt->len, repeat->data, repeat->len);
		g_assert_cmpint(mcu_srtp_unprotect(rx, pkt), ==, 0);
	}
}

/* More SSRCs than are kept: new ones are heard, the oldest is forgotten, recent ones are not. */
static void test_many_ssrcs(void)
{
	g_autoptr(McuSrtp) tx = session(MCU_SRTP_AES_CM_128_HMAC_SHA1_80, 1, true);
	g_autoptr(McuSrtp) rx = session(MCU_SRTP_AES_CM_128_HMAC_SHA1_80, 1, false);
	McuPacket *sent[2 * MCU_NET_MAX_SSRC];

	for (unsigned i = 0; i < G_N_ELEMENTS(sent); i++) {
		g_autoptr(McuPacket) pkt = rtp_packet(1000 + i, 1);

		g_assert_cmpint(mcu_srtp_protect(tx, pkt), ==, 0);
		sent[i] = copy_of(pkt);
		g_assert_cmpint(mcu_srtp_unprotect(rx, pkt), ==, 0);
	}
	g_autoptr(McuPacket) recent = copy_of(sent[G_N_ELEMENTS(sent) - MCU_NET_MAX_SSRC]);
	g_assert_cmpint(mcu_srtp_unprotect(rx, recent), ==, -EEXIST);
	g_assert_cmpint(mcu_srtp_unprotect(rx, sent[0]), ==, 0); /* its state is gone */
	for (unsigned i = 0; i < G_N_ELEMENTS(sent); i++)
		mcu_packet_unref(sent[i]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/net/srtp/suites", test_suites);
	g_test_add_func("/net/srtp/attacks", test_attacks);
	g_test_add_func("/net/srtp/malformed", test_malformed);
	g_test_add_func("/net/srtp/repeat-and-rollover", test_repeat_and_rollover);
	g_test_add_func("/net/srtp/many-ssrcs", test_many_ssrcs);
	return g_test_run();
}
