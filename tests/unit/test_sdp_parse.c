/* mcu/sdp: parser, writer, attributes, a=crypto, H.264 parameters. */
#include <glib.h>
#include <string.h>

#include "sdp/crypto.h"
#include "sdp/h264.h"
#include "sdp/sdp.h"

#define VECTORS "tests/vectors/sdp"

static McuSdp *parse_ok(const char *text)
{
	McuSdp *sdp = NULL;
	McuDiag diag = { 0 };

	if (mcu_sdp_parse(text, strlen(text), &sdp, &diag) < 0) {
		g_autofree char *why = mcu_diag_str(&diag);
		g_error("%s in:\n%s", why, text);
	}
	return sdp;
}

static char *read_vector(const char *name)
{
	g_autofree char *path = g_build_filename(VECTORS, name, NULL);
	g_autoptr(GError) error = NULL;
	char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, &error))
		g_error("%s", error->message);
	return text;
}

static void test_fields(void)
{
	g_autofree char *text = read_vector("cisco_room.sdp");
	g_autoptr(McuSdp) sdp = parse_ok(text);
	McuSdpRtpmap map;
	char value[32];

	g_assert_cmpstr(sdp->user, ==, "tandberg");
	g_assert_cmpstr(sdp->version, ==, "2");
	g_assert_cmpstr(sdp->s.c.address, ==, "192.0.2.10");
	g_assert_cmpuint(sdp->n_media, ==, 5);
	const McuSdpMedia *video = &sdp->media[1];
	g_assert_cmpuint(video->port, ==, 16386);
	g_assert_cmpuint(video->n_formats, ==, 5);
	g_assert_cmpint(mcu_sdp_format_pt(video, 1), ==, 126);
	g_assert_true(mcu_sdp_rtpmap(video, 126, &map));
	g_assert_cmpstr(map.encoding, ==, "H264");
	g_assert_cmpuint(map.clock_hz, ==, 90000);
	g_assert_cmpuint(mcu_sdp_fmtp_uint(mcu_sdp_fmtp(video, 126), "max-fs", 0), ==, 9000);
	g_assert_true(mcu_sdp_fmtp_get(mcu_sdp_fmtp(video, 126), "Profile-Level-ID", value,
				       sizeof(value)));
	g_assert_cmpstr(value, ==, "428016");
	g_assert_cmpuint(mcu_sdp_bandwidth_bps(sdp, video), ==, 6000000);
	g_assert_cmpuint(mcu_sdp_bandwidth_bps(sdp, &sdp->media[4]), ==, 6000000);
	g_assert_cmpstr(mcu_sdp_attr(&sdp->media[3].s, "content")->value, ==, "slides");
	g_assert_cmpstr(sdp->media[2].formats[0], ==, "*");
	g_assert_cmpint(mcu_sdp_proto(&sdp->media[2]), ==, MCU_SDP_PROTO_OTHER);
	g_assert_true(mcu_sdp_rtpmap(&sdp->media[0], 0, &map));
	g_assert_false(mcu_sdp_rtpmap(&sdp->media[0], 77, &map));
}

/* Bare LF, blank lines and blanks, sections out of order. */
static void test_tolerance(void)
{
	g_autofree char *text = read_vector("odd_order.sdp");
	g_autoptr(McuSdp) sdp = parse_ok(text);
	McuSdpRtpmap map;

	g_assert_cmpuint(sdp->n_media, ==, 1);
	g_assert_cmpstr(mcu_sdp_connection(sdp, &sdp->media[0])->address, ==, "192.0.2.104");
	g_assert_cmpuint(mcu_sdp_bandwidth_bps(sdp, &sdp->media[0]), ==, 64000);
	g_assert_true(mcu_sdp_rtpmap(&sdp->media[0], 0, &map));
	g_assert_cmpstr(map.encoding, ==, "PCMU");

	g_autoptr(McuSdp) bare = parse_ok("m=audio 5004 RTP/AVP 8");
	g_assert_cmpuint(bare->n_media, ==, 1);
	g_assert_cmpint(mcu_sdp_direction(bare, &bare->media[0]), ==, MCU_SDP_SENDRECV);
}

