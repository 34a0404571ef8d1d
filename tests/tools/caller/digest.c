#include "digest.h"

#include <glib.h>
#include <string.h>

static char *hash(GChecksumType type, const char *format, ...) G_GNUC_PRINTF(2, 3);

static char *hash(GChecksumType type, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	return g_compute_checksum_for_string(type, text, -1);
}

static bool choose(const char *algorithm, GChecksumType *ret)
{
	if (!algorithm || g_ascii_strcasecmp(algorithm, "MD5") == 0)
		*ret = G_CHECKSUM_MD5;
	else if (g_ascii_strcasecmp(algorithm, "SHA-256") == 0)
		*ret = G_CHECKSUM_SHA256;
	else
		return false;
	return true;
}

/* The list of qop values holds "auth". */
static bool offers_auth(const char *qop)
{
	g_auto(GStrv) values = g_strsplit_set(qop, ", ", -1);

	return g_strv_contains((const char *const *)values, "auth");
}

char *mcu_digest_answer(const McuDigestChallenge *c, const char *method, const char *uri,
			const char *user, const char *password)
{
	g_autofree char *a1 = NULL, *a2 = NULL, *response = NULL, *cnonce = NULL;
	GChecksumType type;
	GString *out;

	if (!c->realm || !c->nonce || !choose(c->algorithm, &type) ||
	    (c->qop && !offers_auth(c->qop)))
		return NULL;
	cnonce = g_strdup_printf("%08x%08x", g_random_int(), g_random_int());
	a1 = hash(type, "%s:%s:%s", user, c->realm, password);
	a2 = hash(type, "%s:%s", method, uri);
	response = c->qop ? hash(type, "%s:%s:00000001:%s:auth:%s", a1, c->nonce, cnonce, a2)
			  : hash(type, "%s:%s:%s", a1, c->nonce, a2);
	out = g_string_new("Digest ");
	g_string_append_printf(out,
			       "username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
			       "response=\"%s\"",
			       user, c->realm, c->nonce, uri, response);
	if (c->algorithm)
		g_string_append_printf(out, ", algorithm=%s", c->algorithm);
	if (c->opaque)
		g_string_append_printf(out, ", opaque=\"%s\"", c->opaque);
	if (c->qop)
		g_string_append_printf(out, ", qop=auth, nc=00000001, cnonce=\"%s\"", cnonce);
	return g_string_free(out, FALSE);
}
