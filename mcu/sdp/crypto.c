#include "sdp/crypto.h"

#include <string.h>

#include "sdp/sdp_priv.h"

/* "2^20" or decimal, nothing after it. */
static bool is_lifetime(const char *p)
{
	uint64_t v;

	if (g_str_has_prefix(p, "2^"))
		p += 2;
	return mcu_sdp_read_uint(&p, G_MAXUINT64 / 16, &v) && !*p;
}

/* "|lifetime", "|MKI:length", "|lifetime|MKI:length" after the key. */
static int check_key_options(char **options, McuDiag *diag)
{
	bool lifetime_seen = false;

	for (; *options; options++) {
		if (strchr(*options, ':'))
			return mcu_diag(diag, -ENOTSUP, "a=crypto asks for an MKI");
		if (lifetime_seen || !is_lifetime(*options))
			return mcu_diag(diag, -EINVAL, "a=crypto: expected a key lifetime");
		lifetime_seen = true;
	}
	return 0;
}

static int read_key(const char *params, McuSdpCrypto *c, McuDiag *diag)
{
	size_t want = mcu_srtp_suite_key_len(c->key.suite);
	g_auto(GStrv) parts = NULL;
	gsize len = 0;
	int r;

	if (strchr(params, ';'))
		return mcu_diag(diag, -ENOTSUP, "a=crypto has several keys, which needs an MKI");
	if (g_ascii_strncasecmp(params, "inline:", 7) != 0)
		return mcu_diag(diag, -EINVAL, "a=crypto: expected inline:key");
	parts = g_strsplit(params + 7, "|", 4);
	if (!parts[0])
		return mcu_diag(diag, -EINVAL, "a=crypto: expected inline:key");
	r = check_key_options(parts + 1, diag);
	if (r < 0)
		return r;
	guchar *key = g_base64_decode(parts[0], &len);
	if (len == want)
		memcpy(c->key.bytes, key, want);
	explicit_bzero(key, len);
	g_free(key);
	explicit_bzero(parts[0], strlen(parts[0]));
	if (len != want)
		return mcu_diag(diag, -EINVAL, "a=crypto: key of %zu bytes, expected %zu for %s",
				(size_t)len, want, mcu_srtp_suite_name(c->key.suite));
	return 0;
}

/* Fields of the line; the third holds the key, so the copies are wiped. */
static int parse_fields(char **field, McuSdpCrypto *ret, McuDiag *diag)
{
	McuSdpCrypto c = { 0 };
	const char *p = field[0];
	uint64_t tag;

	if (!p || !mcu_sdp_read_uint(&p, 999999999, &tag) || *p)
		return mcu_diag(diag, -EINVAL, "a=crypto: expected a tag of 1 to 9 digits");
	if (!field[1] || !field[2])
		return mcu_diag(diag, -EINVAL, "a=crypto: expected tag, suite and key");
	c.tag = (unsigned)tag;
	c.key.suite = mcu_srtp_suite_from_name(field[1]);
	if (!c.key.suite)
		return mcu_diag(diag, -ENOTSUP, "a=crypto: unknown suite");
	if (field[3])
		return mcu_diag(diag, -ENOTSUP, "a=crypto: session parameters are not supported");
	int r = read_key(field[2], &c, diag);
	if (r == 0)
		*ret = c;
	explicit_bzero(&c, sizeof(c));
	return r;
}

int mcu_sdp_crypto_parse(const char *value, McuSdpCrypto *ret, McuDiag *reterr)
{
	char *copy = g_strdup(value);
	char *field[5] = { NULL };
	size_t len = strlen(copy), n = 0;

	for (char *p = copy; n < 4 && *p;) {
		p += strspn(p, " \t");
		if (!*p)
			break;
		field[n++] = p;
		p += strcspn(p, " \t");
		if (*p)
			*p++ = '\0';
	}
	int r = parse_fields(field, ret, reterr);
	explicit_bzero(copy, len);
	g_free(copy);
	return r;
}

char *mcu_sdp_crypto_write(const McuSdpCrypto *crypto)
{
	char *key = g_base64_encode(crypto->key.bytes, mcu_srtp_suite_key_len(crypto->key.suite));
	char *line = g_strdup_printf("%u %s inline:%s", crypto->tag,
				     mcu_srtp_suite_name(crypto->key.suite), key);

	explicit_bzero(key, strlen(key));
	g_free(key);
	return line;
}
