#include "rec/mp4.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "rec/box.h"

#define N_TRACKS  2
#define FREE_SIZE 16

/* A sample that waits for the next fragment. */
typedef struct Sample {
	uint64_t dts;
	uint32_t size;
	bool sync;
} Sample;

typedef struct Track {
	McuBoxTrack box;
	GByteArray *config;
	/* gathered */
	GArray *samples; /* Sample */
	GByteArray *data;
	bool any;
	uint64_t last_dts;
	uint32_t last_duration;
	/* written */
	McuBoxIndex index;
} Track;

struct McuMp4 {
	int fd;
	char *path;
	uint64_t end; /* of the last whole fragment */
	uint64_t free_at;
	uint32_t fragments;
	bool begun, failed, finished;
	Track tracks[N_TRACKS];
};

/* Disk and quota full, and the size limits of file systems and processes, are one to the user. */
static int write_error(int err)
{
	return err == ENOSPC || err == EDQUOT || err == EFBIG ? -ENOSPC : -EIO;
}

static void track_init(Track *t)
{
	t->config = g_byte_array_new();
	t->samples = g_array_new(FALSE, FALSE, sizeof(Sample));
	t->data = g_byte_array_new();
	t->index = (McuBoxIndex){
		.stts = g_array_new(FALSE, FALSE, sizeof(McuBoxStts)),
		.sizes = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
		.sync = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
		.chunks = g_array_new(FALSE, FALSE, sizeof(McuBoxChunk)),
	};
}

static void track_done(Track *t)
{
	g_byte_array_unref(t->config);
	g_array_unref(t->samples);
	g_byte_array_unref(t->data);
	g_array_unref(t->index.stts);
	g_array_unref(t->index.sizes);
	g_array_unref(t->index.sync);
	g_array_unref(t->index.chunks);
}

int mcu_mp4_create(const char *path, McuMp4 **ret, McuDiag *reterr)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	McuMp4 *mp4;

	if (fd < 0) {
		int err = errno;

		mcu_diag(reterr, 0, "cannot create %s: %s", path, g_strerror(err));
		return err == EEXIST || err == ENOENT || err == EACCES ? -err : write_error(err);
	}
	mp4 = g_new0(McuMp4, 1);
	mp4->fd = fd;
	mp4->path = g_strdup(path);
	for (size_t i = 0; i < N_TRACKS; i++)
		track_init(&mp4->tracks[i]);
	*ret = mp4;
	return 0;
}

void mcu_mp4_free(McuMp4 *mp4)
{
	if (!mp4)
		return;
	for (size_t i = 0; i < N_TRACKS; i++)
		track_done(&mp4->tracks[i]);
	(void)close(mp4->fd);
	g_free(mp4->path);
	g_free(mp4);
}

static int write_at(McuMp4 *mp4, const void *data, size_t len, uint64_t at)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = pwrite(mp4->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? write_error(errno) : -EIO;
		p += n;
		len -= (size_t)n;
		at += (size_t)n;
	}
	return 0;
}

/* Append buffers as a whole or not at all. */
static int append(McuMp4 *mp4, GByteArray *const *bufs, const size_t *lens, size_t n)
{
	uint64_t at = mp4->end;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = write_at(mp4, bufs[i]->data, lens[i], at);
		at += lens[i];
	}
	if (r < 0) {
		mp4->failed = true;
		(void)!ftruncate(mp4->fd, (off_t)mp4->end);
		return r;
	}
	/* begins write-back now: little is lost should the machine go down; not waited for */
	(void)sync_file_range(mp4->fd, (off64_t)mp4->end, (off64_t)(at - mp4->end),
			      SYNC_FILE_RANGE_WRITE);
	mp4->end = at;
	return 0;
}

