#include "tests/tools/clip.h"

#include <math.h>
#include <stdbool.h>

#ifdef __clang__
#define VECTORIZE
#else
#define VECTORIZE __attribute__((optimize("O3")))
#endif

#define NOISE_SIZE (1 << 16)

typedef struct Plane {
	int w, h;
	uint8_t *px;
} Plane;

/* A part that moves: its picture and how much it covers, luma size; chroma at half size. */
typedef struct Sprite {
	Plane y, a, u, v, ca;
} Sprite;

struct McuClip {
	int width, height;
	uint32_t seed;
	Plane room[3];
	Sprite person, hand;
	int8_t noise[NOISE_SIZE];
};

static uint32_t hash(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352dU;
	x ^= x >> 15;
	x *= 0x846ca68bU;
	return x ^ x >> 16;
}

static float unit(uint32_t seed, int x, int y)
{
	return (float)(hash(seed ^ hash((uint32_t)x * 0x9e3779b1U ^ hash((uint32_t)y))) & 0xffff) /
	       65535.0f;
}

static float smooth(float t)
{
	return t * t * (3 - 2 * t);
}

/* Value noise in 0..1: random heights on a grid of `cell` pixels, smoothly joined. */
static float value_noise(uint32_t seed, float x, float y, float cell)
{
	float gx = x / cell, gy = y / cell;
	int ix = (int)floorf(gx), iy = (int)floorf(gy);
	float fx = smooth(gx - (float)ix), fy = smooth(gy - (float)iy);
	float top = unit(seed, ix, iy) * (1 - fx) + unit(seed, ix + 1, iy) * fx;
	float bottom = unit(seed, ix, iy + 1) * (1 - fx) + unit(seed, ix + 1, iy + 1) * fx;

	return top * (1 - fy) + bottom * fy;
}

static float texture(uint32_t seed, float x, float y, float cell)
{
	return 0.5f * value_noise(seed, x, y, cell) + 0.3f * value_noise(seed + 1, x, y, cell / 3) +
	       0.2f * value_noise(seed + 2, x, y, cell / 9);
}

static void plane_new(Plane *p, int w, int h)
{
	p->w = w;
	p->h = h;
	p->px = g_malloc0((size_t)w * (size_t)h);
}

static uint8_t to_u8(float v)
{
	return (uint8_t)CLAMP(v, 0.0f, 255.0f);
}

/* Wall with a shelf of books and a window: edges, texture and a soft gradient. */
static float room_luma(const McuClip *c, int x, int y)
{
	float h = (float)c->height, fx = (float)x / h, fy = (float)y / h;
	float v = 90 + 40 * texture(c->seed, (float)x, (float)y, h / 3) + 30 * (1 - fy);
	float shelf = 0.12f + 0.2f * unit(c->seed, 1, 7);

	if (fy > shelf && fy < shelf + 0.22f && fx > 0.1f && fx < 0.55f) {
		int book = (int)(fx * 48);

		v = 50 + 120 * unit(c->seed, book, 3) +
		    15 * texture(c->seed + 9, (float)x, (float)y, h / 20);
	}
	if (fx > 1.2f && fx < 1.6f && fy > 0.1f && fy < 0.5f)
		v = 190 + 30 * texture(c->seed + 5, (float)x, (float)y, h / 6);
	return v;
}

static void make_room(McuClip *c)
{
	float tint = unit(c->seed, 5, 5) * 24 - 12;

	plane_new(&c->room[0], c->width, c->height);
	for (int y = 0; y < c->height; y++)
		for (int x = 0; x < c->width; x++)
			c->room[0].px[y * c->width + x] = to_u8(room_luma(c, x, y));
	for (int i = 1; i < 3; i++) {
		int w = c->width / 2, h = c->height / 2;

		plane_new(&c->room[i], w, h);
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w; x++) {
				float t = texture(c->seed + 20 + (uint32_t)i, (float)x, (float)y,
						  (float)h / 3);
				float around = i == 1 ? 128 + tint : 128 - tint;

				c->room[i].px[y * w + x] = to_u8(around + 24 * (t - 0.5f));
			}
	}
}

/* Signed size of an ellipse at a point: > 0 inside, 1 in the middle. */
static float ellipse(float x, float y, float cx, float cy, float rx, float ry)
{
	float dx = (x - cx) / rx, dy = (y - cy) / ry;

	return 1 - dx * dx - dy * dy;
}

typedef struct Pixel {
	float y, u, v, a;
} Pixel;

