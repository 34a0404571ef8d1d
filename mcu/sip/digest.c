#include "sip/digest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>

#define KEY_BYTES 32

struct McuDigest {
	char *realm;
	GHashTable *users;  /* name -> password */
	GHashTable *counts; /* nonce -> Count */
	uint8_t key[KEY_BYTES];
};

typedef struct Count {
	uint32_t nc; /* highest seen */
	int64_t made_s;
} Count;

McuDigest *mcu_digest_new(const char *realm)
{
	McuDigest *d = g_new0(McuDigest, 1);

	d->realm = g_strdup(realm);
	d->users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	d->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (getrandom(d->key, KEY_BYTES, 0) != KEY_BYTES)
		g_error("no random numbers: %s", g_strerror(errno));
	return d;
}

void mcu_digest_free(McuDigest *d)
{
	if (!d)
		return;
	g_hash_table_unref(d->users);
	g_hash_table_unref(d->counts);
	g_free(d->realm);
	g_free(d);
}

void mcu_digest_clear_users(McuDigest *d)
{
	g_hash_table_remove_all(d->users);
}

void mcu_digest_add_user(McuDigest *d, const char *name, const char *password)
{
	g_hash_table_replace(d->users, g_strdup(name), g_strdup(password));
}

bool mcu_digest_has_users(const McuDigest *d)
{
	return g_hash_table_size(d->users) > 0;
}

static char *hex_mac(const McuDigest *d, const char *text)
{
	return g_compute_hmac_for_string(G_CHECKSUM_SHA256, d->key, KEY_BYTES, text, -1);
}

/* "<seconds>-<random>-<mac>": nothing is remembered until it is used. */
static char *nonce_new(const McuDigest *d, int64_t now_s)
{
	g_autofree char *head =
		g_strdup_printf("%" PRIx64 "-%08x", (uint64_t)now_s, g_random_int());
	g_autofree char *mac = hex_mac(d, head);

	return g_strdup_printf("%s-%.32s", head, mac);
}

static bool equal_secret(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned diff = 0;

	if (strlen(b) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)(a[i] ^ b[i]);
	return diff == 0;
}

/* 0 and when it was made, or -EACCES when it is not ours. */
static int nonce_check(const McuDigest *d, const char *nonce, int64_t *ret_made_s)
{
	const char *dash = strrchr(nonce, '-');
	g_autofree char *head = dash ? g_strndup(nonce, (size_t)(dash - nonce)) : NULL;
	g_autofree char *mac = head ? hex_mac(d, head) : NULL;

	if (!mac)
		return -EACCES;
	mac[32] = '\0';
	if (!equal_secret(mac, dash + 1))
		return -EACCES;
	*ret_made_s = (int64_t)g_ascii_strtoull(head, NULL, 16);
	return 0;
}

static const char *algorithm_name(GChecksumType algorithm)
{
	return algorithm == G_CHECKSUM_SHA256 ? "SHA-256" : "MD5";
}

char *mcu_digest_challenge(McuDigest *d, GChecksumType algorithm, bool stale, int64_t now_s)
{
	g_autofree char *nonce = nonce_new(d, now_s);

	return g_strdup_printf("Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"auth\"%s",
			       d->realm, nonce, algorithm_name(algorithm),
			       stale ? ", stale=true" : "");
}

static char *hash(GChecksumType algorithm, const char *fmt, ...) MCU_PRINTF(2, 3);

static char *hash(GChecksumType algorithm, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	return g_compute_checksum_for_string(algorithm, text, -1);
}

char *mcu_digest_response(const McuDigestInput *in)
{
	g_autofree char *a1 = hash(in->algorithm, "%s:%s:%s", in->user, in->realm, in->password);
	g_autofree char *a2 = hash(in->algorithm, "%s:%s", in->method, in->uri);

	if (in->session) {
		char *sess = hash(in->algorithm, "%s:%s:%s", a1, in->nonce,
				  in->cnonce ? in->cnonce : "");

		g_free(a1);
		a1 = sess;
	}
	if (!in->qop)
		return hash(in->algorithm, "%s:%s:%s", a1, in->nonce, a2);
	return hash(in->algorithm, "%s:%s:%s:%s:%s:%s", a1, in->nonce, in->nc, in->cnonce, in->qop,
		    a2);
}

