#include "rec/recorder.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ring.h"
#include "base/thread.h"
#include "rec/writer.h"

/* Sound kept until the first keyframe tells where the time line begins. */
#define PREROLL_SLOTS 25
/* Between requests that were not answered by a keyframe. */
#define ASK_AGAIN_NS MCU_NS_PER_SEC
#define STOP_NS      (INT64_C(3) * MCU_NS_PER_SEC)

typedef struct Picture {
	int64_t pts_ns;
	size_t len;
	bool keyframe;
	uint8_t data[];
} Picture;

typedef struct Slot {
	int64_t pts_ns;
	float pcm[MCU_REC_SLOT_FRAMES];
} Slot;

struct McuRecorder {
	McuRecorderHandler handler;
	void *data;
	int wake_fd;
	GThread *thread;

	/* shared with the producers */
	McuRing *pictures;       /* enc -> rec */
	McuRing *slots, *unused; /* atick -> rec, rec -> atick */
	Slot *slot_memory;
	_Atomic size_t picture_bytes;
	_Atomic uint64_t dropped_pictures, dropped_slots;
	_Atomic bool want_keyframe, stopping, ended;
	bool dropping; /* enc thread: until the next keyframe */

	/* rec thread */
	McuRecWriter *writer;
	int64_t ask_at_ns;

	/* pthread's, so that ThreadSanitizer sees them; guards stats, done, err */
	pthread_mutex_t lock;
	pthread_cond_t done_cond; /* waits on CLOCK_MONOTONIC */
	bool done;
	int err;
	McuRecorderStats stats;
};

static void wake(McuRecorder *rec)
{
	const uint64_t one = 1;

	(void)!write(rec->wake_fd, &one, sizeof(one));
}

/* --- producers --- */

static int drop_picture(McuRecorder *rec)
{
	rec->dropping = true;
	atomic_fetch_add(&rec->dropped_pictures, 1);
	atomic_store(&rec->want_keyframe, true);
	return -ENOSPC;
}

int mcu_recorder_push_video(McuRecorder *rec, const uint8_t *au, size_t len, bool keyframe,
			    int64_t pts_ns)
{
	Picture *pic;

	if (atomic_load(&rec->ended))
		return -ECANCELED;
	if (rec->dropping && !keyframe)
		return drop_picture(rec);
	if (atomic_load(&rec->picture_bytes) + len > MCU_REC_MAX_PICTURE_BYTES)
		return drop_picture(rec);
	pic = g_try_malloc(sizeof(*pic) + len);
	if (!pic)
		return drop_picture(rec);
	pic->pts_ns = pts_ns;
	pic->len = len;
	pic->keyframe = keyframe;
	memcpy(pic->data, au, len);
	atomic_fetch_add(&rec->picture_bytes, len);
	if (!mcu_ring_push(rec->pictures, pic)) {
		atomic_fetch_sub(&rec->picture_bytes, len);
		g_free(pic);
		return drop_picture(rec);
	}
	rec->dropping = false;
	wake(rec);
	return 0;
}

void mcu_recorder_push_audio(McuRecorder *rec, const float *pcm, int64_t pts_ns)
{
	Slot *slot;
	bool pushed;

	if (atomic_load(&rec->ended))
		return;
	slot = mcu_ring_pop(rec->unused);
	if (!slot) {
		atomic_fetch_add(&rec->dropped_slots, 1);
		return;
	}
	slot->pts_ns = pts_ns;
	memcpy(slot->pcm, pcm, sizeof(slot->pcm));
	/* both rings hold all slots, so neither push can fail */
	pushed = mcu_ring_push(rec->slots, slot);
	g_assert(pushed);
	wake(rec);
}

/* --- the rec thread --- */

static int take_picture(McuRecorder *rec, McuDiag *diag)
{
	g_autofree Picture *pic = mcu_ring_pop(rec->pictures);

	atomic_fetch_sub(&rec->picture_bytes, pic->len);
	if (pic->keyframe) {
		rec->ask_at_ns = mcu_now_ns() + MCU_REC_KEYFRAME_NS;
		atomic_store(&rec->want_keyframe, false);
	}
	return mcu_rec_writer_picture(rec->writer, pic->data, pic->len, pic->keyframe, pic->pts_ns,
				      diag);
}

static int take_slot(McuRecorder *rec, McuDiag *diag)
{
	Slot *slot = mcu_ring_pop(rec->slots);
	int r = mcu_rec_writer_slot(rec->writer, slot->pcm, slot->pts_ns, diag);
	bool pushed;

	pushed = mcu_ring_push(rec->unused, slot);
	g_assert(pushed);
	return r;
}

/* All that waits, in the order of time, so that neither track seems to lag after a delay here. */
static int take_all(McuRecorder *rec, McuDiag *diag)
{
	for (;;) {
		const Picture *pic = mcu_ring_peek(rec->pictures);
		const Slot *slot = mcu_ring_peek(rec->slots);
		int r;

		if (!mcu_rec_writer_begun(rec->writer) &&
		    (pic || mcu_ring_len(rec->slots) <= PREROLL_SLOTS))
			slot = NULL;
		if (!pic && !slot)
			return 0;
		if (pic && (!slot || pic->pts_ns <= slot->pts_ns))
			r = take_picture(rec, diag);
		else
			r = take_slot(rec, diag);
		if (r < 0)
			return r;
	}
}

static void publish_stats(McuRecorder *rec)
{
	McuRecorderStats st;

	mcu_rec_writer_stats(rec->writer, &st);
	pthread_mutex_lock(&rec->lock);
	rec->stats = st;
	pthread_mutex_unlock(&rec->lock);
}

