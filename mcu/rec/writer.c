#include "rec/writer.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "rec/aac.h"
#include "rec/avc.h"
#include "rec/mp4.h"

#define AUDIO_BITRATE 96000
/* less than this off its place, a slot is simply appended */
#define TOLERANCE_FRAMES 480
/* sound that stays away is replaced once it is so far behind the picture, up to so far */
#define MAX_LAG_NS  MCU_NS_PER_SEC
#define LEFT_LAG_NS (MCU_NS_PER_SEC / 2)
/* a longer hole, and a longer part (its index is held in memory), make a new part */
#define MAX_HOLE_FRAMES (INT64_C(600) * MCU_REC_RATE)
#define MAX_PART_NS     (INT64_C(6) * 3600 * MCU_NS_PER_SEC)

struct McuRecWriter {
	char *path;
	unsigned audio_bitrate_bps;
	bool no_index;
	McuRecorderHandler handler;
	void *data;
	McuRecorderStats stats;

	/* the current part */
	McuMp4 *mp4;
	McuAac *aac;
	GByteArray *avcc, *sample;
	unsigned width, height;
	bool new_part;
	int64_t start_ns; /* of the part: pts of its first picture */
	int64_t last_picture_ns, fragment_ns;
	int64_t frames; /* of sound so far */

	int64_t first_ns;    /* of the recording */
	uint64_t bytes_done; /* of the finished parts */
};

static int fail(McuDiag *reterr, const McuRecWriter *w, int err)
{
	const char *path = w->mp4 ? mcu_mp4_path(w->mp4) : w->path;

	if (err == -ENOSPC)
		return mcu_diag(reterr, err, "%s: no space left", path);
	return mcu_diag(reterr, err, "%s: writing failed (%s)", path, mcu_err_name(err));
}

int mcu_rec_writer_new(const McuRecorderConfig *config, const McuRecorderHandler *handler,
		       void *data, McuRecWriter **ret, McuDiag *reterr)
{
	g_autoptr(McuRecWriter) w = g_new0(McuRecWriter, 1);
	g_autofree char *dir = NULL;
	int r;

	if (!config->path || !config->path[0])
		return mcu_diag(reterr, -EINVAL, "found no path for the recording");
	w->path = g_strdup(config->path);
	w->audio_bitrate_bps =
		config->audio_bitrate_bps ? config->audio_bitrate_bps : AUDIO_BITRATE;
	w->no_index = config->no_index;
	if (handler)
		w->handler = *handler;
	w->data = data;
	w->avcc = g_byte_array_new();
	w->sample = g_byte_array_new();
	r = mcu_aac_new(w->audio_bitrate_bps, &w->aac);
	if (r < 0)
		return mcu_diag(reterr, r, "libavcodec has no AAC encoder for mono at 48 kHz");
	dir = g_path_get_dirname(w->path);
	if (g_mkdir_with_parents(dir, 0750) < 0) {
		int err = errno;

		return mcu_diag(reterr, err == EACCES ? -EACCES : -EIO, "cannot make folder %s: %s",
				dir, g_strerror(err));
	}
	r = mcu_mp4_create(w->path, &w->mp4, reterr);
	if (r < 0)
		return r;
	w->stats.parts = 1;
	*ret = g_steal_pointer(&w);
	return 0;
}

void mcu_rec_writer_free(McuRecWriter *w)
{
	if (!w)
		return;
	mcu_mp4_free(w->mp4);
	mcu_aac_free(w->aac);
	if (w->avcc)
		g_byte_array_unref(w->avcc);
	if (w->sample)
		g_byte_array_unref(w->sample);
	g_free(w->path);
	g_free(w);
}

bool mcu_rec_writer_begun(const McuRecWriter *w)
{
	return w->mp4 && mcu_mp4_begun(w->mp4);
}

static int64_t frames_to_ns(int64_t frames)
{
	return frames / MCU_REC_RATE * MCU_NS_PER_SEC +
	       frames % MCU_REC_RATE * MCU_NS_PER_SEC / MCU_REC_RATE;
}

