/* a=crypto lines (RFC 4568; suites of RFC 6188 and 7714). Pure. Not here: SRTP (net/srtp.h). */
#pragma once
#include "base/err.h"
#include "base/suite.h"

typedef struct McuSdpCrypto {
	unsigned tag;
	McuSrtpKey key;
} McuSdpCrypto;

/** Read the value of an a=crypto line. Lifetime is accepted and not enforced.
 * Errors: -EINVAL malformed; -ENOTSUP a suite, an MKI, several keys or a session parameter that we
 * do not do (the line is to be skipped). The diag never quotes the key.
 */
int mcu_sdp_crypto_parse(const char *value, McuSdpCrypto *ret, McuDiag *reterr) MCU_WARN_UNUSED;

/** "TAG SUITE inline:KEY". Owns: caller frees; contains a key: never log it. */
char *mcu_sdp_crypto_write(const McuSdpCrypto *crypto) MCU_WARN_UNUSED;
