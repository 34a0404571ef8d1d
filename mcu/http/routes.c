/* The table of routes, and one function per route. */
#include <string.h>

#include "http/http_priv.h"

#define SIZE_MAX_W 3840
#define SIZE_MAX_H 2160

/* --- handlers --- */

static void get_index(McuHttpReq *req)
{
	GString *page = g_string_new(mcu_asset_index);

	g_string_replace(page, "@VERSION@", MCU_VERSION, 0);
	size_t len = page->len;
	mcu_req_answer(req, 200, "text/html; charset=utf-8", g_string_free(page, FALSE), len);
}

static void get_healthz(McuHttpReq *req)
{
	mcu_req_answer(req, 200, "application/json", g_strdup("{\"status\":\"ok\"}"), 15);
}

static void get_readyz(McuHttpReq *req)
{
	if (!mcu_control_ready(req->server->daemon))
		mcu_req_problem(req, 503, "no further call can be admitted now", NULL);
	else
		mcu_req_answer(req, 200, "application/json", g_strdup("{\"status\":\"ready\"}"),
			       18);
}

static void get_openapi(McuHttpReq *req)
{
	size_t len = (size_t)(mcu_asset_openapi_end - mcu_asset_openapi);

	mcu_req_answer(req, 200, "application/json", g_memdup2(mcu_asset_openapi, len), len);
}

static void on_metrics(void *data, const char *text)
{
	McuHttpReq *req = data;

	if (!text)
		mcu_req_problem(req, 503, "the server ends", NULL);
	else
		mcu_req_answer(req, 200, "text/plain; version=0.0.4; charset=utf-8", g_strdup(text),
			       strlen(text));
}

static void get_metrics(McuHttpReq *req)
{
	mcu_http_collect(req->server->collect, on_metrics, req);
}

static void get_calls(McuHttpReq *req)
{
	mcu_control_list_calls(req->server->daemon, mcu_req_reply, req);
}

static void post_calls(McuHttpReq *req)
{
	g_auto(GVariantDict) options;
	g_autoptr(GVariant) rest = NULL;
	g_autofree char *id = NULL;

	g_variant_dict_init(&options, req->body);
	(void)g_variant_dict_lookup(&options, "id", "s", &id);
	g_variant_dict_remove(&options, "id");
	rest = g_variant_ref_sink(g_variant_dict_end(&options));
	req->ok_status = 201;
	req->limit_status = 503;
	req->field = "layout"; /* the form of the id has been checked */
	req->location = g_strdup_printf("/api/v1/calls/%s", id);
	mcu_control_create_call(req->server->daemon, id, rest, mcu_req_reply, req);
}

static void get_call(McuHttpReq *req)
{
	mcu_control_get_call(req->server->daemon, req->args[0], mcu_req_reply, req);
}

static void patch_call(McuHttpReq *req)
{
	req->field = "layout";
	mcu_control_update_call(req->server->daemon, req->args[0], req->body, mcu_req_reply, req);
}

static void delete_call(McuHttpReq *req)
{
	req->ok_status = 204;
	mcu_control_delete_call(req->server->daemon, req->args[0], mcu_req_reply, req);
}

static void get_participants(McuHttpReq *req)
{
	mcu_control_list_participants(req->server->daemon, req->args[0], mcu_req_reply, req);
}

static void patch_participant(McuHttpReq *req)
{
	req->field = "name";
	mcu_control_update_participant(req->server->daemon, req->args[0], req->args[1], req->body,
				       mcu_req_reply, req);
}

static void delete_participant(McuHttpReq *req)
{
	req->ok_status = 204;
	mcu_control_kick(req->server->daemon, req->args[0], req->args[1], mcu_req_reply, req);
}

static void post_dial(McuHttpReq *req)
{
	g_auto(GVariantDict) options;
	g_autoptr(GVariant) rest = NULL;
	g_autofree char *uri = NULL;

	g_variant_dict_init(&options, req->body);
	(void)g_variant_dict_lookup(&options, "uri", "s", &uri);
	g_variant_dict_remove(&options, "uri");
	rest = g_variant_ref_sink(g_variant_dict_end(&options));
	req->ok_status = 202;
	req->field = "uri";
	mcu_control_dial(req->server->daemon, req->args[0], uri, rest, mcu_req_reply, req);
}

static void put_layout(McuHttpReq *req)
{
	req->ok_status = 204;
	req->field = "name";
	mcu_control_set_layout(req->server->daemon, req->args[0], req->body, mcu_req_reply, req);
}

static void post_recording(McuHttpReq *req)
{
	req->ok_status = 201;
	mcu_control_start_recording(req->server->daemon, req->args[0], mcu_req_reply, req);
}

static void delete_recording(McuHttpReq *req)
{
	req->ok_status = 204;
	mcu_control_stop_recording(req->server->daemon, req->args[0], mcu_req_reply, req);
}

static int query_uint(McuHttpReq *req, const char *name, unsigned max, unsigned *ret)
{
	const char *text = req->query ? g_hash_table_lookup(req->query, name) : NULL;
	guint64 value = 0;

	if (text && !g_ascii_string_to_unsigned(text, 10, 1, max, &value, NULL)) {
		g_autofree char *why =
			g_strdup_printf("%s: expected a number from 1 to %u", name, max);
		mcu_req_problem(req, 400, why, name);
		return -EINVAL;
	}
	*ret = (unsigned)value;
	return 0;
}

