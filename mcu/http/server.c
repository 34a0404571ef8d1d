/* Listening, who may pass, and dispatch to the routes. */
#include "http/server.h"

#include <string.h>

#include "base/clock.h"
#include "http/gate.h"
#include "http/http_priv.h"

#define EVENTS_PATH "/api/v1/events"
#define SOCKET      "mcu-socket" /* data of a message and of its remote address */
#define BODY_BYTES  "mcu-body-bytes"

/* --- connections: libsoup 3.2 loses a reference for each one it accepts by itself, and stops
 * listening at the first one that fails; so we accept them, and it serves one request on each ---
 */

static void uncount(gpointer data)
{
	unsigned *connections = data;

	(*connections)--;
	g_rc_box_release(connections);
}

static gboolean on_incoming(GSocketService *service, GSocketConnection *c, GObject *source,
			    gpointer data)
{
	McuHttpServer *s = data;
	GSocket *socket = g_socket_connection_get_socket(c);
	g_autoptr(GSocketAddress) local = g_socket_connection_get_local_address(c, NULL);
	g_autoptr(GSocketAddress) remote = g_socket_connection_get_remote_address(c, NULL);

	(void)service;
	(void)source;
	if (*s->connections >= MCU_MAX_HTTP_CONNECTIONS || !local || !remote) {
		(void)g_io_stream_close(G_IO_STREAM(c), NULL, NULL);
		return TRUE;
	}
	g_socket_set_timeout(socket, MCU_HTTP_IDLE_S);
	(*s->connections)++;
	g_object_set_data_full(G_OBJECT(c), "mcu-counted", g_rc_box_acquire(s->connections),
			       uncount);
	g_object_set_data_full(G_OBJECT(remote), SOCKET, g_object_ref(socket), g_object_unref);
	(void)soup_server_accept_iostream(s->soup, G_IO_STREAM(c), local, remote, NULL);
	return TRUE;
}

GSocket *mcu_http_socket(SoupServerMessage *msg)
{
	return g_object_get_data(G_OBJECT(msg), SOCKET);
}

/* A message forgets its connection when it becomes a WebSocket. */
static void remember_socket(SoupServerMessage *msg)
{
	GSocketAddress *remote = soup_server_message_get_remote_address(msg);

	g_object_set_data_full(G_OBJECT(msg), SOCKET,
			       g_object_ref(g_object_get_data(G_OBJECT(remote), SOCKET)),
			       g_object_unref);
}

static void on_request_finished(SoupServer *soup, SoupServerMessage *msg, McuHttpServer *s)
{
	unsigned status = soup_server_message_get_status(msg);

	(void)soup;
	if (status > 0 && status < MCU_HTTP_STATUS_MAX)
		s->counts.by_status[status]++;
}

/* --- bodies: counted as they come, kept only while they may be wanted --- */

static void on_chunk(SoupServerMessage *msg, GBytes *chunk, gpointer data)
{
	size_t bytes = GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(msg), BODY_BYTES));

	(void)data;
	bytes += g_bytes_get_size(chunk);
	g_object_set_data(G_OBJECT(msg), BODY_BYTES, GSIZE_TO_POINTER(bytes));
	if (bytes > MCU_MAX_HTTP_BODY && soup_server_message_get_status(msg) == 0) {
		soup_message_body_set_accumulate(soup_server_message_get_request_body(msg), FALSE);
		mcu_http_problem(msg, 413, "a body has at most 64 KiB", NULL);
	}
	/* the answer can only be sent after the body; whoever goes on and on gets none */
	if (bytes > MCU_MAX_HTTP_DISCARD)
		g_socket_shutdown(mcu_http_socket(msg), TRUE, FALSE, NULL);
}

/* --- the gate: when the headers are there --- */

static void refuse(SoupServerMessage *msg, unsigned status, const char *detail)
{
	soup_message_body_set_accumulate(soup_server_message_get_request_body(msg), FALSE);
	mcu_http_problem(msg, status, detail, NULL);
}

static bool check_local(McuHttpServer *s, SoupServerMessage *msg, SoupMessageHeaders *headers)
{
	const char *host = soup_message_headers_get_one(headers, "Host");

	if (*s->token)
		return true;
	if (!mcu_gate_host_is_local(host)) {
		refuse(msg, 403, "without a token only localhost, 127.0.0.1 and [::1] are served");
		return false;
	}
	if (!mcu_gate_origin_ok(soup_message_headers_get_one(headers, "Origin"), host)) {
		refuse(msg, 403, "requests of other sites' pages are not served");
		return false;
	}
	return true;
}

static char *client_name(SoupServerMessage *msg)
{
	GSocketAddress *remote = soup_server_message_get_remote_address(msg);

	return remote ? g_socket_connectable_to_string(G_SOCKET_CONNECTABLE(remote))
		      : g_strdup("an unknown address");
}

