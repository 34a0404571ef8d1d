/* What peers write into SIP headers and INFO bodies: names, digits, credentials. Each line of the
 * input is a parameter of an Authorization header; the whole is a name and a body. */
#include <string.h>

#include "sip/sip_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autofree char *name = mcu_sip_clean_name(text), *quoted = mcu_sip_quotable(valid);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 64);
	g_autoptr(McuDigest) digest = mcu_digest_new("tessera");
	unsigned duration_ms;
	char digit[2];

	g_assert_true(g_utf8_validate(name, -1, NULL));
	g_assert_cmpint(g_utf8_strlen(name, -1), <=, MCU_MAX_NAME_CHARS);
	g_assert_null(strpbrk(quoted, "\r\n"));
	if (mcu_sip_parse_dtmf(valid, digit, &duration_ms))
		g_assert_nonnull(strchr("0123456789*#ABCD", digit[0]));
	mcu_digest_add_user(digest, "alice", "secret");
	/* nobody guesses the key of the nonce */
	g_assert_cmpint(mcu_digest_check(digest, "INVITE", (const char *const *)lines, 1), !=, 0);
	return 0;
}
