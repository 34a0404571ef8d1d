/* mcu/rec: files as libavformat and libavcodec read them back: times, sync, tones, seeking, kill
 * -9, full disk. The clip: brightness jumps up for the first fifth of each second, with a beep. */
#include <glib.h>
#include <glib/gstdio.h>
#include <libavformat/avformat.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "hw/hw.h"
#include "rec/recorder.h"
#include "rec_read.h"

#define FPS      25
#define FRAME_NS (MCU_NS_PER_SEC / FPS)
#define SLOT_NS  (20 * MCU_NS_PER_MS)
#define CLIP_S   8
#define START_NS (INT64_C(777777) * MCU_NS_PER_SEC)

static const char *self;

/* --- the clip --- */

typedef struct Au {
	GBytes *bytes;
	bool keyframe;
} Au;

static Au clip[2][CLIP_S * FPS]; /* 320x180, 640x360 */

static bool lit(int64_t t_ns)
{
	return t_ns % MCU_NS_PER_SEC < MCU_NS_PER_SEC / 5;
}

static HwFrame *draw(int w, int h, int i)
{
	HwFrame *frame = NULL;
	HwMapping m;

	g_assert_cmpint(hw_frame_new(HW_FORMAT_I420, w, h, &frame), ==, 0);
	g_assert_cmpint(hw_frame_map(frame, &m), ==, 0);
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			m.data[0][y * m.stride[0] + x] = (uint8_t)((lit(i * FRAME_NS) ? 180 : 40) +
								   (x * 3 + y * 5 + i * 7) % 20);
	for (int p = 1; p < 3; p++)
		for (int y = 0; y < h / 2; y++)
			memset(m.data[p] + y * m.stride[p], 128, (size_t)w / 2);
	hw_frame_set_pts_ns(frame, i * FRAME_NS);
	return frame;
}

static void make_clip(Au *out, int w, int h)
{
	g_autoptr(HwDevice) device = NULL;
	g_autoptr(HwEncoder) enc = NULL;
	HwDeviceConfig dc = { .backend = HW_BACKEND_SOFT };
	HwEncoderConfig ec = { .codec = HW_CODEC_H264,
			       .width = w,
			       .height = h,
			       .fps_num = FPS,
			       .fps_den = 1,
			       .bitrate_bps = 600000,
			       .kind = HW_ENCODER_X264 };

	g_assert_cmpint(hw_device_open(&dc, &device, NULL), ==, 0);
	g_assert_cmpint(hw_encoder_new(device, &ec, &enc, NULL), ==, 0);
	for (int i = 0; i < CLIP_S * FPS; i++) {
		g_autoptr(HwFrame) frame = draw(w, h, i);
		HwPacket pkt;

		g_assert_cmpint(hw_encoder_send(enc, frame, i % (2 * FPS) == 0), ==, 0);
		g_assert_cmpint(hw_encoder_receive(enc, &pkt), ==, 0);
		out[i].bytes = g_bytes_new(pkt.data, pkt.len);
		out[i].keyframe = pkt.keyframe;
	}
}

/* Slot number s: a 1 kHz beep while the picture is lit. */
static void make_slot(int s, float pcm[MCU_REC_SLOT_FRAMES])
{
	for (int k = 0; k < MCU_REC_SLOT_FRAMES; k++) {
		int64_t n = (int64_t)s * MCU_REC_SLOT_FRAMES + k;

		pcm[k] = lit(n * MCU_NS_PER_SEC / MCU_REC_RATE)
				 ? 0.5f * (float)sin(2 * G_PI * 1000 * (double)n / MCU_REC_RATE)
				 : 0;
	}
}

/* --- feeding --- */

typedef struct Feed {
	McuRecorder *rec;
	const Au *clip;
	atomic_int asked, finished;
	int failed;
	char *last_path;
	int64_t last_duration_ns;
	GMutex stall;
} Feed;

static void on_want(void *data)
{
	Feed *f = data;

	atomic_fetch_add(&f->asked, 1);
	g_mutex_lock(&f->stall);
	g_mutex_unlock(&f->stall);
}

static void on_failed(void *data, int err, const char *reason)
{
	Feed *f = data;

	g_assert_cmpuint(strlen(reason), >, 10);
	f->failed = err;
}

