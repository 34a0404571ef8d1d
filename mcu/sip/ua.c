/* Agents: listeners, what arrives outside of dialogs, shutting down. Dialogs: session.c. */
#include "sip/ua.h"

#include <string.h>

#include <sofia-sip/sip_util.h>
#include <sofia-sip/su.h>
#include <sofia-sip/su_glib.h>
#include <sofia-sip/su_log.h>

#include "base/log.h"
#include "sip/sip_priv.h"

static int64_t now_s(void)
{
	return g_get_monotonic_time() / G_USEC_PER_SEC;
}

void mcu_sip_respond_now(McuSipAgent *agent, nua_handle_t *nh, int status, const char *phrase)
{
	nua_respond(nh, status, phrase, NUTAG_WITH_THIS(agent->nua),
		    TAG_IF(status == 503, SIPTAG_RETRY_AFTER_STR(MCU_SIP_RETRY_S)), TAG_END());
}

/* --- INVITE outside of a dialog --- */

static void challenge(McuSipAgent *agent, nua_handle_t *nh, bool stale)
{
	McuDigest *digest = agent->sip->digest;
	g_autofree char *md5 = mcu_digest_challenge(digest, G_CHECKSUM_MD5, stale, now_s());
	g_autofree char *sha = mcu_digest_challenge(digest, G_CHECKSUM_SHA256, stale, now_s());

	/* INTEROP: RFC 8760 section 2.4 wants the stronger one first, but peers that know MD5 only
	 * and look at the first challenge only (SIPp, older room systems) would give up */
	nua_respond(nh, SIP_401_UNAUTHORIZED, SIPTAG_WWW_AUTHENTICATE_STR(md5),
		    SIPTAG_WWW_AUTHENTICATE_STR(sha), TAG_END());
}

/* True when the request may go on; otherwise it has been answered. */
static bool authenticate(McuSipAgent *agent, nua_handle_t *nh, const sip_t *sip)
{
	int worst = -ENOENT;

	if (!mcu_digest_has_users(agent->sip->digest))
		return true;
	for (const sip_authorization_t *au = sip->sip_authorization; au;
	     au = (const sip_authorization_t *)au->au_next) {
		int r;

		if (!au->au_scheme || g_ascii_strcasecmp(au->au_scheme, "Digest") != 0)
			continue;
		r = mcu_digest_check(agent->sip->digest, sip->sip_request->rq_method_name,
				     (const char *const *)au->au_params, now_s());
		if (r == 0)
			return true;
		worst = r == -EAGAIN ? r : worst == -EAGAIN ? worst : r;
	}
	challenge(agent, nh, worst == -EAGAIN);
	return false;
}

/* 0, or the status to refuse with. */
static int admit(McuSipAgent *agent, const char *peer)
{
	int r;

	if (agent->sip->stopping)
		return 503;
	r = agent->sip->events->admit(agent->sip->data, peer);
	if (r == -EACCES)
		return 403;
	return r < 0 || agent->sip->sessions->len >= MCU_MAX_SIP_SESSIONS ? 503 : 0;
}

static int body_status(McuSipBody body)
{
	switch (body) {
	case MCU_SIP_BODY_OTHER:
		return 415;
	case MCU_SIP_BODY_TOO_BIG:
		return 413;
	case MCU_SIP_BODY_BAD:
		return 400;
	default:
		return 0;
	}
}

