/* mcu/http as a client sees it: a real server on a port of its own, a daemon that is made up. */
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

#include "fake_control.h"
#include "http/http_priv.h"

#define TOKEN "a-long-secret"

typedef struct Fixture {
	McuDaemon *daemon;
	McuHttpServer *server;
	SoupSession *session;
	const char *token; /* what the client presents; NULL = nothing */
	const char *host, *origin;
} Fixture;

typedef struct Reply {
	GBytes *bytes;
	SoupMessage *msg;
	GError *error;
	bool done;
} Reply;

static void setup(Fixture *f, gconstpointer token)
{
	g_autoptr(McuConf) conf = mcu_conf_new();
	McuDiag diag = { 0 };

	g_free(conf->http.listen);
	conf->http.listen = g_strdup("127.0.0.1:0");
	g_free(conf->http.token);
	conf->http.token = g_strdup(token ? token : "");
	f->daemon = fake_new();
	f->daemon->later = TRUE;
	if (mcu_http_server_new(f->daemon, conf, &f->server, &diag) < 0)
		g_error("%s", diag.text);
	f->session =
		soup_session_new_with_options("max-conns", 4096, "max-conns-per-host", 4096, NULL);
	f->token = token;
}

static void teardown(Fixture *f, gconstpointer token)
{
	(void)token;
	g_clear_object(&f->session);
	g_clear_pointer(&f->server, mcu_http_server_free);
	fake_free(f->daemon);
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static void on_reply(GObject *session, GAsyncResult *result, gpointer data)
{
	Reply *r = data;

	r->bytes = soup_session_send_and_read_finish(SOUP_SESSION(session), result, &r->error);
	r->done = true;
}

static void reply_clear(Reply *r)
{
	g_clear_pointer(&r->bytes, g_bytes_unref);
	g_clear_object(&r->msg);
	g_clear_error(&r->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reply, reply_clear)

static SoupMessage *message(Fixture *f, const char *method, const char *path)
{
	g_autofree char *url = g_strdup_printf("%s%s", mcu_http_server_url(f->server), path + 1);
	SoupMessage *msg = soup_message_new(method, url);
	SoupMessageHeaders *headers = soup_message_get_request_headers(msg);

	if (f->token) {
		g_autofree char *bearer = g_strdup_printf("Bearer %s", f->token);
		soup_message_headers_replace(headers, "Authorization", bearer);
	}
	if (f->host)
		soup_message_headers_replace(headers, "Host", f->host);
	if (f->origin)
		soup_message_headers_replace(headers, "Origin", f->origin);
	return msg;
}

static void start(Fixture *f, Reply *r, SoupMessage *take)
{
	r->msg = take;
	soup_session_send_and_read_async(f->session, take, G_PRIORITY_DEFAULT, NULL, on_reply, r);
}

static void finish(Reply *r)
{
	while (!r->done)
		g_main_context_iteration(NULL, TRUE);
}

static Reply request_typed(Fixture *f, const char *method, const char *path, const char *type,
			   const char *body)
{
	SoupMessage *msg = message(f, method, path);
	Reply r = { 0 };

	if (body) {
		g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));
		soup_message_set_request_body_from_bytes(msg, type, bytes);
	}
	start(f, &r, msg);
	finish(&r);
	return r;
}

static Reply request(Fixture *f, const char *method, const char *path, const char *body)
{
	return request_typed(f, method, path, "application/json", body);
}

static const char *header(Reply *r, const char *name)
{
	return soup_message_headers_get_one(soup_message_get_response_headers(r->msg), name);
}

static char *text(Reply *r)
{
	return g_strndup(g_bytes_get_data(r->bytes, NULL), g_bytes_get_size(r->bytes));
}

static JsonNode *json(Reply *r)
{
	g_autofree char *body = text(r);
	g_autoptr(GError) error = NULL;
	JsonNode *node = json_from_string(body, &error);

	if (!node)
		g_error("no JSON: \"%s\"", body);
	return node;
}

