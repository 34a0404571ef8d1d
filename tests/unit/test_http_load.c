/* mcu/http under load and over time: big bodies, slow daemons, clients that go, many of them. */
#include "http_client.h"

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
	g_auto(Reply) soon = request(f, "GET", "/metrics", NULL);
	g_assert_cmpuint(soup_message_get_status(soon.msg), ==, 200);
	g_assert_cmpuint(f->daemon->stats_asked, ==, 1);
	g_usleep(1100 * 1000);
	g_auto(Reply) later = request(f, "GET", "/metrics", NULL);
	g_autofree char *body = text(&later);
	g_assert_nonnull(strstr(body, "mcu_http_requests_total{code=\"200\"} 4\n"));
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
#define ADD(name, token, fn) g_test_add("/http/load/" name, Fixture, token, setup, fn, teardown)
	ADD("chunked-body", NULL, test_chunked_body);
	ADD("endless-body", NULL, test_endless_body);
	ADD("free-while-waiting", NULL, test_free_while_waiting);
	ADD("client-goes", NULL, test_client_goes_while_waiting);
	ADD("too-many-connections", NULL, test_too_many_connections);
	ADD("metrics-cached", NULL, test_metrics_cached);
	ADD("metrics-without-answer", NULL, test_metrics_without_answer);
	return g_test_run();
}
