#include "worker/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/call_priv.h"

/* Layouts of the site, then those of a source tree. */
static const char *const layout_dirs[] = { MCU_SYSCONFDIR "/tessera/layouts", "config/layouts",
					   NULL };

#define MAX_LEGS_PER_CALL 1000

static void participant_free(void *data)
{
	McuParticipant *p = data;

	g_free(p->id);
	g_free(p->name);
	g_free(p);
}

McuCall *mcu_call_new(const char *id, const McuCallHandler *handler, void *data)
{
	McuCall *call = g_new0(McuCall, 1);

	call->id = g_strdup(id);
	call->handler = *handler;
	call->data = data;
	call->start_ns = mcu_now_ns();
	mcu_worker_options_init(&call->options);
	call->participants = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, participant_free);
	call->legs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					   (GDestroyNotify)mcu_leg_free);
	call->timed_out = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	call->listeners = g_hash_table_new(NULL, NULL);
	call->sources = g_hash_table_new(NULL, NULL);
	call->watch = mcu_timer_new(mcu_call_watch, call);
	return call;
}

/* Legs first: they say goodbye while the engines still run. Engines before feeds: no encoder
 * thread may call into a feed that is gone. */
static void stop_media(McuCall *call)
{
	/* requests that are still queued are refused from here on */
	call->started = false;
	mcu_timer_set(call->watch, INT64_MAX);
	g_hash_table_remove_all(call->legs);
	if (call->recording) {
		mcu_recording_detach(call->recording);
		(void)mcu_recording_close(call->recording, MCU_CALL_CLOSE_TIMEOUT_NS);
		g_clear_pointer(&call->recording, mcu_recording_free);
	}
	/* jobs end in this loop */
	while (call->jobs)
		g_main_context_iteration(NULL, TRUE);
	if (call->audio)
		mcu_audio_engine_stop(call->audio);
	if (call->video)
		mcu_video_engine_stop(call->video);
	g_clear_pointer(&call->feeds, mcu_feeds_free);
	g_clear_pointer(&call->audio, mcu_audio_engine_free);
	g_clear_pointer(&call->video, mcu_video_engine_free);
	g_clear_pointer(&call->device, hw_device_unref);
}

void mcu_call_free(McuCall *call)
{
	if (!call)
		return;
	stop_media(call);
	mcu_timer_free(call->watch);
	g_hash_table_unref(call->legs);
	g_hash_table_unref(call->participants);
	g_hash_table_unref(call->timed_out);
	g_hash_table_unref(call->listeners);
	g_hash_table_unref(call->sources);
	mcu_worker_options_done(&call->options);
	g_free(call->id);
	g_free(call);
}

/* --- start --- */

/* Whoever asks by the API knows names, not our files. */
static int unknown_layout(const char *const *dirs, const char *name, McuDiag *reterr)
{
	g_autoptr(GPtrArray) names = mcu_layout_names(dirs);
	g_autofree char *all = NULL;

	g_ptr_array_add(names, NULL);
	all = g_strjoinv(", ", (char **)names->pdata);
	mcu_diag_where(reterr, 0, 0, "layout");
	return mcu_diag(reterr, -EINVAL, "found \"%s\", expected one of %s", name, all);
}

static int load_layout(McuCall *call, const char *name, McuLayout **ret, McuDiag *reterr)
{
	const char *const own[] = { call->options.layout_dir, NULL };
	const char *const *dirs = *own[0] ? own : layout_dirs;
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && dirs[i]; i++)
		r = mcu_layout_load(dirs[i], name, ret, reterr);
	if (r == -ENOENT && strcmp(name, "auto") == 0) {
		*ret = mcu_layout_new_auto();
		return 0;
	}
	return r == -ENOENT ? unknown_layout(dirs, name, reterr) : r;
}