static Pixel person_pixel(uint32_t seed, float x, float y, float scale)
{
	float fx = x / scale, fy = y / scale; /* 0..1 by 0..1 */
	float head = ellipse(fx, fy, 0.5f, 0.32f, 0.17f, 0.23f);
	float body = ellipse(fx, fy, 0.5f, 1.05f, 0.42f, 0.5f);
	float skin = 110 + 70 * unit(seed, 2, 2);
	Pixel p = { 0 };

	if (body > 0) {
		p.y = 60 + 90 * unit(seed, 3, 3) + 20 * sinf(fy * 90) +
		      25 * texture(seed + 40, x, y, scale / 8);
		p.u = 128 + 40 * (unit(seed, 4, 4) - 0.5f);
		p.v = 128 + 40 * (unit(seed, 5, 4) - 0.5f);
		p.a = MIN(1, body * 20);
	}
	if (head > 0) {
		bool hair = fy < 0.2f + 0.05f * value_noise(seed + 50, x, y, scale / 20);
		float eyes = MAX(ellipse(fx, fy, 0.43f, 0.3f, 0.025f, 0.012f),
				 ellipse(fx, fy, 0.57f, 0.3f, 0.025f, 0.012f));
		float nose = ellipse(fx, fy, 0.5f, 0.37f, 0.02f, 0.04f);

		p.y = skin * (0.75f + 0.3f * head - 0.2f * (fx - 0.5f)) +
		      10 * texture(seed + 60, x, y, scale / 12) + (nose > 0 ? 12 * nose : 0);
		p.u = 112;
		p.v = 150;
		if (hair)
			p = (Pixel){ .y = 35 + 40 * texture(seed + 70, x * 4, y, scale / 10),
				     .u = 124,
				     .v = 132 };
		if (eyes > 0)
			p.y = 40;
		p.a = MIN(1, head * 20);
	}
	return p;
}

static Pixel hand_pixel(uint32_t seed, float x, float y, float scale)
{
	float fx = x / scale, fy = y / scale;
	float palm = ellipse(fx, fy, 0.5f, 0.6f, 0.3f, 0.35f);
	Pixel p = { .y = 120 + 70 * unit(seed, 2, 2), .u = 112, .v = 150 };

	for (int i = 0; i < 4; i++)
		palm = MAX(palm, ellipse(fx, fy, 0.28f + 0.15f * (float)i, 0.28f, 0.06f, 0.26f));
	p.y = MIN(220, p.y * (0.75f + 0.3f * palm) + 8 * texture(seed + 80, x, y, scale / 6));
	p.a = CLAMP(palm * 12, 0, 1);
	return p;
}

static void make_sprite(Sprite *s, uint32_t seed, int size,
			Pixel (*pixel)(uint32_t seed, float x, float y, float scale))
{
	int half = size / 2;

	plane_new(&s->y, size, size);
	plane_new(&s->a, size, size);
	plane_new(&s->u, half, half);
	plane_new(&s->v, half, half);
	plane_new(&s->ca, half, half);
	for (int y = 0; y < size; y++)
		for (int x = 0; x < size; x++) {
			Pixel p = pixel(seed, (float)x, (float)y, (float)size);
			int at = y * size + x, half_at = y / 2 * half + x / 2;

			s->y.px[at] = to_u8(p.y);
			s->a.px[at] = to_u8(p.a * 255);
			if (x & 1 || y & 1 || x / 2 >= half || y / 2 >= half)
				continue;
			s->u.px[half_at] = to_u8(p.u);
			s->v.px[half_at] = to_u8(p.v);
			s->ca.px[half_at] = to_u8(p.a * 255);
		}
}

McuClip *mcu_clip_new(int width, int height, uint32_t seed)
{
	McuClip *c = g_new0(McuClip, 1);

	g_assert(width >= 16 && height >= 16 && width <= 4096 && height <= 4096);
	g_assert(width % 2 == 0 && height % 2 == 0);
	c->width = width;
	c->height = height;
	c->seed = hash(seed + 1);
	make_room(c);
	make_sprite(&c->person, c->seed, MAX(8, height * 9 / 10 & ~1), person_pixel);
	make_sprite(&c->hand, c->seed, MAX(4, height / 4 & ~1), hand_pixel);
	/* the sum of four even distributions is near enough to a bell: sigma about 1.7 */
	for (int i = 0; i < NOISE_SIZE; i++) {
		int sum = 0;

		for (int k = 0; k < 4; k++)
			sum += (int)(hash(c->seed + (uint32_t)(i * 4 + k)) % 7) - 3;
		c->noise[i] = (int8_t)(sum * 3 / 7);
	}
	return c;
}

static void sprite_free(Sprite *s)
{
	g_free(s->y.px);
	g_free(s->a.px);
	g_free(s->u.px);
	g_free(s->v.px);
	g_free(s->ca.px);
}

void mcu_clip_free(McuClip *c)
{
	if (!c)
		return;
	for (int i = 0; i < 3; i++)
		g_free(c->room[i].px);
	sprite_free(&c->person);
	sprite_free(&c->hand);
	g_free(c);
}

VECTORIZE static void light_row(uint8_t *dst, const uint8_t *src, int n, unsigned gain)
{
	for (int i = 0; i < n; i++) {
		unsigned v = (src[i] * gain + 128) >> 8;

		dst[i] = (uint8_t)(v > 255 ? 255 : v);
	}
}

