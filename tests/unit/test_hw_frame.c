/* Frames, pools, JPEG: references across threads, budgets, content. */
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>

#include "base/thread.h"
#include "hw/pool.h"
#include "tests/unit/hw_conformance.h"

static void test_layout(void)
{
	static const HwFormat formats[] = { HW_FORMAT_I420, HW_FORMAT_NV12, HW_FORMAT_BGRA };
	static const int planes[] = { 3, 2, 1 };
	HwFrame *none = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		for (int w = 1; w < 70; w += 3) {
			g_autoptr(HwFrame) f = new_frame(formats[i], w, w / 2 + 1);
			HwMapping m = map_frame(f);

			g_assert_cmpint(hw_frame_width(f), ==, w);
			g_assert_cmpint(hw_frame_height(f), ==, w / 2 + 1);
			g_assert_cmpint(hw_frame_format(f), ==, formats[i]);
			for (int p = 0; p < 3; p++) {
				int h = p ? (m.height + 1) / 2 : m.height;

				g_assert_true((m.data[p] != NULL) == (p < planes[i]));
				g_assert_cmpint((int)((uintptr_t)m.data[p] % 64), ==, 0);
				if (m.data[p])
					memset(m.data[p], p, (size_t)m.stride[p] * (size_t)h);
			}
		}
	g_assert_cmpint(hw_frame_new(HW_FORMAT_I420, 0, 5, &none), ==, -EINVAL);
	g_assert_cmpint(hw_frame_new(HW_FORMAT_I420, 5, HW_MAX_SIZE + 1, &none), ==, -EINVAL);
	g_assert_cmpint(hw_frame_new((HwFormat)77, 5, 5, &none), ==, -EINVAL);
	g_assert_null(none);
}

static void test_serials(void)
{
	g_autoptr(HwFrame) a = new_frame(HW_FORMAT_I420, 16, 16);
	g_autoptr(HwFrame) b = new_frame(HW_FORMAT_I420, 16, 16);
	HwFramePool *pool = hw_frame_pool_new(HW_FORMAT_I420, 16, 16, 1);
	HwFrame *f = NULL;
	uint64_t first;

	g_assert_cmpuint(hw_frame_serial(a), !=, hw_frame_serial(b));
	g_assert_cmpint(hw_frame_pool_acquire(pool, &f), ==, 0);
	first = hw_frame_serial(f);
	hw_frame_unref(f);
	g_assert_cmpint(hw_frame_pool_acquire(pool, &f), ==, 0);
	g_assert_cmpuint(hw_frame_serial(f), !=, first);
	hw_frame_unref(f);
	hw_frame_pool_free(pool);
}

static void test_pool_budget(void)
{
	HwFramePool *pool = hw_frame_pool_new(HW_FORMAT_I420, 64, 64, 3);
	HwFrame *f[3] = { 0 }, *more = NULL;

	for (int i = 0; i < 3; i++)
		g_assert_cmpint(hw_frame_pool_acquire(pool, &f[i]), ==, 0);
	g_assert_cmpint(hw_frame_pool_acquire(pool, &more), ==, -EAGAIN);
	memset(map_frame(f[1]).data[0], 77, 64);
	hw_frame_unref(f[1]);
	g_assert_cmpint(hw_frame_pool_acquire(pool, &f[1]), ==, 0);
	g_assert_cmpint(map_frame(f[1]).data[0][63], ==, 77); /* a slot keeps its pixels */
	hw_frame_pool_free(pool);                             /* frames that are out stay valid */
	memset(map_frame(f[0]).data[0], 1, 64);
	for (int i = 0; i < 3; i++)
		hw_frame_unref(f[i]);
}

typedef struct Passing {
	_Atomic(HwFrame *) box;
	_Atomic int seen;
	_Atomic bool stop;
} Passing;

static void *consume(void *data)
{
	Passing *p = data;

	for (;;) {
		HwFrame *f = atomic_exchange(&p->box, NULL);

		if (!f && atomic_load(&p->stop))
			return NULL;
		if (!f)
			continue;
		uint8_t *row = map_frame(f).data[0];

		for (int i = 1; i < 64; i++)
			g_assert_cmpint(row[i], ==, row[0]);
		atomic_fetch_add(&p->seen, 1);
		hw_frame_unref(f);
	}
}

/* One thread fills pooled frames, others read and release them: no frame is filled while read. */
static void test_pool_threads(void)
{
	HwFramePool *pool = hw_frame_pool_new(HW_FORMAT_I420, 64, 64, 4);
	GThread *threads[2];
	g_autofree Passing *p = g_new0(Passing, 1);

	for (int i = 0; i < 2; i++)
		threads[i] = mcu_thread_start("consume", consume, p);
	for (int n = 0; n < 20000; n++) {
		HwFrame *f = NULL;

		if (hw_frame_pool_acquire(pool, &f) < 0)
			continue;
		memset(map_frame(f).data[0], n & 0xff, 64);
		hw_frame_unref(atomic_exchange(&p->box, f));
	}
	while (atomic_load(&p->seen) == 0)
		g_thread_yield();
	atomic_store(&p->stop, true);
	for (int i = 0; i < 2; i++)
		g_thread_join(threads[i]);
	hw_frame_unref(atomic_exchange(&p->box, NULL));
	hw_frame_pool_free(pool);
}

