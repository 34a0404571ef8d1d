#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NUA_MAGIC_T  struct McuPhone
#define NUA_HMAGIC_T struct McuPhone

#include <sofia-sip/nua.h>
#include <sofia-sip/sip_protos.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_glib.h>
#include <sofia-sip/su_log.h>

#include "base/clock.h"
#include "digest.h"
#include "phone.h"

#define BIND_TRIES   8
#define BYE_WAIT_MS  2000
#define SDP_TYPE     "application/sdp"
#define CONTROL_TYPE "application/media_control+xml"
#define FAST_UPDATE                                                                                \
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<media_control><vc_primitive><to_encoder>"  \
	"<picture_fast_update/></to_encoder></vc_primitive></media_control>\r\n"

typedef enum Pending {
	PENDING_NONE = 1,
	PENDING_ANSWER,        /* our offer is in an INVITE */
	PENDING_OFFER,         /* our INVITE had none: it comes with the 200 */
	PENDING_ANSWER_IN_ACK, /* our offer is in a 200 */
} Pending;

struct McuPhone {
	const McuCallerOptions *options;
	McuReport *report;
	McuPhoneHandler handler;
	void *data;
	McuMedia *media;
	char address[64];
	unsigned port;

	su_root_t *root;
	nua_t *nua;
	nua_handle_t *call;
	Pending pending;
	bool up, ended, hanging_up, shut_down, want_hold;
	char *to, *from;   /* of our call */
	char *credentials; /* answer to the challenge we got */
	bool proxy_credentials;
	guint bye_timer, glare_timer;
};

const char *mcu_phone_end_name(McuPhoneEnd end)
{
	static const char *const names[] = { [MCU_PHONE_END_SELF] = "self",
					     [MCU_PHONE_END_PEER] = "peer",
					     [MCU_PHONE_END_REFUSED] = "refused",
					     [MCU_PHONE_END_FAILED] = "failed" };

	return end < G_N_ELEMENTS(names) && names[end] ? names[end] : "unknown";
}

static void end(McuPhone *p, McuPhoneEnd how, int status, const char *reason)
{
	if (p->ended)
		return;
	p->ended = true;
	g_clear_handle_id(&p->bye_timer, g_source_remove);
	g_clear_handle_id(&p->glare_timer, g_source_remove);
	mcu_report_log(p->report, "ended", status, reason);
	p->handler.on_ended(p->data, how, status, reason);
}

static gboolean on_bye_timeout(gpointer data)
{
	McuPhone *p = data;

	p->bye_timer = 0;
	end(p, p->up ? MCU_PHONE_END_SELF : MCU_PHONE_END_REFUSED, 0, "no answer to BYE or CANCEL");
	return G_SOURCE_REMOVE;
}

void mcu_phone_hang_up(McuPhone *p)
{
	if (p->ended || p->hanging_up)
		return;
	p->hanging_up = true;
	mcu_media_stop(p->media, true);
	if (!p->call) {
		end(p, MCU_PHONE_END_SELF, 0, "nobody called");
		return;
	}
	mcu_report_log(p->report, p->up ? "bye" : "cancel", 0, NULL);
	if (p->up)
		nua_bye(p->call, TAG_END());
	else
		nua_cancel(p->call, TAG_END());
	p->bye_timer = g_timeout_add(BYE_WAIT_MS, on_bye_timeout, p);
}

/* What we cannot go on with: tell the peer, and end. */
static void fail(McuPhone *p, const McuDiag *diag)
{
	mcu_report_log(p->report, "failed", 0, diag->text);
	if (p->call)
		nua_bye(p->call, TAG_END());
	end(p, MCU_PHONE_END_FAILED, 0, diag->text);
}

static void came_up(McuPhone *p)
{
	if (p->up)
		return;
	p->up = true;
	mcu_report_log(p->report, "up", 0, NULL);
	p->handler.on_up(p->data);
}

static const char *payload_of(const sip_t *sip, size_t *ret_len)
{
	if (!sip || !sip->sip_payload || !sip->sip_payload->pl_len)
		return NULL;
	*ret_len = sip->sip_payload->pl_len;
	return sip->sip_payload->pl_data;
}

/* --- our INVITEs --- */