static void test_roundtrip(void)
{
	g_autoptr(GDir) dir = g_dir_open(VECTORS, 0, NULL);
	unsigned n = 0;

	g_assert_nonnull(dir);
	for (const char *name; (name = g_dir_read_name(dir)); n++) {
		g_autofree char *text = read_vector(name);
		g_autoptr(McuSdp) first = parse_ok(text);
		g_autofree char *once = mcu_sdp_write(first);
		g_autoptr(McuSdp) second = parse_ok(once);
		g_autofree char *twice = mcu_sdp_write(second);

		g_assert_cmpstr(once, ==, twice);
		g_assert_cmpuint(first->n_media, ==, second->n_media);
		for (size_t i = 0; i < first->n_media; i++) {
			g_assert_cmpuint(first->media[i].s.n_attrs, ==,
					 second->media[i].s.n_attrs);
			g_assert_cmpuint(first->media[i].n_formats, ==,
					 second->media[i].n_formats);
			g_assert_cmpuint(first->media[i].port, ==, second->media[i].port);
			g_assert_cmpuint(first->media[i].s.n_b, ==, second->media[i].s.n_b);
		}
		/* no line got lost */
		g_auto(GStrv) pieces = g_strsplit(text, ": ", -1);
		g_autofree char *tight = g_strjoinv(":", pieces);
		g_auto(GStrv) lines = g_strsplit(tight, "\n", -1);
		for (char **l = lines; *l; l++)
			if (*g_strchomp(*l) && !g_str_has_prefix(name, "odd"))
				if (!strstr(once, *l))
					g_error("%s: lost %s", name, *l);
	}
	g_assert_cmpuint(n, >=, 14);
}

static const struct {
	const char *text;
	int err;
	unsigned line;
	const char *says;
} bad[] = {
	{ "", -EINVAL, 0, "expected SDP" },
	{ "<html>", -EINVAL, 1, "letter=value" },
	{ "v=1\n", -EINVAL, 1, "v=0" },
	{ "v=0\no=- 1\n", -EINVAL, 2, "o=user" },
	{ "v=0\no=- 1 1 IN IP5 x\n", -EINVAL, 2, "IP4 or IP6" },
	{ "v=0\no=- 1 1 IN IP4\n", -EINVAL, 2, "IN IP4|IP6 address" },
	{ "v=0\nc=IN IP4 /4\n", -EINVAL, 2, "an address" },
	{ "v=0\nm=audio\n", -EINVAL, 2, "m=media port" },
	{ "v=0\nm=audio 65536 RTP/AVP 0\n", -EINVAL, 2, "0 to 65535" },
	{ "v=0\nm=audio -1 RTP/AVP 0\n", -EINVAL, 2, "0 to 65535" },
	{ "v=0\nm=audio 99999999999999999999 RTP/AVP 0\n", -EINVAL, 2, "0 to 65535" },
	{ "v=0\nm=audio 4/0 RTP/AVP 0\n", -EINVAL, 2, "number of ports" },
	{ "v=0\nm=audio 4 RTP/AVP 128\n", -EINVAL, 2, "0 to 127" },
	{ "v=0\nm=audio 4 RTP/AVP x\n", -EINVAL, 2, "0 to 127" },
	{ "v=0\nm=audio 4 RTP/AVP\n", -EINVAL, 2, "one format" },
	{ "v=0\nm=audio 4 RTP/AVP 0\na=rtpmap:x PCMU/8000\n", -EINVAL, 3, "a=rtpmap" },
	{ "v=0\nm=audio 4 RTP/AVP 0\na=fmtp:999 x\n", -EINVAL, 3, "a=fmtp" },
	{ "v=0\na=:x\n", -EINVAL, 2, "attribute name" },
	{ "v=0\nb=AS\n", -EINVAL, 2, "b=type:number" },
	{ "v=0\nb=AS:99999999999999999999\n", -EINVAL, 2, "b=type:number" },
	{ "v=0\ns=a\x01g\n", -EINVAL, 2, "control" },
	{ "v=0\ns=a\rb\n", -EINVAL, 2, "control" },
};

static void test_hostile(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		McuSdp *sdp = NULL;
		McuDiag diag = { 0 };

		g_assert_cmpint(mcu_sdp_parse(bad[i].text, strlen(bad[i].text), &sdp, &diag), ==,
				bad[i].err);
		g_assert_null(sdp);
		if (diag.line != bad[i].line || !strstr(diag.text, bad[i].says))
			g_error("\"%s\": line %u, %s", bad[i].text, diag.line, diag.text);
	}
	McuSdp *sdp = NULL;
	g_assert_cmpint(mcu_sdp_parse("v=0\0\n", 5, &sdp, NULL), ==, -EINVAL);
}

