/* The event WebSocket: every event of the daemon to every subscriber, as one JSON text each.
 *
 *   daemon --event--> JSON --> subscriber (bounded) --> libsoup's queue --> kernel
 *
 * libsoup 3.2 neither bounds its queue nor tells its length, so its length is worked out: what it
 * was given less what the kernel has taken.
 */
#include <string.h>

#include "http/http_priv.h"
#include "http/json.h"
#include "http/sendq.h"

#define PING_S       20
#define INCOMING_MAX 4096 /* a subscriber has nothing to say */
#define FRAME_HEADER 4    /* of a text of 126 bytes to 64 KiB */

typedef struct Subscriber {
	McuHttpEvents *events;
	SoupWebsocketConnection *ws;
	GSocket *socket;
	uint64_t given; /* to libsoup, in the kernel's count */
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

static void subscriber_free(Subscriber *sub)
{
	g_signal_handlers_disconnect_by_data(sub->ws, sub);
	g_queue_unlink(&sub->events->subscribers, &sub->link);
	g_object_unref(sub->ws);
	g_object_unref(sub->socket);
	g_free(sub);
}

/* Hang up without waiting for a peer that may never read. */
static void drop(Subscriber *sub)
{
	(void)g_io_stream_close(stream_of(sub), NULL, NULL);
	subscriber_free(sub);
}

static void send_to(Subscriber *sub, const char *text, size_t len)
{
	uint64_t taken = mcu_sendq_taken(g_socket_get_fd(sub->socket));

	if (soup_websocket_connection_get_state(sub->ws) != SOUP_WEBSOCKET_STATE_OPEN)
		return;
	/* pings, which we do not count, went out too: the queue is empty */
	sub->given = MAX(sub->given, taken) + len + FRAME_HEADER;
	if (sub->given - taken > MCU_MAX_HTTP_BACKLOG) {
		mcu_info("http", "an event subscriber is too slow and is closed");
		drop(sub);
		return;
	}
	soup_websocket_connection_send_text(sub->ws, text);
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
	(void)path;
	sub->events = ev;
	sub->ws = g_object_ref(ws);
	sub->socket = g_object_ref(mcu_http_socket(msg));
	sub->given = mcu_sendq_taken(g_socket_get_fd(sub->socket));
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

void mcu_http_events_drop(McuHttpEvents *ev)
{
	while (ev->subscribers.head)
		drop(ev->subscribers.head->data);
}

void mcu_http_events_free(McuHttpEvents *ev)
{
	if (!ev)
		return;
	mcu_control_unsubscribe(ev->daemon, ev->subscription);
	mcu_http_events_drop(ev);
	g_free(ev);
}

unsigned mcu_http_events_subscribers(const McuHttpEvents *ev)
{
	return ev->subscribers.length;
}
