#include <string.h>

#include "sip/digest.h"

#define NOW 1000000

static void test_rfc7616(void)
{
	McuDigestInput in = {
		.algorithm = G_CHECKSUM_MD5,
		.user = "Mufasa",
		.realm = "http-auth@example.org",
		.password = "Circle of Life",
		.nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		.method = "GET",
		.uri = "/dir/index.html",
		.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
		.nc = "00000001",
		.qop = "auth",
	};
	g_autofree char *md5 = mcu_digest_response(&in), *sha = NULL;

	g_assert_cmpstr(md5, ==, "8ca523f5e9506fed4657c9700eebdbec");
	in.algorithm = G_CHECKSUM_SHA256;
	sha = mcu_digest_response(&in);
	g_assert_cmpstr(sha, ==,
			"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

static void test_rfc2617(void)
{
	McuDigestInput in = {
		.algorithm = G_CHECKSUM_MD5,
		.user = "Mufasa",
		.realm = "testrealm@host.com",
		.password = "Circle Of Life",
		.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093",
		.method = "GET",
		.uri = "/dir/index.html",
		.cnonce = "0a4f113b",
		.nc = "00000001",
		.qop = "auth",
	};
	g_autofree char *r = mcu_digest_response(&in);

	g_assert_cmpstr(r, ==, "6629fae49393a05397450978507c4ef1");
}

/* What a client makes of a challenge. */
typedef struct Client {
	GChecksumType algorithm;
	const char *user, *password, *realm, *nc, *qop;
} Client;

static char *nonce_of(const char *challenge)
{
	const char *p = strstr(challenge, "nonce=\"");

	g_assert_nonnull(p);
	p += strlen("nonce=\"");
	return g_strndup(p, strcspn(p, "\""));
}

static int try_auth(McuDigest *d, const char *nonce, const Client *c, int64_t now_s)
{
	McuDigestInput in = { .algorithm = c->algorithm,
			      .user = c->user,
			      .realm = c->realm,
			      .password = c->password,
			      .nonce = nonce,
			      .method = "INVITE",
			      .uri = "sip:meeting@example.org",
			      .cnonce = "c",
			      .nc = c->nc,
			      .qop = c->qop };
	g_autofree char *response = mcu_digest_response(&in);
	g_autoptr(GPtrArray) p = g_ptr_array_new_with_free_func(g_free);
	const char *name = c->algorithm == G_CHECKSUM_MD5 ? "MD5" : "SHA-256";

	g_ptr_array_add(p, g_strdup_printf("username=\"%s\"", c->user));
	g_ptr_array_add(p, g_strdup_printf("realm=\"%s\"", c->realm));
	g_ptr_array_add(p, g_strdup_printf("nonce=\"%s\"", nonce));
	g_ptr_array_add(p, g_strdup("uri=\"sip:meeting@example.org\""));
	g_ptr_array_add(p, g_strdup_printf("response=\"%s\"", response));
	g_ptr_array_add(p, g_strdup_printf("algorithm=%s", name));
	if (c->qop) {
		g_ptr_array_add(p, g_strdup_printf("qop=%s", c->qop));
		g_ptr_array_add(p, g_strdup_printf("nc=%s", c->nc));
		g_ptr_array_add(p, g_strdup("cnonce=\"c\""));
	}
	g_ptr_array_add(p, NULL);
	return mcu_digest_check(d, "INVITE", (const char *const *)p->pdata, now_s);
}

static void test_check(void)
{
	g_autoptr(McuDigest) d = mcu_digest_new("tessera");
	g_autoptr(McuDigest) stranger = mcu_digest_new("tessera");
	g_autofree char *challenge = NULL, *nonce = NULL, *foreign = NULL, *other = NULL;
	Client c = { G_CHECKSUM_SHA256, "alice", "secret", "tessera", "00000001", "auth" };

	g_assert_false(mcu_digest_has_users(d));
	mcu_digest_add_user(d, "alice", "secret");
	g_assert_true(mcu_digest_has_users(d));
	challenge = mcu_digest_challenge(d, G_CHECKSUM_SHA256, false, NOW);
	g_assert_null(strstr(challenge, "stale"));
	nonce = nonce_of(challenge);

	g_assert_cmpint(try_auth(d, nonce, &c, NOW + 1), ==, 0);
	/* a replay is no authentication, a higher count is */
	g_assert_cmpint(try_auth(d, nonce, &c, NOW + 1), ==, -EAGAIN);
	c.nc = "00000002";
	g_assert_cmpint(try_auth(d, nonce, &c, NOW + 1), ==, 0);
	c.algorithm = G_CHECKSUM_MD5;
	c.nc = "00000003";
	g_assert_cmpint(try_auth(d, nonce, &c, NOW + 1), ==, 0);
	/* old nonces are stale, foreign ones too */
	c.nc = "00000004";
	g_assert_cmpint(try_auth(d, nonce, &c, NOW + MCU_DIGEST_NONCE_LIFE_S + 1), ==, -EAGAIN);
	foreign = mcu_digest_challenge(stranger, G_CHECKSUM_MD5, false, NOW);
	other = nonce_of(foreign);
	g_assert_cmpint(try_auth(d, other, &c, NOW + 1), ==, -EAGAIN);
	c.password = "wrong";
	g_assert_cmpint(try_auth(d, nonce, &c, NOW + 1), ==, -EACCES);
	c.password = "secret";
	c.user = "mallory";
	g_assert_cmpint(try_auth(d, nonce, &c, NOW + 1), ==, -EACCES);
	c.user = "alice";
	c.realm = "elsewhere";
	g_assert_cmpint(try_auth(d, nonce, &c, NOW + 1), ==, -EACCES);
	c.realm = "tessera";
	c.qop = "auth-int";
	g_assert_cmpint(try_auth(d, nonce, &c, NOW + 1), ==, -EACCES);
	mcu_digest_clear_users(d);
	c.qop = "auth";
	g_assert_cmpint(try_auth(d, nonce, &c, NOW + 1), ==, -EACCES);
}

static void test_malformed(void)
{
	g_autoptr(McuDigest) d = mcu_digest_new("tessera");
	const char *const incomplete[] = { "username=\"a\"", "realm=\"tessera\"", NULL };
	const char *const odd[] = { "username=\"", "realm=\"\\",    "nonce=--",
				    "uri=x",       "response=\"\"", NULL };
	const char *const unknown[] = { "username=a", "realm=tessera",         "nonce=x", "uri=x",
					"response=x", "algorithm=SHA-512-256", NULL };

	mcu_digest_add_user(d, "a", "b");
	g_assert_cmpint(mcu_digest_check(d, "INVITE", NULL, NOW), ==, -EINVAL);
	g_assert_cmpint(mcu_digest_check(d, "INVITE", incomplete, NOW), ==, -EINVAL);
	g_assert_cmpint(mcu_digest_check(d, "INVITE", odd, NOW), ==, -EACCES);
	g_assert_cmpint(mcu_digest_check(d, "INVITE", unknown, NOW), ==, -EACCES);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sip/digest/rfc7616-3.9.1", test_rfc7616);
	g_test_add_func("/sip/digest/rfc2617-3.5", test_rfc2617);
	g_test_add_func("/sip/digest/check", test_check);
	g_test_add_func("/sip/digest/malformed", test_malformed);
	return g_test_run();
}