static void new_call(McuPhone *p)
{
	p->call = nua_handle(p->nua, p, NUTAG_URL(p->to), SIPTAG_TO_STR(p->options->to),
			     SIPTAG_FROM_STR(p->from), TAG_END());
}

static void invite(McuPhone *p, bool with_offer, bool hold)
{
	g_autofree char *offer = NULL;
	McuDiag diag = { 0 };

	if (with_offer && mcu_media_offer(p->media, hold, &offer, &diag) < 0) {
		fail(p, &diag);
		return;
	}
	p->pending = with_offer ? PENDING_ANSWER : PENDING_OFFER;
	mcu_report_log(p->report, p->up ? (hold ? "hold" : "resume") : "invite", 0, NULL);
	nua_invite(p->call, NUTAG_AUTOACK(0), NUTAG_MEDIA_ENABLE(0),
		   TAG_IF(p->credentials && !p->proxy_credentials,
			  SIPTAG_AUTHORIZATION_STR(p->credentials)),
		   TAG_IF(p->credentials && p->proxy_credentials,
			  SIPTAG_PROXY_AUTHORIZATION_STR(p->credentials)),
		   TAG_IF(offer, SIPTAG_CONTENT_TYPE_STR(SDP_TYPE)),
		   TAG_IF(offer, SIPTAG_PAYLOAD_STR(offer)), TAG_END());
}

static gboolean on_glare_over(gpointer data)
{
	McuPhone *p = data;

	p->glare_timer = 0;
	invite(p, true, p->want_hold);
	return G_SOURCE_REMOVE;
}

void mcu_phone_hold(McuPhone *p, bool hold)
{
	p->want_hold = hold;
	if (p->up && !p->ended && !p->hanging_up && !p->glare_timer)
		invite(p, true, hold);
}

static char *parameter(const msg_auth_t *challenge, const char *name)
{
	const char *value = msg_params_find(challenge->au_params, name);
	char *copy = value ? g_strdup(value) : NULL;
	size_t len = copy ? strlen(copy) : 0;

	if (len >= 2 && copy[0] == '"') {
		copy[len - 1] = '\0';
		memmove(copy, copy + 1, len - 1);
	}
	return copy;
}

static char *answer_challenge(const McuPhone *p, const msg_auth_t *challenge)
{
	g_autofree char *realm = parameter(challenge, "realm=");
	g_autofree char *nonce = parameter(challenge, "nonce=");
	g_autofree char *opaque = parameter(challenge, "opaque=");
	g_autofree char *algorithm = parameter(challenge, "algorithm=");
	g_autofree char *qop = parameter(challenge, "qop=");
	const McuDigestChallenge digest = { realm, nonce, opaque, algorithm, qop };

	return mcu_digest_answer(&digest, "INVITE", p->to, p->options->user,
				 p->options->password ? p->options->password : "");
}

/* Call again with credentials, for the first challenge that can be answered. */
static bool authenticate(McuPhone *p, const sip_t *sip)
{
	bool proxy = !sip->sip_www_authenticate;
	const msg_auth_t *challenge =
		proxy ? sip->sip_proxy_authenticate : sip->sip_www_authenticate;

	if (!p->options->user || p->credentials)
		return false;
	for (; challenge && !p->credentials; challenge = challenge->au_next)
		p->credentials = answer_challenge(p, challenge);
	if (!p->credentials)
		return false;
	p->proxy_credentials = proxy;
	mcu_media_rollback(p->media);
	nua_handle_destroy(p->call);
	new_call(p);
	invite(p, !p->options->no_offer, false);
	return true;
}

static void refused(McuPhone *p, int status, const char *phrase)
{
	p->pending = PENDING_NONE;
	if (!p->up) {
		end(p, MCU_PHONE_END_REFUSED, status, phrase);
		return;
	}
	mcu_media_rollback(p->media);
	if (status == 491 && !p->glare_timer) /* RFC 3261 section 14.1: we own the Call-ID */
		p->glare_timer =
			g_timeout_add((guint)g_random_int_range(2100, 4000), on_glare_over, p);
	else if (status == 408 || status == 481)
		end(p, MCU_PHONE_END_PEER, status, phrase);
}