static int64_t ns_to_frames(int64_t ns)
{
	return ns / MCU_NS_PER_SEC * MCU_REC_RATE +
	       ns % MCU_NS_PER_SEC * MCU_REC_RATE / MCU_NS_PER_SEC;
}

/* --- sound --- */

static void on_packet(void *data, const uint8_t *bytes, size_t len, uint64_t index)
{
	McuRecWriter *w = data;

	mcu_mp4_add(w->mp4, MCU_MP4_AUDIO, bytes, len, index, true);
}

static int add_sound(McuRecWriter *w, const float *pcm, int64_t n)
{
	int r = mcu_aac_encode(w->aac, pcm, (size_t)n, on_packet, w);

	w->frames += n;
	if (!pcm)
		w->stats.silence_slots +=
			(uint64_t)(n + MCU_REC_SLOT_FRAMES - 1) / MCU_REC_SLOT_FRAMES;
	return r;
}

/* Sound that does not come must not keep the part waiting, nor shift what comes later. */
static int fill_lag(McuRecWriter *w)
{
	int64_t lag_ns = w->last_picture_ns - w->start_ns - frames_to_ns(w->frames);

	if (lag_ns <= MAX_LAG_NS)
		return 0;
	return add_sound(w, NULL, ns_to_frames(lag_ns - LEFT_LAG_NS));
}

static int64_t newest_ns(const McuRecWriter *w)
{
	return MAX(w->last_picture_ns, w->start_ns + frames_to_ns(w->frames));
}

static int flush_if_due(McuRecWriter *w, McuDiag *reterr)
{
	int r;

	if (newest_ns(w) - w->fragment_ns < MCU_REC_FRAGMENT_NS)
		return 0;
	w->fragment_ns = newest_ns(w);
	r = fill_lag(w);
	if (r == 0)
		r = mcu_mp4_flush(w->mp4, false);
	return r < 0 ? fail(reterr, w, r) : 0;
}

int mcu_rec_writer_slot(McuRecWriter *w, const float *pcm, int64_t pts_ns, McuDiag *reterr)
{
	int64_t n = MCU_REC_SLOT_FRAMES, off;
	int r = 0;

	if (!mcu_rec_writer_begun(w) || w->new_part)
		return 0;
	off = ns_to_frames(pts_ns - w->start_ns) - w->frames;
	if (off > MAX_HOLE_FRAMES) {
		w->new_part = true;
		return 0;
	}
	if (off >= TOLERANCE_FRAMES)
		r = add_sound(w, NULL, off);
	if (off <= -TOLERANCE_FRAMES || (off < 0 && w->frames == 0)) {
		pcm += MIN(n, -off);
		n -= MIN(n, -off);
	}
	if (r == 0 && n > 0) {
		r = add_sound(w, pcm, n);
		w->stats.slots++;
	}
	return r < 0 ? fail(reterr, w, r) : flush_if_due(w, reterr);
}

/* --- parts --- */

static char *part_path(const McuRecWriter *w, unsigned part)
{
	size_t len = strlen(w->path);
	size_t stem = g_str_has_suffix(w->path, ".mp4") ? len - 4 : len;

	return g_strdup_printf("%.*s-%u%s", (int)stem, w->path, part, w->path + stem);
}

static int open_next_part(McuRecWriter *w, McuDiag *reterr)
{
	g_autofree char *path = NULL;
	int r;

	if (w->stats.parts >= MCU_REC_MAX_PARTS)
		return mcu_diag(reterr, -EOVERFLOW, "more than %d parts of %s", MCU_REC_MAX_PARTS,
				w->path);
	path = part_path(w, w->stats.parts + 1);
	r = mcu_mp4_create(path, &w->mp4, reterr);
	if (r < 0)
		return r;
	w->stats.parts++;
	r = mcu_aac_new(w->audio_bitrate_bps, &w->aac);
	return r < 0 ? fail(reterr, w, r) : 0;
}

