/* Digest answers of the caller. */
#include <glib.h>
#include <string.h>

#include "../tools/caller/digest.h"

/* RFC 2617's example without qop (RFC 2069 form), whose response is fixed by its inputs. */
static void test_without_qop(void)
{
	const McuDigestChallenge c = { .realm = "testrealm@host.com",
				       .nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093",
				       .opaque = "5ccc069c403ebaf9f0171e9517f40e41" };
	g_autofree char *answer =
		mcu_digest_answer(&c, "GET", "/dir/index.html", "Mufasa", "Circle Of Life");

	g_assert_nonnull(strstr(answer, "response=\"670fd8c2df070c60b045671b8b24ff02\""));
	g_assert_nonnull(strstr(answer, "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
	g_assert_null(strstr(answer, "qop"));
}

static void test_choice(void)
{
	McuDigestChallenge c = { .realm = "r", .nonce = "n", .qop = "auth-int, auth" };
	g_autofree char *md5 = mcu_digest_answer(&c, "INVITE", "sip:a@b", "u", "p");
	g_autofree char *sha = NULL;

	g_assert_nonnull(strstr(md5, "qop=auth, nc=00000001, cnonce="));
	c.algorithm = "SHA-256";
	sha = mcu_digest_answer(&c, "INVITE", "sip:a@b", "u", "p");
	g_assert_cmpuint(strlen(strstr(sha, "response=\"")), >, 64);
	c.algorithm = "SHA-512-256";
	g_assert_null(mcu_digest_answer(&c, "INVITE", "sip:a@b", "u", "p"));
	c.algorithm = NULL;
	c.qop = "auth-int";
	g_assert_null(mcu_digest_answer(&c, "INVITE", "sip:a@b", "u", "p"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/caller/digest/without-qop", test_without_qop);
	g_test_add_func("/caller/digest/choice", test_choice);
	return g_test_run();
}