static void accepted(McuPhone *p, const sip_t *sip)
{
	g_autofree char *answer = NULL;
	size_t len = 0;
	const char *sdp = payload_of(sip, &len);
	McuDiag diag = { .text = "the 200 has no SDP" };
	Pending pending = p->pending;
	int r = -EPROTO;

	p->pending = PENDING_NONE;
	if (pending == PENDING_OFFER && sdp)
		r = mcu_media_answer(p->media, sdp, len, &answer, &diag);
	else if (pending == PENDING_ANSWER && sdp)
		r = mcu_media_take_answer(p->media, sdp, len, &diag);
	nua_ack(p->call, TAG_IF(answer, SIPTAG_CONTENT_TYPE_STR(SDP_TYPE)),
		TAG_IF(answer, SIPTAG_PAYLOAD_STR(answer)), TAG_END());
	if (r < 0)
		fail(p, &diag);
	else
		came_up(p);
}

static void on_invite_response(McuPhone *p, int status, const char *phrase, const sip_t *sip)
{
	mcu_report_log(p->report, "invite-response", status, phrase);
	if (status < 200)
		return;
	if (status < 300)
		accepted(p, sip);
	else if ((status == 401 || status == 407) && sip && authenticate(p, sip))
		return;
	else
		refused(p, status, phrase);
}

/* --- the peer's INVITEs --- */

static void respond(McuPhone *p, nua_handle_t *nh, const char *sdp)
{
	(void)p;
	nua_respond(nh, SIP_200_OK, SIPTAG_CONTENT_TYPE_STR(SDP_TYPE), SIPTAG_PAYLOAD_STR(sdp),
		    TAG_END());
}

static void on_invite(McuPhone *p, nua_handle_t *nh, const sip_t *sip)
{
	g_autofree char *body = NULL;
	size_t len = 0;
	const char *sdp = payload_of(sip, &len);
	McuDiag diag = { 0 };
	int r;

	mcu_report_log(p->report, p->up ? "re-invited" : "invited", 0, NULL);
	if ((p->call && p->call != nh) || p->ended) {
		nua_respond(nh, SIP_486_BUSY_HERE, TAG_END());
		nua_handle_destroy(nh);
		return;
	}
	if (!p->call)
		p->call = nua_handle_ref(nh);
	if (p->options->refuse) {
		nua_respond(nh, p->options->refuse, sip_status_phrase(p->options->refuse),
			    TAG_END());
		end(p, MCU_PHONE_END_SELF, p->options->refuse, "refused as asked");
		return;
	}
	r = sdp ? mcu_media_answer(p->media, sdp, len, &body, &diag)
		: mcu_media_offer(p->media, p->want_hold, &body, &diag);
	if (r < 0) {
		mcu_report_log(p->report, "unacceptable", r == -EBUSY ? 491 : 488, diag.text);
		if (r == -EBUSY)
			nua_respond(nh, SIP_491_REQUEST_PENDING, TAG_END());
		else
			nua_respond(nh, SIP_488_NOT_ACCEPTABLE, TAG_END());
		if (!p->up)
			end(p, MCU_PHONE_END_FAILED, 488, diag.text);
		return;
	}
	p->pending = sdp ? PENDING_NONE : PENDING_ANSWER_IN_ACK;
	if (!p->up)
		nua_respond(nh, SIP_180_RINGING, TAG_END());
	respond(p, nh, body);
}

static void on_ack(McuPhone *p, const sip_t *sip)
{
	size_t len = 0;
	const char *sdp = payload_of(sip, &len);
	McuDiag diag = { .text = "the ACK has no SDP" };

	if (p->pending == PENDING_ANSWER_IN_ACK) {
		p->pending = PENDING_NONE;
		if (!sdp || mcu_media_take_answer(p->media, sdp, len, &diag) < 0) {
			fail(p, &diag);
			return;
		}
	}
	came_up(p);
}

static void on_bye(McuPhone *p, const sip_t *sip)
{
	const char *text = sip && sip->sip_reason ? sip->sip_reason->re_text : NULL;
	g_autofree char *reason = g_strdup(text ? text : "BYE");

	mcu_media_stop(p->media, false);
	end(p, MCU_PHONE_END_PEER, 0, g_strstrip(g_strdelimit(reason, "\"", ' ')));
}

