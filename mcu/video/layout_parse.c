/* Layout files: YAML -> validated McuLayout. The format is described in
 * config/layouts/speaker.yaml.
 *
 *   text -> yaml_document -> read_*(): one function per mapping -> check_variant(): geometry
 */
#include <string.h>
#include <yaml.h>

#include "video/layout.h"
#include "video/layout_priv.h"

/* Smallest slot: a twelfth of the canvas, so that one has pixels on the smallest canvas. */
#define MIN_SHARE       12
#define MAX_DENOMINATOR 1000
#define MAX_GAP_SHARE   20

typedef struct Parse {
	yaml_document_t *doc;
	const char *where;
	McuLayout *layout;
	McuDiag *diag;
} Parse;

static void at_node(Parse *p, const yaml_node_t *node)
{
	mcu_diag_where(p->diag, (unsigned)node->start_mark.line + 1,
		       (unsigned)node->start_mark.column + 1, "%s", p->where);
}

#define FAIL(p, node, ...) (at_node(p, node), mcu_diag((p)->diag, -EINVAL, __VA_ARGS__))

static const char *kind_name(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SCALAR_NODE:
		return "a scalar";
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_MAPPING_NODE:
		return "a mapping";
	default:
		return "nothing";
	}
}

/* Text of a scalar without NUL inside, or NULL. */
static const char *scalar(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE || strlen(text) != node->data.scalar.length)
		return NULL;
	return text;
}

/* --- scalars --- */

typedef struct Word {
	const char *text;
	int value;
} Word;

static const Word fits[] = { { "letterbox", MCU_FIT_LETTERBOX },
			     { "crop", MCU_FIT_CROP },
			     { "auto", MCU_FIT_AUTO },
			     { NULL, 0 } };
static const Word whos[] = { { "speaker", MCU_SLOT_SPEAKER },
			     { "order", MCU_SLOT_ORDER },
			     { NULL, 0 } };
static const Word strips[] = { { "horizontal", STRIP_HORIZONTAL },
			       { "vertical", STRIP_VERTICAL },
			       { NULL, 0 } };
static const Word aligns[] = {
	{ "start", ALIGN_START }, { "center", ALIGN_CENTER }, { "end", ALIGN_END }, { NULL, 0 }
};
static const Word grids[] = { { "best", GRID_BEST }, { "square", GRID_SQUARE }, { NULL, 0 } };
static const Word bools[] = { { "false", 0 }, { "true", 1 }, { NULL, 0 } };

static int read_word(Parse *p, const yaml_node_t *node, const Word *words, int *ret)
{
	const char *text = scalar(node);
	g_autoptr(GString) expected = g_string_new(NULL);

	for (const Word *w = words; w->text; w++) {
		if (text && !strcmp(text, w->text)) {
			*ret = w->value;
			return 0;
		}
		g_string_append_printf(expected, "%s%s", w == words ? "" : " | ", w->text);
	}
	return FAIL(p, node, "found \"%.40s\", expected %s", text ? text : kind_name(node),
		    expected->str);
}

/* Decimal number without sign; false when it is none or larger than `max`. */
static bool read_digits(const char **text, int64_t max, int64_t *ret)
{
	int64_t v = 0;

	if (!g_ascii_isdigit(**text))
		return false;
	for (; g_ascii_isdigit(**text); (*text)++) {
		v = v * 10 + (**text - '0');
		if (v > max)
			return false;
	}
	*ret = v;
	return true;
}

static int read_count(Parse *p, const yaml_node_t *node, unsigned max, unsigned *ret)
{
	const char *text = scalar(node), *s = text;
	int64_t v;

	if (!text || !read_digits(&s, max, &v) || *s || v < 1)
		return FAIL(p, node, "found \"%.40s\", expected a number from 1 to %u",
			    text ? text : kind_name(node), max);
	*ret = (unsigned)v;
	return 0;
}

static int read_frac(Parse *p, const yaml_node_t *node, Frac *ret)
{
	const char *text = scalar(node), *s = text;
	Frac f = { 0, 1 };
	bool ok = text && read_digits(&s, MAX_DENOMINATOR, &f.num);

	if (ok && *s == '/') {
		s++;
		ok = read_digits(&s, MAX_DENOMINATOR, &f.den);
	}
	if (!ok || *s || f.den == 0 || f.num > f.den)
		return FAIL(p, node,
			    "found \"%.40s\", expected a fraction from 0 to 1 such as 1/3, with a "
			    "denominator up to %d",
			    text ? text : kind_name(node), MAX_DENOMINATOR);
	*ret = f;
	return 0;
}

/* --- mappings --- */

typedef int (*ReadKey)(Parse *p, const char *key, const yaml_node_t *value, void *into);

