/* Digest authentication, server side: challenges, and the check of what comes back. Pure but for
 * the random key. Source: RFC 3261 section 22, RFC 7616, RFC 8760 (MD5 and SHA-256, qop=auth).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

#include "base/err.h"

/** How long a nonce may be used; afterwards the answer is stale=true. */
#define MCU_DIGEST_NONCE_LIFE_S 120
/** Nonces whose counts are remembered against replay; the oldest are forgotten by expiring. */
#define MCU_MAX_DIGEST_NONCES 8192

typedef struct McuDigest McuDigest;

McuDigest *mcu_digest_new(const char *realm);
void mcu_digest_free(McuDigest *d);

/** Users as (name, password) pairs replace those known. Owns: copies. */
void mcu_digest_clear_users(McuDigest *d);
void mcu_digest_add_user(McuDigest *d, const char *name, const char *password);
bool mcu_digest_has_users(const McuDigest *d);

/** Value of a WWW-Authenticate header. Owns: caller. */
char *mcu_digest_challenge(McuDigest *d, GChecksumType algorithm, bool stale, int64_t now_s);

/** Check the parameters of an Authorization header ("name=value", values quoted or not;
 * NULL-terminated). `body` is not covered (auth-int is not offered).
 * 0; -EACCES wrong or foreign credentials; -EAGAIN right user and password on an old nonce:
 * challenge with stale=true; -EINVAL malformed.
 */
int mcu_digest_check(McuDigest *d, const char *method, const char *const *params,
		     int64_t now_s) MCU_WARN_UNUSED;

typedef struct McuDigestInput {
	GChecksumType algorithm;
	bool session; /* the algorithm's "-sess" variant */
	const char *user, *realm, *password, *nonce, *method, *uri;
	const char *cnonce, *nc, *qop; /* qop NULL: as RFC 2069 */
} McuDigestInput;

/** The request-digest, in hexadecimal. Owns: caller. */
char *mcu_digest_response(const McuDigestInput *in);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuDigest, mcu_digest_free)