/* Asks for a keyframe when one is due. Returns how long to sleep at most, in milliseconds. */
static int ask_for_keyframe(McuRecorder *rec)
{
	int64_t now = mcu_now_ns();

	/* dropped pictures: now, but not at each of them */
	if (atomic_load(&rec->want_keyframe))
		rec->ask_at_ns = MIN(rec->ask_at_ns, now + ASK_AGAIN_NS);
	if (now >= rec->ask_at_ns) {
		rec->ask_at_ns = now + ASK_AGAIN_NS;
		if (rec->handler.want_keyframe)
			rec->handler.want_keyframe(rec->data);
	}
	return (int)((rec->ask_at_ns - now) / MCU_NS_PER_MS) + 1;
}

static int record(McuRecorder *rec, McuDiag *diag)
{
	for (;;) {
		struct pollfd pfd = { .fd = rec->wake_fd, .events = POLLIN };
		bool stopping = atomic_load(&rec->stopping);
		uint64_t count;
		int r = take_all(rec, diag);

		publish_stats(rec);
		if (r < 0 || stopping)
			return r;
		(void)poll(&pfd, 1, ask_for_keyframe(rec));
		(void)!read(rec->wake_fd, &count, sizeof(count));
	}
}

static void *run(void *data)
{
	McuRecorder *rec = data;
	McuDiag diag = { 0 };
	int r = record(rec, &diag), r2;

	atomic_store(&rec->ended, true);
	r2 = mcu_rec_writer_finish(rec->writer, r < 0 ? NULL : &diag);
	if (r == 0)
		r = r2;
	publish_stats(rec);
	if (r < 0 && rec->handler.failed)
		rec->handler.failed(rec->data, r, diag.text);
	pthread_mutex_lock(&rec->lock);
	rec->err = r;
	rec->stats.failed = r < 0;
	rec->done = true;
	pthread_cond_signal(&rec->done_cond);
	pthread_mutex_unlock(&rec->lock);
	return NULL;
}

/* --- life --- */

static void init_lock(McuRecorder *rec)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&rec->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&rec->done_cond, &attr);
	pthread_condattr_destroy(&attr);
}

static void make_queues(McuRecorder *rec)
{
	rec->pictures = mcu_ring_new(MCU_REC_MAX_PICTURES, g_free);
	rec->slots = mcu_ring_new(MCU_REC_MAX_SLOTS, NULL);
	rec->unused = mcu_ring_new(MCU_REC_MAX_SLOTS, NULL);
	rec->slot_memory = g_new0(Slot, MCU_REC_MAX_SLOTS);
	for (unsigned i = 0; i < MCU_REC_MAX_SLOTS; i++)
		(void)!mcu_ring_push(rec->unused, &rec->slot_memory[i]);
}

int mcu_recorder_new(const McuRecorderConfig *config, const McuRecorderHandler *handler, void *data,
		     McuRecorder **ret, McuDiag *reterr)
{
	McuRecorder *rec = g_new0(McuRecorder, 1);
	int r;

	init_lock(rec);
	if (handler)
		rec->handler = *handler;
	rec->data = data;
	rec->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = rec->wake_fd < 0 ? mcu_diag(reterr, -EIO, "no descriptor left")
			     : mcu_rec_writer_new(config, handler, data, &rec->writer, reterr);
	if (r < 0) {
		mcu_recorder_free(rec);
		return r;
	}
	make_queues(rec);
	rec->thread = mcu_thread_start("rec", run, rec);
	*ret = rec;
	return 0;
}

int mcu_recorder_stop(McuRecorder *rec, int64_t timeout_ns)
{
	int64_t until_ns = mcu_now_ns() + (timeout_ns ? timeout_ns : STOP_NS);
	struct timespec until = { .tv_sec = (time_t)(until_ns / MCU_NS_PER_SEC),
				  .tv_nsec = (long)(until_ns % MCU_NS_PER_SEC) };
	bool done;
	int waited = 0;

	atomic_store(&rec->stopping, true);
	wake(rec);
	pthread_mutex_lock(&rec->lock);
	while (!rec->done && waited == 0)
		waited = pthread_cond_timedwait(&rec->done_cond, &rec->lock, &until);
	done = rec->done;
	pthread_mutex_unlock(&rec->lock);
	if (!done)
		return -ETIMEDOUT;
	if (rec->thread)
		g_thread_join(g_steal_pointer(&rec->thread));
	return rec->err;
}

void mcu_recorder_free(McuRecorder *rec)
{
	if (!rec)
		return;
	if (rec->thread) {
		atomic_store(&rec->stopping, true);
		wake(rec);
		g_thread_join(rec->thread);
	}
	mcu_rec_writer_free(rec->writer);
	mcu_ring_free(rec->pictures);
	mcu_ring_free(rec->slots);
	mcu_ring_free(rec->unused);
	g_free(rec->slot_memory);
	if (rec->wake_fd >= 0)
		(void)close(rec->wake_fd);
	pthread_mutex_destroy(&rec->lock);
	pthread_cond_destroy(&rec->done_cond);
	g_free(rec);
}

void mcu_recorder_stats(McuRecorder *rec, McuRecorderStats *ret)
{
	pthread_mutex_lock(&rec->lock);
	*ret = rec->stats;
	pthread_mutex_unlock(&rec->lock);
	ret->dropped_pictures = atomic_load(&rec->dropped_pictures);
	ret->dropped_slots = atomic_load(&rec->dropped_slots);
}