static void assert_over_limit(GString *text)
{
	McuSdp *sdp = NULL;
	McuDiag diag = { 0 };

	g_assert_cmpint(mcu_sdp_parse(text->str, text->len, &sdp, &diag), ==, -EOVERFLOW);
	g_assert_null(sdp);
	g_assert_cmpstr(diag.text, !=, "");
	g_string_free(text, TRUE);
}

static GString *repeat(const char *head, const char *part, unsigned n)
{
	GString *s = g_string_new(head);

	for (unsigned i = 0; i < n; i++)
		g_string_append(s, part);
	return s;
}

static void test_limits(void)
{
	g_autoptr(GString) most = repeat("v=0\n", "m=audio 4 RTP/AVP 0\n", MCU_SDP_MAX_MEDIA);
	g_autoptr(McuSdp) sdp = parse_ok(most->str);

	g_assert_cmpuint(sdp->n_media, ==, MCU_SDP_MAX_MEDIA);
	assert_over_limit(repeat("v=0\n", "m=audio 4 RTP/AVP 0\n", MCU_SDP_MAX_MEDIA + 1));
	assert_over_limit(repeat("v=0\n", "a=x\n", MCU_SDP_MAX_ATTRS + 1));
	assert_over_limit(repeat("v=0\nm=audio 4 RTP/AVP", " 0", MCU_SDP_MAX_FORMATS + 1));
	assert_over_limit(repeat("v=0\n", "b=AS:1\n", MCU_SDP_MAX_BANDWIDTH + 1));
	assert_over_limit(repeat("v=0\n", "i=x\n", MCU_SDP_MAX_OTHER + 1));
	assert_over_limit(repeat("v=0\ns=", "x", MCU_SDP_MAX_BYTES));
}

static void test_directions(void)
{
	g_autoptr(McuSdp) sdp = parse_ok("v=0\na=sendonly\nm=audio 4 RTP/AVP 0\na=inactive\n"
					 "m=video 6 RTP/AVP 31\n");

	g_assert_cmpint(mcu_sdp_direction(sdp, &sdp->media[0]), ==, MCU_SDP_INACTIVE);
	g_assert_cmpint(mcu_sdp_direction(sdp, &sdp->media[1]), ==, MCU_SDP_SENDONLY);
	g_assert_cmpint(mcu_sdp_direction_reverse(MCU_SDP_SENDONLY), ==, MCU_SDP_RECVONLY);
	g_assert_cmpint(mcu_sdp_direction_reverse(MCU_SDP_SENDRECV), ==, MCU_SDP_SENDRECV);
	g_assert_cmpint(mcu_sdp_direction_and(MCU_SDP_SENDONLY, MCU_SDP_RECVONLY), ==,
			MCU_SDP_INACTIVE);
	g_assert_cmpint(mcu_sdp_direction_and(MCU_SDP_SENDRECV, MCU_SDP_RECVONLY), ==,
			MCU_SDP_RECVONLY);
	g_assert_cmpstr(mcu_sdp_direction_name(MCU_SDP_RECVONLY), ==, "recvonly");
}

/* --- a=crypto ------------------------------------------------------------------------------------ */

#define KEY30 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk"