static void set_tracks(McuMp4 *mp4, const McuMp4Config *config)
{
	Track *v = &mp4->tracks[0], *a = &mp4->tracks[1];

	g_byte_array_append(v->config, config->avcc->data, config->avcc->len);
	g_byte_array_append(a->config, config->asc->data, config->asc->len);
	v->box = (McuBoxTrack){ .id = MCU_MP4_VIDEO,
				.timescale = MCU_MP4_VIDEO_HZ,
				.video = true,
				.width = config->width,
				.height = config->height,
				.config = v->config };
	a->box = (McuBoxTrack){ .id = MCU_MP4_AUDIO,
				.timescale = MCU_MP4_AUDIO_HZ,
				.bitrate_bps = config->audio_bitrate_bps,
				.config = a->config };
	v->last_duration = MCU_MP4_VIDEO_HZ / 30;
	a->last_duration = 1024;
}

int mcu_mp4_begin(McuMp4 *mp4, const McuMp4Config *config)
{
	g_autoptr(GByteArray) head = g_byte_array_new();
	const guint8 zero[FREE_SIZE - 8] = { 0 };
	McuBoxTrack boxes[N_TRACKS];
	size_t free_box;
	int r;

	set_tracks(mp4, config);
	for (size_t i = 0; i < N_TRACKS; i++)
		boxes[i] = mp4->tracks[i].box;
	mcu_box_ftyp(head);
	mp4->free_at = head->len;
	free_box = mcu_box_begin(head, "free");
	g_byte_array_append(head, zero, sizeof(zero));
	mcu_box_end(head, free_box);
	mcu_box_moov_fragmented(head, boxes, N_TRACKS);
	r = append(mp4, &head, (const size_t[]){ head->len }, 1);
	mp4->begun = r == 0;
	return r;
}

bool mcu_mp4_begun(const McuMp4 *mp4)
{
	return mp4->begun;
}

void mcu_mp4_add(McuMp4 *mp4, McuMp4TrackId track, const uint8_t *data, size_t len, uint64_t dts,
		 bool sync)
{
	Track *t = &mp4->tracks[track - 1];
	Sample s = { .dts = t->any ? MAX(dts, t->last_dts + 1) : dts,
		     .size = (uint32_t)len,
		     .sync = sync };

	t->any = true;
	t->last_dts = s.dts;
	g_array_append_val(t->samples, s);
	g_byte_array_append(t->data, data, (guint)len);
}

/* --- fragments --- */

/* The first n gathered samples with their durations. */
static GArray *make_run(Track *t, guint n, McuBoxRun *ret)
{
	GArray *run = g_array_sized_new(FALSE, FALSE, sizeof(McuBoxSample), n);

	*ret = (McuBoxRun){ .track_id = t->box.id, .n = n };
	for (guint i = 0; i < n; i++) {
		const Sample *s = &g_array_index(t->samples, Sample, i);
		McuBoxSample b = { .size = s->size, .duration = t->last_duration, .sync = s->sync };

		if (i + 1 < t->samples->len)
			b.duration =
				(uint32_t)(g_array_index(t->samples, Sample, i + 1).dts - s->dts);
		t->last_duration = b.duration;
		ret->bytes += s->size;
		if (i == 0)
			ret->dts = s->dts;
		g_array_append_val(run, b);
	}
	ret->samples = (const McuBoxSample *)(void *)run->data;
	return run;
}

static void add_to_index(Track *t, const McuBoxRun *run, uint64_t offset)
{
	McuBoxIndex *index = &t->index;
	McuBoxChunk chunk = { .offset = offset, .samples = (uint32_t)run->n };

	g_array_append_val(index->chunks, chunk);
	for (size_t i = 0; i < run->n; i++) {
		const McuBoxSample *s = &run->samples[i];
		McuBoxStts *last = index->stts->len ? &g_array_index(index->stts, McuBoxStts,
								     index->stts->len - 1)
						    : NULL;
		McuBoxStts entry = { .count = 1, .delta = s->duration };
		uint32_t number;

		g_array_append_val(index->sizes, s->size);
		number = index->sizes->len;
		if (s->sync && t->box.video)
			g_array_append_val(index->sync, number);
		if (last && last->delta == s->duration)
			last->count++;
		else
			g_array_append_val(index->stts, entry);
		index->duration += s->duration;
	}
}