/* Decode a JPEG to RGB as any viewer does. */
static void jpeg_rgb(GBytes *jpeg, int *ret_w, int *ret_h, uint8_t rgb[3])
{
	AVCodecContext *av = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_MJPEG));
	AVPacket *pkt = av_packet_alloc();
	AVFrame *f = av_frame_alloc();
	const int *bt601 = sws_getCoefficients(SWS_CS_ITU601);
	uint8_t *out;
	struct SwsContext *sws;
	gsize len;
	const void *data = g_bytes_get_data(jpeg, &len);

	g_assert_cmpint(avcodec_open2(av, NULL, NULL), ==, 0);
	g_assert_cmpint(av_new_packet(pkt, (int)len), ==, 0);
	memcpy(pkt->data, data, len);
	g_assert_cmpint(avcodec_send_packet(av, pkt), ==, 0);
	g_assert_cmpint(avcodec_receive_frame(av, f), ==, 0);
	*ret_w = f->width;
	*ret_h = f->height;
	sws = sws_getContext(f->width, f->height, (enum AVPixelFormat)f->format, f->width,
			     f->height, AV_PIX_FMT_RGB24, SWS_BILINEAR, NULL, NULL, NULL);
	sws_setColorspaceDetails(sws, bt601, 1, bt601, 1, 0, 1 << 16, 1 << 16);
	out = g_malloc((gsize)(f->width * f->height * 3 + 64));
	sws_scale(sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height,
		  (uint8_t *[]){ out }, (int[]){ f->width * 3 });
	memcpy(rgb, out + (f->height / 2 * f->width + f->width / 2) * 3, 3);
	g_free(out);
	sws_freeContext(sws);
	av_frame_free(&f);
	av_packet_free(&pkt);
	avcodec_free_context(&av);
}

static HwFrame *composed(uint32_t color)
{
	g_autoptr(HwDevice) device = open_device(&backends[0]);
	g_autoptr(HwComposer) comp = NULL;
	HwFrame *canvas = NULL;

	g_assert_cmpint(hw_composer_new(device, 640, 360, &comp, NULL), ==, 0);
	g_assert_cmpint(hw_composer_compose(comp, &(HwDrawList){ NULL, 0, color }, &canvas), ==, 0);
	return canvas;
}

static void test_jpeg_colours(void)
{
	static const uint32_t colours[] = { 0xff0000, 0x00ff00, 0x0000ff, 0xffffff,
					    0x000000, 0x808080, 0x336699 };

	for (size_t i = 0; i < G_N_ELEMENTS(colours); i++) {
		g_autoptr(HwFrame) canvas = composed(colours[i]);
		g_autoptr(GBytes) jpeg = NULL;
		uint8_t rgb[3];
		int w, h;

		g_assert_cmpint(hw_frame_to_jpeg(canvas, 320, 320, 95, &jpeg), ==, 0);
		jpeg_rgb(jpeg, &w, &h, rgb);
		g_assert_cmpint(w, ==, 320);
		g_assert_cmpint(h, ==, 180);
		for (int c = 0; c < 3; c++)
			g_assert_cmpint(abs(rgb[c] - (int)(colours[i] >> (16 - 8 * c) & 0xff)), <=,
					5);
	}
}

static void test_jpeg_sizes(void)
{
	static const HwFormat formats[] = { HW_FORMAT_I420, HW_FORMAT_NV12, HW_FORMAT_BGRA };

	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		g_autoptr(HwFrame) f = new_frame(formats[i], 175, 143);
		HwMapping m = map_frame(f);
		size_t small_len, large_len;

		for (int p = 0; p < 3 && m.data[p]; p++)
			for (int y = 0; y < (p ? 72 : 143); y++)
				for (int x = 0; x < m.stride[p]; x++)
					m.data[p][y * m.stride[p] + x] =
						(uint8_t)(x * y + x / 3 * p);
		for (int size = 1; size < 400; size += 57) {
			g_autoptr(GBytes) good = NULL, poor = NULL;

			g_assert_cmpint(hw_frame_to_jpeg(f, size, size, 95, &good), ==, 0);
			g_assert_cmpint(hw_frame_to_jpeg(f, size, size, 5, &poor), ==, 0);
			large_len = g_bytes_get_size(good);
			small_len = g_bytes_get_size(poor);
			/* of a few pixels the headers are all there is */
			if (size > 16)
				g_assert_cmpuint(small_len, <, large_len);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hw/frame/layout", test_layout);
	g_test_add_func("/hw/frame/serials", test_serials);
	g_test_add_func("/hw/frame/pool-budget", test_pool_budget);
	g_test_add_func("/hw/frame/pool-threads", test_pool_threads);
	g_test_add_func("/hw/frame/jpeg-colours", test_jpeg_colours);
	g_test_add_func("/hw/frame/jpeg-sizes", test_jpeg_sizes);
	return g_test_run();
}