static void assert_problem(Reply *r, unsigned status, const char *field)
{
	g_autoptr(JsonNode) node = NULL;

	g_assert_no_error(r->error);
	g_assert_cmpuint(soup_message_get_status(r->msg), ==, status);
	g_assert_cmpstr(header(r, "Content-Type"), ==, "application/problem+json");
	node = json(r);
	JsonObject *o = json_node_get_object(node);
	g_assert_cmpint(json_object_get_int_member(o, "status"), ==, status);
	g_assert_cmpstr(json_object_get_string_member(o, "type"), ==, "about:blank");
	g_assert_cmpuint(strlen(json_object_get_string_member(o, "title")), >, 0);
	g_assert_cmpstr(json_object_get_string_member_with_default(o, "field", NULL), ==, field);
}

static void refused(Fixture *f, const char *method, const char *path, const char *body,
		    unsigned status, const char *field)
{
	g_auto(Reply) r = request(f, method, path, body);

	assert_problem(&r, status, field);
}

/* --- every route --- */

static const struct {
	const char *method, *path, *body;
	unsigned status;
	const char *type;
	const char *asked; /* of the daemon */
} routes[] = {
	{ "GET", "/", NULL, 200, "text/html; charset=utf-8", NULL },
	{ "GET", "/healthz", NULL, 200, "application/json", NULL },
	{ "GET", "/readyz", NULL, 200, "application/json", NULL },
	{ "GET", "/api/v1/openapi.json", NULL, 200, "application/json", NULL },
	{ "GET", "/api/v1/calls", NULL, 200, "application/json", "list - - " },
	{ "POST", "/api/v1/calls", "{\"id\":\"new\",\"layout\":\"grid\"}", 201, "application/json",
	  "create new - {'layout': <'grid'>}" },
	{ "GET", "/api/v1/calls/demo", NULL, 200, "application/json", "get demo - " },
	{ "PATCH", "/api/v1/calls/demo", "{\"layout\":\"1+5\"}", 200, "application/json",
	  "update demo - {'layout': <'1+5'>}" },
	{ "DELETE", "/api/v1/calls/demo", NULL, 204, NULL, "delete demo - " },
	{ "GET", "/api/v1/calls/demo/participants", NULL, 200, "application/json",
	  "participants demo - " },
	{ "PATCH", "/api/v1/calls/demo/participants/p%201", "{\"muted\":true}", 200,
	  "application/json", "update demo p 1 {'muted': <true>}" },
	{ "DELETE", "/api/v1/calls/demo/participants/p1", NULL, 204, NULL, "kick demo p1 " },
	{ "POST", "/api/v1/calls/demo/dial", "{\"uri\":\"sip:a@b\",\"name\":\"A\"}", 202,
	  "application/json", "dial demo sip:a@b {'name': <'A'>}" },
	{ "PUT", "/api/v1/calls/demo/layout", "{\"name\":\"speaker\"}", 204, NULL,
	  "layout demo - {'name': <'speaker'>}" },
	{ "POST", "/api/v1/calls/demo/recording", NULL, 201, "application/json", "record demo - " },
	{ "POST", "/api/v1/calls/demo/recording", "{}", 201, "application/json", "record demo - " },
	{ "DELETE", "/api/v1/calls/demo/recording", NULL, 204, NULL, "stop demo - " },
	{ "GET", "/api/v1/calls/demo/snapshot.jpg", NULL, 200, "image/jpeg", "snapshot demo 0x0 " },
	{ "GET", "/api/v1/calls/demo/snapshot.jpg?width=640&height=360", NULL, 200, "image/jpeg",
	  "snapshot demo 640x360 " },
	{ "GET", "/api/v1/calls/demo/stats", NULL, 200, "application/json", "stats demo - " },
	{ "GET", "/metrics", NULL, 200, "text/plain; version=0.0.4; charset=utf-8",
	  "stats demo - " },
};