static void on_finished(void *data, const char *path, uint64_t bytes, int64_t duration_ns)
{
	Feed *f = data;

	g_assert_cmpuint(bytes, >, 0);
	g_free(f->last_path);
	f->last_path = g_strdup(path);
	f->last_duration_ns = duration_ns;
	atomic_fetch_add(&f->finished, 1);
}

static const McuRecorderHandler handler = { on_want, on_failed, on_finished };

/* stalled: the rec thread stops at its first request, until f->stall is unlocked. */
static void feed_open_as(Feed *f, const char *path, bool no_index, bool stalled)
{
	McuRecorderConfig cfg = { .path = path, .no_index = no_index };
	McuDiag diag = { 0 };
	int r;

	*f = (Feed){ .clip = clip[0] };
	g_mutex_init(&f->stall);
	if (stalled)
		g_mutex_lock(&f->stall);
	r = mcu_recorder_new(&cfg, &handler, f, &f->rec, &diag);
	g_assert_cmpstr(diag.text, ==, "");
	g_assert_cmpint(r, ==, 0);
}

static void feed_open(Feed *f, const char *path, bool no_index)
{
	feed_open_as(f, path, no_index, false);
}

static int feed_close(Feed *f)
{
	int r = mcu_recorder_stop(f->rec, 0);

	mcu_recorder_free(f->rec);
	g_mutex_clear(&f->stall);
	return r;
}

/* The rec thread has taken what was pushed (or failed). */
static void settle(Feed *f, uint64_t pictures)
{
	McuRecorderStats st;

	do {
		g_usleep(1000);
		mcu_recorder_stats(f->rec, &st);
	} while (!st.failed && st.pictures < pictures);
}

/* Picture i and the slots that belong to its time; `slots` = false: silence of the tap. */
static int push_one(Feed *f, int i, bool slots)
{
	Au au = f->clip[i % (CLIP_S * FPS)];
	int r = mcu_recorder_push_video(f->rec, g_bytes_get_data(au.bytes, NULL),
					g_bytes_get_size(au.bytes), au.keyframe,
					START_NS + i * FRAME_NS);
	float pcm[MCU_REC_SLOT_FRAMES];

	for (int s = 2 * i; slots && s < 2 * i + 2; s++) {
		make_slot(s, pcm);
		mcu_recorder_push_audio(f->rec, pcm, START_NS + s * SLOT_NS);
	}
	return r;
}

static void push_clip(Feed *f, int from, int to, bool slots)
{
	McuRecorderStats st;

	mcu_recorder_stats(f->rec, &st);
	for (int i = from; i < to; i++) {
		g_assert_cmpint(push_one(f, i, slots), ==, 0);
		if ((i - from) % FPS == FPS - 1 || i == to - 1)
			settle(f, st.pictures + (uint64_t)(i - from) + 1);
	}
}

static char *dir;

static char *file(const char *name)
{
	return g_build_filename(dir, name, NULL);
}

/* --- tests --- */

