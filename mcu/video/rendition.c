#include "video/rendition.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/thread.h"
#include "video/count.h"
#include "video/label.h"
#include "video/layout.h"

#define RETRY_NS MCU_NS_PER_SEC
#define FRESH    4u /* bit of `middle`: not yet taken by enc */

typedef struct Shot {
	HwFrame *frame;
	int64_t tick_ns;
} Shot;

struct McuRendition {
	_Atomic unsigned refs;
	McuRenditionConfig config; /* sizes and rate filled in */
	HwDevice *device;
	bool scaled; /* differs from the canvas in size */
	int fps;     /* negotiated, <= the engine's */

	/* --- any -> vtick --- */
	_Atomic bool active, key_requested;
	_Atomic int engine_fps;

	/* --- vtick --- */
	bool was_active;
	int64_t last_post_ns, last_force_ns, next_due_ns;
	uint64_t last_serial;
	unsigned back; /* its shot of the three */

	/* --- mailbox: three shots; one is vtick's, one enc's, one in the middle --- */
	Shot shots[3];
	_Atomic unsigned middle;
	_Atomic bool force_key; /* the next encoded picture is a keyframe */
	sem_t posted;

	/* --- enc --- */
	GThread *thread;
	_Atomic bool stopping;
	unsigned front;
	HwEncoder *enc;
	HwComposer *scaler;
	int64_t retry_ns;
	int set_bitrate, set_fps; /* what the encoder knows */

	/* --- any -> enc --- */
	_Atomic int bitrate_bps;

	/* --- counters: enc, but for requests (any) and overwritten (vtick) --- */
	_Atomic int64_t last_key_ns; /* tick of the last keyframe */
	_Atomic uint64_t frames, bytes, keyframes, encode_ns, encode_max_ns, failures, overwritten;
	_Atomic uint64_t requests;
	_Atomic int qp;
	_Atomic(const char *) name;
};

/* --- life --- */

static int open_encoder(McuRendition *r, McuDiag *reterr)
{
	HwEncoderConfig config = r->config.encoder;
	int err;

	config.bitrate_bps = atomic_load(&r->bitrate_bps);
	err = hw_encoder_new(r->device, &config, &r->enc, reterr);
	if (err < 0)
		return err;
	r->set_bitrate = config.bitrate_bps;
	r->set_fps = r->fps;
	atomic_store(&r->name, g_intern_string(hw_encoder_name(r->enc)));
	atomic_store(&r->force_key, true);
	return 0;
}

static void *enc_thread(void *data)
{
	McuRendition *r = data;

	while (!atomic_load(&r->stopping)) {
		while (sem_wait(&r->posted) < 0)
			; /* EINTR */
		if (!atomic_load(&r->stopping))
			mcu_rendition_run(r);
	}
	return NULL;
}

static int complete_config(McuRendition *r, const McuRenditionEnv *env, McuDiag *reterr)
{
	HwEncoderConfig *c = &r->config.encoder;

	if (!c->width || !c->height) {
		c->width = env->width;
		c->height = env->height;
	}
	if (!c->fps_num || !c->fps_den || c->fps_num > env->fps * c->fps_den) {
		c->fps_num = env->fps;
		c->fps_den = 1;
	}
	r->fps = MAX(1, c->fps_num / c->fps_den);
	r->scaled = c->width != env->width || c->height != env->height;
	if (!r->config.on_packet || c->bitrate_bps <= 0)
		return mcu_diag(reterr, -EINVAL, "found a rendition without %s, expected one",
				r->config.on_packet ? "bit rate" : "receiver");
	return 0;
}

int mcu_rendition_new(const McuRenditionEnv *env, const McuRenditionConfig *config,
		      McuRendition **ret, McuDiag *reterr)
{
	McuRendition *r = g_new0(McuRendition, 1);
	int err;

	atomic_store(&r->refs, 1);
	r->config = *config;
	r->device = hw_device_ref(env->device);
	sem_init(&r->posted, 0, 0);
	r->back = 0;
	r->front = 1;
	atomic_store(&r->middle, 2);
	atomic_store(&r->qp, -1);
	atomic_store(&r->engine_fps, env->fps);
	err = complete_config(r, env, reterr);
	if (err == 0) {
		atomic_store(&r->bitrate_bps, r->config.encoder.bitrate_bps);
		err = open_encoder(r, reterr);
	}
	if (err == 0 && r->scaled)
		err = hw_composer_new(r->device, r->config.encoder.width, r->config.encoder.height,
				      &r->scaler, reterr);
	if (err < 0) {
		mcu_rendition_unref(r);
		return err;
	}
	if (!env->manual)
		r->thread = mcu_thread_start("enc", enc_thread, r);
	*ret = r;
	return 0;
}

