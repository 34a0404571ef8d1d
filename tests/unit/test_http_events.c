/* mcu/http/events.c: subscribers get every event, slow ones are closed, nobody else notices. */
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

#include "fake_control.h"
#include "http/http_priv.h"

typedef struct Fixture {
	McuDaemon *daemon;
	McuHttpServer *server;
	SoupSession *session;
} Fixture;

typedef struct Client {
	SoupWebsocketConnection *ws;
	GError *error;
	bool done, closed;
	GPtrArray *texts;
} Client;

static void setup(Fixture *f, gconstpointer data)
{
	(void)data;
	f->daemon = fake_new();
	f->server = fake_server(f->daemon, NULL);
	f->session =
		soup_session_new_with_options("max-conns", 4096, "max-conns-per-host", 4096, NULL);
}

static void teardown(Fixture *f, gconstpointer data)
{
	(void)data;
	g_clear_object(&f->session);
	g_clear_pointer(&f->server, mcu_http_server_free);
	g_assert_null(f->daemon->event_fn);
	fake_free(f->daemon);
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static void on_text(SoupWebsocketConnection *ws, int type, GBytes *bytes, gpointer data)
{
	Client *c = data;

	(void)ws;
	g_assert_cmpint(type, ==, SOUP_WEBSOCKET_DATA_TEXT);
	g_ptr_array_add(c->texts,
			g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)));
}

static void on_closed(SoupWebsocketConnection *ws, gpointer data)
{
	(void)ws;
	((Client *)data)->closed = true;
}

static void on_connected(GObject *session, GAsyncResult *result, gpointer data)
{
	Client *c = data;

	c->ws = soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &c->error);
	c->done = true;
	if (!c->ws)
		return;
	g_signal_connect(c->ws, "message", G_CALLBACK(on_text), c);
	g_signal_connect(c->ws, "closed", G_CALLBACK(on_closed), c);
}

static Client *subscribe(Fixture *f)
{
	Client *c = g_new0(Client, 1);
	g_autofree char *url =
		g_strdup_printf("ws%sapi/v1/events", mcu_http_server_url(f->server) + 4);
	g_autoptr(SoupMessage) msg = soup_message_new("GET", url);

	c->texts = g_ptr_array_new_with_free_func(g_free);
	soup_session_websocket_connect_async(f->session, msg, NULL, NULL, G_PRIORITY_DEFAULT, NULL,
					     on_connected, c);
	while (!c->done)
		g_main_context_iteration(NULL, TRUE);
	return c;
}

static void client_free(Client *c)
{
	if (c->ws)
		g_signal_handlers_disconnect_by_data(c->ws, c);
	g_clear_object(&c->ws);
	g_clear_error(&c->error);
	g_ptr_array_unref(c->texts);
	g_free(c);
}

static void turn(unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		g_main_context_iteration(NULL, FALSE);
}

static GVariant *detail(void)
{
	return g_variant_new_parsed(
		"{'call': <'demo'>, 'participant': <'p1'>, 'name': <'Zürich'>}");
}

static void wait_texts(Client *c, unsigned n)
{
	while (c->texts->len < n)
		g_main_context_iteration(NULL, TRUE);
}

static void test_all_hear(Fixture *f, gconstpointer data)
{
	Client *a = subscribe(f), *b = subscribe(f);

	(void)data;
	g_assert_no_error(a->error);
	g_assert_cmpuint(mcu_http_events_subscribers(f->server->events), ==, 2);
	fake_event(f->daemon, "participant-joined", detail());
	fake_event(f->daemon, "participant-left", detail());
	wait_texts(a, 2);
	wait_texts(b, 2);
	g_autoptr(JsonNode) node = json_from_string(a->texts->pdata[0], NULL);
	JsonObject *o = json_node_get_object(node);
	g_assert_cmpstr(json_object_get_string_member(o, "type"), ==, "participant-joined");
	g_assert_cmpstr(json_object_get_string_member(o, "call"), ==, "demo");
	g_assert_cmpstr(json_object_get_string_member(o, "name"), ==, "Zürich");
	g_autoptr(GDateTime) time =
		g_date_time_new_from_iso8601(json_object_get_string_member(o, "time"), NULL);
	g_assert_nonnull(time);
	g_assert_nonnull(strstr(b->texts->pdata[1], "participant-left"));
	client_free(a);
	client_free(b);
}