/* --- the Authorization header --- */

static char *unquote(const char *value)
{
	g_autoptr(GString) s = g_string_new(NULL);
	size_t n = strlen(value);

	if (n < 2 || value[0] != '"' || value[n - 1] != '"')
		return g_strdup(value);
	for (size_t i = 1; i < n - 1; i++) {
		if (value[i] == '\\' && i + 1 < n - 1)
			i++;
		g_string_append_c(s, value[i]);
	}
	return g_string_free(g_steal_pointer(&s), FALSE);
}

/* Value of the parameter, unquoted, or NULL. Owns: caller. */
static char *param(const char *const *params, const char *name)
{
	size_t n = strlen(name);

	for (; params && *params; params++)
		if (g_ascii_strncasecmp(*params, name, n) == 0 && (*params)[n] == '=')
			return unquote(*params + n + 1);
	return NULL;
}

static int parse_algorithm(const char *name, GChecksumType *ret, bool *ret_session)
{
	*ret_session = name && g_str_has_suffix(name, "-sess");
	if (!name || g_ascii_strncasecmp(name, "MD5", 3) == 0)
		*ret = G_CHECKSUM_MD5;
	else if (g_ascii_strncasecmp(name, "SHA-256", 7) == 0 && name[7] != '-')
		*ret = G_CHECKSUM_SHA256;
	else if (g_ascii_strcasecmp(name, "SHA-256-sess") == 0)
		*ret = G_CHECKSUM_SHA256;
	else
		return -EACCES;
	return 0;
}

static gboolean is_expired(gpointer key, gpointer value, gpointer now_s)
{
	(void)key;
	return *(int64_t *)now_s - ((Count *)value)->made_s > MCU_DIGEST_NONCE_LIFE_S;
}

/* -EAGAIN when the count was seen before: a replay, or a client that does not count. */
static int count_check(McuDigest *d, const char *nonce, const char *nc, int64_t made_s,
		       int64_t now_s)
{
	uint32_t n = nc ? (uint32_t)g_ascii_strtoull(nc, NULL, 16) : 1;
	Count *c = g_hash_table_lookup(d->counts, nonce);

	if (c) {
		if (n <= c->nc)
			return -EAGAIN;
		c->nc = n;
		return 0;
	}
	if (g_hash_table_size(d->counts) >= MCU_MAX_DIGEST_NONCES)
		g_hash_table_foreach_remove(d->counts, is_expired, &now_s);
	if (g_hash_table_size(d->counts) >= MCU_MAX_DIGEST_NONCES)
		return -EAGAIN;
	c = g_new(Count, 1);
	*c = (Count){ .nc = n, .made_s = made_s };
	g_hash_table_insert(d->counts, g_strdup(nonce), c);
	return 0;
}

int mcu_digest_check(McuDigest *d, const char *method, const char *const *params, int64_t now_s)
{
	g_autofree char *user = param(params, "username"), *realm = param(params, "realm");
	g_autofree char *nonce = param(params, "nonce"), *uri = param(params, "uri");
	g_autofree char *response = param(params, "response"), *qop = param(params, "qop");
	g_autofree char *cnonce = param(params, "cnonce"), *nc = param(params, "nc");
	g_autofree char *algorithm = param(params, "algorithm"), *expected = NULL;
	McuDigestInput in = { .user = user,
			      .realm = d->realm,
			      .nonce = nonce,
			      .method = method,
			      .uri = uri,
			      .cnonce = cnonce,
			      .nc = nc,
			      .qop = qop };
	int64_t made_s;
	int r;

	if (!user || !realm || !nonce || !uri || !response || (qop && (!cnonce || !nc)))
		return -EINVAL;
	r = parse_algorithm(algorithm, &in.algorithm, &in.session);
	if (r < 0)
		return r;
	in.password = g_hash_table_lookup(d->users, user);
	if (!in.password || strcmp(realm, d->realm) != 0 || (qop && strcmp(qop, "auth") != 0))
		return -EACCES;
	expected = mcu_digest_response(&in);
	if (!equal_secret(expected, response))
		return -EACCES;
	r = nonce_check(d, nonce, &made_s);
	if (r < 0 || now_s - made_s > MCU_DIGEST_NONCE_LIFE_S)
		return -EAGAIN;
	return count_check(d, nonce, nc, made_s, now_s);
}