static void test_routes(Fixture *f, gconstpointer data)
{
	(void)data;
	for (size_t i = 0; i < G_N_ELEMENTS(routes) * 2; i++) {
		size_t n = i / 2;
		g_clear_pointer(&f->daemon->asked, g_free);
		f->daemon->later = i % 2; /* answers at once, and answers that come later */
		g_auto(Reply) r = request(f, routes[n].method, routes[n].path, routes[n].body);

		g_assert_no_error(r.error);
		if (soup_message_get_status(r.msg) != routes[n].status)
			g_error("%s %s: %u", routes[n].method, routes[n].path,
				soup_message_get_status(r.msg));
		g_assert_cmpstr(header(&r, "Content-Type"), ==, routes[n].type);
		if (strcmp(routes[n].path, "/metrics") != 0 || i % 2 == 0)
			g_assert_cmpstr(f->daemon->asked, ==, routes[n].asked);
		g_assert_true((g_bytes_get_size(r.bytes) == 0) == (routes[n].status == 204));
		if (g_strcmp0(routes[n].type, "application/json") == 0) {
			g_autoptr(JsonNode) node = json(&r);
		}
	}
}

/* The table above misses none. */
static void test_all_routes_tested(void)
{
	for (size_t i = 0; i < mcu_n_routes; i++) {
		unsigned hits = mcu_routes[i].flags & MCU_ROUTE_WEBSOCKET ? 1 : 0;

		for (size_t n = 0; n < G_N_ELEMENTS(routes); n++) {
			char *args[MCU_HTTP_MAX_ARGS] = { NULL };
			const McuRoute *route = NULL;
			g_autofree char *allow = NULL;
			g_autofree char *path =
				g_strndup(routes[n].path, strcspn(routes[n].path, "?"));

			g_assert_cmpint(
				mcu_route_find(routes[n].method, path, &route, args, &allow), ==,
				0);
			hits += route == &mcu_routes[i];
			g_free(args[0]);
			g_free(args[1]);
		}
		if (!hits)
			g_error("no test of %s %s", mcu_routes[i].method, mcu_routes[i].path);
	}
}

static void test_content(Fixture *f, gconstpointer data)
{
	(void)data;
	g_auto(Reply) page = request(f, "GET", "/", NULL);
	g_autofree char *html = text(&page);
	g_assert_nonnull(strstr(html, "Tessera " MCU_VERSION));

	g_auto(Reply) created = request(f, "POST", "/api/v1/calls", "{\"id\":\"new\"}");
	g_assert_cmpstr(header(&created, "Location"), ==, "/api/v1/calls/new");

	g_auto(Reply) snap = request(f, "GET", "/api/v1/calls/demo/snapshot.jpg", NULL);
	g_assert_cmpmem(g_bytes_get_data(snap.bytes, NULL), g_bytes_get_size(snap.bytes),
			"\xff\xd8 jpeg", 7);
	g_assert_cmpstr(header(&snap, "Cache-Control"), ==, "no-store");

	g_auto(Reply) parts = request(f, "GET", "/api/v1/calls/demo/participants", NULL);
	g_autoptr(JsonNode) node = json(&parts);
	JsonArray *list = json_node_get_array(node);
	g_assert_cmpuint(json_array_get_length(list), ==, 2);
	g_assert_cmpstr(
		json_object_get_string_member(json_array_get_object_element(list, 1), "name"), ==,
		"Zürich \"West\"");

	g_auto(Reply) head = request(f, "HEAD", "/api/v1/calls", NULL);
	g_assert_cmpuint(soup_message_get_status(head.msg), ==, 200);
	g_assert_cmpuint(g_bytes_get_size(head.bytes), ==, 0);

	f->daemon->unready = TRUE;
	g_auto(Reply) unready = request(f, "GET", "/readyz", NULL);
	assert_problem(&unready, 503, NULL);
	g_assert_nonnull(header(&unready, "Retry-After"));
}

/* --- errors --- */

