/* A worker without media, for tests of the daemon: answers Worker1 with canned SDP and remembers
 * what it was asked. In a process of its own (main.c) or inside a unit test.
 *
 * The call's id chooses how it behaves:
 *   refuse*  SetOffer fails with not-supported        hang*   SetOffer is never answered
 *   slow*    SetOffer is answered after 500 ms        keyframe*  asks for a keyframe after SetOffer
 *   nostart* Start fails with invalid                 dies*   the process ends at SetOffer
 */
#pragma once
#include <gio/gio.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "ipc/worker-dbus.h"

#define FAKE_SLOW_MS 500

typedef struct FakeWorker {
	GDBusConnection *connection;
	guint object;
	char *call;
	GString *log;     /* "Start AddParticipant:p1 AddLeg:p1.1 SetOffer:p1.1 …" */
	unsigned version; /* of our SDP */
	bool refuse_answer, in_process;
	void (*closed)(void *data);
	void *data;
} FakeWorker;

static inline char *fake_worker_sdp(FakeWorker *w)
{
	return g_strdup_printf(
		"v=0\r\no=fake %u %u IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
		"t=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
		(unsigned)getpid(), ++w->version);
}

static inline bool fake_worker_is(const FakeWorker *w, const char *kind)
{
	return w->call && g_str_has_prefix(w->call, kind);
}

static inline void fake_worker_fail(GDBusMethodInvocation *inv, const char *name)
{
	g_autofree char *full = g_strconcat("org.tessera.Error.", name, NULL);

	g_dbus_method_invocation_return_dbus_error(inv, full, "the fake worker was told to");
}

static inline void fake_worker_emit(FakeWorker *w, const char *signal, GVariant *args)
{
	g_dbus_connection_emit_signal(w->connection, NULL, "/org/tessera/worker",
				      "org.tessera.Worker1", signal, args, NULL);
}

static inline void fake_worker_leg_event(FakeWorker *w, const char *leg, const char *event)
{
	fake_worker_emit(
		w, "LegEvent",
		g_variant_new("(ss@a{sv})", leg, event, g_variant_new_parsed("@a{sv} {}")));
}

static inline void fake_worker_hold(FakeWorker *w, const char *leg, const char *sdp)
{
	bool held = strstr(sdp, "a=sendonly") || strstr(sdp, "a=inactive");

	fake_worker_leg_event(w, leg, held ? "hold" : "resume");
}

typedef struct FakeLater {
	FakeWorker *worker;
	GDBusMethodInvocation *inv;
} FakeLater;

static inline gboolean fake_worker_late(gpointer p)
{
	g_autofree FakeLater *later = p;
	g_autofree char *sdp = fake_worker_sdp(later->worker);

	g_dbus_method_invocation_return_value(later->inv, g_variant_new("(s)", sdp));
	return G_SOURCE_REMOVE;
}

static inline void fake_worker_set_offer(FakeWorker *w, GDBusMethodInvocation *inv, const char *leg,
					 const char *offer)
{
	g_autofree char *sdp = NULL;

	if (fake_worker_is(w, "dies") && !w->in_process)
		_exit(3);
	if (fake_worker_is(w, "hang"))
		return;
	if (fake_worker_is(w, "refuse") || strstr(offer, "a=unacceptable")) {
		fake_worker_fail(inv, "not_supported");
		return;
	}
	if (fake_worker_is(w, "slow")) {
		FakeLater *later = g_new(FakeLater, 1);

		*later = (FakeLater){ .worker = w, .inv = inv };
		g_timeout_add(FAKE_SLOW_MS, fake_worker_late, later);
		return;
	}
	sdp = fake_worker_sdp(w);
	g_dbus_method_invocation_return_value(inv, g_variant_new("(s)", sdp));
	fake_worker_hold(w, leg, offer);
	if (fake_worker_is(w, "keyframe"))
		fake_worker_leg_event(w, leg, "keyframe-wanted");
}

