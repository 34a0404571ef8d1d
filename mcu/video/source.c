#include "video/source.h"

#include <string.h>

#include "base/clock.h"
#include "base/ring.h"
#include "video/count.h"

#define RING_SIZE    32 /* holds MCU_VIDEO_QUEUE_MAX */
#define RETIRED_SIZE 16
/* A picture this much overdue is skipped for the next one. */
#define LATE_NS (50 * MCU_NS_PER_MS)
/* Decoded pictures that wait until they are due: the surface budget of a source. */
#define READY_SIZE      8
#define KEY_WAIT_MIN_NS (300 * MCU_NS_PER_MS)
#define KEY_WAIT_MAX_NS (2 * MCU_NS_PER_SEC)
/* A decoder that failed for good is made anew after this. */
#define DECODER_RETRY_NS MCU_NS_PER_SEC

static void au_free(void *p)
{
	McuQueued *au = p;

	if (au) {
		g_free(au->data);
		g_free(au);
	}
}

static void frame_free(void *frame)
{
	hw_frame_unref(frame);
}

McuVideoSource *mcu_video_source_new(HwDevice *device, uint32_t id, HwCodec codec, uint32_t person)
{
	McuVideoSource *s = g_new0(McuVideoSource, 1);

	atomic_store(&s->refs, 1);
	s->id = id;
	s->codec = codec;
	s->device = hw_device_ref(device);
	s->person = person;
	s->told = MCU_VIDEO_SOURCE_NONE;
	s->queue = mcu_ring_new(RING_SIZE, au_free);
	s->spare = mcu_ring_new(RING_SIZE, au_free);
	s->ready = mcu_ring_new(READY_SIZE, frame_free);
	s->retired = mcu_ring_new(RETIRED_SIZE, frame_free);
	s->wait_key = true;
	return s;
}

