#include "mark.h"

#include <math.h>
#include <string.h>

/* The frame: saturated in both chroma planes, which camera pictures hardly ever are. */
#define FRAME_Y 96
#define FRAME_U 206
#define FRAME_V 206
/* A dimmed frame keeps a third of its saturation. */
#define CHROMA_LEVEL  (128 + 22)
#define BLACK_Y       24
#define WHITE_Y       226
#define MIN_CONTRAST  24
#define MIN_CHROMA_W  18
#define MIN_CHROMA_H  10
#define MAX_RUNS      4096
#define DATA_BITS     24
#define CRC_BITS      12
#define CRC12_POLY    0x80f
#define CRC12_INITIAL 0x5a5

static unsigned crc12(uint32_t data)
{
	unsigned crc = CRC12_INITIAL;

	for (int bit = DATA_BITS - 1; bit >= 0; bit--) {
		unsigned top = (crc >> (CRC_BITS - 1) & 1) ^ (data >> bit & 1);

		crc = crc << 1 & 0xfff;
		if (top)
			crc ^= CRC12_POLY;
	}
	return crc;
}

uint64_t mcu_mark_pack(McuMark mark)
{
	uint32_t data = (uint32_t)mark.id << 16 | mark.clock_ms;

	return (uint64_t)data << CRC_BITS | crc12(data);
}

int mcu_mark_unpack(uint64_t bits, McuMark *ret)
{
	uint32_t data = (uint32_t)(bits >> CRC_BITS);

	if ((bits & 0xfff) != crc12(data) || data >> DATA_BITS)
		return -EINVAL;
	*ret = (McuMark){ .id = (uint8_t)(data >> 16), .clock_ms = (uint16_t)data };
	return 0;
}

/* --- drawing --- */

static void fill(const HwMapping *pic, HwRect r, uint8_t y, uint8_t u, uint8_t v)
{
	for (int row = r.y; row < r.y + r.h; row++)
		memset(pic->data[0] + row * pic->stride[0] + r.x, y, (size_t)r.w);
	for (int row = r.y / 2; row < (r.y + r.h) / 2; row++) {
		memset(pic->data[1] + row * pic->stride[1] + r.x / 2, u, (size_t)r.w / 2);
		memset(pic->data[2] + row * pic->stride[2] + r.x / 2, v, (size_t)r.w / 2);
	}
}

/* Edge of cell n, even so that chroma edges coincide with luma edges. */
static int edge(int origin, double cell, int n)
{
	return (origin + (int)lround(cell * n)) & ~1;
}

int mcu_mark_draw(const HwMapping *pic, McuMark mark)
{
	uint64_t bits = mcu_mark_pack(mark);
	double cell = pic->height / (double)MCU_MARK_PICTURE_CELLS;
	int left = (int)lround((pic->width - cell * MCU_MARK_CELLS_X) / 2);
	int top = (int)lround(cell * MCU_MARK_TOP_CELLS);
	int bit = DATA_BITS + CRC_BITS - 1;

	if (pic->format != HW_FORMAT_I420 || pic->width < 160 || pic->height < 90 ||
	    pic->width < pic->height)
		return -EINVAL;
	for (int row = 0; row < MCU_MARK_CELLS_Y; row++) {
		int y0 = edge(top, cell, row), y1 = edge(top, cell, row + 1);

		for (int col = 0; col < MCU_MARK_CELLS_X; col++) {
			int x0 = edge(left, cell, col), x1 = edge(left, cell, col + 1);
			HwRect r = { x0, y0, x1 - x0, y1 - y0 };
			bool data = row > 0 && row <= MCU_MARK_ROWS && col > 0 &&
				    col <= MCU_MARK_COLUMNS;

			if (!data)
				fill(pic, r, FRAME_Y, FRAME_U, FRAME_V);
			else
				fill(pic, r, bits >> bit-- & 1 ? WHITE_Y : BLACK_Y, 128, 128);
		}
	}
	return 0;
}