static void on_info(McuPhone *p, const sip_t *sip)
{
	size_t len = 0;
	const char *body = payload_of(sip, &len);

	if (!body || !g_strstr_len(body, (gssize)len, "picture_fast_update"))
		return;
	mcu_report_log(p->report, "picture-fast-update", 0, NULL);
	mcu_media_refresh(p->media);
}

void mcu_phone_ask_picture(McuPhone *p)
{
	if (!p->up || p->ended || !mcu_media_wants_info(p->media))
		return;
	mcu_report_log(p->report, "ask-picture", 0, NULL);
	nua_info(p->call, SIPTAG_CONTENT_TYPE_STR(CONTROL_TYPE), SIPTAG_PAYLOAD_STR(FAST_UPDATE),
		 TAG_END());
}

/* --- sofia-sip --- */

static void on_event(nua_event_t event, int status, char const *phrase, nua_t *nua, McuPhone *p,
		     nua_handle_t *nh, McuPhone *hmagic, sip_t const *sip, tagi_t tags[])
{
	(void)nua;
	(void)hmagic;
	(void)tags;
	switch (event) {
	case nua_r_invite:
		if (!p->ended)
			on_invite_response(p, status, phrase, sip);
		break;
	case nua_i_invite:
		on_invite(p, nh, sip);
		break;
	case nua_i_ack:
		if (nh == p->call && !p->ended && !p->options->refuse)
			on_ack(p, sip);
		break;
	case nua_i_bye:
		if (nh == p->call)
			on_bye(p, sip);
		break;
	case nua_i_cancel:
		if (nh == p->call)
			end(p, MCU_PHONE_END_PEER, 487, "cancelled");
		break;
	case nua_i_info:
		if (nh == p->call)
			on_info(p, sip);
		break;
	case nua_r_bye:
	case nua_r_cancel:
		if (status >= 200 && p->hanging_up && p->up)
			end(p, MCU_PHONE_END_SELF, 0, "hung up");
		break;
	case nua_r_shutdown:
		p->shut_down = status >= 200;
		break;
	default:
		break;
	}
}

/* --- addresses --- */

/* The address this machine would send from to reach the host of `uri`. */
static int route_to(const char *uri, char *ret, size_t size)
{
	g_autofree char *copy = g_strdup(uri);
	url_t url[1];
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *info = NULL;
	struct sockaddr_storage own;
	socklen_t own_len = sizeof(own);
	int fd, r = -EINVAL;

	if (url_d(url, copy) < 0 || !url->url_host ||
	    getaddrinfo(url->url_host, url->url_port ? url->url_port : "5060", &hints, &info))
		return -EINVAL;
	fd = socket(info->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, info->ai_addr, info->ai_addrlen) == 0 &&
	    getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 &&
	    getnameinfo((struct sockaddr *)&own, own_len, ret, (socklen_t)size, NULL, 0,
			NI_NUMERICHOST) == 0)
		r = 0;
	if (fd >= 0)
		close(fd);
	freeaddrinfo(info);
	return r;
}

/* A port free for both UDP and TCP just now. */
static unsigned free_port(const char *address)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *info = NULL;
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	char port[NI_MAXSERV] = "0";
	int fd;

	if (getaddrinfo(address, "0", &hints, &info))
		return 0;
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, info->ai_addr, info->ai_addrlen) == 0 &&
	    getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&own, len, NULL, 0, port, sizeof(port),
			NI_NUMERICSERV) != 0)
		port[0] = '0';
	if (fd >= 0)
		close(fd);
	freeaddrinfo(info);
	return (unsigned)g_ascii_strtoull(port, NULL, 10);
}

static int find_address(McuPhone *p, McuDiag *reterr)
{
	const char *listen = p->options->listen;
	const char *colon = listen ? strrchr(listen, ':') : NULL;

	if (listen && !colon)
		return mcu_diag(reterr, -EINVAL, "--listen %s: expected ADDRESS:PORT", listen);
	if (colon) {
		g_snprintf(p->address, sizeof(p->address), "%.*s", (int)(colon - listen), listen);
		p->port = (unsigned)g_ascii_strtoull(colon + 1, NULL, 10);
		return 0;
	}
	if (!p->options->to) {
		g_strlcpy(p->address, "127.0.0.1", sizeof(p->address));
		return 0;
	}
	if (route_to(p->options->to, p->address, sizeof(p->address)) < 0)
		return mcu_diag(reterr, -EINVAL, "--to %s: no address of that host is reachable",
				p->options->to);
	return 0;
}

