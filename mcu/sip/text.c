/* Text out of SIP messages: what a peer wrote, made safe for the rest of the program. */
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_mime.h>

#include "sip/sip_priv.h"

/* Any port will do: connect() on a datagram socket only looks up the route. */
#define ROUTE_PORT "9"

static bool is_type(const char *type, const char *wanted)
{
	size_t n = strlen(wanted);

	return type && g_ascii_strncasecmp(type, wanted, n) == 0 &&
	       (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

bool mcu_sip_content_is(const sip_t *sip, const char *type)
{
	return sip->sip_content_type && is_type(sip->sip_content_type->c_type, type);
}

static McuSipBody take_sdp(const char *data, size_t len, char **ret_sdp)
{
	if (!data || len == 0)
		return MCU_SIP_BODY_NONE;
	if (len > MCU_MAX_SDP_BYTES)
		return MCU_SIP_BODY_TOO_BIG;
	if (memchr(data, '\0', len))
		return MCU_SIP_BODY_BAD;
	/* INTEROP: session names in Latin-1 are seen; D-Bus takes UTF-8 only */
	*ret_sdp = g_utf8_make_valid(data, (gssize)len);
	return MCU_SIP_BODY_SDP;
}

McuSipBody mcu_sip_sdp(const sip_t *sip, char **ret_sdp)
{
	const sip_payload_t *pl = sip->sip_payload;

	for (const msg_multipart_t *mp = sip->sip_multipart; mp; mp = mp->mp_next)
		if (mp->mp_content_type && mp->mp_payload &&
		    is_type(mp->mp_content_type->c_type, "application/sdp"))
			return take_sdp(mp->mp_payload->pl_data, mp->mp_payload->pl_len, ret_sdp);
	if (!pl || pl->pl_len == 0)
		return MCU_SIP_BODY_NONE;
	if (!mcu_sip_content_is(sip, "application/sdp"))
		return MCU_SIP_BODY_OTHER;
	return take_sdp(pl->pl_data, pl->pl_len, ret_sdp);
}

char *mcu_sip_body(const sip_t *sip, size_t max)
{
	const sip_payload_t *pl = sip->sip_payload;

	if (!pl || !pl->pl_data || pl->pl_len == 0)
		return NULL;
	return g_utf8_make_valid(pl->pl_data, (gssize)MIN((size_t)pl->pl_len, max));
}

char *mcu_sip_user(const url_t *url)
{
	g_autofree char *plain = NULL;

	if (!url || !url->url_user)
		return g_strdup("");
	plain = g_uri_unescape_string(url->url_user, NULL);
	return g_utf8_make_valid(plain ? plain : url->url_user, -1);
}

char *mcu_sip_uri(const url_t *url)
{
	g_autofree char *text = NULL;

	if (!url || !url->url_host)
		return g_strdup("sip:unknown");
	text = g_strdup_printf("%s:%s%s%s%s%s", url->url_scheme ? url->url_scheme : "sip",
			       url->url_user ? url->url_user : "", url->url_user ? "@" : "",
			       url->url_host, url->url_port ? ":" : "",
			       url->url_port ? url->url_port : "");
	return g_utf8_make_valid(text, -1);
}

char *mcu_sip_clean_name(const char *raw)
{
	g_autofree char *valid = g_utf8_make_valid(raw, -1);
	g_autoptr(GString) out = g_string_new(NULL);
	bool quoted = valid[0] == '"';
	unsigned chars = 0;

	for (const char *p = quoted ? valid + 1 : valid; *p && chars < MCU_MAX_NAME_CHARS;
	     p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (quoted && c == '"')
			break;
		if (quoted && c == '\\' && p[1])
			c = g_utf8_get_char(++p);
		if (g_unichar_iscntrl(c))
			continue;
		g_string_append_unichar(out, c);
		chars++;
	}
	g_strstrip(out->str);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

char *mcu_sip_name(const sip_from_t *from)
{
	g_autofree char *name = NULL;

	if (!from)
		return g_strdup("unknown");
	if (from->a_display) {
		name = mcu_sip_clean_name(from->a_display);
		if (*name)
			return g_steal_pointer(&name);
		g_clear_pointer(&name, g_free);
	}
	if (from->a_url->url_user) {
		g_autofree char *user = mcu_sip_user(from->a_url);

		name = mcu_sip_clean_name(user);
		if (*name)
			return g_steal_pointer(&name);
		g_clear_pointer(&name, g_free);
	}
	return mcu_sip_clean_name(from->a_url->url_host ? from->a_url->url_host : "unknown");
}

char *mcu_sip_quotable(const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (const char *p = text ? text : ""; *p; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, g_ascii_iscntrl(*p) ? ' ' : *p);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

char *mcu_sip_numeric(const struct sockaddr *sa, unsigned len)
{
	char host[NI_MAXHOST];

	if (getnameinfo(sa, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
		return NULL;
	return g_strdup(host);
}

char *mcu_sip_route_address(const char *host)
{
	/* a name is not worth a lookup that blocks: the default route it is */
	static const char somewhere[] = "192.0.2.1";
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_DGRAM,
				  .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *ai = NULL;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char *address = NULL;
	int fd;

	if (getaddrinfo(host ? host : somewhere, ROUTE_PORT, &hints, &ai) != 0 &&
	    getaddrinfo(somewhere, ROUTE_PORT, &hints, &ai) != 0)
		return g_strdup("127.0.0.1");
	fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
		address = mcu_sip_numeric((struct sockaddr *)&sa, len);
	if (fd >= 0)
		close(fd);
	freeaddrinfo(ai);
	return address ? address : g_strdup("127.0.0.1");
}

char *mcu_sip_peer_address(nua_t *nua)
{
	msg_t *msg = nua_current_request(nua);
	su_sockaddr_t *su = msg ? msg_addr(msg) : NULL;

	return su ? mcu_sip_numeric(&su->su_sa, SU_SOCKADDR_SIZE(su)) : NULL;
}