/* --- finding: runs of magenta per chroma row, joined into regions --- */

typedef struct Run {
	int16_t x0, x1, y; /* x1 exclusive */
	int16_t parent;    /* union-find over runs */
} Run;

typedef struct Region {
	int x0, y0, x1, y1, area;
} Region;

typedef struct Search {
	Run runs[MAX_RUNS];
	Region regions[MAX_RUNS];
	uint8_t row[HW_MAX_SIZE / 2 + 8];
	int n_runs;
} Search;

static int root_of(Run *runs, int i)
{
	while (runs[i].parent != i) {
		runs[i].parent = runs[runs[i].parent].parent;
		i = runs[i].parent;
	}
	return i;
}

/* Join the runs of one row, [from, n_runs), with those of the row above, [above, from). */
static void join_rows(Search *s, int above, int from)
{
	int i = above;

	for (int j = from; j < s->n_runs; j++) {
		while (i < from && s->runs[i].x1 < s->runs[j].x0)
			i++;
		for (int k = i; k < from && s->runs[k].x0 <= s->runs[j].x1; k++) {
			int a = root_of(s->runs, k), b = root_of(s->runs, j);

			s->runs[MAX(a, b)].parent = (int16_t)MIN(a, b);
		}
	}
}

/* False when the picture is so full of magenta that it cannot hold readable marks. */
static bool scan_row(Search *s, const HwMapping *pic, int y)
{
	const uint8_t *u = pic->data[1] + y * pic->stride[1];
	const uint8_t *v = pic->data[2] + y * pic->stride[2];
	int width = pic->width / 2;

	for (int x = 0; x < width; x++)
		s->row[x] = (u[x] > CHROMA_LEVEL) & (v[x] > CHROMA_LEVEL);
	for (int x = 0; x < width;) {
		const uint8_t *start = memchr(s->row + x, 1, (size_t)(width - x));
		const uint8_t *end;
		Run *run = &s->runs[s->n_runs];

		if (!start)
			break;
		end = memchr(start, 0, (size_t)(s->row + width - start));
		if (s->n_runs == MAX_RUNS)
			return false;
		run->x0 = (int16_t)(start - s->row);
		run->x1 = (int16_t)(end ? end - s->row : width);
		run->y = (int16_t)y;
		run->parent = (int16_t)s->n_runs++;
		x = run->x1;
	}
	return true;
}

static void measure_regions(Search *s)
{
	for (int i = 0; i < s->n_runs; i++)
		s->regions[i] = (Region){ INT16_MAX, INT16_MAX, 0, 0, 0 };
	for (int i = 0; i < s->n_runs; i++) {
		const Run *run = &s->runs[i];
		Region *r = &s->regions[root_of(s->runs, i)];

		r->x0 = MIN(r->x0, run->x0);
		r->x1 = MAX(r->x1, run->x1);
		r->y0 = MIN(r->y0, run->y);
		r->y1 = MAX(r->y1, run->y + 1);
		r->area += run->x1 - run->x0;
	}
}

static bool looks_like_frame(const Region *r)
{
	int w = r->x1 - r->x0, h = r->y1 - r->y0;
	double full = MCU_MARK_CELLS_X * MCU_MARK_CELLS_Y;
	double ring = 1 - MCU_MARK_COLUMNS * MCU_MARK_ROWS / full;
	double aspect = w / (double)MAX(h, 1), area = r->area / (double)MAX(w * h, 1);

	return w >= MIN_CHROMA_W && h >= MIN_CHROMA_H && aspect > 1.3 && aspect < 2.6 &&
	       area > ring * 0.6 && area < ring * 1.5;
}

