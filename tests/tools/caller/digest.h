/* Answers to digest challenges (RFC 7616): MD5 or SHA-256, qop=auth or none. Pure.
 * INTEROP: sofia-sip gives up when any of several challenges is not MD5, so it is done here.
 */
#pragma once
#include <stdbool.h>

typedef struct McuDigestChallenge {
	const char *realm, *nonce, *opaque, *algorithm, *qop; /* unquoted; NULL = absent */
} McuDigestChallenge;

/** Value of an Authorization header. NULL when the algorithm or qop is not known.
 * Owns: caller frees.
 */
char *mcu_digest_answer(const McuDigestChallenge *challenge, const char *method, const char *uri,
			const char *user, const char *password);
