/* mcu/rtp/header: RTP headers and RFC 8285 extensions. */
#include <glib.h>
#include <string.h>

#include "rtp/header.h"

static int parse(const void *bytes, size_t len, McuRtpHeader *ret)
{
	/* an exact-size copy, so that a sanitizer sees a read past the end */
	static uint8_t *copy;

	g_free(copy);
	copy = g_memdup2(bytes, len);
	return mcu_rtp_header_parse(copy, len, ret);
}

static void test_plain(void)
{
	const uint8_t pkt[] = { 0x80, 0xe0, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8, 'a', 'b' };
	McuRtpHeader h;

	g_assert_cmpint(parse(pkt, sizeof(pkt), &h), ==, 0);
	g_assert_cmpuint(h.pt, ==, 96);
	g_assert_true(h.marker);
	g_assert_cmphex(h.seq, ==, 0x1234);
	g_assert_cmphex(h.ts, ==, 0x01020304);
	g_assert_cmphex(h.ssrc, ==, 0x05060708);
	g_assert_cmpmem(h.payload, h.payload_len, "ab", 2);
	for (size_t len = 0; len < 12; len++)
		g_assert_cmpint(parse(pkt, len, &h), ==, -EINVAL);
	g_assert_cmpint(parse(pkt, 12, &h), ==, 0);
	g_assert_cmpuint(h.payload_len, ==, 0);
}

static void test_refused(void)
{
	uint8_t pkt[] = { 0x80, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 3 };
	McuRtpHeader h;

	pkt[0] = 0x40; /* version 1 */
	g_assert_cmpint(parse(pkt, sizeof(pkt), &h), ==, -EINVAL);
	pkt[0] = 0xa0; /* padding of 3 */
	g_assert_cmpint(parse(pkt, sizeof(pkt), &h), ==, 0);
	g_assert_cmpmem(h.payload, h.payload_len, "\x09", 1);
	pkt[15] = 4; /* nothing but padding: a probe */
	g_assert_cmpint(parse(pkt, sizeof(pkt), &h), ==, 0);
	g_assert_cmpuint(h.payload_len, ==, 0);
	pkt[15] = 5; /* longer than what is there */
	g_assert_cmpint(parse(pkt, sizeof(pkt), &h), ==, -EINVAL);
	pkt[15] = 0;
	g_assert_cmpint(parse(pkt, sizeof(pkt), &h), ==, -EINVAL);
	pkt[0] = 0x82; /* two CSRC, room for one */
	g_assert_cmpint(parse(pkt, sizeof(pkt), &h), ==, -EINVAL);
	pkt[0] = 0x90; /* extension of 0x0903 words */
	g_assert_cmpint(parse(pkt, sizeof(pkt), &h), ==, -EINVAL);
}

/* RFC 8285 sections 4.2 and 4.3: padding between elements, id 15 ends the list. */
static void test_ext_forms(void)
{
	const uint8_t one[] = { 0x90, 0,    0,    1,    0,    0,    0,    1,    0,  0,
				0,    1,    0xbe, 0xde, 0,    3,    0x10, 0xaa, 0,  0,
				0x21, 0xbb, 0xcc, 0xf0, 0x30, 0xdd, 0,    0,    'p' };
	const uint8_t two[] = { 0x90, 0, 0, 1, 0, 0, 0,    1, 0,    0,    0, 1,  0x10,
				0x05, 0, 2, 0, 1, 0, 0xc8, 2, 0x11, 0x22, 0, 'p' };
	McuRtpHeader h;

	g_assert_cmpint(parse(one, sizeof(one), &h), ==, 0);
	g_assert_cmpuint(h.n_ext, ==, 2);
	g_assert_cmpmem(mcu_rtp_header_ext(&h, 1)->data, 1, "\xaa", 1);
	g_assert_cmpmem(mcu_rtp_header_ext(&h, 2)->data, mcu_rtp_header_ext(&h, 2)->len, "\xbb\xcc",
			2);
	g_assert_null(mcu_rtp_header_ext(&h, 3));
	g_assert_cmpmem(h.payload, h.payload_len, "p", 1);

	g_assert_cmpint(parse(two, sizeof(two), &h), ==, 0);
	g_assert_cmpuint(h.n_ext, ==, 2);
	g_assert_cmpuint(mcu_rtp_header_ext(&h, 1)->len, ==, 0);
	g_assert_cmpmem(mcu_rtp_header_ext(&h, 200)->data, 2, "\x11\x22", 2);
}