static int open_device(McuCall *call, McuDiag *reterr)
{
	const char *device = call->options.device;
	HwDeviceConfig config = { .backend = HW_BACKEND_SOFT };

	if (g_str_has_prefix(device, "mock")) {
		config.backend = HW_BACKEND_MOCK;
		config.mock = device[4] == ':' ? device + 5 : NULL;
	} else if (strcmp(device, "soft") != 0) {
		return mcu_diag(reterr, -EINVAL, "device is \"%s\", expected soft", device);
	}
	return hw_device_open(&config, &call->device, reterr);
}

static int start_engines(McuCall *call, McuDiag *reterr)
{
	const McuWorkerOptions *o = &call->options;
	const McuAudioConfig audio = {
		.jitter_min_ms = o->jitter_min_ms,
		.jitter_max_ms = o->jitter_max_ms,
	};
	const McuVideoEngineConfig video = {
		.device = call->device,
		.width = (int)o->width,
		.height = (int)o->height,
		.fps = (int)o->fps,
		.decode_threads = o->decode_threads,
	};
	McuVideoEvents events;
	int r;

	mcu_call_video_events(call, &events);
	r = mcu_video_engine_new(&video, &events, NULL, &call->video, reterr);
	if (r < 0)
		return r;
	call->audio = mcu_audio_engine_new(&audio, &mcu_call_audio_handler, call, NULL);
	call->feeds = mcu_feeds_new(call->video, o);
	r = mcu_audio_engine_start(call->audio);
	if (r < 0)
		return mcu_diag(reterr, r, "audio engine: %s", mcu_err_name(r));
	mcu_video_engine_start(call->video);
	return 0;
}

int mcu_call_start(McuCall *call, GVariant *options, McuDiag *reterr)
{
	g_autoptr(McuLayout) layout = NULL;
	int r;

	if (call->started)
		return mcu_diag(reterr, -EBUSY, "the call has started already");
	r = mcu_worker_options_update(&call->options, options, reterr);
	if (r < 0)
		return r;
	mcu_log_setup("mcu-worker", call->options.log_level);
	r = load_layout(call, call->options.layout, &layout, reterr);
	if (r >= 0)
		r = open_device(call, reterr);
	if (r >= 0)
		r = start_engines(call, reterr);
	if (r < 0) {
		stop_media(call);
		return r;
	}
	mcu_video_engine_set_layout(call->video, layout, NULL, NULL);
	mcu_call_watch(call);
	call->started = true;
	mcu_info(call->id, "started: %ux%u at %u fps, %u bit/s", call->options.width,
		 call->options.height, call->options.fps, call->options.bitrate_bps);
	return 0;
}

int mcu_call_check_started(const McuCall *call, McuDiag *reterr)
{
	return call->started ? 0 : mcu_diag(reterr, -EPROTO, "the call has not started");
}

int mcu_call_reconfigure(McuCall *call, GVariant *options, McuDiag *reterr)
{
	unsigned bitrate = call->options.bitrate_bps;
	int r = mcu_worker_options_update(&call->options, options, reterr);

	if (r < 0)
		return r;
	mcu_log_setup("mcu-worker", call->options.log_level);
	if (call->started && call->options.bitrate_bps != bitrate)
		mcu_feeds_set_bitrate(call->feeds, call->options.bitrate_bps);
	return 0;
}

/* --- participants --- */

void mcu_call_show_participant(McuCall *call, const McuParticipant *p)
{
	const McuVideoParticipant props = {
		.name = p->name,
		.muted = p->muted,
		.camera_off = p->camera_off,
		.hidden = p->hidden,
		.held = p->held,
	};

	(void)mcu_video_engine_update_participant(call->video, p->id, &props);
	(void)mcu_audio_engine_set_muted(call->audio, p->num, p->muted);
}

