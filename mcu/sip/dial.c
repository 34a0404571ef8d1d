/* Outbound: what may be dialled, from which agent, with which identity. */
#include <string.h>

#include <sofia-sip/url.h>

#include "sip/sip_priv.h"

#define MAX_URI_BYTES 256

int mcu_sip_check_uri(const char *uri, McuDiag *reterr)
{
	su_home_t home[1] = { SU_HOME_INIT(home) };
	size_t len = strlen(uri);
	const url_t *url;
	bool ok;

	if (len == 0 || len > MAX_URI_BYTES)
		return mcu_diag(reterr, -EINVAL, "uri: 1 to %d characters are expected",
				MAX_URI_BYTES);
	for (size_t i = 0; i < len; i++)
		if (!g_ascii_isgraph(uri[i]) || strchr("<>\"", uri[i]))
			return mcu_diag(reterr, -EINVAL,
					"uri: character %zu may not stand in a SIP URI", i + 1);
	su_home_init(home);
	url = url_make(home, uri);
	ok = url && url->url_type == url_sip && url->url_host && *url->url_host &&
	     !url->url_headers;
	su_home_deinit(home);
	if (!ok)
		return mcu_diag(reterr, -EINVAL,
				"uri: \"%.100s\" is not of the form sip:user@host[:port]", uri);
	return 0;
}

/* Host the first request goes to, without brackets. */
static char *next_hop(McuSip *sip, const char *uri)
{
	su_home_t home[1] = { SU_HOME_INIT(home) };
	const url_t *url;
	char *host;

	su_home_init(home);
	url = url_make(home, sip->proxy ? sip->proxy : uri);
	host = g_strdup(url && url->url_host ? url->url_host : "");
	su_home_deinit(home);
	if (host[0] == '[') {
		memmove(host, host + 1, strlen(host));
		host[strcspn(host, "]")] = '\0';
	}
	return host;
}

/* The agent at our end of the route, else the first of the same family; with the transport. */
static McuSipAgent *agent_for(McuSip *sip, const char *uri, const char *local)
{
	bool tcp = strcasestr(sip->proxy ? sip->proxy : uri, ";transport=tcp") != NULL;
	bool ipv6 = strchr(local, ':') != NULL;
	McuSipAgent *best = NULL;

	for (unsigned i = 0; i < sip->agents->len; i++) {
		McuSipAgent *agent = sip->agents->pdata[i];

		if (agent->ipv6 != ipv6 || !(tcp ? agent->tcp : agent->udp))
			continue;
		if (strcmp(agent->host, local) == 0)
			return agent;
		if (!best)
			best = agent;
	}
	return best;
}

char *mcu_sip_local_address(McuSip *sip, const char *uri)
{
	g_autofree char *host = next_hop(sip, uri);

	return mcu_sip_route_address(host);
}

int mcu_sip_dial(McuSip *sip, const McuSipDial *dial, void *owner, McuSipSession **ret,
		 McuDiag *reterr)
{
	g_autofree char *host = next_hop(sip, dial->uri);
	g_autofree char *local = mcu_sip_route_address(host);
	McuSipAgent *agent = agent_for(sip, dial->uri, local);
	g_autofree char *name = mcu_sip_quotable(dial->name);
	g_autofree char *from = NULL, *to = NULL;
	nua_handle_t *nh;
	McuSipSession *s;
	int r = mcu_sip_check_uri(dial->uri, reterr);

	if (r < 0)
		return r;
	if (!agent)
		return mcu_diag(reterr, -EINVAL, "uri: no listener speaks its transport from %s",
				local);
	if (sip->stopping || sip->sessions->len >= MCU_MAX_SIP_SESSIONS)
		return mcu_diag(reterr, -EOVERFLOW, "no further dialog can be opened now");
	from = g_strdup_printf("\"%s\" <sip:%s@%s%s%s>", name, dial->from,
			       !sip->domain && strchr(local, ':') ? "[" : "",
			       sip->domain ? sip->domain : local,
			       !sip->domain && strchr(local, ':') ? "]" : "");
	to = g_strdup_printf("<%s>", dial->uri);
	nh = nua_handle(agent->nua, NULL, SIPTAG_FROM_STR(from), SIPTAG_TO_STR(to),
			TAG_IF(sip->proxy, NUTAG_PROXY(sip->proxy)), TAG_END());
	if (!nh)
		return mcu_diag(reterr, -EINVAL, "uri: \"%.100s\" cannot be dialled", dial->uri);
	s = mcu_sip_session_new(agent, nh, true);
	s->owner = owner;
	nua_invite(nh, NUTAG_URL(dial->uri), SIPTAG_CONTENT_TYPE_STR("application/sdp"),
		   SIPTAG_PAYLOAD_STR(dial->sdp), TAG_END());
	*ret = s;
	return 0;
}