static inline gboolean fake_worker_on_call(FakeWorker *w, GDBusMethodInvocation *inv,
					   GVariant *params)
{
	const char *method = g_dbus_method_invocation_get_method_name(inv);
	const char *first = NULL, *second = NULL;
	g_autofree char *sdp = NULL;

	if (g_variant_n_children(params) > 0 &&
	    g_variant_type_equal(g_variant_type_first(g_variant_get_type(params)),
				 G_VARIANT_TYPE_STRING))
		g_variant_get_child(params, 0, "&s", &first);
	if (g_variant_is_of_type(params, G_VARIANT_TYPE("(ss)")))
		g_variant_get_child(params, 1, "&s", &second);
	g_string_append_printf(w->log, "%s%s%s%s", w->log->len ? " " : "", method, first ? ":" : "",
			       first ? first : "");
	if (strcmp(method, "Start") == 0) {
		g_free(w->call);
		w->call = g_strdup(first);
		if (fake_worker_is(w, "nostart")) {
			fake_worker_fail(inv, "invalid");
			return TRUE;
		}
	}
	if (strcmp(method, "SetOffer") == 0) {
		fake_worker_set_offer(w, inv, first, second);
	} else if (strcmp(method, "MakeOffer") == 0) {
		sdp = fake_worker_sdp(w);
		g_dbus_method_invocation_return_value(inv, g_variant_new("(s)", sdp));
	} else if (strcmp(method, "SetAnswer") == 0 && w->refuse_answer) {
		fake_worker_fail(inv, "invalid");
	} else if (strcmp(method, "Snapshot") == 0) {
		g_dbus_method_invocation_return_value(inv,
						      g_variant_new_parsed("([byte 0xff, 0xd8],)"));
	} else if (strcmp(method, "Stats") == 0) {
		g_dbus_method_invocation_return_value(
			inv, g_variant_new_parsed("({'participants': <uint32 0>},)"));
	} else {
		g_dbus_method_invocation_return_value(inv, NULL);
	}
	return TRUE;
}

static inline void fake_worker_dispatch(GDBusConnection *c, const char *sender, const char *path,
					const char *iface, const char *method, GVariant *params,
					GDBusMethodInvocation *inv, gpointer p)
{
	(void)c, (void)sender, (void)path, (void)iface, (void)method;
	fake_worker_on_call(p, inv, params);
}

static inline void fake_worker_on_closed(GDBusConnection *c, gboolean vanished, GError *error,
					 gpointer p)
{
	FakeWorker *w = p;

	(void)c, (void)vanished, (void)error;
	if (w->closed)
		w->closed(w->data);
}

static inline void fake_worker_on_connected(GObject *source, GAsyncResult *res, gpointer p)
{
	static const GDBusInterfaceVTable vtable = { .method_call = fake_worker_dispatch };
	FakeWorker *w = p;

	(void)source;
	w->connection = g_dbus_connection_new_finish(res, NULL);
	if (!w->connection) {
		if (w->closed)
			w->closed(w->data);
		return;
	}
	g_dbus_connection_set_exit_on_close(w->connection, FALSE);
	g_signal_connect(w->connection, "closed", G_CALLBACK(fake_worker_on_closed), w);
	/* one handler for all methods: it is the log that counts */
	w->object = g_dbus_connection_register_object(w->connection, "/org/tessera/worker",
						      mcu_dbus_worker1_interface_info(), &vtable, w,
						      NULL, NULL);
	g_dbus_connection_start_message_processing(w->connection);
}

/** Owns: takes `fd`. */
static inline FakeWorker *fake_worker_new(int fd)
{
	FakeWorker *w = g_new0(FakeWorker, 1);
	g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, NULL);
	g_autoptr(GSocketConnection) stream = g_socket_connection_factory_create_connection(socket);

	w->log = g_string_new(NULL);
	g_dbus_connection_new(G_IO_STREAM(stream), NULL,
			      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
				      G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
			      NULL, NULL, fake_worker_on_connected, w);
	return w;
}

static inline void fake_worker_free(FakeWorker *w)
{
	if (w->connection) {
		g_signal_handlers_disconnect_by_data(w->connection, w);
		g_dbus_connection_unregister_object(w->connection, w->object);
		g_dbus_connection_close(w->connection, NULL, NULL, NULL);
		g_object_unref(w->connection);
	}
	g_string_free(w->log, TRUE);
	g_free(w->call);
	g_free(w);
}
