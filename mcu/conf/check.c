/* What makes a value of a text option acceptable. Each says what is wrong with the one it got. */
#include <gio/gio.h>
#include <string.h>

#include "conf/conf_priv.h"

static int parse_port(const char *text, unsigned *ret_port)
{
	guint64 port;

	if (!g_ascii_string_to_unsigned(text, 10, 0, 65535, &port, NULL))
		return -EINVAL;
	*ret_port = (unsigned)port;
	return 0;
}

/* "ADDRESS:PORT" or "[ADDRESS]:PORT" */
static int split_host_port(const char *text, char **ret_host, unsigned *ret_port, McuDiag *reterr)
{
	const char *colon = strrchr(text, ':');
	g_autofree char *host = NULL;
	g_autoptr(GInetAddress) address = NULL;

	if (!colon)
		return mcu_diag(reterr, -EINVAL, "there is no port");
	host = g_strndup(text, (size_t)(colon - text));
	size_t len = strlen(host);
	bool bracketed = len >= 2 && host[0] == '[' && host[len - 1] == ']';
	if (bracketed) {
		memmove(host, host + 1, len - 2);
		host[len - 2] = '\0';
	}
	address = g_inet_address_new_from_string(host);
	if (!address)
		return mcu_diag(reterr, -EINVAL, "\"%.40s\" is no IP address", host);
	if (bracketed != (g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6))
		return mcu_diag(reterr, -EINVAL, "an IPv6 address, and only that, needs brackets");
	if (parse_port(colon + 1, ret_port) < 0)
		return mcu_diag(reterr, -EINVAL, "\"%.10s\" is no port from 0 to 65535", colon + 1);
	*ret_host = g_steal_pointer(&host);
	return 0;
}

int mcu_conf_split_listen(const char *text, bool *ret_tcp, char **ret_host, unsigned *ret_port,
			  McuDiag *reterr)
{
	bool tcp = g_str_has_prefix(text, "tcp:");

	if (!ret_tcp)
		return split_host_port(text, ret_host, ret_port, reterr);
	if (!tcp && !g_str_has_prefix(text, "udp:"))
		return mcu_diag(reterr, -EINVAL, "it does not begin with udp: or tcp:");
	int r = split_host_port(text + 4, ret_host, ret_port, reterr);
	if (r == 0)
		*ret_tcp = tcp;
	return r;
}

bool mcu_conf_is_loopback(const char *host)
{
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(host);

	return address && g_inet_address_get_is_loopback(address);
}

int mcu_check_http_listen(const char *text, McuDiag *reterr)
{
	g_autofree char *host = NULL;
	unsigned port;

	return mcu_conf_split_listen(text, NULL, &host, &port, reterr);
}

int mcu_check_sip_listen(const char *text, McuDiag *reterr)
{
	g_autofree char *host = NULL;
	unsigned port;
	bool tcp;

	return mcu_conf_split_listen(text, &tcp, &host, &port, reterr);
}

int mcu_check_token(const char *text, McuDiag *reterr)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!g_ascii_isgraph(text[i]))
			return mcu_diag(reterr, -EINVAL, "character %zu cannot stand in a header",
					i + 1);
	if (len < 8 || len > 256)
		return mcu_diag(reterr, -EINVAL, "it has %zu characters", len);
	return 0;
}

int mcu_check_cidr(const char *text, McuDiag *reterr)
{
	g_autoptr(GInetAddressMask) mask = NULL;
	g_autoptr(GError) error = NULL;

	mask = g_inet_address_mask_new_from_string(text, &error);
	return mask ? 0 : mcu_diag(reterr, -EINVAL, "%s", error->message);
}

int mcu_check_address(const char *text, McuDiag *reterr)
{
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(text);

	if (!address)
		return mcu_diag(reterr, -EINVAL, "it is no IP address");
	if (g_inet_address_get_is_any(address) || g_inet_address_get_is_multicast(address))
		return mcu_diag(reterr, -EINVAL, "peers cannot send to it");
	return 0;
}

int mcu_check_host(const char *text, McuDiag *reterr)
{
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(text);

	if (address)
		return 0;
	if (strlen(text) > 253)
		return mcu_diag(reterr, -EINVAL, "it is longer than 253 characters");
	for (const char *p = text; *p; p++)
		if (!g_ascii_isalnum(*p) && *p != '-' && *p != '.' && *p != '_')
			return mcu_diag(reterr, -EINVAL, "character %d cannot stand in a host name",
					(int)(p - text) + 1);
	return 0;
}

int mcu_check_sip_uri(const char *text, McuDiag *reterr)
{
	if (!g_str_has_prefix(text, "sip:") || !text[4])
		return mcu_diag(reterr, -EINVAL, "it does not begin with sip:");
	for (const char *p = text; *p; p++)
		if (!g_ascii_isgraph(*p) || strchr("<>\"", *p))
			return mcu_diag(reterr, -EINVAL, "character %d cannot stand in a URI",
					(int)(p - text) + 1);
	return 0;
}

int mcu_check_name(const char *text, McuDiag *reterr)
{
	for (const char *p = text; *p; p++)
		if (!g_ascii_isalnum(*p) && !strchr("+-._", *p))
			return mcu_diag(reterr, -EINVAL,
					"only letters, digits and + - . _ can stand in a name");
	if (strlen(text) > 64 || text[0] == '.')
		return mcu_diag(reterr, -EINVAL,
				"a name has 1 to 64 characters and does not begin with a dot");
	return 0;
}

int mcu_check_path(const char *text, McuDiag *reterr)
{
	return strlen(text) < 512 ? 0 : mcu_diag(reterr, -EINVAL, "it is longer than 511 bytes");
}

int mcu_check_record_name(const char *text, McuDiag *reterr)
{
	static const char *const known[] = { "{call}", "{date}", "{time}" };
	const char *p = text;

	if (strchr(text, '/') || text[0] == '.' || strlen(text) > 128)
		return mcu_diag(reterr, -EINVAL,
				"a file name has no slash, no leading dot and at most 128 bytes");
	while ((p = strpbrk(p, "{}"))) {
		size_t skip = 0;

		for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
			if (g_str_has_prefix(p, known[i]))
				skip = strlen(known[i]);
		if (!skip)
			return mcu_diag(reterr, -EINVAL,
					"\"%.20s\" is none of {call} {date} {time}", p);
		p += skip;
	}
	return 0;
}