static void check_seek(const char *path)
{
	AVFormatContext *fmt = NULL;
	AVPacket *pkt = av_packet_alloc();
	int video;

	g_assert_cmpint(avformat_open_input(&fmt, path, NULL, NULL), ==, 0);
	video = av_find_best_stream(fmt, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	g_assert_cmpint(av_seek_frame(fmt, video, (int64_t)(5.5 * 90000), AVSEEK_FLAG_BACKWARD), >=,
			0);
	do
		g_assert_cmpint(av_read_frame(fmt, pkt), ==, 0);
	while (pkt->stream_index != video);
	g_assert_true(pkt->flags & AV_PKT_FLAG_KEY);
	g_assert_cmpint(pkt->pts, ==, 4 * 90000);
	av_packet_free(&pkt);
	avformat_close_input(&fmt);
}

static void test_clean(void)
{
	g_autofree char *path = file("new/folders/clean.mp4"), *top = NULL;
	McuRecorderStats st;
	Feed f;
	Read r;

	feed_open(&f, path, false);
	push_clip(&f, 0, CLIP_S * FPS, true);
	g_assert_cmpint(mcu_recorder_stop(f.rec, 0), ==, 0);
	mcu_recorder_stats(f.rec, &st);
	g_assert_cmpint(feed_close(&f), ==, 0);
	g_assert_cmpint(f.finished, ==, 1);
	g_assert_cmpint(f.failed, ==, 0);
	g_assert_cmpstr(f.last_path, ==, path);
	g_assert_cmpuint(st.dropped_pictures + st.dropped_slots + st.silence_slots, ==, 0);
	g_assert_cmpuint(st.slots, ==, CLIP_S * 50);

	read_back(path, &r);
	g_assert_cmpfloat_with_epsilon(r.duration_s, CLIP_S, 0.05);
	g_assert_cmpuint(r.pictures, ==, CLIP_S * FPS);
	g_assert_cmpuint(r.keyframes, ==, CLIP_S / 2);
	g_assert_cmpfloat(r.sound_start_s, ==, 0);
	g_assert_cmpfloat_with_epsilon(r.sound_end_s, CLIP_S, 0.05);
	check_sync(&r, 0, CLIP_S);
	check_seek(path);
	top = boxes(path);
	g_assert_cmpstr(top, ==, "ftyp mdat moov");
	g_free(f.last_path);
}

static void test_fragmented(void)
{
	g_autofree char *path = file("frag.mp4"), *top = NULL;
	Feed f;
	Read r;

	feed_open(&f, path, true);
	push_clip(&f, 0, 3 * FPS, true);
	g_assert_cmpint(feed_close(&f), ==, 0);
	top = boxes(path);
	g_assert_true(g_str_has_prefix(top, "ftyp free moov moof mdat moof mdat moof mdat"));
	read_back(path, &r);
	g_assert_cmpuint(r.pictures, ==, 3 * FPS);
	check_sync(&r, 0, 3);
	g_free(f.last_path);
}

/* Half a second of sound is missing, and the picture halts for two: both stay in step. */
static void test_holes(void)
{
	g_autofree char *path = file("holes.mp4");
	McuRecorderStats st;
	float pcm[MCU_REC_SLOT_FRAMES];
	Feed f;
	Read r;

	feed_open(&f, path, false);
	push_clip(&f, 0, 28, true);
	push_clip(&f, 28, 40, false); /* 1.12 to 1.6 s */
	push_clip(&f, 40, 3 * FPS, true);
	for (int s = 150; s < 250; s++) {
		make_slot(s, pcm);
		mcu_recorder_push_audio(f.rec, pcm, START_NS + s * SLOT_NS);
	}
	push_clip(&f, 5 * FPS, 8 * FPS, true);
	/* sound that ends for good does not hold up the file */
	mcu_recorder_stats(f.rec, &st);
	g_assert_cmpuint(st.silence_slots, ==, 24);
	g_assert_cmpint(feed_close(&f), ==, 0);
	read_back(path, &r);
	g_assert_cmpuint(r.pictures, ==, 6 * FPS);
	g_assert_cmpfloat_with_epsilon(r.sound_end_s, 8, 0.05);
	g_assert_cmpuint(r.n_beeps, ==, 8);
	for (unsigned i = 0; i < 8; i++)
		g_assert_cmpfloat_with_epsilon(r.beep_at[i], (double)i, 0.015);
	g_assert_cmpfloat_with_epsilon(r.lit_at[2], 2, 0.002);
	g_assert_cmpfloat_with_epsilon(r.lit_at[r.n_lit - 1], 7, 0.002);
	g_free(f.last_path);
}

static void test_no_sound(void)
{
	g_autofree char *path = file("silent.mp4");
	Feed f;
	Read r;

	feed_open(&f, path, false);
	push_clip(&f, 0, 4 * FPS, false);
	g_assert_cmpint(feed_close(&f), ==, 0);
	read_back(path, &r);
	g_assert_cmpuint(r.pictures, ==, 4 * FPS);
	g_assert_cmpuint(r.n_beeps, ==, 0);
	g_assert_cmpfloat(r.sound_end_s, >, 2);
	g_free(f.last_path);
}

static void test_size_change(void)
{
	g_autofree char *path = file("parts.mp4"), *second = file("parts-2.mp4");
	McuRecorderStats st;
	Feed f;
	Read r;

	feed_open(&f, path, false);
	push_clip(&f, 0, 2 * FPS, true);
	f.clip = clip[1];
	push_clip(&f, 2 * FPS, 4 * FPS, true);
	mcu_recorder_stats(f.rec, &st);
	g_assert_cmpuint(st.parts, ==, 2);
	g_assert_cmpint(feed_close(&f), ==, 0);
	g_assert_cmpint(f.finished, ==, 2);
	read_back(path, &r);
	g_assert_cmpint(r.width, ==, 320);
	g_assert_cmpuint(r.pictures, ==, 2 * FPS);
	read_back(second, &r);
	g_assert_cmpint(r.width, ==, 640);
	g_assert_cmpuint(r.pictures, ==, 2 * FPS);
	check_sync(&r, 0, 2);
	g_free(f.last_path);
}

static void test_paths(void)
{
	g_autofree char *path = file("there.mp4"), *below = file("there.mp4/x.mp4"), *kept = NULL;
	g_autofree char *none = file("none.mp4");
	McuRecorder *rec = NULL;
	McuDiag diag = { 0 };
	Feed f;

	g_assert_true(g_file_set_contents(path, "mine", -1, NULL));
	g_assert_cmpint(
		mcu_recorder_new(&(McuRecorderConfig){ .path = path }, NULL, NULL, &rec, &diag), ==,
		-EEXIST);
	g_assert_nonnull(strstr(diag.text, "there.mp4"));
	g_assert_true(g_file_get_contents(path, &kept, NULL, NULL));
	g_assert_cmpstr(kept, ==, "mine");
	g_assert_cmpint(
		mcu_recorder_new(&(McuRecorderConfig){ .path = below }, NULL, NULL, &rec, NULL), ==,
		-EIO);
	g_assert_cmpint(
		mcu_recorder_new(&(McuRecorderConfig){ .path = "" }, NULL, NULL, &rec, NULL), ==,
		-EINVAL);
	g_assert_null(rec);

	/* no keyframe ever: no file */
	feed_open(&f, none, false);
	for (int i = 1; i < 10; i++)
		(void)push_one(&f, i, true);
	g_assert_cmpint(feed_close(&f), ==, 0);
	g_assert_cmpint(f.finished, ==, 0);
	g_assert_false(g_file_test(none, G_FILE_TEST_EXISTS));
}

/* The disk does not answer for a while: pictures are dropped up to the next keyframe, the pushes
 * return at once, and the file is whole afterwards. */
static void test_slow_disk(void)
{
	g_autofree char *path = file("slow.mp4");
	McuRecorderStats st;
	Feed f;
	Read r;
	int i = 0;

	feed_open_as(&f, path, false, true);
	while (atomic_load(&f.asked) == 0)
		g_usleep(1000);
	/* the rec thread now waits in want_keyframe() */
	for (; i < MCU_REC_MAX_PICTURES; i++)
		g_assert_cmpint(push_one(&f, i, true), ==, 0);
	for (; i < 320; i++)
		g_assert_cmpint(push_one(&f, i, true), ==, -ENOSPC); /* 300 is a keyframe */
	g_mutex_unlock(&f.stall);
	settle(&f, MCU_REC_MAX_PICTURES);
	for (; i < 350; i++)
		g_assert_cmpint(push_one(&f, i, true), ==, -ENOSPC);
	push_clip(&f, 350, 400, true);
	mcu_recorder_stats(f.rec, &st);
	g_assert_cmpuint(st.dropped_pictures, ==, 350 - MCU_REC_MAX_PICTURES);
	g_assert_cmpuint(st.dropped_slots, ==, 640 - MCU_REC_MAX_SLOTS);
	g_assert_cmpint(feed_close(&f), ==, 0);
	read_back(path, &r);
	g_assert_cmpuint(r.pictures, ==, MCU_REC_MAX_PICTURES + 50);
	g_assert_cmpfloat_with_epsilon(r.last_picture_s, 399.0 / FPS, 0.002);
	/* and sound and picture are in step after it */
	g_assert_cmpfloat_with_epsilon(r.lit_at[r.n_lit - 1], 15, 0.002);
	g_assert_cmpfloat_with_epsilon(r.beep_at[r.n_beeps - 1], 15, 0.015);
	g_free(f.last_path);
}

/* A limit on file size stands for the full disk. */
static void test_disk_full(void)
{
	g_autofree char *path = file("full.mp4"), *top = NULL;
	struct rlimit old, small;
	McuRecorderStats st;
	GStatBuf sb;
	Feed f;
	Read r;
	int last = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
	small = (struct rlimit){ .rlim_cur = 200000, .rlim_max = old.rlim_max };
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
	feed_open(&f, path, false);
	for (int i = 0; i < 3000 && last != -ECANCELED; i++) {
		last = push_one(&f, i, true);
		g_usleep(500);
	}
	g_assert_cmpint(last, ==, -ECANCELED);
	g_assert_cmpint(mcu_recorder_stop(f.rec, 0), ==, -ENOSPC);
	mcu_recorder_stats(f.rec, &st);
	g_assert_true(st.failed);
	g_assert_cmpint(feed_close(&f), ==, -ENOSPC);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
	g_assert_cmpint(f.failed, ==, -ENOSPC);
	g_assert_cmpint(f.finished, ==, 1);
	g_assert_cmpint(g_stat(path, &sb), ==, 0);
	g_assert_cmpint(sb.st_size, <=, 200000);
	g_assert_cmpint(sb.st_size, >, 100000);
	top = boxes(path); /* whole to its last byte */
	g_assert_true(g_str_has_prefix(top, "ftyp "));
	read_back(path, &r);
	g_assert_cmpuint(r.pictures, >, FPS);
	check_sync(&r, 0, 1);
	g_free(f.last_path);
}

/* In the child: records in real time, and tells the media time of what it has pushed. */
static void record_until_killed(const char *path)
{
	int64_t start;
	Feed f;

	make_clip(clip[0], 320, 180);
	start = mcu_now_ns();
	feed_open(&f, path, false);
	for (int i = 0;; i++) {
		mcu_sleep_until_ns(start + i * FRAME_NS);
		g_assert_cmpint(push_one(&f, i, true), ==, 0);
		if (i > 0)
			printf("%d\n", i);
		fflush(stdout);
	}
}

static void test_kill(void)
{
	g_autofree char *path = file("killed.mp4"), *top = NULL;
	const char *argv[] = { self, "--record", path, NULL };
	GPid pid;
	int out, pushed = 0;
	Read r;

	g_assert_true(g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
					       NULL, NULL, &pid, NULL, &out, NULL, NULL));
	FILE *lines = fdopen(out, "r");
	while (pushed < 5 * FPS + 20 && fscanf(lines, "%d", &pushed) == 1)
		;
	g_assert_cmpint(pushed, >=, 5 * FPS);
	g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	while (fscanf(lines, "%d", &pushed) == 1)
		;
	(void)fclose(lines);

	top = boxes(path);
	g_assert_true(g_str_has_prefix(top, "ftyp free moov moof mdat"));
	read_back(path, &r);
	double end = (double)pushed / FPS;
	g_test_message("pushed %.2f s, picture to %.2f s, sound to %.2f s", end, r.last_picture_s,
		       r.sound_end_s);
	g_assert_cmpfloat(r.last_picture_s, >=, end - 2);
	g_assert_cmpfloat(r.sound_end_s, >=, end - 2);
	check_sync(&r, 0, 4);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	int r;

	if (argc == 3 && strcmp(argv[1], "--record") == 0)
		record_until_killed(argv[2]);
	self = argv[0];
	g_test_init(&argc, &argv, NULL);
	av_log_set_level(AV_LOG_ERROR);
	dir = g_dir_make_tmp("rec-XXXXXX", &error);
	make_clip(clip[0], 320, 180);
	make_clip(clip[1], 640, 360);
	g_test_add_func("/rec/recorder/clean", test_clean);
	g_test_add_func("/rec/recorder/fragmented", test_fragmented);
	g_test_add_func("/rec/recorder/holes", test_holes);
	g_test_add_func("/rec/recorder/no-sound", test_no_sound);
	g_test_add_func("/rec/recorder/size-change", test_size_change);
	g_test_add_func("/rec/recorder/paths", test_paths);
	g_test_add_func("/rec/recorder/slow-disk", test_slow_disk);
	g_test_add_func("/rec/recorder/disk-full", test_disk_full);
	g_test_add_func("/rec/recorder/kill", test_kill);
	r = g_test_run();
	for (size_t i = 0; i < CLIP_S * FPS; i++) {
		g_bytes_unref(clip[0][i].bytes);
		g_bytes_unref(clip[1][i].bytes);
	}
	g_autofree char *cmd = g_strdup_printf("rm -rf '%s'", dir);
	if (r == 0)
		r = system(cmd);
	g_free(dir);
	return r;
}