VECTORIZE static void noise_row(uint8_t *dst, const int8_t *noise, int n)
{
	for (int i = 0; i < n; i++) {
		int v = dst[i] + noise[i];

		dst[i] = (uint8_t)(v < 16 ? 16 : v > 235 ? 235 : v);
	}
}

/* One row of a sprite at a place between pixels: fx of 16 to the right. */
VECTORIZE static void sprite_row(uint8_t *dst, const uint8_t *px, const uint8_t *alpha, int n,
				 unsigned fx)
{
	for (int i = 0; i < n - 1; i++) {
		unsigned v = (px[i + 1] * (16 - fx) + px[i] * fx) >> 4;
		unsigned a = (alpha[i + 1] * (16 - fx) + alpha[i] * fx) >> 4;

		dst[i] = (uint8_t)((v * a + dst[i] * (255 - a) + 127) / 255);
	}
}

static void draw_plane(uint8_t *dst, int stride, int w, int h, const Plane *px, const Plane *alpha,
		       int x16, int y)
{
	int x = x16 >> 4, skip = MAX(0, -x), n = MIN(px->w, w - x) - skip;

	if (n < 2)
		return;
	for (int row = MAX(0, -y); row < px->h && row + y < h; row++)
		sprite_row(dst + (ptrdiff_t)(row + y) * stride + x + skip,
			   px->px + row * px->w + skip, alpha->px + row * alpha->w + skip, n,
			   (unsigned)(x16 & 15));
}

static void draw_sprite(const McuClip *c, const Sprite *s, double cx, double cy,
			uint8_t *const data[3], const int stride[3])
{
	int x16 = (int)floor((cx - s->y.w / 2.0) * 16), y = (int)floor(cy - s->y.h / 2.0) & ~1;

	draw_plane(data[0], stride[0], c->width, c->height, &s->y, &s->a, x16, y);
	draw_plane(data[1], stride[1], c->width / 2, c->height / 2, &s->u, &s->ca, x16 / 2, y / 2);
	draw_plane(data[2], stride[2], c->width / 2, c->height / 2, &s->v, &s->ca, x16 / 2, y / 2);
}

/* Talking: the mouth opens and closes in an uneven rhythm. */
static void draw_mouth(const McuClip *c, double head_x, double top, double t, uint8_t *luma,
		       int stride)
{
	double size = c->person.y.h, open = 0.5 + 0.5 * sin(t * 11) * sin(t * 3.1);
	double ry = size * (0.006 + 0.03 * open), rx = size * 0.05;
	double cy = top + size * 0.45;

	for (int y = MAX(0, (int)(cy - ry)); y < MIN(c->height, (int)(cy + ry) + 1); y++)
		for (int x = MAX(0, (int)(head_x - rx)); x < MIN(c->width, (int)(head_x + rx) + 1);
		     x++)
			if (ellipse((float)x, (float)y, (float)head_x, (float)cy, (float)rx,
				    (float)ry) > 0)
				luma[(ptrdiff_t)y * stride + x] = 55;
}

static void draw_noise(const McuClip *c, int64_t n, uint8_t *const data[3], const int stride[3])
{
	uint32_t picture = hash(c->seed ^ (uint32_t)n);

	for (int i = 0; i < 3; i++) {
		int w = i ? c->width / 2 : c->width, h = i ? c->height / 2 : c->height;

		for (int y = 0; y < h; y++) {
			uint32_t at =
				hash(picture + (uint32_t)(y * 3 + i)) % (uint32_t)(NOISE_SIZE - w);

			noise_row(data[i] + (ptrdiff_t)y * stride[i], c->noise + at, w);
		}
	}
}

void mcu_clip_render(McuClip *c, int64_t n, uint8_t *const data[3], const int stride[3])
{
	double t = (double)n / 30, phase = (c->seed & 0xff) / 40.0;
	unsigned gain = (unsigned)(256 + 4 * sin(t * 1.3 + phase) + 2 * sin(t * 12));
	double x = c->width * (0.5 + 0.05 * sin(t * 0.9 + phase) + 0.01 * sin(t * 5));
	double y = c->height * (0.58 + 0.015 * sin(t * 1.7 + phase));
	double hand = MAX(0.0, sin(t * 0.6 + phase)); /* waves now and then */

	for (int i = 0; i < 3; i++) {
		const Plane *room = &c->room[i];

		for (int row = 0; row < room->h; row++)
			light_row(data[i] + (ptrdiff_t)row * stride[i],
				  room->px + (ptrdiff_t)row * room->w, room->w, i ? 256 : gain);
	}
	draw_sprite(c, &c->person, x, y, data, stride);
	draw_mouth(c, x, y - c->person.y.h / 2.0, t, data[0], stride[0]);
	draw_sprite(c, &c->hand, x + c->height * (0.5 + 0.08 * sin(t * 9) * hand),
		    c->height * (1.1 - 0.5 * hand), data, stride);
	draw_noise(c, n, data, stride);
}