static int read_props(McuParticipant *p, GVariant *props, McuDiag *reterr)
{
	GVariantDict d;
	GVariantIter iter;
	const char *key, *name;
	GVariant *value;

	g_variant_iter_init(&iter, props);
	while (g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
		bool is_flag = strcmp(key, "muted") == 0 || strcmp(key, "hidden") == 0 ||
			       strcmp(key, "camera-off") == 0;
		bool ok = is_flag ? g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN) :
				    strcmp(key, "name") == 0 &&
					    g_variant_is_of_type(value, G_VARIANT_TYPE_STRING);
		g_variant_unref(value);
		if (!ok)
			return mcu_diag(reterr, -EINVAL,
					"property %s, expected name (s), muted, hidden or camera-off (b)",
					key);
	}
	g_variant_dict_init(&d, props);
	gboolean flag;
	if (g_variant_dict_lookup(&d, "muted", "b", &flag))
		p->muted = flag;
	if (g_variant_dict_lookup(&d, "hidden", "b", &flag))
		p->hidden = flag;
	if (g_variant_dict_lookup(&d, "camera-off", "b", &flag))
		p->camera_off = flag;
	if (g_variant_dict_lookup(&d, "name", "&s", &name)) {
		g_free(p->name);
		p->name = g_strdup(name);
	}
	g_variant_dict_clear(&d);
	return 0;
}

static McuParticipant *find_participant(McuCall *call, const char *id, McuDiag *reterr)
{
	McuParticipant *p = g_hash_table_lookup(call->participants, id);

	if (!p)
		mcu_diag(reterr, -ENOENT, "no participant %s in the call", id);
	return p;
}

int mcu_call_add_participant(McuCall *call, const char *id, GVariant *props, McuDiag *reterr)
{
	const McuVideoParticipant nothing = { 0 };
	McuParticipant *p;
	int r = mcu_call_check_started(call, reterr);

	if (r < 0)
		return r;
	if (g_hash_table_contains(call->participants, id))
		return mcu_diag(reterr, -EEXIST, "participant %s is in the call already", id);
	if (g_hash_table_size(call->participants) >= call->options.max_participants)
		return mcu_diag(reterr, -EOVERFLOW, "the call is full: %u participants",
				call->options.max_participants);
	p = g_new0(McuParticipant, 1);
	p->id = g_strdup(id);
	p->name = g_strdup(id);
	p->num = ++call->last_id;
	r = read_props(p, props, reterr);
	if (r >= 0) {
		r = mcu_video_engine_add_participant(call->video, id, &nothing);
		if (r < 0)
			mcu_diag(reterr, r, "participant %s: %s", id, mcu_err_name(r));
	}
	if (r < 0) {
		participant_free(p);
		return r;
	}
	g_hash_table_insert(call->participants, p->id, p);
	mcu_call_show_participant(call, p);
	return 0;
}

int mcu_call_update_participant(McuCall *call, const char *id, GVariant *props, McuDiag *reterr)
{
	McuParticipant *p = find_participant(call, id, reterr);
	int r;

	if (!p)
		return -ENOENT;
	r = read_props(p, props, reterr);
	if (r >= 0)
		mcu_call_show_participant(call, p);
	return r;
}

static gboolean leg_is_of(gpointer key, gpointer leg, gpointer participant)
{
	(void)key;
	return strcmp(mcu_leg_participant(leg), participant) == 0;
}

int mcu_call_remove_participant(McuCall *call, const char *id, McuDiag *reterr)
{
	McuParticipant *p = find_participant(call, id, reterr);

	if (!p)
		return -ENOENT;
	g_hash_table_foreach_remove(call->legs, leg_is_of, p->id);
	(void)mcu_audio_engine_remove_participant(call->audio, p->num);
	mcu_video_engine_remove_participant(call->video, p->id);
	g_hash_table_remove(call->participants, p->id);
	return 0;
}

/* --- legs --- */