/* Port 0 is resolved here, since sofia-sip does not tell what it bound. */
static int bind_signalling(McuPhone *p, McuDiag *reterr)
{
	bool any = !p->port;

	for (int i = 0; i < (any ? BIND_TRIES : 1) && !p->nua; i++) {
		g_autofree char *url = NULL;
		bool v6 = strchr(p->address, ':') != NULL;

		if (any)
			p->port = free_port(p->address);
		url = g_strdup_printf("sip:%s%s%s:%u;transport=%s", v6 ? "[" : "", p->address,
				      v6 ? "]" : "", p->port, p->options->transport);
		p->nua = nua_create(p->root, on_event, p, NUTAG_URL(url), NUTAG_MEDIA_ENABLE(0),
				    NUTAG_AUTOALERT(0), NUTAG_AUTOANSWER(0), NUTAG_RETRY_COUNT(0),
				    NUTAG_ALLOW("INFO"),
				    SIPTAG_USER_AGENT_STR("mcu-caller/" MCU_VERSION), TAG_END());
	}
	if (!p->nua)
		return mcu_diag(reterr, -EIO, "cannot bind %s port %u for signalling", p->address,
				p->port);
	return 0;
}

/* --- life --- */

/* What matters of its messages reaches us as events. */
static void swallow(void *stream, char const *format, va_list args)
{
	(void)stream;
	(void)format;
	(void)args;
}

int mcu_phone_new(const McuCallerOptions *options, McuReport *report,
		  const McuPhoneHandler *handler, void *data, McuPhone **ret, McuDiag *reterr)
{
	g_autoptr(McuPhone) p = g_new0(McuPhone, 1);
	int r;

	p->options = options;
	p->report = report;
	p->handler = *handler;
	p->data = data;
	p->pending = PENDING_NONE;
	su_init();
	su_log_redirect(NULL, swallow, NULL);
	p->root = su_glib_root_create(NULL);
	su_root_threading(p->root, 0);
	g_source_attach(su_glib_root_gsource(p->root), NULL);
	if ((r = find_address(p, reterr)) < 0 || (r = bind_signalling(p, reterr)) < 0 ||
	    (r = mcu_media_new(options, report, p->address, &p->media, reterr)) < 0)
		return r;
	*ret = g_steal_pointer(&p);
	return 0;
}

void mcu_phone_free(McuPhone *p)
{
	gint64 deadline = g_get_monotonic_time() + 1500 * 1000;

	if (!p)
		return;
	p->ended = true;
	if (p->call)
		nua_handle_destroy(p->call);
	if (p->nua) {
		nua_shutdown(p->nua);
		while (!p->shut_down && g_get_monotonic_time() < deadline)
			su_root_step(p->root, 50);
		if (p->shut_down)
			nua_destroy(p->nua);
	}
	mcu_media_free(p->media);
	g_free(p->to);
	g_free(p->from);
	g_free(p->credentials);
	if (p->root && (!p->nua || p->shut_down))
		su_root_destroy(p->root);
	su_deinit();
	g_free(p);
}

static char *quoted(const char *name)
{
	GString *out = g_string_new("\"");

	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *name);
	}
	return g_string_free(g_string_append_c(out, '"'), FALSE);
}

void mcu_phone_start(McuPhone *p)
{
	const McuCallerOptions *o = p->options;
	g_autofree char *name = quoted(o->name);
	g_autofree char *own = NULL;

	own = g_strdup_printf("sip:%s@%s:%u", o->user ? o->user : "caller", p->address, p->port);
	mcu_report_log(p->report, "listening", 0, own);
	if (!o->to)
		return;
	p->from = g_strdup_printf("%s <%s>", name, o->from ? o->from : own);
	p->to = g_strdup_printf("%s%s", o->to,
				g_str_equal(o->transport, "tcp") && !strstr(o->to, "transport=")
					? ";transport=tcp"
					: "");
	new_call(p);
	invite(p, !o->no_offer, false);
}

McuMedia *mcu_phone_media(McuPhone *p)
{
	return p->media;
}
