/* SIP user agent (sofia-sip): dialogs in and out, with opaque SDP. Knows neither calls nor workers:
 * whoever owns a session decides. Not here: what an offer means (the worker), who is in which call
 * (daemon/). Thread: main, for everything.
 *
 *   network <-> nua <-> McuSipSession --events--> owner (daemon/leg.c)
 *                                     <--verbs---
 *
 * Requests are admitted (address, rate, digest) before a session exists.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"

/** Dialogs handled at a time; further INVITEs get 503. */
#define MCU_MAX_SIP_SESSIONS 2048
/** TCP connections that peers hold, and those of one address; what is beyond is closed. */
#define MCU_MAX_SIP_CONNECTIONS          1024
#define MCU_MAX_SIP_CONNECTIONS_PER_PEER 128
/** A longer SDP body gets 413. */
#define MCU_MAX_SDP_BYTES 32768
/** Display names are cut to this many characters. */
#define MCU_MAX_NAME_CHARS 64

typedef struct McuSip McuSip;
/* One dialog. Its owner holds it from `incoming` or mcu_sip_dial() until `ended` has been called or
 * until mcu_sip_hangup(), whichever comes first. */
typedef struct McuSipSession McuSipSession;

/* All strings are borrowed, UTF-8, never NULL unless stated. */
typedef struct McuSipIncoming {
	const char *user;          /* user part of the Request-URI; "" when it has none */
	const char *name;          /* display name of From, else its user part, else its host */
	const char *uri;           /* From without parameters */
	const char *sdp;           /* NULL: the peer wants us to offer */
	const char *local_address; /* numeric address the peer can reach us at */
	const char *peer_address;
} McuSipIncoming;

typedef struct McuSipEvents {
	/** May this source send the request (INVITE or OPTIONS out of a dialog)?
	 * 0, -EACCES (403) or -EBUSY (503, too many requests). */
	int (*admit)(void *data, const char *peer_address);
	/** A new dialog. The receiver binds its owner with mcu_sip_set_owner() or hangs up, at
	 * once. */
	void (*incoming)(void *data, McuSipSession *s, const McuSipIncoming *in);

	/* the rest: `owner` is what is bound to the session */

	/** The peer (re-)offers; sdp NULL: it asks for an offer. Reply by mcu_sip_answer() or
	 * mcu_sip_refuse(). */
	void (*offer)(void *owner, const char *sdp);
	/** The peer's answer to our offer. */
	void (*answer)(void *owner, const char *sdp);
	/** The peer's ACK of our 200; not called when it carried an answer. */
	void (*acked)(void *owner);
	void (*ringing)(void *owner);
	/** Our re-INVITE was refused; the dialog goes on. status 491: glare. */
	void (*refused)(void *owner, unsigned status, const char *phrase);
	/** The dialog is over; the session is no longer the owner's. */
	void (*ended)(void *owner, unsigned status, const char *reason);
	/** The session timer wants a re-INVITE (the peer allows no UPDATE): offer again. */
	void (*refresh)(void *owner);
	/** INFO picture_fast_update. */
	void (*keyframe)(void *owner);
	/** One digit by INFO; duration 0 = not told. */
	void (*dtmf)(void *owner, const char *digit, unsigned duration_ms);
} McuSipEvents;

/** Listen on every address of conf->sip.listen. Errors: -EINVAL a bad address, -EIO it cannot be
 * bound.   Owns: borrows `events`; the configuration is copied.
 */
int mcu_sip_new(const McuConf *conf, const McuSipEvents *events, void *data, McuSip **ret,
		McuDiag *reterr) MCU_WARN_UNUSED;

/** Users, proxy, client credentials and session timer from a reloaded configuration; listeners
 * stay. */
void mcu_sip_reconfigure(McuSip *sip, const McuConf *conf);

/** BYE and CANCEL everywhere; `done` when all is answered. Sessions end without events. */
void mcu_sip_shutdown(McuSip *sip, void (*done)(void *data), void *data);

/** After mcu_sip_shutdown(). NULL is allowed. */
void mcu_sip_free(McuSip *sip);

void mcu_sip_set_owner(McuSipSession *s, void *owner);

typedef struct McuSipDial {
	const char *uri;  /* "sip:user@host[:port][;transport=tcp]" */
	const char *from; /* user part of our From: the call */
	const char *name; /* our display name */
	const char *sdp;  /* our offer */
} McuSipDial;

/** 0, or -EINVAL with what is wrong about the URI. */
int mcu_sip_check_uri(const char *uri, McuDiag *reterr) MCU_WARN_UNUSED;

/** Numeric address of ours that `uri` (or the proxy) would reach. Owns: caller. */
char *mcu_sip_local_address(McuSip *sip, const char *uri) MCU_WARN_UNUSED;

/** INVITE. Later: `ringing`, then `answer` or `ended`. Errors: -EINVAL, -EOVERFLOW. */
int mcu_sip_dial(McuSip *sip, const McuSipDial *dial, void *owner, McuSipSession **ret,
		 McuDiag *reterr) MCU_WARN_UNUSED;

/** 200 with our answer, or with our offer where the peer asked for one (then `answer` follows). */
void mcu_sip_answer(McuSipSession *s, const char *sdp);

/** Refuse what the peer re-offered; the dialog goes on. Statuses 500 and 503 carry Retry-After. */
void mcu_sip_refuse(McuSipSession *s, unsigned status, const char *text);

/** re-INVITE with our offer. Later: `answer` or `refused`. Legal once established. */
void mcu_sip_offer(McuSipSession *s, const char *sdp);

/** After `refused` with 491: how long to wait before the next try.
 * Source: RFC 3261 section 14.1. */
unsigned mcu_sip_glare_delay_ms(const McuSipSession *s);

/** INFO picture_fast_update. Source: RFC 5168. */
void mcu_sip_request_keyframe(McuSipSession *s);

/** End the dialog in whatever state it is: `status` (and Warning `text`) to an INVITE that is not
 * yet answered, CANCEL or BYE otherwise. The session is no longer the owner's; no event follows.
 */
void mcu_sip_hangup(McuSipSession *s, unsigned status, const char *text);