static void forget_written(Track *t, guint n, uint64_t bytes)
{
	if (n > 0)
		g_array_remove_range(t->samples, 0, n);
	if (bytes > 0)
		g_byte_array_remove_range(t->data, 0, (guint)bytes);
}

int mcu_mp4_flush(McuMp4 *mp4, bool all)
{
	g_autoptr(GByteArray) head = g_byte_array_new();
	GByteArray *bufs[1 + N_TRACKS] = { head };
	size_t lens[1 + N_TRACKS], n_runs = 0;
	GArray *arrays[N_TRACKS];
	McuBoxRun runs[N_TRACKS];
	uint64_t offset;
	int r;

	if (mp4->failed || !mp4->begun)
		return mp4->failed ? -EIO : 0;
	for (size_t i = 0; i < N_TRACKS; i++) {
		Track *t = &mp4->tracks[i];
		guint n = t->samples->len - (!all && t->samples->len > 0);

		if (n == 0)
			continue;
		arrays[n_runs] = make_run(t, n, &runs[n_runs]);
		bufs[1 + n_runs] = t->data;
		lens[1 + n_runs] = runs[n_runs].bytes;
		n_runs++;
	}
	if (n_runs == 0)
		return 0;
	mcu_box_fragment(head, ++mp4->fragments, runs, n_runs);
	lens[0] = head->len;
	offset = mp4->end + head->len;
	r = append(mp4, bufs, lens, 1 + n_runs);
	for (size_t i = 0; i < n_runs; i++) {
		Track *t = &mp4->tracks[runs[i].track_id - 1];

		if (r == 0)
			add_to_index(t, &runs[i], offset);
		offset += runs[i].bytes;
		forget_written(t, (guint)runs[i].n, runs[i].bytes);
		g_array_unref(arrays[i]);
	}
	return r;
}

/* --- the end --- */

static int write_index(McuMp4 *mp4)
{
	g_autoptr(GByteArray) moov = g_byte_array_new();
	McuBoxTrack boxes[N_TRACKS];
	McuBoxIndex index[N_TRACKS];
	uint64_t mdat_end = mp4->end;
	uint8_t head[FREE_SIZE];
	int r;

	for (size_t i = 0; i < N_TRACKS; i++) {
		boxes[i] = mp4->tracks[i].box;
		index[i] = mp4->tracks[i].index;
	}
	mcu_box_moov_indexed(moov, boxes, index, N_TRACKS);
	r = append(mp4, &moov, (const size_t[]){ moov->len }, 1);
	if (r < 0)
		return r;
	/* the index must be on disk before the header points to it */
	if (fdatasync(mp4->fd) < 0)
		return write_error(errno);
	mcu_put_u32(head, 1);
	memcpy(head + 4, "mdat", 4);
	mcu_put_u32(head + 8, (uint32_t)((mdat_end - mp4->free_at) >> 32));
	mcu_put_u32(head + 12, (uint32_t)(mdat_end - mp4->free_at));
	return write_at(mp4, head, sizeof(head), mp4->free_at);
}

int mcu_mp4_finish(McuMp4 *mp4, bool index)
{
	int r = mp4->failed ? 0 : mcu_mp4_flush(mp4, true), r2 = 0;

	if (!mp4->begun || mp4->finished)
		return r;
	mp4->finished = true;
	if (index && mp4->tracks[0].index.sizes->len > 0)
		r2 = write_index(mp4);
	return r < 0 ? r : r2;
}

uint64_t mcu_mp4_bytes(const McuMp4 *mp4)
{
	return mp4->end;
}

const char *mcu_mp4_path(const McuMp4 *mp4)
{
	return mp4->path;
}
