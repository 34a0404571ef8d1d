#include "http/gate.h"

#include <string.h>

bool mcu_gate_token_ok(const char *authorization, const char *token)
{
	const char *given;
	size_t n_given, n_token = strlen(token);
	unsigned char differ;

	if (!authorization || g_ascii_strncasecmp(authorization, "Bearer ", 7) != 0 || !n_token)
		return false;
	given = authorization + 7;
	n_given = strlen(given);
	differ = n_given != n_token;
	for (size_t i = 0; i < n_given; i++)
		differ |= (unsigned char)(given[i] ^ token[i % n_token]);
	return differ == 0;
}

bool mcu_gate_host_is_local(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; host && i < G_N_ELEMENTS(names); i++) {
		size_t len = strlen(names[i]);

		if (g_ascii_strncasecmp(host, names[i], len) != 0)
			continue;
		const char *rest = host + len;
		if (!*rest || (*rest == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1)))
			return true;
	}
	return false;
}

bool mcu_gate_origin_ok(const char *origin, const char *host)
{
	const char *authority;

	if (!origin)
		return true;
	authority = strstr(origin, "://");
	return authority && host && g_ascii_strcasecmp(authority + 3, host) == 0;
}

bool mcu_gate_is_json(const char *content_type)
{
	g_autofree char *type = NULL;

	if (!content_type)
		return false;
	type = g_strndup(content_type, strcspn(content_type, ";"));
	return g_ascii_strcasecmp(g_strstrip(type), "application/json") == 0;
}