/* Mean luma of the middle of a cell. */
static unsigned cell_mean(const HwMapping *pic, const Region *r, int col, int row)
{
	double w = 2.0 * (r->x1 - r->x0) / MCU_MARK_CELLS_X;
	double h = 2.0 * (r->y1 - r->y0) / MCU_MARK_CELLS_Y;
	int x0 = (int)lround(2 * r->x0 + w * (col + 0.28)),
	    x1 = (int)(2 * r->x0 + w * (col + 0.72));
	int y0 = (int)lround(2 * r->y0 + h * (row + 0.28)),
	    y1 = (int)(2 * r->y0 + h * (row + 0.72));
	unsigned sum = 0;

	x1 = MAX(x1, x0 + 1);
	y1 = MAX(y1, y0 + 1);
	for (int y = y0; y < y1; y++)
		for (int x = x0; x < x1; x++)
			sum += pic->data[0][y * pic->stride[0] + x];
	return sum / (unsigned)((x1 - x0) * (y1 - y0));
}

static bool read_region(const HwMapping *pic, const Region *r, McuMarkHit *hit)
{
	unsigned mean[MCU_MARK_ROWS * MCU_MARK_COLUMNS], lo = 255, hi = 0;
	uint64_t bits = 0;

	for (int i = 0; i < MCU_MARK_ROWS * MCU_MARK_COLUMNS; i++) {
		mean[i] = cell_mean(pic, r, 1 + i % MCU_MARK_COLUMNS, 1 + i / MCU_MARK_COLUMNS);
		lo = MIN(lo, mean[i]);
		hi = MAX(hi, mean[i]);
	}
	if (hi - lo < MIN_CONTRAST)
		return false;
	for (int i = 0; i < MCU_MARK_ROWS * MCU_MARK_COLUMNS; i++)
		bits = bits << 1 | (mean[i] > (lo + hi) / 2);
	hit->rect = (HwRect){ 2 * r->x0, 2 * r->y0, 2 * (r->x1 - r->x0), 2 * (r->y1 - r->y0) };
	hit->contrast = (uint8_t)(hi - lo);
	return mcu_mark_unpack(bits, &hit->mark) == 0;
}

int mcu_mark_read(const HwMapping *pic, HwRect rect, McuMarkHit *ret)
{
	Region r = { rect.x / 2, rect.y / 2, (rect.x + rect.w) / 2, (rect.y + rect.h) / 2, 0 };

	if (pic->format != HW_FORMAT_I420 || rect.x < 0 || rect.y < 0 ||
	    rect.w < 2 * MIN_CHROMA_W || rect.h < 2 * MIN_CHROMA_H ||
	    rect.x + rect.w > pic->width || rect.y + rect.h > pic->height)
		return -EINVAL;
	return read_region(pic, &r, ret) ? 0 : -EINVAL;
}

int mcu_mark_find(const HwMapping *pic, McuMarkHit *hits, size_t max)
{
	g_autofree Search *s = NULL;
	size_t n = 0;
	int above = 0, from = 0;

	if (pic->format != HW_FORMAT_I420 || pic->width > HW_MAX_SIZE || pic->height > HW_MAX_SIZE)
		return -EINVAL;
	s = g_try_new(Search, 1);
	if (!s)
		return -ENOMEM;
	s->n_runs = 0;
	for (int y = 0; y < pic->height / 2 && scan_row(s, pic, y); y++) {
		join_rows(s, above, from);
		above = from;
		from = s->n_runs;
	}
	measure_regions(s);
	for (int i = 0; i < s->n_runs && n < MIN(max, MCU_MARK_MAX); i++)
		if (looks_like_frame(&s->regions[i]) && read_region(pic, &s->regions[i], &hits[n]))
			n++;
	return (int)n;
}

HwRect mcu_mark_tile(HwRect mark)
{
	double cell = mark.h / (double)MCU_MARK_CELLS_Y;
	int h = (int)lround(cell * MCU_MARK_PICTURE_CELLS);
	int w = h * 16 / 9;

	return (HwRect){ mark.x + mark.w / 2 - w / 2,
			 mark.y - (int)lround(cell * MCU_MARK_TOP_CELLS), w, h };
}
