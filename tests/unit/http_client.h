/* A server with a made-up daemon, and a client of it, for the tests of mcu/http. */
#pragma once
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

static inline void setup(Fixture *f, gconstpointer token)
{
	f->daemon = fake_new();
	f->daemon->later = TRUE;
	f->server = fake_server(f->daemon, token);
	f->session =
		soup_session_new_with_options("max-conns", 4096, "max-conns-per-host", 4096, NULL);
	f->token = token;
}

static inline void teardown(Fixture *f, gconstpointer token)
{
	(void)token;
	g_clear_object(&f->session);
	g_clear_pointer(&f->server, mcu_http_server_free);
	fake_free(f->daemon);
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static inline void on_reply(GObject *session, GAsyncResult *result, gpointer data)
{
	Reply *r = data;

	r->bytes = soup_session_send_and_read_finish(SOUP_SESSION(session), result, &r->error);
	r->done = true;
}

static inline void reply_clear(Reply *r)
{
	g_clear_pointer(&r->bytes, g_bytes_unref);
	g_clear_object(&r->msg);
	g_clear_error(&r->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reply, reply_clear)

static inline SoupMessage *message(Fixture *f, const char *method, const char *path)
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

static inline void start(Fixture *f, Reply *r, SoupMessage *take)
{
	r->msg = take;
	soup_session_send_and_read_async(f->session, take, G_PRIORITY_DEFAULT, NULL, on_reply, r);
}

static inline void finish(Reply *r)
{
	while (!r->done)
		g_main_context_iteration(NULL, TRUE);
}

static inline Reply request_typed(Fixture *f, const char *method, const char *path,
				  const char *type, const char *body)
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

static inline Reply request(Fixture *f, const char *method, const char *path, const char *body)
{
	return request_typed(f, method, path, "application/json", body);
}

static inline const char *header(Reply *r, const char *name)
{
	return soup_message_headers_get_one(soup_message_get_response_headers(r->msg), name);
}

static inline char *text(Reply *r)
{
	return g_strndup(g_bytes_get_data(r->bytes, NULL), g_bytes_get_size(r->bytes));
}

static inline JsonNode *json(Reply *r)
{
	g_autofree char *body = text(r);
	g_autoptr(GError) error = NULL;
	JsonNode *node = json_from_string(body, &error);

	if (!node)
		g_error("no JSON: \"%s\"", body);
	return node;
}

static inline void assert_problem(Reply *r, unsigned status, const char *field)
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

static inline void refused(Fixture *f, const char *method, const char *path, const char *body,
			   unsigned status, const char *field)
{
	g_auto(Reply) r = request(f, method, path, body);

	assert_problem(&r, status, field);
}

static inline GSocketConnection *connect_raw(Fixture *f)
{
	g_autoptr(GSocketClient) client = g_socket_client_new();
	const char *url = mcu_http_server_url(f->server);
	g_autofree char *at = g_strndup(url + 7, strlen(url) - 8);
	GSocketConnection *c = g_socket_client_connect_to_host(client, at, 0, NULL, NULL);

	g_assert_nonnull(c);
	return c;
}

static inline void write_raw(GSocketConnection *c, const char *bytes)
{
	g_assert_true(g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(c)),
						bytes, strlen(bytes), NULL, NULL, NULL));
}