McuRendition *mcu_rendition_ref(McuRendition *r)
{
	atomic_fetch_add(&r->refs, 1);
	return r;
}

void mcu_rendition_unref(McuRendition *r)
{
	if (!r || atomic_fetch_sub(&r->refs, 1) > 1)
		return;
	g_assert(!r->thread);
	for (size_t i = 0; i < G_N_ELEMENTS(r->shots); i++)
		hw_frame_unref(r->shots[i].frame);
	hw_encoder_free(r->enc);
	hw_composer_free(r->scaler);
	sem_destroy(&r->posted);
	hw_device_unref(r->device);
	g_free(r);
}

void mcu_rendition_stop(McuRendition *r)
{
	atomic_store(&r->active, false);
	atomic_store(&r->stopping, true);
	if (!r->thread)
		return;
	sem_post(&r->posted);
	g_thread_join(g_steal_pointer(&r->thread));
}

/* --- any thread --- */

void mcu_rendition_set_active(McuRendition *r, bool active)
{
	atomic_store(&r->active, active);
}

void mcu_rendition_request_keyframe(McuRendition *r)
{
	atomic_fetch_add(&r->requests, 1);
	atomic_store(&r->key_requested, true);
}

void mcu_rendition_set_bitrate(McuRendition *r, int bitrate_bps)
{
	atomic_store(&r->bitrate_bps, CLAMP(bitrate_bps, HW_MIN_BITRATE_BPS, HW_MAX_BITRATE_BPS));
}

void mcu_rendition_set_engine_fps(McuRendition *r, int fps)
{
	atomic_store(&r->engine_fps, fps);
}

uint64_t mcu_rendition_overwritten(McuRendition *r)
{
	return count_get(&r->overwritten);
}

void mcu_rendition_stats(McuRendition *r, McuRenditionStats *ret)
{
	const char *name = atomic_load(&r->name);

	*ret = (McuRenditionStats){
		.active = atomic_load(&r->active),
		.width = r->config.encoder.width,
		.height = r->config.encoder.height,
		.bitrate_bps = atomic_load(&r->bitrate_bps),
		.frames = count_get(&r->frames),
		.bytes = count_get(&r->bytes),
		.keyframes = count_get(&r->keyframes),
		.keyframe_requests = atomic_load(&r->requests),
		.encode_ns = count_get(&r->encode_ns),
		.encode_max_ns = count_get(&r->encode_max_ns),
		.overwritten = count_get(&r->overwritten),
		.failures = count_get(&r->failures),
		.qp = atomic_load(&r->qp),
	};
	g_strlcpy(ret->encoder, name ? name : "", sizeof ret->encoder);
}

/* --- vtick --- */

/* Is it time for a picture at the rendition's own rate? */
static bool rate_allows(McuRendition *r, int64_t now_ns)
{
	int engine_fps = atomic_load_explicit(&r->engine_fps, memory_order_relaxed);
	int64_t interval = MCU_NS_PER_SEC / r->fps;

	if (r->fps >= engine_fps)
		return true;
	/* half a tick early counts as in time */
	if (now_ns < r->next_due_ns - MCU_NS_PER_SEC / engine_fps / 2)
		return false;
	r->next_due_ns = MAX(r->next_due_ns + interval, now_ns + interval / 2);
	return true;
}

/* Merged requests: one keyframe per window. */
static bool keyframe_due(McuRendition *r, int64_t now_ns)
{
	int64_t last = MAX(r->last_force_ns, atomic_load(&r->last_key_ns));

	if (last && now_ns < last + MCU_VIDEO_KEYFRAME_MS * MCU_NS_PER_MS)
		return false;
	return atomic_exchange(&r->key_requested, false);
}

static void put(McuRendition *r, HwFrame *canvas, int64_t now_ns)
{
	Shot *shot = &r->shots[r->back];
	unsigned was;

	shot->frame = hw_frame_ref(canvas);
	shot->tick_ns = now_ns;
	was = atomic_exchange(&r->middle, r->back | FRESH);
	if (was & FRESH)
		count_add(&r->overwritten, 1);
	r->back = was & ~FRESH;
	g_clear_pointer(&r->shots[r->back].frame, hw_frame_unref);
	/* one that was overwritten has been counted in the semaphore already */
	if (!(was & FRESH))
		sem_post(&r->posted);
}

