#include "camera.h"

#include <libyuv.h>
#include <math.h>

#include "film.h"
#include "paint.h"

struct McuCamera {
	McuCameraConfig config;
	double film_fps;
	uint64_t film_taken; /* pictures taken from the film so far */
	McuFilm *film;
	HwFrame *background, *film_picture;
	double hue;
};

static int open_film(McuCamera *c, McuDiag *reterr)
{
	McuCameraConfig *config = &c->config;
	int r = mcu_film_open(config->file, false, &c->film, reterr);

	if (r < 0)
		return r;
	if (!mcu_film_width(c->film))
		return mcu_diag(reterr, -ENOTSUP, "%s has no picture", config->file);
	c->film_fps = mcu_film_fps(c->film);
	if (!config->fps)
		config->fps = (int)fmin(fmax(lrint(c->film_fps), 1), 60);
	if (!config->width) {
		config->width = mcu_film_width(c->film);
		config->height = mcu_film_height(c->film);
		while (config->width > 1280 || config->height > 720) {
			config->width /= 2;
			config->height /= 2;
		}
		config->width &= ~1;
		config->height &= ~1;
	}
	return 0;
}

bool mcu_camera_size_ok(int width, int height, int fps)
{
	return width >= 160 && height >= 90 && width <= 1920 && height <= 1080 && width % 2 == 0 &&
	       height % 2 == 0 && fps >= 1 && fps <= 60;
}

int mcu_camera_new(const McuCameraConfig *config, McuCamera **ret, McuDiag *reterr)
{
	g_autoptr(McuCamera) c = g_new0(McuCamera, 1);
	HwMapping map;
	int r;

	c->config = *config;
	c->hue = 0.02 + 0.62 * fmod(config->look * 0.637, 1); /* no purple: that is the mark's */
	if (config->file && (r = open_film(c, reterr)) < 0)
		return r;
	if (!mcu_camera_size_ok(c->config.width, c->config.height, c->config.fps))
		return mcu_diag(reterr, -EINVAL,
				"video %dx%d@%d; expected even sizes from 160x90@1 to 1920x1080@60",
				c->config.width, c->config.height, c->config.fps);
	r = hw_frame_new(HW_FORMAT_I420, c->config.width, c->config.height, &c->background);
	if (r < 0 || (r = hw_frame_map(c->background, &map)) < 0)
		return r;
	mcu_paint_gradient(&map, mcu_paint_hsv(c->hue, 0.35, 0.85),
			   mcu_paint_hsv(c->hue + 0.08, 0.55, 0.45));
	*ret = g_steal_pointer(&c);
	return 0;
}

void mcu_camera_free(McuCamera *c)
{
	if (!c)
		return;
	mcu_film_free(c->film);
	hw_frame_unref(c->background);
	hw_frame_unref(c->film_picture);
	g_free(c);
}

int mcu_camera_width(const McuCamera *c)
{
	return c->config.width;
}

int mcu_camera_height(const McuCamera *c)
{
	return c->config.height;
}

int mcu_camera_fps(const McuCamera *c)
{
	return c->config.fps;
}

/* --- the drawn person; lengths in eighteenths of the picture's height --- */

static void shape(const HwMapping *pic, double x, double y, double rx, double ry, McuPaint paint)
{
	double unit = pic->height / 18.0;
	McuEllipse e = { pic->width / 2.0 + x * unit, y * unit, rx * unit, ry * unit };

	mcu_paint_ellipse(pic, &e, paint, 1);
}

/* Lights out of focus that drift behind the person. */
static void draw_lights(const McuCamera *c, const HwMapping *pic, double t)
{
	for (int i = 0; i < 4; i++) {
		double phase = t * (0.21 + 0.07 * i) + i * 1.9 + c->config.look;
		McuEllipse e = { pic->width * (0.5 + 0.46 * sin(phase)),
				 pic->height * (0.5 + 0.4 * cos(phase * 0.8 + i)),
				 pic->height * (0.08 + 0.03 * i), pic->height * (0.08 + 0.03 * i) };

		mcu_paint_ellipse(pic, &e, mcu_paint_hsv(c->hue + 0.1 * i, 0.3, 0.95), 0.25);
	}
}