/* Calls `read` for each key; it returns -ENOENT for a key it does not know. */
static int read_mapping(Parse *p, const yaml_node_t *node, const char *known, ReadKey read,
			void *into)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	if (node->type != YAML_MAPPING_NODE)
		return FAIL(p, node, "found %s, expected a mapping of %s", kind_name(node), known);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(p->doc, pair->key);
		yaml_node_t *value = yaml_document_get_node(p->doc, pair->value);
		const char *name = scalar(key);
		int err = name ? read(p, name, value, into) : -ENOENT;

		if (err == -ENOENT)
			return FAIL(p, key, "found key \"%.40s\", expected one of %s",
				    name ? name : kind_name(key), known);
		if (err < 0)
			return err;
		if (!g_hash_table_add(seen, (char *)name))
			return FAIL(p, key, "found key \"%.40s\" twice", name);
	}
	return 0;
}

typedef struct EntryRead {
	Entry e;
	unsigned have; /* bits: x y w h cells align */
} EntryRead;

enum { HAVE_X = 1, HAVE_Y = 2, HAVE_W = 4, HAVE_H = 8, HAVE_CELLS = 16, HAVE_ALIGN = 32 };

static int read_entry_frac(Parse *p, EntryRead *r, unsigned bit, const yaml_node_t *value,
			   Frac *ret)
{
	r->have |= bit;
	return read_frac(p, value, ret);
}

static int read_entry_key(Parse *p, const char *key, const yaml_node_t *value, void *into)
{
	EntryRead *r = into;
	int word = 0, err;

	if (!strcmp(key, "x"))
		return read_entry_frac(p, r, HAVE_X, value, &r->e.at.x);
	if (!strcmp(key, "y"))
		return read_entry_frac(p, r, HAVE_Y, value, &r->e.at.y);
	if (!strcmp(key, "w"))
		return read_entry_frac(p, r, HAVE_W, value, &r->e.at.w);
	if (!strcmp(key, "h"))
		return read_entry_frac(p, r, HAVE_H, value, &r->e.at.h);
	if (!strcmp(key, "cells")) {
		r->have |= HAVE_CELLS;
		return read_count(p, value, MIN_SHARE, &r->e.cells);
	}
	if (!strcmp(key, "who")) {
		err = read_word(p, value, whos, &word);
		r->e.who = (McuSlotWho)word;
	} else if (!strcmp(key, "fit")) {
		err = read_word(p, value, fits, &word);
		r->e.fit = (McuFit)word;
	} else if (!strcmp(key, "over")) {
		err = read_word(p, value, bools, &word);
		r->e.over = word;
	} else if (!strcmp(key, "strip")) {
		err = read_word(p, value, strips, &word);
		r->e.strip = (Strip)word;
	} else if (!strcmp(key, "align")) {
		r->have |= HAVE_ALIGN;
		err = read_word(p, value, aligns, &word);
		r->e.align = (Align)word;
	} else {
		err = -ENOENT;
	}
	return err;
}

/* --- geometry --- */

static int cmp_frac(Frac a, Frac b)
{
	int64_t d = a.num * b.den - b.num * a.den;

	return d < 0 ? -1 : d > 0;
}

static Frac add_frac(Frac a, Frac b)
{
	return (Frac){ a.num * b.den + b.num * a.den, a.den * b.den };
}

static bool ranges_overlap(Frac a, Frac a_len, Frac b, Frac b_len)
{
	return cmp_frac(a, add_frac(b, b_len)) < 0 && cmp_frac(b, add_frac(a, a_len)) < 0;
}

static bool regions_overlap(const Region *a, const Region *b)
{
	return ranges_overlap(a->x, a->w, b->x, b->w) && ranges_overlap(a->y, a->h, b->y, b->h);
}

static int check_entry(Parse *p, const yaml_node_t *node, const EntryRead *r)
{
	const Entry *e = &r->e;
	const Frac one = { 1, 1 };
	Frac least_w = { e->strip == STRIP_HORIZONTAL ? e->cells : 1, MIN_SHARE };
	Frac least_h = { e->strip == STRIP_VERTICAL ? e->cells : 1, MIN_SHARE };

	if ((r->have & 15) != 15)
		return FAIL(p, node, "found a slot without all of x, y, w, h");
	if (e->strip == STRIP_NO && r->have & (HAVE_CELLS | HAVE_ALIGN))
		return FAIL(p, node, "found cells or align, expected them only beside strip");
	if (e->strip != STRIP_NO && !(r->have & HAVE_CELLS))
		return FAIL(p, node, "found a strip without cells");
	if (e->strip != STRIP_NO && e->who == MCU_SLOT_SPEAKER)
		return FAIL(p, node, "found a strip for the speaker, expected who: order");
	if (cmp_frac(add_frac(e->at.x, e->at.w), one) > 0 ||
	    cmp_frac(add_frac(e->at.y, e->at.h), one) > 0)
		return FAIL(p, node,
			    "found a slot that leaves the canvas, expected x+w and y+h up to 1");
	if (cmp_frac(e->at.w, least_w) < 0 || cmp_frac(e->at.h, least_h) < 0)
		return FAIL(p, node,
			    "found a slot smaller than 1/%d of the canvas in width or height",
			    MIN_SHARE);
	return 0;
}