static bool check_token(McuHttpServer *s, SoupServerMessage *msg, SoupMessageHeaders *headers,
			const McuRoute *route)
{
	const char *given = soup_message_headers_get_one(headers, "Authorization");
	unsigned held = 0;

	if (!*s->token || !(route->flags & MCU_ROUTE_TOKEN) || mcu_gate_token_ok(given, s->token))
		return true;
	soup_message_headers_replace(soup_server_message_get_response_headers(msg),
				     "WWW-Authenticate",
				     given ? "Bearer realm=\"tessera\", error=\"invalid_token\""
					   : "Bearer realm=\"tessera\"");
	refuse(msg, 401, given ? "the token is wrong" : "a Bearer token is asked for");
	if (given && mcu_log_allow(&s->refused_log, 5, 60 * MCU_NS_PER_SEC, &held)) {
		g_autofree char *client = client_name(msg);
		mcu_warning("http", "a wrong token from %s (%u more were not logged)", client,
			    held);
	}
	return false;
}

static bool check_body(SoupServerMessage *msg, SoupMessageHeaders *headers, const McuRoute *route)
{
	bool chunked = soup_message_headers_get_encoding(headers) == SOUP_ENCODING_CHUNKED;
	goffset length = soup_message_headers_get_content_length(headers);

	if (length > MCU_MAX_HTTP_BODY) {
		refuse(msg, 413, "a body has at most 64 KiB");
		return false;
	}
	if (!route->body || (!chunked && length == 0))
		return true;
	if (!mcu_gate_is_json(soup_message_headers_get_one(headers, "Content-Type"))) {
		refuse(msg, 415, "the body must be application/json");
		return false;
	}
	return true;
}

static void refuse_route(SoupServerMessage *msg, int err, const char *allow)
{
	if (err == -ENOENT) {
		refuse(msg, 404, "there is nothing at this path");
		return;
	}
	soup_message_headers_replace(soup_server_message_get_response_headers(msg), "Allow", allow);
	refuse(msg, 405, "this path does not take this method");
}

static void gate(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query,
		 gpointer data)
{
	McuHttpServer *s = data;
	SoupMessageHeaders *headers = soup_server_message_get_request_headers(msg);
	char *args[MCU_HTTP_MAX_ARGS] = { NULL };
	g_autofree char *allow = NULL;
	const McuRoute *route = NULL;
	int r;

	(void)soup;
	(void)query;
	remember_socket(msg);
	g_signal_connect(msg, "got-chunk", G_CALLBACK(on_chunk), NULL);
	soup_message_headers_replace(soup_server_message_get_response_headers(msg), "Connection",
				     "close");
	if (!check_local(s, msg, headers))
		return;
	r = mcu_route_find(soup_server_message_get_method(msg), path, &route, args, &allow);
	for (size_t i = 0; i < MCU_HTTP_MAX_ARGS; i++)
		g_free(args[i]);
	if (r < 0) {
		refuse_route(msg, r, allow);
		return;
	}
	if (!check_token(s, msg, headers, route) || !check_body(msg, headers, route))
		return;
	if (s->requests.length >= MCU_MAX_HTTP_REQUESTS)
		refuse(msg, 503, "too many requests wait for an answer");
	else if ((route->flags & MCU_ROUTE_WEBSOCKET) &&
		 mcu_http_events_subscribers(s->events) >= MCU_MAX_HTTP_SUBSCRIBERS)
		refuse(msg, 503, "there are too many subscribers");
}

/* --- dispatch: when the body is there --- */

static bool check_query(SoupServerMessage *msg, const McuRoute *route, GHashTable *query)
{
	GHashTableIter iter;
	void *name;

	if (!query || !g_str_has_prefix(route->path, "/api/"))
		return true;
	g_hash_table_iter_init(&iter, query);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		if (route->query && g_strv_contains(route->query, name))
			continue;
		g_autofree char *field = g_utf8_make_valid(name, MIN(64, (gssize)strlen(name)));
		mcu_http_problem(msg, 400, "there is no such parameter", field);
		return false;
	}
	return true;
}

/* Leaves the status unset when the upgrade may go on. */
static void check_upgrade(SoupServerMessage *msg)
{
	g_autoptr(GError) error = NULL;

	if (soup_websocket_server_check_handshake(msg, NULL, NULL, NULL, &error))
		return;
	soup_message_headers_replace(soup_server_message_get_response_headers(msg), "Upgrade",
				     "websocket");
	mcu_http_problem(msg, 426, "events are served over a WebSocket", NULL);
}

static int read_body(SoupServerMessage *msg, const McuRoute *route, GVariant **ret)
{
	g_autoptr(GBytes) bytes = NULL;
	char field[MCU_MAX_HTTP_FIELD];
	McuDiag diag = { 0 };
	int r;

	if (!route->body)
		return 0;
	bytes = soup_message_body_flatten(soup_server_message_get_request_body(msg));
	r = mcu_body_parse(route->body, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), ret,
			   field, &diag);
	if (r < 0)
		mcu_http_problem(msg, 400, diag.text, field);
	return r;
}

