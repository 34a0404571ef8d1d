/* mcu/rtp: H.264 bit stream facts, payloads to access units, access units to payloads. */
#include <glib.h>
#include <string.h>

#include "rtp/depay_h264.h"
#include "rtp/header.h"
#include "rtp/pay_h264.h"

/* parameter sets made by x264: 640x360 baseline, 1920x1080 baseline, 1920x1080 interlaced high */
static const uint8_t sps_360[] = { 0x67, 0x42, 0xc0, 0x16, 0xd9, 0x00, 0xa0, 0x2f, 0xf9,
				   0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00,
				   0x03, 0x00, 0x0a, 0x0f, 0x16, 0x2e, 0x48 };
static const uint8_t sps_1080[] = { 0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27,
				    0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00,
				    0x00, 0x03, 0x00, 0x28, 0x3c, 0x60, 0xc9, 0x20 };
static const uint8_t sps_1080i[] = { 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x04,
				     0x4f, 0xde, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20,
				     0x00, 0x00, 0x03, 0x01, 0x43, 0xe2, 0xc5, 0xb2, 0xc0 };
static const uint8_t pps[] = { 0x68, 0xcb, 0x83, 0xcb, 0x20 };

static void test_sps(void)
{
	static const struct {
		const uint8_t *nal;
		size_t len;
		unsigned w, h, profile, level;
		bool interlaced;
	} cases[] = {
		{ sps_360, sizeof(sps_360), 640, 360, 66, 22, false },
		{ sps_1080, sizeof(sps_1080), 1920, 1080, 66, 40, false },
		{ sps_1080i, sizeof(sps_1080i), 1920, 1080, 100, 40, true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		McuH264Sps sps;

		g_assert_cmpint(mcu_h264_parse_sps(cases[i].nal, cases[i].len, &sps), ==, 0);
		g_assert_cmpuint(sps.width, ==, cases[i].w);
		g_assert_cmpuint(sps.height, ==, cases[i].h);
		g_assert_cmpuint(sps.profile_idc, ==, cases[i].profile);
		g_assert_cmpuint(sps.level_idc, ==, cases[i].level);
		g_assert_true(sps.interlaced == cases[i].interlaced);
		for (size_t len = 0; len < 8; len++) {
			g_autofree uint8_t *cut = g_memdup2(cases[i].nal, len);
			g_assert_cmpint(mcu_h264_parse_sps(cut, len, &sps), ==, -EINVAL);
		}
	}
}

static void test_annexb(void)
{
	const uint8_t bytes[] = { 9, 9,    0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0,   0,
				  1, 0x68, 0, 0, 3, 2, 0,    0, 0, 0, 1, 0x65 };
	McuH264Iter it = mcu_h264_iter(bytes, sizeof(bytes));
	const uint8_t *nal;
	size_t len;

	g_assert_true(mcu_h264_next(&it, &nal, &len));
	g_assert_cmpmem(nal, len, "\x67\x01", 2);
	g_assert_true(mcu_h264_next(&it, &nal, &len));
	g_assert_cmpmem(nal, len, "\x68\0\0\3\2", 5);
	g_assert_true(mcu_h264_next(&it, &nal, &len));
	g_assert_cmpmem(nal, len, "\x65", 1);
	g_assert_false(mcu_h264_next(&it, &nal, &len));
	it = mcu_h264_iter(bytes, 5);
	g_assert_false(mcu_h264_next(&it, &nal, &len));
}

static void test_sei(void)
{
	const uint8_t recovery[] = { 6, 1, 1, 0xaa, 6, 1, 0xc4, 0x80 };
	const uint8_t other[] = { 6, 5, 2, 1, 2, 0x80 };
	const uint8_t endless[] = { 6, 0xff, 0xff, 0xff };

	g_assert_true(mcu_h264_sei_recovery_point(recovery, sizeof(recovery)));
	g_assert_false(mcu_h264_sei_recovery_point(other, sizeof(other)));
	g_assert_false(mcu_h264_sei_recovery_point(endless, sizeof(endless)));
}

/* --- pictures for the tests: first_mb 0, slice type 7 (I) or 5 (P), PPS 0 --- */

static void add_nal(GByteArray *au, const void *nal, size_t len)
{
	g_byte_array_append(au, (const guint8 *)"\0\0\0\1", 4);
	g_byte_array_append(au, nal, (guint)len);
}

/* Slice NAL of `len` bytes; never ends in zero, holds no start code. */
static void add_slice(GByteArray *au, uint8_t header, bool intra, bool first, size_t len)
{
	g_autofree uint8_t *nal = g_malloc(len);

	for (size_t i = 0; i < len; i++)
		nal[i] = (uint8_t)g_test_rand_int_range(1, 256);
	nal[0] = header;
	/* ue: first_mb 0 = "1" or 1 = "010", slice type 7 = "0001000" or 5 = "00110", PPS 0 = "1"
	 */
	nal[1] = first ? (intra ? 0x88 : 0x9a) : (intra ? 0x42 : 0x46);
	nal[2] = first ? 0xff : (intra ? 0x3f : 0xdf);
	add_nal(au, nal, len);
}

static GByteArray *picture(bool key, bool sets, unsigned slices, size_t slice_len)
{
	GByteArray *au = g_byte_array_new();

	if (sets) {
		add_nal(au, sps_360, sizeof(sps_360));
		add_nal(au, pps, sizeof(pps));
	}
	for (unsigned i = 0; i < slices; i++)
		add_slice(au, key ? 0x65 : 0x41, key, i == 0, slice_len);
	return au;
}

static GPtrArray *pay(const GByteArray *au, unsigned mode, size_t max)
{
	GPtrArray *out = g_ptr_array_new_with_free_func((GDestroyNotify)mcu_packet_unref);
	McuH264PayConfig cfg = { .mode = mode, .max_payload = max };

	g_assert_cmpint(mcu_h264_pay(&cfg, au->data, au->len, 55, out), ==, 0);
	return out;
}

/* Feed the payloads but for number `lose` (-1: all). */
static void feed(McuH264Depay *d, GPtrArray *pkts, uint32_t ts, int lose)
{
	bool gap = false;

	for (guint i = 0; i < pkts->len; i++) {
		McuPacket *pkt = g_ptr_array_index(pkts, i);
		g_autofree uint8_t *copy = g_memdup2(pkt->data, pkt->len);

		if ((int)i == lose) {
			gap = true;
			continue;
		}
		mcu_h264_depay_put(d, copy, pkt->len, ts, pkt->flags & MCU_RTP_FLAG_MARKER, gap,
				   99);
		gap = false;
	}
}

static void test_identity(void)
{
	for (unsigned i = 0; i < 300; i++) {
		g_autoptr(McuH264Depay) d = mcu_h264_depay_new(NULL);
		bool big = g_test_rand_bit();
		unsigned mode = big ? 1 : (unsigned)g_test_rand_int_range(0, 2);
		size_t max = (size_t)g_test_rand_int_range(MCU_H264_PAYLOAD_MIN, 1400);

		for (unsigned k = 0; k < 3; k++) {
			g_autoptr(GByteArray) au =
				picture(k == 0, k == 0, (unsigned)g_test_rand_int_range(1, 6),
					(size_t)g_test_rand_int_range(3, big ? 6000 : 60));
			g_autoptr(GPtrArray) pkts = pay(au, mode, max);
			g_autoptr(McuAccessUnit) got = NULL;

			for (guint p = 0; p < pkts->len; p++) {
				McuPacket *pkt = g_ptr_array_index(pkts, p);

				g_assert_cmpuint(pkt->len, <=, max);
				g_assert_cmpint(pkt->pts_ns, ==, 55);
				g_assert_true(!!(pkt->flags & MCU_RTP_FLAG_START) == (p == 0));
				g_assert_true(!!(pkt->flags & MCU_RTP_FLAG_MARKER) ==
					      (p == pkts->len - 1));
				g_assert_true(!!(pkt->flags & MCU_RTP_FLAG_KEYFRAME) == (k == 0));
			}
			feed(d, pkts, k * 3000, -1);
			got = mcu_h264_depay_next(d);
			g_assert_nonnull(got);
			g_assert_cmpmem(got->data, got->len, au->data, au->len);
			g_assert_true(got->complete);
			g_assert_true(got->keyframe == (k == 0));
			g_assert_cmpuint(got->rtp_ts, ==, k * 3000);
			g_assert_cmpint(got->first_arrival_ns, ==, 99);
			g_assert_cmpuint(got->width, ==, 640);
			g_assert_cmpuint(got->height, ==, 360);
			g_assert_null(mcu_h264_depay_next(d));
			g_assert_false(mcu_h264_depay_wants_keyframe(d));
		}
	}
}

/* Small units share a packet; what mode 0 cannot carry is counted. */
static void test_pay_modes(void)
{
	g_autoptr(GByteArray) au = picture(true, true, 1, 3000);
	g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func((GDestroyNotify)mcu_packet_unref);
	McuH264PayConfig cfg = { .mode = 1 };

	g_assert_cmpint(mcu_h264_pay(&cfg, au->data, au->len, 0, out), ==, 0);
	g_assert_cmpuint(out->len, ==, 4); /* STAP-A of SPS and PPS, three fragments */
	g_assert_cmpuint(((McuPacket *)out->pdata[0])->data[0] & 31, ==, MCU_H264_NAL_STAP_A);
	g_assert_cmpuint(((McuPacket *)out->pdata[1])->data[0] & 31, ==, MCU_H264_NAL_FU_A);
	cfg.mode = 0;
	g_ptr_array_set_size(out, 0);
	g_assert_cmpint(mcu_h264_pay(&cfg, au->data, au->len, 0, out), ==, 1);
	g_assert_cmpuint(out->len, ==, 2);
	g_assert_true(((McuPacket *)out->pdata[1])->flags & MCU_RTP_FLAG_MARKER);
	g_ptr_array_set_size(out, 0);
	g_assert_cmpint(mcu_h264_pay(&cfg, (const uint8_t *)"abc", 3, 0, out), ==, -EINVAL);
	cfg.mode = 2;
	g_assert_cmpint(mcu_h264_pay(&cfg, au->data, au->len, 0, out), ==, -EINVAL);
	g_assert_cmpuint(out->len, ==, 0);
}

static McuAccessUnit *one(McuH264Depay *d, const GByteArray *au, uint32_t ts, int lose)
{
	g_autoptr(GPtrArray) pkts = pay(au, 1, 200);

	feed(d, pkts, ts, lose);
	return mcu_h264_depay_next(d);
}

/* Whatever single packet of a keyframe or a later picture is lost: nothing damaged is given out,
 * and the stream goes on at the next keyframe, which says that something was left out. */
static void test_loss(void)
{
	g_autoptr(GByteArray) key = picture(true, true, 3, 500);
	g_autoptr(GByteArray) delta = picture(false, false, 3, 500);

	for (unsigned in_key = 0; in_key < 2; in_key++) {
		/* a keyframe is a STAP-A and three slices of three fragments each */
		const int n = in_key ? 10 : 9;

		for (int lose = 0; lose < n; lose++) {
			g_autoptr(McuH264Depay) d = mcu_h264_depay_new(NULL);
			g_autoptr(McuAccessUnit) a = one(d, key, 0, in_key ? lose : -1);
			g_autoptr(McuAccessUnit) b = one(d, delta, 3000, in_key ? -1 : lose);
			/* a lost marker closes its picture only when the next one comes, which is
			 * where recv.h reports the gap */
			g_autoptr(GPtrArray) pkts = pay(delta, 1, 200);
			McuPacket *first = pkts->pdata[0];
			mcu_h264_depay_put(d, first->data, first->len, 6000, false, lose == n - 1,
					   99);
			g_autoptr(McuAccessUnit) c = mcu_h264_depay_next(d);
			g_autoptr(McuAccessUnit) e = one(d, key, 9000, -1);

			g_assert_true(in_key ? !a : !!a);
			g_assert_null(b);
			g_assert_null(c);
			g_assert_nonnull(e);
			g_assert_true(e->keyframe && e->complete && e->restarted);
		}
	}
}

/* Without the beginning (SPS, PPS, first slice) a picture is not whole, even if each slice is. */
static void test_lost_beginning(void)
{
	g_autoptr(McuH264Depay) d = mcu_h264_depay_new(NULL);
	g_autoptr(GByteArray) key = picture(true, true, 2, 100), rest = g_byte_array_new();
	g_autoptr(McuAccessUnit) a = one(d, key, 0, -1), b = NULL;

	add_slice(rest, 0x65, true, false, 100);
	g_autoptr(GPtrArray) pkts = pay(rest, 1, 200);
	McuPacket *pkt = pkts->pdata[0];
	mcu_h264_depay_put(d, pkt->data, pkt->len, 3000, true, true, 0);
	b = mcu_h264_depay_next(d);
	g_assert_nonnull(a);
	g_assert_null(b);
	g_assert_true(mcu_h264_depay_wants_keyframe(d));
}

static void test_begins_at_keyframe(void)
{
	g_autoptr(McuH264Depay) d = mcu_h264_depay_new(NULL);
	g_autoptr(GByteArray) key = picture(true, false, 1, 100),
			      delta = picture(false, false, 1, 100);
	g_autoptr(GByteArray) sets = g_byte_array_new(), want = g_byte_array_new();
	g_autoptr(McuAccessUnit) a = one(d, delta, 0, -1), b = one(d, key, 3000, -1), c = NULL,
				 e = NULL;
	McuH264DepayStats st;

	g_assert_null(a);
	g_assert_null(b); /* no parameter sets */
	g_assert_true(mcu_h264_depay_wants_keyframe(d));
	/* from SDP, with rubbish between */
	g_autofree char *s64 = g_base64_encode(sps_360, sizeof(sps_360));
	g_autofree char *p64 = g_base64_encode(pps, sizeof(pps));
	g_autofree char *sprop = g_strdup_printf("%s,,AAAA,%s", s64, p64);
	g_assert_cmpint(mcu_h264_depay_set_sprop(d, "!!,"), ==, -EINVAL);
	g_assert_cmpint(mcu_h264_depay_set_sprop(d, sprop), ==, 2);
	c = one(d, key, 6000, -1);
	g_assert_nonnull(c);
	add_nal(want, sps_360, sizeof(sps_360));
	add_nal(want, pps, sizeof(pps));
	g_byte_array_append(want, key->data, key->len);
	g_assert_cmpmem(c->data, c->len, want->data, want->len);
	/* parameter sets in a packet of their own give no picture */
	add_nal(sets, sps_1080, sizeof(sps_1080));
	e = one(d, sets, 9000, -1);
	g_assert_null(e);
	mcu_h264_depay_restart(d);
	g_assert_true(mcu_h264_depay_wants_keyframe(d));
	mcu_h264_depay_stats(d, &st);
	g_assert_cmpuint(st.dropped, ==, 2);
	g_assert_cmpuint(st.keyframes, ==, 1);
}

static void test_recovery_point_and_intra(void)
{
	const uint8_t sei[] = { 6, 6, 1, 0xc4, 0x80 };
	g_autoptr(McuH264Depay) d = mcu_h264_depay_new(NULL);
	g_autoptr(GByteArray) au = g_byte_array_new(), intra = g_byte_array_new();
	g_autoptr(McuAccessUnit) a = NULL, b = NULL;

	add_nal(au, sps_360, sizeof(sps_360));
	add_nal(au, pps, sizeof(pps));
	add_nal(au, sei, sizeof(sei));
	add_slice(au, 0x41, false, true, 50);
	a = one(d, au, 0, -1);
	g_assert_true(a && a->keyframe);

	mcu_h264_depay_restart(d);
	add_nal(intra, sps_360, sizeof(sps_360));
	add_nal(intra, pps, sizeof(pps));
	add_slice(intra, 0x41, true, true, 50);
	b = one(d, intra, 3000, -1);
	g_assert_true(b && b->keyframe && b->restarted);
}

/* Without markers the next timestamp closes a picture. */
static void test_no_marker(void)
{
	g_autoptr(McuH264Depay) d = mcu_h264_depay_new(NULL);
	g_autoptr(GByteArray) key = picture(true, true, 2, 300);
	g_autoptr(GPtrArray) pkts = pay(key, 1, 200);
	g_autoptr(McuAccessUnit) a = NULL;

	for (guint i = 0; i < pkts->len; i++) {
		McuPacket *pkt = pkts->pdata[i];
		mcu_h264_depay_put(d, pkt->data, pkt->len, 0, false, false, 0);
	}
	g_assert_null(mcu_h264_depay_next(d));
	mcu_h264_depay_put(d, (const uint8_t *)"\x41\x9a\xff", 3, 3000, false, false, 0);
	a = mcu_h264_depay_next(d);
	g_assert_cmpmem(a->data, a->len, key->data, key->len);
}

/* STAP-B, MTAP16 and FU-B of the interleaved mode; rubbish; sizes. */
static void test_other_payloads(void)
{
	g_autoptr(McuH264Depay) d =
		mcu_h264_depay_new(&(McuH264DepayConfig){ .max_width = 640, .max_height = 360 });
	const uint8_t slice[] = { 0x65, 0x88, 0xff, 1, 2, 3 };
	GByteArray *stap = g_byte_array_new();
	g_autoptr(McuAccessUnit) a = NULL, b = NULL;
	McuH264DepayStats st;

	g_byte_array_append(stap, (const guint8 *)"\x79\0\1", 3);
	g_byte_array_append(stap, (const guint8 *)"\0\x19", 2);
	g_byte_array_append(stap, sps_360, sizeof(sps_360));
	g_byte_array_append(stap, (const guint8 *)"\0\5", 2);
	g_byte_array_append(stap, pps, sizeof(pps));
	mcu_h264_depay_put(d, stap->data, stap->len, 0, false, false, 0);
	mcu_h264_depay_put(d, (const uint8_t *)"\x7d\x85\0\1\x88\xff", 6, 0, false, false, 0);
	mcu_h264_depay_put(d, (const uint8_t *)"\x7c\x45\1\2\3", 5, 0, true, false, 0);
	a = mcu_h264_depay_next(d);
	g_assert_nonnull(a);
	g_assert_cmpmem(a->data + a->len - sizeof(slice), sizeof(slice), slice, sizeof(slice));
	g_byte_array_unref(stap);
	mcu_h264_depay_put(d, (const uint8_t *)"\x7a\0\1\0\6\0\0\0\x65\x88\xff\1\2\3", 14, 3000,
			   true, false, 0);
	b = mcu_h264_depay_next(d);
	g_assert_nonnull(b);

	mcu_h264_depay_put(d, (const uint8_t *)"\x78\0\xff\1", 4, 6000, true, false, 0); /* cut */
	mcu_h264_depay_put(d, (const uint8_t *)"\x7c", 1, 9000, true, false, 0);
	mcu_h264_depay_put(d, (const uint8_t *)"\x1f\1", 2, 9001, true, false, 0);
	g_assert_null(mcu_h264_depay_next(d));
	mcu_h264_depay_stats(d, &st);
	g_assert_cmpuint(st.malformed, ==, 3);

	/* a larger picture than allowed is not given out */
	g_autoptr(GByteArray) big = g_byte_array_new();
	add_nal(big, sps_1080, sizeof(sps_1080));
	add_nal(big, pps, sizeof(pps));
	add_slice(big, 0x65, true, true, 50);
	g_assert_null(one(d, big, 12000, -1));
	mcu_h264_depay_stats(d, &st);
	g_assert_cmpuint(st.too_big, ==, 1);
	g_assert_cmpuint(st.width, ==, 1920);
}

/* An access unit that never ends stays within its bound. */
static void test_bounds(void)
{
	g_autoptr(McuH264Depay) d = mcu_h264_depay_new(NULL);
	static uint8_t fu[1400] = { 0x7c, 0x85, 0x88, 0xff };
	McuH264DepayStats st;

	memset(fu + 4, 7, sizeof(fu) - 4);
	for (unsigned i = 0; i < 4000; i++) {
		mcu_h264_depay_put(d, fu, sizeof(fu), 0, false, false, 0);
		fu[1] = 0x05;
	}
	mcu_h264_depay_put(d, fu, sizeof(fu), 1, true, false, 0);
	g_assert_null(mcu_h264_depay_next(d));
	mcu_h264_depay_stats(d, &st);
	g_assert_cmpuint(st.too_big, ==, 1);
	for (unsigned i = 0; i < 100000; i++)
		mcu_h264_depay_put(d, (const uint8_t *)"\x41\x9a", 2, 2, false, false, 0);
	mcu_h264_depay_put(d, (const uint8_t *)"\x41\x9a", 2, 3, false, false, 0);
	mcu_h264_depay_stats(d, &st);
	g_assert_cmpuint(st.damaged, >=, 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/h264/sps", test_sps);
	g_test_add_func("/rtp/h264/annex-b", test_annexb);
	g_test_add_func("/rtp/h264/sei", test_sei);
	g_test_add_func("/rtp/h264/identity", test_identity);
	g_test_add_func("/rtp/h264/pay-modes", test_pay_modes);
	g_test_add_func("/rtp/h264/loss", test_loss);
	g_test_add_func("/rtp/h264/lost-beginning", test_lost_beginning);
	g_test_add_func("/rtp/h264/begins-at-keyframe", test_begins_at_keyframe);
	g_test_add_func("/rtp/h264/recovery-point", test_recovery_point_and_intra);
	g_test_add_func("/rtp/h264/no-marker", test_no_marker);
	g_test_add_func("/rtp/h264/other-payloads", test_other_payloads);
	g_test_add_func("/rtp/h264/bounds", test_bounds);
	return g_test_run();
}