static int begin_part(McuRecWriter *w, GByteArray *avcc, unsigned width, unsigned height,
		      int64_t pts_ns, McuDiag *reterr)
{
	g_autoptr(GByteArray) asc = g_byte_array_new();
	McuMp4Config config = { .width = width,
				.height = height,
				.avcc = avcc,
				.asc = asc,
				.audio_bitrate_bps = w->audio_bitrate_bps };
	const uint8_t *bytes;
	size_t len;
	int r = w->mp4 ? 0 : open_next_part(w, reterr);

	if (r < 0)
		return r;
	bytes = mcu_aac_config(w->aac, &len);
	g_byte_array_append(asc, bytes, (guint)len);
	r = mcu_mp4_begin(w->mp4, &config);
	if (r < 0)
		return fail(reterr, w, r);
	g_byte_array_set_size(w->avcc, 0);
	g_byte_array_append(w->avcc, avcc->data, avcc->len);
	w->width = width;
	w->height = height;
	w->new_part = false;
	w->start_ns = w->last_picture_ns = w->fragment_ns = pts_ns;
	w->frames = 0;
	if (!w->first_ns)
		w->first_ns = pts_ns;
	return 0;
}

/* Nothing was written: leave nothing behind. */
static void discard_empty(McuRecWriter *w)
{
	(void)unlink(mcu_mp4_path(w->mp4));
	w->stats.parts--;
	g_clear_pointer(&w->mp4, mcu_mp4_free);
}

int mcu_rec_writer_finish(McuRecWriter *w, McuDiag *reterr)
{
	int r, r2;

	if (!w->mp4)
		return 0;
	if (!mcu_mp4_begun(w->mp4)) {
		discard_empty(w);
		return 0;
	}
	r = mcu_aac_finish(w->aac, on_packet, w);
	r2 = mcu_mp4_finish(w->mp4, !w->no_index);
	if (r == 0)
		r = r2;
	if (r < 0)
		(void)fail(reterr, w, r);
	w->bytes_done += mcu_mp4_bytes(w->mp4);
	if (w->handler.finished)
		w->handler.finished(w->data, mcu_mp4_path(w->mp4), mcu_mp4_bytes(w->mp4),
				    newest_ns(w) - w->start_ns);
	g_clear_pointer(&w->mp4, mcu_mp4_free);
	g_clear_pointer(&w->aac, mcu_aac_free);
	return r;
}

/* A keyframe may begin the recording, or a new part of it. */
static int at_keyframe(McuRecWriter *w, const uint8_t *au, size_t len, int64_t pts_ns,
		       McuDiag *reterr)
{
	g_autoptr(GByteArray) avcc = g_byte_array_new();
	unsigned width, height;
	int r;

	if (mcu_avc_config(au, len, avcc, &width, &height) < 0)
		return 0;
	if (mcu_rec_writer_begun(w)) {
		if (!w->new_part && width == w->width && height == w->height &&
		    pts_ns - w->start_ns < MAX_PART_NS)
			return 0;
		r = mcu_rec_writer_finish(w, reterr);
		if (r < 0)
			return r;
	}
	return begin_part(w, avcc, width, height, pts_ns, reterr);
}

int mcu_rec_writer_picture(McuRecWriter *w, const uint8_t *au, size_t len, bool keyframe,
			   int64_t pts_ns, McuDiag *reterr)
{
	int64_t since;
	int r = keyframe ? at_keyframe(w, au, len, pts_ns, reterr) : 0;

	if (r < 0 || !mcu_rec_writer_begun(w))
		return r;
	since = MAX(0, pts_ns - w->start_ns);
	g_byte_array_set_size(w->sample, 0);
	mcu_avc_sample(au, len, w->avcc, w->sample);
	if (w->sample->len == 0)
		return 0;
	mcu_mp4_add(w->mp4, MCU_MP4_VIDEO, w->sample->data, w->sample->len,
		    (uint64_t)(since / 1000 * MCU_MP4_VIDEO_HZ / 1000000), keyframe);
	w->last_picture_ns = MAX(w->last_picture_ns, pts_ns);
	w->stats.pictures++;
	return flush_if_due(w, reterr);
}

void mcu_rec_writer_stats(const McuRecWriter *w, McuRecorderStats *ret)
{
	*ret = w->stats;
	ret->bytes = w->bytes_done + (w->mp4 ? mcu_mp4_bytes(w->mp4) : 0);
	ret->duration_ns = w->first_ns ? newest_ns(w) - w->first_ns : 0;
}