static void test_errors(Fixture *f, gconstpointer data)
{
	g_autofree char *big = g_strnfill(MCU_MAX_HTTP_BODY + 1, ' ');

	(void)data;
	refused(f, "GET", "/nowhere", NULL, 404, NULL);
	refused(f, "GET", "/api/v1/calls/", NULL, 404, NULL);
	refused(f, "GET", "/api/v1/events/x", NULL, 404, NULL);
	refused(f, "GET", "/api/v1/calls/other", NULL, 404, NULL);
	refused(f, "DELETE", "/api/v1/calls/other/participants/p1", NULL, 404, NULL);
	refused(f, "POST", "/api/v1/calls", "{\"id\":\"demo\"}", 409, NULL);
	refused(f, "POST", "/api/v1/calls", NULL, 400, NULL);
	refused(f, "POST", "/api/v1/calls", "{\"id\":\"a b\"}", 400, "id");
	refused(f, "POST", "/api/v1/calls", "{\"id\":\"a\",\"colour\":1}", 400, "colour");
	refused(f, "POST", "/api/v1/calls", "not json", 400, NULL);
	refused(f, "POST", "/api/v1/calls", big, 413, NULL);
	refused(f, "GET", "/api/v1/calls/demo/snapshot.jpg?width=0", NULL, 400, "width");
	refused(f, "GET", "/api/v1/calls/demo/snapshot.jpg?height=9999", NULL, 400, "height");
	refused(f, "GET", "/api/v1/calls/demo/snapshot.jpg?zoom=2", NULL, 400, "zoom");
	refused(f, "GET", "/api/v1/calls?x=y", NULL, 400, "x");
	refused(f, "GET", "/api/v1/events", NULL, 426, NULL);

	g_auto(Reply) method = request(f, "PUT", "/api/v1/calls", "{}");
	assert_problem(&method, 405, NULL);
	g_assert_cmpstr(header(&method, "Allow"), ==, "GET, HEAD, POST");
	g_auto(Reply) type =
		request_typed(f, "POST", "/api/v1/calls", "text/plain", "{\"id\":\"a\"}");
	assert_problem(&type, 415, NULL);
}

static void test_daemon_errors(Fixture *f, gconstpointer data)
{
	static const struct {
		int err;
		unsigned status;
	} errors[] = { { -ENOENT, 404 },    { -EINVAL, 400 }, { -EEXIST, 409 },    { -EBUSY, 409 },
		       { -EACCES, 403 },    { -EIO, 500 },    { -ETIMEDOUT, 504 }, { -EPIPE, 503 },
		       { -ENOTSUP, 501 },   { -ENOSPC, 507 }, { -ECANCELED, 503 }, { -EPROTO, 502 },
		       { -EOVERFLOW, 429 }, { -ENOMEM, 500 } };

	(void)data;
	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
		f->daemon->fail = errors[i].err;
		g_auto(Reply) r =
			request(f, "POST", "/api/v1/calls/demo/dial", "{\"uri\":\"sip:a@b\"}");
		assert_problem(&r, errors[i].status, NULL);
		g_autoptr(JsonNode) node = json(&r);
		g_assert_cmpstr(json_object_get_string_member(json_node_get_object(node), "detail"),
				==, "told to fail");
	}
	f->daemon->fail = -EOVERFLOW;
	g_auto(Reply) full = request(f, "POST", "/api/v1/calls", "{\"id\":\"a\"}");
	assert_problem(&full, 503, NULL);
	g_assert_null(header(&full, "Location"));
	f->daemon->fail = -EIO;
	refused(f, "GET", "/api/v1/calls/demo/snapshot.jpg", NULL, 500, NULL);
}

/* Chunked, so that only counting what comes can stop it. */
static void test_chunked_body(Fixture *f, gconstpointer data)
{
	size_t size = MCU_MAX_HTTP_BODY + 1000;
	g_autofree char *body = g_strnfill(size, ' ');
	g_autoptr(GInputStream) stream =
		g_memory_input_stream_new_from_data(body, (gssize)size, NULL);
	SoupMessage *msg = message(f, "POST", "/api/v1/calls");
	g_auto(Reply) r = { 0 };

	(void)data;
	soup_message_set_request_body(msg, "application/json", stream, -1);
	start(f, &r, msg);
	finish(&r);
	assert_problem(&r, 413, NULL);
}