/* The last entry of `v` against those before it. */
static int check_against_others(Parse *p, const yaml_node_t *node, const Variant *v)
{
	const Entry *e = &v->entries[v->n - 1];
	size_t slots = 0, speakers = 0;

	for (size_t i = 0; i < v->n; i++) {
		const Entry *o = &v->entries[i];

		slots += o->cells;
		speakers += o->who == MCU_SLOT_SPEAKER;
		if (o != e && e->over == o->over && regions_overlap(&e->at, &o->at))
			return FAIL(p, node,
				    "found slot %zu on top of slot %zu, expected none to overlap "
				    "but by "
				    "\"over: true\"",
				    v->n, i + 1);
		if (o != e && o->over && !e->over && regions_overlap(&e->at, &o->at))
			return FAIL(p, node,
				    "found slot %zu below the later slot %zu: list it first", i + 1,
				    v->n);
	}
	if (slots > MCU_MAX_SLOTS)
		return FAIL(p, node, "found more than %d slots", MCU_MAX_SLOTS);
	if (speakers > 1)
		return FAIL(p, node, "found two slots for the speaker, expected at most one");
	return 0;
}

/* --- variants --- */

static int read_slots(Parse *p, const yaml_node_t *node, Variant *v)
{
	if (node->type != YAML_SEQUENCE_NODE ||
	    node->data.sequence.items.start == node->data.sequence.items.top)
		return FAIL(p, node, "found %s, expected a list of slots",
			    node->type == YAML_SEQUENCE_NODE ? "an empty list" : kind_name(node));
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		yaml_node_t *slot = yaml_document_get_node(p->doc, *item);
		EntryRead r = { .e = { .fit = p->layout->fit,
				       .who = MCU_SLOT_ORDER,
				       .strip = STRIP_NO,
				       .cells = 1,
				       .align = ALIGN_CENTER } };
		int err;

		if (v->n == MCU_MAX_SLOTS)
			return FAIL(p, slot, "found more than %d slots", MCU_MAX_SLOTS);
		err = read_mapping(p, slot, "x y w h who fit over strip cells align",
				   read_entry_key, &r);
		if (err == 0)
			err = check_entry(p, slot, &r);
		if (err < 0)
			return err;
		v->entries[v->n++] = r.e;
		err = check_against_others(p, slot, v);
		if (err < 0)
			return err;
	}
	return 0;
}

static int read_variant_key(Parse *p, const char *key, const yaml_node_t *value, void *into)
{
	Variant *v = into;

	if (!strcmp(key, "upto"))
		return read_count(p, value, MCU_MAX_SLOTS, &v->upto);
	if (!strcmp(key, "slots"))
		return read_slots(p, value, v);
	return -ENOENT;
}

/* The variant's order: rising `upto`, and only the last one without. */
static int check_variant(Parse *p, const yaml_node_t *node, size_t i, bool last)
{
	const Variant *v = &p->layout->variants[i];

	if (v->n == 0)
		return FAIL(p, node, "found a variant without slots");
	if (last && v->upto)
		return FAIL(p, node,
			    "found upto in the last variant, which is for all larger numbers");
	if (!last && !v->upto)
		return FAIL(p, node, "found a variant without upto before the last one");
	if (!last && i > 0 && v->upto <= p->layout->variants[i - 1].upto)
		return FAIL(p, node, "found upto: %u after upto: %u, expected rising numbers",
			    v->upto, p->layout->variants[i - 1].upto);
	return 0;
}

static int read_variants(Parse *p, const yaml_node_t *node)
{
	yaml_node_item_t *items, *end;

	if (node->type != YAML_SEQUENCE_NODE)
		return FAIL(p, node, "found %s, expected a list of variants", kind_name(node));
	items = node->data.sequence.items.start;
	end = node->data.sequence.items.top;
	if (items == end || end - items > MCU_MAX_LAYOUT_VARIANTS)
		return FAIL(p, node, "found %d variants, expected 1 to %d", (int)(end - items),
			    MCU_MAX_LAYOUT_VARIANTS);
	for (; items < end; items++) {
		yaml_node_t *item = yaml_document_get_node(p->doc, *items);
		size_t i = p->layout->n_variants;
		int err = read_mapping(p, item, "upto slots", read_variant_key,
				       &p->layout->variants[i]);

		if (err == 0)
			err = check_variant(p, item, i, items + 1 == end);
		if (err < 0)
			return err;
		p->layout->n_variants++;
	}
	return 0;
}

