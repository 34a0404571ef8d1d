/* mcu/rtp/rtcp: compound packets, read and written. */
#include <glib.h>
#include <string.h>

#include "rtp/rtcp.h"

/* FIR, TMMBR, TMMBN, REMB and BYE of the packet below. */
static void check_rates_and_end(McuRtcpIter *it)
{
	McuRtcpItem item;

	g_assert_cmpint(mcu_rtcp_next(it, &item), ==, 0);
	g_assert_cmpint(item.type, ==, MCU_RTCP_FIR);
	g_assert_cmpuint(item.n, ==, 2);
	g_assert_cmpuint(item.firs[1].ssrc, ==, 78);
	g_assert_cmpuint(item.firs[1].seq, ==, 255);

	for (unsigned i = 0; i < 2; i++) {
		g_assert_cmpint(mcu_rtcp_next(it, &item), ==, 0);
		g_assert_cmpint(item.type, ==, i ? MCU_RTCP_TMMBN : MCU_RTCP_TMMBR);
		g_assert_cmpuint(item.rates[0].ssrc, ==, 77);
		g_assert_cmpuint(item.rates[0].overhead, ==, 40);
		g_assert_cmpuint(item.rates[0].bitrate_bps, <=, 1500000);
		g_assert_cmpuint(item.rates[0].bitrate_bps, >, 1500000 - 16);
	}
	g_assert_cmpint(mcu_rtcp_next(it, &item), ==, 0);
	g_assert_cmpint(item.type, ==, MCU_RTCP_REMB);
	g_assert_cmpuint(item.remb_bps, <=, 2500001);
	g_assert_cmpuint(item.remb_bps, >, 2500001 - 16);
	g_assert_cmpuint(item.n, ==, 2);
	g_assert_cmpuint(item.ssrcs[1], ==, 2);

	g_assert_cmpint(mcu_rtcp_next(it, &item), ==, 0);
	g_assert_cmpint(item.type, ==, MCU_RTCP_BYE);
	g_assert_cmpuint(item.n, ==, 2);
	g_assert_cmpint(mcu_rtcp_next(it, &item), ==, -EAGAIN);
}

static void test_compound(void)
{
	g_autoptr(McuPacket) pkt = mcu_packet_new();
	McuRtcpBuilder b = mcu_rtcp_builder(pkt);
	McuRtcpSenderInfo info = {
		.ntp = 0x1122334455667788, .rtp_ts = 9, .packets = 10, .octets = 11
	};
	McuRtcpBlock blocks[2] = { { .ssrc = 5,
				     .fraction_lost = 64,
				     .lost = -3,
				     .highest_seq = 0x10007,
				     .jitter = 8,
				     .lsr = 0x33445566,
				     .dlsr = 65536 },
				   { .ssrc = 6, .lost = 0x900000 } };
	const uint16_t lost[] = { 65534, 65535, 0, 3, 14, 15, 40 };
	const McuRtcpFir firs[] = { { .ssrc = 77, .seq = 5 }, { .ssrc = 78, .seq = 255 } };
	const McuRtcpBitrate rates[] = { { .ssrc = 77, .bitrate_bps = 1500000, .overhead = 40 } };
	const uint32_t ssrcs[] = { 1, 2 };
	McuRtcpIter it;
	McuRtcpItem item;

	mcu_rtcp_build_sr(&b, 1, &info, blocks, 2);
	mcu_rtcp_build_sdes(&b, 1, "user@host");
	mcu_rtcp_build_nack(&b, 1, 5, lost, G_N_ELEMENTS(lost));
	mcu_rtcp_build_pli(&b, 1, 5);
	mcu_rtcp_build_fir(&b, 1, firs, 2);
	mcu_rtcp_build_tmmbr(&b, 1, rates, 1);
	mcu_rtcp_build_tmmbn(&b, 1, rates, 1);
	mcu_rtcp_build_remb(&b, 1, 2500001, ssrcs, 2);
	mcu_rtcp_build_bye(&b, ssrcs, 2, "bye now");
	g_assert_cmpint(mcu_rtcp_build_end(&b), ==, 0);
	g_assert_cmpuint(pkt->len % 4, ==, 0);
	g_assert_true(mcu_rtcp_valid(pkt->data, pkt->len, false));

	it = mcu_rtcp_iter(pkt->data, pkt->len);
	g_assert_cmpint(mcu_rtcp_next(&it, &item), ==, 0);
	g_assert_cmpint(item.type, ==, MCU_RTCP_SR);
	g_assert_cmphex(item.info.ntp, ==, info.ntp);
	g_assert_cmpuint(item.info.octets, ==, 11);
	g_assert_cmpuint(item.n, ==, 2);
	g_assert_cmpuint(item.blocks[0].ssrc, ==, 5);
	g_assert_cmpuint(item.blocks[0].fraction_lost, ==, 64);
	g_assert_cmpint(item.blocks[0].lost, ==, -3);
	g_assert_cmphex(item.blocks[0].highest_seq, ==, 0x10007);
	g_assert_cmpuint(item.blocks[0].jitter, ==, 8);
	g_assert_cmphex(item.blocks[0].lsr, ==, 0x33445566);
	g_assert_cmpuint(item.blocks[0].dlsr, ==, 65536);
	g_assert_cmpint(item.blocks[1].lost, ==, 0x7fffff); /* saturates on the wire */

	g_assert_cmpint(mcu_rtcp_next(&it, &item), ==, 0);
	g_assert_cmpint(item.type, ==, MCU_RTCP_SDES);
	g_assert_cmpmem(item.chunks[0].cname, item.chunks[0].cname_len, "user@host", 9);

	g_assert_cmpint(mcu_rtcp_next(&it, &item), ==, 0);
	g_assert_cmpint(item.type, ==, MCU_RTCP_NACK);
	g_assert_cmpuint(item.media_ssrc, ==, 5);
	g_assert_cmpmem(item.seqs, 2 * item.n, lost, sizeof(lost));

	g_assert_cmpint(mcu_rtcp_next(&it, &item), ==, 0);
	g_assert_cmpint(item.type, ==, MCU_RTCP_PLI);
	g_assert_cmpuint(item.media_ssrc, ==, 5);

	check_rates_and_end(&it);
}