static const struct {
	const char *value;
	int err;
	McuSrtpSuite suite;
} cryptos[] = {
	{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30, 0, MCU_SRTP_AES_CM_128_HMAC_SHA1_80 },
	{ "7  aes_cm_128_hmac_sha1_32\tinline:" KEY30 "|2^31", 0,
	  MCU_SRTP_AES_CM_128_HMAC_SHA1_32 },
	{ "7 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|1048576", 0,
	  MCU_SRTP_AES_CM_128_HMAC_SHA1_32 },
	{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|2^20|1:4", -ENOTSUP, 0 },
	{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|1:4", -ENOTSUP, 0 },
	{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 ";inline:" KEY30, -ENOTSUP, 0 },
	{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " UNENCRYPTED_SRTP", -ENOTSUP, 0 },
	{ "1 F8_128_HMAC_SHA1_80 inline:" KEY30, -ENOTSUP, 0 },
	{ "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY30, -EINVAL, 0 },
	{ "1 AES_CM_128_HMAC_SHA1_80 inline:", -EINVAL, 0 },
	{ "1 AES_CM_128_HMAC_SHA1_80 uri:" KEY30, -EINVAL, 0 },
	{ "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|never", -EINVAL, 0 },
	{ "1 AES_CM_128_HMAC_SHA1_80", -EINVAL, 0 },
	{ "x AES_CM_128_HMAC_SHA1_80 inline:" KEY30, -EINVAL, 0 },
	{ "9999999999 AES_CM_128_HMAC_SHA1_80 inline:" KEY30, -EINVAL, 0 },
	{ "", -EINVAL, 0 },
};

static void test_crypto(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cryptos); i++) {
		McuSdpCrypto c = { 0 };
		McuDiag diag = { 0 };

		int r = mcu_sdp_crypto_parse(cryptos[i].value, &c, &diag);
		if (r != cryptos[i].err)
			g_error("%s: %d, %s", cryptos[i].value, r, diag.text);
		g_assert_cmpint(c.key.suite, ==, cryptos[i].suite);
		g_assert_null(strstr(diag.text, KEY30));
	}
	for (unsigned s = 1; s < MCU_SRTP_SUITE_LAST; s++) {
		McuSdpCrypto in = { .tag = s, .key = { .suite = (McuSrtpSuite)s } }, out = { 0 };

		for (unsigned i = 0; i < mcu_srtp_suite_key_len((McuSrtpSuite)s); i++)
			in.key.bytes[i] = (uint8_t)(i * 7 + s);
		g_autofree char *text = mcu_sdp_crypto_write(&in);
		g_assert_cmpint(mcu_sdp_crypto_parse(text, &out, NULL), ==, 0);
		g_assert_cmpuint(out.tag, ==, s);
		g_assert_true(mcu_srtp_key_equal(&in.key, &out.key));
		g_assert_cmpint(mcu_srtp_suite_from_name(mcu_srtp_suite_name((McuSrtpSuite)s)), ==,
				s);
	}
}

/* --- H.264 --------------------------------------------------------------------------------------- */

static void test_h264_parse(void)
{
	static const struct {
		const char *fmtp;
		McuH264Profile profile;
		unsigned max_fs, max_mbps, max_br;
	} cases[] = {
		{ "profile-level-id=42e01f", MCU_H264_CONSTRAINED_BASELINE, 3600, 108000, 14000 },
		{ "profile-level-id=42801F;max-fs=8192;max-mbps=245760", MCU_H264_CONSTRAINED_BASELINE,
		  8192, 245760, 14000 },
		{ "max-mbps=0;max-fs=0;profile-level-id=42801F", MCU_H264_CONSTRAINED_BASELINE, 3600,
		  108000, 14000 },
		{ "profile-level-id=640C16;packetization-mode=1", MCU_H264_CONSTRAINED_HIGH, 1620,
		  20250, 5000 },
		{ "profile-level-id=640028", MCU_H264_HIGH, 8192, 245760, 25000 },
		{ "profile-level-id=4d0028", MCU_H264_MAIN, 8192, 245760, 20000 },
		{ "profile-level-id=4d8028", MCU_H264_CONSTRAINED_BASELINE, 8192, 245760, 20000 },
		{ "profile-level-id=58000a", MCU_H264_PROFILE_OTHER, 99, 1485, 64 },
		{ "profile-level-id=f4001f", MCU_H264_PROFILE_OTHER, 3600, 108000, 14000 },
		{ "profile-level-id=42f00b", MCU_H264_CONSTRAINED_BASELINE, 99, 1485, 128 },
		{ "profile-level-id=42e0ff", MCU_H264_CONSTRAINED_BASELINE, 139264, 16711680,
		  800000 },
		{ "profile-level-id=42e0", MCU_H264_CONSTRAINED_BASELINE, 396, 6000, 384 },
		{ NULL, MCU_H264_CONSTRAINED_BASELINE, 396, 6000, 384 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		McuSdpH264 h;

		mcu_sdp_h264_parse(cases[i].fmtp, &h);
		g_assert_cmpint(h.profile, ==, cases[i].profile);
		g_assert_cmpuint(h.max_fs, ==, cases[i].max_fs);
		g_assert_cmpuint(h.max_mbps, ==, cases[i].max_mbps);
		g_assert_cmpuint(h.max_br, ==, cases[i].max_br);
	}
}

static void test_h264_limit(void)
{
	const McuSdpVideoSize wish = { 1280, 720, 30, 2000000 };
	McuSdpVideoSize got;
	McuSdpH264 h;

	mcu_sdp_h264_parse("profile-level-id=42e01f", &h);
	g_assert_true(mcu_sdp_h264_fits(&h, 1280, 720, 30, 2000000));
	g_assert_false(mcu_sdp_h264_fits(&h, 1920, 1080, 30, 0));
	g_assert_false(mcu_sdp_h264_fits(&h, 1280, 720, 60, 0));
	g_assert_false(mcu_sdp_h264_fits(&h, 1280, 720, 30, 15000000));
	g_assert_false(mcu_sdp_h264_fits(&h, 3600 * 16, 16, 1, 0));
	mcu_sdp_h264_limit(&h, &wish, &got);
	g_assert_cmpuint(got.width, ==, 1280);
	g_assert_cmpuint(got.height, ==, 720);
	g_assert_cmpuint(got.fps, ==, 30);
	g_assert_cmpuint(got.bitrate_bps, ==, 2000000);

	/* level 3 with the picture size of 3.1: the rate gives way, not the size */
	mcu_sdp_h264_parse("profile-level-id=42e01e;max-fs=3600;max-mbps=60000;max-br=1200", &h);
	mcu_sdp_h264_limit(&h, &wish, &got);
	g_assert_cmpuint(got.width, ==, 1280);
	g_assert_cmpuint(got.fps, ==, 16);

	/* whatever the level: the result fits, keeps its aspect, and is not absurdly small */
	for (unsigned level = 10; level <= 52; level++) {
		g_autofree char *fmtp = g_strdup_printf("profile-level-id=42e0%02x", level);

		mcu_sdp_h264_parse(fmtp, &h);
		mcu_sdp_h264_limit(&h, &wish, &got);
		g_assert_true(
			mcu_sdp_h264_fits(&h, got.width, got.height, got.fps, got.bitrate_bps));
		g_assert_cmpuint(got.width % 2 + got.height % 2, ==, 0);
		g_assert_cmpint(ABS((int)(got.width * 9) - (int)(got.height * 16)), <=, 32 * 16);
		g_assert_cmpuint(got.width, >=, 160);
		g_assert_cmpuint(got.fps, >=, 15);
	}
}

static void test_h264_sprop(void)
{
	static const uint8_t want[] = { 0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xce };
	uint8_t got[MCU_SDP_MAX_SPROP];

	g_assert_cmpuint(mcu_sdp_h264_sprop("sprop-parameter-sets=Z0I=,aM4=; x=1", got,
					    sizeof(got)),
			 ==, sizeof(want));
	g_assert_cmpmem(got, sizeof(want), want, sizeof(want));
	g_assert_cmpuint(mcu_sdp_h264_sprop("sprop-parameter-sets=", got, sizeof(got)), ==, 0);
	g_assert_cmpuint(mcu_sdp_h264_sprop("sprop-parameter-sets=Z0I=,ZZZ=", got, sizeof(got)),
			 ==, 0);
	g_assert_cmpuint(mcu_sdp_h264_sprop("sprop-parameter-sets=Z0I=,aM4=", got, 11), ==, 0);
	g_assert_cmpuint(mcu_sdp_h264_sprop(NULL, got, sizeof(got)), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sdp/parse/fields", test_fields);
	g_test_add_func("/sdp/parse/tolerance", test_tolerance);
	g_test_add_func("/sdp/parse/roundtrip", test_roundtrip);
	g_test_add_func("/sdp/parse/hostile", test_hostile);
	g_test_add_func("/sdp/parse/limits", test_limits);
	g_test_add_func("/sdp/parse/directions", test_directions);
	g_test_add_func("/sdp/parse/crypto", test_crypto);
	g_test_add_func("/sdp/h264/parse", test_h264_parse);
	g_test_add_func("/sdp/h264/limit", test_h264_limit);
	g_test_add_func("/sdp/h264/sprop", test_h264_sprop);
	return g_test_run();
}