int mcu_call_add_leg(McuCall *call, const char *id, const char *participant, GVariant *props,
		     McuDiag *reterr)
{
	McuParticipant *p = find_participant(call, participant, reterr);
	McuLegParams params = { .id = id, .address = "127.0.0.1" };
	McuLeg *leg;
	int r = mcu_call_check_started(call, reterr);

	if (r < 0)
		return r;
	if (!p)
		return -ENOENT;
	if (g_hash_table_contains(call->legs, id))
		return mcu_diag(reterr, -EEXIST, "leg %s exists already", id);
	if (g_hash_table_size(call->legs) >= MAX_LEGS_PER_CALL)
		return mcu_diag(reterr, -EOVERFLOW, "the call has %u legs", MAX_LEGS_PER_CALL);
	(void)g_variant_lookup(props, "local-address", "&s", &params.address);
	mcu_call_stream_env(call, p, &params.env);
	leg = mcu_leg_new(&params);
	g_hash_table_insert(call->legs, (void *)mcu_leg_id(leg), leg);
	return 0;
}

static McuLeg *find_leg(McuCall *call, const char *id, McuDiag *reterr)
{
	McuLeg *leg = g_hash_table_lookup(call->legs, id);

	if (!leg)
		mcu_diag(reterr, -ENOENT, "no leg %s in the call", id);
	return leg;
}

int mcu_call_remove_leg(McuCall *call, const char *id, McuDiag *reterr)
{
	g_hash_table_remove(call->timed_out, id);
	if (!g_hash_table_remove(call->legs, id))
		return mcu_diag(reterr, -ENOENT, "no leg %s in the call", id);
	return 0;
}

int mcu_call_set_offer(McuCall *call, const char *id, const char *sdp, char **ret_answer,
		       McuDiag *reterr)
{
	McuLeg *leg = find_leg(call, id, reterr);

	return leg ? mcu_leg_set_offer(leg, sdp, ret_answer, reterr) : -ENOENT;
}

int mcu_call_make_offer(McuCall *call, const char *id, GVariant *options, char **ret_offer,
			McuDiag *reterr)
{
	McuLeg *leg = find_leg(call, id, reterr);
	gboolean hold = FALSE;

	if (!leg)
		return -ENOENT;
	(void)g_variant_lookup(options, "hold", "b", &hold);
	return mcu_leg_make_offer(leg, hold, ret_offer, reterr);
}

int mcu_call_set_answer(McuCall *call, const char *id, const char *sdp, McuDiag *reterr)
{
	McuLeg *leg = find_leg(call, id, reterr);

	return leg ? mcu_leg_set_answer(leg, sdp, reterr) : -ENOENT;
}

int mcu_call_rollback(McuCall *call, const char *id, McuDiag *reterr)
{
	McuLeg *leg = find_leg(call, id, reterr);

	if (!leg)
		return -ENOENT;
	mcu_leg_rollback(leg);
	return 0;
}

int mcu_call_request_keyframe(McuCall *call, const char *id, McuDiag *reterr)
{
	McuLeg *leg = find_leg(call, id, reterr);

	if (!leg)
		return -ENOENT;
	mcu_leg_request_keyframe(leg);
	return 0;
}

/* --- layout --- */

int mcu_call_set_layout(McuCall *call, GVariant *dict, McuDiag *reterr)
{
	g_autoptr(McuLayout) layout = NULL;
	g_autofree const char **order = NULL;
	const char *name, *focus = "";
	int r = mcu_call_check_started(call, reterr);

	if (r < 0)
		return r;
	name = mcu_video_engine_layout_name(call->video);
	(void)g_variant_lookup(dict, "name", "&s", &name);
	(void)g_variant_lookup(dict, "focus", "&s", &focus);
	(void)g_variant_lookup(dict, "order", "^a&s", &order);
	r = load_layout(call, name, &layout, reterr);
	if (r < 0)
		return r;
	mcu_video_engine_set_layout(call->video, layout, focus, order);
	mcu_call_emit(call, "layout", mcu_detail("name", mcu_layout_name(layout)));
	return 0;
}

/* --- stop --- */

void mcu_call_stop(McuCall *call, McuCallDone done, void *data)
{
	g_hash_table_remove_all(call->legs);
	if (call->recording)
		mcu_call_close_recording(call, done, data);
	else
		done(data, 0, NULL, NULL);
}