static GSocketConnection *connect_raw(Fixture *f)
{
	g_autoptr(GSocketClient) client = g_socket_client_new();
	const char *url = mcu_http_server_url(f->server);
	g_autofree char *at = g_strndup(url + 7, strlen(url) - 8);
	GSocketConnection *c = g_socket_client_connect_to_host(client, at, 0, NULL, NULL);

	g_assert_nonnull(c);
	return c;
}

static void write_raw(GSocketConnection *c, const char *bytes)
{
	g_assert_true(g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(c)),
						bytes, strlen(bytes), NULL, NULL, NULL));
}

/* Whoever goes on after the refusal is hung up on. */
static void test_endless_body(Fixture *f, gconstpointer data)
{
	g_autoptr(GSocketConnection) c = connect_raw(f);
	GSocket *socket = g_socket_connection_get_socket(c);
	g_autofree char *blanks = g_strnfill(4096, ' ');
	g_autofree char *chunk = g_strdup_printf("1000\r\n%s\r\n", blanks);
	size_t sent = 0;

	(void)data;
	write_raw(c, "POST /api/v1/calls HTTP/1.1\r\nHost: localhost\r\n"
		     "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
	g_socket_set_blocking(socket, FALSE);
	while (sent < 64 * MCU_MAX_HTTP_DISCARD) {
		g_autoptr(GError) error = NULL;
		size_t at = sent % strlen(chunk);
		gssize n = g_socket_send(socket, chunk + at, strlen(chunk) - at, NULL, &error);

		if (n < 0 && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
			break;
		sent += n > 0 ? (size_t)n : 0;
		g_main_context_iteration(NULL, FALSE);
	}
	g_assert_cmpuint(sent, >, MCU_MAX_HTTP_DISCARD);
	g_assert_cmpuint(sent, <, 64 * MCU_MAX_HTTP_DISCARD);
	g_auto(Reply) after = request(f, "GET", "/healthz", NULL);
	g_assert_cmpuint(soup_message_get_status(after.msg), ==, 200);
}

/* --- who may pass --- */

static void test_token(Fixture *f, gconstpointer token)
{
	static const char *const open[] = { "/", "/healthz", "/readyz" };
	static const char *const closed[] = { "/metrics", "/api/v1/calls", "/api/v1/openapi.json",
					      "/api/v1/events", "/api/v1/calls/demo/snapshot.jpg" };
	static const char *const wrong[] = { NULL, "", "a-long-secreu", "a-long-secre",
					     "a-long-secret2" };

	for (size_t w = 0; w < G_N_ELEMENTS(wrong); w++) {
		f->token = wrong[w];
		for (size_t i = 0; i < G_N_ELEMENTS(closed); i++) {
			g_auto(Reply) r = request(f, "GET", closed[i], NULL);
			assert_problem(&r, 401, NULL);
			g_assert_true(g_str_has_prefix(header(&r, "WWW-Authenticate"), "Bearer "));
		}
		for (size_t i = 0; i < G_N_ELEMENTS(open); i++) {
			g_auto(Reply) r = request(f, "GET", open[i], NULL);
			g_assert_cmpuint(soup_message_get_status(r.msg), ==, 200);
		}
	}
	g_assert_null(f->daemon->asked);
	f->token = token;
	f->host = "mcu.example.org"; /* a token makes the name irrelevant */
	g_auto(Reply) r = request(f, "GET", "/api/v1/calls", NULL);
	g_assert_cmpuint(soup_message_get_status(r.msg), ==, 200);
}

static void test_reload(Fixture *f, gconstpointer data)
{
	g_autoptr(McuConf) conf = mcu_conf_new();

	(void)data;
	g_free(conf->http.token);
	conf->http.token = g_strdup("another-secret");
	mcu_http_server_reload(f->server, conf);
	refused(f, "GET", "/api/v1/calls", NULL, 401, NULL);
	f->token = "another-secret";
	g_auto(Reply) r = request(f, "GET", "/api/v1/calls", NULL);
	g_assert_cmpuint(soup_message_get_status(r.msg), ==, 200);
	*conf->http.token = '\0';
	mcu_http_server_reload(f->server, conf);
	f->token = NULL;
	g_auto(Reply) open = request(f, "GET", "/api/v1/calls", NULL);
	g_assert_cmpuint(soup_message_get_status(open.msg), ==, 200);
}

static void test_local_only(Fixture *f, gconstpointer data)
{
	(void)data;
	f->host = "evil.example.org";
	refused(f, "GET", "/api/v1/calls", NULL, 403, NULL);
	refused(f, "GET", "/", NULL, 403, NULL);
	f->host = "localhost:8080";
	f->origin = "http://evil.example.org";
	refused(f, "POST", "/api/v1/calls/demo/recording", NULL, 403, NULL);
	refused(f, "GET", "/api/v1/events", NULL, 403, NULL);
	g_assert_null(f->daemon->asked);
	f->origin = "http://localhost:8080";
	g_auto(Reply) r = request(f, "GET", "/api/v1/calls", NULL);
	g_assert_cmpuint(soup_message_get_status(r.msg), ==, 200);
}

static void test_listen_errors(Fixture *f, gconstpointer data)
{
	g_autoptr(McuConf) conf = mcu_conf_new();
	McuHttpServer *server = NULL;
	McuDaemon *d = fake_new();
	McuDiag diag = { 0 };
	const char *url = mcu_http_server_url(f->server);

	(void)data;
	g_free(conf->http.listen);
	conf->http.listen = g_strndup(url + 7, strlen(url) - 8);
	g_assert_cmpint(mcu_http_server_new(d, conf, &server, &diag), ==, -EIO);
	g_assert_nonnull(strstr(diag.text, conf->http.listen));
	g_free(conf->http.listen);
	conf->http.listen = g_strdup("0.0.0.0:0");
	g_assert_cmpint(mcu_http_server_new(d, conf, &server, &diag), ==, -EINVAL);
	g_assert_null(server);
	g_assert_null(d->event_fn);
	fake_free(d);
}

/* --- time and load --- */

/* The server goes while the daemon still thinks; its answers come afterwards. */
static void test_free_while_waiting(Fixture *f, gconstpointer data)
{
	static const char *const paths[] = { "/api/v1/calls", "/api/v1/calls/demo/snapshot.jpg",
					     "/metrics" };
	Reply r[G_N_ELEMENTS(paths)] = { 0 };

	(void)data;
	f->daemon->hold = TRUE;
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		start(f, &r[i], message(f, "GET", paths[i]));
	while (f->daemon->held->len < G_N_ELEMENTS(paths))
		g_main_context_iteration(NULL, TRUE);
	g_clear_pointer(&f->server, mcu_http_server_free);
	fake_release(f->daemon);
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		finish(&r[i]);
		g_assert_true(r[i].error || soup_message_get_status(r[i].msg) == 503);
		reply_clear(&r[i]);
	}
}

static void test_client_goes_while_waiting(Fixture *f, gconstpointer data)
{
	g_autoptr(GSocketConnection) c = connect_raw(f);

	(void)data;
	f->daemon->hold = TRUE;
	write_raw(c, "GET /api/v1/calls HTTP/1.1\r\nHost: localhost\r\n\r\n");
	while (f->daemon->held->len < 1)
		g_main_context_iteration(NULL, TRUE);
	(void)g_io_stream_close(G_IO_STREAM(c), NULL, NULL);
	for (int i = 0; i < 20; i++)
		g_main_context_iteration(NULL, FALSE);
	fake_release(f->daemon);
	f->daemon->hold = FALSE;
	g_auto(Reply) r = request(f, "GET", "/healthz", NULL);
	g_assert_no_error(r.error);
	g_assert_cmpuint(soup_message_get_status(r.msg), ==, 200);
}

static void test_too_many_connections(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_object_unref);
	gint64 until = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

	(void)data;
	for (int i = 0; i <= MCU_MAX_HTTP_CONNECTIONS; i++) {
		g_ptr_array_add(all, connect_raw(f));
		while (g_main_context_iteration(NULL, FALSE))
			;
	}
	/* exactly the last one is hung up on */
	GSocket *last = g_socket_connection_get_socket(all->pdata[MCU_MAX_HTTP_CONNECTIONS]);
	while (!(g_socket_condition_check(last, G_IO_IN | G_IO_HUP) & (G_IO_IN | G_IO_HUP)) &&
	       g_get_monotonic_time() < until)
		g_main_context_iteration(NULL, FALSE);
	char byte;
	g_socket_set_blocking(last, FALSE);
	g_assert_cmpint(g_socket_receive(last, &byte, 1, NULL, NULL), ==, 0);
	GSocket *first = g_socket_connection_get_socket(all->pdata[0]);
	g_assert_cmpint(g_socket_condition_check(first, G_IO_IN | G_IO_HUP), ==, 0);
	/* and there is room again when they go */
	g_ptr_array_set_size(all, 0);
	while (*f->server->connections > 0 && g_get_monotonic_time() < until)
		g_main_context_iteration(NULL, FALSE);
	g_assert_cmpuint(*f->server->connections, ==, 0);
	g_auto(Reply) r = request(f, "GET", "/healthz", NULL);
	g_assert_no_error(r.error);
	g_assert_cmpuint(soup_message_get_status(r.msg), ==, 200);
}

