#include "worker/service.h"

#include "base/log.h"
#include "ipc/error.h"
#include "ipc/worker-dbus.h"

#define OBJECT_PATH "/org/tessera/worker"

struct McuService {
	McuDbusWorker1 *skeleton;
	McuCall *call;
	char *call_id;
};

typedef GDBusMethodInvocation Invocation;
#define HANDLED G_DBUS_METHOD_INVOCATION_HANDLED

static void fail(Invocation *inv, int err, const char *text)
{
	g_autofree char *name = mcu_ipc_error_name(err);

	g_dbus_method_invocation_return_dbus_error(inv, name, text && *text ? text : "failed");
}

/* Replies with `values` (floating, may be NULL) or with the error. */
static gboolean reply(Invocation *inv, int r, const McuDiag *diag, GVariant *values)
{
	g_autofree char *text = NULL;

	if (r >= 0) {
		g_dbus_method_invocation_return_value(inv, values);
		return HANDLED;
	}
	if (values)
		g_variant_unref(g_variant_ref_sink(values));
	text = mcu_diag_str(diag);
	mcu_debug(g_dbus_method_invocation_get_method_name(inv), "refused: %s", text);
	fail(inv, r, text);
	return HANDLED;
}

static gboolean on_start(McuDbusWorker1 *o, Invocation *inv, const char *id, GVariant *options,
			 McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	(void)id;
	return reply(inv, mcu_call_start(s->call, options, &d), &d, NULL);
}

static gboolean on_reconfigure(McuDbusWorker1 *o, Invocation *inv, GVariant *options, McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_reconfigure(s->call, options, &d), &d, NULL);
}

static gboolean on_add_participant(McuDbusWorker1 *o, Invocation *inv, const char *id,
				   GVariant *props, McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_add_participant(s->call, id, props, &d), &d, NULL);
}

static gboolean on_update_participant(McuDbusWorker1 *o, Invocation *inv, const char *id,
				      GVariant *props, McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_update_participant(s->call, id, props, &d), &d, NULL);
}

static gboolean on_remove_participant(McuDbusWorker1 *o, Invocation *inv, const char *id,
				      McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_remove_participant(s->call, id, &d), &d, NULL);
}

static gboolean on_add_leg(McuDbusWorker1 *o, Invocation *inv, const char *leg,
			   const char *participant, GVariant *props, McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_add_leg(s->call, leg, participant, props, &d), &d, NULL);
}

static gboolean on_remove_leg(McuDbusWorker1 *o, Invocation *inv, const char *leg, McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_remove_leg(s->call, leg, &d), &d, NULL);
}

static gboolean on_set_offer(McuDbusWorker1 *o, Invocation *inv, const char *leg, const char *sdp,
			     McuService *s)
{
	g_autofree char *answer = NULL;
	McuDiag d = { 0 };
	int r = mcu_call_set_offer(s->call, leg, sdp, &answer, &d);

	(void)o;
	return reply(inv, r, &d, r < 0 ? NULL : g_variant_new("(s)", answer));
}

static gboolean on_make_offer(McuDbusWorker1 *o, Invocation *inv, const char *leg, GVariant *options,
			      McuService *s)
{
	g_autofree char *offer = NULL;
	McuDiag d = { 0 };
	int r = mcu_call_make_offer(s->call, leg, options, &offer, &d);

	(void)o;
	return reply(inv, r, &d, r < 0 ? NULL : g_variant_new("(s)", offer));
}

static gboolean on_set_answer(McuDbusWorker1 *o, Invocation *inv, const char *leg, const char *sdp,
			      McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_set_answer(s->call, leg, sdp, &d), &d, NULL);
}

static gboolean on_rollback(McuDbusWorker1 *o, Invocation *inv, const char *leg, McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_rollback(s->call, leg, &d), &d, NULL);
}

static gboolean on_request_keyframe(McuDbusWorker1 *o, Invocation *inv, const char *leg,
				    McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_request_keyframe(s->call, leg, &d), &d, NULL);
}

static gboolean on_set_layout(McuDbusWorker1 *o, Invocation *inv, GVariant *layout, McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_set_layout(s->call, layout, &d), &d, NULL);
}

static gboolean on_start_recording(McuDbusWorker1 *o, Invocation *inv, const char *path,
				   McuService *s)
{
	McuDiag d = { 0 };

	(void)o;
	return reply(inv, mcu_call_start_recording(s->call, path, &d), &d, NULL);
}

/* Ends an asynchronous verb without result. */
static void done_plain(void *data, int err, const char *text, GBytes *bytes)
{
	Invocation *inv = data;

	(void)bytes;
	if (err < 0)
		fail(inv, err, text);
	else
		g_dbus_method_invocation_return_value(inv, NULL);
}

