/* Inside of sip/: agents (one nua per address), sessions (one per dialog), text out of messages. */
#pragma once

typedef struct McuSipAgent McuSipAgent;
typedef struct McuSipSession McuSipSession;
#define NUA_MAGIC_T  McuSipAgent
#define NUA_HMAGIC_T McuSipSession

/* clang-format off */
#include <sofia-sip/su_wait.h>
#include <sofia-sip/nua.h>
/* clang-format on */
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>

#include "conf/conf.h"
#include "sip/digest.h"
#include "sip/ua.h"

#define MCU_SIP_SERVER_NAME "Tessera/" MCU_VERSION
#define MCU_SIP_ALLOW       "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO"
#define MCU_SIP_RETRY_S     "10"
/** Share of the session interval after which we refresh by re-INVITE: before the stack's own
 * UPDATE, which comes at half of it. */
#define MCU_SIP_REFRESH_PERCENT 40
/** Longest a handle may linger after we have hung up: 64*T1 and a little. */
#define MCU_SIP_LINGER_S 34

struct McuSipAgent {
	McuSip *sip;
	nua_t *nua;
	char *host; /* as configured, without brackets */
	unsigned port;
	bool udp, tcp, ipv6;
	bool down; /* nua_shutdown() completed */
};

struct McuSip {
	const McuSipEvents *events;
	void *data;
	su_root_t *root;
	GSource *source;
	GPtrArray *agents;   /* McuSipAgent */
	GPtrArray *sessions; /* McuSipSession */
	McuDigest *digest;
	char *domain, *proxy, *auth_user, *auth_password;
	unsigned session_expires_s;
	bool stopping;
	void (*stopped)(void *data);
	void *stopped_data;
	guint stopped_idle;
	guint guard;
};

/* Which request of the peer waits for mcu_sip_answer() or _refuse(). */
typedef enum McuSipPending {
	MCU_SIP_PENDING_NONE = 1,
	MCU_SIP_PENDING_INVITE,
	MCU_SIP_PENDING_OTHER, /* UPDATE with an offer, in `saved` */
} McuSipPending;

struct McuSipSession {
	McuSipAgent *agent;
	nua_handle_t *nh;
	void *owner; /* NULL: hung up by us, lingers until the peer has confirmed */
	bool outbound;
	bool established; /* a 2xx to the first INVITE was sent or received */
	bool offered;     /* our offer is in a 2xx; the ACK brings the answer */
	bool reinviting;  /* our re-INVITE is open */
	McuSipPending pending;
	nua_saved_event_t saved[1];
	unsigned auth_tries;
	unsigned keyframes; /* INFO requests that are not answered yet */
	char *early_sdp;    /* answer in a provisional response */
	unsigned end_status;
	char *end_reason;
	guint linger, refresh;
};

/* --- guard.c --- */

/** Close TCP connections beyond MCU_MAX_SIP_CONNECTIONS*; sip->guard is the timer's source. */
void mcu_sip_guard_start(McuSip *sip);

/* --- listen.c --- */

/** An agent for every address of sip.listen. Errors: as mcu_sip_new(). */
int mcu_sip_listen(McuSip *sip, char *const *addresses, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_sip_agent_free(gpointer agent);

/* --- ua.c --- */

void mcu_sip_on_event(nua_event_t event, int status, char const *phrase, nua_t *nua,
		      McuSipAgent *agent, nua_handle_t *nh, McuSipSession *s, sip_t const *sip,
		      tagi_t tags[]);

/* --- session.c --- */

McuSipSession *mcu_sip_session_new(McuSipAgent *agent, nua_handle_t *nh, bool outbound);
void mcu_sip_session_free(McuSipSession *s);
void mcu_sip_session_event(McuSipSession *s, nua_event_t event, int status, const char *phrase,
			   const sip_t *sip, tagi_t *tags);

/** The session timer where the peer allows no UPDATE; `sip`: its request or 2xx with the terms. */
void mcu_sip_session_keep_fresh(McuSipSession *s, const sip_t *sip);

/* --- request.c --- */

/** INFO: keyframe requests and DTMF. Answers it. */
void mcu_sip_on_info(McuSipSession *s, const sip_t *sip);
/** The digit of a body of application/dtmf-relay or application/dtmf. */
bool mcu_sip_parse_dtmf(const char *body, char ret_digit[2], unsigned *ret_duration_ms);
void mcu_sip_respond_now(McuSipAgent *agent, nua_handle_t *nh, int status, const char *phrase);

/* --- text.c: everything returned is valid UTF-8, owned by the caller --- */

typedef enum McuSipBody {
	MCU_SIP_BODY_NONE = 1,
	MCU_SIP_BODY_SDP,
	MCU_SIP_BODY_OTHER,   /* some other content type */
	MCU_SIP_BODY_TOO_BIG, /* beyond MCU_MAX_SDP_BYTES */
	MCU_SIP_BODY_BAD,     /* holds a NUL */
} McuSipBody;

/** The SDP of a message, also within multipart/mixed; *ret_sdp only with MCU_SIP_BODY_SDP. */
McuSipBody mcu_sip_sdp(const sip_t *sip, char **ret_sdp);
/** Body as text, cut at `max` bytes; NULL when there is none. */
char *mcu_sip_body(const sip_t *sip, size_t max);
bool mcu_sip_content_is(const sip_t *sip, const char *type);
/** Percent-decoded user part; "" when there is none. */
char *mcu_sip_user(const url_t *url);
/** "sip:user@host:port" without parameters. */
char *mcu_sip_uri(const url_t *url);
/** What to call the sender: display name, user part or host; at most MCU_MAX_NAME_CHARS. */
char *mcu_sip_name(const sip_from_t *from);
/** Quotes off, control characters off, surrounding space off, cut. Also for reason phrases. */
char *mcu_sip_clean_name(const char *raw);
/** Text for the inside of a quoted string. */
char *mcu_sip_quotable(const char *text);
struct sockaddr;
/** NULL when it cannot be told. */
char *mcu_sip_numeric(const struct sockaddr *sa, unsigned len);
/** Numeric address of ours from which `host` (numeric or a name that is not looked up) is reached.
 */
char *mcu_sip_route_address(const char *host);
/** Numeric source address of the request that is being handled; NULL when unknown. */
char *mcu_sip_peer_address(nua_t *nua);
