/* Inside of a layout, shared by the parser and the geometry. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "video/layout.h"

/* A fraction 0..1; den 1..1000 in files. */
typedef struct Frac {
	int64_t num, den;
} Frac;

typedef struct Region {
	Frac x, y, w, h;
} Region;

typedef enum GridShape {
	GRID_NONE = 1, /* the variants say where slots are */
	GRID_BEST,     /* largest 16:9 tiles */
	GRID_SQUARE,   /* n x n cells */
} GridShape;

typedef enum Strip {
	STRIP_NO = 1, /* one slot */
	STRIP_HORIZONTAL,
	STRIP_VERTICAL,
} Strip;

typedef enum Align {
	ALIGN_START = 1,
	ALIGN_CENTER,
	ALIGN_END,
} Align;

/* One entry of `slots:`, a slot or a strip of up to `cells` slots. */
typedef struct Entry {
	Region at;
	McuFit fit;
	McuSlotWho who;
	bool over;
	Strip strip;
	unsigned cells; /* 1 for a slot */
	Align align;
} Entry;

typedef struct Variant {
	unsigned upto; /* used for at most this many participants; 0 = any number */
	size_t n;
	Entry entries[MCU_MAX_SLOTS];
} Variant;

struct McuLayout {
	_Atomic unsigned refs;
	char name[MCU_MAX_LAYOUT_NAME + 1];
	Frac gap; /* of the canvas's shorter side */
	McuFit fit;
	GridShape grid;
	unsigned grid_max;
	size_t n_variants;
	Variant variants[]; /* room for MCU_MAX_LAYOUT_VARIANTS */
};

/** Empty layout with the defaults. Internal to layout*.c. */
McuLayout *mcu_layout_alloc(const char *name);

/** -EINVAL and a sentence when `name` cannot be a layout's. */
int mcu_layout_check_name(const char *name, McuDiag *reterr) MCU_WARN_UNUSED;