/* write -> parse gives the same, for random headers of both forms */
static void test_round_trip(void)
{
	static const uint8_t bytes[32] = "0123456789abcdef0123456789ABCDE";

	for (unsigned i = 0; i < 2000; i++) {
		g_autoptr(McuPacket) pkt = mcu_packet_new_copy("payload", 7);
		McuRtpHeader in = { .pt = (uint8_t)g_test_rand_int_range(0, 128),
				    .marker = g_test_rand_bit(),
				    .seq = (uint16_t)g_test_rand_int(),
				    .ts = (uint32_t)g_test_rand_int(),
				    .ssrc = (uint32_t)g_test_rand_int(),
				    .n_csrc = (unsigned)g_test_rand_int_range(0, 3),
				    .n_ext = (unsigned)g_test_rand_int_range(0, 4) };
		bool two_byte = g_test_rand_bit();
		McuRtpHeader out;

		for (unsigned k = 0; k < in.n_csrc; k++)
			in.csrc[k] = (uint32_t)g_test_rand_int();
		for (unsigned k = 0; k < in.n_ext; k++)
			in.ext[k] = (McuRtpExt){ .id = (uint8_t)(k + 1 + (two_byte ? 20 : 0)),
						 .len = (uint8_t)g_test_rand_int_range(1, 9),
						 .data = bytes + k };
		g_assert_cmpint(mcu_rtp_header_prepend(pkt, &in), ==, 0);
		g_assert_cmpint(parse(pkt->data, pkt->len, &out), ==, 0);
		g_assert_cmpmem(out.payload, out.payload_len, "payload", 7);
		g_assert_true(out.pt == in.pt && out.marker == in.marker && out.seq == in.seq &&
			      out.ts == in.ts && out.ssrc == in.ssrc && out.n_csrc == in.n_csrc);
		g_assert_cmpmem(out.csrc, 4 * out.n_csrc, in.csrc, 4 * in.n_csrc);
		g_assert_cmpuint(out.n_ext, ==, in.n_ext);
		for (unsigned k = 0; k < in.n_ext; k++) {
			const McuRtpExt *ext = mcu_rtp_header_ext(&out, in.ext[k].id);
			g_assert_cmpmem(ext->data, ext->len, in.ext[k].data, in.ext[k].len);
		}
	}
}

static void test_prepend_refused(void)
{
	g_autoptr(McuPacket) pkt = mcu_packet_new_copy("x", 1);
	McuRtpHeader h = { .pt = 96,
			   .n_ext = 1,
			   .ext = { { .id = 0, .len = 1, .data = (const uint8_t *)"" } } };

	g_assert_cmpint(mcu_rtp_header_prepend(pkt, &h), ==, -EINVAL);
	h = (McuRtpHeader){ .pt = 96, .n_csrc = 15 };
	g_assert_cmpint(mcu_rtp_header_prepend(pkt, &h), ==, -ENOSPC);
	g_assert_cmpmem(pkt->data, pkt->len, "x", 1);
}

static void test_is_rtcp(void)
{
	const uint8_t sr[] = { 0x80, 200, 0, 6 }, rtp[] = { 0x80, 0x80 | 96, 0, 6 };

	g_assert_true(mcu_rtp_is_rtcp(sr, sizeof(sr)));
	g_assert_false(mcu_rtp_is_rtcp(rtp, sizeof(rtp)));
	g_assert_false(mcu_rtp_is_rtcp(sr, 3));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/header/plain", test_plain);
	g_test_add_func("/rtp/header/refused", test_refused);
	g_test_add_func("/rtp/header/extensions", test_ext_forms);
	g_test_add_func("/rtp/header/round-trip", test_round_trip);
	g_test_add_func("/rtp/header/prepend-refused", test_prepend_refused);
	g_test_add_func("/rtp/header/is-rtcp", test_is_rtcp);
	return g_test_run();
}