void mcu_rendition_post(McuRendition *r, HwFrame *canvas, int64_t now_ns)
{
	uint64_t serial = hw_frame_serial(canvas);
	bool key, due;

	if (!atomic_load(&r->active)) {
		r->was_active = false;
		return;
	}
	key = keyframe_due(r, now_ns);
	if (!r->was_active) {
		r->was_active = true;
		key = true;
		atomic_store(&r->key_requested, false);
	}
	if (key) {
		r->last_force_ns = now_ns;
		atomic_store(&r->force_key, true);
	}
	due = now_ns - r->last_post_ns >= MCU_VIDEO_REFRESH_MS * MCU_NS_PER_MS;
	if (!key && !due && (serial == r->last_serial || !rate_allows(r, now_ns)))
		return;
	r->last_post_ns = now_ns;
	r->last_serial = serial;
	put(r, canvas, now_ns);
}

/* --- enc --- */

/* Take the newest shot. The frame is the caller's; NULL when there is none. */
static HwFrame *take(McuRendition *r, int64_t *ret_tick_ns)
{
	if (!(atomic_load(&r->middle) & FRESH))
		return NULL;
	r->front = atomic_exchange(&r->middle, r->front) & ~FRESH;
	*ret_tick_ns = r->shots[r->front].tick_ns;
	return g_steal_pointer(&r->shots[r->front].frame);
}

static void fail(McuRendition *r)
{
	count_add(&r->failures, 1);
	g_clear_pointer(&r->enc, hw_encoder_free);
	r->retry_ns = mcu_now_ns() + RETRY_NS;
}

static bool ensure_encoder(McuRendition *r)
{
	if (r->enc)
		return true;
	if (mcu_now_ns() < r->retry_ns)
		return false;
	if (open_encoder(r, NULL) < 0) {
		r->retry_ns = mcu_now_ns() + RETRY_NS;
		return false;
	}
	return true;
}

static void apply_changes(McuRendition *r)
{
	int bitrate = atomic_load(&r->bitrate_bps);
	int fps = MIN(r->fps, atomic_load(&r->engine_fps));

	if (bitrate != r->set_bitrate) {
		r->set_bitrate = bitrate;
		(void)hw_encoder_set_bitrate(r->enc, bitrate);
	}
	if (fps != r->set_fps) {
		r->set_fps = fps;
		(void)hw_encoder_set_fps(r->enc, fps, 1);
	}
}

/* The canvas in the rendition's size, whole. */
static int scale(McuRendition *r, HwFrame *canvas, HwFrame **ret)
{
	HwRect all = { 0, 0, r->config.encoder.width, r->config.encoder.height };
	HwDrawItem item = { .frame = canvas, .alpha = 255 };
	HwDrawList list = { &item, 1, MCU_COLOR_CANVAS };

	mcu_fit_picture(MCU_FIT_LETTERBOX, all, hw_frame_width(canvas), hw_frame_height(canvas),
			&item.crop, &item.dst);
	return hw_composer_compose(r->scaler, &list, ret);
}

static void deliver(McuRendition *r, const HwPacket *pkt, int64_t tick_ns)
{
	count_add(&r->frames, 1);
	count_add(&r->bytes, pkt->len);
	atomic_store(&r->qp, pkt->qp);
	if (pkt->keyframe) {
		count_add(&r->keyframes, 1);
		atomic_store(&r->last_key_ns, tick_ns);
	}
	r->config.on_packet(r->config.data, pkt, tick_ns);
}

static void encode(McuRendition *r, HwFrame *frame, int64_t tick_ns)
{
	bool key = atomic_exchange(&r->force_key, false);
	int64_t start = mcu_now_ns(), spent;
	HwPacket pkt;
	int err = hw_encoder_send(r->enc, frame, key), n = 0;

	while (err == 0 && (err = hw_encoder_receive(r->enc, &pkt)) == 0) {
		spent = mcu_now_ns() - start;
		count_add(&r->encode_ns, (uint64_t)spent);
		count_max(&r->encode_max_ns, (uint64_t)spent);
		deliver(r, &pkt, tick_ns);
		start = mcu_now_ns();
		n++;
	}
	/* left out by rate control: the keyframe is still owed */
	if (key && n == 0)
		atomic_store(&r->force_key, true);
	if (err != -EAGAIN)
		fail(r);
}

void mcu_rendition_run(McuRendition *r)
{
	int64_t tick_ns;
	g_autoptr(HwFrame) canvas = take(r, &tick_ns), scaled = NULL;

	if (!canvas || !ensure_encoder(r))
		return;
	apply_changes(r);
	if (r->scaled && scale(r, canvas, &scaled) < 0) {
		fail(r);
		return;
	}
	encode(r, scaled ? scaled : canvas, tick_ns);
}