/* Bytes as other implementations send them: RR without blocks, SDES with NAME before CNAME. */
static void test_foreign(void)
{
	const uint8_t
		pkt[] = { 0x80, 201, 0, 1,    0,   0, 0, 7, /* RR */
			  0x81, 202, 0, 4,    0,   0, 0, 7, 2, 1, 'N', 1,   3,   'c', 'n', 'm', 0,
			  0,    0,   0, 0x80, 204, 0, 2, 0, 0, 0, 7,   'a', 'p', 'p', '!', /* APP */
			  0xa1, 203, 0, 2,    0,   0, 0, 7, 0, 0, 0,   4 /* BYE with padding */ };
	const McuRtcpType types[] = { MCU_RTCP_RR, MCU_RTCP_SDES, MCU_RTCP_OTHER, MCU_RTCP_BYE };
	McuRtcpIter it = mcu_rtcp_iter(pkt, sizeof(pkt));
	McuRtcpItem item;

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		g_assert_cmpint(mcu_rtcp_next(&it, &item), ==, 0);
		g_assert_cmpstr(mcu_rtcp_type_name(item.type), ==, mcu_rtcp_type_name(types[i]));
		if (item.type == MCU_RTCP_SDES)
			g_assert_cmpmem(item.chunks[0].cname, item.chunks[0].cname_len, "cnm", 3);
	}
	g_assert_cmpuint(item.ssrcs[0], ==, 7);
	g_assert_cmpint(mcu_rtcp_next(&it, &item), ==, -EAGAIN);
}

static void test_refused(void)
{
	const uint8_t cut[] = { 0x81, 201, 0, 7, 0, 0, 0, 7, 0, 0, 0, 1 };
	const uint8_t blocks[] = {
		0x82, 201, 0, 1, 0, 0, 0, 7
	}; /* two blocks announced, none there */
	const uint8_t padding[] = { 0xa0, 201, 0, 1, 0, 0, 0, 9 };
	const uint8_t pli[] = { 0x81, 206, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8 };
	const uint8_t sdes[] = { 0x81, 202, 0, 2, 0, 0, 0, 7, 1, 9, 'a', 'b' };
	McuRtcpItem item;
	McuRtcpIter it = mcu_rtcp_iter(cut, sizeof(cut));

	g_assert_cmpint(mcu_rtcp_next(&it, &item), ==, -EINVAL);
	g_assert_cmpint(mcu_rtcp_next(&it, &item), ==, -EAGAIN);
	g_assert_false(mcu_rtcp_valid(blocks, sizeof(blocks), true));
	g_assert_false(mcu_rtcp_valid(padding, sizeof(padding), true));
	g_assert_false(mcu_rtcp_valid(sdes, sizeof(sdes), true));
	g_assert_true(mcu_rtcp_valid(pli, sizeof(pli), true));
	g_assert_false(mcu_rtcp_valid(pli, sizeof(pli), false));
}

/* What does not fit is left out whole, and said so; what is there stays valid. */
static void test_full(void)
{
	g_autoptr(McuPacket) pkt = mcu_packet_new();
	McuRtcpBuilder b = mcu_rtcp_builder(pkt);
	McuRtcpBlock blocks[MCU_RTCP_MAX_COUNT] = { 0 };

	for (unsigned i = 0; i < 4; i++)
		mcu_rtcp_build_rr(&b, 1, blocks, G_N_ELEMENTS(blocks));
	g_assert_cmpint(mcu_rtcp_build_end(&b), ==, -ENOSPC);
	g_assert_cmpuint(pkt->len, <=, MCU_PACKET_MAX);
	g_assert_true(mcu_rtcp_valid(pkt->data, pkt->len, false));
}

/* A NACK is bounded, however many numbers a peer asks for. */
static void test_nack_limit(void)
{
	uint8_t pkt[4 * 103] = { 0x81, 205, 0, 102 };
	McuRtcpIter it = mcu_rtcp_iter(pkt, sizeof(pkt));
	McuRtcpItem item;

	memset(pkt + 12, 0xff, sizeof(pkt) - 12);
	g_assert_cmpint(mcu_rtcp_next(&it, &item), ==, 0);
	g_assert_cmpuint(item.n, ==, MCU_RTCP_MAX_NACK);
}

static void test_fir_seq(void)
{
	McuRtcpFirSeen seen = { 0 };

	g_assert_true(mcu_rtcp_fir_is_new(&seen, 0));
	g_assert_false(mcu_rtcp_fir_is_new(&seen, 0));
	g_assert_true(mcu_rtcp_fir_is_new(&seen, 1));
	g_assert_false(mcu_rtcp_fir_is_new(&seen, 1));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/rtcp/compound", test_compound);
	g_test_add_func("/rtp/rtcp/foreign", test_foreign);
	g_test_add_func("/rtp/rtcp/refused", test_refused);
	g_test_add_func("/rtp/rtcp/full", test_full);
	g_test_add_func("/rtp/rtcp/nack-limit", test_nack_limit);
	g_test_add_func("/rtp/rtcp/fir-number", test_fir_seq);
	return g_test_run();
}