static void test_metrics_cached(Fixture *f, gconstpointer data)
{
	Reply r[3] = { 0 };

	(void)data;
	for (int i = 0; i < 3; i++)
		start(f, &r[i], message(f, "GET", "/metrics"));
	for (int i = 0; i < 3; i++) {
		finish(&r[i]);
		g_autofree char *body = text(&r[i]);
		g_assert_nonnull(strstr(body, "\nmcu_calls 1\n"));
		reply_clear(&r[i]);
	}
	g_assert_cmpuint(f->daemon->stats_asked, ==, 1);
	g_usleep(1100 * 1000);
	g_auto(Reply) later = request(f, "GET", "/metrics", NULL);
	g_autofree char *body = text(&later);
	g_assert_nonnull(strstr(body, "mcu_http_requests_total{code=\"200\"} 3\n"));
	g_assert_cmpuint(f->daemon->stats_asked, ==, 2);
}

/* A worker that hangs costs its own numbers, not the scrape. */
static void test_metrics_without_answer(Fixture *f, gconstpointer data)
{
	Reply r = { 0 };

	(void)data;
	f->daemon->hold = TRUE;
	start(f, &r, message(f, "GET", "/metrics"));
	while (f->daemon->held->len < 1)
		g_main_context_iteration(NULL, TRUE);
	fake_release(f->daemon); /* the list; the statistics are held again */
	finish(&r);
	g_autofree char *body = text(&r);
	g_assert_nonnull(strstr(body, "\nmcu_calls 1\n"));
	g_assert_null(strstr(body, "mcu_worker_cpu_seconds_total{"));
	fake_release(f->daemon);
	reply_clear(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* wrong tokens are warned about */
	g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
#define ADD(name, token, fn) g_test_add("/http/server/" name, Fixture, token, setup, fn, teardown)
	ADD("routes", NULL, test_routes);
	ADD("routes-with-token", TOKEN, test_routes);
	g_test_add_func("/http/server/all-routes-tested", test_all_routes_tested);
	ADD("content", NULL, test_content);
	ADD("errors", NULL, test_errors);
	ADD("daemon-errors", NULL, test_daemon_errors);
	ADD("chunked-body", NULL, test_chunked_body);
	ADD("endless-body", NULL, test_endless_body);
	ADD("token", TOKEN, test_token);
	ADD("reload", TOKEN, test_reload);
	ADD("local-only", NULL, test_local_only);
	ADD("listen-errors", NULL, test_listen_errors);
	ADD("free-while-waiting", NULL, test_free_while_waiting);
	ADD("client-goes", NULL, test_client_goes_while_waiting);
	ADD("too-many-connections", NULL, test_too_many_connections);
	ADD("metrics-cached", NULL, test_metrics_cached);
	ADD("metrics-without-answer", NULL, test_metrics_without_answer);
	return g_test_run();
}