static gboolean on_stop_recording(McuDbusWorker1 *o, Invocation *inv, McuService *s)
{
	(void)o;
	mcu_call_stop_recording(s->call, done_plain, inv);
	return HANDLED;
}

static void done_snapshot(void *data, int err, const char *text, GBytes *bytes)
{
	Invocation *inv = data;
	GVariant *jpeg;

	if (err < 0) {
		fail(inv, err, text);
		return;
	}
	jpeg = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
	g_dbus_method_invocation_return_value(inv, g_variant_new("(@ay)", jpeg));
}

static gboolean on_snapshot(McuDbusWorker1 *o, Invocation *inv, guint width, guint height,
			    McuService *s)
{
	(void)o;
	mcu_call_snapshot(s->call, width, height, done_snapshot, inv);
	return HANDLED;
}

static gboolean on_stats(McuDbusWorker1 *o, Invocation *inv, McuService *s)
{
	GVariant *stats = mcu_call_stats(s->call);

	(void)o;
	g_dbus_method_invocation_return_value(inv, g_variant_new("(@a{sv})", stats));
	return HANDLED;
}

static gboolean on_stop(McuDbusWorker1 *o, Invocation *inv, McuService *s)
{
	(void)o;
	mcu_call_stop(s->call, done_plain, inv);
	return HANDLED;
}

static void leg_event(void *data, const char *leg, const char *event, GVariant *detail)
{
	McuService *s = data;

	mcu_dbus_worker1_emit_leg_event(s->skeleton, leg, event, detail);
}

static void call_event(void *data, const char *event, GVariant *detail)
{
	McuService *s = data;

	mcu_dbus_worker1_emit_call_event(s->skeleton, event, detail);
}

static const struct {
	const char *signal;
	GCallback handler;
} methods[] = {
	{ "handle-start", G_CALLBACK(on_start) },
	{ "handle-reconfigure", G_CALLBACK(on_reconfigure) },
	{ "handle-add-participant", G_CALLBACK(on_add_participant) },
	{ "handle-update-participant", G_CALLBACK(on_update_participant) },
	{ "handle-remove-participant", G_CALLBACK(on_remove_participant) },
	{ "handle-add-leg", G_CALLBACK(on_add_leg) },
	{ "handle-remove-leg", G_CALLBACK(on_remove_leg) },
	{ "handle-set-offer", G_CALLBACK(on_set_offer) },
	{ "handle-make-offer", G_CALLBACK(on_make_offer) },
	{ "handle-set-answer", G_CALLBACK(on_set_answer) },
	{ "handle-rollback", G_CALLBACK(on_rollback) },
	{ "handle-request-keyframe", G_CALLBACK(on_request_keyframe) },
	{ "handle-set-layout", G_CALLBACK(on_set_layout) },
	{ "handle-start-recording", G_CALLBACK(on_start_recording) },
	{ "handle-stop-recording", G_CALLBACK(on_stop_recording) },
	{ "handle-snapshot", G_CALLBACK(on_snapshot) },
	{ "handle-stats", G_CALLBACK(on_stats) },
	{ "handle-stop", G_CALLBACK(on_stop) },
};

int mcu_service_new(GDBusConnection *connection, const char *call_id, McuService **ret,
		    McuDiag *reterr)
{
	static const McuCallHandler handler = { leg_event, call_event };
	g_autoptr(McuService) s = g_new0(McuService, 1);
	g_autoptr(GError) error = NULL;

	s->call_id = g_strdup(call_id);
	s->skeleton = mcu_dbus_worker1_skeleton_new();
	s->call = mcu_call_new(call_id, &handler, s);
	for (size_t i = 0; i < G_N_ELEMENTS(methods); i++)
		g_signal_connect(s->skeleton, methods[i].signal, methods[i].handler, s);
	if (!g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(s->skeleton), connection,
					      OBJECT_PATH, &error))
		return mcu_diag(reterr, -EIO, "cannot export %s: %s", OBJECT_PATH, error->message);
	*ret = g_steal_pointer(&s);
	return 0;
}

void mcu_service_free(McuService *s)
{
	if (!s)
		return;
	mcu_call_free(s->call);
	if (s->skeleton) {
		GDBusInterfaceSkeleton *skeleton = G_DBUS_INTERFACE_SKELETON(s->skeleton);
		if (g_dbus_interface_skeleton_get_connection(skeleton))
			g_dbus_interface_skeleton_unexport(skeleton);
		g_signal_handlers_disconnect_by_data(s->skeleton, s);
		g_object_unref(s->skeleton);
	}
	g_free(s->call_id);
	g_free(s);
}