/* --- the file --- */

typedef struct FileRead {
	unsigned rules;                      /* how many of grid, slots, variants */
	const yaml_node_t *slots, *variants; /* read last: they use the defaults */
	bool have_max;
} FileRead;

int mcu_layout_check_name(const char *name, McuDiag *reterr)
{
	size_t n =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_");

	if (n == 0 || name[n] || n > MCU_MAX_LAYOUT_NAME)
		return mcu_diag(
			reterr, -EINVAL,
			"found layout name \"%.40s\", expected 1 to %d of A-Z a-z 0-9 + - _", name,
			MCU_MAX_LAYOUT_NAME);
	return 0;
}

static int read_name(Parse *p, const yaml_node_t *node)
{
	const char *text = scalar(node);

	at_node(p, node);
	if (!text)
		return FAIL(p, node, "found %s, expected a name", kind_name(node));
	if (mcu_layout_check_name(text, p->diag) < 0)
		return -EINVAL;
	g_strlcpy(p->layout->name, text, sizeof p->layout->name);
	return 0;
}

static int read_file_key(Parse *p, const char *key, const yaml_node_t *value, void *into)
{
	FileRead *f = into;
	int word = 0, err;

	if (!strcmp(key, "name"))
		return read_name(p, value);
	if (!strcmp(key, "gap")) {
		err = read_frac(p, value, &p->layout->gap);
		if (err == 0 && p->layout->gap.num * MAX_GAP_SHARE > p->layout->gap.den)
			return FAIL(p, value, "found a gap over 1/%d", MAX_GAP_SHARE);
		return err;
	}
	if (!strcmp(key, "fit")) {
		err = read_word(p, value, fits, &word);
		p->layout->fit = (McuFit)word;
		return err;
	}
	if (!strcmp(key, "max")) {
		f->have_max = true;
		return read_count(p, value, MCU_MAX_SLOTS, &p->layout->grid_max);
	}
	if (!strcmp(key, "grid")) {
		f->rules++;
		err = read_word(p, value, grids, &word);
		p->layout->grid = (GridShape)word;
		return err;
	}
	if (!strcmp(key, "slots"))
		f->slots = value;
	else if (!strcmp(key, "variants"))
		f->variants = value;
	else
		return -ENOENT;
	f->rules++;
	return 0;
}

static int read_file(Parse *p)
{
	yaml_node_t *root = yaml_document_get_root_node(p->doc);
	FileRead f = { 0 };
	int err;

	if (!root) {
		mcu_diag_where(p->diag, 1, 1, "%s", p->where);
		return mcu_diag(p->diag, -EINVAL, "found an empty file, expected a layout");
	}
	err = read_mapping(p, root, "name gap fit grid max slots variants", read_file_key, &f);
	if (err < 0)
		return err;
	if (!p->layout->name[0])
		return FAIL(p, root, "found no name");
	if (f.rules != 1)
		return FAIL(p, root, "found %u of grid, slots and variants, expected one", f.rules);
	if (f.have_max && p->layout->grid == GRID_NONE)
		return FAIL(p, root, "found max, expected it only beside grid");
	if (f.variants)
		return read_variants(p, f.variants);
	if (f.slots) {
		p->layout->n_variants = 1;
		return read_slots(p, f.slots, &p->layout->variants[0]);
	}
	return 0;
}

int mcu_layout_parse(const char *text, size_t len, const char *where, McuLayout **ret,
		     McuDiag *reterr)
{
	g_autoptr(McuLayout) layout = mcu_layout_alloc("");
	yaml_parser_t parser;
	yaml_document_t doc;
	int err;

	mcu_diag_where(reterr, 0, 0, "%s", where);
	if (len > MCU_MAX_LAYOUT_FILE)
		return mcu_diag(reterr, -EOVERFLOW, "found %zu bytes, expected at most %d", len,
				MCU_MAX_LAYOUT_FILE);
	if (!yaml_parser_initialize(&parser))
		return mcu_diag(reterr, -ENOMEM, "out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &doc)) {
		mcu_diag_where(reterr, (unsigned)parser.problem_mark.line + 1,
			       (unsigned)parser.problem_mark.column + 1, "%s", where);
		err = mcu_diag(reterr, -EINVAL, "not YAML: %s",
			       parser.problem ? parser.problem : "?");
	} else {
		Parse p = { &doc, where, layout, reterr };

		err = read_file(&p);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	if (err == 0)
		*ret = g_steal_pointer(&layout);
	return err;
}
