/* The event WebSocket: every event of the daemon to every subscriber, as one JSON text each.
 *
 *   daemon --event--> JSON --> subscriber (bounded) --> libsoup's queue --> socket
 *
 * libsoup 3.2 neither bounds its queue nor tells its length. It writes at default priority while
 * the socket takes bytes, so a source of low priority on the same socket runs only once the queue
 * is empty: what was sent since then is the backlog.
 */
#include <string.h>

#include "http/http_priv.h"
#include "http/json.h"

#define PING_S       20
#define INCOMING_MAX 4096 /* a subscriber has nothing to say */

typedef struct Subscriber {
	McuHttpEvents *events;
	SoupWebsocketConnection *ws;
	size_t backlog; /* bytes sent since the queue was last seen empty */
	GSource *drained;
	GList link;
} Subscriber;

struct McuHttpEvents {
	McuDaemon *daemon;
	McuHttpCounts *counts;
	unsigned subscription;
	GQueue subscribers;
};

static GIOStream *stream_of(Subscriber *sub)
{
	return soup_websocket_connection_get_io_stream(sub->ws);
}

static void stop_watching(Subscriber *sub)
{
	if (sub->drained)
		g_source_destroy(sub->drained);
	g_clear_pointer(&sub->drained, g_source_unref);
}

static void subscriber_free(Subscriber *sub)
{
	stop_watching(sub);
	g_signal_handlers_disconnect_by_data(sub->ws, sub);
	g_queue_unlink(&sub->events->subscribers, &sub->link);
	g_object_unref(sub->ws);
	g_free(sub);
}

/* Hang up without waiting for a peer that may never read. */
static void drop(Subscriber *sub)
{
	(void)g_io_stream_close(stream_of(sub), NULL, NULL);
	subscriber_free(sub);
}

static gboolean on_drained(GObject *stream, gpointer data)
{
	Subscriber *sub = data;

	(void)stream;
	sub->backlog = 0;
	stop_watching(sub);
	return G_SOURCE_REMOVE;
}

static void watch(Subscriber *sub)
{
	GOutputStream *out = g_io_stream_get_output_stream(stream_of(sub));

	if (sub->drained)
		return;
	sub->drained = g_pollable_output_stream_create_source(G_POLLABLE_OUTPUT_STREAM(out), NULL);
	g_source_set_priority(sub->drained, G_PRIORITY_LOW);
	g_source_set_callback(sub->drained, G_SOURCE_FUNC(on_drained), sub, NULL);
	g_source_attach(sub->drained, NULL);
}

static void send_to(Subscriber *sub, const char *text, size_t len)
{
	if (soup_websocket_connection_get_state(sub->ws) != SOUP_WEBSOCKET_STATE_OPEN)
		return;
	sub->backlog += len;
	if (sub->backlog > MCU_MAX_HTTP_BACKLOG) {
		mcu_info("http", "an event subscriber is too slow and is closed");
		drop(sub);
		return;
	}
	soup_websocket_connection_send_text(sub->ws, text);
	watch(sub);
}

static void on_event(void *data, const char *event, GVariant *detail)
{
	McuHttpEvents *ev = data;
	g_autofree char *text = NULL;

	if (!ev->subscribers.head)
		return;
	text = mcu_json_event(event, detail);
	for (GList *l = ev->subscribers.head, *next; l; l = next) {
		next = l->next;
		send_to(l->data, text, strlen(text));
	}
}

static void on_closed(SoupWebsocketConnection *ws, gpointer data)
{
	(void)ws;
	subscriber_free(data);
}

static void on_open(SoupServer *soup, SoupServerMessage *msg, const char *path,
		    SoupWebsocketConnection *ws, gpointer data)
{
	McuHttpEvents *ev = data;
	Subscriber *sub = g_new0(Subscriber, 1);

	(void)soup;
	(void)msg;
	(void)path;
	sub->events = ev;
	sub->ws = g_object_ref(ws);
	sub->link.data = sub;
	g_queue_push_tail_link(&ev->subscribers, &sub->link);
	ev->counts->by_status[101]++;
	soup_websocket_connection_set_keepalive_interval(ws, PING_S);
	soup_websocket_connection_set_max_incoming_payload_size(ws, INCOMING_MAX);
	g_signal_connect(ws, "closed", G_CALLBACK(on_closed), sub);
}

McuHttpEvents *mcu_http_events_new(McuDaemon *d, SoupServer *soup, const char *path,
				   McuHttpCounts *counts)
{
	McuHttpEvents *ev = g_new0(McuHttpEvents, 1);

	ev->daemon = d;
	ev->counts = counts;
	g_queue_init(&ev->subscribers);
	ev->subscription = mcu_control_subscribe(d, on_event, ev);
	soup_server_add_websocket_handler(soup, path, NULL, NULL, on_open, ev, NULL);
	return ev;
}

void mcu_http_events_free(McuHttpEvents *ev)
{
	if (!ev)
		return;
	mcu_control_unsubscribe(ev->daemon, ev->subscription);
	while (ev->subscribers.head)
		drop(ev->subscribers.head->data);
	g_free(ev);
}

unsigned mcu_http_events_subscribers(const McuHttpEvents *ev)
{
	return ev->subscribers.length;
}
