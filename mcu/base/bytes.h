/* Bounds-checked big-endian reader and writer over memory. Sticky error: check once at the end. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct McuReader {
	const uint8_t *p;
	size_t left;
	bool failed; /* a read went past the end; all later reads give 0 */
} McuReader;

static inline McuReader mcu_reader(const void *data, size_t len)
{
	return (McuReader){ .p = data, .left = len };
}

/** Take n bytes; NULL (and failed) when fewer are left. */
static inline const uint8_t *mcu_read_bytes(McuReader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->failed || r->left < n) {
		r->failed = true;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static inline uint8_t mcu_read_u8(McuReader *r)
{
	const uint8_t *p = mcu_read_bytes(r, 1);
	return p ? p[0] : 0;
}

static inline uint16_t mcu_read_u16(McuReader *r)
{
	const uint8_t *p = mcu_read_bytes(r, 2);
	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t mcu_read_u24(McuReader *r)
{
	const uint8_t *p = mcu_read_bytes(r, 3);
	return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t mcu_read_u32(McuReader *r)
{
	const uint8_t *p = mcu_read_bytes(r, 4);
	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t mcu_read_u64(McuReader *r)
{
	uint64_t hi = mcu_read_u32(r);
	return hi << 32 | mcu_read_u32(r);
}

typedef struct McuWriter {
	uint8_t *start;
	uint8_t *p;
	size_t left;
	bool failed; /* a write went past the end; nothing was written since */
} McuWriter;

static inline McuWriter mcu_writer(void *buf, size_t size)
{
	return (McuWriter){ .start = buf, .p = buf, .left = size };
}

/** Bytes written so far. */
static inline size_t mcu_writer_len(const McuWriter *w)
{
	return (size_t)(w->p - w->start);
}

/** Reserve n bytes; NULL (and failed) when fewer are left. */
static inline uint8_t *mcu_write_skip(McuWriter *w, size_t n)
{
	uint8_t *p = w->p;

	if (w->failed || w->left < n) {
		w->failed = true;
		return NULL;
	}
	w->p += n;
	w->left -= n;
	return p;
}

static inline void mcu_write_bytes(McuWriter *w, const void *bytes, size_t n)
{
	uint8_t *p = mcu_write_skip(w, n);
	if (p && n)
		memcpy(p, bytes, n);
}

static inline void mcu_write_u8(McuWriter *w, uint8_t v)
{
	mcu_write_bytes(w, &v, 1);
}

static inline void mcu_put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void mcu_put_u32(uint8_t *p, uint32_t v)
{
	mcu_put_u16(p, (uint16_t)(v >> 16));
	mcu_put_u16(p + 2, (uint16_t)v);
}

static inline void mcu_write_u16(McuWriter *w, uint16_t v)
{
	uint8_t *p = mcu_write_skip(w, 2);
	if (p)
		mcu_put_u16(p, v);
}

static inline void mcu_write_u24(McuWriter *w, uint32_t v)
{
	mcu_write_u8(w, (uint8_t)(v >> 16));
	mcu_write_u16(w, (uint16_t)v);
}

static inline void mcu_write_u32(McuWriter *w, uint32_t v)
{
	uint8_t *p = mcu_write_skip(w, 4);
	if (p)
		mcu_put_u32(p, v);
}

static inline void mcu_write_u64(McuWriter *w, uint64_t v)
{
	mcu_write_u32(w, (uint32_t)(v >> 32));
	mcu_write_u32(w, (uint32_t)v);
}
