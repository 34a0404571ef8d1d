#include "base/suite.h"

#include <string.h>

static const struct {
	const char *name;
	size_t key_len;
} suites[MCU_SRTP_SUITE_LAST] = {
	[MCU_SRTP_AES_CM_128_HMAC_SHA1_80] = { "AES_CM_128_HMAC_SHA1_80", 16 + 14 },
	[MCU_SRTP_AES_CM_128_HMAC_SHA1_32] = { "AES_CM_128_HMAC_SHA1_32", 16 + 14 },
	[MCU_SRTP_AES_256_CM_HMAC_SHA1_80] = { "AES_256_CM_HMAC_SHA1_80", 32 + 14 },
	[MCU_SRTP_AES_256_CM_HMAC_SHA1_32] = { "AES_256_CM_HMAC_SHA1_32", 32 + 14 },
	[MCU_SRTP_AEAD_AES_128_GCM] = { "AEAD_AES_128_GCM", 16 + 12 },
	[MCU_SRTP_AEAD_AES_256_GCM] = { "AEAD_AES_256_GCM", 32 + 12 },
};

const char *mcu_srtp_suite_name(McuSrtpSuite suite)
{
	return suite > 0 && suite < MCU_SRTP_SUITE_LAST ? suites[suite].name : "unknown";
}

McuSrtpSuite mcu_srtp_suite_from_name(const char *name)
{
	for (unsigned i = 1; i < MCU_SRTP_SUITE_LAST; i++)
		if (g_ascii_strcasecmp(suites[i].name, name) == 0)
			return (McuSrtpSuite)i;
	return 0;
}

size_t mcu_srtp_suite_key_len(McuSrtpSuite suite)
{
	return suite > 0 && suite < MCU_SRTP_SUITE_LAST ? suites[suite].key_len : 0;
}

bool mcu_srtp_key_equal(const McuSrtpKey *a, const McuSrtpKey *b)
{
	return a->suite == b->suite &&
	       memcmp(a->bytes, b->bytes, mcu_srtp_suite_key_len(a->suite)) == 0;
}
