#include "net/srtp.h"

#include <srtp2/srtp.h>
#include <string.h>

#include "base/bytes.h"

/* Packets that may come late: a second of 1080p at high rate. */
#define REPLAY_WINDOW 1024

G_STATIC_ASSERT(SRTP_MAX_TRAILER_LEN + 4 <= MCU_PACKET_TAILROOM);
G_STATIC_ASSERT(SRTP_MAX_KEY_LEN >= MCU_SRTP_KEY_MAX);

typedef struct Known {
	uint32_t ssrc;
	uint64_t used; /* McuSrtp.clock when it was last seen */
} Known;

struct McuSrtp {
	srtp_t session;
	bool outbound;
	McuSrtpStats stats;
	Known known[MCU_NET_MAX_SSRC];
	unsigned n_known;
	uint64_t clock; /* counts accepted packets */
};

static gpointer init_library(gpointer data)
{
	(void)data;
	return GINT_TO_POINTER(srtp_init() == srtp_err_status_ok);
}

static bool library_ready(void)
{
	static GOnce once = G_ONCE_INIT;

	return GPOINTER_TO_INT(g_once(&once, init_library, NULL));
}

/* INTEROP: with the 32-bit suites RTCP keeps an 80-bit tag (RFC 4568 section 6.2, RFC 6188). */
static void set_suite(McuSrtpSuite suite, srtp_policy_t *policy)
{
	switch (suite) {
	case MCU_SRTP_AES_CM_128_HMAC_SHA1_80:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
		break;
	case MCU_SRTP_AES_CM_128_HMAC_SHA1_32:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
		break;
	case MCU_SRTP_AES_256_CM_HMAC_SHA1_80:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtcp);
		break;
	case MCU_SRTP_AES_256_CM_HMAC_SHA1_32:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtcp);
		break;
	case MCU_SRTP_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
		break;
	case MCU_SRTP_AEAD_AES_256_GCM:
	default:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
		break;
	}
}

int mcu_srtp_new(const McuSrtpKey *key, bool outbound, McuSrtp **ret)
{
	g_autoptr(McuSrtp) srtp = NULL;
	uint8_t bytes[SRTP_MAX_KEY_LEN] = { 0 };
	srtp_policy_t policy = { 0 };
	size_t len = mcu_srtp_suite_key_len(key->suite);

	if (len == 0)
		return -EINVAL;
	if (!library_ready())
		return -EIO;
	memcpy(bytes, key->bytes, len);
	set_suite(key->suite, &policy);
	policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
	policy.key = bytes;
	policy.window_size = REPLAY_WINDOW;
	policy.allow_repeat_tx = 1; /* a NACK repeats the packet */
	srtp = g_new0(McuSrtp, 1);
	srtp->outbound = outbound;
	srtp_err_status_t st = srtp_create(&srtp->session, &policy);
	explicit_bzero(bytes, sizeof(bytes));
	if (st != srtp_err_status_ok) {
		srtp->session = NULL;
		return -EIO;
	}
	*ret = g_steal_pointer(&srtp);
	return 0;
}

void mcu_srtp_free(McuSrtp *srtp)
{
	if (!srtp)
		return;
	if (srtp->session)
		(void)srtp_dealloc(srtp->session);
	g_free(srtp);
}

const McuSrtpStats *mcu_srtp_stats(const McuSrtp *srtp)
{
	return &srtp->stats;
}

static int count_error(McuSrtp *srtp, srtp_err_status_t st)
{
	switch (st) {
	case srtp_err_status_auth_fail:
	case srtp_err_status_cipher_fail: /* the tag of an AEAD suite */
		srtp->stats.auth_failed++;
		return -EACCES;
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
		srtp->stats.replayed++;
		return -EEXIST;
	case srtp_err_status_parse_err:
	case srtp_err_status_bad_param:
		srtp->stats.malformed++;
		return -EINVAL;
	default:
		srtp->stats.failed++;
		return -EIO;
	}
}

static int malformed(McuSrtp *srtp)
{
	srtp->stats.malformed++;
	return -EINVAL;
}

static int done(McuSrtp *srtp, McuPacket *pkt, srtp_err_status_t st, int len)
{
	if (st != srtp_err_status_ok)
		return count_error(srtp, st);
	pkt->len = (size_t)len;
	srtp->stats.packets++;
	return 0;
}

int mcu_srtp_protect(McuSrtp *srtp, McuPacket *pkt)
{
	int len = (int)pkt->len;

	if (pkt->len < 12 || pkt->len > mcu_packet_capacity(pkt))
		return malformed(srtp);
	srtp_err_status_t st = srtp_protect(srtp->session, pkt->data, &len);
	return done(srtp, pkt, st, len);
}

int mcu_srtp_protect_rtcp(McuSrtp *srtp, McuPacket *pkt)
{
	int len = (int)pkt->len;

	if (pkt->len < 8 || pkt->len > mcu_packet_capacity(pkt))
		return malformed(srtp);
	srtp_err_status_t st = srtp_protect_rtcp(srtp->session, pkt->data, &len);
	return done(srtp, pkt, st, len);
}

/* Remember who was authenticated; the library keeps state for each, so the oldest must go. */
static void remember(McuSrtp *srtp, uint32_t ssrc)
{
	Known *slot = NULL;

	for (unsigned i = 0; i < srtp->n_known; i++) {
		Known *k = &srtp->known[i];

		if (k->ssrc == ssrc) {
			k->used = ++srtp->clock;
			return;
		}
		if (!slot || k->used < slot->used)
			slot = k;
	}
	if (srtp->n_known < MCU_NET_MAX_SSRC)
		slot = &srtp->known[srtp->n_known++];
	else
		(void)srtp_remove_stream(srtp->session, g_htonl(slot->ssrc));
	*slot = (Known){ .ssrc = ssrc, .used = ++srtp->clock };
}

/* RFC 3550 header with its CSRC list and extension inside the packet; the library trusts them. */
static bool rtp_header_fits(const McuPacket *pkt)
{
	McuReader r = mcu_reader(pkt->data, pkt->len);
	uint8_t first = mcu_read_u8(&r);

	(void)mcu_read_bytes(&r, 11 + 4 * (size_t)(first & 0x0f));
	if (first & 0x10) {
		(void)mcu_read_u16(&r);
		(void)mcu_read_bytes(&r, 4 * (size_t)mcu_read_u16(&r));
	}
	return !r.failed && first >> 6 == 2;
}

static uint32_t read_ssrc(const McuPacket *pkt, size_t at)
{
	McuReader r = mcu_reader(pkt->data + at, pkt->len - at);

	return mcu_read_u32(&r);
}

int mcu_srtp_unprotect(McuSrtp *srtp, McuPacket *pkt)
{
	int len = (int)pkt->len;

	if (!rtp_header_fits(pkt))
		return malformed(srtp);
	uint32_t ssrc = read_ssrc(pkt, 8);
	srtp_err_status_t st = srtp_unprotect(srtp->session, pkt->data, &len);
	int r = done(srtp, pkt, st, len);
	if (r == 0)
		remember(srtp, ssrc);
	return r;
}

int mcu_srtp_unprotect_rtcp(McuSrtp *srtp, McuPacket *pkt)
{
	int len = (int)pkt->len;

	if (pkt->len < 8 || pkt->data[0] >> 6 != 2)
		return malformed(srtp);
	uint32_t ssrc = read_ssrc(pkt, 4);
	srtp_err_status_t st = srtp_unprotect_rtcp(srtp->session, pkt->data, &len);
	int r = done(srtp, pkt, st, len);
	if (r == 0)
		remember(srtp, ssrc);
	return r;
}
