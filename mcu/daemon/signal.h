/* What a leg needs from its signalling protocol. One table per protocol (sip_glue.c); tests bring
 * their own. A `session` is the protocol's; ownership is as in sip/ua.h. Thread: main.
 */
#pragma once
#include "base/err.h"

typedef struct McuSignal {
	/** What may be dialled, before anything is started. Errors: -EINVAL. */
	int (*check_uri)(void *data, const char *uri, McuDiag *reterr);
	/** Numeric address of ours that `uri` would reach. Owns: caller. */
	char *(*local_address)(void *data, const char *uri);
	int (*dial)(void *data, const char *uri, const char *from, const char *sdp, void *owner,
		    void **ret_session, McuDiag *reterr);
	void (*set_owner)(void *session, void *owner);
	void (*answer)(void *session, const char *sdp);
	void (*refuse)(void *session, unsigned status, const char *text);
	void (*offer)(void *session, const char *sdp);
	unsigned (*glare_delay_ms)(void *session);
	void (*request_keyframe)(void *session);
	void (*hangup)(void *session, unsigned status, const char *text);
} McuSignal;