static void test_leaving(Fixture *f, gconstpointer data)
{
	Client *stays = subscribe(f), *leaves = subscribe(f), *vanishes = subscribe(f);

	(void)data;
	soup_websocket_connection_close(leaves->ws, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
	(void)g_io_stream_close(soup_websocket_connection_get_io_stream(vanishes->ws), NULL, NULL);
	while (mcu_http_events_subscribers(f->server->events) > 1)
		g_main_context_iteration(NULL, TRUE);
	fake_event(f->daemon, "call-ended", detail());
	wait_texts(stays, 1);
	client_free(stays);
	client_free(leaves);
	client_free(vanishes);
}

/* One who never reads is closed; memory stays bounded; the others go on. */
static void test_slow(Fixture *f, gconstpointer data)
{
	Client *reads = subscribe(f);
	g_autoptr(GSocketClient) client = g_socket_client_new();
	const char *url = mcu_http_server_url(f->server);
	g_autofree char *at = g_strndup(url + 7, strlen(url) - 8), *long_name = NULL;
	g_autoptr(GSocketConnection) c = g_socket_client_connect_to_host(client, at, 0, NULL, NULL);
	static const char ask[] = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
				  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
				  "Sec-WebSocket-Version: 13\r\n"
				  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
	unsigned sent = 0;

	(void)data;
	g_assert_true(g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(c)), ask,
						strlen(ask), NULL, NULL, NULL));
	while (mcu_http_events_subscribers(f->server->events) < 2)
		g_main_context_iteration(NULL, TRUE);
	long_name = g_strnfill(8000, 'x');
	while (mcu_http_events_subscribers(f->server->events) > 1 && sent < 5000) {
		fake_event(f->daemon, "layout",
			   g_variant_new_parsed("{'call': <'demo'>, 'name': <%s>}", long_name));
		sent++;
		wait_texts(reads, sent);
	}
	g_assert_cmpuint(sent, >, MCU_MAX_HTTP_BACKLOG / 8100);
	g_assert_cmpuint(sent, <, 5000);
	g_assert_false(reads->closed);
	client_free(reads);
}

/* A burst within one turn of the loop is no reason to close anybody. */
static void test_burst(Fixture *f, gconstpointer data)
{
	Client *a = subscribe(f);
	g_autofree char *name = g_strnfill(1000, 'x');

	(void)data;
	for (int i = 0; i < 200; i++)
		fake_event(f->daemon, "layout",
			   g_variant_new_parsed("{'call': <'demo'>, 'name': <%s>}", name));
	wait_texts(a, 200);
	g_assert_cmpuint(mcu_http_events_subscribers(f->server->events), ==, 1);
	client_free(a);
}

static void test_talkative(Fixture *f, gconstpointer data)
{
	Client *a = subscribe(f);
	g_autofree char *text = g_strnfill(100000, 'x');

	(void)data;
	soup_websocket_connection_send_text(a->ws, "hello");
	turn(20);
	g_assert_cmpuint(mcu_http_events_subscribers(f->server->events), ==, 1);
	soup_websocket_connection_send_text(a->ws, text);
	while (!a->closed)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpuint(mcu_http_events_subscribers(f->server->events), ==, 0);
	client_free(a);
}

static void test_too_many(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)client_free);

	(void)data;
	for (int i = 0; i < MCU_MAX_HTTP_SUBSCRIBERS; i++) {
		g_ptr_array_add(all, subscribe(f));
		g_assert_nonnull(((Client *)all->pdata[i])->ws);
	}
	g_ptr_array_add(all, subscribe(f));
	Client *last = all->pdata[MCU_MAX_HTTP_SUBSCRIBERS];
	g_assert_null(last->ws);
	g_assert_error(last->error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_ERROR_NOT_WEBSOCKET);
}

static void test_server_ends(Fixture *f, gconstpointer data)
{
	Client *a = subscribe(f);

	(void)data;
	fake_event(f->daemon, "layout", detail());
	g_clear_pointer(&f->server, mcu_http_server_free);
	while (!a->closed)
		g_main_context_iteration(NULL, TRUE);
	g_assert_false(fake_event(f->daemon, "layout", detail()));
	client_free(a);
}

/* Whoever knows only the old token hears nothing more. */
static void test_token_changes(Fixture *f, gconstpointer data)
{
	g_autoptr(McuConf) conf = mcu_conf_new();
	Client *a = subscribe(f);

	(void)data;
	mcu_http_server_reload(f->server, conf);
	turn(20);
	g_assert_false(a->closed);
	g_free(conf->http.token);
	conf->http.token = g_strdup("another-secret");
	mcu_http_server_reload(f->server, conf);
	while (!a->closed)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpuint(mcu_http_events_subscribers(f->server->events), ==, 0);
	client_free(a);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/http/events/" name, Fixture, NULL, setup, fn, teardown)
	ADD("all-hear", test_all_hear);
	ADD("token-changes", test_token_changes);
	ADD("leaving", test_leaving);
	ADD("slow", test_slow);
	ADD("burst", test_burst);
	ADD("talkative", test_talkative);
	ADD("too-many", test_too_many);
	ADD("server-ends", test_server_ends);
	return g_test_run();
}