static void deliver(McuSipAgent *agent, nua_handle_t *nh, const sip_t *sip, const char *peer,
		    const char *sdp)
{
	McuSipSession *s = mcu_sip_session_new(agent, nh, false);
	g_autofree char *user = mcu_sip_user(sip->sip_request->rq_url);
	g_autofree char *name = mcu_sip_name(sip->sip_from);
	g_autofree char *uri = mcu_sip_uri(sip->sip_from ? sip->sip_from->a_url : NULL);
	g_autofree char *local = mcu_sip_route_address(peer);
	McuSipIncoming in = {
		.user = user,
		.name = name,
		.uri = uri,
		.sdp = sdp,
		.local_address = local,
		.peer_address = peer,
	};

	s->pending = MCU_SIP_PENDING_INVITE;
	s->offered = sdp == NULL;
	/* without UPDATE the peer had better refresh itself; a choice it made already stands */
	if (!sip_is_allowed(sip->sip_allow, sip_method_update, "UPDATE"))
		nua_set_hparams(nh, NUTAG_SESSION_REFRESHER(nua_remote_refresher), TAG_END());
	mcu_sip_session_keep_fresh(s, sip);
	agent->sip->events->incoming(agent->sip->data, s, &in);
}

static void on_invite(McuSipAgent *agent, nua_handle_t *nh, const sip_t *sip)
{
	g_autofree char *peer = mcu_sip_peer_address(agent->nua);
	g_autofree char *sdp = NULL;
	int status = sip && sip->sip_request ? admit(agent, peer) : 400;

	if (!status)
		status = body_status(mcu_sip_sdp(sip, &sdp));
	if (status) {
		nua_respond(nh, status, sip_status_phrase(status),
			    TAG_IF(status == 503, SIPTAG_RETRY_AFTER_STR(MCU_SIP_RETRY_S)),
			    TAG_IF(status == 415, SIPTAG_ACCEPT_STR("application/sdp")), TAG_END());
		nua_handle_destroy(nh);
	} else if (!authenticate(agent, nh, sip)) {
		nua_handle_destroy(nh);
	} else {
		deliver(agent, nh, sip, peer, sdp);
	}
}

static void on_options(McuSipAgent *agent, nua_handle_t *nh, McuSipSession *s)
{
	g_autofree char *peer = mcu_sip_peer_address(agent->nua);
	int status = s ? 0 : admit(agent, peer);

	if (status)
		mcu_sip_respond_now(agent, nh, status, sip_status_phrase(status));
	else
		nua_respond(nh, SIP_200_OK, NUTAG_WITH_THIS(agent->nua),
			    SIPTAG_ACCEPT_STR("application/sdp, application/media_control+xml, "
					      "application/dtmf-relay"),
			    SIPTAG_ALLOW_STR(MCU_SIP_ALLOW), SIPTAG_SUPPORTED_STR("timer, 100rel"),
			    TAG_END());
	if (!s)
		nua_handle_destroy(nh);
}

/* --- events of the stack --- */

static gboolean on_stopped(gpointer p)
{
	McuSip *sip = p;

	sip->stopped_idle = 0;
	sip->stopped(sip->stopped_data);
	return G_SOURCE_REMOVE;
}

static void check_stopped(McuSip *sip)
{
	for (unsigned i = 0; i < sip->agents->len; i++)
		if (!((McuSipAgent *)sip->agents->pdata[i])->down)
			return;
	if (sip->stopped && !sip->stopped_idle)
		sip->stopped_idle = g_idle_add(on_stopped, sip);
}

void mcu_sip_on_event(nua_event_t event, int status, char const *phrase, nua_t *nua,
		      McuSipAgent *agent, nua_handle_t *nh, McuSipSession *s, sip_t const *sip,
		      tagi_t tags[])
{
	(void)nua;
	mcu_debug("sip", "%s %d %s", nua_event_name(event), status, phrase ? phrase : "");
	if (event == nua_r_shutdown) {
		agent->down = status >= 200;
		check_stopped(agent->sip);
		return;
	}
	if (!nh)
		return;
	if (event == nua_i_options) {
		on_options(agent, nh, s);
	} else if (s) {
		mcu_sip_session_event(s, event, status, phrase, sip, tags);
	} else if (event == nua_i_invite) {
		on_invite(agent, nh, sip);
	} else if (event == nua_i_fork) {
		nua_handle_destroy(nh); /* one branch is enough; the others get a BYE */
	} else if (nua_event_is_incoming_request(event) && status < 200) {
		mcu_sip_respond_now(agent, nh, SIP_405_METHOD_NOT_ALLOWED);
		nua_handle_destroy(nh);
	}
}

