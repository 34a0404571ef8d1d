/* The SRTP protection profiles the project knows (RFC 4568, 6188, 7714), by one name in sdp/ and
 * net/. Not here: the cryptography (net/srtp.h) and a=crypto lines (sdp/crypto.h).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum McuSrtpSuite {
	MCU_SRTP_AES_CM_128_HMAC_SHA1_80 = 1,
	MCU_SRTP_AES_CM_128_HMAC_SHA1_32,
	MCU_SRTP_AES_256_CM_HMAC_SHA1_80,
	MCU_SRTP_AES_256_CM_HMAC_SHA1_32,
	MCU_SRTP_AEAD_AES_128_GCM,
	MCU_SRTP_AEAD_AES_256_GCM,
	MCU_SRTP_SUITE_LAST,
} McuSrtpSuite;

/** Number of suites, and the longest master key with its salt. */
#define MCU_SRTP_SUITES (MCU_SRTP_SUITE_LAST - 1)
#define MCU_SRTP_KEY_MAX 46

/** Master key followed by master salt; the suite gives the length. suite 0 = no key. */
typedef struct McuSrtpKey {
	McuSrtpSuite suite;
	uint8_t bytes[MCU_SRTP_KEY_MAX];
} McuSrtpKey;

/** Name in a=crypto ("AES_CM_128_HMAC_SHA1_80"). */
const char *mcu_srtp_suite_name(McuSrtpSuite suite);

/** Case-insensitive reverse of mcu_srtp_suite_name(); 0 when unknown. */
McuSrtpSuite mcu_srtp_suite_from_name(const char *name);

/** Bytes of master key plus salt: 28 to MCU_SRTP_KEY_MAX; 0 for an unknown suite. */
size_t mcu_srtp_suite_key_len(McuSrtpSuite suite);

/** Same suite and same bytes; not a constant-time comparison. */
bool mcu_srtp_key_equal(const McuSrtpKey *a, const McuSrtpKey *b);