McuVideoSource *mcu_video_source_ref(McuVideoSource *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void mcu_video_source_unref(McuVideoSource *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
		return;
	hw_frame_unref(s->shown);
	mcu_ring_free(s->queue);
	mcu_ring_free(s->spare);
	mcu_ring_free(s->ready);
	mcu_ring_free(s->retired);
	hw_decoder_free(s->dec);
	hw_device_unref(s->device);
	g_free(s);
}

/* --- loop --- */

void mcu_video_source_need_key(McuVideoSource *s, int64_t due_ns)
{
	if (s->need_key) {
		s->key_due_ns = MIN(s->key_due_ns, MAX(due_ns, s->key_last_ns + s->key_wait_ns));
		return;
	}
	s->need_key = true;
	/* trouble again soon after a request: go on with the pauses where they were */
	if (!s->key_last_ns || due_ns > s->key_last_ns + 2 * KEY_WAIT_MAX_NS)
		s->key_wait_ns = 0;
	s->key_due_ns = s->key_last_ns ? MAX(due_ns, s->key_last_ns + s->key_wait_ns) : due_ns;
}

bool mcu_video_source_key_due(McuVideoSource *s, int64_t now_ns)
{
	if (!s->need_key || !s->visible || now_ns < s->key_due_ns)
		return false;
	s->key_wait_ns = CLAMP(2 * s->key_wait_ns, KEY_WAIT_MIN_NS, KEY_WAIT_MAX_NS);
	s->key_last_ns = now_ns;
	s->key_due_ns = now_ns + s->key_wait_ns;
	s->keyframe_requests++;
	return true;
}

void mcu_video_source_set_visible(McuVideoSource *s, bool visible, int tile_w, int tile_h,
				  int64_t now_ns)
{
	s->tile_w = tile_w;
	s->tile_h = tile_h;
	if (visible == s->visible)
		return;
	s->visible = visible;
	if (!visible) {
		atomic_store(&s->skip_before, s->seq + 1);
		return;
	}
	s->need_key = false;
	/* a new source starts with a keyframe by itself, most times */
	mcu_video_source_need_key(s, s->pushed ? now_ns : now_ns + KEY_WAIT_MIN_NS);
}

/* A buffer of at least `len` bytes, used again where possible. NULL when there is no memory. */
static McuQueued *au_get(McuVideoSource *s, size_t len)
{
	McuQueued *au = mcu_ring_pop(s->spare);
	uint8_t *data;

	if (!au)
		au = g_new0(McuQueued, 1);
	if (au->capacity >= len)
		return au;
	data = g_try_realloc(au->data, len + len / 4);
	if (!data) {
		au_free(au);
		return NULL;
	}
	au->data = data;
	au->capacity = len + len / 4;
	return au;
}

static int refuse(uint64_t *counter)
{
	(*counter)++;
	return -EAGAIN;
}

/* By policy: is this one taken? */
static int admit(McuVideoSource *s, const McuQueued *in, int64_t now_ns)
{
	if (atomic_exchange(&s->failed, false) && s->visible)
		mcu_video_source_need_key(s, now_ns);
	if (!s->visible)
		return refuse(&s->dropped_hidden);
	if (s->need_key && !in->keyframe) {
		mcu_video_source_need_key(s, now_ns);
		return refuse(&s->dropped_wait);
	}
	if (mcu_ring_len(s->queue) >= MCU_VIDEO_QUEUE_MAX ||
	    atomic_load(&s->queue_bytes) + in->len > MCU_VIDEO_QUEUE_BYTES) {
		s->overflowed = true;
		/* nothing that waits is worth decoding once a keyframe has come */
		if (in->keyframe)
			atomic_store(&s->skip_before, s->seq + 1);
		mcu_video_source_need_key(s, now_ns);
		return refuse(&s->dropped_queue);
	}
	return 0;
}

int mcu_video_source_take(McuVideoSource *s, const McuQueued *in, int64_t now_ns)
{
	McuQueued *au;
	int err;

	s->pushed++;
	err = admit(s, in, now_ns);
	if (err < 0)
		return err;
	au = au_get(s, in->len);
	if (!au) {
		mcu_video_source_need_key(s, now_ns);
		return -ENOMEM;
	}
	memcpy(au->data, in->data, in->len);
	au->len = in->len;
	au->pts_ns = in->pts_ns;
	au->arrival_ns = in->arrival_ns;
	au->keyframe = in->keyframe;
	/* a gap in the numbers tells dec that references are gone */
	s->seq += s->need_key ? 2 : 1;
	au->seq = s->seq;
	if (s->need_key)
		atomic_store(&s->skip_before, au->seq);
	s->need_key = false;
	atomic_fetch_add(&s->queue_bytes, au->len);
	if (!mcu_ring_push(s->queue, au))
		g_assert_not_reached(); /* RING_SIZE > MCU_VIDEO_QUEUE_MAX */
	return 0;
}

McuVideoSourceState mcu_video_source_state(const McuVideoSource *s, int64_t now_ns)
{
	int64_t picture_ns = atomic_load(&s->picture_ns);

	if (!picture_ns)
		return MCU_VIDEO_SOURCE_NONE;
	return now_ns - picture_ns > MCU_VIDEO_STALE_MS * MCU_NS_PER_MS ? MCU_VIDEO_SOURCE_STALE
									: MCU_VIDEO_SOURCE_LIVE;
}

void mcu_video_source_stats(McuVideoSource *s, int64_t now_ns, McuVideoSourceStats *ret)
{
	uint64_t size = atomic_load(&s->size);
	int64_t picture_ns = atomic_load(&s->picture_ns);
	const char *name = atomic_load(&s->decoder_name);

	*ret = (McuVideoSourceStats){
		.state = mcu_video_source_state(s, now_ns),
		.visible = s->visible,
		.width = (int)(size >> 32),
		.height = (int)(size & UINT32_MAX),
		.age_ns = picture_ns ? MAX(0, now_ns - picture_ns) : -1,
		.fps = s->fps,
		.pushed = s->pushed,
		.decoded = count_get(&s->decoded),
		.keyframes = count_get(&s->keyframes),
		.decode_ns = count_get(&s->decode_ns),
		.decode_errors = count_get(&s->decode_errors),
		.dropped_hidden = s->dropped_hidden,
		.dropped_wait = s->dropped_wait,
		.dropped_queue = s->dropped_queue,
		.keyframe_requests = s->keyframe_requests,
		.queue = mcu_ring_len(s->queue),
	};
	g_strlcpy(ret->decoder, name ? name : "", sizeof ret->decoder);
}

/* --- dec --- */

static void lose(McuVideoSource *s)
{
	count_add(&s->decode_errors, 1);
	s->wait_key = true;
	atomic_store(&s->failed, true);
}

static void drop_decoder(McuVideoSource *s)
{
	g_clear_pointer(&s->dec, hw_decoder_free);
	s->retry_ns = mcu_now_ns() + DECODER_RETRY_NS;
	lose(s);
}

static bool ensure_decoder(McuVideoSource *s)
{
	HwDecoderConfig config = { .codec = s->codec };

	if (s->dec)
		return true;
	if (mcu_now_ns() < s->retry_ns || hw_decoder_new(s->device, &config, &s->dec, NULL) < 0) {
		if (mcu_now_ns() >= s->retry_ns)
			s->retry_ns = mcu_now_ns() + DECODER_RETRY_NS;
		lose(s);
		return false;
	}
	s->filter_skipped = false;
	/* outlives the decoder; there are few names */
	atomic_store(&s->decoder_name, g_intern_string(hw_decoder_name(s->dec)));
	return true;
}

/* Hand a picture over. Drop policy: the new one goes when vtick has not come by for long. */
static void publish(McuVideoSource *s, HwFrame *frame, int64_t arrival_ns)
{
	uint64_t size = (uint64_t)hw_frame_width(frame) << 32 | (unsigned)hw_frame_height(frame);

	atomic_store(&s->size, size);
	atomic_store(&s->picture_ns, arrival_ns);
	if (!mcu_ring_push(s->ready, frame))
		hw_frame_unref(frame);
}

static void decode_one(McuVideoSource *s, const McuQueued *au)
{
	HwFrame *frame = NULL, *newest = NULL;
	bool skip = atomic_load(&s->skip_loop_filter);
	int err;

	if (skip != s->filter_skipped)
		hw_decoder_set_skip_loop_filter(s->dec, s->filter_skipped = skip);
	err = hw_decoder_send(s->dec, au->data, au->len, au->pts_ns);
	while (err == 0 && (err = hw_decoder_receive(s->dec, &frame)) == 0) {
		hw_frame_unref(newest);
		newest = frame;
		count_add(&s->decoded, 1);
	}
	if (newest)
		publish(s, newest, au->arrival_ns);
	if (err == -EAGAIN) {
		count_add(&s->keyframes, au->keyframe);
		s->wait_key = false;
	} else if (err == -EIO) {
		drop_decoder(s);
	} else {
		lose(s);
	}
}

static void handle(McuVideoSource *s, const McuQueued *au)
{
	int64_t start;

	if (atomic_load(&s->removed) || au->seq < atomic_load(&s->skip_before))
		return;
	if (au->seq != s->next_seq)
		s->wait_key = true;
	s->next_seq = au->seq + 1;
	if (s->wait_key && !au->keyframe)
		return;
	if (!ensure_decoder(s))
		return;
	if (s->wait_key)
		hw_decoder_flush(s->dec);
	start = mcu_now_ns();
	decode_one(s, au);
	count_add(&s->decode_ns, (uint64_t)(mcu_now_ns() - start));
}

static void free_retired(McuVideoSource *s)
{
	HwFrame *frame;

	while ((frame = mcu_ring_pop(s->retired)))
		hw_frame_unref(frame);
}

bool mcu_video_source_pending(McuVideoSource *s)
{
	return mcu_ring_len(s->queue) > 0;
}

void mcu_video_source_decode(McuVideoSource *s, unsigned most)
{
	McuQueued *au;

	free_retired(s);
	while (most-- && (au = mcu_ring_pop(s->queue))) {
		handle(s, au);
		atomic_fetch_sub(&s->queue_bytes, au->len);
		if (!mcu_ring_push(s->spare, au))
			au_free(au);
	}
}

/* --- vtick --- */

/* A time far ahead is a sender's mistake: better early than frozen. */
static bool is_due(const HwFrame *picture, int64_t now_ns)
{
	int64_t wait = hw_frame_pts_ns(picture) - now_ns;

	return wait <= 0 || wait > MCU_VIDEO_MAX_WAIT_MS * MCU_NS_PER_MS;
}

HwFrame *mcu_video_source_picture(McuVideoSource *s, int64_t now_ns)
{
	HwFrame *next;
	bool taken = false;

	/* one a tick, so that of two that became due together both are seen; the late are skipped */
	while ((next = mcu_ring_peek(s->ready)) && is_due(next, now_ns) &&
	       (!taken || hw_frame_pts_ns(next) < now_ns - LATE_NS)) {
		taken = true;
		if (s->shown && !mcu_ring_push(s->retired, s->shown))
			hw_frame_unref(s->shown);
		s->shown = mcu_ring_pop(s->ready);
	}
	return s->shown;
}