/* --- life --- */

void mcu_sip_reconfigure(McuSip *sip, const McuConf *conf)
{
	g_free(sip->proxy);
	g_free(sip->auth_user);
	g_free(sip->auth_password);
	sip->proxy = conf->sip.proxy && *conf->sip.proxy ? g_strdup(conf->sip.proxy) : NULL;
	sip->auth_user = g_strdup(conf->sip.auth_user);
	sip->auth_password = g_strdup(conf->sip.auth_password);
	sip->session_expires_s = conf->sip.session_expires_s;
	for (unsigned i = 0; i < sip->agents->len; i++)
		nua_set_params(((McuSipAgent *)sip->agents->pdata[i])->nua,
			       NUTAG_SESSION_TIMER(sip->session_expires_s), TAG_END());
	mcu_digest_clear_users(sip->digest);
	for (size_t i = 0; i < conf->sip.n_users; i++)
		mcu_digest_add_user(sip->digest, conf->sip.users[i].name,
				    conf->sip.users[i].password);
}

/* The stack's own messages would go to stderr past our log. */
static void no_log(void *stream, char const *fmt, va_list ap)
{
	(void)stream, (void)fmt, (void)ap;
}

int mcu_sip_new(const McuConf *conf, const McuSipEvents *events, void *data, McuSip **ret,
		McuDiag *reterr)
{
	McuSip *sip = g_new0(McuSip, 1);
	int r;

	su_init();
	su_log_redirect(NULL, no_log, NULL);
	sip->events = events;
	sip->data = data;
	sip->agents = g_ptr_array_new_with_free_func(mcu_sip_agent_free);
	sip->sessions = g_ptr_array_new();
	sip->domain = conf->sip.domain && *conf->sip.domain ? g_strdup(conf->sip.domain) : NULL;
	sip->digest = mcu_digest_new(sip->domain ? sip->domain : "tessera");
	mcu_sip_reconfigure(sip, conf);
	sip->root = su_glib_root_create(NULL);
	su_root_threading(sip->root, 0);
	sip->source = su_glib_root_gsource(sip->root);
	g_source_attach(sip->source, NULL);
	r = mcu_sip_listen(sip, conf->sip.listen, reterr);
	if (r < 0) {
		mcu_sip_free(sip);
		return r;
	}
	mcu_sip_guard_start(sip);
	*ret = sip;
	return 0;
}

void mcu_sip_shutdown(McuSip *sip, void (*done)(void *data), void *data)
{
	sip->stopping = true;
	sip->stopped = done;
	sip->stopped_data = data;
	for (unsigned i = 0; i < sip->sessions->len; i++)
		((McuSipSession *)sip->sessions->pdata[i])->owner = NULL;
	for (unsigned i = 0; i < sip->agents->len; i++)
		nua_shutdown(((McuSipAgent *)sip->agents->pdata[i])->nua);
	check_stopped(sip);
}

void mcu_sip_free(McuSip *sip)
{
	if (!sip)
		return;
	while (sip->sessions->len)
		mcu_sip_session_free(sip->sessions->pdata[sip->sessions->len - 1]);
	if (sip->stopped_idle)
		g_source_remove(sip->stopped_idle);
	if (sip->guard)
		g_source_remove(sip->guard);
	g_ptr_array_unref(sip->sessions);
	g_ptr_array_unref(sip->agents);
	su_root_destroy(sip->root);
	su_deinit();
	mcu_digest_free(sip->digest);
	g_free(sip->domain);
	g_free(sip->proxy);
	g_free(sip->auth_user);
	g_free(sip->auth_password);
	g_free(sip);
}