static void draw_person(const McuCamera *c, const HwMapping *pic, double t, double loudness)
{
	double tone = fmod(c->config.look * 0.31, 1);
	McuPaint skin = mcu_paint_hsv(0.06, 0.35 + 0.2 * tone, 0.95 - 0.45 * tone);
	McuPaint shade = mcu_paint_hsv(0.05, 0.4 + 0.2 * tone, 0.8 - 0.4 * tone);
	McuPaint hair = mcu_paint_hsv(0.08, 0.5, 0.1 + 0.45 * fmod(c->config.look * 0.53, 1));
	McuPaint dark = mcu_paint_hsv(0, 0.4, 0.15), white = { 230, 128, 128 };
	McuPaint shirt = mcu_paint_hsv(c->hue + 0.45, 0.5, 0.6);
	double x = 0.5 * sin(t * 0.9 + c->config.look), y = 12.2 + 0.15 * sin(t * 1.7);
	double lid = fmod(t + c->config.look * 0.7, 3.7) < 0.15 ? 0.1 : 1;

	shape(pic, x * 0.4, 19.2, 6.2, 4.4, shirt);
	shape(pic, x * 0.7, y + 2.9, 1.0, 1.6, shade);
	shape(pic, x, y - 0.5, 2.75, 3.2, hair);
	shape(pic, x, y + 0.1, 2.35, 2.9, skin);
	shape(pic, x * 1.05, y - 2.2, 2.0, 0.8, hair);
	for (int side = -1; side <= 1; side += 2) {
		shape(pic, x * 1.1 + side * 0.95, y - 0.4, 0.5, 0.34 * lid, white);
		shape(pic, x * 1.2 + side * 0.95, y - 0.4, 0.22, 0.24 * lid, dark);
		shape(pic, x * 1.1 + side * 0.95, y - 1.05, 0.6, 0.12, hair);
	}
	shape(pic, x * 1.15, y + 0.6, 0.24, 0.42, shade);
	shape(pic, x * 1.1, y + 1.65, 0.85 - 0.15 * loudness, 0.12 + 0.55 * loudness, dark);
}

static void copy(const HwMapping *from, const HwMapping *to)
{
	I420Copy(from->data[0], from->stride[0], from->data[1], from->stride[1], from->data[2],
		 from->stride[2], to->data[0], to->stride[0], to->data[1], to->stride[1],
		 to->data[2], to->stride[2], to->width, to->height);
}

static int draw(McuCamera *c, double t, double loudness, const HwMapping *to)
{
	HwMapping from;
	int r = hw_frame_map(c->background, &from);

	if (r < 0)
		return r;
	copy(&from, to);
	draw_lights(c, to, t);
	draw_person(c, to, t, loudness);
	return 0;
}

/* --- the film --- */

static int next_film_picture(McuCamera *c)
{
	for (int rewinds = 0; rewinds < 2;) {
		McuFilmPiece piece;
		int r = mcu_film_next(c->film, &piece);

		if (r == -EAGAIN) {
			rewinds++;
			r = mcu_film_rewind(c->film);
			if (r < 0)
				return r;
			continue;
		}
		if (r < 0)
			return r;
		hw_frame_unref(c->film_picture);
		c->film_picture = piece.picture;
		c->film_taken++;
		return 0;
	}
	return -EIO;
}

static int show_film(McuCamera *c, uint64_t n, const HwMapping *to)
{
	uint64_t due = (uint64_t)((double)n * c->film_fps / c->config.fps) + 1;
	HwMapping from;
	int r;

	while (c->film_taken < due)
		if ((r = next_film_picture(c)) < 0)
			return r;
	r = hw_frame_map(c->film_picture, &from);
	if (r < 0)
		return r;
	return I420Scale(from.data[0], from.stride[0], from.data[1], from.stride[1], from.data[2],
			 from.stride[2], from.width, from.height, to->data[0], to->stride[0],
			 to->data[1], to->stride[1], to->data[2], to->stride[2], to->width,
			 to->height, kFilterBox)
		       ? -EIO
		       : 0;
}

int mcu_camera_take(McuCamera *c, uint64_t n, int64_t wall_ms, double loudness, HwFrame **ret)
{
	g_autoptr(HwFrame) frame = NULL;
	HwMapping map;
	int r = hw_frame_new(HW_FORMAT_I420, c->config.width, c->config.height, &frame);

	if (r < 0 || (r = hw_frame_map(frame, &map)) < 0)
		return r;
	r = c->film ? show_film(c, n, &map) : draw(c, (double)n / c->config.fps, loudness, &map);
	if (r < 0)
		return r;
	if (c->config.mark) {
		McuMark mark = { (uint8_t)c->config.mark, (uint16_t)wall_ms };

		r = mcu_mark_draw(&map, mark);
		if (r < 0)
			return r;
	}
	*ret = g_steal_pointer(&frame);
	return 0;
}
