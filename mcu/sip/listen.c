/* Listeners: sip.listen to agents, one nua for each address so that Contact and Via always name the
 * address a peer can reach. "0.0.0.0" and "[::]" stand for the addresses this machine has now.
 */
#include <gio/gio.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>

#include <sofia-sip/nta_tag.h>

#include "sip/sip_priv.h"

#define MAX_AGENTS            64
#define MIN_SESSION_EXPIRES_S 90 /* RFC 4028 section 5 */
/* Messages beyond are refused with 413 by the parser. */
#define MAX_MESSAGE_BYTES 65536
/* INTEROP: over 1300 bytes RFC 3261 section 18.1.1 wants TCP; SDP with video always is, and rooms
 * that listen on UDP only are many. */
#define UDP_MTU 65535

typedef struct Listen {
	char *host; /* without brackets */
	unsigned port;
	bool udp, tcp;
} Listen;

/* "udp:192.0.2.1:5060", "tcp:[2001:db8::1]:5060" */
static int parse_listen(const char *text, Listen *ret, McuDiag *reterr)
{
	const char *address = strchr(text, ':');
	g_autoptr(GSocketConnectable) parsed = NULL;

	ret->udp = g_str_has_prefix(text, "udp:");
	ret->tcp = g_str_has_prefix(text, "tcp:");
	if (!ret->udp && !ret->tcp)
		return mcu_diag(reterr, -EINVAL,
				"sip.listen: \"%s\" does not start with udp: or tcp:", text);
	parsed = g_network_address_parse(address + 1, 5060, NULL);
	if (!parsed)
		return mcu_diag(reterr, -EINVAL, "sip.listen: \"%s\" holds no address", text);
	ret->host = g_strdup(g_network_address_get_hostname(G_NETWORK_ADDRESS(parsed)));
	ret->port = g_network_address_get_port(G_NETWORK_ADDRESS(parsed));
	return 0;
}

void mcu_sip_agent_free(gpointer p)
{
	McuSipAgent *agent = p;

	/* nua_destroy() before nua_shutdown() is done would be refused */
	if (agent->nua && agent->down)
		nua_destroy(agent->nua);
	g_free(agent->host);
	g_free(agent);
}

/* Transports of one address share an agent. */
static int add_agent(McuSip *sip, const char *host, const Listen *l, McuDiag *reterr)
{
	McuSipAgent *agent = NULL;

	for (unsigned i = 0; i < sip->agents->len && !agent; i++) {
		McuSipAgent *other = sip->agents->pdata[i];

		if (strcmp(other->host, host) == 0 && other->port == l->port)
			agent = other;
	}
	if (!agent) {
		if (sip->agents->len >= MAX_AGENTS)
			return mcu_diag(reterr, -EOVERFLOW, "sip.listen: more than %d addresses",
					MAX_AGENTS);
		agent = g_new0(McuSipAgent, 1);
		agent->sip = sip;
		agent->host = g_strdup(host);
		agent->port = l->port;
		agent->ipv6 = strchr(host, ':') != NULL;
		g_ptr_array_add(sip->agents, agent);
	}
	agent->udp |= l->udp;
	agent->tcp |= l->tcp;
	return 0;
}

/* Every address of the family that this machine has now. */
static int add_wildcard(McuSip *sip, int family, const Listen *l, McuDiag *reterr)
{
	struct ifaddrs *list = NULL;
	int r = 0;

	if (getifaddrs(&list) < 0)
		return mcu_diag(reterr, -EIO, "sip.listen: the addresses of this machine: %s",
				g_strerror(errno));
	for (struct ifaddrs *ifa = list; ifa && r == 0; ifa = ifa->ifa_next) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ifa->ifa_addr;
		g_autofree char *host = NULL;

		if (!ifa->ifa_addr || ifa->ifa_addr->sa_family != family ||
		    !(ifa->ifa_flags & IFF_UP))
			continue;
		if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
			continue;
		host = mcu_sip_numeric(ifa->ifa_addr, family == AF_INET6
							      ? sizeof(struct sockaddr_in6)
							      : sizeof(struct sockaddr_in));
		if (host)
			r = add_agent(sip, host, l, reterr);
	}
	freeifaddrs(list);
	return r;
}

static int add_listen(McuSip *sip, const char *text, McuDiag *reterr)
{
	Listen l = { 0 };
	int r = parse_listen(text, &l, reterr);

	if (r == 0 && strcmp(l.host, "0.0.0.0") == 0)
		r = add_wildcard(sip, AF_INET, &l, reterr);
	else if (r == 0 && strcmp(l.host, "::") == 0)
		r = add_wildcard(sip, AF_INET6, &l, reterr);
	else if (r == 0)
		r = add_agent(sip, l.host, &l, reterr);
	g_free(l.host);
	return r;
}

static int start_agent(McuSipAgent *agent, McuDiag *reterr)
{
	McuSip *sip = agent->sip;
	g_autofree char *url = g_strdup_printf("sip:%s%s%s:%u%s", agent->ipv6 ? "[" : "",
					       agent->host, agent->ipv6 ? "]" : "", agent->port,
					       agent->udp && agent->tcp ? ""
					       : agent->udp             ? ";transport=udp"
									: ";transport=tcp");

	agent->nua = nua_create(
		sip->root, mcu_sip_on_event, agent, NUTAG_URL(url), NUTAG_MEDIA_ENABLE(0),
		NUTAG_AUTOANSWER(0), NUTAG_AUTOALERT(0), NUTAG_AUTOACK(1), NUTAG_ENABLEMESSAGE(0),
		SIPTAG_ALLOW_STR(MCU_SIP_ALLOW), NUTAG_APPL_METHOD("OPTIONS, INFO, UPDATE"),
		SIPTAG_SUPPORTED_STR("timer, 100rel"), NUTAG_SESSION_TIMER(sip->session_expires_s),
		NUTAG_MIN_SE(MIN_SESSION_EXPIRES_S), NUTAG_UPDATE_REFRESH(1), NUTAG_AUTO302(0),
		NUTAG_DETECT_NETWORK_UPDATES(NUA_NW_DETECT_NOTHING), NTATAG_UDP_MTU(UDP_MTU),
		NTATAG_MAXSIZE(MAX_MESSAGE_BYTES), SIPTAG_USER_AGENT_STR(MCU_SIP_SERVER_NAME),
		TAG_END());
	if (!agent->nua)
		return mcu_diag(reterr, -EIO, "sip.listen: cannot listen on %s port %u: it is in use, or not ours",
				agent->host, agent->port);
	return 0;
}

int mcu_sip_listen(McuSip *sip, char *const *addresses, McuDiag *reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && addresses && addresses[i]; i++)
		r = add_listen(sip, addresses[i], reterr);
	for (unsigned i = 0; r == 0 && i < sip->agents->len; i++)
		r = start_agent(sip->agents->pdata[i], reterr);
	return r;
}
