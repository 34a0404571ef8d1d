#include "ipc/client.h"

#include <gio/gio.h>
#include <stdbool.h>

#include "ipc/error.h"
#include "ipc/worker-dbus.h"

#define WORKER_PATH "/org/tessera/worker"

/* Every asynchronous operation holds a reference, so that what completes after _free() finds
 * `dead` instead of freed memory. */
struct McuIpcClient {
	const McuIpcClientEvents *events;
	void *data;
	GDBusConnection *connection;
	McuDbusWorker1 *proxy;
	GCancellable *cancel;
	gulong closed_handler;
	bool dead; /* _free() was called */
	bool closed;
};

typedef struct Request {
	McuIpcClient *client;
	McuIpcReplyFn fn;
	void *data;
} Request;

static void client_clear(void *p)
{
	McuIpcClient *c = p;

	g_clear_object(&c->proxy);
	g_clear_object(&c->connection);
	g_clear_object(&c->cancel);
}

static void client_unref(McuIpcClient *c)
{
	g_rc_box_release_full(c, client_clear);
}

static void emit_closed(McuIpcClient *c, const char *reason)
{
	if (c->dead || c->closed)
		return;
	c->closed = true;
	c->events->closed(c->data, reason);
}

static int from_gerror(GError *error)
{
	g_autofree char *remote = NULL;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
		return -ETIMEDOUT;
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CLOSED) ||
	    g_error_matches(error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
		return -EPIPE;
	remote = g_dbus_error_get_remote_error(error);
	g_dbus_error_strip_remote_error(error);
	return mcu_ipc_error_from_name(remote);
}

static void on_reply(GObject *source, GAsyncResult *res, gpointer p)
{
	Request *rq = p;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) result = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), res, &error);

	if (rq->fn) {
		int err = result ? 0 : from_gerror(error);

		rq->fn(rq->data, rq->client->dead ? -ECANCELED : err, error ? error->message : NULL,
		       result);
	}
	client_unref(rq->client);
	g_free(rq);
}

void mcu_ipc_client_request(McuIpcClient *c, const char *method, GVariant *args,
			    unsigned timeout_ms, McuIpcReplyFn fn, void *data)
{
	Request *rq;

	g_assert(c->proxy);
	rq = g_new(Request, 1);
	*rq = (Request){ .client = g_rc_box_acquire(c), .fn = fn, .data = data };
	g_dbus_proxy_call(G_DBUS_PROXY(c->proxy), method, args, G_DBUS_CALL_FLAGS_NONE,
			  (int)timeout_ms, c->cancel, on_reply, rq);
}

static void on_leg_event(McuDbusWorker1 *proxy, const char *leg, const char *event,
			 GVariant *detail, gpointer p)
{
	McuIpcClient *c = p;

	(void)proxy;
	if (!c->dead)
		c->events->leg_event(c->data, leg, event, detail);
}

static void on_call_event(McuDbusWorker1 *proxy, const char *event, GVariant *detail, gpointer p)
{
	McuIpcClient *c = p;

	(void)proxy;
	if (!c->dead)
		c->events->call_event(c->data, event, detail);
}

static void on_closed(GDBusConnection *connection, gboolean vanished, GError *error, gpointer p)
{
	(void)connection;
	(void)vanished;
	emit_closed(p, error ? error->message : "the connection was closed");
}

static void on_proxy(GObject *source, GAsyncResult *res, gpointer p)
{
	McuIpcClient *c = p;
	g_autoptr(GError) error = NULL;
	McuDbusWorker1 *proxy = mcu_dbus_worker1_proxy_new_finish(res, &error);

	(void)source;
	if (c->dead || c->closed) {
		g_clear_object(&proxy);
	} else if (!proxy) {
		emit_closed(c, error->message);
	} else {
		c->proxy = proxy;
		g_signal_connect(proxy, "leg-event", G_CALLBACK(on_leg_event), c);
		g_signal_connect(proxy, "call-event", G_CALLBACK(on_call_event), c);
		c->events->ready(c->data);
	}
	client_unref(c);
}

static void on_connected(GObject *source, GAsyncResult *res, gpointer p)
{
	McuIpcClient *c = p;
	g_autoptr(GError) error = NULL;
	GDBusConnection *connection = g_dbus_connection_new_finish(res, &error);

	(void)source;
	if (c->dead) {
		g_clear_object(&connection);
	} else if (!connection) {
		emit_closed(c, error->message);
	} else {
		c->connection = connection;
		g_dbus_connection_set_exit_on_close(connection, FALSE);
		c->closed_handler =
			g_signal_connect(connection, "closed", G_CALLBACK(on_closed), c);
		mcu_dbus_worker1_proxy_new(connection, G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES,
					   NULL, WORKER_PATH, c->cancel, on_proxy,
					   g_rc_box_acquire(c));
	}
	client_unref(c);
}

McuIpcClient *mcu_ipc_client_new(int fd, const McuIpcClientEvents *events, void *data)
{
	McuIpcClient *c = g_rc_box_new0(McuIpcClient);
	g_autoptr(GError) error = NULL;
	g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, &error);
	g_autoptr(GSocketConnection) stream = NULL;
	g_autofree char *guid = g_dbus_generate_guid();

	if (!socket) /* only a descriptor that is no socket: our own bug */
		g_error("mcu_ipc_client_new: %s", error->message);
	c->events = events;
	c->data = data;
	c->cancel = g_cancellable_new();
	stream = g_socket_connection_factory_create_connection(socket);
	g_dbus_connection_new(G_IO_STREAM(stream), guid,
			      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER, NULL, c->cancel,
			      on_connected, g_rc_box_acquire(c));
	return c;
}

void mcu_ipc_client_free(McuIpcClient *c)
{
	if (!c)
		return;
	c->dead = true;
	if (c->proxy)
		g_signal_handlers_disconnect_by_data(c->proxy, c);
	if (c->closed_handler)
		g_signal_handler_disconnect(c->connection, c->closed_handler);
	g_cancellable_cancel(c->cancel);
	if (c->connection)
		g_dbus_connection_close(c->connection, NULL, NULL, NULL);
	client_unref(c);
}