static void dispatch(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query,
		     gpointer data)
{
	McuHttpServer *s = data;
	McuHttpReq *req = g_new0(McuHttpReq, 1);
	g_autofree char *allow = NULL;

	(void)soup;
	if (mcu_route_find(soup_server_message_get_method(msg), path, &req->route, req->args,
			   &allow) < 0) {
		g_free(req);
		refuse(msg, 404, NULL);
		return;
	}
	bool upgrade = req->route->flags & MCU_ROUTE_WEBSOCKET;
	if (upgrade)
		check_upgrade(msg);
	if (upgrade || !check_query(msg, req->route, query) ||
	    read_body(msg, req->route, &req->body) < 0) {
		for (size_t i = 0; i < MCU_HTTP_MAX_ARGS; i++)
			g_free(req->args[i]);
		g_free(req);
		return;
	}
	req->msg = g_object_ref(msg);
	req->query = query;
	mcu_req_run(s, req);
}

/* --- life --- */

static int listen_on(McuHttpServer *s, const char *address, McuDiag *reterr)
{
	g_autoptr(GSocketAddress) at = NULL, bound = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *host = NULL;
	unsigned port;
	int r = mcu_conf_split_listen(address, NULL, &host, &port, reterr);

	if (r < 0)
		return r;
	s->loopback = mcu_conf_is_loopback(host);
	if (!*s->token && !s->loopback)
		return mcu_diag(reterr, -EINVAL, "found %s without a token, expected loopback",
				address);
	at = g_inet_socket_address_new_from_string(host, port);
	if (!g_socket_listener_add_address(G_SOCKET_LISTENER(s->service), at, G_SOCKET_TYPE_STREAM,
					   G_SOCKET_PROTOCOL_TCP, NULL, &bound, &error))
		return mcu_diag(reterr, -EIO, "cannot listen on %s: %s", address, error->message);
	port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
	s->url = g_strdup_printf(strchr(host, ':') ? "http://[%s]:%u/" : "http://%s:%u/", host,
				 port);
	g_signal_connect(s->service, "incoming", G_CALLBACK(on_incoming), s);
	return 0;
}

int mcu_http_server_new(McuDaemon *d, const McuConf *conf, McuHttpServer **ret, McuDiag *reterr)
{
	g_autoptr(McuHttpServer) s = g_new0(McuHttpServer, 1);
	int r;

	s->daemon = d;
	s->token = g_strdup(conf->http.token);
	s->connections = g_rc_box_new0(unsigned);
	g_queue_init(&s->requests);
	s->service = g_socket_service_new();
	/* GLib's 10 fill up while we are busy, and clients then wait a second for the next try */
	g_socket_listener_set_backlog(G_SOCKET_LISTENER(s->service), MCU_MAX_HTTP_CONNECTIONS);
	s->soup = soup_server_new("raw-paths", TRUE, NULL);
	/* compressed frames of one subscriber could cost any amount of memory */
	soup_server_remove_websocket_extension(s->soup, SOUP_TYPE_WEBSOCKET_EXTENSION_DEFLATE);
	g_signal_connect(s->soup, "request-finished", G_CALLBACK(on_request_finished), s);
	g_signal_connect(s->soup, "request-aborted", G_CALLBACK(on_request_finished), s);
	s->events = mcu_http_events_new(d, s->soup, EVENTS_PATH, &s->counts);
	s->collect = mcu_http_collect_new(s);
	/* the path with a WebSocket handler is a handler of its own */
	soup_server_add_early_handler(s->soup, "/", gate, s, NULL);
	soup_server_add_early_handler(s->soup, EVENTS_PATH, gate, s, NULL);
	soup_server_add_handler(s->soup, "/", dispatch, s, NULL);
	soup_server_add_handler(s->soup, EVENTS_PATH, dispatch, s, NULL);
	r = listen_on(s, conf->http.listen, reterr);
	if (r == 0)
		*ret = g_steal_pointer(&s);
	return r;
}

void mcu_http_server_free(McuHttpServer *s)
{
	GList *link;

	if (!s)
		return;
	g_socket_service_stop(s->service);
	g_socket_listener_close(G_SOCKET_LISTENER(s->service));
	g_signal_handlers_disconnect_by_data(s->service, s);
	g_object_unref(s->service);
	mcu_http_collect_free(s->collect);
	while ((link = g_queue_pop_head_link(&s->requests)))
		mcu_req_detach(link->data);
	mcu_http_events_free(s->events);
	g_signal_handlers_disconnect_by_data(s->soup, s);
	soup_server_disconnect(s->soup);
	g_object_unref(s->soup);
	g_rc_box_release(s->connections);
	g_free(s->token);
	g_free(s->url);
	g_free(s);
}

void mcu_http_server_reload(McuHttpServer *s, const McuConf *conf)
{
	/* the new address is not in force before a restart */
	if (!*conf->http.token && !s->loopback) {
		mcu_warning("http", "the token is kept: we still listen on %s", s->url);
		return;
	}
	if (strcmp(s->token, conf->http.token) == 0)
		return;
	g_free(s->token);
	s->token = g_strdup(conf->http.token);
	/* it may have been changed because others know the old one */
	mcu_http_events_drop(s->events);
}

const char *mcu_http_server_url(const McuHttpServer *s)
{
	return s->url;
}