static void get_snapshot(McuHttpReq *req)
{
	unsigned width, height;

	if (query_uint(req, "width", SIZE_MAX_W, &width) < 0 ||
	    query_uint(req, "height", SIZE_MAX_H, &height) < 0)
		return;
	mcu_control_snapshot(req->server->daemon, req->args[0], width, height, mcu_req_reply_jpeg,
			     req);
}

static void get_stats(McuHttpReq *req)
{
	mcu_control_stats(req->server->daemon, req->args[0], mcu_req_reply, req);
}

/* --- the table --- */

#define API  "/api/v1"
#define CALL API "/calls/{call}"

static const char *const snapshot_query[] = { "width", "height", NULL };

const McuRoute mcu_routes[] = {
	{ "GET", "/", 0, get_index },
	{ "GET", "/healthz", 0, get_healthz },
	{ "GET", "/readyz", 0, get_readyz },
	{ "GET", "/metrics", MCU_ROUTE_TOKEN, get_metrics },
	{ "GET", API "/openapi.json", MCU_ROUTE_TOKEN, get_openapi },
	{ "GET", API "/events", MCU_ROUTE_TOKEN | MCU_ROUTE_WEBSOCKET },
	{ "GET", API "/calls", MCU_ROUTE_TOKEN, get_calls },
	{ "POST", API "/calls", MCU_ROUTE_TOKEN, post_calls, &mcu_body_create_call },
	{ "GET", CALL, MCU_ROUTE_TOKEN, get_call },
	{ "PATCH", CALL, MCU_ROUTE_TOKEN, patch_call, &mcu_body_update_call },
	{ "DELETE", CALL, MCU_ROUTE_TOKEN, delete_call },
	{ "GET", CALL "/participants", MCU_ROUTE_TOKEN, get_participants },
	{ "PATCH", CALL "/participants/{participant}", MCU_ROUTE_TOKEN, patch_participant,
	  &mcu_body_update_participant },
	{ "DELETE", CALL "/participants/{participant}", MCU_ROUTE_TOKEN, delete_participant },
	{ "POST", CALL "/dial", MCU_ROUTE_TOKEN, post_dial, &mcu_body_dial },
	{ "PUT", CALL "/layout", MCU_ROUTE_TOKEN, put_layout, &mcu_body_layout },
	{ "POST", CALL "/recording", MCU_ROUTE_TOKEN, post_recording, &mcu_body_none },
	{ "DELETE", CALL "/recording", MCU_ROUTE_TOKEN, delete_recording },
	{ "GET", CALL "/snapshot.jpg", MCU_ROUTE_TOKEN, get_snapshot, NULL, snapshot_query },
	{ "GET", CALL "/stats", MCU_ROUTE_TOKEN, get_stats },
};
const size_t mcu_n_routes = G_N_ELEMENTS(mcu_routes);

/* --- finding one --- */

static void clear_args(char *args[MCU_HTTP_MAX_ARGS])
{
	for (size_t i = 0; i < MCU_HTTP_MAX_ARGS; i++)
		g_clear_pointer(&args[i], g_free);
}

/* One segment of the request, decoded; NULL when it cannot be anybody's id. */
static char *decode(const char *segment, size_t len)
{
	char *text = g_uri_unescape_segment(segment, segment + len, NULL);

	if (text && (!*text || strlen(text) > MCU_MAX_HTTP_ARG || !g_utf8_validate(text, -1, NULL)))
		g_clear_pointer(&text, g_free);
	return text;
}

static bool matches(const char *pattern, const char *path, char *args[MCU_HTTP_MAX_ARGS])
{
	size_t n = 0;

	while (*pattern == '/' && *path == '/') {
		size_t want = strcspn(++pattern, "/"), have = strcspn(++path, "/");

		if (*pattern == '{') {
			args[n] = decode(path, have);
			if (!args[n++])
				return false;
		} else if (want != have || strncmp(pattern, path, want) != 0) {
			return false;
		}
		pattern += want;
		path += have;
	}
	return !*pattern && !*path;
}

int mcu_route_find(const char *method, const char *path, const McuRoute **ret,
		   char *ret_args[MCU_HTTP_MAX_ARGS], char **ret_allow)
{
	GString *allow = g_string_new(NULL);
	const char *want = strcmp(method, "HEAD") == 0 ? "GET" : method;

	for (size_t i = 0; i < mcu_n_routes; i++) {
		char *args[MCU_HTTP_MAX_ARGS] = { NULL };
		const McuRoute *route = &mcu_routes[i];

		if (!matches(route->path, path, args)) {
			clear_args(args);
		} else if (strcmp(route->method, want) == 0) {
			*ret = route;
			memcpy(ret_args, args, sizeof(args));
			g_string_free(allow, TRUE);
			return 0;
		} else {
			clear_args(args);
			g_string_append_printf(allow, "%s%s", allow->len ? ", " : "",
					       route->method);
			if (strcmp(route->method, "GET") == 0)
				g_string_append(allow, ", HEAD");
		}
	}
	bool known = allow->len > 0;
	char *text = g_string_free(allow, FALSE);
	if (!known) {
		g_free(text);
		return -ENOENT;
	}
	*ret_allow = text;
	return -ENOTSUP;
}
