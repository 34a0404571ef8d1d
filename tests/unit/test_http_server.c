/* mcu/http as a client sees it: every route, every error, who may pass. */
#include "http_client.h"

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
			json_node_unref(json(&r));
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
		assert_problem(&r, errors[i].status, errors[i].err == -EINVAL ? "uri" : NULL);
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
	ADD("token", TOKEN, test_token);
	ADD("reload", TOKEN, test_reload);
	ADD("local-only", NULL, test_local_only);
	ADD("listen-errors", NULL, test_listen_errors);
	return g_test_run();
}
